/**
 * Folds what is too wide for a screen or too high: columns of tables go on below, from right to left and
 * from left to right by turns, and those with many tables become several.
 *
 * @module
 */

import { type Box, GAPS, type Group, type PlacedGroup, sizeOf } from "./group.ts";

/** Lines pass by what stands in the way: a column becomes several where it saves this much. */
const WORTH = 0.7;

/**
 * Finds the columns in which tables take the smallest screen. Lines that pass others by are not counted:
 * how it comes out is seen when it is drawn.
 *
 * @param group The tables.
 * @param placed Where they stand unfolded, in columns.
 * @returns The number of the column of each table.
 */
export function fold({ boxes }: Group, placed: PlacedGroup): Map<string, number> {
  const columns = findColumns(boxes, placed);
  const highest = Math.max(...columns.map(({ length }) => length));
  let best: { size: number; folded: Box[][][] } | undefined;
  for (let most = highest; most >= 1; most--) {
    const found = foldColumns(columns.flatMap((column) => split(column, most)));
    if (best === undefined || found.size < best.size * WORTH) best = found;
  }
  return new Map(
    best!.folded.flatMap((band) =>
      band.flatMap((column, index) => column.map(({ id }) => [id, index] as const))
    ),
  );
}

/** In how many bands they take the smallest screen. */
function foldColumns(columns: readonly Box[][]): { size: number; folded: Box[][][] } {
  let best: { size: number; folded: Box[][][] } | undefined;
  for (let bands = 1; bands <= columns.length; bands++) {
    const length = Math.ceil(columns.length / bands);
    // As many bands of that length are no other ones.
    if (Math.ceil(columns.length / length) < bands) continue;
    const folded = toBands(columns, length);
    const size = measure(folded, length);
    if (best === undefined || size < best.size) best = { size, folded };
  }
  return best!;
}

/** From left to right, each from top to bottom. */
function findColumns(boxes: readonly Box[], placed: PlacedGroup): Box[][] {
  const at = ({ id }: Box) => placed.boxes.get(id)!;
  return [...Map.groupBy(boxes, (box) => Math.round(at(box).x + box.width / 2))]
    .sort(([a], [b]) => a - b)
    .map(([, column]) => column.sort((a, b) => at(a).y - at(b).y));
}

/** Neighbours come into different columns, so that lines spread. */
function split(column: readonly Box[], most: number): Box[][] {
  const parts = Math.ceil(column.length / most);
  return Array.from(
    { length: parts },
    (_, part) => column.filter((_, index) => index % parts === part),
  );
}

/** Each band begins where the one above it has ended. */
function toBands(columns: readonly Box[][], length: number): Box[][][] {
  const bands: Box[][][] = [];
  for (let from = 0; from < columns.length; from += length) {
    const band = columns.slice(from, from + length);
    if (bands.length % 2 === 0) bands.push(band);
    else bands.push([...Array<Box[]>(length - band.length).fill([]), ...band.toReversed()]);
  }
  return bands;
}

function measure(bands: readonly Box[][][], length: number): number {
  const widths = Array<number>(length).fill(0);
  let height = 0;
  for (const band of bands) {
    let highest = 0;
    for (const [index, column] of band.entries()) {
      let own = 0;
      for (const box of column) {
        own += box.height + GAPS.below;
        widths[index] = Math.max(widths[index]!, box.width + GAPS.beside);
      }
      highest = Math.max(highest, own);
    }
    height += highest;
  }
  return sizeOf({ width: widths.reduce((sum, width) => sum + width, 0), height });
}
