/** Sends migrations: what `migrate` and `fresh` have in common. @module */

import type { LockSession } from "../database/session.ts";
import { ConfigurationError, SupamigrateError } from "../errors.ts";
import { locateEnding, locateFailure } from "../planning/locate_failure.ts";
import type {
  Migration,
  MigrationFailure,
  PendingMigration,
  PendingReason,
} from "../planning/plan.ts";
import { Refusals } from "../planning/refusals.ts";
import type { Abilities } from "../planning/session_settings.ts";
import { type SplitResult, splitStatements, type Statement } from "../planning/statements.ts";
import { locateReserved, type MigrationReserved } from "./concerns.ts";
import { type OperationContext, toSteps } from "./context.ts";
import { assignMessages, type MigrationMessages } from "./messages.ts";
import { refuseUnproven, type StoredRollbacks } from "./stored.ts";

/** A migration with the statements that would be sent. */
export interface PlannedMigration {
  /** The migration's name. */
  readonly name: string;
  /** Why it is pending. */
  readonly reason: PendingReason;
  /** Its statements with their lines. */
  readonly statements: readonly Statement[];
  /** The statements that undo the version before it, with `onChange: "redo"`. */
  readonly undo: readonly Statement[] | null;
  /** What the user should know of it, a sentence each. */
  readonly notices: readonly string[];
  /** What it changes of what Supabase keeps to itself, and its undo before it. */
  readonly reserved: readonly MigrationReserved[];
}

/** How one migration ended. */
export interface MigrationResult extends MigrationMessages {
  /** The migration's name. */
  readonly name: string;
  /** Whether it is in the database now. */
  readonly success: boolean;
  /** Why it was pending. */
  readonly reason: PendingReason;
  /** How long it ran, in milliseconds on the server's clock. */
  readonly executionTimeMs: number;
  /** What PostgreSQL said, where it failed. */
  readonly error: MigrationFailure | null;
  /** It ran, and was undone because a later one failed (`transaction: "all"`). */
  readonly undone: boolean;
  /** What the user should know of it, a sentence each. */
  readonly notices: readonly string[];
}

/**
 * Splits and checks everything that might be sent: the forward parts, the rollback parts (so
 * that a mistake in one shows now and not when it is needed), and what undoes old versions.
 *
 * @param pending What is to be applied.
 * @param stored What undoes old versions, where they are to be undone first.
 * @param can What the way to the database allows.
 * @returns The migrations with their statements.
 * @throws {MigrationFileError} Files cannot be sent: the first reason, and with it all others.
 * @throws {ConfigurationError} An old version cannot be undone.
 */
export async function prepare(
  pending: readonly PendingMigration[],
  stored: StoredRollbacks | null,
  can: Abilities,
): Promise<PlannedMigration[]> {
  if (stored !== null) {
    const undone = pending.flatMap(({ applied }) => applied === null ? [] : [applied]);
    refuseUnproven(undone.filter(({ name }) => name in stored.storedRollbacks), stored);
  }
  const planned: PlannedMigration[] = [];
  const refusals = new Refusals();
  for (const { migration, reason, applied } of pending) {
    const { name, forward, rollback } = migration;
    const applying = await refusals.attempt(() => splitStatements(forward, name, can));
    if (rollback !== null) {
      await refusals.attempt(() => splitStatements(rollback, rollback.file, can));
    }
    let undoing: SplitResult | null = null;
    const undoFile = `stored rollback of ${name}`;
    if (stored !== null && applied !== null) {
      const sql = stored.storedRollbacks[name];
      if (sql === undefined) {
        throw new ConfigurationError(
          `Cannot undo the applied version of ${name}: it has no rollback SQL`,
          {
            hint: "Put the change into a new migration, or run with --on-change rerun.",
          },
        );
      }
      undoing = await refusals.attempt(() => splitStatements({ sql, line: 1 }, undoFile, can)) ??
        null;
    }
    if (applying === undefined) continue;
    const { statements, notices } = applying;
    planned.push({
      name,
      reason,
      statements,
      undo: undoing?.statements ?? null,
      notices: statements.length === 0 ? [...notices, "It holds no statements"] : notices,
      reserved: [
        ...(undoing === null ? [] : locateReserved(undoFile, undoing)),
        ...locateReserved(name, applying),
      ],
    });
  }
  refusals.throwAny();
  return planned;
}

/** How applying went. */
export interface ApplyResult {
  /** Everything that was to be done is done. */
  readonly success: boolean;
  /** The last batch that was made, or null where none was. */
  readonly batchNumber: number | null;
  /** How many migrations were applied. */
  readonly migrationsRun: number;
  /** How many failed: 0 or 1, as a failure ends the run. */
  readonly migrationsFailed: number;
  /** How each migration ended, in order. */
  readonly results: readonly MigrationResult[];
  /** The run was asked to stop, and did so before all was done. */
  readonly interrupted: boolean;
}

/** What is committed together. */
export type TransactionMode = "each" | "batch" | "all";

/** What {@linkcode applyAll} sends. */
export interface ReadyMigrations {
  /** What is to be applied, in order. */
  readonly pending: readonly PendingMigration[];
  /** The same with their statements. */
  readonly planned: readonly PlannedMigration[];
  /** The batch before. */
  readonly lastBatch: number;
  /** Rollback SQL to store, which goes along with the first call. */
  readonly refresh: readonly { readonly name: string; readonly rollback_sql: string | null }[];
}

/**
 * Sends migrations, in calls of one or of many.
 *
 * @param context What the operation works with.
 * @param session The lock.
 * @param ready What to send.
 * @param transaction What is committed together.
 * @returns How it ended.
 */
export async function applyAll(
  context: OperationContext,
  session: LockSession,
  { pending, planned, lastBatch, refresh }: ReadyMigrations,
  transaction: TransactionMode = "each",
): Promise<ApplyResult> {
  const steps = planned.map((step, index) => ({
    step,
    migration: pending[index]!.migration,
    batch: lastBatch + 1 + Math.floor(index / context.batchSize),
  }));
  const perCall =
    { each: 1, batch: context.batchSize, all: Math.max(1, steps.length) }[transaction];
  const results: MigrationResult[] = [];
  let failed = false;
  let interrupted = false;

  for (let start = 0; start < steps.length && !failed; start += perCall) {
    if (context.signal?.aborted) {
      interrupted = true;
      break;
    }
    const group = steps.slice(start, start + perCall);
    context.onProgress({
      type: "started",
      action: "apply",
      migrations: group.map(({ step }) => step.name),
      index: start,
      total: steps.length,
    });
    let reply;
    try {
      const migrations = group.map(toWire);
      reply = await session.perform(
        "apply",
        {
          atomic: transaction === "all",
          migrations,
          ...(start === 0 && refresh.length > 0 ? { refresh } : {}),
        },
        // Of several, nobody could say which one it was.
        migrations.length === 1 ? { purpose: "apply", migration: migrations[0] } : undefined,
      );
    } catch (error) {
      if (error instanceof SupamigrateError) {
        error.completed = toSteps("apply", results);
      }
      throw error;
    }
    const said = assignMessages(
      session.takeMessages(),
      group.map(({ step }) => [...step.undo ?? [], ...step.statements]),
    );
    failed = reply.results.some(({ success }: { success: boolean }) => !success);
    for (const [index, item] of reply.results.entries()) {
      const result = {
        ...toResult(group[index]!, item, failed && transaction === "all"),
        ...said[index]!,
      };
      results.push(result);
      context.onProgress({
        type: "finished",
        action: "apply",
        migration: result.name,
        success: result.success,
        executionTimeMs: result.executionTimeMs,
      });
    }
  }

  const applied = results.filter(({ success }) => success).length;
  return {
    success: !failed && !interrupted,
    batchNumber: applied === 0 ? null : steps[applied - 1]!.batch,
    migrationsRun: applied,
    migrationsFailed: failed ? 1 : 0,
    results,
    interrupted,
  };
}

/** A step in the form of `supamigrate.apply`. */
function toWire(
  { step, migration, batch }: { step: PlannedMigration; migration: Migration; batch: number },
): Record<string, unknown> {
  return {
    name: step.name,
    reason: step.reason,
    checksum: migration.checksum,
    batch,
    rollback_sql: migration.rollback?.sql ?? null,
    statements: toPairs(step.statements),
    ...(step.undo === null ? {} : { undo: toPairs(step.undo) }),
  };
}

/** Statements as `[[line, sql], …]`. */
export function toPairs(statements: readonly Statement[]): [number, string][] {
  return statements.map(({ line, sql }) => [line, sql]);
}

function toResult(
  { step, migration }: { step: PlannedMigration; migration: Migration },
  // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.run_migration
  item: any,
  undone: boolean,
): Omit<MigrationResult, keyof MigrationMessages> {
  return {
    name: step.name,
    success: item.success && !undone,
    reason: step.reason,
    executionTimeMs: item.execution_time_ms,
    error: item.error === undefined ? null : locate(item.error, step, migration),
    undone: item.success && undone,
    notices: item.closed_door
      ? [...step.notices, "It let others than service_role call exec_sql: that was taken back"]
      : step.notices,
  };
}

function locate(
  error: MigrationFailure,
  step: PlannedMigration,
  migration: Migration,
): MigrationFailure {
  if (error.part === undefined) return locateEnding(error, step.statements, migration.forward);
  return error.part === "undo"
    ? locateFailure(error, step.undo ?? [], undefined)
    : locateFailure(error, step.statements, migration.forward);
}
