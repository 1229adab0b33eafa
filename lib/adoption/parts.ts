/** Takes files apart whose up and down stand in one text, behind marks. @module */

import { normalizeText } from "../planning/sections.ts";
import { scanComments } from "../planning/lexer.ts";

/** A file of two parts. */
export interface Parts {
  /** What stands before the first mark. */
  readonly head: string;
  /** What is applied, and the words behind its mark. */
  readonly up: { readonly text: string; readonly options: string } | null;
  /** What undoes it. */
  readonly down: { readonly text: string; readonly options: string } | null;
}

/**
 * Divides a text at its marks.
 *
 * @param given The text.
 * @param mark Matches a comment that is one: the first group is `up` or `down`, the second one
 * what stands behind it.
 * @returns Its parts, without the marks.
 */
export function divide(given: string, mark: RegExp): Parts {
  const text = normalizeText(given);
  const marks = scanComments(text).comments.flatMap((comment) => {
    const [, direction, options = ""] = mark.exec(comment.text) ?? [];
    return direction === undefined ? [] : [{ ...comment, direction, options }];
  });
  const part = (wanted: string) => {
    const index = marks.findIndex(({ direction }) => direction.toLowerCase() === wanted);
    const found = marks[index];
    if (found === undefined) return null;
    return {
      text: text.slice(found.end, marks[index + 1]?.start ?? text.length),
      options: found.options,
    };
  };
  return {
    head: text.slice(0, marks[0]?.start ?? text.length),
    up: part("up"),
    down: part("down"),
  };
}
