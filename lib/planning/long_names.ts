/** Names of which PostgreSQL keeps a part. @module */

import { countNewlines } from "./position.ts";
import type { Statement } from "./step.ts";
import { findTokens } from "./tokens.ts";

/** How many bytes a name can have. PostgreSQL cuts longer ones, and says so in a notice alone. */
const MOST_BYTES = 63;

/** What a statement has to look like to hold such a name. */
const MAY_HOLD =
  /(?<![\w$])[\w$]{64}|"[^"]{64}|(?<!")""(?!")|"(?=[^"]*[\u0080-\uffff])[^"]{16}|[\u0080-\uffff]{16}/;

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
    if (!MAY_HOLD.test(sql)) continue;
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
