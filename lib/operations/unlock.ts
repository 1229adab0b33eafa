/** Releases a lock that was left behind. @module */

import { STATEMENTS } from "../database/channel.ts";
import {
  callReading,
  type LockState,
  readState,
  refuseBreaches,
  toActivity,
  toLockState,
} from "../database/state.ts";
import { ConfigurationError, LockHeldError } from "../errors.ts";
import type { OperationContext } from "./context.ts";

/** Options of `unlock`. */
export interface UnlockOptions {
  /** Shown the lock before it is released; false leaves it. */
  readonly confirm?: (lock: LockState) => Promise<boolean>;
}

/** What `unlock` came to. */
export interface UnlockResult {
  /** The lock was held, and is free now. */
  readonly released: boolean;
  /** The lock as it was. */
  readonly lock: LockState;
}

/**
 * Releases a lock that was left behind. Always safe: the run that had it stops at its next
 * step, having changed nothing since.
 *
 * @param context What the operation works with.
 * @param options What to ask before.
 * @returns The lock as it was.
 * @throws {LockHeldError} A migration is running at this moment, or the lock has just changed hands.
 */
export async function unlock(
  context: OperationContext,
  options: UnlockOptions = {},
): Promise<UnlockResult> {
  const { target, tenure } = context;
  const database = await context.connect();
  const state = await readState(database, target);
  refuseBreaches(state);
  const { lock } = state;
  if (!lock.isLocked) return { released: false, lock };
  if (options.confirm !== undefined && !await options.confirm(lock)) {
    throw new ConfigurationError("Not confirmed: the lock was left as it is");
  }
  // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.unlock
  const reply: any = await callReading(database, STATEMENTS.unlock, {
    generation: lock.generation,
    holder: tenure.holder,
    tool_version: tenure.toolVersion,
  });
  if (reply.status === "busy") {
    const running = toActivity(reply.activity)?.running;
    throw new LockHeldError(
      `A migration is running at this moment${running === undefined ? "" : `: ${running}`}`,
      { hint: "Wait for it. The lock is released when its run ends; try again if it is not." },
    );
  }
  // After a lost reply the second attempt finds the lock released by the first.
  const after = toLockState(reply.lock);
  if (reply.status === "moved" && after.isLocked) {
    throw new LockHeldError("The lock has changed hands in the meantime", {
      hint: `${after.holder} has it now. Run unlock again if that is a dead run as well.`,
    });
  }
  return { released: true, lock };
}
