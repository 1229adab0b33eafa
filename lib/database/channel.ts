/** What every way to a database has in common, and every statement that is sent over one. @module */

import type { Abilities } from "../planning/session_settings.ts";
import type { TakenMessages } from "./messages.ts";

/** The ways that lead to a project's database. */
export const VIAS = ["api", "direct", "management"] as const;

/** A way: `exec_sql` over the API, a connection with `DATABASE_URL`, or the Management API. */
export type Via = typeof VIAS[number];

/** Every statement that the tool sends. Values go into `$1`. */
export const STATEMENTS = {
  state: "select supamigrate.state($1) as result",
  hasHistory: "select to_regclass('supamigrate.migration_history') is not null as result",
  acquire: "select supamigrate.acquire($1) as result",
  readHistories: "select supamigrate.read_histories(true) as result",
  surveyDrop: "select supamigrate.survey_drop($1) as result",
  surveyCopies: "select supamigrate.survey_copies($1) as result",
  readCopies: "select supamigrate.read_copies() as result",
  ask: "select supamigrate.ask($1) as result",
  cancelAsked: "select supamigrate.cancel_asked($1) as result",
  stage: "select supamigrate.stage($1) as result",
  perform: "select supamigrate.perform($1) as result",
  settle: "select supamigrate.settle($1) as result",
  unlock: "select supamigrate.unlock($1) as result",
  readSeeds: "select supamigrate.read_seeds() as result",
  watch: "select supamigrate.watch() as result",
  cancel: "select supamigrate.cancel() as result",
  cancelBlockers: "select supamigrate.cancel_blockers($1) as result",
  readLog: "select supamigrate.read_log(($1->>'most')::integer) as result",
} as const;

/**
 * What the tool's own SQL finds names on: nothing that somebody may have made to fit better than
 * what is built in.
 */
export const SEARCH_PATH = "pg_catalog, pg_temp";

/**
 * What comes before a statement of the tool's own where `exec_sql` does not see to it: settings of a
 * role or a database have no say in what it finds, how it is read, how names are written and how long
 * it may take.
 */
export const PINS = `set local search_path = ${SEARCH_PATH};
set local standard_conforming_strings = on;
set local quote_all_identifiers = off;
set local statement_timeout = 0;
`;

/** Something that keeps a channel from its database, and what to do about it. */
export interface Trouble {
  readonly message: string;
  readonly hint: string;
}

/** What keeps a channel from its database, in the words of its user, who has made its settings. */
export interface Reach {
  /** There is no answer. */
  readonly silent: Trouble;
  /** What answers is something else. */
  readonly strange: Trouble;
  /** The key is refused. */
  readonly refused: Trouble;
}

/** A row of an answer. */
export type Row = Record<string, unknown>;

/** A way to run SQL in a project's database. */
export interface Channel {
  /** What a person calls it. */
  readonly name: string;
  /** Whether it leads past the API, so that `exec_sql` has no say in the answers. */
  readonly isPastApi: boolean;
  /** What may keep it from there. */
  readonly reach: Reach;
  /**
   * Runs one of {@linkcode STATEMENTS} in a transaction of its own, and leaves the connection as it
   * was found.
   *
   * @param statement The statement.
   * @param params What it reads as `$1`.
   * @returns Its `result` column.
   * @throws {CallError} There is no answer, or not that of the function.
   */
  call(statement: string, params?: Record<string, unknown>): Promise<unknown>;
  /** How much one call carries. */
  readonly room: Room;
  /**
   * Runs a script in one transaction.
   *
   * @param sql The statements.
   * @returns The rows of the last one, where it returns some.
   * @throws {CallError} There is no answer, or an error.
   */
  run(sql: string): Promise<readonly Row[]>;
  /**
   * Opens a session beside the channel, where statements run outside a transaction. Left out where
   * that cannot be.
   *
   * @param label What others are told that it is at.
   * @throws {CallError} There is no connection.
   */
  openSession?(label: string): Promise<OutsideSession>;
  /**
   * Opens a way on which a call that is under way on this one can be watched; left out where the
   * database has one session.
   */
  openWatch?(): WatchWay;
  /**
   * What the server has said beside its answers since this was asked last; left out where the way
   * does not carry it.
   */
  readonly takeMessages?: () => TakenMessages;
  /** Ends the connection. */
  close(): Promise<void>;
}

/** How much one call carries, in bytes of JSON. What is more goes in parts. */
export interface Room {
  /** What goes as a whole. */
  readonly whole: number;
  /** How large a part is, as it is sent. */
  readonly part: number;
}

/** A way beside a channel, for questions about what runs on it. */
export interface WatchWay {
  /** How often it may be used, in milliseconds. */
  readonly everyMs: number;
  /** As {@linkcode Channel.call}, until the signal ends it. */
  call(statement: string, params: Record<string, unknown>, signal: AbortSignal): Promise<unknown>;
  /** Ends the connection, where it is one of its own. */
  close(): Promise<void>;
}

/** A session in which statements run outside a transaction. */
export interface OutsideSession {
  /**
   * Which one the server has for it, as `pg_stat_activity` shows it; null where it ends with this
   * process.
   */
  readonly identity: { readonly pid: number; readonly backend_start: string } | null;
  /**
   * Runs a statement by itself.
   *
   * @param settings What is set before.
   * @param statement The statement.
   * @throws {CallError} It failed, or the connection was lost.
   */
  run(settings: readonly string[], statement: string): Promise<void>;
  /** Ends the connection. */
  close(): Promise<void>;
}

/** A call that brought no answer of the function that was called. */
export class CallError extends Error {
  /**
   * @param message What came instead.
   * @param status The HTTP status, or 0 where there was no response.
   * @param code SQLSTATE or PostgREST's code, or "" where the answer is not the database's.
   * @param detail DETAIL of the error.
   * @param hint HINT of the error.
   */
  constructor(
    message: string,
    readonly status: number,
    readonly code: string = "",
    readonly detail: string = "",
    readonly hint: string = "",
  ) {
    super(message);
    this.name = "CallError";
  }

  /** Whether the server has said it of the statement, and not of the connection. */
  get isAnswer(): boolean {
    return this.code !== "" && !/^(08|28|53300|57P0)/.test(this.code);
  }

  /** Whether the same call would be refused again; what passes may be repeated. */
  get isRefusal(): boolean {
    return this.code === ""
      ? this.status === 401 || this.status === 403 || this.isTooLarge
      : !passes(this.code);
  }

  /** Whether a gateway has not let it through, as there is too much of it. */
  get isTooLarge(): boolean {
    return this.status === 413;
  }
}

/**
 * Whether what an error code stands for may have passed when the same is tried again: connection
 * trouble, resources, shutdown, conflicts, locks. PGRST00x is PostgREST's own connection, and 26000
 * one that has lost PostgREST's prepared statements.
 *
 * @param code SQLSTATE, or PostgREST's code.
 */
export function passes(code: string): boolean {
  return /^(08|25P0[34]|26000|40|53|55P03|57|58|PT409|PGRST00)/.test(code);
}

/**
 * Whether an error code stands for a connection that cannot be had, or was lost.
 *
 * @param code SQLSTATE, or PostgREST's code.
 */
export function isConnectionTrouble(code: string): boolean {
  return /^(08|25P0[34]|26000|53300|57P0|PGRST00)/.test(code);
}

/**
 * Takes the answer to one of {@linkcode STATEMENTS} out of its rows.
 *
 * @param rows What came.
 * @param name Whose answer it should be.
 * @throws {CallError} It is not that of the statement, none of which comes to nothing.
 */
export function toResult(rows: readonly Row[], name: string): unknown {
  const result = rows.length === 1 ? rows[0]!.result ?? null : null;
  if (result === null) throw new CallError(`The answer is not that of ${name}`, 200);
  return result;
}

/** What migrations can do on each way. */
export const ABILITIES: Readonly<Record<Via | "embedded", Abilities>> = {
  embedded: { setRole: false, outside: "connection" },
  api: { setRole: false, outside: null },
  direct: { setRole: true, outside: "connection" },
  management: { setRole: true, outside: null },
};
