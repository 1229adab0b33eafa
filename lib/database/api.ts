/**
 * The API of a project: the only file that talks to `exec_sql`. Everything that is sent goes
 * through {@linkcode ApiChannel.run}.
 *
 * @module
 */

import { createRedactor } from "../redact.ts";
import { shorten } from "../shorten.ts";
import {
  CallError,
  type Channel,
  type OutsideSession,
  type Row,
  SEARCH_PATH,
  toResult,
} from "./channel.ts";
import type { Target } from "./target.ts";

/** The part of a Supabase client that is used, whichever version of supabase-js made it. */
export interface RpcClient {
  /** Calls a function. */
  rpc(name: string, parameters: Record<string, unknown>): RpcCall;
  /** The same in another schema. */
  schema?(name: string): Pick<RpcClient, "rpc" | "from">;
  /** A table, of which its schema cache alone is asked. */
  from?(name: string): { insert(rows: readonly Record<string, unknown>[]): RpcCall };
}

/** A call on its way. */
export interface RpcCall {
  /** The same, that can be given up. */
  abortSignal(signal: AbortSignal): PromiseLike<{
    readonly data: unknown;
    readonly error:
      | {
        readonly message: string;
        readonly code: string;
        readonly details: string;
        readonly hint: string;
      }
      | null;
    readonly status: number;
  }>;
}

/** `exec_sql` of one project. */
export interface ApiChannel extends Channel {
  /** Whether the API shows a schema; null where it cannot be told. */
  showsSchema(schema: string): Promise<boolean | null>;
  /** The schema that it was found to have `exec_sql` in. */
  readonly schema: string;
  /**
   * Whether the API knows a table or view in that schema from when it read the schema last; null where
   * it cannot be told. Left out where the API reads the schema at each request.
   */
  knowsTable?(name: string, timeoutMs: number): Promise<boolean | null>;
}

/** What {@linkcode openApiChannel} needs. */
export interface ApiOptions {
  /** A Supabase client with the service role's key. */
  readonly client: RpcClient;
  /** The project, for messages. */
  readonly target: Target;
  /** How long to wait for an answer, in milliseconds. */
  readonly timeoutMs: number;
  /** What must not appear in an error. */
  readonly secrets?: readonly string[];
  /** Takes what the server says beside its answers, which HTTP does not carry. */
  readonly takeMessages?: Channel["takeMessages"];
  /** What there is to close. */
  readonly close?: () => Promise<void>;
  /** Opens a session past the API, where there is such a way. */
  readonly openSession?: () => Promise<OutsideSession>;
}

/**
 * `exec_sql` of a project.
 *
 * @param options How to reach it.
 * @returns The channel.
 */
export function openApiChannel(options: ApiOptions): ApiChannel {
  const { client, target, timeoutMs } = options;
  const redact = createRedactor(options.secrets ?? []);

  // Where it is not public, which the API may not show.
  let schema: string | undefined;
  const request = (
    schema: string | undefined,
    sql: string,
    params: Record<string, unknown>,
    signal = AbortSignal.timeout(timeoutMs),
  ) =>
    (schema === undefined ? client : client.schema!(schema))
      .rpc("exec_sql", { sql_query: sql, params: { ...params, search_path: SEARCH_PATH } })
      .abortSignal(signal);

  const send = async (
    sql: string,
    params: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<Row[]> => {
    let response = await request(schema, sql, params, signal);
    if (response.error?.code === "PGRST106" && client.schema !== undefined) {
      for (const shown of readShownSchemas(response.error)) {
        const other = await request(shown, sql, params);
        if (other.error?.code === "PGRST202") continue; // nothing was called
        [response, schema] = [other, shown];
        break;
      }
    }
    const { data, error, status } = response;
    if (error === null) {
      // supabase-js takes an empty 404 for success: only the expected shape is an answer.
      if (!Array.isArray(data) || !data.every(isRow)) {
        throw new CallError(`The answer is not that of ${OURS}`, status);
      }
      return data;
    }
    // Before anything is cut; and a gateway may answer anything.
    const clean = (text: unknown) => redact(String(text ?? ""));
    const [code, message, details] = [error.code, error.message, error.details].map(clean);
    // What is no error of PostgREST's (a gateway's page, a network failure) has no code.
    const known = /^([0-9A-Z]{5}|PGRST\w{3})$/.test(code!) && status > 0;
    throw known
      ? new CallError(message!, status, code, details, clean(error.hint))
      : new CallError(describeNoAnswer(message!, details!, status), status);
  };

  return {
    name: "exec_sql",
    isPastApi: false,
    // Supabase names no limit. Many a gateway before a project of one's own has one of 1 MB; and the
    // embedded database would have what is sent at once in its memory many times.
    room: { whole: 900_000, part: 400_000 },
    reach: {
      silent: {
        message: `Cannot reach ${target.url}`,
        hint: "Check SUPABASE_URL and the network. A paused project has to be restored first.",
      },
      strange: {
        message: `${target.url} does not answer as a Supabase project does`,
        hint: "Check SUPABASE_URL.",
      },
      refused: {
        message: "The project refuses the key",
        hint: "Check that SUPABASE_SERVICE_KEY belongs to SUPABASE_URL and has not been revoked.",
      },
    },
    call: async (statement, params = {}) => toResult(await send(statement, params), OURS),
    run: (sql) => send(sql, {}),
    ...(options.openSession === undefined
      ? {
        openWatch: () => ({
          everyMs: 1000,
          call: async (statement, params, signal) =>
            toResult(await send(statement, params, signal), OURS),
          close: () => Promise.resolve(),
        }),
      }
      : {}),
    showsSchema: (schema) => showsSchema(client, schema, timeoutMs),
    get schema() {
      return schema ?? "public";
    },
    ...(options.openSession === undefined && client.from !== undefined
      ? {
        knowsTable: (name, ms) =>
          knowsTable(schema === undefined ? client : client.schema!(schema), name, ms),
      }
      : {}),
    ...(options.openSession === undefined ? {} : { openSession: options.openSession }),
    ...(options.takeMessages === undefined ? {} : { takeMessages: options.takeMessages }),
    close: options.close ?? (() => Promise.resolve()),
  };
}

const OURS = "supamigrate's exec_sql";

/**
 * The schemas that an API shows, as it says itself where it is asked for another one.
 *
 * @param error PostgREST's error PGRST106.
 * @returns Their names; none where it does not say them.
 */
export function readShownSchemas({ message, hint }: { message: string; hint: string }): string[] {
  const [, list = ""] = /\bfollowing(?: schemas are exposed)?: (.+)/.exec(`${message}\n${hint}`) ??
    [];
  return list.split(",").map((name) => name.trim()).filter((name) => name !== "");
}

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

/** A column that no table has, so that nothing can ever be written. */
const NO_COLUMN = "supamigrate_is_this_table_known";

/**
 * Asks the API to write into a column that is not there. PostgREST answers by what it has read of the
 * schema, and asks the database nothing: before 13, 404 for a table that it does not know.
 */
async function knowsTable(
  client: Pick<RpcClient, "from">,
  name: string,
  timeoutMs: number,
): Promise<boolean | null> {
  const { error, status } = await client.from!(name).insert([{ [NO_COLUMN]: null }])
    .abortSignal(AbortSignal.timeout(timeoutMs));
  const code = error?.code ?? "";
  if (code === "PGRST204") return true;
  // Another answer of the API may be one that is not ready, or says nothing of tables.
  const isMissing = code === "PGRST205" || (status === 404 && code === "");
  const passes = status === 0 || status === 429 || status >= 500;
  return isMissing || passes ? false : null;
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
export async function createRpcClient(
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
