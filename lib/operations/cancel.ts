/** Ends what a run is doing in the database. @module */

import { STATEMENTS } from "../database/channel.ts";
import {
  type Activity,
  callReading,
  type LockState,
  readState,
  toActivity,
  toLockState,
} from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import type { HistoryEntry } from "../planning/plan.ts";
import type { OperationContext } from "./context.ts";

/** Options of `cancel`. */
export interface CancelOptions {
  /** Shown what runs before it is cancelled; false leaves it. Without it nothing is asked. */
  readonly confirm?: (activity: Activity, lock: LockState) => Promise<boolean>;
}

/** What `cancel` came to. */
export interface CancelResult {
  /** Something was running, and was told to stop. */
  readonly cancelled: boolean;
  /** It has ended. What takes long to undo may not have yet. */
  readonly ended: boolean;
  /** What was running, or null. */
  readonly activity: Activity | null;
  /** The lock as it was. */
  readonly lock: LockState;
}

/** A batch of the run that holds the lock, where that is between two ranges. */
function findBatch(history: readonly HistoryEntry[], lock: LockState): Activity | null {
  const entry = history.find(({ progress }) => progress?.batch?.generation === lock.generation);
  return entry === undefined || !lock.isLocked ? null : {
    running: `${entry.name}, between two ranges of ${entry.progress!.batch!.table}`,
    runningMs: null,
    blockedBy: [],
  };
}

/** How often it is looked whether it has ended, in milliseconds. */
const POLL_MS = 200;

/** How long it is waited for, and how often it is told to stop again, in milliseconds. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 2000;

/**
 * Cancels the statement that a run is at, on the server. Its step is undone and fails, and the run
 * ends as it does after any failure. Nothing else is cancelled. Of a step that is committed in ranges
 * those that are done stay, and where none runs the next one fails.
 *
 * @param context What the operation works with.
 * @param options What to ask before.
 * @returns What was running.
 * @throws {SupamigrateError} The state cannot be read.
 */
export async function cancel(
  context: OperationContext,
  options: CancelOptions = {},
): Promise<CancelResult> {
  const database = await context.connect();
  const { activity: seen, lock, history } = await readState(database, context.target);
  const activity = seen ?? findBatch(history, lock);
  if (activity === null) return { cancelled: false, ended: true, activity, lock };
  if (options.confirm !== undefined && !await options.confirm(activity, lock)) {
    throw new ConfigurationError("Not confirmed: nothing was cancelled");
  }
  const began = performance.now();
  let told = -Infinity;
  let cancelled = false;
  for (;;) {
    const isDue = performance.now() - told >= AGAIN_MS;
    // deno-lint-ignore no-explicit-any -- the shapes are those of sql/activity.sql
    const reply: any = await callReading(database, STATEMENTS[isDue ? "cancel" : "watch"]);
    if (isDue) {
      told = performance.now();
      cancelled ||= reply.cancelled;
    }
    const left = toActivity(reply.activity);
    // Where the lock has changed hands, this is another run.
    const isOther = isDue && toLockState(reply.lock).generation !== lock.generation;
    const ended = left === null || isOther;
    if (ended || performance.now() - began > PATIENCE_MS) {
      return { cancelled, ended, activity, lock };
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
