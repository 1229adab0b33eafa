/** Text that PostgreSQL can store. @module */

/** Something in a text that PostgreSQL cannot store. */
export interface Unstorable {
  /** What it is, for a message. */
  readonly what: "a NUL character" | "half a character";
  /** Where it is. */
  readonly offset: number;
}

/**
 * Finds what PostgreSQL cannot store: NUL, and a surrogate without its other half, which stands
 * for no character and cannot be written as UTF-8.
 *
 * @param text The text.
 * @returns The first such thing, or undefined.
 */
export function findUnstorable(text: string): Unstorable | undefined {
  const nul = text.indexOf("\0");
  if (nul !== -1) return { what: "a NUL character", offset: nul };
  const half = text.search(/\p{Surrogate}/u);
  return half === -1 ? undefined : { what: "half a character", offset: half };
}
