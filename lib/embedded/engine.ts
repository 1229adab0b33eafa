/**
 * Starts PGlite with the roles and schemas of a Supabase project and hands out
 * its one session, to one job at a time.
 *
 * @module
 */

import { PGlite, type PGliteOptions } from "@electric-sql/pglite";
import { btree_gist } from "@electric-sql/pglite/contrib/btree_gist";
import { citext } from "@electric-sql/pglite/contrib/citext";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { pgcrypto } from "@electric-sql/pglite/contrib/pgcrypto";
import { unaccent } from "@electric-sql/pglite/contrib/unaccent";
import { uuid_ossp } from "@electric-sql/pglite/contrib/uuid_ossp";

import { MessageBox, type TakenMessages } from "../database/messages.ts";
import authSql from "../../sql/embedded/auth.sql" with { type: "text" };
import extensionsSql from "../../sql/embedded/extensions.sql" with {
  type: "text",
};
import realtimeSql from "../../sql/embedded/realtime.sql" with { type: "text" };
import rolesSql from "../../sql/embedded/roles.sql" with { type: "text" };
import storageSql from "../../sql/embedded/storage.sql" with { type: "text" };

/** The major version of the PostgreSQL that PGlite carries. */
export const POSTGRES_MAJOR = 18;

/** What runs statements. */
export interface Session {
  /** Runs one or several statements with no values. */
  exec(sql: string): Promise<unknown>;
  /** Runs one statement with values. */
  query<Row>(
    sql: string,
    params?: unknown[],
  ): Promise<{ readonly rows: Row[] }>;
}

/** A running PostgreSQL with one session, logged in as `authenticator`. */
export interface Engine {
  /**
   * Hands the session to the job when all earlier jobs have ended. Nothing is
   * cleaned between jobs: as with a pool of one connection, what a job leaves
   * behind the next one finds.
   */
  exclusively<Result>(
    job: (session: Session) => Promise<Result>,
  ): Promise<Result>;
  /** The same, logged in as `postgres` meanwhile. */
  asOwner<Result>(job: (session: Session) => Promise<Result>): Promise<Result>;
  /** What the server has said beside its answers since this was asked last. */
  readonly takeMessages: () => TakenMessages;
  /** Waits for the jobs and shuts the server down. Jobs that come later are refused. */
  close(): Promise<void>;
}

const BOOTSTRAP = [rolesSql, extensionsSql, authSql, storageSql, realtimeSql];

/** For new databases. The superuser is not `postgres`: on Supabase that is an ordinary role. */
const INITDB_ARGUMENTS = ["-U", "supabase_admin", "--wal-segsize=1"];

/**
 * The limit of 2 MB that servers have is more than JavaScript's stack holds: a trigger that sets
 * itself off would end the database instead of failing.
 */
const MAX_STACK_DEPTH = "256kB";

const OPTIONS: PGliteOptions = {
  // What `create extension` finds: the two of every project, and those of PGlite's that
  // migrations ask for most. Each costs 20 ms at every start.
  extensions: {
    btree_gist,
    citext,
    pg_trgm,
    pgcrypto,
    unaccent,
    uuid_ossp,
  },
  startParams: startParameters(),
};

/**
 * PGlite's own parameters but for four. A backend in single-user mode does not read
 * what `alter database … set` and `alter role … set` stored, so the search_path comes
 * from here. `-O` would let migrations change system catalogs, and `-F` would keep
 * fsync off should PGlite's file system learn it.
 */
function startParameters(): string[] {
  return [
    ...PGlite.defaultStartParams
      .filter((parameter) => parameter !== "-O" && parameter !== "-F")
      .map((parameter) =>
        parameter.startsWith("search_path=") ? `search_path="$user", public, extensions` : parameter
      ),
    "-c",
    `max_stack_depth=${MAX_STACK_DEPTH}`,
  ];
}

/** A database in memory as it is after the bootstrap: copying takes a fifth of creating. */
let template: Promise<Blob> | undefined;

/**
 * Starts a new database in memory.
 *
 * @returns The running engine.
 */
export async function startInMemory(): Promise<Engine> {
  if (template !== undefined) {
    return await logIn(await load({ loadDataDir: await template }));
  }
  const creation = create();
  template = creation.then((server) => server.dumpDataDir("none"));
  try {
    await template;
  } catch (error) {
    template = undefined;
    throw error;
  }
  return await logIn(await creation);
}

/**
 * Starts the database in a folder.
 *
 * @param dataDir The folder of PostgreSQL's files.
 * @param isNew Whether the folder has no database yet.
 * @returns The running engine.
 */
export async function startInFolder(
  dataDir: string,
  isNew: boolean,
): Promise<Engine> {
  if (!isNew) return await logIn(await load({ dataDir }));
  return await logIn(
    template === undefined
      ? await create(dataDir)
      : await load({ dataDir, loadDataDir: await template }),
  );
}

async function create(dataDir?: string): Promise<PGlite> {
  const server = await load({
    ...(dataDir === undefined ? {} : { dataDir }),
    initDbStartParams: INITDB_ARGUMENTS,
  });
  await server.exec(`begin;\n${BOOTSTRAP.join("\n")}\ncommit;`);
  // Whoever copies or opens the files next has nothing to replay.
  await server.exec("checkpoint");
  return server;
}

async function load(options: PGliteOptions): Promise<PGlite> {
  return await PGlite.create({ ...OPTIONS, ...options });
}

async function logIn(server: PGlite): Promise<Engine> {
  await server.exec("set session authorization authenticator");

  const box = new MessageBox();
  const session: Session = {
    exec: (sql) => server.exec(sql, { onNotice: box.add }),
    query: (sql, params) => server.query(sql, params, { onNotice: box.add }),
  };

  let last: Promise<unknown> = Promise.resolve();
  let closed: Promise<void> | undefined;

  const exclusively: Engine["exclusively"] = (job) => {
    if (closed !== undefined) {
      return Promise.reject(new TypeError("The embedded database is closed"));
    }
    const result = last.then(() => job(session));
    last = result.catch(() => {});
    return result;
  };

  return {
    exclusively,
    asOwner: (job) =>
      exclusively(async (session) => {
        // Allowed whoever is logged in, as the session began as a superuser.
        await session.exec("set session authorization postgres");
        try {
          return await job(session);
        } finally {
          await session.exec("rollback");
          await session.exec("set session authorization authenticator");
        }
      }),
    takeMessages: box.take,
    close: () => closed ??= last.then(() => server.close()),
  };
}
