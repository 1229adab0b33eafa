import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { openForMigrations } from "../../lib/embedded/migrations.ts";
import { createMigrator, type Migrator } from "../../mod.ts";
import type { Sql } from "../support/session.ts";
import { type Project, type Stack, startStack } from "../support/stack.ts";

/** The folder of the platform's migrations. */
export const migrationsFolder: string = new URL("../../migrations", import.meta.url).pathname;

/** The names of the platform's migrations, in order. */
export const migrationNames: readonly string[] = [
  "000_MASTER_CONSOLIDATED.sql",
  "20250726123456_add_celebrity_ratings.sql",
];

/** The platform's migrations by name, to be changed by a test. */
export function readMigrations(): Record<string, string> {
  return Object.fromEntries(
    migrationNames.map((name) => [name, Deno.readTextFileSync(`${migrationsFolder}/${name}`)]),
  );
}

/** A database with the platform in it. */
export interface Platform {
  /** Runs SQL past row level security: as superuser, on the embedded database as `postgres`. */
  readonly sql: Sql;
  /** Adds a user to Auth and to the platform. */
  addUser(name?: string): Promise<User>;
}

/** Someone who signed up. */
export interface User {
  readonly id: string;
  readonly email: string;
}

/** A platform on a real server, with the real PostgREST. */
export interface ServedPlatform extends Platform {
  readonly project: Project;
  /** A client of the API: a user's, or with `"service"` the service role's, with null anon's. */
  as(user: User | "service" | null): Promise<SupabaseClient>;
}

/** How a test gets at a database without the platform. */
export interface Blank {
  readonly sql: Sql;
  migrator(migrations: string | Record<string, string>): Migrator;
}

// PGlite, which the tests of a file share as well, keeps timers from one test to the next.
const unsanitized = { sanitizeOps: false, sanitizeResources: false };

const withoutSession = {
  auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
};

/**
 * Registers a test that gets a new database, with supamigrate and nothing else, of each kind: the
 * embedded one, PostgreSQL 15 and 17, or those that are named. The platform takes the embedded one ten
 * times as long as a server.
 */
export function testOnBlankDatabases(
  name: string,
  body: (blank: Blank) => Promise<void>,
  { setup = "", on = ["embedded", 15, 17] }: {
    readonly setup?: string;
    readonly on?: readonly ("embedded" | 15 | 17)[];
  } = {},
): void {
  for (const major of on) {
    if (major === "embedded") {
      Deno.test(`${name} (embedded)`, unsanitized, async () => {
        await using blank = await openBlankEmbedded();
        if (setup !== "") await blank.sql(`${setup};`);
        await body(blank);
      });
      continue;
    }
    const stack = before(() => startShared(major));
    Deno.test(`${name} (PostgreSQL ${major})`, unsanitized, async () => {
      await using blank = await openBlankServer(await stack(), setup);
      await body(blank);
    });
  }
}

/** Registers a test that gets the platform on PostgreSQL 15 and 17, unless told otherwise. */
export function testOnServers(
  name: string,
  body: (platform: ServedPlatform) => Promise<void>,
  majors: readonly (15 | 17)[] = [15, 17],
): void {
  for (const major of majors) {
    const platform = before(() => serve(major));
    Deno.test(
      `${name} (PostgreSQL ${major})`,
      unsanitized,
      async () => await body(await platform()),
    );
  }
}

/** Registers a test that gets the platform on the embedded database, PostgreSQL 15 and 17. */
export function testEverywhere(name: string, body: (platform: Platform) => Promise<void>): void {
  const platform = before(openEmbedded);
  Deno.test(`${name} (embedded)`, unsanitized, async () => await body(await platform()));
  testOnServers(name, body);
}

// The tests of a file share the servers, and a platform on each: they bring their own users.
// What is shared is opened before the first test, so that no test is blamed for leaving it open.
const opened = new Map<string, Promise<unknown>>();
const resources = new AsyncDisposableStack();
const awaited: (() => Promise<unknown>)[] = [];
Deno.test.beforeAll(async () => {
  for (const open of awaited) await open();
});
Deno.test.afterAll(() => resources.disposeAsync());

function before<Kind>(open: () => Promise<Kind>): () => Promise<Kind> {
  awaited.push(open);
  return open;
}

function once<Kind>(name: string, open: () => Promise<Kind>): Promise<Kind> {
  let known = opened.get(name) as Promise<Kind> | undefined;
  if (known === undefined) opened.set(name, known = open());
  return known;
}

function startShared(major: 15 | 17): Promise<Stack> {
  // The platform's migrations create an extension.
  return once(
    `server ${major}`,
    async () => resources.use(await startStack({ major, supautils: true })),
  );
}

async function openBlankEmbedded(): Promise<Blank & AsyncDisposable> {
  const database = await openForMigrations();
  const client = createClient(database.url, database.serviceKey, {
    ...withoutSession,
    global: { fetch: database.fetch },
  });
  const sql: Sql = async (text, params = []) => {
    if (params.length > 0 || !text.trimEnd().includes(";")) {
      return await database.query(text, [...params]);
    }
    await database.exec(text);
    return [];
  };
  return {
    sql,
    migrator: (migrations) => createMigrator({ client, migrations }),
    [Symbol.asyncDispose]: () => database.close(),
  };
}

async function openBlankServer(
  stack: Stack,
  setup = "",
): Promise<Blank & AsyncDisposable & { readonly project: Project }> {
  const project = await stack.createProject({ dbPool: 6, installed: true, setup });
  return {
    project,
    sql: project.sql,
    migrator: (migrations) =>
      createMigrator({ supabaseUrl: project.url, serviceKey: project.serviceKey, migrations }),
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
}

function serve(major: 15 | 17): Promise<ServedPlatform> {
  return once(`platform ${major}`, async () => {
    const { project, sql, migrator } = await openBlankServer(await startShared(major));
    await migrateAll(migrator);
    // Twice: PostgREST reads functions, which reloadSchema() waits for, later than tables.
    await project.reloadSchema();
    await project.reloadSchema();
    return {
      project,
      sql,
      addUser: (name) => addUser(sql, name),
      async as(user) {
        const key = user === null
          ? project.anonKey
          : user === "service"
          ? project.serviceKey
          : await project.keyFor({ role: "authenticated", sub: user.id, email: user.email });
        return createClient(project.url, key, withoutSession);
      },
    };
  });
}

function openEmbedded(): Promise<Platform> {
  return once("embedded", async () => {
    const { sql, migrator } = resources.use(await openBlankEmbedded());
    await migrateAll(migrator);
    return { sql, addUser: (name) => addUser(sql, name) };
  });
}

async function migrateAll(migrator: Blank["migrator"]): Promise<void> {
  await using platform = migrator(migrationsFolder);
  const { success, results } = await platform.migrate();
  if (!success) throw new Error(JSON.stringify(results.find((result) => !result.success)));
}

async function addUser(sql: Sql, name = "somebody"): Promise<User> {
  const id = crypto.randomUUID();
  const email = `${name.replaceAll(" ", ".")}.${id.slice(0, 8)}@example.com`;
  await sql("insert into auth.users (id, email) values ($1, $2)", [id, email]);
  await sql("insert into public.app_users (id, email, display_name) values ($1, $2, $3)", [
    id,
    email,
    name,
  ]);
  return { id, email };
}
