/**
 * Lays text out in lines of 80 characters, as formatters of TypeScript do: what fits stays on one
 * line, and what does not is broken at all its places. Pure.
 *
 * @module
 */

/** Text with places where it may be broken. */
export type Layout = string | readonly Layout[] | Part;

type Part =
  /** Stays on one line, if it fits. */
  | { readonly kind: "group"; readonly content: Layout; readonly breaks: boolean }
  /** Stands further to the right, where lines begin in it. */
  | { readonly kind: "indent"; readonly content: Layout }
  /** A new line where the group is broken, and otherwise `flat`; `null` is always a new line. */
  | { readonly kind: "line"; readonly flat: string | null }
  /** What stands there only where the group is broken, or is not. */
  | { readonly kind: "choice"; readonly broken: Layout; readonly flat: string };

const WIDTH = 80;

/** A space, or a new line. */
export const line: Layout = { kind: "line", flat: " " };
/** Nothing, or a new line. */
export const softline: Layout = { kind: "line", flat: "" };
/** A new line. */
export const hardline: Layout = { kind: "line", flat: null };

/** Stays on one line, if it fits. */
export function group(...content: readonly Layout[]): Layout {
  return { kind: "group", content, breaks: content.some(mustBreak) };
}

/** Stands further to the right, where lines begin in it. */
export function indent(...content: readonly Layout[]): Layout {
  return { kind: "indent", content };
}

/** What stands there where the group is broken, and where it is not. */
export function choice(broken: Layout, flat: string): Layout {
  return { kind: "choice", broken, flat };
}

/** Puts something between all of a list. */
export function join(separator: Layout, items: readonly Layout[]): Layout[] {
  return items.flatMap((item, index) => index === 0 ? [item] : [separator, item]);
}

function mustBreak(layout: Layout): boolean {
  if (typeof layout === "string") return false;
  if (!("kind" in layout)) return layout.some(mustBreak);
  if (layout.kind === "line") return layout.flat === null;
  if (layout.kind === "group") return layout.breaks;
  return layout.kind === "indent" && mustBreak(layout.content);
}

/** What is still to be written: how far to the right, and whether in a group that is broken. */
type Pending = readonly [depth: number, isBroken: boolean, layout: Layout];

/**
 * Writes a layout.
 *
 * @param layout The layout.
 * @returns Its lines, without white space at their ends.
 */
export function print(layout: Layout): string {
  const lines: string[] = [];
  let text = ""; // of the last line
  const pending: Pending[] = [[0, true, layout]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [depth, isBroken, current] = next;
    if (typeof current === "string") {
      text += current;
    } else if (!("kind" in current)) {
      for (const part of current.toReversed()) pending.push([depth, isBroken, part]);
    } else if (current.kind === "indent") {
      pending.push([depth + 2, isBroken, current.content]);
    } else if (current.kind === "choice") {
      pending.push([depth, isBroken, isBroken ? current.broken : current.flat]);
    } else if (current.kind === "group") {
      const flat: Pending = [depth, false, current.content];
      const stays = !current.breaks && fits(flat, pending, WIDTH - text.length);
      pending.push(stays ? flat : [depth, true, current.content]);
    } else if (isBroken || current.flat === null) {
      lines.push(text.trimEnd());
      text = " ".repeat(depth);
    } else {
      text += current.flat;
    }
  }
  return [...lines, text].join("\n");
}

/** Whether something fits, with what follows it on its line. */
function fits(first: Pending, rest: readonly Pending[], room: number): boolean {
  const pending = [first];
  let following = rest.length;
  for (let left = room; left >= 0;) {
    const next = pending.pop() ?? rest[--following];
    if (next === undefined) return true;
    const [depth, isBroken, current] = next;
    if (typeof current === "string") {
      left -= current.length;
    } else if (!("kind" in current)) {
      for (const part of current.toReversed()) pending.push([depth, isBroken, part]);
    } else if (current.kind === "line") {
      if (isBroken || current.flat === null) return true;
      left -= current.flat.length;
    } else if (current.kind === "choice") {
      pending.push([depth, isBroken, isBroken ? current.broken : current.flat]);
    } else {
      const staysBroken = current.kind === "group" ? current.breaks : isBroken;
      pending.push([depth, staysBroken, current.content]);
    }
  }
  return false;
}
