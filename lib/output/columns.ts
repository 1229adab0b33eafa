/** Text as wide as a screen is: measured, cut, wrapped, put into columns. Pure functions. @module */

/** What stands where text was cut. */
const CUT = "…";

/**
 * What a terminal shows as a picture two cells wide: an emoji by itself, or one that is asked for.
 * `\p{RGI_Emoji}` says it too, and takes tens of milliseconds to load, as `Intl.Segmenter` does.
 */
const PICTURE = String
  .raw`(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Emoji_Modifier_Base}\p{Emoji_Modifier})`;

const BEGINS_WITH_PICTURE = new RegExp(`^${PICTURE}`, "u");

/** What takes two cells: the scripts of East Asia with their punctuation. */
const WIDE = new RegExp(
  String
    .raw`^[[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Bopomofo}\p{sc=Yi}\p{sc=Tangut}\p{sc=Nushu}` +
    String.raw`\p{sc=Khitan_Small_Script}\u1100-\u115f\u2329\u232a` +
    String.raw`\u2630-\u2637\u268a-\u268f\u2ff0-\u303e\u3041-\u3247\u3250-\u4dbf\u4dc0-\u4dff` +
    String.raw`\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60` +
    String.raw`\uffe0-\uffe6\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f200}-\u{1f265}` +
    String.raw`\u{20000}-\u{2fffd}\u{30000}-\u{3fffd}]--[\u02ea\u02eb\uff61-\uffdc\u303f]]`,
  "v",
);

/** What takes none by itself: marks above and below, but for the Arabic number signs, and joiners. */
const WITHOUT_WIDTH =
  /^[[\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}]--[\u0600-\u0605\u06dd\u0890\u0891\u08e2\u{110bd}\u{110cd}]]$/v;

/** Text in which each character stands for itself, but for a mark that asks for a picture. */
const STANDS_ALONE = new RegExp(
  String.raw`^[[\p{P}\p{S}\p{N}\p{Zs}\ufe0f\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}\p{sc=Han}` +
    String.raw`\p{sc=Hiragana}\p{sc=Katakana}\uac00-\ud7a3]--` +
    String.raw`[\p{Emoji_Modifier}\p{Regional_Indicator}]]*$`,
  "v",
);

let graphemes: Intl.Segmenter | undefined;

/**
 * How many cells of a terminal text takes: two for a Chinese character or an emoji, none for a mark
 * that stands above another character.
 *
 * @param text The text, on one line, with nothing that drives a terminal.
 */
export function measure(text: string): number {
  // What most text is made of needs no look at each character.
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of split(text)) width += measureCharacter(character);
  return width;
}

/** How wide one character is as a person sees it: a Korean syllable is as wide as its first letter. */
function measureCharacter(character: string): number {
  if (BEGINS_WITH_PICTURE.test(character)) return 2;
  let width = 0;
  for (const part of character) {
    if (WITHOUT_WIDTH.test(part)) continue;
    width += WIDE.test(part) ? 2 : 1;
    if (/^\p{sc=Hangul}/u.test(part)) break;
  }
  return width;
}

/** The characters as a person sees them, from the first one on, that fit. */
function takeFitting(characters: Iterable<string>, width: number): string[] {
  const taken: string[] = [];
  let left = width;
  for (const character of characters) {
    left -= measure(character);
    if (left < 0) break;
    taken.push(character);
  }
  return taken;
}

/** The characters as a person sees them. */
function* split(text: string): Iterable<string> {
  if (STANDS_ALONE.test(text)) {
    yield* text.match(/.\ufe0f?/gsu) ?? [];
    return;
  }
  graphemes ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { segment } of graphemes.segment(text)) yield segment;
}

/**
 * Cuts text at its end.
 *
 * @param text The text, on one line.
 * @param width How many cells there are.
 */
export function cutEnd(text: string, width: number): string {
  if (measure(text) <= width) return text;
  return width < 1 ? "" : takeFitting(split(text), width - 1).join("") + CUT;
}

/**
 * Cuts text in its middle: names of migrations differ at both ends.
 *
 * @param text The text, on one line.
 * @param width How many cells there are.
 */
export function cutMiddle(text: string, width: number): string {
  if (measure(text) <= width) return text;
  if (width < 5) return cutEnd(text, width);
  const all = [...split(text)];
  const end = takeFitting([...all].reverse(), Math.floor((width - 1) / 2)).reverse().join("");
  return takeFitting(all, width - 1 - measure(end)).join("") + CUT + end;
}

/** What is laid out already: code, the excerpt of a file and the mark below it, a drawing. */
const LAID_OUT = new RegExp(
  String.raw`^(?: {5,}(?!${PICTURE}\s)|\s*\d+ \| |\s*\^$)|[\u2500-\u257f]`,
  "u",
);

/** What a line may begin with: white space, and the mark that says what it is about. */
const HEAD = new RegExp(String.raw`^\s*(?:(?:${PICTURE}|[\-–•…])\s+)?`, "u");

/** A column has to be as wide as this for wrapping to be of any use. */
const LEAST_WRAPPED = 20;

/**
 * Wraps a line at words. What continues it stands below its words, behind its mark.
 *
 * @param line The line.
 * @param width How many cells there are.
 * @returns The lines that it takes.
 */
export function wrap(line: string, width: number): string[] {
  if (width < LEAST_WRAPPED || measure(line) <= width || LAID_OUT.test(line)) return [line];
  const head = HEAD.exec(line)![0];
  const indent = " ".repeat(Math.min(measure(head), width / 2));
  const lines: string[] = [];
  let current = head;
  let isEmpty = true;
  for (const word of line.slice(head.length).split(" ")) {
    const longer = isEmpty ? current + word : `${current} ${word}`;
    if (isEmpty || measure(longer) <= width) {
      current = longer;
    } else {
      lines.push(current.trimEnd());
      current = indent + word;
    }
    isEmpty = false;
  }
  return [...lines, current];
}

/** An excerpt of a file behind its line's number, and the mark below it. */
const EXCERPT = /^\s*\d+ \| /;
const CARET = /^\s*\^$/;

/**
 * Cuts excerpts of files that are wider than a screen, around the mark below them.
 *
 * @param lines The lines, of which some are excerpts.
 * @param width How many cells there are.
 * @returns As many lines.
 */
export function fitExcerpts(lines: readonly string[], width: number): string[] {
  const fitted = [...lines];
  for (const [index, line] of lines.entries()) {
    const margin = EXCERPT.exec(line)?.[0];
    if (margin === undefined || measure(line) <= width) continue;
    const caret = lines[index + 1] ?? "";
    const at = CARET.test(caret) ? caret.length - 1 - margin.length : 0;
    const cut = cutAround(line.slice(margin.length), at, Math.max(1, width - margin.length));
    fitted[index] = margin + cut.text;
    if (CARET.test(caret)) fitted[index + 1] = `${" ".repeat(margin.length + cut.at)}^`;
  }
  return fitted;
}

/** What stands at a cell stays, with twice as much in front of it as behind it. */
function cutAround(text: string, at: number, width: number): { text: string; at: number } {
  const all = measure(text);
  const start = Math.max(0, Math.min(at - Math.floor(width * 2 / 3), all - width + 1));
  let left = 0;
  const characters = [...split(text)];
  while (left < start) left += measure(characters.shift()!);
  return left === 0
    ? { text: cutEnd(text, width), at }
    : { text: cutEnd(CUT + characters.join(""), width), at: at - left + 1 };
}

/** A column of a table. */
export interface Column {
  /** What stands above it. */
  readonly title: string;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  /** It may be cut in the middle where there is no room for it; one column of a table has this. */
  readonly mayBeCut?: boolean;
  /** Where there is too little room, columns are left out: the highest number first. */
  readonly leaveOut?: number;
}

/** Between columns. */
const GAP = "  ";

/** How narrow a column gets that may be cut, before others are left out. */
const LEAST_CUT = 24;

/** What a table is for. */
export interface Screen {
  /** How wide it is; undefined where it is none, so that nothing has to fit. */
  readonly columns: number | undefined;
  /** Makes text fit to be written: before it is cut, as nobody recognises one half of a secret. */
  readonly clean: (text: string) => string;
}

/**
 * Puts rows into columns.
 *
 * @param columns The columns.
 * @param rows Their cells; one that is a text alone goes across all columns.
 * @param screen Where they are to fit.
 * @param indent What stands before each of them.
 * @returns The lines, the titles first.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[] | string)[],
  { columns: screenWidth = Infinity, clean }: Screen,
  indent = "",
): string[] {
  const width = screenWidth - measure(indent);
  const titles = columns.map(({ title }) => title);
  const lines = rows.map((row) =>
    typeof row === "string" ? row : row.map((cell) => clean(cell).replace(/\s+/g, " "))
  );
  const cells = [titles, ...lines.filter((row) => typeof row !== "string")];
  const needed = columns.map((_, at) => Math.max(...cells.map((row) => measure(row[at] ?? ""))));
  const shown = chooseColumns(columns, needed, width);
  const format = (row: readonly string[]) =>
    shown.map(({ at, width }, place) => {
      const { isNumber, mayBeCut } = columns[at]!;
      const text = mayBeCut ? cutMiddle(row[at] ?? "", width) : row[at] ?? "";
      const room = " ".repeat(Math.max(0, width - measure(text)));
      if (isNumber) return room + text;
      return place === shown.length - 1 ? text : text + room;
    }).join(GAP).trimEnd();
  return [titles, ...lines].map((row) => typeof row === "string" ? row : indent + format(row));
}

/** Which columns there is room for, and how wide they are. */
function chooseColumns(
  columns: readonly Column[],
  needed: readonly number[],
  width: number,
): { at: number; width: number }[] {
  const shown = columns.map((column, at) => ({ ...column, at, width: needed[at]! }));
  const total = () =>
    shown.reduce((sum, column) => sum + column.width, GAP.length * (shown.length - 1));
  const leastOf = (column: Column & { width: number }) =>
    column.mayBeCut ? Math.max(0, column.width - LEAST_CUT) : 0;
  while (total() - shown.reduce((sum, column) => sum + leastOf(column), 0) > width) {
    const [least] = [...shown].filter(({ leaveOut }) => leaveOut !== undefined)
      .sort((a, b) => b.leaveOut! - a.leaveOut!);
    if (least === undefined) break;
    shown.splice(shown.indexOf(least), 1);
  }
  const cut = shown.find(({ mayBeCut }) => mayBeCut);
  if (cut !== undefined && total() > width) {
    cut.width = Math.max(8, cut.width - (total() - width));
  }
  return shown;
}
