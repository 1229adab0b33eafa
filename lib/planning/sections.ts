/** Takes a migration file apart into what is applied and what undoes it. @module */

import { MigrationFileError } from "../errors.ts";
import { holdsStatements, type LineComment, type Scan, scanComments } from "./lexer.ts";
import { readLiquibase } from "./liquibase.ts";
import { type Direction, holdsCommentedSql, OWN, readMark } from "./marks.ts";

/** A part of a file. */
export interface Section {
  /** Its text, with LF line ends. */
  readonly sql: string;
  /** The line of the file that it starts on, from 1. */
  readonly line: number;
  /** The mark of another tool asks for no transaction around it. */
  readonly withoutTransaction?: true;
}

/** The parts of a migration file. */
export interface Sections {
  /** What is applied. */
  readonly forward: Section;
  /** What undoes it; null where the file has nothing to run there. */
  readonly rollback: Section | null;
  /** The comments before the first banner; left out where there are none. */
  readonly head?: string;
}

const RULE = /^--[\s=*#-]*[=*#-]$/;
/** How Play marks its sections, in lines that are no comments to PostgreSQL. */
const HASH_MARK = /^#[ \t]*(?=--)/gm;
/** How many lines of comments behind a title are looked at. */
const NOTE_LINES = 20;

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
 * of its own, with or without lines of `===` around it; or at the marks of another tool. A banner
 * inside a string, a comment block or a body is text like any other. A file without banners is all
 * forward.
 *
 * @param text The file's content.
 * @param file The name to use in errors.
 * @returns The sections.
 * @throws {MigrationFileError} A banner is doubled or stands inside a statement, the marks are
 * those of several tools or doubtful, SQL precedes the first banner, or there is nothing but a
 * rollback.
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
  const scanned = scanComments(withoutHashes(sql));
  const liquibase = readLiquibase(scanned, file, lineAt);
  if (liquibase !== null) {
    const { rollback, withoutTransaction } = liquibase;
    const alone = withoutTransaction ? NO_TRANSACTION : {};
    return {
      forward: { sql, line: 1, ...alone },
      rollback: rollback === null || !holdsStatements(rollback.sql)
        ? null
        : { ...rollback, ...alone },
    };
  }
  const found = readComments(scanned, file, lineAt);
  const marks = chooseMarks(found, file, lineAt);
  if (marks.length === 0) {
    refuseHiddenRollback(found, { start: 0, end: sql.length }, scanned, file, lineAt);
    const part = { sql, line: 1, ...(found.withoutTransaction ? NO_TRANSACTION : {}) };
    return { forward: part, rollback: null };
  }

  const section = (direction: Direction): (Section & Span) | null => {
    const index = marks.findIndex((mark) => mark.direction === direction);
    if (index === -1) return null;
    const { rules: { end: start }, withoutTransaction } = marks[index]!;
    const end = marks[index + 1]?.rules.start ?? sql.length;
    const alone = withoutTransaction || found.withoutTransaction;
    return { ...part(start, end, alone), start, end };
  };
  const part = (start: number, end: number, alone: boolean): Section => ({
    sql: sql.slice(start, end),
    line: lineAt(start),
    ...(alone ? NO_TRANSACTION : {}),
  });

  const headEnd = marks[0]!.rules.start;
  const head = { ...part(0, headEnd, found.withoutTransaction), start: 0, end: headEnd };
  const rollback = section("down");
  const forward = section("up") ?? head;
  if (forward !== head && holdsStatements(head.sql)) {
    const line = lineAt(scanComments(head.sql).statements[0]!);
    throw new MigrationFileError(
      "There is SQL before the first banner, which belongs to no section",
      { file, line, excerpt: sql.split("\n")[line - 1]! },
      { hint: `Move it below "${marks[0]!.text}".` },
    );
  }
  const undoes = rollback !== null && holdsStatements(rollback.sql);
  if (undoes && !holdsStatements(forward.sql)) {
    throw new MigrationFileError(
      "The migration has a rollback section and nothing to apply",
      { file, line: rollback.line },
      {
        hint: `Add the SQL to apply below "${
          marks.find(({ direction }) => direction === "up")?.text ?? "-- FORWARD MIGRATION"
        }".`,
      },
    );
  }
  refuseHiddenRollback(found, forward, scanned, file, lineAt);
  return {
    forward: strip(forward),
    rollback: undoes ? strip(rollback) : null,
    ...(forward === head || head.sql.trim() === "" ? {} : { head: head.sql }),
  };
}

const NO_TRANSACTION = { withoutTransaction: true } as const;

interface Span {
  readonly start: number;
  readonly end: number;
}

function strip({ start: _, end: __, ...section }: Section & Span): Section {
  return section;
}

/** A comment that may begin a part. */
interface Title extends LineComment {
  /** Which of the comments it is. */
  readonly index: number;
  readonly direction: Direction;
  /** Whose mark it is, or null. */
  readonly tool: string | null;
  /** Words stand behind it, so that it may be something else. */
  readonly doubtful: boolean;
  readonly withoutTransaction: boolean;
  /** It with the lines of `===` that touch it. */
  readonly rules: Span;
}

interface FoundMarks {
  readonly titles: readonly Title[];
  /** The comments, for what stands behind a title. */
  readonly comments: readonly LineComment[];
  readonly withoutTransaction: boolean;
}

function readComments(
  { comments: lines, blocks, statements }: Scan,
  file: string,
  lineAt: (offset: number) => number,
): FoundMarks {
  const comments = blocks.length === 0
    ? lines
    : [...lines, ...blocks].sort((a, b) => a.start - b.start);
  const titles: Title[] = [];
  let withoutTransaction = false;
  for (const [index, comment] of comments.entries()) {
    if (comment.place === "nested") continue;
    const mark = readMark(comment.text, (statements[0] ?? Infinity) > comment.start);
    if (mark === null) continue;
    if (mark.kind === "refused") {
      throw new MigrationFileError(
        `The mark "${comment.text}" ${mark.reason}`,
        { file, line: lineAt(comment.start), excerpt: comment.text },
        { hint: mark.hint },
      );
    }
    if (mark.kind === "without transaction") {
      withoutTransaction = true;
      continue;
    }
    const tool = mark.kind === "section" ? mark.tool : null;
    const rules = withRules(comment, comments[index - 1], comments[index + 1]);
    // "-- Rollback:" above SQL in comments is where a note begins, as often as not.
    const isPerhapsNote = tool === OWN && comment.text.endsWith(":") &&
      rules.start === comment.start && rules.end === comment.end &&
      isNote(comment, index, comments);
    titles.push({
      ...comment,
      index,
      direction: mark.direction,
      tool,
      doubtful: mark.kind === "doubtful" || isPerhapsNote,
      withoutTransaction: mark.kind === "section" && mark.withoutTransaction,
      rules,
    });
  }
  return { titles, comments, withoutTransaction };
}

/**
 * Which titles begin the parts: those of a tool; else ours, and a plain "Up" or "Down" where both
 * are there.
 */
function chooseMarks(
  { titles }: FoundMarks,
  file: string,
  lineAt: (offset: number) => number,
): Title[] {
  const tools = new Set(titles.flatMap(({ tool }) => tool === null || tool === OWN ? [] : [tool]));
  const isOf = (direction: Direction) => (title: Title) =>
    title.direction === direction && title.tool === OWN && !title.doubtful;
  const plain = (direction: Direction) =>
    titles.filter((title) =>
      title.direction === direction && title.tool === null && !title.doubtful &&
      title.place === "between"
    );
  let chosen: Title[];
  if (tools.size > 0) {
    chosen = titles.filter(({ tool }) => tool !== null && tool !== OWN);
  } else {
    const [up, down] = [titles.filter(isOf("up")), titles.filter(isOf("down"))];
    const plainUp = up.length > 0 ? [] : plain("up");
    const plainDown = down.length > 0 ? [] : plain("down");
    const begins = up[0] ?? plainUp[0];
    const undoes = down[0] ?? plainDown[0];
    const both = begins !== undefined && undoes !== undefined;
    chosen = [...up, ...down, ...(both ? [...plainUp, ...plainDown] : [])]
      .sort((a, b) => a.start - b.start);
  }

  const seen = new Set<Direction>();
  for (const { direction, text, start, place, tool } of chosen) {
    const position = () => ({ file, line: lineAt(start), excerpt: text });
    if (place === "statement") {
      throw new MigrationFileError(`The banner "${text}" stands inside a statement`, position(), {
        hint: "End the statement before it with a semicolon, or word the comment differently.",
      });
    }
    if (tools.size > 1 && tool !== chosen[0]!.tool) {
      throw new MigrationFileError(
        `The mark "${text}" belongs to another migration tool than "${chosen[0]!.text}"`,
        position(),
        { hint: 'Mark the sections with "-- FORWARD MIGRATION" and "-- ROLLBACK".' },
      );
    }
    if (seen.has(direction)) {
      throw new MigrationFileError(`The banner "${text}" stands there twice`, position(), {
        hint: "A migration has one forward and one rollback section.",
      });
    }
    seen.add(direction);
  }
  return chosen;
}

/** What was meant to undo the migration must not run as a part of it. */
function refuseHiddenRollback(
  { titles, comments }: FoundMarks,
  forward: Span,
  { statements, lastToken }: Scan,
  file: string,
  lineAt: (offset: number) => number,
): void {
  if (titles.length === 0) return;
  const isIn = (offset: number) => offset >= forward.start && offset < forward.end;
  const first = statements.find(isIn) ?? Infinity;
  // Of the last statement the beginning does not say that it goes on behind a comment.
  const last = isIn(lastToken) ? lastToken : statements.findLast(isIn) ?? -1;
  for (const title of titles) {
    // The part of another tool's mark has none of ours.
    if (title.tool === OWN && !title.doubtful && isIn(title.start)) {
      throw new MigrationFileError(
        `The banner "${title.text}" stands inside a part that another tool's mark begins or ends`,
        { file, line: lineAt(title.start), excerpt: title.text },
        { hint: 'Mark the sections with "-- FORWARD MIGRATION" and "-- ROLLBACK" alone.' },
      );
    }
    if (title.direction !== "down" || !isIn(title.start) || last < title.end) continue;
    const begins = title.start < first;
    // What is said before any SQL is said of the file, unless the other part comes after it.
    if (
      begins && title.doubtful &&
      !titles.some((up) =>
        up.direction === "up" && up.start > title.start && first < up.start && up.end <= last
      )
    ) continue;
    if (title.doubtful && title.tool === null && isNote(title, title.index, comments)) continue;
    throw new MigrationFileError(
      `The comment "${title.text}" looks like a banner and is none`,
      { file, line: lineAt(title.start), excerpt: title.text },
      {
        hint:
          'Write "-- ROLLBACK" where the SQL below undoes the migration; else word it differently.',
      },
    );
  }
}

/** Whether what would undo the migration stands in comments itself, at the title or behind it. */
function isNote(title: LineComment, index: number, comments: readonly LineComment[]): boolean {
  if (holdsCommentedSql(title.text, true)) return true;
  let end = title.end;
  for (const comment of comments.slice(index + 1, index + 1 + NOTE_LINES)) {
    if (comment.start !== end) return false;
    if (holdsCommentedSql(comment.text, false)) return true;
    end = comment.end;
  }
  return false;
}

function withoutHashes(sql: string): string {
  return /^#[ \t]*--[ \t-]*![ud]/im.test(sql)
    ? sql.replace(HASH_MARK, (hash) => "-".repeat(hash.length))
    : sql;
}

/** A banner takes the lines of `===` that touch it along. */
function withRules(
  banner: LineComment,
  before: LineComment | undefined,
  after: LineComment | undefined,
): Span {
  return {
    start: before?.end === banner.start && RULE.test(before.text) ? before.start : banner.start,
    end: after?.start === banner.end && RULE.test(after.text) ? after.end : banner.end,
  };
}
