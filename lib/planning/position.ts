/** Places in a part of a migration file, as places of the file. @module */

import type { FilePosition } from "../errors.ts";
import type { Section } from "./sections.ts";

/**
 * Makes an offset into a section a place of its file.
 *
 * @param section The section.
 * @param offset Where in its text.
 * @returns The line, the column, and the text of the line.
 */
export function locate(
  { sql, line }: Pick<Section, "sql" | "line">,
  offset: number,
): Required<Omit<FilePosition, "file">> {
  const start = offset === 0 ? 0 : sql.lastIndexOf("\n", offset - 1) + 1;
  return {
    line: line + countNewlines(sql, 0, start),
    column: [...sql.slice(start, offset)].length + 1,
    excerpt: sql.slice(start).split("\n", 1)[0]!,
  };
}

/** How many lines end in a part of a text. */
export function countNewlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at !== -1 && at < to; at = text.indexOf("\n", at + 1)) {
    count++;
  }
  return count;
}
