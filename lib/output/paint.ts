/** Colours: when there are any, and which. Pure functions. @module */

import { styleText } from "node:util";

/**
 * What begins a line, and how the line is painted: by what can be read on white and on black, which
 * yellow, green and cyan (on white) and blue (on black) cannot.
 */
const STYLES = [["❌", "red"], ["⚠️", "magenta"], ["💡", "bold"]] as const;

/** What the colour of a line is. */
export type LineStyle = (typeof STYLES)[number][1];

/** How a line is painted by the mark that it begins with; undefined where it is not. */
export function findStyle(line: string): LineStyle | undefined {
  const words = line.trimStart();
  return STYLES.find(([mark]) => words.startsWith(mark))?.[1];
}

/** Paints text. */
export function paint(text: string, style: LineStyle): string {
  return styleText(style, text, { validateStream: false });
}

/**
 * Whether there are colours: what the command line says, then `FORCE_COLOR` (0 or false is none),
 * then `NO_COLOR`; else on terminals that have them.
 *
 * @param environment The environment.
 * @param flag `--no-color`, or undefined.
 */
export function choosePaint(
  environment: Readonly<Record<string, string | undefined>>,
  flag?: boolean,
): boolean | "auto" {
  if (flag === false) return false;
  const { FORCE_COLOR = "", NO_COLOR = "" } = environment;
  if (FORCE_COLOR !== "") return !/^(0|false)$/i.test(FORCE_COLOR);
  return NO_COLOR === "" && readTerm(environment) !== "dumb" ? "auto" : false;
}

/** Which terminal it is; undefined where Deno does not allow to ask. */
function readTerm(
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  try {
    return environment.TERM;
  } catch {
    return undefined;
  }
}
