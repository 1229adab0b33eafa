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
import type { Statement } from "../planning/step.ts";
import { type OperationContext, toSteps } from "./context.ts";
import type { Ledger } from "./ledger.ts";
import { LockAttempts } from "./lock_attempts.ts";
import { assignMessages, type MigrationMessages } from "./messages.ts";
import type { PlannedMigration } from "./prepare.ts";
import { nameStored } from "./prepare_rollback.ts";
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
  /**
   * Whether nobody can be kept waiting, as there is nothing that others could be reading: `each` may
   * go with others for a moment then.
   */
  readonly isQuiet: boolean;
}

/**
 * Of those that go together for a moment (`each` in a quiet database): how many, of how many characters,
 * and for how long, in milliseconds. What is examined and recorded once for a call costs as much as a small
 * migration; and PostgREST closes its connections whenever it reads a schema anew, so that a call after a
 * commit finds a session that has planned nothing yet, and takes several times as long.
 */
const TOGETHER = { count: 100, size: 250_000, ms: 1000 };

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
  { pending, planned, lastBatch, refresh, ledger, isQuiet }: ReadyMigrations,
  transaction: TransactionMode = "each",
): Promise<ApplyResult> {
  let added = 0;
  const items = planned.map((step, index): Item => {
    const { migration, applied } = pending[index]!;
    // What runs again stays in its batch.
    const batch = applied?.batch ?? lastBatch + 1 + Math.floor(added++ / context.batchSize);
    return { step, migration, batch, index };
  });
  const share = transaction === "each" && isQuiet;
  const perCall = {
    each: isQuiet ? TOGETHER.count : 1,
    batch: context.batchSize,
    all: Math.max(1, items.length),
  }[transaction];
  if (transaction === "all") refuseSteps(planned);
  const results: MigrationResult[] = [];
  let failed = false;
  let interrupted = false;
  let firstCall = true;
  const end = (ended: readonly MigrationResult[]) => {
    for (const result of ended) {
      results.push(result);
      failed ||= result.error !== null;
      context.onProgress({
        type: "finished",
        action: "apply",
        migration: result.name,
        success: result.success,
        executionTimeMs: result.executionTimeMs,
      });
    }
  };

  for (const group of groupIntoCalls(items, perCall, share ? TOGETHER.size : Infinity)) {
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
    try {
      if (isOneTransaction(first!.step)) {
        context.onProgress(started);
        const calls = applyGroup(context, session, group, ledger, {
          atomic: transaction === "all",
          share: share && group.length > 1,
          ...(firstCall && refresh.length > 0 ? { refresh } : {}),
        });
        for await (const ended of calls) end(ended);
        interrupted = !failed && results.length < first!.index + group.length;
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
        const said = hear(session, [first!]);
        if (!interrupted) end([{ ...ofSteps(first!, outcome), ...said[0]! }]);
      }
    } catch (error) {
      if (error instanceof SupamigrateError) {
        error.completed = toSteps("apply", results);
      }
      throw error;
    }
    firstCall = false;
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
function groupIntoCalls(items: readonly Item[], perCall: number, mostSize: number): Item[][] {
  const groups: Item[][] = [];
  let open: Item[] | undefined;
  let size = 0;
  for (const item of items) {
    const own = item.step.statements.reduce((sum, { sql }) => sum + sql.length, 0);
    if (!isOneTransaction(item.step)) {
      groups.push([item]);
      open = undefined;
    } else if (open === undefined || open.length === perCall || size + own > mostSize) {
      groups.push(open = [item]);
      size = own;
    } else {
      open.push(item);
      size += own;
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

/**
 * Sends migrations in one call; what could not get its locks, or was not come to, and all behind it, in
 * further ones. Tells how they ended, call by call; of those that nobody waits for any more, nothing.
 */
async function* applyGroup(
  context: OperationContext,
  session: LockSession,
  group: readonly Item[],
  ledger: Ledger,
  { atomic, share, refresh }: {
    readonly atomic: boolean;
    /** Each is on its own, and goes with others for a moment. */
    readonly share: boolean;
    readonly refresh?: readonly RefreshedRecord[];
  },
): AsyncGenerator<MigrationResult[]> {
  const migrations = group.map((item) => ({
    ...toWire(item),
    ...ledger.record(item.step.name),
    limits: toWireLimits(context.limits, item.step.limits),
  }));
  const attempts = new LockAttempts(context);
  let unsent = refresh;
  let together = share;
  for (let first = 0; first < group.length && !(first > 0 && context.signal?.aborted);) {
    const sent = migrations.slice(first, share && !together ? first + 1 : undefined);
    const reply = await session.perform(
      "apply",
      {
        atomic,
        ...(sent.length > 1 && share ? { together_ms: TOGETHER.ms } : {}),
        ...(unsent === undefined ? {} : { refresh: unsent }),
        ...attempts.call,
        migrations: sent,
      },
      // Of several, nobody could say which one it was.
      sent.length === 1 ? { purpose: "apply", migration: sent[0] } : share ? null : undefined,
    );
    if (reply === null) {
      together = false;
      continue;
    }
    unsent = undefined;
    // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.run_migration
    const results: any[] = reply.results;
    const done = results.filter(({ success }) => success).length;
    const failed = done < results.length;
    const items = group.slice(first, first + sent.length);
    // Also of what was tried behind others and is not among the results.
    const said = hear(session, items);
    const ended = results.map((item, index) => ({
      ...toResult(items[index]!, item, failed && atomic, session.lastBlockers),
      ...said[index]!,
    }));
    if (done > 0 && !atomic) attempts.startAnew();
    if (failed) {
      if (!await attempts.goOn(sent[done]!, results[done], session.lastBlockers)) {
        yield ended;
        return;
      }
      if (context.signal?.aborted && (atomic || done === 0)) return;
    }
    if (failed && atomic) continue;
    yield ended.slice(0, done);
    first += done;
  }
}

/** What was said in a call, given to the migrations that were sent in it. */
function hear(session: LockSession, items: readonly Item[]): MigrationMessages[] {
  return assignMessages(
    session.takeMessages(),
    items.map(({ step }) => [...step.undo ?? [], ...step.statements]),
  );
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
    ? locateFailure(error, step.undo ?? [], undefined, nameStored(step.name))
    : locateFailure(error, sent, migration.forward);
}
