/** Cuts text that may hold a secret. @module */

/**
 * Cuts text to a length, in front of a word: of a secret that is cut in two, nobody would
 * recognise the first half as one.
 *
 * @param text The text.
 * @param most How many characters may stay.
 * @returns The text, or its beginning and `…`.
 */
export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).replace(/\S+$/, "")}…`;
}
