/** Errors as text, as JSON, as annotations, and as exit codes. @module */

import {
  type CompletedStep,
  ConfigurationError,
  type FilePosition,
  InterruptedError,
  LockHeldError,
  LockLostError,
  MigrationFileError,
  SupamigrateError,
  UnknownOutcomeError,
  UnreachableError,
} from "../errors.ts";
import { shorten, shortenSaid } from "../shorten.ts";
import { measure } from "./columns.ts";
import { indent, line, neutralize } from "./neutral.ts";

/** The exit codes, as `--help` explains them. */
export const EXIT_CODES = {
  done: 0,
  failed: 1,
  usage: 2,
  locked: 3,
  unknown: 4,
  interrupted: 130,
} as const;

/**
 * The exit code that an error stands for.
 *
 * @param error What was thrown.
 */
export function toExitCode(error: unknown): number {
  if (error instanceof LockHeldError || error instanceof LockLostError) return EXIT_CODES.locked;
  if (error instanceof UnreachableError || error instanceof UnknownOutcomeError) {
    return EXIT_CODES.unknown;
  }
  if (error instanceof InterruptedError) return EXIT_CODES.interrupted;
  if (error instanceof ConfigurationError) return EXIT_CODES.usage;
  return EXIT_CODES.failed;
}

/**
 * An error as its reader needs it: what, where, and what to do next.
 *
 * @param error What was thrown.
 */
export function formatError(error: unknown): string {
  if (!(error instanceof SupamigrateError)) {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    return `❌ Migration command failed, which is a defect of supamigrate:\n   ${indent(text, 3)}`;
  }
  if (error instanceof MigrationFileError && error.others.length > 0) {
    return formatRefusals([error, ...error.others]);
  }
  const lines = [`❌ Migration command failed: ${indent(shortenSaid(error.message), 3)}`];
  if (error instanceof MigrationFileError) lines.push(...formatPosition(error.position));
  if (error.completed.length > 0) {
    lines.push(
      "   Done before, and still done:",
      ...formatSteps(error.completed),
    );
  }
  if (error.hint !== undefined) lines.push(`💡 ${indent(shortenSaid(error.hint), 3)}`);
  return lines.join("\n");
}

/** How many mistakes are shown. */
const SHOWN_REFUSALS = 50;

function formatRefusals(refusals: readonly MigrationFileError[]): string {
  const files = new Set(refusals.map(({ position }) => position.file)).size;
  const shown = refusals.slice(0, SHOWN_REFUSALS);
  const left = refusals.length - shown.length;
  return [
    `❌ Migration command failed: ${refusals.length} mistakes in ${files} file${
      files === 1 ? "" : "s"
    }, and nothing was sent`,
    ...shown.flatMap((refusal) => ["", ...formatRefusal(refusal)]),
    ...(left > 0 ? ["", `… and ${left} more`] : []),
  ].join("\n");
}

/**
 * One of several reasons why files cannot be sent.
 *
 * @param refusal The reason, and where it stands.
 */
export function formatRefusal(
  { message, position, hint }: Pick<MigrationFileError, "message" | "position" | "hint">,
): string[] {
  return [
    `❌ ${indent(shortenSaid(message), 3)}`,
    ...formatPosition(position),
    ...(hint === undefined ? [] : [`   💡 ${indent(hint, 6)}`]),
  ];
}

function formatSteps(steps: readonly CompletedStep[]): string[] {
  const select = (action: CompletedStep["action"]) =>
    steps.filter((step) => step.action === action).map(({ name }) => name);
  const dropped = select("drop");
  return [
    ...select("rollback").map((name) => line`     ${name} rolled back`),
    ...(dropped.length === 0 ? [] : [formatDropped(dropped)]),
    ...select("apply").map((name) => line`     ${name} applied`),
  ];
}

/** There may be hundreds. */
function formatDropped(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return line`     dropped: ${names.slice(0, 3).join(", ")}${more}`;
}

/**
 * A place in a file, with its line and a caret.
 *
 * @param position The place.
 * @param occurrences How often what is meant stands in the statement, the first time here.
 */
export function formatPosition(
  { file, line: number, column, excerpt }: FilePosition,
  occurrences = 1,
): string[] {
  const where = [file, number, column].filter((it) => it !== undefined).join(":");
  const place = occurrences === 1
    ? line`   at ${where}`
    : line`   near ${where}, the first of ${occurrences} places that have the name`;
  if (excerpt === undefined || number === undefined) return [place];
  const margin = `   ${number} | `;
  const characters = [...excerpt.replaceAll("\t", " ")];
  const at = (column ?? 1) - 1;
  // A long line is cut so that the caret stays in sight, and between words: see shorten().
  let start = Math.max(0, at - 59);
  while (start > 0 && start < at && /\S/.test(characters[start - 1]!)) start++;
  const cut = start === 0 ? "" : "…";
  const lines = [place, `${margin}${cut}${shorten(characters.slice(start).join(""), 100)}`];
  if (column !== undefined) {
    const before = cut + neutralize(characters.slice(start, at).join(""));
    lines.push(`${" ".repeat(margin.length + measure(before))}^`);
  }
  return lines;
}

/**
 * An error for programs.
 *
 * @param error What was thrown.
 */
export function toJsonError(error: unknown): JsonError {
  const known = error instanceof SupamigrateError ? error : undefined;
  return {
    success: false,
    error: {
      type: known?.name ?? "Defect",
      message: error instanceof Error ? error.message : String(error),
      ...(known?.hint === undefined ? {} : { hint: known.hint }),
      ...(error instanceof MigrationFileError
        ? {
          position: error.position,
          ...(error.others.length > 0 ? { others: toJson(error.others) } : {}),
        }
        : {}),
      ...(error instanceof LockHeldError ? { holder: error.holder, ageMs: error.ageMs } : {}),
      ...(known === undefined || known.completed.length === 0
        ? {}
        : { completed: known.completed }),
      exitCode: toExitCode(error),
    },
  };
}

function toJson(refusals: readonly MigrationFileError[]): OtherRefusal[] {
  return refusals.map(({ message, position, hint }) => ({
    message,
    ...(hint === undefined ? {} : { hint }),
    position,
  }));
}

/** One more file that cannot be sent. */
export interface OtherRefusal {
  readonly message: string;
  readonly hint?: string;
  readonly position: FilePosition;
}

/** An error as programs get it. */
export interface JsonError {
  readonly success: false;
  readonly error: {
    /** Which kind of error it is: its class, or `Defect`. */
    readonly type: string;
    readonly message: string;
    /** What to do next. */
    readonly hint?: string;
    /** Where in which file, where it is about one. */
    readonly position?: FilePosition;
    /** Further ones of the same kind. */
    readonly others?: readonly OtherRefusal[];
    /** Who holds the lock, where another run does. */
    readonly holder?: string | null;
    /** For how long, in milliseconds. */
    readonly ageMs?: number | null;
    /** What was done before, and stays done. */
    readonly completed?: readonly CompletedStep[];
    readonly exitCode: number;
  };
}

/** How GitHub shows an annotation. */
export type AnnotationLevel = "error" | "warning" | "notice";

/**
 * A GitHub Actions annotation, which shows at the line of the file.
 *
 * @param message What to show.
 * @param position Where.
 * @param folder The folder of the migrations, as the repository names it.
 * @param level How it is shown.
 */
export function formatAnnotation(
  message: string,
  position: FilePosition,
  folder: string,
  level: AnnotationLevel = "error",
): string {
  // No carriage return is left to be escaped as %0D.
  const escape = (text: string) => neutralize(text).replaceAll("%", "%25").replaceAll("\n", "%0A");
  const property = (text: string) => escape(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
  const place = [
    `file=${property(`${folder}/${position.file}`)}`,
    ...(position.line === undefined ? [] : [`line=${position.line}`]),
    ...(position.column === undefined ? [] : [`col=${position.column}`]),
  ];
  return `::${level} ${place.join(",")}::${escape(shortenSaid(message))}`;
}
