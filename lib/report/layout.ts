/**
 * Where tables stand in a diagram, and how the lines between them run. Graphviz lays out tables that
 * hang together; what hangs together is then packed into the shape of a screen.
 *
 * @module
 */

import type { Graph, Viz } from "@viz-js/viz";
import { bundle } from "./bundle.ts";
import { fold } from "./fold.ts";
import {
  type Box,
  GAPS,
  type Group,
  type Line,
  type PlacedGroup,
  type Point,
  SHAPE,
  sizeOf,
} from "./group.ts";

/** A diagram of which everything has its place. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Where the left upper corners of boxes are, by id. */
  readonly boxes: ReadonlyMap<string, Point>;
  /** How lines run, in their order: the ends of Bézier curves with two points between each. */
  readonly lines: readonly (readonly Point[])[];
}

/** Around each group. */
const MARGIN = 9;

/** What takes more than a screen is folded; letters are about as large as drawn there. */
const SCREEN = 700;

/** Graphviz works out right angles well, and slowly where there are many lines. */
const MOST_RIGHT_ANGLES = 150;

/** How often it tries to shorten lines, for each table: it would go on for minutes, and gain little. */
const PATIENCE = 1;

/** Graphviz counts in inches and draws in points. */
const POINTS = 72;

/**
 * Lays out tables.
 *
 * @param viz Graphviz.
 * @param boxes The tables; in this order, as far as that makes no difference.
 * @param lines The lines between them.
 */
export function layOut(viz: Viz, boxes: readonly Box[], lines: readonly Line[]): Layout {
  const groups = findGroups(boxes, lines).map((group) => layOutGroup(viz, group));
  const places = pack(groups);
  const found = new Map<string, Point>();
  const runs = new Map<Line, readonly Point[]>();
  let [width, height] = [0, 0];
  for (const [index, group] of groups.entries()) {
    const { x, y } = places[index]!;
    const move = (point: Point) => ({
      x: round(point.x + x + MARGIN),
      y: round(point.y + y + MARGIN),
    });
    for (const [id, point] of group.boxes) found.set(id, move(point));
    for (const [line, points] of group.lines) runs.set(line, points.map(move));
    width = Math.max(width, x + group.width);
    height = Math.max(height, y + group.height);
  }
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    boxes: found,
    lines: lines.map((line) => runs.get(line) ?? []),
  };
}

/** What hangs together, each in the order that is given. */
function findGroups(boxes: readonly Box[], lines: readonly Line[]): Group[] {
  const above = new Map(boxes.map(({ id }) => [id, id]));
  const find = (id: string): string => {
    let top = id;
    while (above.get(top) !== top) top = above.get(top)!;
    above.set(id, top);
    return top;
  };
  for (const { from, to } of lines) above.set(find(from), find(to));
  const linesOf = Map.groupBy(lines, ({ from }) => find(from));
  return [...Map.groupBy(boxes, ({ id }) => find(id))]
    .map(([top, boxes]) => ({ boxes, lines: linesOf.get(top) ?? [] }));
}

function layOutGroup(viz: Viz, group: Group): PlacedGroup {
  const [only] = group.boxes;
  if (group.boxes.length === 1 && group.lines.length === 0) {
    return {
      width: only!.width + 2 * MARGIN,
      height: only!.height + 2 * MARGIN,
      boxes: new Map([[only!.id, { x: 0, y: 0 }]]),
      lines: new Map(),
    };
  }
  const placed = runGraphviz(viz, group, "none");
  if (sizeOf(placed) <= SCREEN) return runGraphviz(viz, group, findLook(group));
  const bundled = bundle(group);
  const unfolded = runGraphviz(viz, bundled, "none");
  const columns = fold(bundled, unfolded);
  const folded = runGraphviz(viz, bundled, "none", columns);
  const [smallest] = [placed, unfolded, folded].sort((a, b) => sizeOf(a) - sizeOf(b));
  if (smallest === placed) return runGraphviz(viz, group, findLook(group));
  const look = findLook(bundled);
  return bundled.unpack(
    smallest === folded
      ? runGraphviz(viz, bundled, look, columns)
      : runGraphviz(viz, bundled, look),
  );
}

/** How lines run. */
type Look = "ortho" | "polyline" | "none";

function findLook({ lines }: Group): Look {
  return lines.length > MOST_RIGHT_ANGLES ? "polyline" : "ortho";
}

/** What is used of Graphviz's JSON. */
interface Drawn {
  readonly bb: string;
  readonly objects: readonly { readonly name: string; readonly pos: string }[];
  readonly edges?: readonly {
    /** Left out where lines are not wanted. */
    readonly pos?: string;
    readonly number: string;
    readonly turned: string;
  }[];
}

/**
 * Names are numbers to it: what is in them means nothing to anyone then.
 *
 * @param columns The number of the column of each table, where that is not left to it.
 */
function runGraphviz(
  viz: Viz,
  { boxes, lines }: Group,
  look: Look,
  columns?: ReadonlyMap<string, number>,
): PlacedGroup {
  const numbers = new Map(boxes.map(({ id }, number) => [id, String(number)]));
  const graph: Graph = {
    graphAttributes: {
      rankdir: "LR",
      nodesep: GAPS.below / POINTS,
      ranksep: GAPS.beside / POINTS,
      splines: look,
      nslimit: PATIENCE,
      nslimit1: PATIENCE,
    },
    nodeAttributes: { shape: "box", fixedsize: true, label: "" },
    edgeAttributes: { dir: "none" },
    nodes: boxes.map(({ width, height }, number) => ({
      name: String(number),
      attributes: { width: width / POINTS, height: height / POINTS },
    })),
    edges: lines.map(({ from, to }, number) => {
      // What others refer to stands in front of them, unless it is folded.
      const length = columns === undefined ? 1 : columns.get(from)! - columns.get(to)!;
      const [head, tail] = length < 0 ? [to, from] : [from, to];
      return {
        tail: numbers.get(tail)!,
        head: numbers.get(head)!,
        attributes: { number: String(number), turned: length < 0, minlen: Math.abs(length) },
      };
    }),
  };
  const drawn = viz.renderJSON(graph) as Drawn;
  const [, , width = 0, height = 0] = toNumbers(drawn.bb);
  // Its y grows upwards.
  const flip = ([x = 0, y = 0]: readonly number[]): Point => ({ x, y: height - y });
  return {
    width: width + 2 * MARGIN,
    height: height + 2 * MARGIN,
    boxes: new Map(drawn.objects.map(({ name, pos }) => {
      const box = boxes[Number(name)]!;
      const { x, y } = flip(toNumbers(pos));
      return [box.id, { x: x - box.width / 2, y: y - box.height / 2 }];
    })),
    lines: new Map((drawn.edges ?? []).map(({ number, pos = "", turned }) => {
      const points = pos.split(" ").map((point) => flip(toNumbers(point)));
      // From the one that refers to the one that is referred to.
      return [lines[Number(number)]!, turned === "true" ? points : points.reverse()];
    })),
  };
}

function toNumbers(list: string): number[] {
  return list.split(",").map(Number);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Finds the width at which all is largest on a screen. */
function pack(groups: readonly PlacedGroup[]): Point[] {
  const area = groups.reduce((sum, { width, height }) => sum + width * height, 0);
  const widest = Math.max(0, ...groups.map(({ width }) => width));
  let best: { places: Point[]; size: number } | undefined;
  for (let factor = 0.9; factor <= 1.6; factor += 0.1) {
    const width = Math.max(widest, Math.sqrt(area * SHAPE) * factor);
    const packed = packInto(groups, width);
    const size = Math.max(packed.width / SHAPE, packed.height);
    if (best === undefined || size < best.size) best = { places: packed.places, size };
  }
  return best?.places ?? [];
}

/** Puts each group, the highest first, where it comes to stand as far up as there is. */
function packInto(
  groups: readonly PlacedGroup[],
  width: number,
): { places: Point[]; width: number; height: number } {
  const places: Point[] = groups.map(() => ({ x: 0, y: 0 }));
  // How far down each stretch from left to right is taken.
  let skyline = [{ from: 0, to: width, y: 0 }];
  let [right, bottom] = [0, 0];
  const byHeight = groups.map((group, index) => ({ group, index }))
    .sort((a, b) => b.group.height - a.group.height || a.index - b.index);
  for (const { group, index } of byHeight) {
    let place: Point | undefined;
    for (const { from: x } of skyline) {
      if (x + group.width > width && x > 0) continue;
      const y = Math.max(
        ...skyline.filter(({ from, to }) => from < x + group.width && to > x).map(({ y }) => y),
      );
      if (place === undefined || y < place.y) place = { x, y };
    }
    const { x, y } = place!;
    places[index] = place!;
    const end = x + group.width;
    skyline = [
      ...skyline.filter(({ from }) => from < x).map((part) => ({
        ...part,
        to: Math.min(part.to, x),
      })),
      { from: x, to: end, y: y + group.height },
      ...skyline.filter(({ to }) => to > end).map((part) => ({
        ...part,
        from: Math.max(part.from, end),
      })),
    ];
    right = Math.max(right, end);
    bottom = Math.max(bottom, y + group.height);
  }
  return { places, width: right, height: bottom };
}
