/**
 * Text of others (the server, files, arguments, the environment), made unable to drive a terminal
 * or the log of a CI system. What is neutralised is shown, as `\x1b` or `\u202e`, and not dropped.
 *
 * @module
 */

/**
 * What a joiner may stand between: letters, marks and pictographs, of which Persian, the scripts
 * of India and emoji put some together that way. Latin, Greek and Cyrillic have no use for it.
 */
const JOINED = String.raw`[[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}]--` +
  String.raw`[\p{Default_Ignorable_Code_Point}\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}]]`;

/**
 * Controls (C0, DEL, C1), separators of lines, lone surrogates, non-characters, and what is
 * invisible: marks of direction, zero-width characters, tags. Not newline and tab; nor Arabic
 * number signs, which are of the same category and can be seen; nor joiners and variation
 * selectors where they belong.
 */
const DRIVING = new RegExp(
  [
    String.raw`[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}` +
    String.raw`\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]--` +
    String.raw`[\n\t\u200c\u200d\p{Variation_Selector}` +
    String.raw`\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]]`,
    String.raw`(?<!${JOINED}\ufe0f?)[\u200c\u200d]`,
    String.raw`[\u200c\u200d](?!${JOINED})`,
    String.raw`(?<=\p{Variation_Selector})\p{Variation_Selector}`,
  ].join("|"),
  "gv",
);

/** A line that GitHub would take for a command, such as `::add-mask::`: white space may precede. */
const COMMAND = /^([^\S\n]*):(?=:)/gm;

/** A command anywhere in a line: GitHub's older `##[`, `##vso[` of Azure, `##teamcity[`. */
const BRACKET_COMMAND = /##(?=\w*\[)/g;

/**
 * Makes text of others harmless: afterwards it holds nothing that a terminal obeys, nothing that
 * cannot be seen, and no line that a CI system takes for a command. Ordinary text of any language
 * stays as it is, and so do newlines and tabs. Doing it twice is doing it once.
 *
 * @param text The text.
 * @returns The text, fit to be written.
 */
export function neutralize(text: string): string {
  return text.replace(DRIVING, (character) => {
    const code = character.codePointAt(0)!.toString(16);
    if (code.length > 4) return `\\u{${code}}`;
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
  }).replace(COMMAND, "$1\\x3a").replace(BRACKET_COMMAND, "\\x23#");
}

/**
 * Makes JSON harmless in the same sense, for it may be printed to a terminal or a log as well.
 * Whoever parses it finds what was there before.
 *
 * @param json The JSON; its strings are on one line each, so that none of them begins a line.
 * @returns The same value as JSON.
 */
export function neutralizeJson(json: string): string {
  return json.replace(
    DRIVING,
    (character) =>
      Array.from(
        { length: character.length },
        (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, "0")}`,
      ).join(""),
  ).replace(BRACKET_COMMAND, "\\u0023#");
}

/**
 * Puts values into a line: what follows a line break in one of them is indented, so that it
 * cannot pass for a line of its own.
 *
 * @example
 * ```ts
 * import { line } from "./neutral.ts";
 *
 * const message = "no\n✅ Migration completed successfully!";
 * line`❌ 001_a.sql: ${message}`; // the ✅ does not stand at the beginning of a line
 * ```
 */
export function line(parts: TemplateStringsArray, ...values: unknown[]): string {
  return String.raw({ raw: parts }, ...values.map((value) => indent(String(value))));
}

/** Indents all lines of a value but the first. */
export function indent(value: string, spaces = 10): string {
  return value.replaceAll("\n", `\n${" ".repeat(spaces)}`);
}
