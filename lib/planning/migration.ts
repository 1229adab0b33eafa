/** What a migration is, and what the history says of it. @module */

import type { Section } from "./sections.ts";

/** A migration as its file says it. */
export interface Migration {
  /** The file's name, which is the migration's identity. */
  readonly name: string;
  /** What is applied. */
  readonly forward: Section;
  /** What undoes it, where the file says so. */
  readonly rollback: RollbackSection | null;
  /** SHA-256 of the forward part. */
  readonly checksum: string;
  /** SHA-256 of its statements, without the comments and the white space between them. */
  readonly statementsChecksum: string;
  /** It is what `create` made, and nobody has written anything into it. */
  readonly isTemplate: boolean;
  /** Comments before its first banner that speak to this tool, such as allowances. */
  readonly head?: string;
}

/** The rollback part of a migration, and the file that it stands in. */
export interface RollbackSection extends Section {
  /** `X.sql`, or `X.down.sql` beside it. */
  readonly file: string;
  /** SHA-256 of the text. */
  readonly checksum: string;
}

/** Why a migration is pending. */
export type PendingReason =
  | "not_executed"
  | "checksum_mismatch"
  | "failed_previously"
  | "rolled_back";

/** How the last attempt at a migration ended. */
export type MigrationStatus = "completed" | "failed" | "rolled_back";

/** What PostgreSQL said of a failed migration, and where. */
export interface MigrationFailure {
  /** SQLSTATE. */
  readonly code: string;
  /** PostgreSQL's message. */
  readonly message: string;
  /** Its DETAIL. */
  readonly detail?: string;
  /** Its HINT. */
  readonly hint?: string;
  /** Where inside a function or `DO` block. */
  readonly context?: string;
  /** Which part failed: undoing the old version, the statements, or the checks at the end. */
  readonly part?: "undo" | "statements" | "end";
  /** Which statement of that part, from 1. */
  readonly statement?: number;
  /** The line of the file, from 1: that of the mistake where it can be told, else the statement's. */
  readonly line?: number;
  /** The name that the message is about, where it is known. */
  readonly place?: FailurePlace;
  /** Whose locks it could not wait for. */
  readonly blockedBy?: readonly Blocker[];
  /** How often it was tried to get its locks. */
  readonly attempts?: number;
}

/** A session that others wait for. */
export interface Blocker {
  /** The server's process. */
  readonly pid: number;
  /** The role that it has logged in as. */
  readonly user: string | null;
  /** What it calls itself. */
  readonly application: string | null;
  /** `active`, `idle in transaction` and the like. */
  readonly state: string | null;
  /** How old its transaction is, in milliseconds. */
  readonly ageMs: number | null;
  /** The beginning of what it runs, or has run last. */
  readonly query: string | null;
}

/**
 * Where in a file the name stands that an error is about. It is a thing of its own: PostgreSQL's
 * errors have a `column` too, which is the name of a table's column.
 */
export interface FailurePlace {
  /** What it stands in, where that is not the migration's file: what undoes it, beside it or stored. */
  readonly file?: string;
  /** The column of the line, in characters from 1. */
  readonly column: number;
  /** The text of the line; left out where it holds what looks like a key or a password. */
  readonly excerpt?: string;
  /** How often the statement has that name, where it is more than once: this is the first. */
  readonly occurrences?: number;
}

/** One row of the history: what is in the database, and how the last attempt ended. */
export interface HistoryEntry {
  /** The migration's name. */
  readonly name: string;
  /** The batch it was applied in first since it was last undone, or else last tried in. */
  readonly batch: number;
  /** When, as an ISO 8601 time of the server. */
  readonly executedAt: string;
  /** How long it ran, in milliseconds. */
  readonly executionTimeMs: number;
  /** SHA-256 of the forward part that was tried last. */
  readonly checksum: string;
  /** SHA-256 of the forward part whose effect is in the database, or null. */
  readonly appliedChecksum: string | null;
  /** SHA-256 of the statements of that version, or null where it was not noted. */
  readonly statementsChecksum: string | null;
  /**
   * Where in the order of application it stands, counted from its first application since it was
   * last undone; null where the audit log does not know.
   */
  readonly position: number | null;
  /** How the last attempt ended. */
  readonly status: MigrationStatus;
  /** SHA-256 of the stored rollback SQL, or null where there is none. */
  readonly rollbackChecksum: string | null;
  /** The audit log says the same: which version is applied, and which rollback SQL is stored. */
  readonly vouched: boolean;
  /** What the last attempt failed with, or null. */
  readonly error: MigrationFailure | null;
  /** What is done of a migration of several steps that is not done as a whole, or null. */
  readonly progress: StepProgress | null;
}

/** Which of the two is done with a migration. */
export type Purpose = "apply" | "revert";

/** What is done of a migration of several steps. */
export interface StepProgress {
  /** Whether it is being applied or undone. */
  readonly purpose: Purpose;
  /** How many steps there are. */
  readonly steps: number;
  /** SHA-256 of each step that is done, in order. */
  readonly digests: readonly string[];
  /** A step outside a transaction that has begun, and whose end nobody has seen yet. */
  readonly outside?: { readonly digest: string };
  /** A step that is committed in ranges, and has not come to its end. */
  readonly batch?: BatchProgress;
}

/** How far a migration of several steps is. */
export interface StepCount {
  /** How many of its steps are done. */
  readonly done: number;
  /** How many there are. */
  readonly total: number;
  /** How far the step behind these is, where it is committed in ranges and has begun; else left out. */
  readonly batch?: BatchProgress;
}

/** How far a step is that is committed in ranges, in the form of `sql/batches.sql`. */
export interface BatchProgress {
  /** SHA-256 of the step. */
  readonly digest: string;
  /** The table, with its schema. */
  readonly table: string;
  /** The column that ranges are of. */
  readonly key: string;
  /** The key up to which it is done. */
  readonly after: string;
  /** How many ranges are done. */
  readonly ranges: number;
  /** How many rows of the table these were. */
  readonly passed: number;
  /** How many rows were changed, deleted or added. */
  readonly affected: number;
  /** About how many rows the table had when it began; null where the server does not know. */
  readonly total: number | null;
  /** How many rows the last range was to have. */
  readonly rows: number;
  /** The generation of the lock under which that was done. */
  readonly generation: number;
}

/** A migration that is to be run. */
export interface PendingMigration {
  /** The migration. */
  readonly migration: Migration;
  /** Why it is pending. */
  readonly reason: PendingReason;
  /** The version in the database before, where there is one. */
  readonly applied: HistoryEntry | null;
}

/** A file that has another name than the migration that it is. */
export interface Rename {
  /** The name in the history. */
  readonly from: string;
  /** The name of the file. */
  readonly to: string;
}
