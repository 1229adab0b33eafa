/** Sends migrations: what `migrate` and `fresh` have in common. @module */

import type { LockSession } from "../database/session.ts";
import { type Blocker, toFailure } from "../database/state.ts";
import { ConfigurationError, SupamigrateError } from "../errors.ts";
import { toWireLimits } from "../planning/limits.ts";
import { locateEnding, locateFailure } from "../planning/locate_failure.ts";
import type {
  Migration,
  MigrationFailure,
  PendingMigration,
  PendingReason,
  StepCount,
} from "../planning/plan.ts";
import type { Statement } from "../planning/steps.ts";
import { type OperationContext, toSteps } from "./context.ts";
import type { Ledger } from "./ledger.ts";
import { LockAttempts } from "./lock_attempts.ts";
import { assignMessages, type MigrationMessages } from "./messages.ts";
import type { PlannedMigration } from "./prepare.ts";
import { type KeptRows, toKept } from "./safety_copies.ts";
import {
  isOneTransaction,
  listSent,
  performSteps,
  type StepsOutcome,
  tellDone,
  toPairs,
} from "./steps.ts";

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
  /** How many of its steps are done, and how many there are. */
  readonly steps: StepCount;
  /** It ran, and was undone because a later one failed (`transaction: "all"`). */
  readonly undone: boolean;
  /** What the user should know of it, a sentence each. */
  readonly notices: readonly string[];
  /** The rows that were kept before they were destroyed. */
  readonly kept: readonly KeptRows[];
}

/** How applying went. */
export interface ApplyResult {
  /** Everything that was to be done is done. */
  readonly success: boolean;
  /** The last batch that one of them is in, or null where nothing was applied. */
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
  /** What to bring up to date, which goes along with the first call. */
  readonly refresh: readonly RefreshedRecord[];
  /** The Supabase CLI's ledger. */
  readonly ledger: Ledger;
}

/** A record to bring up to date without running anything, in the form of `refresh_rollback`. */
export interface RefreshedRecord {
  /** The migration's name. */
  readonly name: string;
  /** The rollback SQL to store. */
  readonly rollback_sql: string | null;
  /** The checksum to store, where comments or white space alone were changed. */
  readonly checksum?: string;
  /** The statements' checksum, which has to be the stored one. */
  readonly statements_checksum?: string;
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
  { pending, planned, lastBatch, refresh, ledger }: ReadyMigrations,
  transaction: TransactionMode = "each",
): Promise<ApplyResult> {
  let added = 0;
  const items = planned.map((step, index): Item => {
    const { migration, applied } = pending[index]!;
    // What runs again stays in its batch.
    const batch = applied?.batch ?? lastBatch + 1 + Math.floor(added++ / context.batchSize);
    return { step, migration, batch, index };
  });
  const perCall =
    { each: 1, batch: context.batchSize, all: Math.max(1, items.length) }[transaction];
  if (transaction === "all") refuseSteps(planned);
  const results: MigrationResult[] = [];
  let failed = false;
  let interrupted = false;
  let firstCall = true;

  for (const group of groupIntoCalls(items, perCall)) {
    if (failed || interrupted) break;
    if (context.signal?.aborted) {
      interrupted = true;
      break;
    }
    const [first] = group;
    const started = {
      type: "started",
      action: "apply",
      migrations: group.map(({ step }) => step.name),
      index: first!.index,
      total: items.length,
    } as const;
    let ended: EndedMigration[];
    try {
      if (isOneTransaction(first!.step)) {
        context.onProgress(started);
        ended = await applyGroup(context, session, group, ledger, {
          atomic: transaction === "all",
          ...(firstCall && refresh.length > 0 ? { refresh } : {}),
        });
        interrupted = ended.length < group.length && ended.every(({ success }) => success);
      } else {
        if (firstCall && refresh.length > 0) await session.perform("refresh", { refresh });
        const { step } = first!;
        const { statements: _, ...migration } = toWire(first!);
        const outcome = await performSteps(
          context,
          session,
          "apply",
          step,
          { ...migration, ...ledger.record(step.name, step.statements.map(({ sql }) => sql)) },
          (number) =>
            context.onProgress({ ...started, step: { number, total: step.steps.length } }),
        );
        interrupted = outcome.interrupted;
        if (interrupted) {
          const { stepsDone, batch } = outcome;
          tellDone(context, step.name, stepsDone, step.steps.length, batch);
        }
        ended = interrupted ? [] : [ofSteps(first!, outcome)];
      }
    } catch (error) {
      if (error instanceof SupamigrateError) {
        error.completed = toSteps("apply", results);
      }
      throw error;
    }
    firstCall = false;
    failed = ended.some(({ error }) => error !== null);
    const said = assignMessages(
      session.takeMessages(),
      group.map(({ step }) => [...step.undo ?? [], ...step.statements]),
    );
    for (const [index, item] of ended.entries()) {
      const result = { ...item, ...said[index]! };
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
  const batches = items.slice(0, applied).map(({ batch }) => batch);
  return {
    success: !failed && !interrupted,
    batchNumber: batches.length === 0 ? null : Math.max(...batches),
    migrationsRun: applied,
    migrationsFailed: failed ? 1 : 0,
    results,
    interrupted,
  };
}

/** How a migration ended, but for what was said while it ran. */
type EndedMigration = Omit<MigrationResult, keyof MigrationMessages>;

/** A migration that is to be sent. */
interface Item {
  readonly step: PlannedMigration;
  readonly migration: Migration;
  readonly batch: number;
  readonly index: number;
}

/** What has several steps goes by itself. */
function groupIntoCalls(items: readonly Item[], perCall: number): Item[][] {
  const groups: Item[][] = [];
  let open: Item[] | undefined;
  for (const item of items) {
    if (!isOneTransaction(item.step)) {
      groups.push([item]);
      open = undefined;
    } else if (open === undefined || open.length === perCall) {
      groups.push(open = [item]);
    } else {
      open.push(item);
    }
  }
  return groups;
}

function refuseSteps(planned: readonly PlannedMigration[]): void {
  const several = planned.filter((migration) => !isOneTransaction(migration));
  if (several.length === 0) return;
  throw new ConfigurationError(
    `Not everything can be one transaction: ${several.map(({ name }) => name).join(", ")} ${
      several.length === 1 ? "needs" : "need"
    } commits`,
    { hint: "Run with --transaction each; --dry-run shows the steps." },
  );
}

/** Sends migrations in one call; what could not get its locks, and all behind it, in further ones. */
async function applyGroup(
  context: OperationContext,
  session: LockSession,
  group: readonly Item[],
  ledger: Ledger,
  { atomic, refresh }: {
    readonly atomic: boolean;
    readonly refresh?: readonly RefreshedRecord[];
  },
): Promise<EndedMigration[]> {
  const migrations = group.map((item) => ({
    ...toWire(item),
    ...ledger.record(item.step.name),
    limits: toWireLimits(context.limits, item.step.limits),
  }));
  const attempts = new LockAttempts(context);
  const ended: EndedMigration[] = [];
  for (let isFirst = true;; isFirst = false) {
    const left = migrations.slice(ended.length);
    const reply = await session.perform(
      "apply",
      {
        atomic,
        ...(isFirst && refresh !== undefined ? { refresh } : {}),
        ...attempts.call,
        migrations: left,
      },
      // Of several, nobody could say which one it was.
      left.length === 1 ? { purpose: "apply", migration: left[0] } : undefined,
    );
    // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.run_migration
    const results: any[] = reply.results;
    const done = results.filter(({ success }) => success).length;
    const failed = done < results.length;
    const before = ended.length;
    const toEnded = (item: unknown, index: number) =>
      toResult(group[before + index]!, item, failed && atomic, session.lastBlockers);
    if (!failed) return [...ended, ...results.map(toEnded)];
    if (done > 0 && !atomic) attempts.startAnew();
    if (!await attempts.goOn(left[done]!, results[done], session.lastBlockers)) {
      return [...ended, ...results.map(toEnded)];
    }
    if (!atomic) ended.push(...results.slice(0, done).map(toEnded));
    if (context.signal?.aborted) return ended;
  }
}

/** A migration in the form of `supamigrate.apply`. */
function toWire({ step, migration, batch }: Item): Record<string, unknown> {
  return {
    name: step.name,
    reason: step.reason,
    checksum: migration.checksum,
    statements_checksum: migration.statementsChecksum,
    batch,
    rollback_sql: migration.rollback?.sql ?? null,
    statements: toPairs(step.statements),
    ...(step.undo === null ? {} : { undo: toPairs(step.undo) }),
  };
}

function toResult(
  { step, migration }: Item,
  // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.run_migration
  item: any,
  undone: boolean,
  blockers: readonly Blocker[],
): EndedMigration {
  const error = toFailure(item.error, blockers);
  return {
    name: step.name,
    success: item.success && !undone,
    reason: step.reason,
    executionTimeMs: item.execution_time_ms,
    error: error === null ? null : locate(error, step, migration, step.statements),
    steps: { done: item.success && !undone ? 1 : 0, total: 1 },
    undone: item.success && undone,
    notices: item.closed_door ? [...step.notices, CLOSED_DOOR] : step.notices,
    kept: undone ? [] : toKept(item.kept),
  };
}

function ofSteps({ step, migration }: Item, outcome: StepsOutcome): EndedMigration {
  return {
    name: step.name,
    success: outcome.success,
    reason: step.reason,
    executionTimeMs: outcome.executionTimeMs,
    error: outcome.error === null
      ? null
      : locate(outcome.error, step, migration, listSent(step, outcome.stepsDone + 1)),
    steps: {
      done: outcome.stepsDone,
      total: step.steps.length,
      ...(outcome.batch === null ? {} : { batch: outcome.batch }),
    },
    undone: false,
    notices: outcome.closedDoor ? [...step.notices, CLOSED_DOOR] : step.notices,
    kept: outcome.kept,
  };
}

const CLOSED_DOOR = "It let others than service_role call exec_sql: that was taken back";

function locate(
  error: MigrationFailure,
  step: PlannedMigration,
  migration: Migration,
  sent: readonly Statement[],
): MigrationFailure {
  if (error.part === undefined) return locateEnding(error, sent, migration.forward);
  return error.part === "undo"
    ? locateFailure(error, step.undo ?? [], undefined)
    : locateFailure(error, sent, migration.forward);
}
