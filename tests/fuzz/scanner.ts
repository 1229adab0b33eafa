/**
 * PostgreSQL's lexical rules once more, written from its scanner's rules and not from
 * `lib/planning/lexer.ts`: rule by rule, the longest match wins. What it says is held against the
 * server by the fuzz run, so it can serve as the server's view where there is no server.
 *
 * @module
 */

/** What a piece of a text is. */
export type TokenKind =
  | "space"
  | "line comment"
  | "block comment"
  | "string"
  | "quoted name"
  | "dollar string"
  | "word"
  | "parameter"
  | "number"
  | "symbol";

/** A piece of a text: everything between `start` and `end` belongs to it. */
export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
}

const SPACE = /[ \t\n\r\f\v]+/y;
const LINE_COMMENT = /--[^\n\r]*/y;
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const PARAMETER = /\$\d+/y;
const NUMBER =
  /0[xX](?:_?[0-9A-Fa-f])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*(?:\.(?!\.)(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?/y;
const STRING_START = /(?:[EeBbXxNn]|[Uu]&)?'/y;
const NAME_START = /(?:[Uu]&)?"/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
const WORD_START = /[A-Za-z_\u0080-\uffff]/y;

/**
 * Takes a text apart.
 *
 * @param text The text.
 * @returns Its tokens without a gap between them, or null where PostgreSQL's scanner would give up.
 */
export function scan(text: string): Token[] | null {
  const tokens: Token[] = [];
  let at = 0;
  /** A string may go on behind a line end, in which case its first part says how it is read. */
  let string: { readonly escapes: boolean; lineEnded: boolean } | null = null;
  while (at < text.length) {
    const goesOn: boolean = string !== null && string.lineEnded && text[at] === "'";
    const [kind, end]: [TokenKind, number | null] = goesOn
      ? ["string", endOfString(text, at + 1, string!.escapes)]
      : nextToken(text, at);
    if (end === null) return null;
    if (kind === "string") {
      const escapes: boolean = goesOn ? string!.escapes : /^e/i.test(text[at]!);
      string = { escapes, lineEnded: false };
    } else if (kind === "space") {
      if (string !== null) string.lineEnded ||= /[\n\r]/.test(text.slice(at, end));
    } else if (kind !== "line comment") {
      string = null;
    }
    tokens.push({ kind, start: at, end });
    at = end;
  }
  return tokens;
}

function nextToken(text: string, at: number): [TokenKind, number | null] {
  const space = endOf(SPACE, text, at);
  if (space !== null) return ["space", space];
  const lineComment = endOf(LINE_COMMENT, text, at);
  if (lineComment !== null) return ["line comment", lineComment];
  if (text.startsWith("/*", at)) return ["block comment", endOfBlockComment(text, at)];

  // "e" is a word, "e'" begins a string, "be'" is a word and the beginning of a string.
  const word = endOf(WORD, text, at);
  const string = endOf(STRING_START, text, at);
  if (string !== null && string > (word ?? at)) {
    return ["string", endOfString(text, string, /^e/i.test(text.slice(at, string)))];
  }
  const name = endOf(NAME_START, text, at);
  if (name !== null && name > (word ?? at)) return ["quoted name", endOfName(text, name)];
  if (word !== null) return ["word", word];

  const tag = endOf(DOLLAR_TAG, text, at);
  if (tag !== null) {
    const close = text.indexOf(text.slice(at, tag), tag);
    return ["dollar string", close === -1 ? null : close + tag - at];
  }
  for (const [kind, rule] of [["parameter", PARAMETER], ["number", NUMBER]] as const) {
    const end = endOf(rule, text, at);
    // "1a" and "$1a" are refused as junk behind a number.
    if (end !== null) return [kind, endOf(WORD_START, text, end) === null ? end : null];
  }
  return ["symbol", at + 1];
}

function endOf(rule: RegExp, text: string, at: number): number | null {
  rule.lastIndex = at;
  return rule.test(text) ? rule.lastIndex : null;
}

function endOfBlockComment(text: string, from: number): number | null {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = from;
  for (let depth = 0;;) {
    const mark = marks.exec(text);
    if (mark === null) return null;
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
}

function endOfString(text: string, from: number, escapes: boolean): number | null {
  const rule = escapes ? /(?:[^'\\]|''|\\[^])*?'(?!')/y : /(?:[^']|'')*?'(?!')/y;
  return endOf(rule, text, from);
}

function endOfName(text: string, from: number): number | null {
  const end = endOf(/(?:[^"]|"")*?"(?!")/y, text, from);
  // A name of no characters is refused.
  return end === from + 1 ? null : end;
}
