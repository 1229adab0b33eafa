/** Undoes applied migrations. @module */

import type { LockSession } from "../database/session.ts";
import type { DatabaseState, UndoneByFile } from "../database/state.ts";
import { ConfigurationError, SupamigrateError } from "../errors.ts";
import {
  type HistoryEntry,
  type Migration,
  type MigrationFailure,
  planRollback,
  type RollbackTarget,
} from "../planning/plan.ts";
import { holdsStatements } from "../planning/lexer.ts";
import { locateFailure } from "../planning/locate_failure.ts";
import { Refusals } from "../planning/refusals.ts";
import type { Statement } from "../planning/steps.ts";
import {
  createTeller,
  describeReserved,
  locateReserved,
  type MigrationReserved,
} from "./concerns.ts";
import { type OperationContext, toSteps, withLock } from "./context.ts";
import { keepLedger, type Ledger, refuseUnwritable } from "./ledger.ts";
import { withPgCron } from "./prepare.ts";
import {
  isOneTransaction,
  listSent,
  performSteps,
  type PlannedSteps,
  planSteps,
  type StepsOutcome,
  tellDone,
  toPairs,
} from "./steps.ts";
import { assignMessages, type MigrationMessages } from "./messages.ts";
import { refuseUnproven, type StoredRollbacks } from "./stored.ts";

/** Options of `rollback`. Without `target` and `steps` the last batch is undone. */
export interface RollbackOptions {
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
  /** Asked before anything is undone. Without it nothing is asked. */
  readonly confirm?: (planned: readonly PlannedRollback[]) => Promise<boolean>;
}

/** A migration with the statements that would undo it. */
export interface PlannedRollback extends PlannedSteps {
  /** The migration's name. */
  readonly name: string;
  /** The batch that it was applied in. */
  readonly batch: number;
  /** The file's rollback part, or the one that was stored when the migration was applied. */
  readonly source: "file" | "stored";
  /** Why the stored one is used. */
  readonly sourceReason:
    | "the file's"
    | "the file is gone"
    | "the file was changed"
    | "the file has none";
  /** The statements with their lines. */
  readonly statements: readonly Statement[];
  /** What they change of what Supabase keeps to itself. */
  readonly reserved: readonly MigrationReserved[];
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
  readonly steps: { readonly done: number; readonly total: number };
}

/** What a rollback came to. */
export interface RollbackRunResult {
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
 * @param context What the operation works with.
 * @param options What to undo.
 * @returns How it ended; a failed undo is a result, not an error.
 * @throws {ConfigurationError} The target is unknown, or a migration has no rollback SQL.
 * @throws {SupamigrateError} The run could not begin, or could not go on.
 */
export async function rollback(
  context: OperationContext,
  options: RollbackOptions = {},
): Promise<RollbackRunResult> {
  const target = toTarget(options);
  const files = await context.load();
  const { migrations, order } = files;
  const { confirm } = options;
  const tell = createTeller(context);
  return await withLock<RollbackPlan, RollbackRunResult>(
    context,
    {
      ...(options.waitMs === undefined ? {} : { waitMs: options.waitMs }),
      undoneByFile: findUndoneByFile(migrations),
      plan: async (state) => {
        const { to, entries } = planRollback(state.history, target, order);
        const planned = await prepareRollbacks(entries, migrations, state, context);
        tell(describeReserved(planned));
        const ledger = keepLedger(context.ledger, state, files);
        if (planned.length > 0) refuseUnwritable(ledger, state.ledger);
        return { to, planned, ledger };
      },
      dryRun: options.dryRun,
      unlessNeeded: ({ to, planned }) =>
        options.dryRun || planned.length === 0
          ? {
            success: true,
            to,
            migrationsRolledBack: 0,
            results: [],
            planned,
            dryRun: options.dryRun ?? false,
            interrupted: false,
          }
          : undefined,
      confirm: confirm && (({ planned }) => confirm(planned)),
      run: async (session, { to, planned, ledger }) => {
        const { results, interrupted } = await revertAll(context, session, planned, ledger);
        const undone = results.filter(({ success }) => success).length;
        return {
          success: undone === planned.length,
          to,
          migrationsRolledBack: undone,
          results,
          planned,
          dryRun: false,
          interrupted,
        };
      },
    },
  );
}

interface RollbackPlan {
  readonly to: string | null;
  readonly planned: PlannedRollback[];
  readonly ledger: Ledger;
}

function toTarget({ target, steps }: RollbackOptions): RollbackTarget {
  if (target !== undefined && steps !== undefined) {
    throw new ConfigurationError("A target and a number of steps exclude each other");
  }
  if (target !== undefined) return { kind: "to", target };
  if (steps === undefined) return { kind: "last batch" };
  if (!Number.isSafeInteger(steps) || steps < 1) {
    throw new ConfigurationError(
      `The number of steps has to be a whole number from 1 on, not ${steps}`,
    );
  }
  return { kind: "steps", steps };
}

/**
 * Whether a migration says what undoes it; one that does nothing is undone by nothing.
 *
 * @param migration The migration.
 */
export function saysHowToUndo({ rollback, forward }: Migration): boolean {
  return rollback !== null || !holdsStatements(forward.sql);
}

/**
 * Which migrations need no stored rollback SQL, as long as the file is what was applied.
 *
 * @param migrations The files.
 * @returns Their checksums by name.
 */
export function findUndoneByFile(migrations: readonly Migration[]): UndoneByFile {
  return Object.fromEntries(
    migrations.filter(saysHowToUndo).map(({ name, checksum }) => [name, checksum]),
  );
}

/**
 * Finds what undoes each migration: the file's rollback part where the file says what was
 * applied, the stored one otherwise.
 *
 * @param entries The history rows to undo, last first.
 * @param migrations The files.
 * @param stored The stored rollback SQL, and what the log says of it.
 * @param context What the way to the database allows, and what splits sections.
 * @returns The migrations with the statements that undo them.
 * @throws {ConfigurationError} Some have none, or one that is not as it was stored; all of them
 * are named.
 */
export async function prepareRollbacks(
  entries: readonly HistoryEntry[],
  migrations: readonly Migration[],
  stored: StoredRollbacks & Pick<DatabaseState, "hasPgCron">,
  { can: way, split }: Pick<OperationContext, "can" | "split">,
): Promise<PlannedRollback[]> {
  const can = withPgCron(way, stored.hasPgCron);
  const { storedRollbacks } = stored;
  const files = new Map(migrations.map((migration) => [migration.name, migration]));
  const sourceOf = (entry: HistoryEntry): PlannedRollback["sourceReason"] => {
    const file = files.get(entry.name);
    if (file === undefined) return "the file is gone";
    if (file.checksum !== (entry.appliedChecksum ?? entry.checksum)) return "the file was changed";
    return saysHowToUndo(file) ? "the file's" : "the file has none";
  };

  const fromStored = entries.filter((entry) => sourceOf(entry) !== "the file's");
  const missing = fromStored.filter(({ name }) => storedRollbacks[name] === undefined);
  if (missing.length > 0) {
    throw new ConfigurationError(
      `Nothing was rolled back: there is no rollback SQL for ${
        missing.map(({ name }) => name).join(", ")
      }`,
      {
        hint: "Add a ROLLBACK section to each of these files and run migrate, which stores it; " +
          "then roll back.",
      },
    );
  }
  refuseUnproven(fromStored, stored);
  const planned: PlannedRollback[] = [];
  const refusals = new Refusals();
  for (const entry of entries) {
    const sourceReason = sourceOf(entry);
    const section = sourceReason === "the file's"
      ? files.get(entry.name)!.rollback ?? { sql: "", line: 1, file: entry.name }
      : {
        sql: storedRollbacks[entry.name]!,
        line: 1,
        file: `stored rollback of ${entry.name}`,
      };
    const undoing = await refusals.attempt(() => split(section, section.file, can));
    if (undoing === undefined) continue;
    planned.push({
      name: entry.name,
      batch: entry.batch,
      source: sourceReason === "the file's" ? "file" : "stored",
      sourceReason,
      statements: undoing.statements,
      ...await planSteps(entry.name, undoing.steps, entry, "revert"),
      reserved: locateReserved(section.file, undoing),
    });
  }
  refusals.throwAny();
  return planned;
}

/**
 * Sends the undos, one call each, and stops at the first failure.
 *
 * @param context What the operation works with.
 * @param session The lock.
 * @param planned What to undo, in order.
 * @param ledger The Supabase CLI's ledger.
 * @returns How each ended.
 */
export async function revertAll(
  context: OperationContext,
  session: LockSession,
  planned: readonly PlannedRollback[],
  ledger: Ledger,
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
        (step) => context.onProgress({ ...started, ...(step === undefined ? {} : { step }) }),
      );
    } catch (error) {
      if (error instanceof SupamigrateError) error.completed = toSteps("rollback", results);
      throw error;
    }
    if (outcome.interrupted) {
      tellDone(context, name, outcome.stepsDone, item.steps.length);
      return { results, interrupted: true };
    }
    const result: RollbackResult = {
      ...assignMessages(session.takeMessages(), [item.statements])[0]!,
      name,
      success: outcome.success,
      source: item.source,
      sourceReason: item.sourceReason,
      executionTimeMs: outcome.executionTimeMs,
      error: outcome.error === null ? null : locateFailure(
        outcome.error,
        isOneTransaction(item) ? item.statements : listSent(item, outcome.stepsDone + 1),
        undefined,
      ),
      steps: { done: outcome.stepsDone, total: item.steps.length },
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

async function revertOne(
  context: OperationContext,
  session: LockSession,
  planned: PlannedRollback,
  ledger: Ledger,
  onStarted: (step?: { readonly number: number; readonly total: number }) => void,
): Promise<StepsOutcome> {
  const { name, batch, source, statements } = planned;
  // Until all of it is undone the history has it, and so has the ledger.
  const migration = { name, batch, source, ...ledger.remove(name) };
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
  const sent = { ...migration, statements: toPairs(statements) };
  const reply = await session.perform(
    "revert",
    { migration: sent },
    { purpose: "revert", migration: sent },
  );
  const item = reply.results[0];
  return {
    success: item.success,
    interrupted: false,
    stepsDone: item.success ? 1 : 0,
    executionTimeMs: item.execution_time_ms,
    error: item.error ?? null,
    closedDoor: false,
  };
}
