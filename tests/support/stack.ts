import { INSTALL_SQL } from "../../lib/database/bootstrap.ts";
import automaticRlsSql from "./automatic_rls.sql" with { type: "text" };
import type { Major } from "./binaries.ts";
import { Gateway } from "./gateway.ts";
import { projectRef, signJwt } from "./keys.ts";
import { type Postgres, projectTemplate, type ServerShape, startPostgres } from "./postgres.ts";
import { Postgrest } from "./postgrest.ts";
import { openSession, type Session, type Sql } from "./session.ts";
import { until } from "./until.ts";

/** A PostgreSQL server that makes projects. */
export interface Stack extends AsyncDisposable {
  readonly major: Major;
  /** Makes a new database with Supabase's roles, schemas and default privileges, and its API. */
  createProject(options?: ProjectOptions): Promise<Project>;
}

/** Options for {@linkcode Stack.createProject}. */
export interface ProjectOptions {
  /** The connections that PostgREST keeps: with one, every request gets the same. Default: 2. */
  readonly dbPool?: number;
  /**
   * Whether PostgREST listens for changes of the schema. Default: true. Reading it anew after
   * every migration takes most of the time of a test that makes thousands.
   */
  readonly listens?: boolean;
  /**
   * Whether new tables in `public` get row level security by the event trigger `ensure_rls`, which
   * Supabase offers to make. Default: false.
   */
  readonly automaticRls?: boolean;
  /** Whether supamigrate is in it from the beginning. Default: false. */
  readonly installed?: boolean;
  /** SQL that the role `postgres` runs before the API starts. */
  readonly setup?: string;
}

/** A database shaped like a hosted Supabase project, with its API. */
export interface Project extends AsyncDisposable {
  /** What `SUPABASE_URL` would hold. */
  readonly url: string;
  readonly anonKey: string;
  /** The key of a signed-in user. */
  readonly authenticatedKey: string;
  readonly serviceKey: string;
  /** The opaque kind of service key (`sb_secret_…`). */
  readonly secretKey: string;
  /** The opaque kind of anon key (`sb_publishable_…`). */
  readonly publishableKey: string;
  /** Signs any claims: an expired key, another project's, another user's. */
  keyFor(claims: Record<string, unknown>): Promise<string>;
  /** The database's address for `postgres`, its owner, who is no superuser. */
  readonly databaseUrl: string;
  /** The database's address for `supabase_admin`, the superuser. */
  readonly superuserUrl: string;
  /** Runs SQL as superuser, on one connection, past the API. */
  readonly sql: Sql;
  /** Opens a connection of one's own, as `postgres` unless told otherwise. */
  connect(role?: string): Promise<Session>;
  /** Has PostgREST reload its schema cache, resolves when it has. */
  reloadSchema(): Promise<void>;
  readonly gateway: Gateway;
  readonly postgrest: Postgrest;
  /** What PostgREST has printed. */
  postgrestLog(): string;
}

const jwtSecret = "a secret of at least thirty-two characters";
const tenYears = 10 * 365 * 24 * 60 * 60;
const opaqueKeys = {
  secretKey: "sb_secret_ThisIsNoRealKeyItIsForTests_AbCdEf12",
  publishableKey: "sb_publishable_ThisIsNoRealKey_AbCdEf12",
};

/** Starts a server. The first start on a machine unpacks it and takes some seconds. */
export async function startStack(shape: ServerShape): Promise<Stack> {
  const { major } = shape;
  const postgres = await startPostgres(shape);
  const resources = new AsyncDisposableStack();
  resources.defer(() => postgres.process.release());
  const server = {
    postgres,
    admin: resources.use(await openSession(postgres.url("supabase_admin", "postgres"))).sql,
  };
  let made = 0;
  return {
    major,
    async createProject(options = {}) {
      return resources.use(await createProject(server, `project_${++made}`, options));
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** What the projects of a stack are made on. */
interface Server {
  readonly postgres: Postgres;
  /** Runs SQL as superuser, in no project. */
  readonly admin: Sql;
  /** The name of a template that has supamigrate in it, once a project has asked for one. */
  withSupamigrate?: Promise<string>;
}

/** Copies a database. Through the log of changes, as PostgreSQL does it by itself, takes twice as long. */
async function copyDatabase({ admin }: Server, template: string, name: string): Promise<void> {
  await admin(`create database ${name} template ${template} owner postgres strategy file_copy`);
}

/** Installing takes three times as long as copying a database in which that was done. */
async function makeTemplate(server: Server): Promise<string> {
  const name = `${projectTemplate}_with_supamigrate`;
  await copyDatabase(server, projectTemplate, name);
  {
    await using owner = await openSession(server.postgres.url("postgres", name));
    await owner.sql(INSTALL_SQL);
  }
  return name;
}

async function createProject(
  server: Server,
  database: string,
  options: ProjectOptions,
): Promise<Project> {
  const { dbPool = 2, listens = true, automaticRls = false, installed = false } = options;
  const { postgres, admin } = server;
  await using resources = new AsyncDisposableStack();
  // Row level security that turns itself on was there before supamigrate.
  const template = installed && !automaticRls
    ? await (server.withSupamigrate ??= makeTemplate(server))
    : projectTemplate;
  await copyDatabase(server, template, database);
  resources.defer(async () => void await admin(`drop database ${database} with (force)`));

  const connect = (role = "postgres") => openSession(postgres.url(role, database));
  const { sql } = resources.use(await connect("supabase_admin"));
  if (automaticRls) await sql(automaticRlsSql);
  const setup = [
    ...installed && automaticRls ? [INSTALL_SQL] : [],
    ...options.setup === undefined ? [] : [options.setup],
  ];
  if (setup.length > 0) {
    await using owner = await connect();
    await owner.sql(setup.join("\n"));
  }

  const postgrest = new Postgrest({
    databaseUrl: postgres.url("authenticator", database),
    jwtSecret,
    dbPool,
    listens,
  });
  await postgrest.start();
  resources.defer(() => postgrest.kill());

  const issuedAt = Math.floor(Date.now() / 1000);
  const keyFor = (claims: Record<string, unknown>) =>
    signJwt({
      iss: "supabase",
      ref: projectRef,
      iat: issuedAt,
      exp: issuedAt + tenYears,
      ...claims,
    }, jwtSecret);
  const anonKey = await keyFor({ role: "anon" });
  const serviceKey = await keyFor({ role: "service_role" });
  const authenticatedKey = await keyFor({
    role: "authenticated",
    aud: "authenticated",
    sub: "00000000-0000-4000-8000-000000000001",
    email: "user@example.com",
  });

  const gateway = resources.use(
    await Gateway.open({
      upstream: (path, init) => postgrest.fetch(path, init),
      opaqueKeys: new Map([
        [opaqueKeys.secretKey, serviceKey],
        [opaqueKeys.publishableKey, anonKey],
      ]),
    }),
  );

  let reloads = 0;
  async function reloadSchema(): Promise<void> {
    await sql(
      `alter function graphql_public.schema_cache_${reloads++}() rename to schema_cache_${reloads}`,
    );
    if (listens) await sql("notify pgrst, 'reload schema'");
    else postgrest.reload();
    const request = { method: "POST", headers: { "content-profile": "graphql_public" } };
    // Counting the log's lines would not do: an earlier change's reload may still be under way.
    await until("the schema cache to be reloaded", async () => {
      const response = await postgrest.fetch(`/rpc/schema_cache_${reloads}`, request);
      await response.body?.cancel();
      return response.ok;
    });
  }

  const kept = resources.move();
  return {
    url: gateway.url,
    anonKey,
    authenticatedKey,
    serviceKey,
    ...opaqueKeys,
    keyFor,
    databaseUrl: postgres.url("postgres", database),
    superuserUrl: postgres.url("supabase_admin", database),
    sql,
    connect,
    reloadSchema,
    gateway,
    postgrest,
    postgrestLog: () => postgrest.log(),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
