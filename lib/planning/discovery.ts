/** Which files of a folder are migrations. Pure: it is given the names. @module */

import { compareMigrations } from "./order.ts";

/** What a folder's files are. */
export interface Discovery {
  /** The migrations in order, each with its rollback file where there is one. */
  readonly migrations: readonly { readonly name: string; readonly downFile: string | null }[];
  /** What is no migration, and why, in order of names. */
  readonly leftOut: readonly LeftOut[];
}

/** A file or folder that is no migration. */
export interface LeftOut {
  /** Its name. */
  readonly name: string;
  /** Why it is none. */
  readonly reason: string;
}

/**
 * Sorts out a folder: migrations are files that end in `.sql`, do not start with `COMBINED_`
 * and do not have `deprecated` in their name; `X.down.sql` beside `X.sql` is its rollback.
 *
 * @param files The names of the files.
 * @param folders The names of the subfolders.
 * @returns The migrations in order, and what was left out.
 */
export function discoverMigrations(
  files: readonly string[],
  folders: readonly string[] = [],
): Discovery {
  const leftOut: LeftOut[] = folders.map((name) => ({ name: `${name}/`, reason: "a folder" }));
  const candidates = new Set<string>();
  const downFiles = new Set<string>();
  for (const name of files) {
    const reason = whyLeftOut(name);
    if (reason !== null) leftOut.push({ name, reason });
    else if (name.endsWith(".down.sql")) downFiles.add(name);
    else candidates.add(name);
  }
  for (const name of downFiles) {
    const owner = name.replace(/\.down\.sql$/, ".sql");
    if (!candidates.has(owner)) {
      leftOut.push({ name, reason: `undoes ${owner}, which is not there` });
    }
  }
  return {
    migrations: [...candidates].sort(compareMigrations).map((name) => {
      const downFile = name.replace(/\.sql$/, ".down.sql");
      return { name, downFile: downFiles.has(downFile) ? downFile : null };
    }),
    leftOut: leftOut.sort((a, b) => a.name < b.name ? -1 : 1),
  };
}

function whyLeftOut(name: string): string | null {
  if (!name.endsWith(".sql")) return "does not end in .sql";
  if (name.startsWith("COMBINED_")) return "starts with COMBINED_";
  if (name.includes("deprecated")) return 'has "deprecated" in its name';
  return null;
}
