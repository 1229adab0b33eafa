/** Steps that are committed in ranges: the client's half of `sql/batches.sql`. @module */

import type { LockSession } from "../database/session.ts";
import type { BatchProgress } from "../planning/plan.ts";
import type { Batch } from "../planning/step.ts";
import type { OperationContext } from "./context.ts";
import { pause } from "./lock_attempts.ts";
import { type Load, RangePace } from "./range_pace.ts";

/** What is said of a range that is done. */
interface RangeReply extends BatchProgress {
  readonly is_last: boolean;
  readonly load: Load;
}

/** The ranges of one step. */
export class Ranges {
  readonly #context: OperationContext;
  readonly #migration: string;
  readonly #batch: Batch;
  readonly #pace: RangePace;
  readonly #started = performance.now();
  readonly #passedBefore: number;
  #done: BatchProgress | null;

  /**
   * @param context Who is told, and who may ask to stop.
   * @param migration The migration's name.
   * @param batch How the step is cut.
   * @param done How far it is, where it has begun.
   */
  constructor(
    context: OperationContext,
    migration: string,
    batch: Batch,
    done: BatchProgress | undefined,
  ) {
    this.#context = context;
    this.#migration = migration;
    this.#batch = batch;
    this.#pace = new RangePace(batch.rows, done?.rows);
    this.#passedBefore = done?.passed ?? 0;
    this.#done = done ?? null;
  }

  /** How far the step is; null where no range of it is done. */
  get done(): BatchProgress | null {
    return this.#done;
  }

  /** What the next call has of it, in the form of `sql/batches.sql`. */
  get call(): Record<string, unknown> {
    return { ...this.#batch, rows: this.#pace.rows };
  }

  /**
   * Tells of a range, and waits as long as the database is to be left alone.
   *
   * @param session The lock, whose lease goes on while replicas are waited for.
   * @param range What was said of it.
   * @param ms How long it took.
   * @returns Whether it was the last one.
   */
  async goOn(session: LockSession, range: RangeReply, ms: number): Promise<boolean> {
    const { is_last: isLast, load, ...batch } = range;
    if (isLast) return true;
    this.#done = batch;
    const { signal, tenure, onProgress } = this.#context;
    const tell = (pauseMs: number, lagMs: number | null) =>
      onProgress({
        type: "range",
        migration: this.#migration,
        batch,
        leftMs: this.#findLeft(batch),
        pauseMs,
        lagMs,
      });
    const pauseMs = Math.min(this.#pace.next(ms, load), Math.round(tenure.leaseMs / 3));
    tell(pauseMs, null);
    await pause(pauseMs, signal);
    for (let now = load; !signal?.aborted;) {
      const lookMs = Math.min(RangePace.waitFor(now), Math.round(tenure.leaseMs / 3));
      if (lookMs === 0) break;
      tell(lookMs, now.lag_ms);
      await pause(lookMs, signal);
      now = await session.perform("wait");
    }
    return false;
  }

  /** By what this run has done so far. */
  #findLeft({ passed, total }: BatchProgress): number | null {
    const own = passed - this.#passedBefore;
    if (total === null || own <= 0) return null;
    return Math.round((performance.now() - this.#started) * Math.max(0, total - passed) / own);
  }
}
