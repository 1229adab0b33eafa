/** Undoes applied migrations. @module */

import type { LockSession } from "../database/session.ts";
import { toFailure } from "../database/state.ts";
import { SupamigrateError } from "../errors.ts";
import { toWireLimits } from "../planning/limits.ts";
import { locateFailure } from "../planning/locate_failure.ts";
import {
  type Migration,
  type MigrationFailure,
  planRollback,
  type StepCount,
} from "../planning/plan.ts";
import type { Statement } from "../planning/step.ts";
import { type ApiReadiness, awaitApi } from "./api_ready.ts";
import { createTeller, describeReserved } from "./concerns.ts";
import { type CancelBlockers, withCancelBlockers } from "./cancel_blockers.ts";
import { type OperationContext, toSteps, withLock } from "./context.ts";
import { keepLedger, type Ledger, refuseUnwritable } from "./ledger.ts";
import { performPatiently } from "./lock_attempts.ts";
import { assignMessages, type MigrationMessages } from "./messages.ts";
import {
  findUndoneByFile,
  nameStored,
  type PlannedRollback,
  prepareRollbacks,
  type RollbackPlan,
  toTarget,
} from "./prepare_rollback.ts";
import {
  type KeptRows,
  planCopies,
  type PutBack,
  type SafetyCopyOptions,
  toKept,
  toPutBack,
} from "./safety_copies.ts";
import {
  isOneTransaction,
  listSent,
  performSteps,
  type StepsOutcome,
  tellDone,
  toPairs,
} from "./steps.ts";

/** Options of `rollback`. Without `target` and `steps` the last batch is undone. */
export interface RollbackOptions extends SafetyCopyOptions {
  /**
   * A batch number, or a migration's name (with or without `.sql`, or a unique beginning):
   * everything after it is undone, and it stays. `"0"` is everything.
   */
  readonly target?: string;
  /** How many migrations to undo, from the last one on. */
  readonly steps?: number;
  /** Plan only: takes no lock and changes nothing. */
  readonly dryRun?: boolean;
  /** How long to wait for another run's lock, in milliseconds. 0 by default. */
  readonly waitMs?: number;
  /** Done once before anything is changed, where there is something to do, as by `migrate`. */
  readonly before?: (planned: readonly PlannedRollback[]) => Promise<void>;
  /** What is noted beside each migration in the audit log, such as where a backup is. */
  readonly note?: () => string | undefined;
  /** Ends sessions of these roles that keep a step waiting for longer. Nobody's by default. */
  readonly cancelBlockers?: CancelBlockers;
  /** Asked before anything is undone. Without it nothing is asked. */
  readonly confirm?: (planned: readonly PlannedRollback[]) => Promise<boolean>;
}

/** How one undo ended. */
export interface RollbackResult extends MigrationMessages {
  /** The migration's name. */
  readonly name: string;
  /** Whether it is undone now. */
  readonly success: boolean;
  /** Which rollback SQL was used. */
  readonly source: "file" | "stored";
  /** Why the stored one was used. */
  readonly sourceReason: PlannedRollback["sourceReason"];
  /** How long it ran, in milliseconds on the server's clock. */
  readonly executionTimeMs: number;
  /** What PostgreSQL said, where it failed. */
  readonly error: MigrationFailure | null;
  /** How many of its steps are done, and how many there are. */
  readonly steps: StepCount;
  /** The rows that were kept before they were destroyed. */
  readonly kept: readonly KeptRows[];
  /** What the migration had destroyed, and how much of it is back. */
  readonly putBack: readonly PutBack[];
}

/** What a rollback came to. */
export interface RollbackRunResult extends ApiReadiness {
  /** Everything that was to be undone is undone. */
  readonly success: boolean;
  /** What the target came to: a batch number or a full name; null for the last batch or steps. */
  readonly to: string | null;
  /** How many migrations were undone. */
  readonly migrationsRolledBack: number;
  /** How each undo ended, in order. */
  readonly results: readonly RollbackResult[];
  /** What was planned, in order. */
  readonly planned: readonly PlannedRollback[];
  /** The plan was made and nothing else. */
  readonly dryRun: boolean;
  /** The run was asked to stop, and did so before all was done. */
  readonly interrupted: boolean;
}

/**
 * Undoes migrations, the last one first, each in one transaction with its history change.
 * Nothing is undone unless everything that is asked for can be.
 *
 * @param operation What the operation works with.
 * @param options What to undo.
 * @returns How it ended; a failed undo is a result, not an error.
 * @throws {ConfigurationError} The target is unknown, or a migration has no rollback SQL.
 * @throws {SupamigrateError} The run could not begin, or could not go on.
 */
export async function rollback(
  operation: OperationContext,
  options: RollbackOptions = {},
): Promise<RollbackRunResult> {
  const context = withCancelBlockers(operation, options.cancelBlockers);
  const target = toTarget(options);
  const files = await context.load();
  const { migrations, order } = files;
  const { confirm } = options;
  const tell = createTeller(context);
  return await withLock<RollbackPlan, RollbackRunResult>(
    context,
    {
      ...(options.waitMs === undefined ? {} : { waitMs: options.waitMs }),
      wanted: { undoneByFile: findUndoneByFile(migrations), schema: true },
      plan: async (state) => {
        const { to, entries } = planRollback(state.history, target, order);
        const planned = await prepareRollbacks(entries, migrations, state, context);
        tell(describeReserved(planned));
        const ledger = keepLedger(context.ledger, state, files);
        if (planned.length > 0) refuseUnwritable(ledger, state.ledger);
        const copies = await planCopies(context, planned, options);
        tell(copies.warnings);
        return { to, planned: copies.planned, ledger };
      },
      dryRun: options.dryRun,
      unlessNeeded: ({ to, planned }) =>
        options.dryRun || planned.length === 0
          ? {
            success: true,
            to,
            migrationsRolledBack: 0,
            results: [],
            apiReady: null,
            planned,
            dryRun: options.dryRun ?? false,
            interrupted: false,
          }
          : undefined,
      confirm: confirm && (({ planned }) => confirm(planned)),
      before: options.before && (({ planned }) => options.before!(planned)),
      run: async (session, { to, planned, ledger }) => {
        session.note(options.note?.());
        const { results, interrupted } = await revertAll(
          context,
          session,
          planned,
          migrations,
          ledger,
        );
        const { apiReady } = await awaitApi(context, session);
        const undone = results.filter(({ success }) => success).length;
        return {
          success: undone === planned.length,
          to,
          migrationsRolledBack: undone,
          results,
          apiReady,
          planned,
          dryRun: false,
          interrupted,
        };
      },
    },
  );
}

/**
 * Sends the undos, one call each, and stops at the first failure.
 *
 * @param context What the operation works with.
 * @param session The lock.
 * @param planned What to undo, in order.
 * @param migrations The files.
 * @param ledger The Supabase CLI's ledger.
 * @param given With `keeps_nothing`, what migrations have destroyed is not put back.
 * @returns How each ended.
 */
export async function revertAll(
  context: OperationContext,
  session: LockSession,
  planned: readonly PlannedRollback[],
  migrations: readonly Migration[],
  ledger: Ledger,
  given: { readonly keeps_nothing?: true } = {},
): Promise<{ results: RollbackResult[]; interrupted: boolean }> {
  const results: RollbackResult[] = [];
  for (const [index, item] of planned.entries()) {
    if (context.signal?.aborted) return { results, interrupted: true };
    const { name } = item;
    const started = {
      type: "started",
      action: "rollback",
      migrations: [name],
      index,
      total: planned.length,
    } as const;
    let outcome: StepsOutcome;
    try {
      outcome = await revertOne(
        context,
        session,
        item,
        ledger,
        given,
        (step) => context.onProgress({ ...started, ...(step === undefined ? {} : { step }) }),
      );
    } catch (error) {
      if (error instanceof SupamigrateError) error.completed = toSteps("rollback", results);
      throw error;
    }
    if (outcome.interrupted) {
      tellDone(context, name, outcome.stepsDone, item.steps.length, outcome.batch);
      return { results, interrupted: true };
    }
    const result: RollbackResult = {
      ...assignMessages(session.takeMessages(), [item.statements])[0]!,
      name,
      success: outcome.success,
      source: item.source,
      sourceReason: item.sourceReason,
      executionTimeMs: outcome.executionTimeMs,
      error: outcome.error === null ? null : locate(
        outcome.error,
        item,
        migrations,
        isOneTransaction(item) ? item.statements : listSent(item, outcome.stepsDone + 1),
      ),
      steps: {
        done: outcome.stepsDone,
        total: item.steps.length,
        ...(outcome.batch === null ? {} : { batch: outcome.batch }),
      },
      kept: outcome.kept,
      putBack: outcome.putBack,
    };
    results.push(result);
    context.onProgress({
      type: "finished",
      action: "rollback",
      migration: name,
      success: result.success,
      executionTimeMs: result.executionTimeMs,
    });
    if (!result.success) break;
  }
  return { results, interrupted: false };
}

function locate(
  error: MigrationFailure,
  { name, source }: PlannedRollback,
  migrations: readonly Migration[],
  sent: readonly Statement[],
): MigrationFailure {
  if (source === "stored") return locateFailure(error, sent, undefined, nameStored(name));
  const section = migrations.find((migration) => migration.name === name)?.rollback ?? undefined;
  const file = section?.file;
  return locateFailure(error, sent, section, file === name ? undefined : file);
}

async function revertOne(
  context: OperationContext,
  session: LockSession,
  planned: PlannedRollback,
  ledger: Ledger,
  given: { readonly keeps_nothing?: true },
  onStarted: (step?: { readonly number: number; readonly total: number }) => void,
): Promise<StepsOutcome> {
  const { name, batch, source, statements } = planned;
  // Until all of it is undone the history has it, and so has the ledger.
  const migration = { name, batch, source, ...given, ...ledger.remove(name) };
  if (!isOneTransaction(planned)) {
    const total = planned.steps.length;
    return await performSteps(
      context,
      session,
      "revert",
      planned,
      migration,
      (number) => onStarted({ number, total }),
    );
  }
  onStarted();
  const sent = {
    ...migration,
    statements: toPairs(statements),
    limits: toWireLimits(context.limits, planned.limits),
  };
  const { item, interrupted } = await performPatiently(
    context,
    session,
    sent,
    (attempt) =>
      session.perform(
        "revert",
        { migration: sent, ...attempt },
        { purpose: "revert", migration: sent },
      ),
  );
  return {
    success: item.success,
    interrupted,
    stepsDone: item.success ? 1 : 0,
    batch: null,
    executionTimeMs: item.execution_time_ms,
    error: toFailure(item.error, session.lastBlockers),
    closedDoor: false,
    kept: toKept(item.kept),
    putBack: toPutBack(item.put_back),
  };
}
