/** Writes the file of an edge function that brings its project up to date. @module */

import { readFile } from "node:fs/promises";

/** What is put into the file, as it is: what the runtime makes of it is none of its business. */
export interface BundledMigrations {
  /** The version of the tool that made it. */
  readonly version: string;
  readonly migrations: readonly unknown[];
}

/** What the first line of such a file begins with. */
const MARK = "// Made by supamigrate";

/**
 * Whether a file is one that {@linkcode formatEdgeFunction} has made.
 *
 * @param text The file's text.
 */
export function isEdgeFunction(text: string): boolean {
  return text.startsWith(MARK);
}

/**
 * Puts migrations and runtime together. What is the same gives the same text: whether a file is up
 * to date is told by comparing.
 *
 * @param prepared The migrations.
 * @param runtime The runtime: see {@linkcode readEdgeRuntime}.
 * @returns The text of `index.ts`.
 */
export function formatEdgeFunction(prepared: BundledMigrations, runtime: string): string {
  const { migrations, ...others } = prepared;
  // A migration a line, so that a review shows which ones were changed.
  return `${MARK} ${prepared.version}. Do not edit: run supamigrate bundle again.
// deno-lint-ignore-file
// deno-fmt-ignore-file
// @ts-nocheck: what follows the migrations is built.

const MIGRATIONS = {
  ...${JSON.stringify(others)},
  migrations: [
${migrations.map((migration) => `    ${JSON.stringify(migration)},\n`).join("")}  ],
};

${runtime.trimEnd()}
`;
}

/**
 * The runtime: the one that the npm package carries, or one that is built from the sources.
 *
 * @returns A module that serves the migrations in `MIGRATIONS`.
 */
export async function readEdgeRuntime(): Promise<string> {
  // The package has it beside its entry points, and this module there or in a folder of its own.
  for (const place of ["./edge.js", "../edge.js"]) {
    try {
      return await readFile(new URL(place, import.meta.url), "utf8");
    } catch (error) {
      if ((error as { code?: string }).code !== "ENOENT") throw error;
    }
  }
  const { buildEdgeRuntime } = await import("./edge_build.ts");
  return await buildEdgeRuntime();
}
