/** What happens to PostgREST and to PostgreSQL. */

import { setTimeout as delay } from "node:timers/promises";
import type { Session } from "../support/session.ts";
import type { Incident, Scene } from "./faults.ts";
import { DB_POOL } from "./lane.ts";

/** The backends that work for clients at this moment, through the API or without it. */
const WORKING = `
  from pg_stat_activity
 where usename in ('authenticator', 'postgres') and datname = current_database() and state <> 'idle'`;

export const serverFaults: Readonly<Record<string, Incident>> = {
  "backend terminated (pg_terminate_backend)": server(async ({ lane, fired }) => {
    const hit = await lane.sql(`select pg_terminate_backend(pid) ${WORKING}`);
    if (hit.length > 0) fired();
  }),

  "statement cancelled (pg_cancel_backend)": server(async ({ lane, fired }) => {
    const hit = await lane.sql(`select pg_cancel_backend(pid) ${WORKING}`);
    if (hit.length > 0) fired();
  }),

  "run cancelled (supamigrate cancel)": server(async ({ cancelRun, fired }) => {
    for (let attempt = 0; attempt < 8; attempt++) {
      if (await cancelRun()) return fired();
      await delay(50); // between two statements there is nothing to cancel
    }
  }),

  "backend killed (kill -9)": server(async ({ lane, fired }) => {
    const [hit] = await lane.sql(`select pid ${WORKING} limit 1`);
    if (hit === undefined) return;
    Deno.kill(Number(hit.pid), "SIGKILL");
    fired();
  }),

  "PostgreSQL stopped (-m immediate)": server(async ({ lane, random, fired }) => {
    await lane.server.stopImmediately();
    fired();
    await delay(random.below(800));
    await lane.server.start();
  }),

  "PostgREST terminated": server(async ({ lane, random, fired }) => {
    await lane.postgrest.stop();
    fired();
    await delay(random.below(500));
    await lane.postgrest.start();
  }),

  "PostgREST killed": server(async ({ lane, random, fired }) => {
    await lane.postgrest.kill();
    fired();
    await delay(random.below(500));
    await lane.postgrest.start();
  }),

  "disk full": server(async ({ lane, random, fired }) => {
    if (!lane.server.hasOwnDisk) return;
    const errors = () => lane.server.log().split("No space left on device").length;
    const before = errors();
    await lane.server.fillDisk();
    // Small writes still find room in what was allocated before, until the log needs more.
    for (let count = 0; count < 4 && errors() === before; count++) {
      await lane.sql("select pg_logical_emit_message(true, '', ''), pg_switch_wal()").catch(
        () => {},
      );
    }
    await delay(200 + random.below(1500));
    if (errors() > before) fired();
    await lane.server.freeDisk();
  }),

  "API's pool exhausted": server(async ({ lane, random, fired }) => {
    const body = {
      sql_query: `select pg_sleep(${(500 + random.below(3000)) / 1000})`,
      params: {},
    };
    const hogs = Array.from({ length: DB_POOL }, async () => {
      const response = await lane.fetchAs(lane.serviceKey, "public.exec_sql", body);
      await response.body?.cancel();
    });
    await delay(100);
    const [row] = await lane.sql(
      "select count(*)::integer as sleeping from pg_stat_activity where wait_event = 'PgSleep'",
    );
    if (Number(row?.sleeping) >= DB_POOL) fired();
    await Promise.allSettled(hogs);
  }),

  "database's connections exhausted": server(async ({ lane, random, fired }) => {
    const sessions: Session[] = [];
    try {
      // The API's connections have to be made anew, and there is no room for them.
      await lane.sql(`select pg_terminate_backend(pid) from pg_stat_activity
                       where usename = 'authenticator' and state = 'idle'`);
      for (let count = 0; count < 40; count++) sessions.push(await lane.connect("postgres"));
    } catch (error) {
      if (/too many clients|remaining connection slots/.test(`${error}`)) fired();
      await delay(200 + random.below(1000));
    } finally {
      for (const session of sessions) await session[Symbol.asyncDispose]();
    }
  }),

  "table locked by a third session (ACCESS EXCLUSIVE)": server(async ({ lane, random, fired }) => {
    const table = random.pick([
      "supamigrate.migration_lock",
      "supamigrate.migration_history",
      "supamigrate.migration_log",
      "supamigrate.operation",
      "_chaos.witness",
    ]);
    // Most let go in time. Some outlast the lock_timeout of migrations.
    const duration = random.below(20) === 0 ? 9000 : 200 + random.below(1500);
    await using session = await lane.connect("supabase_admin");
    try {
      await session.sql(
        `set lock_timeout = '2s'; begin; lock table ${table} in access exclusive mode`,
      );
    } catch {
      return; // it is in use itself, or the server went away
    }
    await delay(duration);
    const [row] = await lane.sql(
      "select exists (select from pg_locks where not granted) as waited",
    );
    if (row?.waited === true) fired();
    await session.sql("commit");
  }),
};

function server(happen: (scene: Scene) => Promise<void>): Incident {
  return {
    group: "server",
    moments: ["before it is sent on", "while it is worked on"],
    happen: (scene) => {
      // Servers come and go beside the request, also when two of these happen at once.
      scene.beside(delay(scene.random.below(150)).then(() => happen(scene)).catch(() => {}));
      return Promise.resolve();
    },
  };
}
