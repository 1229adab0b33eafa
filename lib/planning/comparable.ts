/**
 * Compares statements as PostgreSQL's parser sees them: without comments, whatever white space
 * there is between the words, in whichever case keywords and plain names are written.
 *
 * @module
 */

import { blankComments, skipQuoted } from "./lexer.ts";

const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\d[\w.]*|\.\d[\w.]*/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const SPACE = /[ \t\n\r\f\v]+/y;
/** Strings with a letter in front, in which a backslash may mean something. */
const PREFIXED = /(?:[bexn]|u&)(?=['"])/iy;

/** A token, and whether there is white space in front of it. */
interface Token {
  readonly text: string;
  readonly kind: "word" | "quoted" | "operator" | "mark";
  readonly gap: "" | " " | "\n";
}

/**
 * Writes statements in the one way in which all texts are written that differ in comments and
 * white space alone. What stands inside strings, quoted names and bodies is as it is.
 *
 * @param sql The text, with LF line ends.
 * @returns The statements.
 */
export function comparableStatements(sql: string): string {
  const parts: string[] = [];
  let previous: Token | undefined;
  for (const token of tokensOf(blankComments(sql))) {
    // Semicolons without a statement in front of them mean nothing.
    if (token.text === ";" && (previous === undefined || previous.text === ";")) continue;
    if (previous !== undefined && separates(previous, token)) parts.push(token.gap);
    parts.push(token.text);
    previous = token;
  }
  if (previous?.text === ";") parts.pop();
  return parts.join("");
}

/** Whether the white space between two tokens is what keeps them apart. */
function separates(before: Token, after: Token): boolean {
  if (after.gap === "") return false;
  if (before.kind === "mark" || after.kind === "mark") return false;
  const isOperator = before.kind === "operator";
  if (isOperator !== (after.kind === "operator")) {
    // "1 .5" is no "1.5", and "u & '…'" no "U&'…'".
    return [before.text, after.text].some((text) => text === "." || text === "&");
  }
  return true;
}

function* tokensOf(sql: string): Generator<Token> {
  const match = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at;
    return pattern.exec(sql)?.[0];
  };
  let gap: Token["gap"] = "";
  let wasString = false;
  let escapes = false;
  for (let at = 0; at < sql.length;) {
    const space = match(SPACE, at);
    if (space !== undefined) {
      gap = space.includes("\n") ? "\n" : " ";
      at += space.length;
      continue;
    }
    const start = at;
    let kind: Token["kind"] = "quoted";
    const prefix = match(PREFIXED, at) ?? "";
    const quote = sql[at + prefix.length]!;
    if (quote === "'" || quote === '"') {
      // A string that goes on behind a line end is what it began as.
      escapes = /^e$/i.test(prefix) || (escapes && wasString && gap === "\n" && quote === "'");
      at = skipQuoted(sql, at + prefix.length, escapes);
    } else if (quote === "$" && match(DOLLAR_QUOTE, at) !== undefined) {
      const tag = match(DOLLAR_QUOTE, at)!;
      const close = sql.indexOf(tag, at + tag.length);
      at = close === -1 ? sql.length : close + tag.length;
    } else {
      const word = match(WORD, at) ?? match(NUMBER, at);
      kind = word !== undefined ? "word" : /[(),;[\]]/.test(quote) ? "mark" : "operator";
      at += word?.length ?? 1;
    }
    const text = sql.slice(start, at);
    const isString = kind === "quoted" && !text.startsWith('"');
    yield {
      text: kind === "word" ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text,
      kind,
      // Two strings on two lines are one string: there the line end counts.
      gap: gap === "\n" && !(isString && wasString) ? " " : gap,
    };
    wasString = isString;
    gap = "";
  }
}
