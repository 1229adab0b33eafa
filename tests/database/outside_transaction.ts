/** Steps outside a transaction: over a direct connection, and on the embedded database. */

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { openDirectChannel } from "../../lib/database/direct.ts";
import type { Migrator, MigratorOptions } from "../../mod.ts";
import { openSession } from "../support/session.ts";
import { type ServerProject, testOnOneServer, testOnServers } from "../support/projects.ts";
import { until } from "../support/until.ts";

const files = {
  "001_items.sql": `create table items (id int, tag int);
insert into items select i, i from generate_series(1, 1000) i;`,
  "002_index.sql": `create unique index concurrently items_id on items (id);
analyze items;
-- ROLLBACK
drop index concurrently items_id;
`,
};

function directly(
  project: ServerProject,
  migrations: Record<string, string>,
  options: Partial<MigratorOptions> = {},
): Migrator {
  const { databaseUrl } = project;
  return project.migrator(migrations, { via: "direct", databaseUrl, ...options });
}

async function indexes(project: ServerProject): Promise<string[]> {
  const rows = await project.sql(
    `select indexrelid::regclass::text || case when indisvalid then '' else ' (invalid)' end as name
       from pg_index where indrelid = 'items'::regclass order by 1`,
  );
  return rows.map(({ name }) => `${name}`);
}

testOnServers(
  "over a direct connection an index is built concurrently, and dropped",
  async (project) => {
    await using migrator = directly(project, files);
    const { results } = await migrator.migrate();
    assert.deepEqual(results.map(({ success, steps }) => [success, steps]), [
      [true, { done: 1, total: 1 }],
      [true, { done: 2, total: 2 }],
    ]);
    assert.deepEqual(await indexes(project), ["items_id"]);
    assert.equal((await migrator.status()).upToDate, true);
    assert.equal((await migrator.rollback({ steps: 1 })).success, true);
    assert.deepEqual(await indexes(project), []);
  },
);

testOnOneServer(
  "over the API it is refused before anything is sent, and both ways are named",
  async (project) => {
    const records = await project.records();
    await assert.rejects(project.migrator(files).migrate(), {
      name: "MigrationFileError",
      message: /CREATE INDEX CONCURRENTLY cannot run inside a transaction/,
      hint: /--via direct.*pg_cron/,
    });
    assert.deepEqual(await project.records(), records);
  },
);

testOnServers(
  "an index that cannot be built fails as in psql, and leaves nothing behind",
  async (project) => {
    const doubled = {
      ...files,
      "001_items.sql": `${files["001_items.sql"]} insert into items values (7, 7);`,
    };
    await using migrator = directly(project, doubled);
    const { results } = await migrator.migrate();
    const { error, steps } = results[1]!;
    assert.deepEqual([error!.code, error!.line, error!.statement], ["23505", 1, 1]);
    assert.match(error!.detail!, /Key \(id\)=\(7\) is duplicated/);
    assert.deepEqual(steps, { done: 0, total: 2 });
    assert.deepEqual(await indexes(project), []);

    await project.sql(
      "delete from items where id = 7 and ctid <> (select min(ctid) from items where id = 7)",
    );
    assert.equal((await migrator.migrate()).success, true);
    assert.deepEqual(await indexes(project), ["items_id"]);
  },
);

/** A session with an old snapshot and a lock on items, for which a concurrent build waits. */
async function holdUp(project: ServerProject): Promise<AsyncDisposable> {
  const session = await openSession(project.databaseUrl);
  await session.sql("begin; select count(*) from items; lock table items in row exclusive mode");
  return session;
}

async function findBuilder(project: ServerProject): Promise<number | undefined> {
  const [row] = await project.sql(
    `select pid from pg_stat_activity
      where datname = current_database() and query ilike 'create unique index concurrently%'
        and state = 'active' and pid <> pg_backend_pid()`,
  );
  return row?.pid as number | undefined;
}

testOnServers(
  "a build whose connection breaks is cleared away and begun again",
  async (project) => {
    await using migrator = directly(project, files);
    await migrator.migrate({ to: "001" });
    const holder = await holdUp(project);
    const run = migrator.migrate();
    await until("the build", async () => await findBuilder(project) !== undefined);
    await project.sql("select pg_terminate_backend($1)", [await findBuilder(project)]);
    await until("it ends", async () => (await indexes(project)).includes("items_id (invalid)"));
    await holder[Symbol.asyncDispose]();
    assert.equal((await run).success, true);
    assert.deepEqual(await indexes(project), ["items_id"]);
  },
);

testOnServers(
  "a run that comes upon a build waits for it, and takes it for its own",
  async (project) => {
    await using dead = directly(project, files);
    await dead.migrate({ to: "001" });
    const holder = await holdUp(project);
    const lost = dead.migrate().then(() => "done", (error: Error) => error.name);
    await until("the build", async () => await findBuilder(project) !== undefined);
    await dead.unlock({});
    const waiting: string[] = [];
    await using next = directly(project, files, {
      onProgress: (event) => {
        if (event.type === "waiting") waiting.push(event.activity?.running ?? "");
      },
    });
    const run = next.migrate();
    assert.equal(await lost, "LockLostError");
    await until("the second run looks", () => waiting.length > 0);
    await holder[Symbol.asyncDispose]();
    const { results } = await run;
    assert.deepEqual(results.map(({ name, success }) => [name, success]), [[
      "002_index.sql",
      true,
    ]]);
    assert.match(waiting[0]!, /002_index\.sql line 1/);
    assert.deepEqual(await indexes(project), ["items_id"]);
  },
);

testOnServers(
  "nothing comes over a session that another run has ended, not even over a new connection",
  async (project) => {
    const channel = openDirectChannel(project.databaseUrl, 10_000);
    for (const settings of [[], ["set work_mem = '4MB'"]]) {
      for (const asleep of [false, true]) {
        const session = await channel.openSession!("late");
        const ended = project.sql(
          "select pg_sleep(0.2), pg_terminate_backend($1)",
          [session.identity!.pid],
        );
        await delay(100);
        // Asleep, this process learns of the end and of what it is to run at the same time.
        if (asleep) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
        else await ended;
        const run = session.run(settings, "create table late (id int)");
        await assert.rejects(run, { name: "CallError" });
        await session.close();
        await ended;
      }
    }
    await channel.close();
    assert.deepEqual(await project.sql("select to_regclass('late') as late"), [{ late: null }]);
  },
);

testOnOneServer(
  "a file that was changed while its build goes on is not begun anew",
  async (project) => {
    await using first = directly(project, files);
    await first.migrate({ to: "001" });
    const holder = await holdUp(project);
    const lost = first.migrate().catch(() => {});
    await until("the build", async () => await findBuilder(project) !== undefined);
    await first.unlock({});
    const changed = {
      ...files,
      "002_index.sql": "create index concurrently other on items (tag);",
    };
    await using second = directly(project, changed);
    await assert.rejects(second.migrate(), {
      name: "MigrationFileError",
      message: /text of step 1, which has begun, was changed since/,
    });
    await holder[Symbol.asyncDispose]();
    await lost;
  },
);

testOnServers("what must not run twice is not run again where nobody knows", async (project) => {
  const once = {
    ...files,
    "002_once.sql": `do $$ begin
  insert into items values (-1);
  commit;
  perform pg_sleep(60);
end $$;`,
  };
  await using migrator = directly(project, { ...once });
  await migrator.migrate({ to: "001" });
  const run = migrator.migrate();
  run.catch(() => {});
  const find =
    "from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
  await until("the block", async () => (await project.sql(`select ${find}`)).length === 1);
  await project.sql(`select pg_terminate_backend(pid) ${find}`);
  await assert.rejects(run, {
    name: "UnknownOutcomeError",
    message: /unknown whether A DO block that commits of 002_once\.sql has run/,
  });
  await assert.rejects(migrator.migrate(), { name: "UnknownOutcomeError" });
  assert.deepEqual(await project.sql("select count(*)::int as n from items where id = -1"), [{
    n: 1,
  }]);
});

const others: Readonly<Record<string, string>> = {
  "VACUUM": "vacuum (analyze) items;",
  "REINDEX CONCURRENTLY": "reindex table concurrently items;",
  "an index without a name": "create index concurrently on items (tag);",
  "an index that is there already": "create index concurrently if not exists there on items (tag);",
  "a DO block that commits": "do $$ begin insert into items values (-1); commit; end $$;",
  "DETACH PARTITION": "alter table parts detach partition part concurrently;",
  "a session's settings": "set search_path = app; create index concurrently on inner_items (id);",
};

for (const [what, sql] of Object.entries(others)) {
  testOnServers(`over a direct connection runs ${what}`, async (project) => {
    const before = `${files["001_items.sql"]}
create index there on items (tag);
create schema app;
create table app.inner_items (id int);
create table parts (id int) partition by range (id);
create table part partition of parts for values from (1) to (2);`;
    await using migrator = directly(project, { "001_items.sql": before, "002_other.sql": sql });
    const { results, success } = await migrator.migrate();
    assert.equal(success, true, results.at(-1)?.error?.message);
  });
}
