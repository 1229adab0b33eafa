/** What the histories of other tools say of the files. Loaded where there is such a history. @module */

import {
  findHistories,
  type FoundHistory,
  type HistoryMatch,
  matchHistory,
} from "../adoption/histories.ts";
import type { HistoryRow } from "../adoption/history.ts";
import { type Channel, STATEMENTS } from "../database/channel.ts";
import { callReading, type ForeignTable } from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import type { Migration, PendingMigration } from "../planning/plan.ts";
import type { Concern } from "./concerns.ts";

/** A table with what is in it. */
export type ReadTable = ForeignTable & { readonly entries: readonly HistoryRow[] | null };

/** A history of another tool, and what it says of the files. */
export type ReadHistory = ReturnType<typeof findHistories<ReadTable>>[number];

/**
 * Reads the histories of other tools, in one call that changes nothing.
 *
 * @param database The way to the project's database.
 * @returns The histories that have rows.
 */
export async function readHistories(database: Channel): Promise<ReadHistory[]> {
  return findHistories(await callReading(database, STATEMENTS.readHistories) as ReadTable[]);
}

/**
 * Finds the files that a history is about.
 *
 * @param history The history.
 * @param files The files in order.
 * @param journal Drizzle's journal.
 * @throws {ConfigurationError} The table cannot be read.
 */
export function matchFiles(
  { format, source, table, title }: ReadHistory,
  files: readonly Migration[],
  journal: ReadonlyMap<string, string> = new Map(),
): HistoryMatch {
  if (source.entries === null) {
    throw new ConfigurationError(`The history of ${title} in ${table} cannot be read`, {
      hint: `Allow it in the SQL editor: grant usage on schema ${source.schema} to postgres; ` +
        `grant select on ${table} to postgres;`,
    });
  }
  return matchHistory(format, source.entries, { files, journal });
}

/**
 * The histories among tables, as data.
 *
 * @param tables The tables that may be such a history.
 */
export function toFoundHistories(tables: readonly ForeignTable[]): FoundHistory[] {
  return findHistories(tables).map(({ tool, title, table, rows }) => ({
    tool,
    title,
    table,
    rows,
  }));
}

/**
 * Says that a database has the history of another tool and none of this one.
 *
 * @param tables The tables that may be such a history.
 * @returns A sentence each.
 */
export function describeHistories(tables: readonly ForeignTable[]): string[] {
  return nameHistories(tables).map((history) =>
    `${history}, and none of supamigrate: supamigrate adopt takes it over, so that nothing of it is ` +
    "run again"
  );
}

/**
 * Says of the histories of other tools what becomes of them where the application's schemas are
 * emptied.
 *
 * @param tables The tables that may be such a history.
 * @returns A sentence each.
 */
export function describeDropped(tables: readonly ForeignTable[]): string[] {
  return nameHistories(tables).map((history) =>
    `${history}: what it has applied goes with the application's schemas, and supamigrate applies ` +
    "the migrations anew"
  );
}

function nameHistories(tables: readonly ForeignTable[]): string[] {
  return findHistories(tables).map(({ title, table, rows }) =>
    `The database has a history of ${title} (${table}${
      rows === null ? "" : `, ${rows} ${rows === 1 ? "row" : "rows"}`
    })`
  );
}

/** What a run of `migrate` has to know of other tools' histories. */
export interface AppliedElsewhere {
  /** A sentence each. */
  readonly warnings: readonly string[];
  /** The files that would be run again. */
  readonly concerns: readonly Concern[];
}

/**
 * Finds the migrations that another tool has applied to a database that has no history of this one.
 *
 * @param tables The tables that may be another tool's history.
 * @param pending What would be run.
 * @param files All files in order.
 * @param database The way to the project's database.
 */
export async function findAppliedElsewhere(
  tables: readonly ForeignTable[],
  pending: readonly PendingMigration[],
  files: readonly Migration[],
  database: Channel,
): Promise<AppliedElsewhere> {
  if (findHistories(tables).length === 0) return { warnings: [], concerns: [] };
  // What this tool has tried or undone itself is its own.
  const unknown = pending.filter(({ reason }) => reason === "not_executed");
  const names = new Set(unknown.map(({ migration: { name } }) => name));
  const concerns = new Map<string, Concern>();
  for (const history of await readHistories(database)) {
    if (history.source.entries === null) continue; // the warning names it
    for (const { migration: { name } } of matchFiles(history, files).matched) {
      if (!names.has(name) || concerns.has(name)) continue;
      concerns.set(name, {
        file: name,
        line: 1,
        about: "applied elsewhere",
        says: `was applied by ${history.title} already`,
      });
    }
  }
  const found = files.flatMap(({ name }) => concerns.get(name) ?? []);
  return {
    warnings: [
      ...describeHistories(tables),
      ...found.slice(0, NAMED).map(({ file, says }) => `${file} ${says}`),
      ...(found.length > NAMED ? [`… and ${found.length - NAMED} more`] : []),
    ],
    concerns: found,
  };
}

/** How many a report names. */
const NAMED = 20;
