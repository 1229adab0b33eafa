/** Looks every second at what a step is doing, over a way beside the one that it runs on. @module */

import { formatCount } from "../count.ts";
import { type Channel, STATEMENTS, type WatchWay } from "../database/channel.ts";
import type { WatchedMigration, WatchedPayload } from "../database/session.ts";
import { type Activity, type Blocker, toActivity } from "../database/state.ts";
import type { OperationContext } from "./context.ts";

/** What takes less is not watched at all, in milliseconds. */
const UNWATCHED_MS = 1000;

/** Told who keeps a step waiting, and what way there is to change that. */
type OnBlocked = (
  blockers: readonly Blocker[],
  way: WatchWay,
  ended: AbortSignal,
) => Promise<void>;

/** How far apart questions get where the answers do not come. */
const MOST_DOUBLINGS = 5;

/**
 * Watches a step until it ends, from its second second on: tells what it is doing, and has the
 * statement cancelled whose time is over. What keeps the questions from being answered is left to the
 * step's own call.
 *
 * @param context Who is told.
 * @param database The way that the step runs on.
 * @param payload What was sent.
 * @param work The step.
 * @param onBlocked Told who keeps it waiting.
 * @returns What the step came to.
 */
export async function whileWatching<Result>(
  context: Pick<OperationContext, "onProgress">,
  database: Channel,
  payload: WatchedPayload,
  work: Promise<Result>,
  onBlocked: OnBlocked,
): Promise<Result> {
  if (database.openWatch === undefined) return await work;
  const ended = new AbortController();
  const watching = watch(context, database, payload, ended.signal, onBlocked);
  try {
    return await work;
  } finally {
    ended.abort();
    await watching;
  }
}

async function watch(
  context: Pick<OperationContext, "onProgress">,
  database: Channel,
  payload: WatchedPayload,
  ended: AbortSignal,
  onBlocked: OnBlocked,
): Promise<void> {
  await pause(findFirstLook(payload), ended);
  if (ended.aborted) return;
  const way = database.openWatch!();
  const clock = new StatementClock(findTimeLimit(payload));
  try {
    for (let failures = 0; !ended.aborted;) {
      const activity = await look(way, ended);
      if (ended.aborted) break;
      failures = activity === undefined ? Math.min(failures + 1, MOST_DOUBLINGS) : 0;
      if (activity) {
        const statementMs = clock.tell(activity);
        context.onProgress({ type: "running", activity: clock.withRows(activity), statementMs });
        if (clock.isOver) await tryTo(() => way.call(STATEMENTS.cancel, {}, ended));
        const { blockedBy } = activity;
        if (blockedBy.length > 0) await tryTo(() => onBlocked(blockedBy, way, ended));
      }
      await pause(way.everyMs * 2 ** failures, ended);
    }
  } finally {
    await way.close();
  }
}

/** What runs; null where nothing does, undefined where there is no answer. */
async function look(way: WatchWay, ended: AbortSignal): Promise<Activity | null | undefined> {
  try {
    // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.watch
    const { activity }: any = await way.call(STATEMENTS.watch, {}, ended);
    return toActivity(activity);
  } catch {
    return undefined; // whether the database can be reached is found out by the step's own call
  }
}

/** What does not arrive is tried again at the next look. */
async function tryTo(work: () => Promise<unknown>): Promise<void> {
  await work().catch(() => {});
}

/** Where something was in the way before, before the attempt can have ended for it. */
function findFirstLook({ attempt = 1, ...payload }: WatchedPayload): number {
  if (attempt === 1) return UNWATCHED_MS;
  const timeouts = toMigrations(payload).map(({ limits }) => limits?.lock_timeout ?? UNWATCHED_MS);
  return Math.min(UNWATCHED_MS, ...timeouts.map((ms) => Math.max(50, ms / 2)));
}

function toMigrations({ migration, migrations }: WatchedPayload): readonly WatchedMigration[] {
  return migrations ?? (migration === undefined ? [] : [migration]);
}

/** Of several migrations in one call, the longest time that a statement has; 0 is without end. */
function findTimeLimit(payload: WatchedPayload): number {
  const limits = toMigrations(payload).map(({ limits }) => limits?.statement_timeout ?? 0);
  return limits.includes(0) ? 0 : Math.max(...limits);
}

/** How long a statement has been seen running. */
class StatementClock {
  readonly #limitMs: number;
  #seen = "";
  #since = 0;
  #ms = 0;
  /** How large tables were when it was seen first. */
  readonly #bytes = new Map<string, number>();

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Whether its time is over. */
  get isOver(): boolean {
    return this.#limitMs > 0 && this.#ms > this.#limitMs;
  }

  /** Takes over what was seen, and says for how long at least. */
  tell({ running, runningMs, statement }: Activity): number {
    const name = `${running} ${statement?.number}`;
    if (name !== this.#seen) {
      const isFirst = statement?.number === 1 && this.#seen === "";
      this.#since = performance.now() - (isFirst ? runningMs ?? 0 : 0);
      this.#seen = name;
      this.#bytes.clear();
    }
    return this.#ms = Math.round(performance.now() - this.#since);
  }

  /** Says how many rows it has written about, where a table has grown and nothing better is known. */
  withRows(activity: Activity): Activity {
    const { writes = [], progress } = activity;
    const grown = writes.map((table) => {
      const before = this.#bytes.get(table.relation) ?? table.bytes;
      this.#bytes.set(table.relation, before);
      return { ...table, pagesMore: Math.max(0, table.bytes - before) / PAGE_BYTES };
    }).sort((a, b) => b.pagesMore - a.pagesMore);
    const [most] = grown;
    if (progress !== undefined || most === undefined || most.pagesMore === 0) return activity;
    const { relation, rows, pages, pagesMore } = most;
    return {
      ...activity,
      progress: {
        phase: `writing; it had about ${formatCount(rows)} rows`,
        relation,
        done: Math.round(pagesMore * rows / Math.max(1, pages)),
        total: null,
        unit: "rows",
      },
    };
  }
}

/** A server writes in pages of so many bytes. */
const PAGE_BYTES = 8192;

/** Waits, but not for what has ended. */
async function pause(ms: number, ended: AbortSignal): Promise<void> {
  if (ended.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = () => resolve();
  ended.addEventListener("abort", stop, { once: true });
  await promise;
  clearTimeout(timer);
  ended.removeEventListener("abort", stop);
}
