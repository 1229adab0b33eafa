/**
 * Compares statements as PostgreSQL's parser sees them: without comments, whatever white space
 * there is between the words, in whichever case keywords and plain names are written.
 *
 * @module
 */

import { blankComments, skipQuoted } from "./lexer.ts";

/**
 * White space, what a string or a quoted name begins with, the beginning of a body, a word or a
 * number, or any other character. Of strings with a letter in front those count in which a
 * backslash may mean something.
 */
const TOKEN =
  /([ \t\n\r\f\v]+)|((?:[bexn]|u&)?['"])|(\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)|([a-z_\u0080-\uffff][\w$\u0080-\uffff]*|\d[\w.]*|\.\d[\w.]*)|[^]/iy;

type Kind = "word" | "quoted" | "operator" | "mark";

/**
 * Writes statements in the one way in which all texts are written that differ in comments and
 * white space alone. What stands inside strings, quoted names and bodies is as it is.
 *
 * @param sql The text, with LF line ends.
 * @returns The statements.
 */
export function comparableStatements(sql: string): string {
  const pieces: string[] = [];
  writeComparable(sql, (piece) => pieces.push(piece));
  return pieces.join("");
}

/** So many tokens are written at once: a file of megabytes has millions. */
const TOKENS = 10_000;

/**
 * Writes statements as {@linkcode comparableStatements} does, piece by piece.
 *
 * @param sql The text, with LF line ends.
 * @param write Takes a piece, which ends where a token does.
 */
export function writeComparable(sql: string, write: (piece: string) => unknown): void {
  const text = blankComments(sql);
  let parts: string[] = [];
  let previous = ";"; // Semicolons without a statement in front of them mean nothing.
  let previousKind: Kind = "mark";
  let escapes = false;
  let gap = "";
  for (let at = 0; at < text.length;) {
    TOKEN.lastIndex = at;
    const [token, space, quote, tag, word] = TOKEN.exec(text)!;
    const start = at;
    at += token.length;
    if (space !== undefined) {
      gap = space;
      continue;
    }
    let kind: Kind = "quoted";
    const goesOn = token === "'" && previousKind === "quoted" && gap.includes("\n");
    if (quote !== undefined) {
      // A string that goes on behind a line end is what it began as.
      escapes = /^e/i.test(quote) || (escapes && goesOn);
      at = skipQuoted(text, at - 1, escapes);
    } else if (tag !== undefined) {
      const close = text.indexOf(tag, at);
      at = close === -1 ? text.length : close + tag.length;
    } else {
      kind = word !== undefined ? "word" : MARKS.has(token) ? "mark" : "operator";
    }
    const written = kind === "word" ? lowerAscii(token) : text.slice(start, at);
    if (written !== ";" || previous !== ";") {
      if (gap !== "" && separates(previous, previousKind, written, kind)) {
        parts.push(goesOn ? "\n" : " ");
      }
      if (parts.length > TOKENS) {
        write(parts.join(""));
        parts = [];
      }
      parts.push(written);
      previous = written;
      previousKind = kind;
    }
    gap = "";
  }
  if (previous === ";") parts.pop();
  write(parts.join(""));
}

const MARKS = new Set(["(", ")", ",", ";", "[", "]"]);

/** PostgreSQL folds the letters of ASCII alone, whatever the locale. */
function lowerAscii(word: string): string {
  return word.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Whether the white space between two tokens is what keeps them apart. */
function separates(before: string, beforeKind: Kind, after: string, afterKind: Kind): boolean {
  if (beforeKind === "mark" || afterKind === "mark") return false;
  if ((beforeKind === "operator") === (afterKind === "operator")) return true;
  // "1 .5" is no "1.5", and "u & '…'" no "U&'…'".
  return before === "." || before === "&" || after === "." || after === "&";
}
