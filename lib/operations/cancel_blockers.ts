/** Ends what keeps a step waiting, of roles that somebody has named. @module */

import { STATEMENTS, type WatchWay } from "../database/channel.ts";
import { type Blocker, toBlockers } from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import { isReservedRole } from "../planning/reserved.ts";
import type { OperationContext } from "./context.ts";

/** Whose sessions may be ended, and when. */
export interface CancelBlockers {
  /** How long they may keep a step waiting, in milliseconds; over all its attempts. */
  readonly afterMs: number;
  /** The roles. Those of the platform are refused. */
  readonly roles: readonly string[];
}

/**
 * Checks whose sessions are to be ended.
 *
 * @param given What was asked for.
 * @returns The same.
 * @throws {ConfigurationError} No role is named, or one of the platform; or the time is none.
 */
export function checkCancelBlockers(given: CancelBlockers): CancelBlockers {
  const { afterMs, roles } = given;
  if (!(afterMs >= 0 && afterMs <= 86_400_000)) {
    throw new ConfigurationError(
      `The time after which sessions are ended has to be from 0 to 86400 s, not ${afterMs / 1000}`,
    );
  }
  if (roles.length === 0) {
    throw new ConfigurationError("No role is named whose sessions may be ended", {
      hint: "Name them with --cancel-roles, with commas.",
    });
  }
  const reserved = roles.filter(isReservedRole);
  if (reserved.length === 0) return given;
  throw new ConfigurationError(
    `Sessions of the platform's roles are never ended: ${reserved.join(", ")}`,
    { hint: "Requests of the API end by themselves, by their statement_timeout." },
  );
}

/**
 * What an operation works with that may end sessions.
 *
 * @param context What it works with otherwise.
 * @param cancelBlockers Whose sessions, and when.
 * @throws {ConfigurationError} These may not be ended.
 */
export function withCancelBlockers(
  context: OperationContext,
  cancelBlockers: CancelBlockers | undefined,
): OperationContext {
  return cancelBlockers === undefined
    ? context
    : { ...context, cancelBlockers: checkCancelBlockers(cancelBlockers) };
}

/** Notes since when sessions are seen to be in the way, over all attempts at a step. */
export class BlockerEnder {
  readonly #context: Pick<OperationContext, "onProgress" | "cancelBlockers">;
  readonly #since = new Map<number, number>();

  /** @param context Who is told, and what was asked for. */
  constructor(context: Pick<OperationContext, "onProgress" | "cancelBlockers">) {
    this.#context = context;
  }

  /**
   * Ends those of the sessions whose time is over.
   *
   * @param blockers Who is in the way at this moment.
   * @param way What to send it on.
   * @param ended Whether the step has ended.
   */
  async look(
    blockers: readonly Blocker[],
    way: WatchWay,
    ended: AbortSignal,
  ): Promise<void> {
    const { cancelBlockers, onProgress } = this.#context;
    if (cancelBlockers === undefined) return;
    const now = performance.now();
    const due = blockers.filter(({ pid, user }) => {
      const since = this.#since.get(pid) ?? now;
      this.#since.set(pid, since);
      return user !== null && cancelBlockers.roles.includes(user) &&
        now - since >= cancelBlockers.afterMs;
    });
    if (due.length === 0) return;
    const call = { pids: due.map(({ pid }) => pid), roles: cancelBlockers.roles };
    // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.cancel_blockers
    const reply: any = await way.call(STATEMENTS.cancelBlockers, call, ended);
    for (const session of toBlockers(reply.ended)) onProgress({ type: "blocker ended", session });
  }
}
