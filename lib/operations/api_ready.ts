/** Waits at the end of a run until the API has taken up the schema that it leaves. @module */

import type { LockSession } from "../database/session.ts";
import { SupamigrateError } from "../errors.ts";
import { formatDuration } from "../duration.ts";
import type { OperationContext } from "./context.ts";

/** How long the API has by default, in milliseconds. */
export const API_READY_MS = 10_000;

/** How long it has where it does not listen for changes, in milliseconds: it may just be starting. */
const UNHEARD_MS = 300;

/** The pauses between two looks, in milliseconds. */
const PAUSE_MS = { first: 25, last: 500 };

/** How long one answer may take, in milliseconds. */
const ANSWER_MS = 5000;

/** What a run says of the API in the end. */
export interface ApiReadiness {
  /**
   * Whether the API serves the schema that the run has left, as was seen. Null where that was not
   * looked at: the run changed no schema, the API is not known, `apiReadyMs` is 0, somebody asked to
   * stop, or it cannot be told.
   */
  readonly apiReady: boolean | null;
}

/** What {@linkcode awaitApi} needs. */
type ApiWaiting = Pick<OperationContext, "api" | "apiReadyMs" | "onProgress" | "signal" | "tenure">;

/**
 * Waits until the API serves the schema as it is now: makes a view that was never there, which PostgREST
 * knows of as soon as it has read the schema anew, and asks for it. The view goes when the lock is
 * released. What goes wrong on the way is no failure of the run, which has done its work.
 *
 * @param context What the operation works with.
 * @param session The lock.
 * @returns What was seen.
 */
export async function awaitApi(context: ApiWaiting, session: LockSession): Promise<ApiReadiness> {
  try {
    return { apiReady: await look(context, session) };
  } catch (error) {
    // The release of the lock, which comes next, says what is wrong with it.
    if (error instanceof SupamigrateError) return { apiReady: null };
    throw error;
  }
}

async function look(
  { api: connect, apiReadyMs = API_READY_MS, onProgress, signal, tenure }: ApiWaiting,
  session: LockSession,
): Promise<boolean | null> {
  const isOver = () => signal?.aborted ?? false;
  if (connect === undefined || apiReadyMs === 0 || !session.mayHaveChangedSchema || isOver()) {
    return null;
  }
  const api = await connect();
  if (api.knowsTable === undefined) return null;
  const { view, is_heard: isHeard } = await session.perform("announce", { schema: api.schema });
  if (view === null) return null;

  const started = performance.now();
  // Nobody is to take the lock over meanwhile.
  const mostMs = Math.min(
    apiReadyMs,
    tenure.leaseMs / 2,
    isHeard === false ? UNHEARD_MS : Infinity,
  );
  let isTold = false;
  for (let ms = PAUSE_MS.first;; ms = Math.min(PAUSE_MS.last, ms * 1.2)) {
    const waitedMs = performance.now() - started;
    if (isOver()) return null;
    if (waitedMs >= mostMs) break;
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, mostMs - waitedMs)));
    const known = await api.knowsTable(view, ANSWER_MS);
    if (known !== false) return known;
    if (!isTold && performance.now() - started > 500) {
      onProgress({ type: "waiting", for: "api", holder: null, activity: null });
      isTold = true;
    }
  }
  onProgress({
    type: "notice",
    message: isHeard === false
      ? "The API goes on serving the schema as it was: nothing of it listens for changes. Have " +
        "PostgREST read it anew: see docs/production.md"
      : `The API has not taken up the new schema within ${formatDuration(mostMs)}, and may go on ` +
        "serving the old one: see docs/production.md",
  });
  return false;
}
