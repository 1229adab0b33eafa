/** Shows that imported migrations make what the tool's own would have made. @module */

import type { ForeignMigration } from "../adoption/format.ts";
import { openForMigrations } from "../embedded/migrations.ts";
import type { EmbeddedDatabase } from "../embedded/open.ts";
import { type Catalogue, readCatalogue } from "../schema/catalogue.ts";
import { compareExtras, compareSchemas } from "../schema/compare.ts";
import { describeDeltas, describeExtras, type SchemaDifference } from "../schema/describe.ts";
import { throwIfInterrupted } from "./context.ts";
import { attemptOnShadow, openEmptyShadow } from "./shadow.ts";
import { loadMigrations } from "./source.ts";

/** What came of the proof. */
export interface Proof {
  /** Whether both make the same. */
  readonly same: boolean;
  /** How many objects the migrations make, or change. */
  readonly objects: number;
  /** What is wrong, a line each: a failure, or what one of both alone makes. */
  readonly differences: readonly string[];
}

/**
 * Runs migrations on two databases in memory, once as their tool runs them and once as ours, and
 * compares the schemas.
 *
 * @param title The tool.
 * @param foreign Its migrations.
 * @param ours Ours, by the names of their files.
 * @param signal Stops between two migrations.
 * @returns What came of it.
 * @throws {InterruptedError} It was stopped.
 */
export async function proveImport(
  title: string,
  foreign: readonly ForeignMigration[],
  ours: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<Proof> {
  const theirs = await runAsTool(title, foreign, signal);
  if (typeof theirs === "string") return { same: false, objects: 0, differences: [theirs] };
  const made = await runAsOurs(ours, signal);
  if (typeof made === "string") return { same: false, objects: 0, differences: [made] };
  const differences = compare(theirs.after, made).map(({ change, kind, name, details }) =>
    `${WHOSE[change](title)}: ${[`${kind} ${name}`, ...details].join("; ")}`
  );
  return {
    same: differences.length === 0,
    objects: compare(theirs.before, theirs.after).length,
    differences,
  };
}

const WHOSE: Readonly<Record<SchemaDifference["change"], (title: string) => string>> = {
  removed: (title) => `${title} alone`,
  added: () => "ours alone",
  changed: (title) => `${title} → ours`,
};

function compare(from: Catalogue, to: Catalogue): SchemaDifference[] {
  return [
    ...describeDeltas(compareSchemas(from, to)),
    ...describeExtras(compareExtras(from, to)),
  ];
}

/** The schemas before and after, or what failed. */
async function runAsTool(
  title: string,
  migrations: readonly ForeignMigration[],
  signal: AbortSignal | undefined,
): Promise<{ before: Catalogue; after: Catalogue } | string> {
  // What installing makes is in both.
  await using database = await openForMigrations();
  const before = await read(database);
  for (const { from, sends } of migrations) {
    await letSignalsIn(signal);
    try {
      for (const text of sends) await database.exec(text);
    } catch (error) {
      return `${from[0]} fails when it is run as ${title} runs it: ${(error as Error).message}`;
    }
  }
  return { before, after: await read(database) };
}

/** What the tool's migrations have set stays set for them. */
async function read(database: EmbeddedDatabase): Promise<Catalogue> {
  return await readCatalogue(async (sql) => {
    const [path] = await database.query("select current_setting('search_path') as path");
    const setPath = (to: unknown) =>
      database.query("select set_config('search_path', $1, false)", [to]);
    await setPath("pg_catalog");
    try {
      return await database.query(sql);
    } finally {
      await setPath(path!.path);
    }
  });
}

/** A database in memory does not wait for anything: signals come in between two migrations alone. */
async function letSignalsIn(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  throwIfInterrupted(signal);
}

async function runAsOurs(
  texts: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<Catalogue | string> {
  const { migrations } = await loadMigrations(texts);
  await using shadow = await openEmptyShadow({});
  const failure = await attemptOnShadow(shadow, migrations);
  await letSignalsIn(signal);
  return failure === undefined
    ? await shadow.read()
    : `${failure.name} fails when it is run as ours: ${failure.error.message}`;
}
