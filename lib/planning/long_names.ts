/** Names of which PostgreSQL keeps a part. @module */

import { countNewlines } from "./position.ts";
import type { Statement } from "./step.ts";
import { findTokens } from "./tokens.ts";

/** How many bytes a name can have. PostgreSQL cuts longer ones, and says so in a notice alone. */
const MOST_BYTES = 63;

/** No character has more in UTF-8. */
const BYTES_OF_CHARACTER = 4;

/** Whether a text can have such a name: a file of megabytes of rows is looked through in no time. */
function mayHold(sql: string): boolean {
  // A word as long as that has one of every so many characters.
  const least = Math.ceil(MOST_BYTES / BYTES_OF_CHARACTER);
  for (let at = least - 1; at < sql.length; at += least) {
    if (!isWordPart(sql.charCodeAt(at))) continue;
    let [start, end] = [at, at + 1];
    while (isWordPart(sql.charCodeAt(start - 1))) start--;
    while (isWordPart(sql.charCodeAt(end))) end++;
    if (end - start > MOST_BYTES) return true;
    if (end - start >= least && /[^ -~]/.test(sql.slice(start, end))) return true;
    at = Math.max(at, end - least);
  }
  return sql.includes('"') && MAY_HOLD_QUOTED.test(sql);
}

/** A quoted name that may be one: long, with a quote in it, or with characters of several bytes. */
const MAY_HOLD_QUOTED = /"[^"]{64}|(?<!")""(?!")|"(?=[^"]*[\u0080-\uffff])[^"]{16}/;

/** A letter, a digit, `_` or `$`. */
function isWordPart(code: number): boolean {
  return code >= 0x61 && code <= 0x7a || code >= 0x41 && code <= 0x5a ||
    code >= 0x30 && code <= 0x39 || code === 0x5f || code === 0x24 || code >= 0x80;
}

/** A name that PostgreSQL cuts. */
export interface LongName {
  /** The name. */
  readonly name: string;
  /** How many bytes it has. */
  readonly length: number;
  /** The line of the file where it stands first. */
  readonly line: number;
}

/**
 * Finds the names that PostgreSQL cuts.
 *
 * @param statements The statements.
 * @returns The names, each once.
 */
export function findLongNames(statements: readonly Statement[]): LongName[] {
  const found = new Map<string, LongName>();
  for (const { line, sql } of statements) {
    if (!mayHold(sql)) continue;
    for (const { kind, start, end } of findTokens(sql)) {
      if ((kind !== "word" && kind !== "name") || end - start <= MOST_BYTES / 4) continue;
      const text = sql.slice(start, end);
      const name = kind === "word" ? text : text.slice(1, -1).replaceAll('""', '"');
      const { length } = new TextEncoder().encode(name);
      if (length <= MOST_BYTES || found.has(name)) continue;
      found.set(name, { name, length, line: line + countNewlines(sql, 0, start) });
    }
  }
  return [...found.values()];
}

/**
 * Says which names PostgreSQL cuts.
 *
 * @param statements The statements.
 * @returns A sentence for each name, with the line of the file where it stands first.
 */
export function describeLongNames(statements: readonly Statement[]): string[] {
  return findLongNames(statements).map(({ name, length, line }) =>
    `Line ${line}: the name "${name}" has ${length} bytes, of which PostgreSQL keeps ${MOST_BYTES}`
  );
}
