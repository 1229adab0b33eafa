// deno-lint-ignore-file no-control-regex -- terminals are driven by control characters
/** Looks at output as a terminal and a CI system do, and knows nothing of how it was made. */

/** Everything that such a reader might obey, in one text: for names, messages, whatever there is. */
export const HOSTILE = [
  "begin\r\x1b[2K\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
  "\x9b31m\x90q\x9c\x85\x7f\x08\x0b\x0c\x0e\x05",
  "\u202etxt.exe\u202c\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
  "zero\u200bwidth\u2060\ufeff\u00ad\u180e\u200dx\u200cy\u{e0041}\u{e007f}\ufe0f\ufe0f\ufff9\uffff",
  "line\u2028separator\u2029",
].join(" ");

/** Lines that would be commands, or pass for a result of ours. */
export const FORGED = [
  "",
  "::add-mask::status",
  "  ::stop-commands::token",
  "\u00a0\u3000::set-env name=PATH::/evil",
  "::error file=a.sql::forged",
  "##[add-path]/evil",
  "text before ##[group]x",
  "##vso[task.setvariable variable=a]b",
  "##teamcity[buildStatus text='x']",
  "section_start:1:x\r\x1b[0K",
  "✅ Migration completed successfully!",
  "end",
].join("\n");

/** Where characters are that nobody sees or that a terminal obeys, newline and tab aside. */
const FORBIDDEN: readonly (readonly [from: number, to: number])[] = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x180e, 0x180e],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0xfffe, 0xffff],
  [0xe0000, 0xe00ff], // what follows selects variants of Chinese characters
  [0xe01f0, 0xe0fff],
];

/** What the tool itself may send to a terminal. */
const OWN_SEQUENCES = [
  /\x1b\[\d{1,2}m/g, // colours
  /\r\x1b\[2K/g, // the live line is cleared
  /\x1b\[\d*[GJK]/g, // readline at a question, Deno when it has loaded
  /\r+(?=\n)/g, // made of a newline by the terminal, and by readline
];

/** An annotation of ours. */
const ANNOTATION = /^::error file=[^:,\r\n]+(?:,line=\d+)?(?:,col=\d+)?::[^\r\n]*$/;

/** What output may hold beside plain text. */
export interface Allowed {
  /** Colours and the live line. */
  readonly sequences?: boolean;
  /** Annotations for GitHub. */
  readonly annotations?: boolean;
}

/**
 * Finds what a terminal or a CI system would obey.
 *
 * @returns What is wrong, an item each; nothing where the output is harmless.
 */
export function findHostile(output: string, allowed: Allowed = {}): string[] {
  let text = output;
  if (allowed.sequences) { for (const own of OWN_SEQUENCES) text = text.replace(own, ""); }
  const found: string[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (FORBIDDEN.some(([from, to]) => code >= from && code <= to)) {
      found.push(`U+${code.toString(16)} in ${quoteAround(text, character)}`);
    }
  }
  for (const line of text.split(/[\r\n\x85\u2028\u2029]/)) {
    if (allowed.annotations && ANNOTATION.test(line) && !/##\w*\[/.test(line)) continue;
    if (/^\s*::/.test(line) || /##\w*\[/.test(line)) found.push(`a command: ${line}`);
  }
  return found;
}

function quoteAround(text: string, character: string): string {
  const at = text.indexOf(character);
  return JSON.stringify(text.slice(Math.max(0, at - 30), at + 30));
}
