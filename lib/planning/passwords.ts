/**
 * Finds passwords that SQL sets: `PASSWORD '…'` of roles and user mappings, keys in the options
 * of servers, what goes into the vault, and connection strings of libpq. Strings and bodies are
 * SQL that is executed later, and comments SQL that was: they are looked into as well.
 *
 * @module
 */

import { countLines, type FoundSecret, isValue, toHide } from "./found_secret.ts";
import { skipBlockComment, skipQuoted } from "./lexer.ts";

/** How deep strings may stand in bodies, in strings, in comments. */
const DEEPEST = 4;
/** What is longer is code. */
const LONGEST_CONNECTION_STRING = 1000;

/** Most files hold nothing of the kind. */
const MENTIONS_PASSWORD = /password|api_key|secret/i;
const MENTIONS_PART = /password|api_key|secret|role|user|group|server/i;
const CONNECTS = /(?<!\w)(?:host|hostaddr|dbname)=/i;
const CONNECTION_PASSWORD = /(?<!\w)password=(?:'([^']*)'|([^\s'";,)]+))/gi;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

/** What is known of a statement, and of the one that EXECUTE makes of its strings. */
interface Statement {
  /** It makes or changes a role, a server or a user mapping. */
  hasPassword: boolean;
}

/** A string, a quoted name or a body. */
interface Literal {
  /** What it says. */
  readonly text: string;
  /** How it stands there. */
  readonly raw: string;
  /** What it begins and ends with. */
  readonly quote: string;
  /** Where it ends. */
  readonly end: number;
}

/**
 * Finds the passwords that SQL sets.
 *
 * @param sql The text, with LF line ends.
 * @param line The line of the file that it starts on.
 * @returns What was found.
 */
export function findPasswords(sql: string, line: number): Iterable<FoundSecret> {
  return MENTIONS_PASSWORD.test(sql) ? findInside(sql, line, { hasPassword: false }, 0) : [];
}

function* findInside(
  sql: string,
  line: number,
  statement: Statement,
  depth: number,
): Iterable<FoundSecret> {
  if (depth > DEEPEST || !MENTIONS_PART.test(sql)) return;
  const lineAt = countLines(sql, line);
  let [before, previous] = ["", ""]; // the last two tokens
  for (let at = 0; at < sql.length;) {
    const start = at;
    if (sql.startsWith("--", at) || sql.startsWith("/*", at)) {
      at = skipComment(sql, at);
      const text = uncomment(sql.slice(start, at));
      yield* findConnectionPasswords(text, lineAt(start));
      yield* findInside(text, lineAt(start), { ...statement }, depth + 1);
      continue;
    }

    let token: string;
    const literal = readLiteral(sql, at);
    if (literal !== undefined) {
      const { text, quote } = literal;
      at = literal.end;
      token = quote === '"' ? text : "";
      const kind = quote === '"' || !isPassword(text)
        ? undefined
        : describe(before, previous, statement);
      if (kind !== undefined) {
        yield { kind, line: lineAt(start), certain: false, values: valuesOf(literal) };
      } else {
        const inside = quote === "'" ? statement : { hasPassword: false };
        yield* findConnectionPasswords(text, lineAt(start));
        yield* findInside(text, lineAt(start), inside, depth + 1);
      }
    } else {
      WORD.lastIndex = at;
      token = WORD.exec(sql)?.[0].toLowerCase() ?? sql[at]!;
      at += token.length;
      if (/^\s$/.test(token) || (/^[en]$/.test(token) && sql[at] === "'")) continue;
      if (token === ";") statement.hasPassword = false;
      statement.hasPassword ||= /^(?:create|alter)$/.test(previous) &&
        /^(?:role|user|group|server)$/.test(token);
    }
    [before, previous] = [previous, token];
  }
}

/** What a string is where it stands, if that is something to keep to oneself. */
function describe(before: string, previous: string, statement: Statement): string | undefined {
  if (before === "create_secret" && previous === "(") return "a secret for the vault";
  if (!statement.hasPassword) return undefined;
  if (previous === "password") return "a password";
  return /^(?:api_key|aws_secret_access_key)$/.test(previous) ? "an API key" : undefined;
}

/**
 * A SCRAM verifier lets nobody in; an md5 hash does. The vault holds addresses as well, in which
 * a password would be found.
 */
function isPassword(text: string): boolean {
  return isValue(text) && !/^(?:SCRAM-SHA-256\$|https?:\/\/)/.test(text);
}

/** A string inside of strings has its quotes doubled, and doubled again. */
function valuesOf({ text, raw, quote }: Literal): string[] {
  const forms = ["'", "''", "''''"].map((each) => text.replaceAll("'", each));
  return [...new Set([raw, ...forms])].map((form) => toHide(form, quote + form + quote));
}

/** `host=… password=…`, as dblink takes it. */
function* findConnectionPasswords(text: string, line: number): Iterable<FoundSecret> {
  if (text.length > LONGEST_CONNECTION_STRING || !CONNECTS.test(text)) return;
  const lineAt = countLines(text, line);
  for (const { 0: setting, 1: quoted, 2: bare, index } of text.matchAll(CONNECTION_PASSWORD)) {
    const password = quoted ?? bare ?? "";
    if (!isValue(password)) continue;
    const kind = "a connection string with a password";
    yield { kind, line: lineAt(index), certain: false, values: [toHide(password, setting)] };
  }
}

function readLiteral(sql: string, at: number): Literal | undefined {
  const quote = sql[at];
  if (quote === "$") {
    DOLLAR_QUOTE.lastIndex = at;
    const tag = DOLLAR_QUOTE.exec(sql)?.[0];
    if (tag === undefined) return undefined;
    const close = sql.indexOf(tag, at + tag.length);
    const raw = sql.slice(at + tag.length, close === -1 ? sql.length : close);
    return { text: raw, raw, quote: tag, end: at + 2 * tag.length + raw.length };
  }
  if (quote !== "'" && quote !== '"') return undefined;

  const escapes = quote === "'" &&
    /(?:^|[^\w$\u0080-\uffff])[eE]$/.test(sql.slice(Math.max(0, at - 2), at));
  let end = skipQuoted(sql, at, escapes);
  let raw = sql.slice(at + 1, end - 1);
  if (end === at + 1 || sql[end - 1] !== quote) {
    // Never closed, like an apostrophe in a comment: other lines are not a part of it.
    const stop = sql.indexOf("\n", at);
    end = stop === -1 ? sql.length : stop;
    raw = sql.slice(at + 1, end);
  }
  const text = raw.replaceAll(quote + quote, quote);
  return { text: escapes ? text.replaceAll("\\'", "'") : text, raw, quote, end };
}

/** Line comments below each other are one: what is commented out is as long as it is. */
function skipComment(sql: string, from: number): number {
  if (sql[from] === "/") {
    const end = skipBlockComment(sql, from);
    return end === -1 ? sql.length : end;
  }
  for (let at = from;;) {
    const newline = sql.indexOf("\n", at);
    if (newline === -1) return sql.length;
    at = newline + 1;
    while (sql[at] === " " || sql[at] === "\t") at++;
    if (!sql.startsWith("--", at)) return newline;
  }
}

/** The text of a comment. An apostrophe inside a word opens no string. */
function uncomment(comment: string): string {
  const text = comment.startsWith("--")
    ? comment.replace(/^[ \t]*--/gm, "")
    : comment.slice(2).replace(/\*\/$/, "");
  return text.replace(/(?<=\w)'(?=\w)/g, "’");
}
