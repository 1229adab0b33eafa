/**
 * Puts tables that hang on one other table alone into a block, which one line leads to: side by side
 * they would make a column that no screen is high enough for.
 *
 * @module
 */

import {
  type Box,
  GAPS,
  type Group,
  type Line,
  type PlacedGroup,
  type Point,
  SHAPE,
} from "./group.ts";

/** A group in which blocks stand for the tables in them. */
export interface BundledGroup extends Group {
  /** Takes the tables and their lines out of the blocks again. */
  readonly unpack: (placed: PlacedGroup) => PlacedGroup;
}

/** Along the edges of a block and in front of its columns: lines run there, and end in their marks. */
const EDGE = 8;
const LEAD = 24;

interface Block {
  readonly box: Box;
  /** The line that stands for those of its tables. */
  readonly line: Line;
  readonly tables: readonly {
    readonly id: string;
    /** The line that leads to it, or from it. */
    readonly line: Line;
    readonly at: Point;
    readonly height: number;
  }[];
}

/**
 * Puts into blocks what hangs on the same table and on nothing else.
 *
 * @param group The group.
 * @returns The group with blocks; the same tables and lines where there is nothing to put together.
 */
export function bundle({ boxes, lines }: Group): BundledGroup {
  const linesOf = new Map<string, Line[]>(boxes.map(({ id }) => [id, []]));
  for (const line of lines) for (const id of [line.from, line.to]) linesOf.get(id)!.push(line);
  const isLeaf = ({ id }: Box) => linesOf.get(id)!.length === 1;
  const byPlace = Map.groupBy(boxes.filter(isLeaf), ({ id }) => {
    const { from, to } = linesOf.get(id)![0]!;
    return JSON.stringify(from === id ? ["to", to] : ["from", from]);
  });
  const blocks = [...byPlace.values()].filter(({ length }) => length > 1)
    .map((leaves) => toBlock(leaves, leaves.map(({ id }) => linesOf.get(id)![0]!)));
  const packed = new Set(blocks.flatMap(({ tables }) => tables.map(({ id }) => id)));
  return {
    boxes: [...boxes.filter(({ id }) => !packed.has(id)), ...blocks.map(({ box }) => box)],
    lines: [
      ...lines.filter(({ from, to }) => !packed.has(from) && !packed.has(to)),
      ...blocks.map(({ line }) => line),
    ],
    unpack: (placed) => unpack(placed, blocks),
  };
}

/** Columns from left to right, in the shape of a screen. */
function toBlock(leaves: readonly Box[], lines: readonly Line[]): Block {
  const highest = Math.max(...leaves.map(({ height }) => height)) + GAPS.below;
  const area = leaves.reduce((sum, { width }) => sum + (width + LEAD) * highest, 0);
  const rows = Math.max(1, Math.round(Math.sqrt(area / SHAPE) / highest));
  const tables: { id: string; line: Line; at: Point; height: number }[] = [];
  let [left, right] = [0, 0];
  for (const [index, { id, width, height }] of leaves.entries()) {
    if (index % rows === 0) left = right + LEAD;
    const y = 2 * EDGE + (index % rows) * highest;
    tables.push({ id, line: lines[index]!, at: { x: left, y }, height });
    right = Math.max(right, left + width);
  }
  // The names of the first one are free, as it is in the block.
  const [{ id }, { from, to }] = [leaves[0]!, lines[0]!];
  return {
    box: { id, width: right + EDGE, height: 2 * EDGE + Math.min(rows, leaves.length) * highest },
    line: { from, to },
    tables,
  };
}

function unpack(placed: PlacedGroup, blocks: readonly Block[]): PlacedGroup {
  const boxes = new Map(placed.boxes);
  const lines = new Map(placed.lines);
  for (const { box, line, tables } of blocks) {
    const corner = boxes.get(box.id)!;
    const run = lines.get(line)!;
    lines.delete(line);
    for (const { id, line: own, at, height } of tables) {
      const place = { x: corner.x + at.x, y: corner.y + at.y };
      boxes.set(id, place);
      // From outside to the table, whichever of the two refers to the other.
      const isReferring = own.from === id;
      const outside = isReferring ? run.toReversed() : run;
      const inside = findWay(outside.at(-1)!, corner, box, { x: place.x, y: place.y + height / 2 });
      const all = [...outside, ...inside];
      lines.set(own, isReferring ? all.reverse() : all);
    }
  }
  return { ...placed, boxes, lines };
}

/** From the edge of a block along that edge, above its columns, and down in front of one of them. */
function findWay(entry: Point, corner: Point, box: Box, end: Point): Point[] {
  const above = corner.y + EDGE;
  const front = end.x - LEAD + EDGE;
  const isBelow = entry.y > corner.y + box.height - 1;
  const turns = [
    entry,
    ...(isBelow ? [{ x: corner.x, y: entry.y }, { x: corner.x, y: above }] : []),
    ...(isBelow ? [] : [{ x: entry.x, y: above }]),
    { x: front, y: above },
    { x: front, y: end.y },
    end,
  ];
  // Straight, as the curves that lines are made of.
  return turns.slice(1).flatMap((turn, index) => [turns[index]!, turn, turn]);
}
