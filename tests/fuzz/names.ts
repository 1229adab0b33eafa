/** Names of files, alike and odd. @module */

import type { Random } from "../support/random.ts";
import { anyCharacter } from "./random_text.ts";

/** A folder's file names, each one once. */
export function anyNames(random: Random): string[] {
  const numbers = ["", "0", "00", "001", "1", "01", "7", "20", "020", "9".repeat(40)];
  const stamps = ["20250726123456", "20250726123457", "20250726", "90071992547409921"];
  const words = ["a", "b", "_a", "_b", "A", "deprecated", "COMBINED_", "é", "$&", "%", "-", "."];
  const endings = [".sql", ".sql", ".sql", ".down.sql", ".SQL", ".sql.bak", ""];
  const names = Array.from(
    { length: random.below(9) },
    () =>
      random.pick([random.pick(numbers), random.pick(stamps), random.pick(words)]) +
      random.several([...words, anyCharacter(random, true)], 0, 2).join("") + random.pick(endings),
  );
  return [...new Set(names)];
}
