/** Reads the audit log. @module */

import { STATEMENTS } from "../database/channel.ts";
import { callReading, readState } from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import type { OperationContext } from "./context.ts";

/** An entry of the audit log. */
export interface LogEntry {
  /** Its number. */
  readonly id: number;
  /** When, as an ISO 8601 time of the server. */
  readonly loggedAt: string;
  /** What was done. */
  readonly action: string;
  /** To which migration, where it was one. */
  readonly migration: string | null;
  /** In which batch. */
  readonly batch: number | null;
  /** With which result. */
  readonly result: "ok" | "failed";
  /** How long it ran, in milliseconds. */
  readonly executionTimeMs: number | null;
  /** By whom. */
  readonly actor: string | null;
  /** With which version of this tool. */
  readonly toolVersion: string | null;
  /** Further facts, such as the error. */
  readonly details: Record<string, unknown> | null;
  /** SHA-256 of the rollback SQL that was stored with it. */
  readonly rollbackChecksum: string | null;
  /** SHA-256 of this entry and of the hash of the one before. */
  readonly hash: string;
}

/** Options of `history`. */
export interface HistoryOptions {
  /** How many entries, the newest first. 50 by default. */
  readonly limit?: number;
}

/**
 * Reads the audit log.
 *
 * @param context What the operation works with.
 * @param options How much of it.
 * @returns The entries, newest first.
 */
export async function readHistory(
  context: OperationContext,
  options: HistoryOptions = {},
): Promise<LogEntry[]> {
  const limit = options.limit ?? 50;
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new ConfigurationError(`The limit has to be a whole number from 1 on, not ${limit}`);
  }
  const database = await context.connect();
  await readState(database, context.target);
  const rows = await callReading(database, STATEMENTS.readLog, {
    most: limit,
  });
  // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.migration_log
  return (rows as any[]).map((row) => ({
    id: row.id,
    loggedAt: row.logged_at,
    action: row.action,
    migration: row.migration_name,
    batch: row.batch_number,
    result: row.result,
    executionTimeMs: row.execution_time_ms,
    actor: row.actor,
    toolVersion: row.tool_version,
    details: row.details,
    rollbackChecksum: row.rollback_checksum,
    hash: row.hash,
  }));
}
