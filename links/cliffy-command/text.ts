/** Colours, and the few things done to words and lines. */
import process from "node:process";

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  italic: [3, 23],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  brightBlue: [94, 39],
  brightMagenta: [95, 39],
} as const;

function painter(name: keyof typeof CODES): (text: string) => string {
  const [open, close] = CODES[name].map((code) => `\x1b[${code}m`) as [
    string,
    string,
  ];
  // Where a colour inside ends, this one goes on.
  return (text) => open + text.replaceAll(close, open) + close;
}

/** Wraps text in the colour's codes. What is printed passes {@linkcode plain} when colours are off. */
export const paint = {
  bold: painter("bold"),
  dim: painter("dim"),
  italic: painter("italic"),
  red: painter("red"),
  green: painter("green"),
  yellow: painter("yellow"),
  brightBlue: painter("brightBlue"),
  brightMagenta: painter("brightMagenta"),
};

/** The text without colour codes. */
export function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[\d+m/g, "");
}

/** The text as the user wants it: `NO_COLOR` is the only thing asked, as in cliffy. */
export function colored(text: string): string {
  return isColorless() ? plain(text) : text;
}

/** Whether `NO_COLOR` is set, which Deno tells without a permission. */
export function isColorless(): boolean {
  const { Deno } = globalThis as { Deno?: typeof globalThis.Deno };
  return Deno?.noColor ?? Boolean(process.env.NO_COLOR);
}

/** Takes the first line's indentation from every line, and blank lines from both ends. */
export function dedent(text: string): string {
  const lines = text.split(/\r\n|\n|\r/);
  const first = lines.findIndex((line) => line.trim() !== "");
  if (first < 0) return "";
  const indent = lines[first]!.search(/\S/);
  return lines.slice(first).map((line) => line.slice(indent)).join("\n")
    .trimEnd();
}

/** The whole text, or its first line. */
export function describe(text: string, long: boolean): string {
  return long ? dedent(text) : text.trim().split("\n", 1)[0]!.trim();
}

/** `name` as it is typed: `-n` or `--name`. */
export function flag(name: string): string {
  return name.startsWith("-") ? name : name.length > 1 ? `--${name}` : `-${name}`;
}

/** `dry-run` as `dryRun`. */
export function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A suggestion for a mistyped word, or nothing where there is nothing to suggest. */
export function didYouMean(
  what: string,
  word: string,
  known: readonly string[],
): string {
  let closest = "";
  let least = Infinity;
  for (const candidate of known) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
    if (edits < least) [closest, least] = [candidate, edits];
  }
  return closest && ` Did you mean ${what} "${closest}"?`;
}

/** The Levenshtein distance, row by row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, substitution));
    }
    row = next;
  }
  return row[b.length]!;
}
