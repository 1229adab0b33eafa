/** A PostgreSQL, a PostgREST and the proxies on both its sides, for one round at a time. */

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import type { Major } from "../support/binaries.ts";
import { projectRef, signJwt } from "../support/keys.ts";
import { projectTemplate } from "../support/postgres.ts";
import { Postgrest } from "../support/postgrest.ts";
import { openSession, type Session, type Sql } from "../support/session.ts";
import { until } from "../support/until.ts";
import { type Handler, HttpProxy } from "./http_proxy.ts";
import { Server } from "./server.ts";
import { isOverApi, type Via } from "./ways.ts";
import { WireDoor } from "./wire_door.ts";
import { WireProxy } from "./wire_proxy.ts";
import watchSql from "./watch.sql" with { type: "text" };
import witnessSql from "./witness.sql" with { type: "text" };

const jwtSecret = "a secret of at least thirty-two characters";

/** How many connections PostgREST keeps. */
export const DB_POOL = 3;

/** Set so low that an exhausted pool shows within a round. */
const POOL_PATIENCE_S = 2;

/** For two seconds: a server that crashed is there again after that. */
const MOST_ATTEMPTS = 20;

/** Every client and every server log is searched for these. */
const PASSWORD = "canary-password-3b7e1f";

export class Lane implements AsyncDisposable {
  readonly major: Major;
  readonly build: string;
  readonly folder: string;
  readonly server: Server;
  readonly wire: WireProxy;
  readonly postgrest: Postgrest;
  readonly serviceKey: string;
  readonly anonKey: string;
  /** The API without faults. */
  readonly plain: HttpProxy;
  /** The database without faults. */
  readonly plainWire: WireDoor;
  /** Another host, to which redirects lead: nothing may ever be sent there. */
  readonly elsewhere: HttpProxy;
  /** Whether the next round has to begin with a new installation. */
  needsInstallation = true;
  #driver: postgres.Sql | undefined;
  readonly #resources: AsyncDisposableStack;
  readonly #installScript: string;
  readonly #listens: boolean;

  private constructor(
    given: Pick<
      Lane,
      | "major"
      | "build"
      | "folder"
      | "server"
      | "wire"
      | "postgrest"
      | "serviceKey"
      | "anonKey"
      | "plain"
      | "plainWire"
      | "elsewhere"
    >,
    installScript: string,
    listens: boolean,
    resources: AsyncDisposableStack,
  ) {
    ({
      major: this.major,
      build: this.build,
      folder: this.folder,
      server: this.server,
      wire: this.wire,
      postgrest: this.postgrest,
      serviceKey: this.serviceKey,
      anonKey: this.anonKey,
      plain: this.plain,
      plainWire: this.plainWire,
      elsewhere: this.elsewhere,
    } = given);
    this.#installScript = installScript;
    this.#listens = listens;
    this.#resources = resources;
  }

  /**
   * @param major The PostgreSQL.
   * @param build The folder of the tool: this one, or a copy with a flaw.
   * @param via Which way the clients take. Where it is not the API, PostgREST need not read the
   *   schema anew after every migration, which takes the server longer than the migration.
   */
  static async open(major: Major, build: string, via: Via = "api"): Promise<Lane> {
    const listens = isOverApi(via);
    await using resources = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "supamigrate-chaos-files-" });
    resources.defer(() => Deno.remove(folder, { recursive: true }));
    const server = resources.use(await Server.open(major));
    {
      await using session = await openSession(server.url("supabase_admin", "postgres"));
      await session.sql(`create database chaos template ${projectTemplate} owner postgres`);
    }
    const wire = resources.use(await WireProxy.open(server.port));
    {
      await using session = await openSession(server.url("supabase_admin", "chaos"));
      await session.sql(witnessSql);
    }

    const postgrest = new Postgrest({
      databaseUrl: `postgres://authenticator@127.0.0.1:${wire.port}/chaos`,
      jwtSecret,
      dbPool: DB_POOL,
      listens,
      settings: {
        PGRST_DB_POOL_ACQUISITION_TIMEOUT: `${POOL_PATIENCE_S}`,
        PGRST_DB_PRE_REQUEST: "graphql_public.chaos_note_request",
      },
    });
    await postgrest.start();
    resources.defer(() => postgrest.kill());
    const plain = resources.use(
      await HttpProxy.open({ upstream: (path, init) => postgrest.fetch(path, init) }),
    );

    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: "supabase", ref: projectRef, iat: now, exp: now + 10 * 365 * 86_400 };
    const serviceKey = await signJwt({ ...claims, role: "service_role" }, jwtSecret);
    const anonKey = await signJwt({ ...claims, role: "anon" }, jwtSecret);
    const { installScript } = await import(`file://${build}/mod.ts`);
    const given = {
      major,
      build,
      folder,
      server,
      wire,
      postgrest,
      serviceKey,
      anonKey,
      plain,
      plainWire: resources.use(
        await WireDoor.open(server.url("postgres", "chaos"), async (exchange) => {
          await exchange.send(await exchange.forward());
        }),
      ),
      elsewhere: resources.use(
        await HttpProxy.open({ upstream: () => Promise.resolve(new Response()) }),
      ),
    };
    const lane = new Lane(given, await installScript(), listens, resources.move());
    lane.#resources.defer(async () => await lane.#driver?.end({ timeout: 5 }));
    return lane;
  }

  /** What must not show anywhere. */
  get secrets(): readonly string[] {
    return [this.serviceKey, this.serviceKey.split(".")[2]!, PASSWORD];
  }

  /** The database's address through the proxy, with a password that must not show. */
  get databaseUrl(): string {
    return `postgres://postgres:${PASSWORD}@127.0.0.1:${this.wire.port}/chaos`;
  }

  /** Runs SQL as superuser, past both proxies; again where the server goes away just then. */
  readonly sql: Sql = async (text, params = []) => {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#run(text, params);
      } catch (error) {
        if (isRefusal(error) || attempt === MOST_ATTEMPTS) throw error;
        await delay(100);
      }
    }
  };

  readonly #run: Sql = async (text, params = []) => {
    const driver = this.#driver ??= this.#createDriver();
    try {
      const result = await driver.unsafe(text, params as never[]);
      const last = Array.isArray(result[0]) ? result.at(-1) : result;
      return [...last as Iterable<Record<string, unknown>>];
    } catch (error) {
      if (!isRefusal(error)) {
        // Once it has lost a connection, the driver may take a query and never answer it.
        if (this.#driver === driver) this.#driver = undefined;
        await driver.end({ timeout: 0 });
      }
      throw error;
    }
  };

  #createDriver(): postgres.Sql {
    return postgres(this.server.url("supabase_admin", "chaos"), {
      max: 1,
      onnotice: () => {},
      fetch_types: false,
    });
  }

  /** Opens a connection past both proxies. */
  connect(role: string): Promise<Session> {
    return openSession(this.server.url(role, "chaos"));
  }

  /** Opens a door of its own for a client. */
  openDoor(handler: Handler): Promise<HttpProxy> {
    return HttpProxy.open({ upstream: (path, init) => this.postgrest.fetch(path, init), handler });
  }

  /** The same for a client that connects to the database itself. */
  openWireDoor(handler: Handler): Promise<WireDoor> {
    return WireDoor.open(this.databaseUrl, handler);
  }

  /**
   * Everything as new: nothing applied, nobody waiting, the given files.
   *
   * @returns The last entry of the audit log, which nothing can take back.
   */
  async reset(files: Readonly<Record<string, string>>): Promise<unknown> {
    await this.recover();
    const tables = await this.sql(
      "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
    );
    const drops = tables.map(({ relname }) => `drop table public.${relname} cascade;`).join("\n");
    if (this.needsInstallation) await this.#installAnew();
    await this.sql(`
      ${drops}
      drop schema if exists supamigrate_backup cascade;
      drop schema if exists _heirs cascade;
      delete from supamigrate.safety_copy;
      delete from supamigrate.migration_history;
      insert into supamigrate.migration_log (action, result) values ('drop application schemas', 'ok');
      delete from supamigrate.operation;
      update supamigrate.migration_lock
         set is_locked = false, generation = generation + 1, sequence = 0;
      truncate _chaos.witness, _chaos.heirloom, _chaos.lock_change, _chaos.operation_note, _chaos.copy_note,
        _chaos.request;
      update _chaos.switch set divisor = 1;
    `);
    await Deno.remove(join(this.folder, "migrations"), { recursive: true }).catch(() => {});
    await Deno.mkdir(join(this.folder, "migrations"));
    for (const [name, sql] of Object.entries(files)) await this.writeFile(name, sql);
    const [row] = await this.sql(
      "select coalesce(max(id), 0)::text as id from supamigrate.migration_log",
    );
    return row?.id;
  }

  async #installAnew(): Promise<void> {
    // In one transaction: PostgREST, which may look at any time, always finds an exec_sql.
    await this.sql(`
      begin;
      drop schema if exists supamigrate cascade;
      drop function if exists public.exec_sql(text, jsonb);
      set local role postgres;
      ${this.#installScript}
    `);
    this.needsInstallation = false;
    await this.watch();
    await this.untilNoticed();
  }

  /**
   * Until PostgREST knows which functions there are now. It looks beside its requests, and may
   * just be about to learn how things stood before.
   */
  async untilNoticed(): Promise<void> {
    const marker = `graphql_public.chaos_${crypto.randomUUID().replaceAll("-", "")}`;
    await this.sql(`
      create function ${marker}() returns integer language sql as 'select 1';
      grant execute on function ${marker}() to anon;
      notify pgrst, 'reload schema'`);
    if (!this.#listens) this.postgrest.reload();
    await until("PostgREST to notice a new function", async () => {
      const response = await this.fetchAs(this.anonKey, marker);
      await response.body?.cancel();
      return response.ok || await pause(10);
    });
    await this.sql(`drop function ${marker}()`);
  }

  /** Writes a migration. */
  async writeFile(name: string, sql: string): Promise<void> {
    await Deno.writeTextFile(join(this.folder, "migrations", name), sql);
  }

  /** Puts the witness beside an installation that somebody else has made. */
  async watch(): Promise<void> {
    const [row] = await this.sql("select from pg_trigger where tgname = 'note_operation'");
    if (row === undefined) await this.sql(watchSql);
  }

  /** Ends what is left of the faults: both servers run and answer, and nothing is in flight. */
  async recover(): Promise<void> {
    this.wire.disarm();
    await this.server.freeDisk();
    await until("PostgreSQL to answer", async () => {
      await this.server.start(); // it may yet give up, as after a full disk
      return await this.#answers() || await pause(20);
    });
    await this.postgrest.start();
    await until("every request to end", async () => {
      const [row] = await this.sql(`
        select count(*)::integer as busy from pg_stat_activity
         where usename in ('authenticator', 'postgres') and datname = current_database()
           and state <> 'idle'`);
      return row?.busy === 0 || await pause(10);
    });
    // PostgREST waits ever longer before it tries a lost database again.
    const patience = AbortSignal.timeout(5000);
    await until("PostgREST to answer", async () => {
      if (await this.#serves()) return true;
      if (patience.aborted) {
        await this.postgrest.kill();
        await this.postgrest.start();
      }
      return await pause(20);
    });
  }

  /** What other requests have left behind in a connection of the API's pool; null for nothing. */
  async readLeftovers(): Promise<string | null> {
    let leftovers: string | null = null;
    await until("PostgREST to say what is left", async () => {
      const response = await this.fetchAs(this.anonKey, "graphql_public.chaos_leftovers");
      const text = await response.text();
      if (response.ok) leftovers = JSON.parse(text);
      return response.ok || await pause(100);
    });
    return leftovers;
  }

  /** Which of the servers' logs hold a key. */
  findSecretsInLogs(): string[] {
    const logs = { PostgreSQL: this.server.log(), PostgREST: this.postgrest.log() };
    return Object.entries(logs)
      .filter(([, log]) => this.secrets.some((secret) => log.includes(secret)))
      .map(([name]) => name);
  }

  /** Calls a function through PostgREST, past the proxy before it. */
  fetchAs(key: string, name: string, body: unknown = {}): Promise<Response> {
    const [schema = "", its = ""] = name.split(".");
    return this.postgrest.fetch(`/rpc/${its}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        "content-profile": schema,
      },
      body: JSON.stringify(body),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #serves(): Promise<boolean> {
    const response = await this.fetchAs(this.anonKey, "graphql_public.chaos_leftovers").catch(() =>
      null
    );
    await response?.body?.cancel();
    return response?.ok ?? false;
  }

  async #answers(): Promise<boolean> {
    return await this.#run("select 1").then(() => true, () => false);
  }
}

/** Whether the server has said no, and is there to say it. */
function isRefusal(error: unknown): boolean {
  return error instanceof postgres.PostgresError && !error.code.startsWith("57P");
}

async function pause(milliseconds: number): Promise<false> {
  await delay(milliseconds);
  return false;
}
