/** Reports where the database stands. @module */

import type { FoundHistory } from "../adoption/histories.ts";
import { readState } from "../database/state.ts";
import type { Activity, DatabaseState, ForeignTable, LockState } from "../database/state.ts";
import {
  compareApplied,
  isApplied,
  type MigrationFailure,
  type PendingReason,
  planMigrations,
  type Rename,
  type StepCount,
} from "../planning/plan.ts";
import type { LeftOut } from "../planning/discovery.ts";
import { compareLedger, type LedgerDifference } from "../planning/ledger.ts";
import { Refusals } from "../planning/refusals.ts";
import type { OperationContext } from "./context.ts";
import { keepLedger, type Ledger } from "./ledger.ts";
import { describeFiles, reviewOrder, reviewSchema } from "./plan_notes.ts";
import { collectRefusals, type FileRefusal, toFileRefusals } from "./refusals.ts";
import { describeUndoneInPart, toStepCount } from "./steps.ts";
import { findUnvouched } from "./vouched.ts";

/** A migration that is in the database. */
export interface AppliedMigration {
  /** Its name. */
  readonly name: string;
  /** The batch that it was applied in. */
  readonly batch: number;
  /** When it was applied last, as an ISO 8601 time of the server. */
  readonly executedAt: string;
  /** How long that took, in milliseconds. */
  readonly executionTimeMs: number;
  /** Whether SQL is stored that undoes it. */
  readonly hasRollback: boolean;
}

/** What `status` reports. */
export interface StatusResult {
  /** How many migration files there are. */
  readonly totalFiles: number;
  /** How many migrations are in the database. */
  readonly executed: number;
  /** These, in the order in which they were applied. */
  readonly applied: readonly AppliedMigration[];
  /** What is pending, in order. */
  readonly pending: readonly {
    readonly name: string;
    readonly reason: PendingReason;
    /** What the last attempt failed with, or null. */
    readonly error: MigrationFailure | null;
    /** How many of its steps are done, and how many there are; null where none is, or all are. */
    readonly steps: StepCount | null;
  }[];
  /** Migrations that a rollback has undone in part. */
  readonly undoneInPart: readonly string[];
  /** The last batch, or 0 where nothing is applied. */
  readonly lastBatch: number;
  /** Nothing is pending, and the audit log says so too. */
  readonly upToDate: boolean;
  /** Migrations of which the history says something else than the audit log. */
  readonly unvouched: readonly string[];
  /** Applied migrations whose file is gone. */
  readonly missing: readonly string[];
  /** Applied migrations whose rollback section alone was changed. */
  readonly changedRollbacks: readonly string[];
  /** Applied migrations of which comments or white space alone were changed. */
  readonly reworded: readonly string[];
  /** Files that are applied under another name, which is gone. */
  readonly renamed: readonly Rename[];
  /** What is in the folder and is no migration. */
  readonly leftOut: readonly LeftOut[];
  /** What keeps files from being read, or pending migrations from being sent, in order. */
  readonly refusals: readonly FileRefusal[];
  /** Histories of other tools, where nothing is applied that this one knows of. */
  readonly otherHistories: readonly FoundHistory[];
  /** Doubts about the files and the installation, a sentence each. */
  readonly warnings: readonly string[];
  /** How the Supabase CLI's ledger differs from the history; null where none is kept. */
  readonly ledger: LedgerDifference | null;
  /** The lock. */
  readonly lock: LockState;
  /** What a run is doing at this moment, or null. */
  readonly activity: Activity | null;
}

/**
 * Compares the files with the history, in one call and without a lock.
 *
 * @param context What the operation works with.
 * @returns The report.
 * @throws {SupamigrateError} The files or the state cannot be read.
 */
export async function readStatus(context: OperationContext): Promise<StatusResult> {
  const refusals = new Refusals();
  const files = await context.load(refusals);
  const { migrations, leftOut, order } = files;
  const unread = new Set(
    refusals.all.map(({ position }) => position.file.replace(/\.down\.sql$/, ".sql")),
  );
  const state = await readState(await context.connect(), context.target, { schema: true });
  const { history, lock, activity, breaches } = state;
  const unvouched = findUnvouched(state, order);
  const plan = planMigrations(migrations, history, { order });
  await collectRefusals(plan.pending, state, context, refusals);
  const ledger = keepLedger(context.ledger, state, files);
  const applied = history.filter(isApplied).sort(compareApplied);
  const entries = new Map(history.map((entry) => [entry.name, entry]));
  const others = await describeOthers(state.otherHistories);
  const undoneInPart = describeUndoneInPart(history);
  return {
    totalFiles: migrations.length + unread.size,
    executed: applied.length,
    applied: applied.map(({ name, batch, executedAt, executionTimeMs, rollbackChecksum }) => ({
      name,
      batch,
      executedAt,
      executionTimeMs,
      hasRollback: rollbackChecksum !== null,
    })),
    pending: plan.pending.map(({ migration: { name }, reason }) => ({
      name,
      reason,
      error: entries.get(name)?.error ?? null,
      steps: toStepCount(entries.get(name)),
    })),
    undoneInPart: undoneInPart.map(({ name }) => name),
    lastBatch: plan.lastBatch,
    upToDate: plan.pending.length === 0 && unvouched.length === 0 && undoneInPart.length === 0 &&
      unread.size === 0,
    unvouched,
    missing: plan.missing.filter((name) => !unread.has(name)),
    changedRollbacks: plan.changedRollbacks.map(({ name }) => name),
    reworded: plan.reworded.map(({ name }) => name),
    renamed: plan.renamed,
    leftOut,
    refusals: toFileRefusals(refusals),
    otherHistories: others.found,
    warnings: [
      ...unvouched.map((name) =>
        `The audit log says something else of ${name}: supamigrate doctor says more`
      ),
      ...undoneInPart.map(({ says }) => says),
      ...others.warnings,
      ...breaches.map((breach) => `Nothing can be written: ${breach}`),
      ...(ledger.names === null || state.ledger.problem === null
        ? []
        : [`The Supabase CLI's ledger cannot be kept in step: ${state.ledger.problem}`]),
      ...describeFiles(files, plan),
      ...reviewSchema(state, plan.pending),
      ...reviewOrder(plan),
    ],
    ledger: readLedger(ledger, state),
    lock,
    activity,
  };
}

/** Null as well where it cannot be read, which is a warning. */
function readLedger(
  { names }: Ledger,
  { ledger, history }: DatabaseState,
): LedgerDifference | null {
  if (names === null || !ledger.exists || ledger.problem !== null) return null;
  return compareLedger(names, history, ledger.versions);
}

/** What other tools have applied; what knows them is loaded where there could be one. */
async function describeOthers(
  tables: readonly ForeignTable[],
): Promise<{ found: readonly FoundHistory[]; warnings: readonly string[] }> {
  if (tables.length === 0) return { found: [], warnings: [] };
  const { describeHistories, toFoundHistories } = await import("./other_histories.ts");
  return { found: toFoundHistories(tables), warnings: describeHistories(tables) };
}
