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
const NUMBER = /\d[\w.]*|\.\d[\w.]*/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
/** PostgreSQL's white space: a no-break space is a letter to it. */
const SPACE = /[ \t\n\r\f\v]/;
/** A string goes on after a line end. An E string then goes on as one, whatever its quote says. */
const CONTINUED_STRING = /[ \t\f\v]*\n[ \t\n\f\v]*'/y;
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
  let atomic = false; // inside the body of a routine in standard SQL
  let words: string[] = []; // the first four words of the statement
  let previous = ""; // the last token: a word, or its last character
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
      if (/^[ \t\f\v]*$/.test(sql.slice(start, at))) {
        comments.push({
          text: sql.slice(at, stop).trimEnd(),
          start,
          end: newline === -1 ? sql.length : newline + 1,
          place: parentheses > 0 || atomic ? "nested" : open ? "statement" : "between",
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
      previous = character;
    } else if (character === "$") {
      begin();
      previous = character;
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
      previous = character;
      if (parentheses === 0 && !atomic) {
        open = false;
        words = [];
      }
    } else if (SPACE.test(character)) {
      at++;
    } else {
      begin();
      WORD.lastIndex = NUMBER.lastIndex = at;
      const word = WORD.exec(sql)?.[0];
      if (word !== undefined) {
        at += word.length;
        const lower = word.toLowerCase();
        if (atomic) {
          // Only the END of the body follows a semicolon; CASE … END and "as end" do not.
          if (lower === "end" && (previous === ";" || previous === "atomic")) atomic = false;
        } else {
          atomic = lower === "atomic" && previous === "begin" && parentheses === 0 &&
            CREATES_ROUTINE.test(words.join(" "));
        }
        previous = lower;
        if (words.length < 4) words.push(lower);
      } else {
        const number = NUMBER.exec(sql)?.[0];
        at += number?.length ?? 1;
        previous = character;
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

/**
 * Skips a comment block and the blocks inside it.
 *
 * @param sql The text.
 * @param from Where the block begins.
 * @returns Where it ends, or the text does.
 */
export function skipBlockComment(sql: string, from: number): number {
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

/**
 * Skips a string or a quoted name.
 *
 * @param sql The text.
 * @param from Where its quote stands.
 * @param quote The quote.
 * @param escapes Whether a backslash means something in it (an E string).
 * @returns Where it ends, or the text does.
 */
export function skipQuoted(sql: string, from: number, quote: string, escapes: boolean): number {
  let at = from + 1;
  while (at < sql.length) {
    if (escapes && sql[at] === "\\") {
      at += 2;
    } else if (sql[at] !== quote) {
      at++;
    } else if (sql[at + 1] === quote) {
      at += 2;
    } else {
      CONTINUED_STRING.lastIndex = at + 1;
      if (!escapes || !CONTINUED_STRING.test(sql)) return at + 1;
      at = CONTINUED_STRING.lastIndex;
    }
  }
  return at;
}
