/**
 * The only file that talks to Supabase. Everything that is sent goes through
 * {@linkcode ExecSql.call}.
 *
 * @module
 */

import type { SupabaseClient } from "@supabase/supabase-js";
import { createRedactor } from "../redact.ts";
import { shorten } from "../shorten.ts";

/** The part of a Supabase client that is used. */
export type RpcClient = Pick<SupabaseClient, "rpc"> & Partial<Pick<SupabaseClient, "schema">>;

/** Every statement that the tool sends. Values go into `$1`. */
export const STATEMENTS = {
  state: "select supamigrate.state($1) as result",
  hasHistory: "select to_regclass('supamigrate.migration_history') is not null as result",
  acquire: "select supamigrate.acquire($1) as result",
  surveyDrop: "select supamigrate.survey_drop($1) as result",
  perform: "select supamigrate.perform($1) as result",
  settle: "select supamigrate.settle($1) as result",
  unlock: "select supamigrate.unlock($1) as result",
  readLog: "select supamigrate.read_log(($1->>'most')::integer) as result",
} as const;

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

  /** Whether the same call would be refused again; what passes may be repeated. */
  get isRefusal(): boolean {
    return this.code === "" ? this.status === 401 || this.status === 403 : !passes(this.code);
  }
}

/**
 * Whether what an error code stands for may have passed when the same is tried again: connection
 * trouble, resources, shutdown, conflicts, locks. PGRST00x is PostgREST's own connection.
 *
 * @param code SQLSTATE, or PostgREST's code.
 */
export function passes(code: string): boolean {
  return /^(08|40|53|55P03|57|58|PT409|PGRST00)/.test(code);
}

/**
 * Whether an error code stands for a connection that cannot be had, or was lost.
 *
 * @param code SQLSTATE, or PostgREST's code.
 */
export function isConnectionTrouble(code: string): boolean {
  return /^(08|53300|57P0|PGRST00)/.test(code);
}

/** `exec_sql` of one project. */
export class ExecSql {
  readonly #client: RpcClient;
  readonly #timeoutMs: number;
  readonly #redact: (text: string) => string;

  /**
   * @param client A Supabase client with the service role's key.
   * @param timeoutMs How long to wait for an answer, in milliseconds.
   * @param secrets What must not appear in an error.
   */
  constructor(client: RpcClient, timeoutMs: number, secrets: readonly string[] = []) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#redact = createRedactor(secrets);
  }

  /**
   * Runs one of {@linkcode STATEMENTS}.
   *
   * @param sql The statement.
   * @param params What it reads as `$1`.
   * @returns Its `result` column.
   * @throws {CallError} There is no answer, or not the function's.
   */
  async call(sql: string, params: Record<string, unknown> = {}): Promise<unknown> {
    const rows = await this.run(sql, params);
    // No statement of ours comes to nothing.
    const result = rows.length === 1 ? rows[0]!.result ?? null : null;
    if (result === null) throw new CallError(NOT_OURS, 200);
    return result;
  }

  /** Whether the API shows a schema; null where it cannot be told. */
  showsSchema(schema: string): Promise<boolean | null> {
    return showsSchema(this.#client, schema, this.#timeoutMs);
  }

  /**
   * Runs any SQL.
   *
   * @param sql One statement, or several.
   * @param params What it reads as `$1`.
   * @returns The rows, where it is one statement that returns some.
   * @throws {CallError} There is no answer, or an error.
   */
  async run(sql: string, params: Record<string, unknown> = {}): Promise<Row[]> {
    const { data, error, status } = await this.#client
      .rpc("exec_sql", { sql_query: sql, params })
      .abortSignal(AbortSignal.timeout(this.#timeoutMs));
    if (error === null) {
      // supabase-js takes an empty 404 for success: only the expected shape is an answer.
      if (!Array.isArray(data) || !data.every(isRow)) throw new CallError(NOT_OURS, status);
      return data;
    }
    // Before anything is cut; and a gateway may answer anything.
    const clean = (text: unknown) => this.#redact(String(text ?? ""));
    const [code, message, details] = [error.code, error.message, error.details].map(clean);
    // What is no error of PostgREST's (a gateway's page, a network failure) has no code.
    const known = /^([0-9A-Z]{5}|PGRST\w{3})$/.test(code!) && status > 0;
    throw known
      ? new CallError(message!, status, code, details, clean(error.hint))
      : new CallError(describeNoAnswer(message!, details!, status), status);
  }
}

const NOT_OURS = "The answer is not that of supamigrate's exec_sql";

/** A row of an answer. */
type Row = Record<string, unknown>;

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null;
}

/**
 * Asks the API whether it shows a schema, by calling a function there that nobody has.
 *
 * @param client The client.
 * @param schema The schema.
 * @param timeoutMs How long to wait for an answer, in milliseconds.
 * @returns Whether it does; null where it cannot be told.
 */
async function showsSchema(
  client: RpcClient,
  schema: string,
  timeoutMs: number,
): Promise<boolean | null> {
  if (client.schema === undefined) return null;
  const { error } = await client.schema(schema).rpc("supamigrate_is_this_schema_shown", {})
    .abortSignal(AbortSignal.timeout(timeoutMs));
  if (error?.code === "PGRST106") return false;
  return error?.code === "PGRST202" ? true : null;
}

function describeNoAnswer(message: string, details: string, status: number): string {
  if (status === 0) {
    const cause = /^Caused by: (?:\w*Error: )?(?:error sending request.*?\): )?(.+)$/m.exec(details)
      ?.[1];
    return cause ?? message.replace(/^\w*Error: /, "");
  }
  if (status >= 300 && status < 400) return `HTTP ${status}, a redirect, which is not followed`;
  const text = message.replace(/<[^<>]*>/g, " ").replace(/\s+/g, " ").trim();
  return `HTTP ${status}${text === "" ? "" : `: ${shorten(text, 200)}`}`;
}

/**
 * Makes the Supabase client for a project.
 *
 * @param url The project's URL.
 * @param serviceKey The service role's key.
 * @param fetch What to send requests with; the global `fetch` where it is left out.
 * @returns The client.
 */
export async function connect(
  url: string,
  serviceKey: string,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<RpcClient> {
  const { createClient } = await import("@supabase/supabase-js");
  return createClient(url, serviceKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: {
      // A redirect would carry the key to another host.
      fetch: (input, init) => fetch(input, { ...init, redirect: "manual" }),
      headers: { "X-Client-Info": "supamigrate" },
    },
  });
}
