/**
 * The errors that callers branch on. Each class stands for one exit code of the
 * command line; everything else that is thrown is a defect.
 *
 * @module
 */

/** What every error of this package carries beside its message. */
export interface ErrorDetails {
  /** What the reader can do next, as a whole sentence or several lines. */
  readonly hint?: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** A step that was done, and stays done. */
export interface CompletedStep {
  /** What was done: a migration applied or rolled back, or an object of the application dropped. */
  readonly action: "apply" | "rollback" | "drop";
  /** The migration, or what was dropped, such as `table public.notes`. */
  readonly name: string;
}

/** The base of all errors that this package throws on purpose. */
export abstract class SupamigrateError extends Error {
  /** What to do next. */
  readonly hint?: string;
  /** What was done before the error ended the operation, in order. */
  completed: readonly CompletedStep[] = [];

  /**
   * @param message What could not be done, and why.
   * @param details The hint and the cause, where there are any.
   */
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = new.target.name;
    if (details.hint !== undefined) this.hint = details.hint;
  }
}

/**
 * The call, a setting, a file or the project is not fit for what was asked.
 * Nothing was changed. Exit code 2.
 */
export class ConfigurationError extends SupamigrateError {}

/** Where in a migration file something was found. Lines and columns count from 1. */
export interface FilePosition {
  /** The file's name, or the migration's where it did not come from a folder. */
  readonly file: string;
  /** The line, where it is known. */
  readonly line?: number;
  /** The column in characters, where it is known. */
  readonly column?: number;
  /** The text of that line, where showing it helps. */
  readonly excerpt?: string;
}

/** A migration file cannot be used as it is. Nothing was sent. Exit code 2. */
export class MigrationFileError extends ConfigurationError {
  /** Where in the file. */
  readonly position: FilePosition;
  /** What else was found in the same run, in this file and in others, in order. */
  others: readonly MigrationFileError[] = [];

  /**
   * @param message What is wrong with the file.
   * @param position Where in the file.
   * @param details The hint and the cause, where there are any.
   */
  constructor(
    message: string,
    position: FilePosition,
    details: ErrorDetails = {},
  ) {
    super(message, details);
    this.position = position;
  }
}

/** Another run, or another process on the embedded folder, is at work. Exit code 3. */
export class LockHeldError extends SupamigrateError {
  /** Who holds the lock, as it was recorded. */
  readonly holder?: string;
  /** How long it has been held, in milliseconds on the server's clock. */
  readonly ageMs?: number;

  /**
   * @param message What could not be done.
   * @param details The holder and the age, the hint and the cause.
   */
  constructor(
    message: string,
    details: ErrorDetails & { holder?: string; ageMs?: number } = {},
  ) {
    super(message, details);
    if (details.holder !== undefined) this.holder = details.holder;
    if (details.ageMs !== undefined) this.ageMs = details.ageMs;
  }
}

/**
 * The lock that this run held was taken from it (expired or unlocked). Nothing
 * was changed since. Exit code 3.
 */
export class LockLostError extends SupamigrateError {}

/** The server cannot be reached, or answers as no Supabase project does. Exit code 4. */
export class UnreachableError extends SupamigrateError {}

/** A change was sent and nobody could say whether it took effect. Exit code 4. */
export class UnknownOutcomeError extends SupamigrateError {}

/** The run was asked to stop and did so between two steps. Exit code 130. */
export class InterruptedError extends SupamigrateError {}
