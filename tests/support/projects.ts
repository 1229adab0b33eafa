import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { INSTALL_SQL } from "../../lib/database/bootstrap.ts";
import { openForMigrations } from "../../lib/embedded/migrations.ts";
import type { EmbeddedDatabase } from "../../lib/embedded/open.ts";
import {
  createMigrator,
  type MigrationSource,
  type Migrator,
  type MigratorOptions,
} from "../../mod.ts";
import {
  CLEAR_SQL,
  describeCatalog,
  readFingerprint,
  REMOVE_SQL,
  SHARED_BY_TESTS,
} from "../database/catalog.ts";
import { awaitLater, type Sql } from "./session.ts";
import { type Project, type ProjectOptions, type Stack, startStack } from "./stack.ts";

/** A database with supamigrate in it, whatever it runs on. */
export interface AnyProject {
  readonly url: string;
  readonly anonKey: string;
  readonly serviceKey: string;
  /** Signs claims as a key. */
  keyFor(claims: Record<string, unknown>): Promise<string>;
  /** Runs SQL beside the tool: as superuser, on the embedded database as `postgres`. */
  readonly sql: Sql;
  /** How many requests there were so far. */
  readonly requests: number;
  /** Makes a migrator for it, which is closed with the test. */
  migrator(migrations: MigrationSource, options?: Partial<MigratorOptions>): Migrator;
  /** Closes the migrators that were made. */
  closeMigrators(): Promise<void>;
  /** Makes a Supabase client of one's own. */
  client(key: string): SupabaseClient;
  /** What migrations can change, a line each, without the tracking schema. */
  catalog(): Promise<string[]>;
  /** All rows of the tracking schema, but for the fingerprints that runs leave in the log. */
  records(): Promise<Records>;
  /** These fingerprints. */
  fingerprints(): Promise<{ before: string | null; after: string }[]>;
}

/** The rows of the tracking schema. */
export type Records = Readonly<
  Record<"history" | "lock" | "log" | "operations", Readonly<Record<string, unknown>>[]>
>;

/** A database on a real server with a real PostgREST. */
export interface ServerProject extends AnyProject, Project {
  /** The server. */
  readonly stack: Stack;
}

/** What the databases of some tests have in common. */
export interface ProjectKind extends ProjectOptions {
  /** Whether supamigrate is in it from the beginning. Default: true. */
  readonly installed?: boolean;
  /** Whether each test gets one of its own. Otherwise all of this kind take turns with one. */
  readonly own?: boolean;
  /** Whether the server stands in for supautils, see {@linkcode ServerShape}. Default: false. */
  readonly supautils?: boolean;
}

/**
 * Reading the schema anew after every migration takes PostgREST longer than the migration takes.
 * Where a test is about the API learning of something, it takes a {@linkcode listeningProject}.
 */
const unlistening = { listens: false } as const;

/** A project whose API learns of changes by itself, as on hosted projects. */
export const listeningProject: ProjectKind = {};

/** A project of a test's own: for tests that restart PostgREST or break connections. */
export const ownProject: ProjectKind = { ...unlistening, own: true };

/** A project of a test's own whose API learns of changes by itself. */
export const ownListeningProject: ProjectKind = { own: true };

/** A project for what hosted projects owe to supautils: extensions, policies on `storage`. */
export const supautilsProject: ProjectKind = { ...unlistening, supautils: true };

/** A project that turns on row level security for new tables in `public` by itself. */
export const automaticRlsProject: ProjectKind = { ...unlistening, automaticRls: true };

/** A project without supamigrate. */
export const bareProject: ProjectKind = { installed: false };

/** A project like most. */
export const ordinaryProject: ProjectKind = unlistening;

/** The variable that has every test run on every server. */
const EVERY_SERVER = "SUPAMIGRATE_TEST_EVERY_SERVER";

type Major = Stack["major"];

type Body<Given> = (project: Given) => Promise<void>;

const serverTests: {
  readonly name: string;
  readonly body: Body<ServerProject>;
  readonly kind: ProjectKind;
  /** The servers that it is run on unless it is to be run on all. */
  readonly majors: readonly Major[];
}[] = [];
const embeddedTests: { name: string; body: Body<AnyProject> }[] = [];

/**
 * A test for the embedded database, which is PostgreSQL 18, and for real servers, where it is given
 * such a project: of these for 15 alone, the oldest there is. What holds at both ends holds between
 * them; with `SUPAMIGRATE_TEST_EVERY_SERVER` in the environment it is run on 17, too.
 */
export function testOnEveryDatabase(
  name: string,
  body: Body<AnyProject>,
  kind: ProjectKind = ordinaryProject,
): void {
  embeddedTests.push({ name, body });
  serverTests.push({ name, body, kind, majors: [15] });
}

/**
 * A test for the embedded database alone: for what is a matter of the shadow, which is the same
 * whatever database is compared with it. Servers have it with `SUPAMIGRATE_TEST_EVERY_SERVER`.
 */
export function testOnEmbedded(name: string, body: Body<AnyProject>): void {
  embeddedTests.push({ name, body });
  serverTests.push({ name, body, kind: ordinaryProject, majors: [] });
}

/** A test for real servers: for what needs several connections or PostgREST. */
export function testOnServers(
  name: string,
  body: Body<ServerProject>,
  kind: ProjectKind = ordinaryProject,
): void {
  serverTests.push({ name, body, kind, majors: [15, 17] });
}

/**
 * A test for what takes long and is a matter of the client, the API, the shadow or the way to the
 * database: a second major says the same. What reads catalogues, takes locks or guards the door
 * belongs on every server. With `SUPAMIGRATE_TEST_EVERY_SERVER` in the environment these are run
 * there, too. Where it is the older one that matters, as to pg_dump of 15, `major` is 15.
 */
export function testOnOneServer(
  name: string,
  body: Body<ServerProject>,
  kind: ProjectKind = ordinaryProject,
  major: Major = 17,
): void {
  serverTests.push({ name, body, kind, majors: [major] });
}

/** Hands the tests that were defined so far to Deno, to be run on one server. */
export async function runOnServer(major: Major): Promise<void> {
  const resources = new AsyncDisposableStack();
  Deno.test.afterAll(() => resources.disposeAsync());
  const stacks = new Map<boolean, Stack>();
  const shared = new Map<ProjectKind, SharedProject<ServerProject>>();
  const all = Deno.env.get(EVERY_SERVER);
  for (const { name, body, kind, majors } of serverTests) {
    if (!all && !majors.includes(major)) continue;
    const { supautils = false } = kind;
    const stack = stacks.get(supautils) ??
      resources.use(await startStack({ major, supautils }));
    stacks.set(supautils, stack);
    if (!kind.own && !shared.has(kind)) shared.set(kind, await openShared(stack, kind, resources));
    Deno.test(`${name} (PostgreSQL ${major})`, async () => {
      const known = shared.get(kind);
      if (known?.usable) return await takeTurn(known, body);
      await using project = await openProject(stack, kind);
      await runBody(body, describeServer(stack, project));
    });
  }
}

async function runBody<Project extends AnyProject>(
  body: Body<Project>,
  project: Project,
): Promise<void> {
  try {
    await body(project);
  } finally {
    await project.closeMigrators();
  }
}

/** Hands the tests that were defined so far to Deno, to be run on the embedded database. */
export async function runOnEmbedded(): Promise<void> {
  const open = async () => {
    const database = await openForMigrations();
    const restore = () => database.exec(`begin;\n${INSTALL_SQL}\ncommit;`);
    return { database, known: await share(describeEmbedded(database), restore) };
  };
  let current = await open();
  let turns = 0;
  Deno.test.afterAll(() => current.database.close());
  for (const { name, body } of embeddedTests) {
    Deno.test({
      name: `${name} (embedded)`,
      // PGlite keeps timers from one test to the next. The servers' tests have the same bodies.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        // Nothing vacuums its catalogues, and what a few hundred tests leave there slows the next.
        if (++turns % TURNS === 0) {
          await current.database.close();
          current = await open();
        }
        if (current.known.usable) return await takeTurn(current.known, body);
        await using database = await openForMigrations();
        await runBody(body, describeEmbedded(database));
      },
    });
  }
}

/** How many tests take turns with one embedded database. */
const TURNS = 60;

/** Makes a project for each case, on the server that a test has, and runs them all at a time. */
export async function withProjects<Case>(
  like: ServerProject,
  cases: readonly Case[],
  body: (one: Case, project: ServerProject) => Promise<void>,
): Promise<void> {
  const outcomes = await Promise.allSettled(cases.map(async (one) => {
    await using project = await openProject(like.stack, ordinaryProject);
    await runBody((described) => body(one, described), describeServer(like.stack, project));
  }));
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.status === "rejected"
      ? [new Error(`Failed with ${JSON.stringify(cases[index])}`, { cause: outcome.reason })]
      : []
  );
  if (failures.length > 0) throw new AggregateError(failures, failures.join(", "));
}

/** A project that tests take turns with, as long as it can be brought back to how it was. */
interface SharedProject<Shared extends AnyProject> {
  readonly project: Shared;
  readonly pristine: string;
  readonly restore: () => Promise<unknown>;
  /** Whether what a failed test left on a connection is of no matter to others. */
  readonly sturdy: boolean;
  fingerprint: string;
  usable: boolean;
}

export function openProject(stack: Stack, kind: ProjectKind): Promise<Project> {
  const { installed = true, own = false, supautils: _, ...options } = kind;
  if (!kind.automaticRls || own) return stack.createProject({ ...options, installed });
  const shared = `comment on function public.rls_auto_enable() is '${SHARED_BY_TESTS}'`;
  return stack.createProject({
    ...options,
    installed,
    setup: `${options.setup ?? ""};\n${shared}`,
  });
}

async function openShared(
  stack: Stack,
  kind: ProjectKind,
  resources: AsyncDisposableStack,
): Promise<SharedProject<ServerProject>> {
  const project = describeServer(stack, await openProject(stack, kind));
  const owner = resources.use(await project.connect());
  return await share(project, async () => {
    if (kind.installed ?? true) await owner.sql(`begin;\n${INSTALL_SQL}\ncommit;`);
    await project.reloadSchema();
  }, kind);
}

async function share<Shared extends AnyProject>(
  project: Shared,
  restore: () => Promise<unknown>,
  { dbPool }: ProjectKind = {},
): Promise<SharedProject<Shared>> {
  return {
    project,
    restore,
    sturdy: dbPool !== 1,
    pristine: await describeAll(project.sql),
    fingerprint: await readFingerprint(project.sql),
    usable: true,
  };
}

async function takeTurn<Shared extends AnyProject>(
  shared: SharedProject<Shared>,
  body: Body<Shared>,
): Promise<void> {
  shared.usable = false; // where clearing it fails, the tests that follow make their own
  try {
    await runBody(body, shared.project);
  } catch (error) {
    shared.usable = await clear(shared).then(() => shared.sturdy, () => false);
    throw error;
  }
  await clear(shared);
  shared.usable = true;
}

async function clear(shared: SharedProject<AnyProject>): Promise<void> {
  const { sql } = shared.project;
  await sql(CLEAR_SQL);
  if (await readFingerprint(sql) === shared.fingerprint) return;
  if (await describeAll(sql) !== shared.pristine) {
    // The test changed supamigrate itself.
    await sql(REMOVE_SQL);
    await shared.restore();
    assert.equal(await describeAll(sql), shared.pristine, "what the test left behind");
  }
  shared.fingerprint = await readFingerprint(sql);
}

async function describeAll(sql: Sql): Promise<string> {
  return (await describeCatalog(sql, { tracking: true })).join("\n");
}

export function describeServer(stack: Stack, project: Project): ServerProject {
  const { url, serviceKey } = project;
  return {
    ...project,
    ...toProject(
      project.sql,
      (given) => given.client || given.via === "direct" ? {} : { supabaseUrl: url, serviceKey },
    ),
    stack,
    get requests() {
      return project.gateway.requests;
    },
    client: (key) => createClient(url, key, withoutSession),
  };
}

export function describeEmbedded(database: EmbeddedDatabase): AnyProject {
  let requests = 0;
  const client = (key: string) =>
    createClient(database.url, key, {
      ...withoutSession,
      global: {
        fetch: (input, init) => {
          requests++;
          return database.fetch(input, init);
        },
      },
    });
  const sql: Sql = async (text, params = []) => {
    try {
      return await database.query(text, [...params]);
    } catch (error) {
      if (!/multiple commands/.test((error as Error).message)) throw error;
      await database.exec(text);
      return [];
    }
  };
  return {
    ...toProject(sql, () => ({ client: client(database.serviceKey) })),
    url: database.url,
    anonKey: database.anonKey,
    serviceKey: database.serviceKey,
    keyFor: (claims) => database.keyFor(claims),
    get requests() {
      return requests;
    },
    client,
  };
}

const withoutSession = {
  auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
};

function toProject(
  sql: Sql,
  reach: (given: Partial<MigratorOptions>) => Partial<MigratorOptions>,
): Pick<
  AnyProject,
  "sql" | "migrator" | "closeMigrators" | "catalog" | "records" | "fingerprints"
> {
  let open: Migrator[] = [];
  return {
    sql,
    async closeMigrators() {
      const closing = open;
      open = [];
      await Promise.all(closing.map((migrator) => migrator[Symbol.asyncDispose]()));
    },
    migrator: (migrations, options = {}) => {
      const migrator = createMigrator({
        holder: "tester",
        processId: "test process",
        giveUpAfterMs: 15_000,
        // Tests that keep a migration waiting mean to do so.
        limits: { lockTimeoutMs: 8000, lockRetries: 0 },
        // Most of their projects do not listen: a test of that says so.
        apiReadyMs: 0,
        ...reach(options),
        migrations,
        ...options,
      });
      open.push(migrator);
      return awaitedLater(migrator);
    },
    catalog: () => describeCatalog(sql),
    async records() {
      const all = (table: string) => sql(`select * from supamigrate.${table} order by id`);
      return {
        history: await all("migration_history"),
        lock: await all("migration_lock"),
        log: (await all("migration_log")).filter(({ action }) => action !== "schema"),
        operations: await all("operation"),
      };
    },
    async fingerprints() {
      const rows = await sql(
        "select details from supamigrate.migration_log where action = 'schema' order by id",
      );
      return rows.map(({ details }) => details as { before: string | null; after: string });
    },
  };
}

/**
 * The same migrator. A test that starts an operation and waits for something else first hears of its
 * failure when it awaits it; until then it is not one that nobody caught, which would end all tests
 * of its file.
 */
function awaitedLater(migrator: Migrator): Migrator {
  return new Proxy(migrator, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...given: unknown[]) => awaitLater(member.apply(target, given));
    },
  });
}
