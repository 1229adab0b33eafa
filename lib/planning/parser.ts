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

type Parser = typeof import("libpg-query");

let parser: Promise<Parser> | undefined;

/** Loads the parser (WebAssembly, about 10 ms), once and only when it is needed. */
function loadParser(): Promise<Parser> {
  parser ??= import("libpg-query").then(async (module) => {
    await module.loadModule();
    return module;
  });
  return parser;
}

/** How much is parsed at once: trees take up to a hundred times the room of their text. */
const PART_LENGTH = 1_000_000;

/**
 * Parses a text.
 *
 * @param sql The text, with LF line ends and without NUL.
 * @returns Its statements in order.
 * @throws {SqlSyntaxError} It is no SQL.
 * @throws {StatementSizeError} A statement is too long or too deeply nested.
 */
export async function parseSql(sql: string): Promise<ParsedStatement[]> {
  const module = await loadParser();
  const { statements } = scanComments(sql);
  // Comments are tokens to this build of the parser, and stand in its way where PostgreSQL looks at
  // two things at once: between NOT and IN, NULLS and FIRST, or the parts of a string.
  const readable = blankComments(sql);
  const parsed: ParsedStatement[] = [];
  let first = 0;
  for (let next = 1; next <= statements.length || first === 0; next++) {
    const start = first === 0 ? 0 : statements[first]!;
    const end = statements[next] ?? sql.length;
    if (end - start < PART_LENGTH && end < sql.length) continue;
    const starts = statements.slice(first, next);
    for (const statement of parsePart(module, readable, start, end, starts)) parsed.push(statement);
    first = next;
  }
  return parsed;
}

/** Parses a part of a text, of which it is known where statements begin. */
function parsePart(
  module: Parser,
  sql: string,
  start: number,
  end: number,
  statements: readonly number[],
): ParsedStatement[] {
  const part = sql.slice(start, end);
  if (part === "") return [];
  let raw;
  try {
    raw = module.parseSync(part).stmts;
  } catch (error) {
    if (module.hasSqlDetails(error)) {
      const characters = Math.max(0, error.sqlDetails?.cursorPosition ?? 0);
      const offset = offsetFinder(part, () => 1)(characters);
      throw new SqlSyntaxError(error.message, start + offset);
    }
    // Out of stack or of memory: finds out by which statement.
    if (statements.length < 2) throw new StatementSizeError(statements[0] ?? start, error);
    const half = statements.length >> 1;
    const middle = statements[half]!;
    return [
      ...parsePart(module, sql, start, middle, statements.slice(0, half)),
      ...parsePart(module, sql, middle, end, statements.slice(half)),
    ];
  }
  const find = offsetFinder(part, bytesOf);
  return (raw ?? []).map(({ stmt, stmt_location = 0, stmt_len }) => {
    const [type, node] = Object.entries(stmt!)[0]!;
    return {
      start: start + find(stmt_location),
      end: stmt_len ? start + find(stmt_location + stmt_len) : end,
      type,
      node,
    };
  });
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
