/** Changes of the history that run no migration: `baseline`, `repair`, `unlock`, `history`. @module */

import { STATEMENTS } from "../database/client.ts";
import {
  callReading,
  type LockState,
  readState,
  refuseBreaches,
  toActivity,
  toLockState,
} from "../database/state.ts";
import { ConfigurationError, LockHeldError } from "../errors.ts";
import { compareMigrations, findMigration } from "../planning/order.ts";
import {
  findLastBatch,
  type HistoryEntry,
  isApplied,
  type Migration,
  type MigrationStatus,
} from "../planning/plan.ts";
import { type OperationContext, withLock } from "./context.ts";

/** What `baseline` came to. */
export interface BaselineResult {
  /** The last migration that is recorded. */
  readonly upTo: string;
  /** What was recorded as applied, in order. */
  readonly recorded: readonly string[];
  /** The batch they were recorded in, or null where there was nothing to record. */
  readonly batchNumber: number | null;
}

/**
 * Records everything up to a migration as applied, without running it: for a database that has
 * it already. What is applied stays as it is.
 *
 * @param context What the operation works with.
 * @param name The last migration: its name, or a unique beginning of it.
 * @returns What was recorded.
 * @throws {ConfigurationError} There is no such migration.
 */
export async function baseline(context: OperationContext, name: string): Promise<BaselineResult> {
  const { migrations } = await context.load();
  const upTo = findMigration(name, migrations.map((migration) => migration.name));
  return await withLock<{ batch: number; missing: readonly Migration[] }, BaselineResult>(context, {
    plan: ({ history }) => {
      const applied = new Set(history.filter(isApplied).map((entry) => entry.name));
      return {
        batch: findLastBatch(history) + 1,
        missing: migrations.filter((migration) =>
          compareMigrations(migration.name, upTo) <= 0 && !applied.has(migration.name)
        ),
      };
    },
    unlessNeeded: ({ missing }) =>
      missing.length === 0 ? { upTo, recorded: [], batchNumber: null } : undefined,
    run: async (session, { batch, missing }) => {
      await session.perform("baseline", {
        migrations: missing.map((migration) => toRecord(migration, batch)),
      });
      return { upTo, recorded: missing.map((migration) => migration.name), batchNumber: batch };
    },
  });
}

function toRecord(migration: Migration, batch: number): Record<string, unknown> {
  return {
    name: migration.name,
    checksum: migration.checksum,
    batch,
    rollback_sql: migration.rollback?.sql ?? null,
  };
}

/** What a migration is on record as: how its last attempt ended, or nothing at all. */
export type RecordedAs = MigrationStatus | "completed with other content" | "not recorded";

/** Options of `repair`. */
export interface RepairOptions {
  /** What to record the migration as. */
  readonly mark: "applied" | "pending";
  /** Told what the row is and what it will be, before it is changed; false leaves it. */
  readonly confirm?: (change: RepairChange) => Promise<boolean>;
}

/** What `repair` changes. */
export interface RepairChange {
  /** The migration's name. */
  readonly name: string;
  /** What the history says. */
  readonly before: RecordedAs;
  /** What it will say. */
  readonly after: RecordedAs;
}

/**
 * Mends one row of the history, and runs nothing.
 *
 * @param context What the operation works with.
 * @param query The migration: its name, or a unique beginning of it.
 * @param options What to record it as.
 * @returns What was changed.
 * @throws {ConfigurationError} There is no such migration, or no file to take its content from.
 */
export async function repair(
  context: OperationContext,
  query: string,
  options: RepairOptions,
): Promise<RepairChange> {
  const { migrations } = await context.load();
  const { confirm, mark } = options;
  return await withLock<
    RepairChange & { migration: Record<string, unknown>; needed: boolean },
    RepairChange
  >(context, {
    plan: ({ history }) => {
      const names = [...new Set([...migrations, ...history].map(({ name }) => name))];
      const name = findMigration(query, names.sort(compareMigrations));
      const file = migrations.find((migration) => migration.name === name);
      const entry: HistoryEntry | undefined = history.find((row) => row.name === name);
      if (mark === "applied" && file === undefined) {
        throw new ConfigurationError(`Cannot record ${name} as applied: its file is gone`, {
          hint: "Put the file back, or record it as pending.",
        });
      }
      const batch = isApplied(entry) ? entry.batch : findLastBatch(history) + 1;
      return {
        name,
        before: describeRow(entry, file),
        after: mark === "applied" ? "completed" : "not recorded",
        migration: mark === "applied" ? toRecord(file!, batch) : { name },
        needed: mark === "applied"
          ? entry?.appliedChecksum !== file!.checksum || entry.status !== "completed" ||
            !entry.vouched
          : entry !== undefined,
      };
    },
    unlessNeeded: ({ name, before, after, needed }) => needed ? undefined : { name, before, after },
    confirm: confirm && (({ name, before, after }) => confirm({ name, before, after })),
    run: async (session, { name, before, after, migration }) => {
      await session.perform("repair", { mark, migration });
      return { name, before, after };
    },
  });
}

function describeRow(entry: HistoryEntry | undefined, file: Migration | undefined): RecordedAs {
  if (entry === undefined) return "not recorded";
  const changed = entry.status === "completed" && file !== undefined &&
    entry.appliedChecksum !== file.checksum;
  return changed ? "completed with other content" : entry.status;
}

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
  const reply: any = await callReading(database, target, STATEMENTS.unlock, {
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
  const rows = await callReading(database, context.target, STATEMENTS.readLog, {
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
