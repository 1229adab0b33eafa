/** The tokens of an SQL text, for finding in it what PostgreSQL names. @module */

import { skipBlockComment, skipQuoted } from "./lexer.ts";

/** A token. Positions are offsets into the text. */
export interface Token {
  /** A word, a quoted name, a string, a dollar-quoted string, a number, or an operator and the like. */
  readonly kind: "word" | "name" | "string" | "dollar" | "number" | "symbol";
  /** Where it begins. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
}

const BLANK = /[ \t\n\r\f\v]+/y;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\d[\w.]*|\.\d[\w.]*/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const PARAMETER = /\$\d+/y;
const OPERATOR = /[-+*\/<>=~!@#%^&|`?:]+|\.\./y;

/**
 * Finds the tokens of a text. Comments are none.
 *
 * @param sql The text, with LF line ends.
 */
export function findTokens(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.exec(sql)?.[0].length ?? 0;
  };
  while (at < sql.length) {
    const start = at;
    const blank = match(BLANK);
    if (blank > 0) {
      at += blank;
      continue;
    }
    if (sql.startsWith("--", at)) {
      const newline = sql.indexOf("\n", at);
      at = newline === -1 ? sql.length : newline;
      continue;
    }
    if (sql.startsWith("/*", at)) {
      const end = skipBlockComment(sql, at);
      at = end === -1 ? sql.length : end;
      continue;
    }
    let kind: Token["kind"] = "symbol";
    let length;
    if (sql[at] === "'") {
      kind = "string";
      const before = tokens.at(-1);
      const escapes = before?.end === at && /^e$/i.test(sql.slice(before.start, at));
      at = skipQuoted(sql, at, escapes);
    } else if (sql[at] === '"') {
      kind = "name";
      at = skipQuoted(sql, at, false);
    } else if ((length = match(DOLLAR_QUOTE)) > 0) {
      kind = "dollar";
      const close = sql.indexOf(sql.slice(at, at + length), at + length);
      at = close === -1 ? sql.length : close + length;
    } else if ((length = match(WORD)) > 0) {
      kind = "word";
      at += length;
    } else if ((length = match(NUMBER)) > 0) {
      kind = "number";
      // A range of PL/pgSQL: 1..10.
      const range = sql.slice(at, at + length).indexOf("..");
      at += range > 0 ? range : length;
    } else {
      // What begins a comment ends an operator.
      const operator = match(OPERATOR);
      const comment = sql.slice(at, at + operator).search(/--|\/\*/);
      at += (comment > 0 ? comment : operator) || match(PARAMETER) || 1;
    }
    tokens.push({ kind, start, end: at });
  }
  return tokens;
}
