/** What is found where a text holds something like a key. @module */

/** Something like a key. */
export interface FoundSecret {
  /** What it is, with its article. */
  readonly kind: string;
  /** The line that it begins on. */
  readonly line: number;
  /** Nothing else has this form: it is a key, and it opens something. */
  readonly certain: boolean;
  /** What must not be shown: parts of the text, as it is and as a server may repeat it. */
  readonly values: readonly string[];
}

/** What stands in examples and templates where a value goes. */
const PLACEHOLDER =
  /^(?:<.*>|\[.*\]|\{.*\}|\$\{.*|\$\d+|%(?:\d+\$)?[sLI]|[*.…x]*|your(?:[-_\s].*)?)$/is;

/** What is shorter may be a part of any word. */
const LONG = 8;

/**
 * Whether a value is one, and not what stands in its place in an example or a template.
 *
 * @param value The value.
 */
export function isValue(value: string): boolean {
  return !PLACEHOLDER.test(value);
}

/**
 * What to hide of a value.
 *
 * @param value The value.
 * @param quoted The same with what stands around it, which tells it from a part of a word.
 */
export function toHide(value: string, quoted: string): string {
  return value.length < LONG ? quoted : value;
}

/**
 * Makes a function that says on which line an offset is; the offsets have to ascend.
 *
 * @param text The text.
 * @param line The line that it starts on.
 */
export function countLines(text: string, line: number): (offset: number) => number {
  let at = 0;
  return (offset) => {
    for (; at < offset; at++) if (text[at] === "\n") line++;
    return line;
  };
}
