/** Text of others in Markdown, made unable to be anything but text. Pure functions. @module */

import { neutralize } from "./neutral.ts";

/**
 * Shows a text on one line as code, whatever is in it: no link, no mention, no cell of a table ends.
 *
 * @param text The text.
 */
export function code(text: string): string {
  const shown = oneLine(text).replaceAll("|", "\\x7c");
  const fence = fenceOf(shown, 1);
  const padding = /^`|`$|^ .* $/.test(shown) ? " " : "";
  return `${fence}${padding}${shown === "" ? " " : shown}${padding}${fence}`;
}

/**
 * Shows a text on one line as text.
 *
 * @param text The text.
 */
export function plain(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_{}[\]()<>+!|~&$]/g, "\\$&")
    // Nobody is called, no issue is told of it, and nothing becomes a link.
    .replace(/[@#]|:(?=\/\/)|www(?=\.)/gi, "$&&#8203;");
}

/**
 * Shows a text on one line inside of HTML.
 *
 * @param text The text.
 */
export function html(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return oneLine(text).replace(/[&<>"]/g, (character) => names[character]!);
}

/**
 * Shows a text as a block of code that nothing in it can end.
 *
 * @param text The text.
 * @param language What it is written in.
 */
export function block(text: string, language: string): string {
  const shown = neutralize(text).replace(/\n+$/, "");
  const fence = fenceOf(shown, 3);
  return `${fence}${language}\n${shown}\n${fence}`;
}

/** One backtick more than stand together anywhere in the text. */
function fenceOf(text: string, least: number): string {
  const longest = (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0);
  return "`".repeat(Math.max(least, longest + 1));
}

function oneLine(text: string): string {
  return neutralize(text.replaceAll(/\s+/g, " "));
}
