/** What every operation works with, and the one way in which they take the lock. @module */

import type { ApiChannel } from "../database/api.ts";
import type { Channel } from "../database/channel.ts";
import { digestJson } from "../database/parts.ts";
import { acquireLock, type LockSession, type Patience, type Tenure } from "../database/session.ts";
import {
  type DatabaseState,
  lockHeld,
  type LockState,
  readState,
  refuseBreaches,
  type StateOptions,
} from "../database/state.ts";
import type { Target } from "../database/target.ts";
import { formatDuration } from "../duration.ts";
import {
  type CompletedStep,
  ConfigurationError,
  InterruptedError,
  LockLostError,
  SupamigrateError,
  UnknownOutcomeError,
} from "../errors.ts";
import type { LedgerMode } from "../planning/ledger.ts";
import type { Limits } from "../planning/limits.ts";
import type { Refusals } from "../planning/refusals.ts";
import type { Abilities } from "../planning/session_settings.ts";
import type { SplitSection } from "../planning/statements.ts";
import type { OpenShadow } from "../schema/shadow.ts";
import { BlockerEnder, type CancelBlockers } from "./cancel_blockers.ts";
import type { ProgressEvent } from "./progress.ts";
import type { SafetyCopyMode } from "../safety_copy_modes.ts";
import type { LoadedMigrations } from "./source.ts";
import { whileWatching } from "./watch.ts";

/** What every operation works with. */
export interface OperationContext {
  /** Opens the way to the project's database, once; files are read and found fit before. */
  readonly connect: () => Promise<Channel>;
  /** Opens the project's API, where it is known, whichever way leads to the database. */
  readonly api?: () => Promise<ApiChannel>;
  /** How long to wait in the end for the API to take up a new schema, in milliseconds; 0 is not at all. */
  readonly apiReadyMs?: number;
  /** What migrations can do on that way. */
  readonly can: Abilities;
  /** The project. */
  readonly target: Target;
  /** Reads the migrations: see `loadMigrations()`. */
  readonly load: (refused?: Refusals) => Promise<LoadedMigrations>;
  /** Splits their sections into statements. */
  readonly split: SplitSection;
  /** Loads what looks at them by rules, where there is a parser. */
  readonly lint?: () => Promise<typeof import("./lint_pending.ts")>;
  /** The folder of the migrations; null where they are a record. */
  readonly folder: string | null;
  /** Who takes the lock, and for how long. */
  readonly tenure: Tenure;
  /** What is said of the Supabase CLI's ledger; it is followed where there is one by default. */
  readonly ledger?: LedgerMode | undefined;
  /** How long statements may wait for locks, and may run, where a file does not say it. */
  readonly limits?: Limits;
  /** Whose sessions may be ended where they keep a step waiting. */
  readonly cancelBlockers?: CancelBlockers;
  /** How many migrations make a batch. */
  readonly batchSize: number;
  /** How long to go on asking a server that does not answer, in milliseconds. */
  readonly giveUpAfterMs: number;
  /** Whether rows are kept before they are destroyed, where an operation is not told. */
  readonly safetyCopy?: SafetyCopyMode;
  /** Up to how many bytes of tables rows are kept of without asking. */
  readonly safetyCopyMaxBytes?: number;
  /** Opens shadows; they are in memory where this is left out. */
  readonly openShadow?: OpenShadow;
  /** Told what happens. */
  readonly onProgress: (event: ProgressEvent) => void;
  /** Copies data without what looks like a key. */
  readonly hide: <Value>(value: Value) => Value;
  /** Asks the operation to stop between two steps. */
  readonly signal: AbortSignal | undefined;
}

/** The project's API, for what is about the API itself. */
export interface ApiContext extends OperationContext {
  readonly connect: () => Promise<ApiChannel>;
}

/** What {@linkcode withLock} is to do. */
export interface LockedWork<Plan, Result> {
  /** How long to wait for another run, in milliseconds. */
  readonly waitMs?: number;
  /** What the plan needs of the state. */
  readonly wanted?: StateOptions;
  /** Makes the plan; called again where something changed before the lock was taken. */
  readonly plan: (state: DatabaseState) => Promise<Plan> | Plan;
  /** The result where there is nothing to do, so that no lock has to be taken. */
  readonly unlessNeeded?: (plan: Plan) => Result | undefined;
  /** Nothing is changed at all, not even the lock of a run that is dead. */
  readonly dryRun?: boolean | undefined;
  /** Asks whether to go on; asked again where the plan is another one by then. */
  readonly confirm?: ((plan: Plan) => Promise<boolean>) | undefined;
  /** Done once, after the last question and before the lock is taken; what it throws ends the run. */
  readonly before?: ((plan: Plan) => Promise<void>) | undefined;
  /** Does the work. */
  readonly run: (session: LockSession, plan: Plan) => Promise<Result>;
}

/** How often the lock of another run is looked at. */
const POLL_MS = 1000;

/** How often a plan is made anew at once, where others change the state all the time. */
const MOST_REPLANS = 20;

/**
 * Reads the state, plans, takes the lock and works; releases the lock however that ends.
 *
 * @param context What the operation works with.
 * @param work What it does.
 * @returns What the work came to.
 * @throws {LockHeldError} Another run holds the lock, and the time to wait is over.
 * @throws {InterruptedError} The operation was asked to stop before it began.
 */
export async function withLock<Plan, Result>(
  context: OperationContext,
  work: LockedWork<Plan, Result>,
): Promise<Result> {
  const { target, tenure } = context;
  const database = await context.connect();
  const ender = new BlockerEnder(context);
  const patience: Patience = {
    giveUpAfterMs: context.giveUpAfterMs,
    onWaiting: (activity) =>
      context.onProgress({ type: "waiting", for: "answer", holder: null, activity }),
    watch: (payload, work, onBlocked) =>
      whileWatching(context, database, payload, work, async (blockers, way, ended) => {
        onBlocked(blockers);
        await ender.look(blockers, way, ended);
      }),
  };
  const deadline = performance.now() + (work.waitMs ?? 0);
  let confirmed: string | undefined;
  let begun = false;

  for (let attempt = 1;; attempt++) {
    throwIfInterrupted(context.signal);
    const state = await readState(database, target, work.wanted);
    refuseBreaches(state);
    const plan = await work.plan(state);
    const done = work.unlessNeeded?.(plan);
    if (done !== undefined) {
      // What a dead run has under way could still arrive, and make this result untrue: its lock
      // is taken from it, even with nothing to do.
      if (work.dryRun || !hasExpired(state.lock)) return noteHolder(context, state.lock, done);
    } else if (work.confirm !== undefined) {
      const fingerprint = digestJson(plan);
      if (fingerprint !== confirmed && !await work.confirm(plan)) {
        throw new ConfigurationError("Not confirmed: nothing was changed");
      }
      confirmed = fingerprint;
    }
    throwIfInterrupted(context.signal);
    if (done === undefined && !begun) {
      await work.before?.(plan);
      begun = true;
      throwIfInterrupted(context.signal);
    }

    const acquisition = await acquireLock(database, state, tenure, patience);
    if (acquisition.status === "moved" && attempt <= MOST_REPLANS) continue;
    if (acquisition.status !== "acquired") {
      if (done !== undefined) return noteHolder(context, acquisition.lock, done);
      const { activity } = state;
      // What a dead run has left running is waited for: its lock is free when that ends.
      const isAttached = activity !== null && hasExpired(acquisition.lock);
      const left = isAttached ? POLL_MS : deadline - performance.now();
      if (left <= 0) throw lockHeld(acquisition.lock, activity);
      context.onProgress({
        type: "waiting",
        for: "lock",
        holder: acquisition.lock.holder,
        activity,
      });
      await pauseUnlessInterrupted(Math.min(POLL_MS, left), context.signal);
      continue;
    }
    return await runAndRelease(
      context,
      acquisition.session,
      state.schema?.fingerprint ?? null,
      () => done === undefined ? work.run(acquisition.session, plan) : Promise.resolve(done),
    );
  }
}

function hasExpired({ isLocked, expiresInMs }: LockState): boolean {
  return isLocked && expiresInMs !== null && expiresInMs < 0;
}

/** Says where a result may not stay true: somebody is at work. */
export function noteHolder<Result>(
  context: OperationContext,
  lock: LockState,
  result: Result,
): Result {
  if (lock.isLocked) {
    const end = hasExpired(lock)
      ? "a step of it is still running"
      : `its lease ends in ${formatDuration(lock.expiresInMs ?? 0)}`;
    context.onProgress({
      type: "notice",
      message: `${lock.holder ?? "Another run"} holds the lock, and may change what is applied ` +
        `after this: ${end}`,
    });
  }
  return result;
}

async function runAndRelease<Result>(
  context: OperationContext,
  session: LockSession,
  schemaBefore: string | null,
  run: () => Promise<Result>,
): Promise<Result> {
  let result: Result;
  try {
    result = await run();
  } catch (error) {
    // Where the lock is lost or the server is gone there is nothing to release; and what went
    // wrong first is what the user has to hear.
    const pointless = error instanceof LockLostError || error instanceof UnknownOutcomeError;
    if (!pointless) await session.release(schemaBefore).catch(() => {});
    throw error;
  }
  await session.release(schemaBefore).catch((error) => {
    if (!(error instanceof SupamigrateError)) throw error;
    context.onProgress({
      type: "notice",
      message:
        `The work is done, but the lock was not released: ${error.message}. It expires by itself`,
    });
  });
  return result;
}

/**
 * What an error has to say of the results so far.
 *
 * @param action What was done.
 * @param results How each migration ended.
 */
export function toSteps(
  action: CompletedStep["action"],
  results: readonly { readonly name: string; readonly success: boolean }[],
): CompletedStep[] {
  return results.filter(({ success }) => success).map(({ name }) => ({ action, name }));
}

/**
 * Ends what has changed nothing yet.
 *
 * @param signal Whether somebody has asked to stop.
 * @throws {InterruptedError} Somebody has.
 */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new InterruptedError("Interrupted before anything was changed");
  }
}

async function pauseUnlessInterrupted(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
  throwIfInterrupted(signal);
}
