/** Draws tables and how they refer to each other. @module */

import type { Viz } from "@viz-js/viz";
import { anchor, type Content, type Html, join, markup } from "./html.ts";
import type { Box, Line, Point } from "./group.ts";
import { type Layout, layOut } from "./layout.ts";
import type { ReportReference, ReportTable } from "./schema.ts";

/** A table that many refer to: lines to it would cover all else, so that its sign stands for them. */
export interface Hub {
  readonly id: string;
  readonly name: string;
  /** Two characters. */
  readonly sign: string;
  /** How many foreign keys lead to it. */
  readonly count: number;
}

/** What a diagram is drawn of. */
export interface DiagramOptions {
  /** Tables that many refer to, where more is known than these tables. */
  readonly hubs?: readonly Hub[];
  /** Tables that something becomes of, by id. */
  readonly changes?: ReadonlyMap<string, "added" | "removed" | "changed">;
  /** Whether each table leads to where it is described. */
  readonly linked?: boolean;
}

/** A diagram. */
export interface Diagram {
  /** The SVG element, without style. */
  readonly svg: Html;
  readonly width: number;
  readonly height: number;
  /** The tables that signs stand for. */
  readonly hubs: readonly Hub[];
}

/** From how many on a table counts as one that many refer to. */
const MANY = 9;

/** How many colours there are for signs. */
const COLORS = 8;

/**
 * Finds the tables that many others refer to.
 *
 * @param tables All tables.
 */
export function findHubs(tables: readonly ReportTable[]): Hub[] {
  const counts = new Map<string, number>();
  for (const { id, references } of tables) {
    for (const { target } of references) {
      if (target !== id) counts.set(target, (counts.get(target) ?? 0) + 1);
    }
  }
  const signs = new Set<string>();
  return [...counts].filter(([, count]) => count >= MANY)
    .sort(([a, many], [b, fewer]) => fewer - many || (a < b ? -1 : 1))
    .map(([id, count]) => {
      const name = shortName(id);
      const sign = findSign(name, signs);
      signs.add(sign);
      return { id, name, sign, count };
    });
}

function findSign(name: string, taken: ReadonlySet<string>): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  const initials = words.length > 1 ? words.map(([first]) => first) : [];
  const letters = [...initials, ...words.join("")].join("").toUpperCase();
  const [first = "?", ...others] = letters;
  const free = [...others, ..."123456789"].map((second) => first + second)
    .find((sign) => !taken.has(sign));
  if (free !== undefined) return free;
  for (let number = 10;; number++) if (!taken.has(String(number))) return String(number);
}

/** A name without its schema where that is `public`. */
export function shortName(id: string): string {
  return id.replace(/^public\./, "");
}

/**
 * Draws a diagram.
 *
 * @param viz Graphviz.
 * @param tables The tables; views are left out.
 * @param options How it is drawn.
 */
export function drawDiagram(
  viz: Viz,
  tables: readonly ReportTable[],
  { changes = new Map(), linked = false, ...options }: DiagramOptions = {},
): Diagram {
  const drawn = tables.filter(({ kind }) => kind.endsWith("table"));
  const hubs = options.hubs ?? findHubs(drawn);
  const hubsById = new Map(hubs.map((hub, index) => [hub.id, { ...hub, color: index % COLORS }]));
  const shapes = new Map(
    drawn.map((table) => [table.id, toShape(table, hubsById)]),
  );
  const lines = findLines(drawn, hubsById);
  for (const { to } of lines) {
    if (!shapes.has(to)) shapes.set(to, toOutside(to));
  }
  // Those that many refer to come first, where the eye begins.
  const boxes = [...shapes.values()].sort((a, b) => b.rank - a.rank);
  const layout = layOut(viz, boxes, lines);
  const svg = markup`
    <svg xmlns="http://www.w3.org/2000/svg" class="diagram" viewBox="0 0 ${layout.width} ${layout.height}" role="group" aria-label="Tables and their foreign keys">
      <defs>${MARKERS}</defs>
      <g class="lines">${lines.map((line, index) => drawLine(line, layout.lines[index]!))}</g>
      <g class="boxes">${
    boxes.map((shape) => drawShape(shape, layout, changes.get(shape.id), linked))
  }</g>
    </svg>`;
  return { svg, width: layout.width, height: layout.height, hubs };
}

/** The ends of a line: many rows or one that refer, and the one that they refer to. */
const MARKERS = [
  { id: "many", at: 0, path: "M0 1L9 5L0 9M0 5H9" },
  { id: "single", at: 0, path: "M6 1V9" },
  { id: "one", at: 10, path: "M4 1V9" },
].map(({ id, at, path }) =>
  markup`
    <marker id="${id}" viewBox="0 0 10 10" refX="${at}" refY="5" orient="auto"
      markerWidth="10" markerHeight="10" markerUnits="userSpaceOnUse">
      <path d="${path}"/>
    </marker>
  `
);

interface HubWithColor extends Hub {
  readonly color: number;
}

interface Shape extends Box {
  readonly table: ReportTable | undefined;
  readonly label: string;
  readonly chips: readonly { readonly hub: HubWithColor; readonly columns: readonly string[] }[];
  readonly hub: HubWithColor | undefined;
  readonly isRecursive: boolean;
  readonly rank: number;
}

const NAME_HEIGHT = 28;
const CHIPS_HEIGHT = 20;
const CHIP_WIDTH = 25;
const PADDING = 10;

function toShape(table: ReportTable, hubs: ReadonlyMap<string, HubWithColor>): Shape {
  const { id, references } = table;
  const label = shorten(shortName(id));
  const byTarget = Map.groupBy(references, ({ target }) => target);
  const chips = [...byTarget].flatMap(([target, keys]) => {
    const hub = hubs.get(target);
    if (hub === undefined || target === id) return [];
    return [{ hub, columns: keys.flatMap(({ columns }) => columns) }];
  });
  const hub = hubs.get(id);
  const isRecursive = byTarget.has(id);
  const extra = (hub === undefined ? 0 : CHIP_WIDTH + 4) + (isRecursive ? 16 : 0);
  return {
    id,
    table,
    label,
    chips,
    hub,
    isRecursive,
    rank: hub?.count ?? 0,
    width: Math.ceil(
      2 * PADDING + Math.max(64, measure(label) + extra, chips.length * CHIP_WIDTH - 4),
    ),
    height: NAME_HEIGHT + (chips.length === 0 ? 0 : CHIPS_HEIGHT),
  };
}

/** What is referred to and is not among the tables. */
function toOutside(id: string): Shape {
  const label = shorten(shortName(id));
  return {
    id,
    table: undefined,
    label,
    chips: [],
    hub: undefined,
    isRecursive: false,
    rank: -1,
    width: Math.ceil(2 * PADDING + measure(label)),
    height: NAME_HEIGHT,
  };
}

/** What is longer makes a box that nothing stands beside. */
const LONGEST = 40;

function shorten(name: string): string {
  const characters = [...name];
  return characters.length <= LONGEST ? name : `${characters.slice(0, LONGEST - 1).join("")}…`;
}

/** How wide a text is in the letters of names, give or take a little: fonts differ. */
function measure(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/[ijl.,|'ftIr]/.test(character)) width += 4.9;
    else if (/[mwMW@]/.test(character)) width += 11.8;
    else if (/[A-Z]/.test(character)) width += 9;
    else width += /[\u2e80-\uffff]|\p{Emoji_Presentation}/u.test(character) ? 13.5 : 7.9;
  }
  return width;
}

interface DrawnLine extends Line {
  readonly keys: readonly ReportReference[];
}

/** One line from a table to another, however many keys lead there. */
function findLines(
  tables: readonly ReportTable[],
  hubs: ReadonlyMap<string, Hub>,
): DrawnLine[] {
  return tables.flatMap(({ id, references }) =>
    [...Map.groupBy(references, ({ target }) => target)]
      .filter(([target]) => target !== id && !hubs.has(target))
      .map(([target, keys]) => ({ from: id, to: target, keys }))
  );
}

function drawLine({ from, to, keys }: DrawnLine, points: readonly Point[]): Html {
  const [start, ...others] = points;
  if (start === undefined) return join([]);
  const path = `M${start.x} ${start.y}C${others.map(({ x, y }) => `${x} ${y}`).join(" ")}`;
  const isOptional = keys.every(({ optional }) => optional);
  const isUnique = keys.some(({ unique }) => unique);
  const name = `${shortName(from)} → ${shortName(to)} (${
    keys.map(({ columns }) => columns.join(", ")).join("; ")
  })`;
  return markup`
    <path d="${path}" data-from="${from}" data-to="${to}" ${isOptional && markup`class="optional"`}
      marker-start="url(#${isUnique ? "single" : "many"})" marker-end="url(#one)">
      <title>${name}</title>
    </path>
  `;
}

function drawShape(
  shape: Shape,
  layout: Layout,
  change: "added" | "removed" | "changed" | undefined,
  linked: boolean,
): Html {
  const { id, table, label, chips, hub, isRecursive, width, height } = shape;
  const { x, y } = layout.boxes.get(id)!;
  const isLink = linked && table !== undefined;
  const classes = [
    "box",
    ...(table === undefined ? ["outside"] : []),
    ...(hub === undefined ? [] : ["hub"]),
    ...(change === undefined ? [] : [change]),
  ];
  const contents: Content[] = [
    markup`<title>${describe(shape, change)}</title>`,
    markup`
      <rect width="${width}" height="${height}" rx="5" />
    `,
    hub !== undefined && drawChip(hub, width - PADDING - CHIP_WIDTH + 4, 7),
    markup`<text x="${PADDING}" y="19">${label}</text>`,
    isRecursive &&
    markup`<text class="mark" x="${
      width - PADDING - (hub === undefined ? 0 : CHIP_WIDTH + 4)
    }" y="19" text-anchor="end">↻</text>`,
    chips.map(({ hub, columns }, index) =>
      markup`<g>${drawChip(hub, PADDING + index * CHIP_WIDTH, NAME_HEIGHT - 2)}<title>${
        columns.join(", ")
      } → ${hub.name}</title></g>`
    ),
    change !== undefined &&
    markup`
      <g class="badge" transform="translate(${width} 0)">
        <circle r="8" />
        <text y="4" text-anchor="middle">${SIGNS[change]}</text>
      </g>
    `,
  ];
  const place = `translate(${x} ${y})`;
  return isLink
    ? markup`
      <a class="${classes.join(" ")}" id="${anchor("diagram", id)}" href="#${
      anchor(
        "table",
        id,
      )
    }" data-id="${id}"
        transform="${place}">${contents}</a>
    `
    : markup`<g class="${classes.join(" ")}" transform="${place}">${contents}</g>`;
}

const SIGNS = { added: "+", removed: "−", changed: "~" } as const;

function describe({ id, table, hub }: Shape, change: string | undefined): string {
  if (table === undefined) return `${id}, which is not among these tables`;
  const { columns, references } = table;
  return [
    shortName(id),
    `${columns.length} columns, ${references.length} foreign keys`,
    ...(hub === undefined ? [] : [`${hub.count} foreign keys lead to it`]),
    ...(change === undefined ? [] : [`${change} by pending migrations`]),
  ].join("\n");
}

function drawChip({ sign, color }: HubWithColor, x: number, y: number): Html {
  return markup`
    <g class="chip hue${color}" transform="translate(${x} ${y})">
      <rect width="21" height="15" rx="3" />
      <text x="10.5" y="11.5" text-anchor="middle">${sign}</text>
    </g>
  `;
}
