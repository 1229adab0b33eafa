/** Reads a project's state, and refuses what nothing may be written through. @module */

import { ConfigurationError, LockHeldError, UnreachableError } from "../errors.ts";
import { formatDuration } from "../duration.ts";
import type {
  Blocker,
  HistoryEntry,
  MigrationFailure,
  MigrationStatus,
  StepProgress,
} from "../planning/plan.ts";
export type { Blocker } from "../planning/plan.ts";
import { CallError, type Channel, STATEMENTS } from "./channel.ts";
import { explainCallError } from "./explain.ts";
import type { Target } from "./target.ts";

/** The version of the tracking schema that this tool works with; `sql/schema.sql` says it too. */
export const SCHEMA_VERSION = 6;

/** The lock as the server described it. Ages are measured on the server's clock. */
export interface LockState {
  /** Whether a run holds it. */
  readonly isLocked: boolean;
  /** Who holds it. */
  readonly holder: string | null;
  /** Which process of the holder. */
  readonly processId: string | null;
  /** Since when, in milliseconds. */
  readonly ageMs: number | null;
  /** How long until another run may take over, in milliseconds; negative where it already may. */
  readonly expiresInMs: number | null;
  /** Raised by each acquisition and each release. */
  readonly generation: number;
  /** Raised by each step of a run. */
  readonly sequence: number;
}

/** What is running in the database at this moment. */
export interface Activity {
  /** The migration and the line of its file. */
  readonly running: string;
  /** For how long, in milliseconds. */
  readonly runningMs: number | null;
  /** The server's process, where it is one. */
  readonly pid?: number;
  /** Which statement of what is sent together, and how many these are. */
  readonly statement?: { readonly number: number; readonly total: number };
  /** The sessions it waits for. */
  readonly blockedBy: readonly Blocker[];
  /** How many sessions wait for it, and how long the one that waits longest, in milliseconds. */
  readonly blocking?: { readonly sessions: number; readonly longestMs: number | null };
  /** How far the statement has come, where the server says so. */
  readonly progress?: ActivityProgress;
  /** The tables of which it changes rows, where they had some before. */
  readonly writes?: readonly WrittenTable[];
}

/** A table of which rows are being changed. */
export interface WrittenTable {
  /** Its name, with the schema. */
  readonly relation: string;
  /** Its size now. */
  readonly bytes: number;
  /** How many rows it had when the server looked last, and how many pages. */
  readonly rows: number;
  readonly pages: number;
}

/** How far a statement has come. */
export interface ActivityProgress {
  /** What it is at, in PostgreSQL's words. */
  readonly phase: string;
  /** The table. */
  readonly relation: string | null;
  /** How much of that is done. */
  readonly done: number;
  /** How much there is; null where that is not known. */
  readonly total: number | null;
  /** Of what. */
  readonly unit: "blocks" | "rows" | "bytes";
}

/** The Supabase CLI's ledger, `supabase_migrations.schema_migrations`. */
export interface LedgerState {
  /** Whether there is one. */
  readonly exists: boolean;
  /** What keeps it from being read and written, or made; null where nothing does. */
  readonly problem: string | null;
  /** The names of its migrations by version; empty where it cannot be read. */
  readonly versions: Readonly<Record<string, string>>;
}

/** A table that may be the history of another tool. */
export interface ForeignTable {
  /** Its schema. */
  readonly schema: string;
  /** Its name. */
  readonly table: string;
  /** The names of its columns. */
  readonly columns: readonly string[];
  /** What stands beside it that tells two tools apart. */
  readonly neighbours: readonly string[];
  /** How many rows it has; null where it cannot be read. */
  readonly rows: number | null;
}

/** What the application's schema is like, and what has become of it since the last run. */
export interface SchemaAtRest {
  /** A digest of all of it. */
  readonly fingerprint: string;
  /**
   * The objects that are not what they were when the last run ended; null where nobody can say, as there
   * was none, or it did not come to its end.
   */
  readonly changed: readonly string[] | null;
}

/** What a state may bring along. */
export interface StateOptions {
  /** Stored rollback SQL: of all applied migrations but those that are named here. */
  readonly undoneByFile?: UndoneByFile | undefined;
  /** What was changed beside the tool. */
  readonly schema?: boolean | undefined;
}

/** Everything that a plan is made of. */
export interface DatabaseState {
  /** The server's version, such as `17.10`. */
  readonly serverVersion: string;
  /** The lock. */
  readonly lock: LockState;
  /** What a run is doing at this moment, or null. */
  readonly activity: Activity | null;
  /** The history, in no order. */
  readonly history: readonly HistoryEntry[];
  /** What is applied by the audit log, and of which the history has no row. */
  readonly unrecorded: readonly string[];
  /** Stored rollback SQL by name: of the migrations that the files do not undo. */
  readonly storedRollbacks: Readonly<Record<string, string>>;
  /** Whether the audit log is as it was written; null where no stored rollback SQL was asked for. */
  readonly logIsIntact: boolean | null;
  /** Whether pg_cron is there, through which statements can run outside a transaction. */
  readonly hasPgCron: boolean;
  /** Whether the application has tables, which others may be reading. */
  readonly hasTables: boolean;
  /** The Supabase CLI's ledger. */
  readonly ledger: LedgerState;
  /** What the application's schema is like; null where that was not asked for. */
  readonly schema: SchemaAtRest | null;
  /** Tables of other tools, where nothing is applied that this one knows of. */
  readonly otherHistories: readonly ForeignTable[];
  /** What is wrong with the installation so that nothing may be written, a sentence each. */
  readonly breaches: readonly string[];
}

/** Checksums of migrations by name: of those whose file says how they are undone. */
export type UndoneByFile = Readonly<Record<string, string>>;

// deno-lint-ignore no-explicit-any -- the shape is that of sql/state.sql
type Json = any;

/**
 * Reads the state in one call. A tracking schema that is older than this tool is upgraded.
 *
 * @param database The way to the project's database.
 * @param target The project, for messages.
 * @param wanted What to bring along.
 * @returns The state.
 * @throws {ConfigurationError} `exec_sql` is missing, not ours, or open to others, or the
 * project is newer than this tool or a read replica.
 * @throws {UnreachableError} There is no answer.
 */
export async function readState(
  database: Channel,
  target: Target,
  { undoneByFile, schema = false }: StateOptions = {},
): Promise<DatabaseState> {
  const call = { ...(undoneByFile === undefined ? {} : { files: undoneByFile }), schema };
  let state = await callState(database, target, call);
  for (let attempt = 1; state.schema_version < SCHEMA_VERSION; attempt++) {
    if (attempt > MOST_ATTEMPTS) {
      throw new UnreachableError(`${target.url} answers, and does not do what it is asked`);
    }
    await upgrade(database);
    state = await callState(database, target, call);
  }
  refuseOpenDoors(state.open_doors);
  if (state.lock === null) throw unsafe(state.breaches);
  return {
    serverVersion: state.server_version,
    lock: toLockState(state.lock),
    activity: toActivity(state.activity),
    history: state.history.map(toHistoryEntry),
    unrecorded: state.missing_history,
    storedRollbacks: state.rollbacks,
    logIsIntact: state.log && state.log.broken_entry === null && state.log.complete,
    hasPgCron: state.has_pg_cron,
    hasTables: state.has_tables,
    ledger: state.ledger,
    schema: state.schema,
    otherHistories: state.other_histories,
    breaches: state.breaches,
  };
}

/** How often what may be repeated is tried. */
const MOST_ATTEMPTS = 3;

async function callState(
  database: Channel,
  target: Target,
  call: Record<string, unknown>,
): Promise<Json> {
  const state: Json = await callReading(database, STATEMENTS.state, call)
    .catch((error) => repairFunctions(error, database, call));
  if (state.in_recovery) {
    throw new ConfigurationError(`${target.url} leads to a read replica`, {
      hint: "Use the URL of the primary database.",
    });
  }
  if (state.schema_version > SCHEMA_VERSION) {
    throw new ConfigurationError(
      `The project's tracking schema has version ${state.schema_version}, and this tool knows ` +
        `${SCHEMA_VERSION}`,
      { hint: "A newer supamigrate has been used on this project: use that one." },
    );
  }
  return state;
}

/**
 * Refuses to change anything through an installation that is not as it has to be.
 *
 * @param state The state.
 * @throws {ConfigurationError} Something is wrong with the installation.
 */
export function refuseBreaches({ breaches }: Pick<DatabaseState, "breaches">): void {
  if (breaches.length > 0) throw unsafe(breaches);
}

function unsafe(breaches: readonly string[]): ConfigurationError {
  return new ConfigurationError(`supamigrate is not safe to use: ${breaches.join("; ")}`, {
    hint: "supamigrate doctor says how to mend it.",
  });
}

/** Where the tables are there and a function is not, the functions are installed again. */
async function repairFunctions(
  error: unknown,
  database: Channel,
  call: Record<string, unknown>,
): Promise<unknown> {
  const cause = error instanceof ConfigurationError ? error.cause : undefined;
  const missing = cause instanceof CallError && cause.code === "42883" &&
    /\bsupamigrate\./.test(cause.message);
  if (!missing || !await callReading(database, STATEMENTS.hasHistory)) throw error;
  await upgrade(database);
  return await callReading(database, STATEMENTS.state, call);
}

/** The bootstrap SQL may be run any number of times. */
async function upgrade(database: Channel): Promise<void> {
  const { INSTALL_SQL } = await import("./bootstrap.ts");
  await repeat(database, () => database.run(INSTALL_SQL));
}

function refuseOpenDoors(doors: readonly { function: string; role: string }[]): void {
  if (doors.length === 0) return;
  const names = [...new Set(doors.map((door) => door.function))];
  const roles = [...new Set(["public", "anon", "authenticated", ...doors.map(({ role }) => role)])];
  throw new ConfigurationError(
    `Others than the service role can run any SQL: ${
      doors.map((door) => `${door.function} is executable by ${door.role}`).join(", ")
    }`,
    {
      hint: "Close it in the SQL editor, then run this again:\n" +
        names.map((name) => `  revoke execute on function ${name} from ${roles.join(", ")};`).join(
          "\n",
        ),
    },
  );
}

/**
 * Calls a statement that may be repeated: one that changes nothing, or nothing but once.
 *
 * @param database The way to the project's database.
 * @param statement One of {@linkcode STATEMENTS}.
 * @param params What it reads as `$1`.
 * @returns Its result.
 * @throws {SupamigrateError} There is no answer after three attempts, or an error.
 */
export function callReading(
  database: Channel,
  statement: string,
  params: Record<string, unknown> = {},
): Promise<unknown> {
  return repeat(database, () => database.call(statement, params));
}

async function repeat<Result>(database: Channel, call: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1;; attempt++) {
    try {
      return await call();
    } catch (error) {
      const final = !(error instanceof CallError) || error.isRefusal || attempt === MOST_ATTEMPTS;
      if (final) throw explainCallError(error, database);
      await new Promise((resolve) => setTimeout(resolve, 250 * attempt));
    }
  }
}

/**
 * The error for a lock that another run holds.
 *
 * @param lock The lock.
 * @param activity What that run is at.
 * @returns The error, naming holder and age.
 */
export function lockHeld(lock: LockState, activity: Activity | null): LockHeldError {
  const holder = lock.holder ?? "another run";
  return new LockHeldError(
    "Failed to acquire migration lock - another migration is in progress",
    {
      hint: `${holder} has held it for ${formatDuration(lock.ageMs ?? 0)}` +
        (activity === null ? ". " : `, and ${activity.running} is running. `) +
        "Wait for it with --wait SECONDS. If that run is dead, supamigrate unlock releases it; it also " +
        (lock.expiresInMs !== null && lock.expiresInMs > 0
          ? `expires in ${formatDuration(lock.expiresInMs)}.`
          : "is free as soon as the migration in flight has ended."),
      holder,
      ageMs: lock.ageMs ?? 0,
    },
  );
}

/**
 * @param lock The lock in the form of `supamigrate.describe_lock`.
 * @returns The lock.
 */
export function toLockState(lock: Json): LockState {
  return {
    isLocked: lock.is_locked,
    holder: lock.locked_by,
    processId: lock.process_id,
    ageMs: lock.age_ms,
    expiresInMs: lock.expires_in_ms,
    generation: lock.generation,
    sequence: lock.sequence,
  };
}

/**
 * @param activity What is running, in the form of `supamigrate.describe_activity`, or null.
 * @returns The activity, or null.
 */
export function toActivity(activity: Json): Activity | null {
  if (activity === null || activity === undefined) return null;
  return {
    running: activity.running,
    runningMs: activity.running_ms,
    ...(activity.pid ? { pid: activity.pid } : {}),
    ...(activity.statement
      ? { statement: { number: activity.statement, total: activity.statements } }
      : {}),
    blockedBy: toBlockers(activity.blocked_by),
    ...(activity.blocking
      ? {
        blocking: {
          sessions: activity.blocking.sessions,
          longestMs: activity.blocking.longest_ms,
        },
      }
      : {}),
    ...(activity.progress ? { progress: activity.progress } : {}),
    ...(activity.writes ? { writes: activity.writes } : {}),
  };
}

/**
 * @param sessions In the form of `supamigrate.describe_sessions`.
 * @returns The sessions.
 */
export function toBlockers(sessions: Json): Blocker[] {
  return (sessions ?? []).map((session: Json): Blocker => ({
    pid: session.pid,
    user: session.user ?? null,
    application: session.application ?? null,
    state: session.state ?? null,
    ageMs: session.age_ms ?? null,
    query: session.query ?? null,
  }));
}

/**
 * @param error What a migration failed with, in the form of `supamigrate.run_migration`, or null.
 * @param seen Who was seen to be in its way, where the server could not say it afterwards.
 * @returns The failure, or null.
 */
export function toFailure(error: Json, seen: readonly Blocker[] = []): MigrationFailure | null {
  if (error === null || error === undefined) return null;
  const { blocked_by: sessions, ...failure } = error;
  if (failure.code !== "55P03") return failure;
  const named = toBlockers(sessions);
  const blockedBy = named.length > 0 ? named : seen;
  return blockedBy.length === 0 ? failure : { ...failure, blockedBy };
}

function toHistoryEntry(row: Json): HistoryEntry {
  return {
    name: row.name,
    batch: row.batch,
    executedAt: row.executed_at,
    executionTimeMs: row.execution_time_ms,
    checksum: row.checksum,
    appliedChecksum: row.applied_checksum,
    statementsChecksum: row.statements_checksum,
    position: row.first_applied,
    status: row.status as MigrationStatus,
    rollbackChecksum: row.rollback_checksum,
    vouched: row.vouched,
    error: toFailure(row.error),
    progress: row.progress as StepProgress | null,
  };
}
