/** PostgreSQL's own parser, for texts of any size. @module */

import { blankComments, scanComments } from "./lexer.ts";

/** A statement and its parse tree. Positions are offsets into the text. */
export interface ParsedStatement {
  /** Where its first token begins. */
  readonly start: number;
  /** Where its semicolon stands, or the text ends. */
  readonly end: number;
  /** The kind of its tree, such as `SelectStmt`. */
  readonly type: string;
  /** Its tree. */
  // deno-lint-ignore no-explicit-any -- the parser's trees have hundreds of shapes
  readonly node: any;
}

/** A text that is no SQL. */
export class SqlSyntaxError extends Error {
  /**
   * @param message What PostgreSQL says.
   * @param offset Where in the text.
   */
  constructor(message: string, readonly offset: number) {
    super(message);
  }
}

/** A statement that the parser has no room for. */
export class StatementSizeError extends Error {
  /**
   * @param offset Where the statement begins.
   * @param cause What the parser ended with.
   */
  constructor(readonly offset: number, cause: unknown) {
    super("The statement is too long or too deeply nested for PostgreSQL's parser", { cause });
  }
}

type Parser = Pick<typeof import("libpg-query"), "hasSqlDetails" | "parseSync">;

let parser: Promise<typeof import("libpg-query")> | undefined;

/** Loads the parser (WebAssembly, about 10 ms), once and only when it is needed. */
export function loadParser(): Promise<typeof import("libpg-query")> {
  parser ??= import("libpg-query").then(async (module) => {
    await module.loadModule();
    return module;
  });
  return parser;
}

let olderParser: Promise<Parser> | undefined;

/**
 * Loads the parser of the oldest PostgreSQL that projects have: names such as `json_value` are
 * keywords to newer ones. What either of the two can read the server decides about.
 */
function loadOlderParser(): Promise<Parser> {
  olderParser ??= import("libpg-query-15").then(async (module) => {
    await module.loadModule();
    // The trees of what is looked at have the same shape in both.
    return module as unknown as Parser;
  });
  return olderParser;
}

/** How much is parsed at once: trees take up to a hundred times the room of their text. */
const PART_LENGTH = 200_000;

/** From here on a text is mostly rows. */
const LARGE = 1_000_000;

/** What there is in a text, and what in it is no SQL. */
export interface ParsedText {
  /** The statements that can be read, in order. */
  readonly statements: readonly ParsedStatement[];
  /** What is wrong with the others, in order: one for each. */
  readonly errors: readonly (SqlSyntaxError | StatementSizeError)[];
}

/**
 * Parses a text.
 *
 * @param sql The text, with LF line ends and without NUL.
 * @returns Its statements in order.
 * @throws {SqlSyntaxError} It is no SQL.
 * @throws {StatementSizeError} A statement is too long or too deeply nested.
 */
export async function parseSql(sql: string): Promise<readonly ParsedStatement[]> {
  const { statements, errors: [error] } = await parseText(sql);
  if (error !== undefined) throw error;
  return statements;
}

/**
 * Parses a text, and goes on behind what it cannot read.
 *
 * @param sql The text, with LF line ends and without NUL.
 * @returns What there is in it.
 */
export async function parseText(sql: string): Promise<ParsedText> {
  const scan = scanComments(sql);
  const text: Text = {
    // Comments are tokens to this build of the parser, and stand in its way where PostgreSQL looks
    // at two things at once: between NOT and IN, NULLS and FIRST, or the parts of a string.
    readable: blankComments(sql, scan),
    module: await loadParser(),
    statements: [],
    errors: [],
  };
  const { statements } = scan;
  let first = 0;
  for (let next = 1; next <= statements.length || first === 0; next++) {
    const start = first === 0 ? 0 : statements[first]!;
    const end = statements[next] ?? sql.length;
    if (end - start < PART_LENGTH && end < sql.length) continue;
    await parsePart(text, start, end, statements.slice(first, next));
    first = next;
  }
  return text;
}

/** A text that is being parsed. */
interface Text {
  readonly readable: string;
  readonly module: Parser;
  readonly statements: ParsedStatement[];
  readonly errors: (SqlSyntaxError | StatementSizeError)[];
}

/** Parses a part of a text, of which it is known where statements begin. */
async function parsePart(
  text: Text,
  start: number,
  end: number,
  statements: readonly number[],
): Promise<void> {
  const part = text.readable.slice(start, end);
  const forgetsRows = text.readable.length > LARGE;
  const outcome = tryPart(text.module, part, start, forgetsRows);
  if (Array.isArray(outcome)) {
    for (const statement of outcome) text.statements.push(statement);
    return;
  }
  if (statements.length > 1) {
    // Finds out which statement it is, and reads the others.
    const half = statements.length >> 1;
    const middle = statements[half]!;
    await parsePart(text, start, middle, statements.slice(0, half));
    await parsePart(text, middle, end, statements.slice(half));
    return;
  }
  if (outcome instanceof StatementSizeError) {
    text.errors.push(new StatementSizeError(statements[0] ?? start, outcome.cause));
    return;
  }
  // What a keyword brings is a syntax error; junk behind a number is junk to every server.
  const older = outcome.message.startsWith("syntax error")
    ? tryPart(await loadOlderParser(), part, start, forgetsRows)
    : outcome;
  if (Array.isArray(older)) { for (const statement of older) text.statements.push(statement); }
  else text.errors.push(outcome);
}

/** Parses a part of a text, where that is possible. */
function tryPart(
  module: Parser,
  part: string,
  start: number,
  forgetsRows = false,
): ParsedStatement[] | SqlSyntaxError | StatementSizeError {
  if (part === "") return [];
  let raw;
  try {
    raw = module.parseSync(part).stmts;
  } catch (error) {
    // Without details it is out of stack or of memory.
    if (!module.hasSqlDetails(error)) return new StatementSizeError(start, error);
    const characters = Math.max(0, error.sqlDetails?.cursorPosition ?? 0);
    return new SqlSyntaxError(error.message, start + offsetFinder(part, () => 1)(characters));
  }
  const find = offsetFinder(part, bytesOf);
  return (raw ?? []).map(({ stmt, stmt_location = 0, stmt_len }) => {
    const [type, node] = Object.entries(stmt!)[0]!;
    if (forgetsRows && type === "InsertStmt") forgetRows(node);
    return {
      start: start + find(stmt_location),
      end: stmt_len ? start + find(stmt_location + stmt_len) : start + part.length,
      type,
      node,
    };
  });
}

/**
 * The rows of an application's tables are nearly all of a file of megabytes, and nobody asks what is in
 * them; their trees would take many times the room of the file.
 */
// deno-lint-ignore no-explicit-any -- as in ParsedStatement
function forgetRows(node: any): void {
  const select = node.selectStmt?.SelectStmt;
  if (!["public", undefined].includes(node.relation?.schemaname) || !select?.valuesLists) return;
  select.valuesLists = [];
  if (node.cols !== undefined) node.cols = []; // whether there are some is asked
}

/** Bytes of a character in UTF-8. */
function bytesOf(point: number): number {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

/**
 * Turns positions that are counted in bytes or characters into offsets.
 *
 * @param text The text.
 * @param size What a character counts.
 * @returns A function that has to be asked for positions in ascending order.
 */
function offsetFinder(text: string, size: (point: number) => number): (position: number) => number {
  let offset = 0;
  let counted = 0;
  return (position) => {
    while (counted < position && offset < text.length) {
      const point = text.codePointAt(offset)!;
      counted += size(point);
      offset += point > 0xffff ? 2 : 1;
    }
    return offset;
  };
}
