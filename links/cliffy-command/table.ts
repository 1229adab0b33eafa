/**
 * Columns of text. The widths and the places where lines break are cliffy's; the cells are
 * left-aligned and every character counts as one column wide.
 */
import { plain } from "./text.ts";

export interface TableOptions {
  /** Spaces after each column but the last. */
  readonly padding: readonly number[];
  /** Spaces before each line. */
  readonly indent?: number;
  /** Beyond this, the columns that may shrink do. */
  readonly maxWidth?: number;
  /** Beyond this, a column's lines are broken. */
  readonly maxColumnWidth?: number;
  /** How willingly each column shrinks; 0 or none: not at all. */
  readonly shrink?: readonly number[];
}

/** Lays rows of equally many cells out. A cell may have several lines. */
export function table(
  rows: readonly (readonly string[])[],
  options: TableOptions,
): string {
  const { padding, indent = 0, maxColumnWidth = Infinity } = options;
  const widths = rows[0]!.map((_, column) => {
    const lines = rows.flatMap((row) => row[column]!.split("\n"));
    return Math.min(
      maxColumnWidth,
      Math.max(...lines.map((line) => size(takeWords(maxColumnWidth, line)))),
    );
  });
  const gaps = sum(widths.slice(1).map((_, column) => padding[column] ?? 0));
  shrink(widths, options.shrink ?? [], (options.maxWidth ?? Infinity) - gaps);

  const last = widths.length - 1;
  const printed: string[] = [];
  for (const row of rows) {
    let cells = row;
    do {
      const cut = cells.map((cell, column) => takeLine(cell, widths[column]!));
      printed.push(
        " ".repeat(indent) + cut.map(({ line }, column) =>
          line + " ".repeat(
            Math.max(0, widths[column]! - size(line)) +
              (column < last ? padding[column] ?? 0 : 0),
          )
        ).join(""),
      );
      cells = cut.map(({ rest }) => rest);
    } while (cells.some((cell) => cell !== ""));
  }
  return printed.join("\n");
}

function size(text: string): number {
  return [...plain(text).replaceAll("\n", "")].length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Takes the overflow from the columns in proportion to their weight and width, as CSS does. */
function shrink(widths: number[], weights: readonly number[], room: number) {
  for (let changed = true; changed && sum(widths) > room;) {
    changed = false;
    const overflow = sum(widths) - room;
    const total = sum(widths.map((width, i) => width * (weights[i] ?? 0)));
    for (const [i, width] of widths.entries()) {
      const weight = weights[i] ?? 0;
      if (weight === 0 || width === 0) continue;
      const target = Math.floor(width * (1 - overflow * weight / total));
      widths[i] = Math.max(1, target);
      changed ||= widths[i] !== width;
    }
  }
}

/** Cuts the next line off a cell; a colour that is still on is closed and reopened. */
function takeLine(cell: string, width: number): { line: string; rest: string } {
  if (width <= 0) return { line: "", rest: "" };
  const limit = Math.min(width, size(cell));
  const words = takeWords(limit, cell);
  const tooLong = size(words) > limit;
  const line = tooLong ? takeCharacters(limit, words) : words;
  const rest = cell.slice(line.length + (tooLong ? 0 : 1));
  const open = new Map<number, string>();
  // deno-lint-ignore no-control-regex
  for (const [code, digits] of line.matchAll(/\x1b\[(\d+)m/g)) {
    const number = Number(digits);
    const close = number === 3 || number === 23 ? 23 : number < 3 || number === 22 ? 22 : 39;
    open.delete(close);
    if (number !== close) open.set(close, code);
  }
  const closing = [...open.keys()].reverse().map((code) => `\x1b[${code}m`);
  return {
    line: line + closing.join(""),
    rest: rest && [...open.values()].join("") + rest,
  };
}

/** The words of the first line that fit, at least one. */
function takeWords(limit: number, text: string): string {
  let taken = "";
  for (const [i, word] of text.split("\n", 1)[0]!.split(" ").entries()) {
    if (taken && size(taken) + size(word) >= limit) break;
    taken += (i > 0 ? " " : "") + word;
  }
  return taken;
}

/** The characters that fit, at least one; colour codes take no room. */
function takeCharacters(limit: number, text: string): string {
  let taken = "";
  // deno-lint-ignore no-control-regex
  for (const [character] of text.matchAll(/(?:\x1b\[\d+m)+|./gu)) {
    if (taken && size(taken) + size(character) > limit) break;
    taken += character;
  }
  return taken;
}
