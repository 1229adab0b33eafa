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
  let made = 0;
  return {
    major,
    async createProject(options = {}) {
      return resources.use(await createProject(postgres, `project_${++made}`, options));
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function createProject(
  postgres: Postgres,
  database: string,
  { dbPool = 2, listens = true, automaticRls = false, setup }: ProjectOptions,
): Promise<Project> {
  await using resources = new AsyncDisposableStack();
  const onServer = async (statement: string) => {
    await using session = await openSession(postgres.url("supabase_admin", "postgres"));
    await session.sql(statement);
  };
  await onServer(`create database ${database} template ${projectTemplate} owner postgres`);
  resources.defer(() => onServer(`drop database if exists ${database} with (force)`));

  const connect = (role = "postgres") => openSession(postgres.url(role, database));
  const { sql } = resources.use(await connect("supabase_admin"));
  if (automaticRls) await sql(automaticRlsSql);
  if (setup !== undefined) {
    await using owner = await connect();
    await owner.sql(setup);
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
