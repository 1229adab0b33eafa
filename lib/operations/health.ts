/** Looks whether the application is well after a run. @module */

import { setTimeout as delay } from "node:timers/promises";
import { CallError, STATEMENTS, type WatchWay } from "../database/channel.ts";
import { explainCallError } from "../database/explain.ts";
import { formatDuration } from "../duration.ts";
import { shorten } from "../shorten.ts";
import type { OperationContext } from "./context.ts";

/** What a health check came to. */
export interface HealthResult {
  /** The application is well. */
  readonly passed: boolean;
  /** What was asked: a URL, or SQL. */
  readonly check: string;
  /** What came, as a sentence. */
  readonly message: string;
}

/** How a check is made. */
export interface HealthOptions {
  /**
   * How long a query may take, in milliseconds, before it is cancelled and the check has failed: 30
   * seconds by default, and no longer than an answer is waited for. The embedded database, which does
   * one thing at a time, runs it to its end.
   */
  readonly timeoutMs?: number;
}

/** How long a query may take, in milliseconds. */
export const LONGEST_CHECK_MS = 30_000;

/** How often a query is told to end, in milliseconds, and how many times before nobody waits any more. */
const AGAIN_MS = 1000;
const TIMES = 5;

/** How often a URL is asked: what has just been deployed may need a moment. */
const ATTEMPTS = 3;

/**
 * Asks a URL, or the database.
 *
 * @param context What the operation works with.
 * @param check A URL, which has to answer with 2xx; or a query, of which the first column of the first
 * row has to be neither false nor null nor 0.
 * @param options How long it may take.
 */
export async function checkHealth(
  context: OperationContext,
  check: string,
  { timeoutMs = LONGEST_CHECK_MS }: HealthOptions = {},
): Promise<HealthResult> {
  const message = /^https?:\/\//i.test(check)
    ? await askUrl(check)
    : await askDatabase(context, check, timeoutMs);
  return { passed: message === null, check, message: message ?? "It passed" };
}

async function askUrl(url: string): Promise<string | null> {
  let message = "";
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1) await new Promise((resolve) => setTimeout(resolve, 1000 * (attempt - 1)));
    try {
      // What is not well may lead to a page that is: one to log in at, or one of errors.
      const response = await fetch(url, {
        redirect: "manual",
        signal: AbortSignal.timeout(10_000),
      });
      const text = await response.text();
      if (response.ok) return null;
      const leadsTo = response.headers.get("location");
      if (leadsTo !== null) {
        return `It answered with HTTP ${response.status}, a redirect to ${shorten(leadsTo, 200)}`;
      }
      message = `It answered with HTTP ${response.status}: ${shorten(text, 200)}`;
    } catch (error) {
      message = `It did not answer: ${(error as Error).message}`;
    }
  }
  return message;
}

async function askDatabase(
  context: OperationContext,
  sql: string,
  timeoutMs: number,
): Promise<string | null> {
  const database = await context.connect();
  const id = crypto.randomUUID();
  const ended = new AbortController();
  let isLate = false;
  const answer = database.call(STATEMENTS.ask, { id, query: sql.trim().replace(/;+$/, "") });
  const late = database.openWatch === undefined
    ? new Promise<undefined>(() => {})
    : pause(timeoutMs, ended.signal).then(async () => {
      if (ended.signal.aborted) return;
      isLate = true;
      await cancelAsked(database.openWatch!(), id, ended.signal);
    });
  try {
    const told = await Promise.race([answer, late]);
    if (!isLate) return judge(told as Answer);
  } catch (error) {
    // What the query came to is the answer; no database to ask is another thing.
    if (!(error instanceof CallError)) throw error;
    if (!isLate) {
      if (error.isAnswer) return `The query failed: ${error.message}`;
      throw explainCallError(error, database);
    }
  } finally {
    ended.abort();
    answer.catch(() => {}); // it comes too late, or was told already
  }
  return `The query took longer than ${formatDuration(timeoutMs)}, and was cancelled`;
}

/** What a query came to. */
interface Answer {
  readonly found: boolean;
  readonly value: unknown;
}

function judge({ found, value }: Answer): string | null {
  if (!found) return "The query gave no row";
  const isWell = value !== false && value !== null && value !== 0;
  return isWell ? null : `The query gave ${String(value)}`;
}

/** Has a query ended on the server: a few times, as it may be just beginning. */
async function cancelAsked(way: WatchWay, id: string, ended: AbortSignal): Promise<void> {
  try {
    for (let time = 0; time < TIMES && !ended.aborted; time++) {
      await way.call(STATEMENTS.cancelAsked, { id }, ended).catch(() => {});
      await pause(AGAIN_MS, ended);
    }
  } finally {
    await way.close();
  }
}

async function pause(milliseconds: number, ended: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal: ended }).catch(() => {});
}
