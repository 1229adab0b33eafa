/** Makes an edge function of migrations: see `lib/edge/runtime.ts` for what it does. @module */

import { ConfigurationError } from "../errors.ts";
import { formatEdgeFunction, isEdgeFunction, readEdgeRuntime } from "../delivery/edge_function.ts";
import type { DiscoveryOptions, LeftOut } from "../planning/discovery.ts";
import { planMigrations } from "../planning/plan.ts";
import { splitStatements } from "../planning/statements.ts";
import { readReplaced, replaceFile } from "../replace_file.ts";
import { describeReserved, describeSecrets } from "./concerns.ts";
import { describeFiles } from "./plan_notes.ts";
import { prepareForBundle } from "./prepared.ts";
import { loadMigrations, type MigrationSource } from "./source.ts";

/** Where the function cannot be written. */
const HINT = "Name the function's folder with --out.";

/** Supabase's limit for a function, in bytes. */
const MOST_BYTES = 20_000_000;

/** Options of {@linkcode bundle}. */
export interface BundleOptions extends DiscoveryOptions {
  /** The folder of the function. `"supabase/functions/migrate"` by default. */
  readonly out?: string;
  /** Write nothing: only say whether what is there is up to date. */
  readonly check?: boolean;
}

/** What {@linkcode bundle} came to. */
export interface BundleResult {
  /** The function's name, which is that of its folder. */
  readonly name: string;
  /** The file. */
  readonly path: string;
  /** The file is what the migrations and this version make, as it was found. */
  readonly upToDate: boolean;
  /** The file was written. */
  readonly written: boolean;
  /** How long it is, in bytes. */
  readonly bytes: number;
  /** The migrations in it, in order. */
  readonly migrations: readonly string[];
  /** Those of them that need pg_cron in the project. */
  readonly needPgCron: readonly string[];
  /** What is in the folder and is no migration. */
  readonly leftOut: readonly LeftOut[];
  /** Doubts about the files, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Makes an edge function that applies and undoes these migrations: one file, with everything in it.
 * No database is asked.
 *
 * @param source The folder of the migrations, or a record of file names to SQL.
 * @param version The version of this tool.
 * @param options Where to write it.
 * @returns What was made.
 * @throws {MigrationFileError} Files are not fit to be migrations, or cannot be run over an API: the
 * first, and with it all others.
 * @throws {ConfigurationError} The file cannot be written, or is somebody else's.
 */
export async function bundle(
  source: MigrationSource,
  version: string,
  { out = "supabase/functions/migrate", check = false, ...discovery }: BundleOptions = {},
): Promise<BundleResult> {
  const loaded = await loadMigrations(source, discovery);
  const { prepared, needPgCron, reserved } = await prepareForBundle(
    loaded,
    splitStatements,
    version,
  );
  const { basename, join, resolve } = await import("node:path");
  const name = basename(resolve(out));
  if (!/^[a-z][\w-]*$/i.test(name)) {
    throw new ConfigurationError(`"${name}" cannot be the name of a function`, {
      hint: "--out names its folder, as in supabase/functions/migrate: letters, digits, - and _.",
    });
  }
  const path = join(out, "index.ts");
  const found = await readReplaced(path, HINT);
  if (found !== undefined && !isEdgeFunction(found)) {
    throw new ConfigurationError(`"${path}" is there, and supamigrate has not made it`, {
      hint: "Name another folder with --out, or move that function away.",
    });
  }
  const text = formatEdgeFunction(prepared, await readEdgeRuntime());
  const bytes = new TextEncoder().encode(text).length;
  const upToDate = found === text;
  const written = !check && !upToDate;
  if (written) await replaceFile(path, text, HINT);
  return {
    name,
    path,
    upToDate,
    written,
    bytes,
    migrations: loaded.migrations.map(({ name }) => name),
    needPgCron,
    leftOut: loaded.leftOut,
    warnings: [
      ...describeFiles(loaded, planMigrations(loaded.migrations, [], { order: loaded.order })),
      ...describeSecrets(loaded.secrets),
      ...describeReserved([{ reserved }]),
      ...(bytes <= MOST_BYTES ? [] : [
        `${path} has ${
          Math.ceil(bytes / 1_000_000)
        } MB, and Supabase takes functions of 20 MB at most`,
      ]),
    ],
  };
}
