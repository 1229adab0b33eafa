/** Whether two texts of TypeScript are the same, however they are formatted. Pure. @module */

/** Strings, words, and everything else that says something: not what formatters put in and take out. */
const TOKEN = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\p{ID_Continue}$]+|[^\s;,|]/gu;

/**
 * Compares two texts of declarations. Formatters break lines, and choose quotes, semicolons and
 * commas at the ends of lists.
 *
 * @param one The one.
 * @param other The other.
 */
export function saysTheSame(one: string, other: string): boolean {
  return toTokens(one) === toTokens(other);
}

function toTokens(text: string): string {
  return (text.match(TOKEN) ?? []).map((token) =>
    // A name is the same with and without quotes.
    /^["']/.test(token) ? token.slice(1, -1).replaceAll(/\\(["'])/g, "$1") : token
  ).join("\n");
}
