/**
 * Just enough of PostgreSQL's lexical rules to know which `--` comments stand between
 * statements: strings, quoted names, dollar-quoted bodies, nested comments, parentheses and
 * `BEGIN ATOMIC` bodies. Statements themselves are split by PostgreSQL's own parser.
 *
 * @module
 */

/** A `--` comment with nothing but white space before it on its line, or a block alone on its lines. */
export interface LineComment {
  /** The comment from `--` or `/*` on, without the line's end. */
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

/** What {@linkcode scanComments} finds. Positions are offsets into the text. */
export interface Scan {
  /** The `--` comments, in order. */
  readonly comments: readonly LineComment[];
  /** The comment blocks that stand alone on their lines, in order. */
  readonly blocks: readonly LineComment[];
  /** Where each statement begins. */
  readonly statements: readonly number[];
  /** Where the last token begins that is no semicolon; -1 where there is none. */
  readonly lastToken: number;
  /** The comments that can be made blanks: all but those that keep two strings apart. */
  readonly whiteSpace: readonly (readonly [start: number, end: number])[];
}

const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\d[\w.]*|\.\d[\w.]*/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
/** PostgreSQL's white space: a no-break space is a letter to it. */
const SPACE = /[ \t\n\r\f\v]/;
const BLANK = /[ \t\f\v]/;
const CREATES_ROUTINE = /^create (?:or replace )?(?:function|procedure)\b/;

/**
 * Finds the line comments of an SQL text, and where its statements begin.
 *
 * @param sql The text, with LF line ends.
 * @returns The comments, and where the statements begin.
 */
export function scanComments(sql: string): Scan {
  const comments: LineComment[] = [];
  const blocks: LineComment[] = [];
  const statements: number[] = [];
  let at = 0;
  let parentheses = 0;
  let bodies = 0; // bodies of routines in standard SQL, which may create others
  let words: string[] = []; // the first four words of the statement, also of one in a body
  let previous = ""; // the last token: a word, or its last character
  let open = false;
  let lastToken = -1;
  const whiteSpace: [start: number, end: number][] = [];
  // A string goes on behind a line end, as what it began as: whether a backslash means anything
  // in its next part, the first part says. Comments may stand between them, but no blocks.
  let part: {
    readonly escapes: boolean;
    readonly end: number;
    readonly comments: [start: number, end: number][];
    block: boolean;
  } | undefined;

  const begin = () => {
    if (!open) statements.push(at);
    open = true;
    lastToken = at;
    leavePart();
  };
  const leavePart = () => {
    const apart = part?.block && sql[at] === "'";
    if (part !== undefined && !apart) {
      for (const comment of part.comments) whiteSpace.push(comment);
    }
    part = undefined;
  };
  const findPlace = (): LineComment["place"] =>
    parentheses > 0 || bodies > 0 ? "nested" : open ? "statement" : "between";
  const noteBlock = (end: number) => {
    let start = at;
    while (start > 0 && BLANK.test(sql[start - 1]!)) start--;
    let stop = end;
    while (stop < sql.length && BLANK.test(sql[stop]!)) stop++;
    const alone = (start === 0 || sql[start - 1] === "\n") &&
      (stop === sql.length || sql[stop] === "\n");
    if (!alone) return;
    const after = Math.min(stop + 1, sql.length);
    blocks.push({ text: sql.slice(at, end), start, end: after, place: findPlace() });
  };
  const skipString = (escapes: boolean) => {
    at = skipQuoted(sql, at, escapes);
    part = { escapes, end: at, comments: [], block: false };
    previous = "'";
  };

  while (at < sql.length) {
    const character = sql[at]!;

    if (character === "-" && sql[at + 1] === "-") {
      const newline = sql.indexOf("\n", at);
      const stop = newline === -1 ? sql.length : newline;
      const start = sql.lastIndexOf("\n", at) + 1;
      if (/^[ \t\f\v]*$/.test(sql.slice(start, at))) {
        comments.push({
          text: sql.slice(at, stop).trimEnd(),
          start,
          end: newline === -1 ? sql.length : newline + 1,
          place: findPlace(),
        });
      }
      (part?.comments ?? whiteSpace).push([at, stop]);
      at = stop;
    } else if (character === "/" && sql[at + 1] === "*") {
      const end = skipBlockComment(sql, at);
      // One without an end is no comment but a mistake, which the parser is to see.
      if (end === -1) begin();
      else {
        (part?.comments ?? whiteSpace).push([at, end]);
        noteBlock(end);
      }
      if (part !== undefined) part.block = true;
      at = end === -1 ? sql.length : end;
    } else if (character === "'") {
      const goesOn = part !== undefined && !part.block && sql.slice(part.end, at).includes("\n");
      const escapes = goesOn && part!.escapes;
      begin();
      skipString(escapes);
    } else if (character === '"') {
      begin();
      at = skipQuoted(sql, at, false);
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
      leavePart();
      at++;
      previous = character;
      if (parentheses === 0) {
        open = bodies > 0;
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
        const begins = lower === "atomic" && previous === "begin" && parentheses === 0 &&
          CREATES_ROUTINE.test(words.join(" "));
        // Only the END of a body follows a semicolon; CASE … END and "as end" do not.
        const ends = bodies > 0 && lower === "end" && (previous === ";" || previous === "atomic");
        if (begins) {
          bodies++;
          words = [];
        } else {
          if (ends) bodies--;
          if (words.length < 4) words.push(lower);
        }
        previous = lower;
        if (lower === "e" && sql[at] === "'") skipString(true);
      } else {
        const number = NUMBER.exec(sql)?.[0];
        at += number?.length ?? 1;
        previous = character;
        if (character === "(") parentheses++;
        else if (character === ")") parentheses = Math.max(0, parentheses - 1);
      }
    }
  }
  leavePart();
  return { comments, blocks, statements, lastToken, whiteSpace };
}

/**
 * Whether a text holds anything to execute, beyond comments and semicolons.
 *
 * @param sql The text, with LF line ends.
 */
export function holdsStatements(sql: string): boolean {
  return scanComments(sql).lastToken !== -1;
}

/**
 * Makes blanks of comments, each as long as its comment, so that nothing else moves.
 *
 * @param sql The text, with LF line ends.
 * @param scan What {@linkcode scanComments} finds in it.
 * @returns A text that means the same to PostgreSQL.
 */
export function blankComments(sql: string, scan: Scan = scanComments(sql)): string {
  const parts: string[] = [];
  let at = 0;
  for (const [start, end] of scan.whiteSpace) {
    parts.push(sql.slice(at, start), " ".repeat(end - start));
    at = end;
  }
  return parts.join("") + sql.slice(at);
}

/**
 * Skips a comment block and the blocks inside it.
 *
 * @param sql The text.
 * @param from Where the block begins.
 * @returns Where it ends, or -1 where it does not.
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
  return -1;
}

/**
 * Skips a string or a quoted name.
 *
 * @param sql The text.
 * @param from Where its quote stands.
 * @param escapes Whether a backslash means something in it (an E string).
 * @returns Where it ends, or the text does.
 */
export function skipQuoted(sql: string, from: number, escapes: boolean): number {
  const quote = sql[from]!;
  let at = from + 1;
  while (at < sql.length) {
    if (escapes && sql[at] === "\\") {
      at += 2;
    } else if (sql[at] !== quote) {
      // A string may have megabytes.
      const next = escapes ? at + 1 : sql.indexOf(quote, at);
      at = next === -1 ? sql.length : next;
    } else if (sql[at + 1] === quote) {
      at += 2;
    } else {
      return at + 1;
    }
  }
  return sql.length;
}
