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
import { CLEAR_SQL, describeCatalog } from "../database/catalog.ts";
import type { Sql } from "./session.ts";
import { type Project, type ProjectOptions, type Stack, startStack } from "./stack.ts";

/** A database with supamigrate in it, whatever it runs on. */
export interface AnyProject {
  /** What it runs on, as the test's name says it. */
  readonly database: string;
  readonly url: string;
  readonly anonKey: string;
  readonly serviceKey: string;
  /** Signs claims as a key. */
  keyFor(claims: Record<string, unknown>): Promise<string>;
  /** Runs SQL beside the tool: as superuser, on the embedded database as `postgres`. */
  readonly sql: Sql;
  /** How many requests there were so far. */
  readonly requests: number;
  /** Makes a migrator for it. It is closed with the test. */
  migrator(migrations: MigrationSource, options?: Partial<MigratorOptions>): Migrator;
  /** Makes a Supabase client of one's own. */
  client(key: string): SupabaseClient;
  /** What migrations can change, a line each, without the tracking schema. */
  catalog(): Promise<string[]>;
  /** All rows of the tracking schema. */
  records(): Promise<Records>;
}

/** The rows of the tracking schema. */
export type Records = Readonly<
  Record<"history" | "lock" | "log" | "operations", Readonly<Record<string, unknown>>[]>
>;

/** A database on a real server with a real PostgREST. */
export interface ServerProject extends AnyProject, Project {}

/** Options of {@linkcode testOnServers}. */
export interface ServerTestOptions extends ProjectOptions {
  /**
   * A project of the test's own. Other tests share one, that is cleared after each: it has to be
   * left with nothing in flight. Implied by the other options.
   */
  readonly own?: boolean;
  /** Whether supamigrate is in it from the beginning. Default: true. */
  readonly installed?: boolean;
}

/** A project that tests take turns with, as long as it can be brought back to how it was. */
interface SharedProject {
  readonly project: AnyProject;
  readonly pristine: readonly string[];
  readonly asOwner: (sql: string) => Promise<unknown>;
  usable: boolean;
}

const resources = new AsyncDisposableStack();
const stacks = await Promise.all([startStack({ major: 15 }), startStack({ major: 17 })]);
const shared = new Map(
  await Promise.all(stacks.map(async (stack) => [stack, await openShared(stack)] as const)),
);
Deno.test.afterAll(async () => {
  await resources.disposeAsync();
  for (const stack of stacks) await stack[Symbol.asyncDispose]();
});

/**
 * Registers a test for the embedded database, PostgreSQL 15 and PostgreSQL 17. On the embedded
 * database all tests of a file are steps of one: PGlite keeps timers from one test to the next.
 */
export function testOnEveryDatabase(
  name: string,
  body: (project: AnyProject) => Promise<void>,
): void {
  if (onEmbedded.length === 0) Deno.test("on the embedded database", runOnEmbedded);
  onEmbedded.push({ name, body });
  testOnServers(name, body);
}

const onEmbedded: { name: string; body: (project: AnyProject) => Promise<void> }[] = [];

async function runOnEmbedded(context: Deno.TestContext): Promise<void> {
  await using database = await openForMigrations();
  const known = await share(describeEmbedded(database), (sql) => database.exec(sql));
  for (const { name, body } of onEmbedded) {
    await context.step({
      name,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        if (known.usable) return await takeTurn(known, () => body(known.project));
        await using database = await openForMigrations();
        await body(describeEmbedded(database));
      },
    });
  }
}

/** Registers a test for PostgreSQL 15 and 17: for what needs several connections or PostgREST. */
export function testOnServers(
  name: string,
  body: (project: ServerProject) => Promise<void>,
  options: ServerTestOptions = {},
): void {
  const { own = Object.keys(options).length > 0, installed = true, setup = "", ...rest } = options;
  for (const stack of stacks) {
    Deno.test(`${name} (PostgreSQL ${stack.major})`, async () => {
      const known = shared.get(stack)!;
      if (!own && known.usable) {
        return await takeTurn(known, () => body(known.project as ServerProject));
      }
      await using project = await stack.createProject({
        ...rest,
        setup: installed ? `${INSTALL_SQL}\n${setup}` : setup,
      });
      await body(describeServer(stack, project));
    });
  }
}

/** Makes another project on the server of one that a test has: for tests with many at a time. */
export async function withProjects<Case>(
  like: ServerProject,
  cases: readonly Case[],
  body: (one: Case, project: ServerProject) => Promise<void>,
): Promise<void> {
  const stack = stacks.find((candidate) => nameOf(candidate) === like.database)!;
  const outcomes = await Promise.allSettled(cases.map(async (one) => {
    await using project = await stack.createProject({ setup: INSTALL_SQL });
    await body(one, describeServer(stack, project));
  }));
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.status === "rejected"
      ? [new Error(`Failed with ${JSON.stringify(cases[index])}`, { cause: outcome.reason })]
      : []
  );
  if (failures.length === 1) throw failures[0];
  if (failures.length > 0) throw new AggregateError(failures, failures.join(", "));
}

async function openShared(stack: Stack): Promise<SharedProject> {
  const project = describeServer(stack, await stack.createProject({ setup: INSTALL_SQL }));
  const owner = resources.use(await project.connect());
  return await share(project, owner.sql);
}

async function share(
  project: AnyProject,
  asOwner: SharedProject["asOwner"],
): Promise<SharedProject> {
  const pristine = await describeCatalog(project.sql, { tracking: true });
  return { project, pristine, asOwner, usable: true };
}

async function takeTurn(shared: SharedProject, body: () => Promise<void>): Promise<void> {
  shared.usable = false;
  try {
    await body();
  } finally {
    // Where it cannot be cleared, the tests that follow make projects of their own.
    shared.usable = await clear(shared).catch(() => false);
  }
}

async function clear(shared: SharedProject): Promise<boolean> {
  await shared.project.sql(CLEAR_SQL);
  if (await isPristine(shared)) return true;
  // The test changed supamigrate itself.
  await shared.project.sql("drop schema if exists supamigrate cascade");
  await shared.asOwner(`begin;\n${INSTALL_SQL}\ncommit;`);
  return await isPristine(shared);
}

async function isPristine({ project, pristine }: SharedProject): Promise<boolean> {
  const now = await describeCatalog(project.sql, { tracking: true });
  return now.join("\n") === pristine.join("\n");
}

function nameOf(stack: Stack): string {
  return `PostgreSQL ${stack.major}`;
}

function describeServer(stack: Stack, project: Project): ServerProject {
  const { url, serviceKey } = project;
  return {
    ...project,
    ...toProject(project.sql, (given) => given.client ? {} : { supabaseUrl: url, serviceKey }),
    database: nameOf(stack),
    get requests() {
      return project.gateway.requests;
    },
    client: (key) => createClient(url, key, withoutSession),
  };
}

function describeEmbedded(database: EmbeddedDatabase): AnyProject {
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
    database: "embedded",
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
): Pick<AnyProject, "sql" | "migrator" | "catalog" | "records"> {
  return {
    sql,
    migrator: (migrations, options = {}) =>
      createMigrator({
        holder: "tester",
        processId: "test process",
        giveUpAfterMs: 15_000,
        ...reach(options),
        migrations,
        ...options,
      }),
    catalog: () => describeCatalog(sql),
    async records() {
      const all = (table: string) => sql(`select * from supamigrate.${table} order by id`);
      return {
        history: await all("migration_history"),
        lock: await all("migration_lock"),
        log: await all("migration_log"),
        operations: await all("operation"),
      };
    },
  };
}
