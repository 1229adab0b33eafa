/**
 * Reads the bodies of routines and DO blocks, as PostgreSQL does before it takes them.
 *
 * @module
 */

import { blankComments } from "./lexer.ts";
import { loadParser, type ParsedStatement, parseText, SqlSyntaxError } from "./parser.ts";
import { findTokens, type Token } from "./tokens.ts";

/** A mistake in a body. */
export interface BodyError {
  /** What PostgreSQL says. */
  readonly message: string;
  /** Where in the statement. */
  readonly offset: number;
}

/** A body, and the literal of the statement that it stands in. */
interface Body {
  readonly language: string;
  readonly text: string;
  readonly literal: Token;
}

/**
 * Finds the mistake for which PostgreSQL refuses a routine or a DO block.
 *
 * Only what cannot be read at all counts. What names and types there are the parser does not know,
 * so that the rest of PL/pgSQL's own rules is the server's.
 *
 * @param statement The statement: its tree, and its text.
 * @returns The first mistake; undefined where there is none, or it holds no body that is known.
 */
export async function findBodyError(
  statement: Pick<ParsedStatement, "type" | "node"> & { readonly sql: string },
): Promise<BodyError | undefined> {
  const body = findBody(statement);
  if (body?.language === "sql") {
    const [error] = (await parseText(body.text)).errors;
    return error instanceof SqlSyntaxError
      ? { message: error.message, offset: toOffset(statement.sql, body, error.offset) }
      : undefined;
  }
  return body?.language === "plpgsql" ? await findBlockError(statement.sql, body) : undefined;
}

function findBody(
  { type, node, sql }: Pick<ParsedStatement, "type" | "node"> & { readonly sql: string },
): Body | undefined {
  if (type !== "CreateFunctionStmt" && type !== "DoStmt") return undefined;
  // deno-lint-ignore no-explicit-any -- see ParsedStatement
  const options = new Map<string, any>(
    // deno-lint-ignore no-explicit-any -- see ParsedStatement
    (node.options ?? node.args ?? []).map(({ DefElem }: any) => [DefElem.defname, DefElem.arg]),
  );
  const { String: string, List: list } = options.get("as") ?? {};
  const texts = list?.items ?? [{ String: string }];
  const text: string | undefined = texts.length === 1 ? texts[0].String?.sval : undefined;
  const language: string | undefined = options.get("language")?.String?.sval ??
    (type === "DoStmt" ? "plpgsql" : undefined);
  if (text === undefined || language === undefined) return undefined;
  const literal = findTokens(sql).find((token) =>
    text.length <= token.end - token.start - 2 && readLiteral(sql, token) === text
  );
  return literal && { language, text, literal };
}

/** What a literal stands for; one with escapes is not read. */
function readLiteral(sql: string, { kind, start, end }: Token): string | undefined {
  const text = sql.slice(start, end);
  if (kind === "string") {
    return /[e&]/i.test(sql[start - 1] ?? "") ? undefined : text.slice(1, -1).replaceAll("''", "'");
  }
  if (kind !== "dollar") return undefined;
  const tag = text.indexOf("$", 1) + 1;
  return text.slice(tag, -tag);
}

/** Makes a place in a body one in its statement. */
function toOffset(sql: string, { literal }: Body, place: number): number {
  if (literal.kind === "dollar") return sql.indexOf("$", literal.start + 1) + 1 + place;
  let at = literal.start + 1;
  for (let left = place; left > 0; left--) at += sql.startsWith("''", at) ? 2 : 1;
  return at;
}

/** Messages that say that something cannot be read, whatever the names in it stand for. */
const UNREADABLE = /^(?:syntax error at |unexpected end of function definition at )/;

/** What is a keyword to this parser, and was an ordinary name to PostgreSQL 15. */
const NEWER_KEYWORD = /\b(?:json(?:_\w+)?|merge_action|system_user)\b/gi;

/** What is a token to nobody. */
const MARK = "\\";

async function findBlockError(sql: string, body: Body): Promise<BodyError | undefined> {
  const { parsePlPgSQLSync } = await loadParser();
  const text = blankComments(body.text);
  let tag = "$body$";
  while (text.includes(tag)) tag = `$x${tag.slice(1)}`;
  const before = `${blankComments(sql.slice(0, body.literal.start))}${tag}`;
  const behind = `${tag}${blankComments(sql.slice(body.literal.end))}`;
  const messageOf = (changed: string): string | undefined => {
    try {
      parsePlPgSQLSync(`${before}${changed}${behind}`);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };

  const message = messageOf(text);
  if (message === undefined || !UNREADABLE.test(message)) return undefined;
  // Where it is what is around the body that this parser cannot read, it has no say.
  if (UNREADABLE.test(messageOf("begin end") ?? "")) return undefined;
  const older = text.replace(NEWER_KEYWORD, (word) => `x${word.slice(1)}`);
  if (older !== text && messageOf(older) === undefined) return undefined;

  // The parser does not say where. A mark is complained about wherever it stands before the
  // mistake, and not behind it.
  const isBeyond = (offset: number) =>
    messageOf(`${text.slice(0, offset)} ${MARK} ${text.slice(offset)}`) ===
      `syntax error at or near "${MARK}"`;
  const end = text.trimEnd().length;
  const near = /^syntax error at or near "([^]*)"$/.exec(message)?.[1];
  if (near === undefined && isBeyond(text.length)) {
    return { message, offset: toOffset(sql, body, end) };
  }
  const offset = findTokens(text)
    .filter((token) => {
      const is = text.slice(token.start, token.end);
      return near === undefined
        ? ENDS_EXPRESSION.test(is)
        : is.startsWith(near) || near.startsWith(is);
    })
    .slice(-MOST_PLACES)
    .findLast(({ start }) => isBeyond(start))?.start;
  return { message, offset: toOffset(sql, body, offset ?? end) };
}

/** What may stand behind an expression or a statement of SQL. */
const ENDS_EXPRESSION = /^(?:;|,|\)|\.\.|then|loop|into|using)$/i;

/** How many places are tried. */
const MOST_PLACES = 200;
