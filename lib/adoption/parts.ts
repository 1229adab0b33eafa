/** Takes files apart whose up and down stand in one text, behind marks. @module */

import { normalizeText } from "../planning/sections.ts";
import { scanComments } from "../planning/lexer.ts";
import { parseText } from "../planning/parser.ts";

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

/**
 * A text as `psql` sends it: each statement by itself. Blocks of `BEGIN` and `COMMIT` stay together
 * with what is beside them.
 *
 * @param text The text.
 * @returns What is sent, in order.
 */
export async function oneByOne(text: string): Promise<string[]> {
  const sql = normalizeText(text);
  const { statements, errors } = await parseText(sql);
  // What is no SQL is refused when it is read as ours.
  const isWhole = errors.length > 0 || statements.some(({ type }) => type === "TransactionStmt");
  return isWhole ? [sql] : statements.map(({ start, end }) => sql.slice(start, end));
}
