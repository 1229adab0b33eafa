/** Shows that imported migrations make what the tool's own would have made. @module */

import catalogueSql from "../../sql/catalogue.sql" with { type: "text" };
import type { ForeignMigration } from "../adoption/format.ts";
import { createRpcClient, openApiChannel } from "../database/api.ts";
import type { Target } from "../database/target.ts";
import type { EmbeddedDatabase } from "../embedded/open.ts";
import { openForMigrations, openSessionOf } from "../embedded/migrations.ts";
import { splitStatements } from "../planning/statements.ts";
import { findAbilities } from "../ways.ts";
import { type OperationContext, throwIfInterrupted } from "./context.ts";
import { migrate } from "./migrate.ts";
import { loadMigrations } from "./source.ts";

/** What came of the proof. */
export interface Proof {
  /** Whether both make the same. */
  readonly same: boolean;
  /** How many objects the migrations make: lines of the catalogue that were not there before. */
  readonly objects: number;
  /** What is wrong, a line each: a failure, or what one of both alone makes. */
  readonly differences: readonly string[];
}

const TARGET: Target = { kind: "embedded", name: "in memory", url: "the embedded database" };

/**
 * Runs migrations on two databases in memory, once as their tool runs them and once as ours, and
 * compares the catalogues.
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
  const differences = [
    ...theirs.after.filter((line) => !made.includes(line)).map((line) => `${title} alone: ${line}`),
    ...made.filter((line) => !theirs.after.includes(line)).map((line) => `ours alone: ${line}`),
  ];
  const before = new Set(theirs.before);
  return {
    same: differences.length === 0,
    objects: theirs.after.filter((line) => !before.has(line)).length,
    differences,
  };
}

/** The catalogues before and after, or what failed. */
async function runAsTool(
  title: string,
  migrations: readonly ForeignMigration[],
  signal: AbortSignal | undefined,
): Promise<{ before: string[]; after: string[] } | string> {
  // What installing makes is in both.
  await using database = await openForMigrations();
  const before = await readCatalogue(database);
  for (const { from, sends } of migrations) {
    await letSignalsIn(signal);
    try {
      for (const text of sends) await database.exec(text);
    } catch (error) {
      return `${from[0]} fails when it is run as ${title} runs it: ${(error as Error).message}`;
    }
  }
  return { before, after: await readCatalogue(database) };
}

/** A database in memory does not wait for anything: signals come in between two migrations alone. */
async function letSignalsIn(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  throwIfInterrupted(signal);
}

async function runAsOurs(
  texts: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<string[] | string> {
  await using database = await openForMigrations();
  const channel = openApiChannel({
    target: TARGET,
    timeoutMs: 600_000,
    client: await createRpcClient(database.url, database.serviceKey, database.fetch),
    takeMessages: () => database.takeMessages(),
    openSession: () => Promise.resolve(openSessionOf(database)),
  });
  const context: OperationContext = {
    connect: () => Promise.resolve(channel),
    can: findAbilities({ embedded: true }),
    target: TARGET,
    load: (refused) => loadMigrations(texts, {}, refused),
    split: splitStatements,
    folder: null,
    tenure: {
      holder: "import",
      processId: "import",
      leaseMs: 300_000,
      toolVersion: "import",
    },
    batchSize: 1_000_000,
    giveUpAfterMs: 60_000,
    onProgress: () => {},
    hide: (value) => value,
    signal,
  };
  const result = await migrate(context, {});
  throwIfInterrupted(signal);
  for (const { name, error } of result.results) {
    if (error !== null) return `${name} fails when it is run as ours: ${error.message}`;
  }
  return await readCatalogue(database);
}

async function readCatalogue(database: EmbeddedDatabase): Promise<string[]> {
  const rows = await database.query(catalogueSql.replace(/;\s*$/, ""));
  return rows.map(({ line }) => String(line)).sort();
}
