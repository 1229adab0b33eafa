/** Names of which PostgreSQL keeps a part. @module */

import { countNewlines } from "./position.ts";
import type { Statement } from "./steps.ts";
import { findTokens } from "./tokens.ts";

/** How many bytes a name can have. PostgreSQL cuts longer ones, and says so in a notice alone. */
const MOST_BYTES = 63;

/** What a statement has to look like to hold such a name. */
const MAY_HOLD = /[\w$]{64}|"[^"]{16}|[\u0080-\uffff]{16}/;

/**
 * Finds the names that PostgreSQL cuts.
 *
 * @param statements The statements.
 * @returns A sentence for each name, with the line of the file where it stands first.
 */
export function describeLongNames(statements: readonly Statement[]): string[] {
  const described = new Map<string, string>();
  for (const { line, sql } of statements) {
    if (!MAY_HOLD.test(sql)) continue;
    for (const { kind, start, end } of findTokens(sql)) {
      if ((kind !== "word" && kind !== "name") || end - start <= MOST_BYTES / 4) continue;
      const text = sql.slice(start, end);
      const name = kind === "word" ? text : text.slice(1, -1).replaceAll('""', '"');
      const { length } = new TextEncoder().encode(name);
      if (length <= MOST_BYTES || described.has(name)) continue;
      described.set(
        name,
        `Line ${line + countNewlines(sql, 0, start)}: the name "${name}" has ${length} bytes, of ` +
          `which PostgreSQL keeps ${MOST_BYTES}`,
      );
    }
  }
  return [...described.values()];
}
