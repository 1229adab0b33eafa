/** Tables that hang together, and where they stand. @module */

/** A table as the layout sees it. */
export interface Box {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

/** A line from a table to the one that it refers to. */
export interface Line {
  readonly from: string;
  readonly to: string;
}

/** A place. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Tables with the lines between them. */
export interface Group {
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

/** A group of which everything has its place. */
export interface PlacedGroup {
  readonly width: number;
  readonly height: number;
  /** Where the left upper corners of boxes are, by id. */
  readonly boxes: ReadonlyMap<string, Point>;
  /** How lines run: the ends of Bézier curves with two points between each. */
  readonly lines: ReadonlyMap<Line, readonly Point[]>;
}

/** The width of a screen by its height, as far as the diagram has it. */
export const SHAPE = 2;

/** Between boxes that stand below each other, and between those that stand beside each other. */
export const GAPS = { below: 13, beside: 40 };

/** How high a screen has to be that shows all of it. */
export function sizeOf({ width, height }: Pick<PlacedGroup, "width" | "height">): number {
  return Math.max(width / SHAPE, height);
}
