/** Takes a migration file apart into what is applied and what undoes it. @module */

import { MigrationFileError } from "../errors.ts";
import { holdsStatements, type LineComment, scanComments } from "./lexer.ts";

/** A part of a file. */
export interface Section {
  /** Its text, with LF line ends. */
  readonly sql: string;
  /** The line of the file that it starts on, from 1. */
  readonly line: number;
}

/** The parts of a migration file. */
export interface Sections {
  /** What is applied. */
  readonly forward: Section;
  /** What undoes it; null where the file has nothing to run there. */
  readonly rollback: Section | null;
}

const BANNER = /^--[\s=*#-]*(forward migration|rollback)[\s=*#:-]*$/i;
const NEARLY_BANNER =
  /^--[\s=*#-]*(?:down|undo|revert|rollback)(?: (?:migration|section|sql|script))?[\s=*#:-]*$/i;
const RULE = /^--[\s=*#-]*[=*#-]$/;
const FOREIGN_BANNER = /^--\s*(migrate:(?:up|down)|\+goose\s+(?:up|down))\b/i;

/**
 * Undoes what editors do to text: a byte-order mark and CR or CRLF line ends.
 *
 * @param text A file's content.
 * @returns The text as it is checksummed, parsed and sent.
 */
export function normalizeText(text: string): string {
  return text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
}

/**
 * Splits a migration at its banners, `-- FORWARD MIGRATION` and `-- ROLLBACK`, each on a line
 * of its own, with or without lines of `===` around it. A banner inside a string, a comment
 * block or a body is text like any other. A file without banners is all forward.
 *
 * @param text The file's content.
 * @param file The name to use in errors.
 * @returns The sections.
 * @throws {MigrationFileError} A banner is doubled or stands inside a statement, the marks are
 * another tool's, SQL precedes the first banner, or there is nothing but a rollback.
 *
 * @example
 * ```ts
 * import { splitSections } from "./sections.ts";
 *
 * const { rollback } = splitSections(
 *   "create table a ();\n-- ROLLBACK\ndrop table a;\n",
 *   "001_a.sql",
 * );
 * rollback?.sql; // "drop table a;\n"
 * ```
 */
export function splitSections(text: string, file: string): Sections {
  const sql = normalizeText(text);
  const lineAt = (offset: number) => {
    let line = 1;
    let newline = sql.indexOf("\n");
    for (; newline !== -1 && newline < offset; newline = sql.indexOf("\n", newline + 1)) line++;
    return line;
  };
  const { comments, lastToken } = scanComments(sql);
  const banners = new Map<string, { start: number; end: number }>();

  comments.forEach((comment, index) => {
    if (comment.place === "nested") return;
    const line = lineAt.bind(null, comment.start);
    const foreign = FOREIGN_BANNER.exec(comment.text)?.[1];
    if (foreign !== undefined) {
      throw new MigrationFileError(
        `The mark "${foreign}" belongs to another migration tool`,
        { file, line: line(), excerpt: comment.text },
        { hint: 'Mark the sections with "-- FORWARD MIGRATION" and "-- ROLLBACK".' },
      );
    }
    const title = BANNER.exec(comment.text)?.[1]?.toLowerCase();
    if (title === undefined) {
      if (lastToken >= comment.end) refuseNearlyBanner(comment, file, line);
      return;
    }
    if (comment.place === "statement") {
      throw new MigrationFileError(
        `The banner "${comment.text}" stands inside a statement`,
        { file, line: line(), excerpt: comment.text },
        { hint: "End the statement before it with a semicolon, or word the comment differently." },
      );
    }
    if (banners.has(title)) {
      throw new MigrationFileError(
        `The banner "${comment.text}" stands there twice`,
        { file, line: line(), excerpt: comment.text },
        { hint: "A migration has one forward and one rollback section." },
      );
    }
    banners.set(title, withRules(comment, comments[index - 1], comments[index + 1]));
  });
  if (banners.size === 0) return { forward: { sql, line: 1 }, rollback: null };

  const ordered = [...banners].sort(([, a], [, b]) => a.start - b.start);
  const section = (title: string): Section | null => {
    const index = ordered.findIndex(([name]) => name === title);
    if (index === -1) return null;
    const { end } = ordered[index]![1];
    return { sql: sql.slice(end, ordered[index + 1]?.[1].start), line: lineAt(end) };
  };

  const head = { sql: sql.slice(0, ordered[0]![1].start), line: 1 };
  const rollback = section("rollback");
  const forward = section("forward migration") ?? head;
  if (forward !== head && holdsStatements(head.sql)) {
    const line = lineAt(scanComments(head.sql).statements[0]!);
    throw new MigrationFileError(
      "There is SQL before the first banner, which belongs to no section",
      { file, line, excerpt: sql.split("\n")[line - 1]! },
      { hint: 'Move it below "-- FORWARD MIGRATION".' },
    );
  }
  const undoes = rollback !== null && holdsStatements(rollback.sql);
  if (undoes && !holdsStatements(forward.sql)) {
    throw new MigrationFileError(
      "The migration has a rollback section and nothing to apply",
      { file, line: rollback.line },
      { hint: 'Add the SQL to apply below "-- FORWARD MIGRATION".' },
    );
  }
  return { forward, rollback: undoes ? rollback : null };
}

/** What was meant to undo the migration must not run as a part of it. */
function refuseNearlyBanner(comment: LineComment, file: string, line: () => number): void {
  if (NEARLY_BANNER.test(comment.text)) {
    throw new MigrationFileError(
      `The comment "${comment.text}" looks like a banner and is none`,
      { file, line: line(), excerpt: comment.text },
      {
        hint:
          'Write "-- ROLLBACK" where the SQL below undoes the migration; else word it differently.',
      },
    );
  }
}

/** A banner takes the lines of `===` that touch it along. */
function withRules(
  banner: LineComment,
  before: LineComment | undefined,
  after: LineComment | undefined,
): { start: number; end: number } {
  return {
    start: before?.end === banner.start && RULE.test(before.text) ? before.start : banner.start,
    end: after?.start === banner.end && RULE.test(after.text) ? after.end : banner.end,
  };
}
