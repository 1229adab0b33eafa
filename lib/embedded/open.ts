/**
 * The embedded database: PostgreSQL inside this process, behind the door that a
 * Supabase project has.
 *
 * @module
 */

import type { TakenMessages } from "../database/messages.ts";
import type { Piece } from "./platform/pieces.ts";
import { createRestFetch } from "./rest.ts";
import { createTokenAuthority } from "./tokens.ts";

/** Where the embedded database keeps its data. */
export interface OpenEmbeddedOptions {
  /**
   * The folder of the database. It is made where it does not exist. Without it the
   * database lives in memory and ends with {@linkcode EmbeddedDatabase.close}.
   */
  readonly path?: string;
  /** Told of each stand-in for a piece of the platform when it is first used. */
  readonly onStandIn?: (piece: Piece) => void;
  /**
   * Told when a new database is begun. That takes seconds the first time; from then on a copy is
   * kept, and it takes a fraction of one.
   */
  readonly onCreate?: () => void;
  /** Told where a database that an earlier version made could not be brought up to date, and why. */
  readonly onStale?: (reason: string) => void;
  /** What a new database begins with beside the platform: SQL that `postgres` runs. */
  readonly setup?: string;
}

/** An open embedded database. */
export interface EmbeddedDatabase extends AsyncDisposable {
  /** The project's URL. No network is asked for it: {@linkcode fetch} answers. */
  readonly url: string;
  /** A key of the role `service_role`, good for this database only while it is open. */
  readonly serviceKey: string;
  /** A key of the role `anon`, good for this database only while it is open. */
  readonly anonKey: string;
  /**
   * Answers requests to {@linkcode url} as PostgREST does: hand it to `createClient`.
   * It serves `POST /rest/v1/rpc/<function>`, one transaction a call, calls in turn.
   */
  readonly fetch: typeof fetch;
  /** Whether this call created the database. */
  readonly isNew: boolean;
  /**
   * Makes a key with the claims given, as an Auth server would.
   *
   * @param claims What the token says. `iat`, and an `exp` in ten years, are added.
   * @returns The signed token.
   */
  keyFor(claims: Readonly<Record<string, unknown>>): Promise<string>;
  /**
   * Runs SQL as `postgres`, who owns what it makes, past the REST door: for
   * installing and for tests. A transaction left open is rolled back.
   *
   * @param sql One or several statements.
   * @throws {Error} PostgreSQL's error, with its SQLSTATE as `code`.
   */
  exec(sql: string): Promise<void>;
  /**
   * Runs one statement as `postgres` and returns its rows.
   *
   * @param sql The statement, with `$1`, `$2` and so on for the values.
   * @param params The values.
   * @returns The rows, by column name.
   * @throws {Error} PostgreSQL's error, with its SQLSTATE as `code`.
   */
  query(
    sql: string,
    params?: unknown[],
  ): Promise<Record<string, unknown>[]>;
  /** What the server has said beside its answers since this was asked last. */
  takeMessages(): TakenMessages;
  /** Ends the running calls, closes the database and gives up its folder. */
  close(): Promise<void>;
}

const URL_OF_EMBEDDED = "http://embedded.localhost";

/**
 * Opens an embedded database and, where there is none yet, creates it with the
 * roles, schemas and default privileges of a Supabase project.
 *
 * A folder is open in one process at a time. What was committed survives the
 * end of the process, however it ends.
 *
 * @param options Where the data is kept.
 * @returns The open database. Close it, or hold it with `await using`.
 * @throws {ConfigurationError} If the folder cannot hold the database: it is not
 * accessible, holds something else, or was written by another PostgreSQL.
 * @throws {LockHeldError} If the folder is open already.
 *
 * @example
 * ```ts
 * import { openEmbedded } from "./open.ts";
 * import { createClient } from "@supabase/supabase-js";
 *
 * await using database = await openEmbedded();
 * await database.exec(`
 *   create function public.add(a int, b int) returns int
 *   language sql as 'select a + b'
 * `);
 * const client = createClient(database.url, database.serviceKey, {
 *   global: { fetch: database.fetch },
 *   auth: { persistSession: false, autoRefreshToken: false },
 * });
 * const { data } = await client.rpc("add", { a: 1, b: 2 }); // 3
 * ```
 */
export async function openEmbedded(
  options: OpenEmbeddedOptions = {},
): Promise<EmbeddedDatabase> {
  // Loaded here and not at the head: PGlite weighs megabytes, and neither it nor
  // the file system is there for those who import this package in an edge function.
  const { startInMemory } = await import("./engine.ts");
  const { openFolder } = await import("./folder.ts");
  const { engine, isNew } = options.path === undefined
    ? { engine: await startInMemory(options), isNew: true }
    : await openFolder(options.path, options);

  const tokens = await createTokenAuthority();
  const close = () => engine.close();
  return {
    url: URL_OF_EMBEDDED,
    serviceKey: await tokens.sign({ role: "service_role" }),
    anonKey: await tokens.sign({ role: "anon" }),
    fetch: createRestFetch(URL_OF_EMBEDDED, engine, tokens),
    isNew,
    keyFor: tokens.sign,
    exec: (sql) =>
      engine.asOwner(async (session) => {
        await session.exec(sql);
      }),
    query: (sql, params = []) =>
      engine.asOwner(async (session) => {
        return (await session.query<Record<string, unknown>>(sql, params)).rows;
      }),
    takeMessages: engine.takeMessages,
    close,
    [Symbol.asyncDispose]: close,
  };
}
