/** Looks whether the application is well after a run. @module */

import { CallError, STATEMENTS } from "../database/channel.ts";
import { explainCallError } from "../database/explain.ts";
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

/** How often a URL is asked: what has just been deployed may need a moment. */
const ATTEMPTS = 3;

/**
 * Asks a URL, or the database.
 *
 * @param context What the operation works with.
 * @param check A URL, which has to answer with 2xx; or a query, of which the first column of the first
 * row has to be neither false nor null nor 0.
 */
export async function checkHealth(context: OperationContext, check: string): Promise<HealthResult> {
  const message = /^https?:\/\//i.test(check)
    ? await askUrl(check)
    : await askDatabase(context, check);
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

async function askDatabase(context: OperationContext, sql: string): Promise<string | null> {
  const database = await context.connect();
  try {
    const { found, value } = await database.call(STATEMENTS.ask, {
      query: sql.trim().replace(/;+$/, ""),
    }) as { readonly found: boolean; readonly value: unknown };
    if (!found) return "The query gave no row";
    const isWell = value !== false && value !== null && value !== 0;
    return isWell ? null : `The query gave ${String(value)}`;
  } catch (error) {
    // What the query came to is the answer; no database to ask is another thing.
    if (!(error instanceof CallError)) throw error;
    if (error.isAnswer) return `The query failed: ${error.message}`;
    throw explainCallError(error, database);
  }
}
