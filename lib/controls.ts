/** Characters that cannot be seen, or that drive what shows them. @module */

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
export const DRIVING = new RegExp(
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

/**
 * Shows what cannot be seen, or would drive a terminal or turn a line around, as `\x1b` or `\u202e`.
 * Ordinary text of any language stays as it is, and so do newlines and tabs.
 *
 * @param text The text.
 */
export function showControls(text: string): string {
  return text.replace(DRIVING, (character) => {
    const code = character.codePointAt(0)!.toString(16);
    if (code.length > 4) return `\\u{${code}}`;
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
  });
}
