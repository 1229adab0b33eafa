/**
 * Just enough of PostgreSQL's lexical rules to know which `--` comments stand between
 * statements: strings, quoted names, dollar-quoted bodies, nested comments, parentheses and
 * `BEGIN ATOMIC` bodies. Statements themselves are split by PostgreSQL's own parser.
 *
 * @module
 */

/** A `--` comment with nothing but white space before it on its line. */
export interface LineComment {
  /** The comment from `--` on, without the line's end. */
  readonly text: string;
  /** Where its line starts. */
  readonly start: number;
  /** Where the next line starts, or the text ends. */
  readonly end: number;
  /**
   * Where it stands: between statements, in a statement that has begun and is not inside
   * anything (a missing semicolon looks like this), or inside parentheses or a body.
   */
  readonly place: "between" | "statement" | "nested";
}

/** What {@linkcode scanComments} finds. */
export interface Scan {
  /** The comments, in order. */
  readonly comments: readonly LineComment[];
  /** Where each statement begins, as an offset into the text. */
  readonly statements: readonly number[];
}

const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /[\d.][\w.]*/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const CREATES_ROUTINE = /^create (?:or replace )?(?:function|procedure)\b/;

/**
 * Finds the line comments of an SQL text, and where its statements begin.
 *
 * @param sql The text, with LF line ends.
 * @returns The comments and the offsets of each statement's first token.
 */
export function scanComments(sql: string): Scan {
  const comments: LineComment[] = [];
  const statements: number[] = [];
  let at = 0;
  let parentheses = 0;
  let atomic = 0; // BEGIN ATOMIC and the CASEs inside it that END has yet to close
  let words: string[] = []; // the first words of the statement, then the last one
  let open = false;

  const begin = () => {
    if (!open) statements.push(at);
    open = true;
  };

  while (at < sql.length) {
    const character = sql[at]!;
    const two = sql.slice(at, at + 2);

    if (two === "--") {
      const newline = sql.indexOf("\n", at);
      const stop = newline === -1 ? sql.length : newline;
      const start = sql.lastIndexOf("\n", at) + 1;
      if (sql.slice(start, at).trim() === "") {
        comments.push({
          text: sql.slice(at, stop).trimEnd(),
          start,
          end: newline === -1 ? sql.length : newline + 1,
          place: parentheses > 0 || atomic > 0 ? "nested" : open ? "statement" : "between",
        });
      }
      at = stop;
    } else if (two === "/*") {
      at = skipBlockComment(sql, at);
    } else if (character === "'" || character === '"') {
      begin();
      const escapes = character === "'" &&
        /(?:^|[^\w$\u0080-\uffff])[eE]$/.test(sql.slice(Math.max(0, at - 2), at));
      at = skipQuoted(sql, at, character, escapes);
    } else if (character === "$") {
      begin();
      DOLLAR_QUOTE.lastIndex = at;
      const tag = DOLLAR_QUOTE.exec(sql)?.[0];
      if (tag === undefined) {
        at++;
      } else {
        const close = sql.indexOf(tag, at + tag.length);
        at = close === -1 ? sql.length : close + tag.length;
      }
    } else if (character === ";") {
      at++;
      if (parentheses === 0 && atomic === 0) {
        open = false;
        words = [];
      }
    } else if (/\s/.test(character)) {
      at++;
    } else {
      begin();
      WORD.lastIndex = NUMBER.lastIndex = at;
      const word = WORD.exec(sql)?.[0];
      if (word !== undefined) {
        at += word.length;
        const lower = word.toLowerCase();
        if (atomic > 0) {
          if (lower === "case") atomic++;
          else if (lower === "end") atomic--;
        } else if (
          lower === "atomic" && words.at(-1) === "begin" && CREATES_ROUTINE.test(words.join(" "))
        ) {
          atomic = 1;
        }
        if (words.length < 4) words.push(lower);
        else words[4] = lower;
      } else {
        const number = NUMBER.exec(sql)?.[0];
        at += number?.length ?? 1;
        if (character === "(") parentheses++;
        else if (character === ")") parentheses = Math.max(0, parentheses - 1);
      }
    }
  }
  return { comments, statements };
}

/**
 * Whether a text holds anything to execute, beyond comments and semicolons.
 *
 * @param sql The text, with LF line ends.
 */
export function holdsStatements(sql: string): boolean {
  return scanComments(sql).statements.length > 0;
}

function skipBlockComment(sql: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < sql.length) {
    const two = sql.slice(at, at + 2);
    if (two === "/*") {
      depth++;
      at += 2;
    } else if (two === "*/") {
      depth--;
      at += 2;
      if (depth === 0) return at;
    } else {
      at++;
    }
  }
  return at;
}

function skipQuoted(sql: string, from: number, quote: string, escapes: boolean): number {
  let at = from + 1;
  while (at < sql.length) {
    if (escapes && sql[at] === "\\") {
      at += 2;
    } else if (sql[at] === quote) {
      if (sql[at + 1] !== quote) return at + 1;
      at += 2;
    } else {
      at++;
    }
  }
  return at;
}
