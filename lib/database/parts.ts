/** Calls that are larger than a way to the database lets through, in parts. @module */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** How much of a text is looked at at once, in UTF-16 code units. */
const SLICE = 4096;

/** At most so many bytes of JSON are a UTF-16 code unit. */
const MOST_BYTES = 6;

/**
 * Whether a value is longer than some bytes as JSON.
 *
 * @param value The value.
 * @param bytes How many.
 */
export function isLonger(value: unknown, bytes: number): boolean {
  let units = 0;
  for (const text of listTexts(value)) units += text.length + 8;
  // Most calls are far from it, and are not looked at any closer.
  if (units * MOST_BYTES <= bytes) return false;
  let length = 0;
  for (const piece of writeJson(value)) {
    length += Buffer.byteLength(piece);
    if (length > bytes) return true;
  }
  return false;
}

/** The texts in a value. */
function* listTexts(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "number") yield "";
  else if (Array.isArray(value)) { for (const item of value) yield* listTexts(item); }
  else if (typeof value === "object" && value !== null) {
    for (const item of Object.values(value)) yield* listTexts(item);
  }
}

/**
 * A digest of a value's JSON, which is never put together as a whole.
 *
 * @param value The value.
 */
export function digestJson(value: unknown): string {
  const hash = createHash("sha256");
  for (const piece of writeJson(value)) hash.update(piece);
  return hash.digest("hex");
}

/**
 * Cuts a value's JSON into parts. A file is megabytes: it is never put together as a whole.
 *
 * @param value The value.
 * @param bytes How large a part may be, as a string in JSON.
 */
export function* toParts(value: unknown, bytes: number): Generator<string> {
  let part: string[] = [];
  let length = 0;
  for (const piece of writeJson(value)) {
    const size = measure(piece);
    if (length + size > bytes && part.length > 0) {
      yield part.join("");
      [part, length] = [[], 0];
    }
    part.push(piece);
    length += size;
  }
  yield part.join("");
}

/** A piece of a list's JSON. */
export interface ListPart {
  /** What is sent. */
  readonly content: string;
  /** Whether a list ends with it: the next part begins another one. */
  readonly isEnd: boolean;
}

/** How many parts a list has, where it is not a single item that is larger. */
const PARTS_OF_LIST = 4;

/**
 * Cuts a list into shorter ones, each of which is JSON, in one part or some.
 *
 * @param items The list.
 * @param bytes How large a part may be, as a string in JSON.
 */
export function* toListParts(items: readonly unknown[], bytes: number): Generator<ListPart> {
  let part = ["["];
  let length = 1;
  let cuts = 0;
  for (const [index, item] of items.entries()) {
    const pieces = [...writeJson(item)].map((piece) => ({ piece, size: measure(piece) }));
    const whole = pieces.reduce((sum, { size }) => sum + size, 0);
    if (cuts >= PARTS_OF_LIST - 1 && length + whole + 2 > bytes) {
      yield { content: `${part.join("")}]`, isEnd: true };
      [part, length, cuts] = [["["], 1, 0];
    } else if (index > 0) {
      part.push(",");
      length++;
    }
    for (const { piece, size } of pieces) {
      // One is left for what ends the list, and one for what comes before the next item.
      if (length + size + 2 > bytes) {
        yield { content: part.join(""), isEnd: false };
        [part, length, cuts] = [[], 0, cuts + 1];
      }
      part.push(piece);
      length += size;
    }
  }
  yield { content: `${part.join("")}]`, isEnd: true };
}

/** How many bytes a piece of JSON has in a string of JSON. */
function measure(piece: string): number {
  return Buffer.byteLength(JSON.stringify(piece)) - 2;
}

/** What JSON.stringify() writes, piece by piece. Half a surrogate pair is written as an escape. */
function* writeJson(value: unknown): Generator<string> {
  if (typeof value === "string" && value.length > SLICE) {
    yield '"';
    for (let at = 0; at < value.length; at += SLICE) {
      yield JSON.stringify(value.slice(at, at + SLICE)).slice(1, -1);
    }
    yield '"';
  } else if (Array.isArray(value)) {
    let before = "[";
    for (const item of value) {
      yield before;
      yield* writeJson(item ?? null);
      before = ",";
    }
    yield before === "[" ? "[]" : "]";
  } else if (typeof value === "object" && value !== null) {
    let before = "{";
    for (const [name, item] of Object.entries(value)) {
      if (item === undefined || typeof item === "function") continue;
      yield `${before}${JSON.stringify(name)}:`;
      yield* writeJson(item);
      before = ",";
    }
    yield before === "{" ? "{}" : "}";
  } else {
    yield JSON.stringify(value) ?? "null";
  }
}
