/** Cuts text that may hold a secret. @module */

import { formatCount } from "./count.ts";

/** No secret is longer than this. */
const LONGEST_SECRET = 1000;

/**
 * Cuts text to a length, in front of a word: of a secret that is cut in two, nobody would
 * recognise the first half as one. A word that is longer than any secret is cut as far before that
 * length as a secret may have begun.
 *
 * @param text The text.
 * @param most How many characters may stay.
 * @returns The text, or its beginning and `…`.
 */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const start = text.slice(0, most);
  const word = /\S*$/.exec(start)![0];
  return `${start.slice(0, most - Math.min(word.length, LONGEST_SECRET)).toWellFormed()}…`;
}

/** How much is shown of what somebody has to say. */
const MOST_SAID = 2000;

/** To leave out less than this and say so saves nothing. */
const LEAST_LEFT_OUT = 200;

/**
 * Cuts what a server, a file or a program says, where it is longer than anybody reads, and says how
 * much was left out and where all of it is.
 *
 * @param text What is said.
 * @param where Where all of it is.
 */
export function shortenSaid(text: string, where = "--json writes all of it"): string {
  if (text.length <= MOST_SAID + LEAST_LEFT_OUT) return text;
  const start = shorten(text, MOST_SAID);
  return `${start} (${formatCount(text.length - start.length + 1)} more characters: ${where})`;
}
