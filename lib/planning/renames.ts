/** Finds files that were renamed after they were applied. @module */

import { distance } from "fastest-levenshtein";
import type { HistoryEntry, Migration, Rename } from "./migration.ts";

/**
 * Pairs files that were never applied with applied migrations whose file is gone, where they say
 * the same. Of several that do, those with the most similar names belong together.
 *
 * @param files The files that are not applied.
 * @param gone The history rows of applied migrations without a file.
 * @returns What is called by another name now, in the order of the files.
 */
export function pairRenamed(
  files: readonly Pick<Migration, "name" | "checksum" | "statementsChecksum">[],
  gone: readonly HistoryEntry[],
): Rename[] {
  if (gone.length === 0) return [];
  const pairs = files.flatMap((file) =>
    gone
      .filter((entry) =>
        entry.appliedChecksum === file.checksum ||
        entry.statementsChecksum === file.statementsChecksum
      )
      .map(({ name: from }) => ({ from, to: file.name, far: distance(from, file.name) }))
  ).sort((a, b) => a.far - b.far);
  const [from, to] = [new Set<string>(), new Set<string>()];
  const renamed: Rename[] = [];
  for (const pair of pairs) {
    if (from.has(pair.from) || to.has(pair.to)) continue;
    from.add(pair.from);
    to.add(pair.to);
    renamed.push({ from: pair.from, to: pair.to });
  }
  const places = new Map(files.map(({ name }, index) => [name, index]));
  return renamed.sort((a, b) => places.get(a.to)! - places.get(b.to)!);
}
