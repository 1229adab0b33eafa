/** Finds the place in a migration that an error of the server is about. @module */

import type { MigrationFailure } from "./plan.ts";
import { countNewlines, locate } from "./position.ts";
import type { Section } from "./sections.ts";
import type { Statement } from "./step.ts";
import { findTokens, type Token } from "./tokens.ts";

/**
 * What a server says of a statement that is executed inside a function has no position: the name
 * that the message is about is looked for in the statement. Inside of a DO block and of a function
 * that is being made, PostgreSQL counts lines from the body on.
 *
 * @param error What the server said.
 * @param statements The statements of the part that failed.
 * @param section Where they stand; undefined where that is no part of a file.
 * @param file What that is, where it is not the migration's file.
 * @returns The same, with the place where that can be told.
 */
export function locateFailure(
  error: MigrationFailure,
  statements: readonly Statement[],
  section: Section | undefined,
  file?: string,
): MigrationFailure {
  const statement = statements[(error.statement ?? 0) - 1];
  if (statement === undefined) return error;
  const area = findArea(error.context ?? "", statement.sql);
  const found = area.tokens === null ? [] : findNamed(error, statement.sql, area.tokens);
  const [first] = found;
  const offset = first ?? area.start;
  const line = statement.line + countNewlines(statement.sql, 0, offset);
  if (first === undefined) return { ...error, line };
  const within = section ?? statement;
  const start = findStatement(statement, within);
  if (start === undefined) return { ...error, line };
  return placed(error, within, start + first, found.length, file);
}

/** What ends the connection that it is run on, or has it ended. */
const ENDS_CONNECTION =
  /\b(?:transaction_timeout|idle_in_transaction_session_timeout|pg_terminate_backend|deallocate\s+all|discard\s+all)\b/i;

/**
 * Finds what may have ended the connection of a migration, of which the server could say nothing.
 *
 * @param error What is known.
 * @param statements The statements of the migration.
 * @param section Where they stand.
 * @returns The same, with the first place that may be it.
 */
export function locateEnding(
  error: MigrationFailure,
  statements: readonly Statement[],
  section: Section,
): MigrationFailure {
  for (const statement of statements) {
    const found = ENDS_CONNECTION.exec(statement.sql);
    const start = found && findStatement(statement, section);
    if (found === null || start === null || start === undefined) continue;
    return placed(error, section, start + found.index, 1);
  }
  return error;
}

function placed(
  error: MigrationFailure,
  section: Section,
  offset: number,
  occurrences: number,
  file?: string,
): MigrationFailure {
  const { line, column, excerpt } = locate(section, offset);
  const place = {
    ...(file === undefined ? {} : { file }),
    column,
    excerpt,
    ...(occurrences > 1 ? { occurrences } : {}),
  };
  return { ...error, line, place };
}

/** Where a statement begins in the section that it is from. */
function findStatement({ line, sql }: Statement, section: Section): number | undefined {
  let start = 0;
  for (let at = section.line; at < line; at++) start = section.sql.indexOf("\n", start) + 1;
  const found = section.sql.indexOf(sql, start);
  return found === -1 ? undefined : found;
}

/** A part of a statement that an error is about. */
interface Area {
  /** Where it begins. */
  readonly start: number;
  /** What it consists of; null where the error is of something that is called from there. */
  readonly tokens: readonly Token[] | null;
}

function findArea(context: string, sql: string): Area {
  const all = findTokens(sql);
  const inBlock = [...context.matchAll(/^PL\/pgSQL function inline_code_block line (\d+) at /gm)]
    .at(-1);
  if (inBlock !== undefined) {
    const body = all.find(({ kind }) => kind === "dollar" || kind === "string");
    const start = findLine(sql, body, Number(inBlock[1]));
    if (start === undefined) return { start: 0, tokens: null };
    const inner = context.slice(0, inBlock.index);
    const isOwn = inner === "" ||
      (/^SQL (?:statement|expression) "|^PL\/pgSQL expression "/.test(inner) &&
        !/^(?:PL\/pgSQL|SQL) function /m.test(inner));
    return { start, tokens: isOwn ? takeStatement(sql, findInside(sql, body), start) : null };
  }
  const compiled = /^compilation of PL\/pgSQL function "[^]*" near line (\d+)$/m.exec(context);
  const isMade = /^\s*create\b/i.test(sql);
  const body = all.findLast(({ kind }) => kind === "dollar") ??
    all.findLast(({ kind }) => kind === "string");
  if (compiled !== null && isMade) {
    const start = findLine(sql, body, Number(compiled[1]));
    if (start === undefined) return { start: 0, tokens: null };
    const end = sql.indexOf("\n", start);
    const inside = findInside(sql, body).filter((token) =>
      token.start >= start && (end === -1 || token.start < end)
    );
    return { start, tokens: inside };
  }
  if (context === "" || (isMade && /^SQL function "/.test(context))) {
    return { start: 0, tokens: isMade ? [...all, ...findInside(sql, body)] : all };
  }
  return { start: 0, tokens: null };
}

/** Where a line of a body begins, the blanks at its head left out. */
function findLine(sql: string, body: Token | undefined, line: number): number | undefined {
  if (body === undefined) return undefined;
  let start = sql.indexOf(sql[body.start]!, body.start + (body.kind === "dollar" ? 1 : 0)) + 1;
  for (let at = 1; at < line; at++) {
    start = sql.indexOf("\n", start) + 1;
    if (start === 0 || start > body.end) return undefined;
  }
  while (/\s/.test(sql[start] ?? "x")) start++;
  return start;
}

/** The tokens of a body between dollars; between apostrophes they are not what they look like. */
function findInside(sql: string, body: Token | undefined): Token[] {
  if (body?.kind !== "dollar") return [];
  const tag = sql.indexOf("$", body.start + 1) + 1 - body.start;
  return findTokens(sql.slice(body.start + tag, body.end - tag)).map(({ kind, start, end }) => ({
    kind,
    start: body.start + tag + start,
    end: body.start + tag + end,
  }));
}

/** The tokens from a place on to the semicolon. */
function takeStatement(sql: string, tokens: readonly Token[], start: number): Token[] {
  const behind = tokens.filter((token) => token.start >= start);
  const end = behind.findIndex((token) => sql[token.start] === ";");
  return end === -1 ? behind : behind.slice(0, end);
}

/**
 * SQLSTATEs of errors about what is written: names, syntax, literals. What fails while rows are
 * read or written may name a column as well, which is not the place where it went wrong.
 */
const ABOUT_TEXT = /^(?:42|3F|3D|22P02|22007|22008)/;

/** Finds where the thing stands that a message names. */
function findNamed(
  { code, message }: MigrationFailure,
  sql: string,
  tokens: readonly Token[],
): number[] {
  if (!ABOUT_TEXT.test(code) || code === "42501") return [];
  const literal = /^invalid input (?:syntax|value) for [^:]*: "([^]*)"/.exec(message)?.[1];
  // A name may have quotes in it, which are not doubled here.
  const [, ...behind] = message.split('"');
  const wanted = literal !== undefined
    ? [literal]
    : behind.length > 1
    ? behind.slice(0, -1).map((_, last) => behind.slice(0, last + 1).join('"'))
    : /^(?:column|function|procedure|routine|aggregate) ([^\s("]+)/.exec(message)?.slice(1) ?? [];
  const isSyntax = /^syntax error /.test(message);
  const kinds: readonly string[] = literal === undefined ? ["word", "name"] : ["string", "dollar"];
  const stands = (token: Token | undefined, name: string): boolean => {
    if (token === undefined) return false;
    const text = sql.slice(token.start, token.end);
    if (isSyntax) return text === name;
    return kinds.includes(token.kind) && readToken(token.kind, text) === name;
  };
  const places = (parts: readonly string[]) =>
    tokens.flatMap((token, index) =>
      parts.every((part, at) =>
          stands(tokens[index + 2 * at], part) &&
          (at === 0 || sql[tokens[index + 2 * at - 1]!.start] === ".")
        )
        ? [token.start]
        : []
    );
  return wanted.flatMap((name) => [[name], ...(name.includes(".") ? [name.split(".")] : [])])
    .map(places).find((found) => found.length > 0) ?? [];
}

/** What a token stands for. */
function readToken(kind: Token["kind"], text: string): string {
  if (kind === "word") return text.toLowerCase();
  if (kind === "name") return text.slice(1, -1).replaceAll('""', '"');
  if (kind === "string") return text.slice(1, -1).replaceAll("''", "'");
  const tag = text.indexOf("$", 1) + 1;
  return text.slice(tag, -tag);
}
