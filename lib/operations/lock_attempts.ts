/** Tries again what could not get its locks, after pauses in which the application has its turn. @module */

import type { LockSession } from "../database/session.ts";
import { type Blocker, toBlockers } from "../database/state.ts";
import { LOCK_TIMEOUT_MS } from "../planning/limits.ts";
import type { OperationContext } from "./context.ts";

/** lock_not_available, of a time-out and of NOWAIT. */
const LOCK_NOT_AVAILABLE = "55P03";

/** deadlock_detected and serialization_failure, which a range of a batch is tried again after. */
const MET_OTHERS: ReadonlySet<string> = new Set(["40P01", "40001"]);

/** No pause is longer, in milliseconds. */
const LONGEST_PAUSE_MS = 30_000;

/** What is sent of a migration. */
interface Sent {
  readonly name?: unknown;
  readonly limits?: Readonly<Record<string, number>>;
  readonly step?: { readonly batch?: unknown };
}

/** The attempts at one step. Each is an operation of its own, of which nothing is left. */
export class LockAttempts {
  readonly #context: OperationContext;
  #made = 1;

  /** @param context Who is told, and who may ask to stop. */
  constructor(context: OperationContext) {
    this.#context = context;
  }

  /** Which attempt this is, as `supamigrate.is_tried_again` wants to know. */
  get call(): { readonly attempt: number } {
    return { attempt: this.#made };
  }

  /** What comes now is another step than before. */
  startAnew(): void {
    this.#made = 1;
  }

  /**
   * Whether the step is to be sent again; pauses before it says so, unless somebody asks to stop.
   *
   * @param migration What was sent.
   * @param result What came of it, in the form of `supamigrate.run_migration`.
   * @param seen Who was seen to be in the way.
   */
  async goOn(
    migration: Sent,
    // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.run_migration
    result: any,
    seen: readonly Blocker[] = [],
  ): Promise<boolean> {
    const { lock_retries: retries = 0, lock_timeout: timeout = LOCK_TIMEOUT_MS } =
      migration.limits ?? {};
    if (result.success || this.#made > retries) return false;
    const { code } = result.error;
    const isRange = migration.step?.batch !== undefined;
    if (code !== LOCK_NOT_AVAILABLE && !(isRange && MET_OTHERS.has(code))) return false;
    const { signal, tenure, onProgress } = this.#context;
    const pauseMs = Math.round(
      Math.min(
        LONGEST_PAUSE_MS,
        tenure.leaseMs / 3,
        Math.max(timeout, 100) * 2 ** (this.#made - 1),
      ) *
        (0.75 + Math.random() / 2),
    );
    const named = toBlockers(result.error.blocked_by);
    onProgress({
      type: "retrying",
      migration: String(migration.name),
      attempt: this.#made,
      attempts: retries + 1,
      pauseMs,
      blockedBy: named.length > 0 ? named : seen,
    });
    await pause(pauseMs, signal);
    this.#made++;
    return true;
  }
}

/**
 * Sends a step, and sends it again where it could not get its locks.
 *
 * @param context Who is told, and who may ask to stop.
 * @param session The lock.
 * @param migration What is sent.
 * @param send Sends it once.
 * @returns The last result, and whether somebody has asked to stop before it could be had.
 */
export async function performPatiently(
  context: OperationContext,
  session: LockSession,
  migration: Sent,
  // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.apply
  send: (call: LockAttempts["call"]) => Promise<any>,
  // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.run_migration
): Promise<{ readonly item: any; readonly interrupted: boolean }> {
  const attempts = new LockAttempts(context);
  for (;;) {
    const { results: [item] } = await send(attempts.call);
    if (!await attempts.goOn(migration, item, session.lastBlockers)) {
      return { item, interrupted: false };
    }
    if (context.signal?.aborted) return { item, interrupted: true };
  }
}

/** Waits, but not for somebody who asks to stop. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  const timer = setTimeout(stop, ms);
  signal?.addEventListener("abort", stop, { once: true });
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", stop);
}
