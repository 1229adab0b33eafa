/**
 * Text of others (the server, files, arguments, the environment), made unable to drive a terminal
 * or the log of a CI system. What is neutralised is shown, as `\x1b` or `\u202e`, and not dropped.
 *
 * @module
 */

import { DRIVING, showControls } from "../controls.ts";
import { shortenSaid } from "../shorten.ts";

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
  return showControls(text).replace(COMMAND, "$1\\x3a").replace(BRACKET_COMMAND, "\\x23#");
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
 * cannot pass for a line of its own, and of what is longer than anybody reads, the beginning stands.
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
  return String.raw({ raw: parts }, ...values.map((value) => indent(shortenSaid(String(value)))));
}

/** Indents all lines of a value but the first. */
export function indent(value: string, spaces = 10): string {
  return value.replaceAll("\n", `\n${" ".repeat(spaces)}`);
}

/** A text of several lines as a block of its own: all of its lines are indented alike. */
export function block(text: string, spaces = 4): string {
  return text.trimEnd().replace(/^(?=.)/gm, " ".repeat(spaces));
}
