import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { ProgressEvent } from "../../mod.ts";
import { Workspace } from "../support/cli.ts";
import { type ServerProject, testOnEveryDatabase, testOnServers } from "../support/projects.ts";

type Retry = Extract<ProgressEvent, { type: "retrying" }>;

const widen = { "1_widen.sql": "alter table busy add column a int;" };

/** A table that a transaction reads, which it can be told to end. */
async function readIn(project: ServerProject) {
  await project.sql("create table busy (); alter table busy owner to postgres");
  const reader = await project.connect();
  await reader.sql("set application_name = 'reports'; begin; lock table busy in access share mode");
  return reader;
}

testOnServers(
  "a migration that waits lets the application through, and is done when nothing is in its way",
  async (project) => {
    await using reader = await readIn(project);
    const retries: Retry[] = [];
    let isDone = false;
    /** Asks again and again, and returns how long the slowest request took on the server, in ms. */
    const use = async (sql: string) => {
      await using application = await project.connect();
      let slowest = 0;
      while (!isDone) {
        const [row] = await application.sql(
          `select 1000 * extract(epoch from clock_timestamp() - statement_timestamp())::float8 as ms
             ${sql}`,
        );
        slowest = Math.max(slowest, Number(row?.ms));
        await delay(2);
      }
      return slowest;
    };
    // What a request waits for on a busy machine is not for the lock alone.
    const using_ = Promise.all([use("from (select count(*) from busy) it"), use("")]);

    const result = await project.migrator(widen, {
      limits: { lockTimeoutMs: 250, lockRetries: 20 },
      onProgress: (event) => {
        if (event.type !== "retrying") return;
        if (retries.push(event) === 2) void reader.sql("rollback");
      },
    }).migrate();
    isDone = true;
    const [slowest, noise] = await using_;

    assert.deepEqual([result.success, result.migrationsRun], [true, 1]);
    assert.ok(slowest > 100 && slowest < 250 + 100 + noise, `a request waited ${slowest} ms`);
    const [first] = retries;
    assert.deepEqual(
      [first?.migration, first?.attempt, first?.attempts],
      ["1_widen.sql", 1, 21],
    );
    // The eldest is first; a request that had queued behind the statement may be reading by now.
    const [blocker] = first?.blockedBy ?? [];
    assert.deepEqual(
      [blocker?.user, blocker?.application, blocker?.state],
      ["postgres", "reports", "idle in transaction"],
    );
    assert.ok(!first?.blockedBy.some(({ state }) => state === "idle"));
    const { history, log } = await project.records();
    assert.deepEqual(history.map(({ status }) => status), ["completed"]);
    assert.deepEqual(log.map(({ action, result }) => [action, result]), [["apply", "ok"]]);
  },
);

testOnServers(
  "what never gets its locks fails once, and names who was in its way",
  async (project) => {
    await using reader = await readIn(project);
    const result = await project.migrator({ "0_first.sql": "create table first ();", ...widen }, {
      limits: { lockTimeoutMs: 50, lockRetries: 2 },
    }).migrate({ transaction: "batch" });
    await reader.sql("rollback");

    assert.deepEqual(result.results.map(({ success }) => success), [true, false]);
    const { error } = result.results[1]!;
    assert.deepEqual([error?.code, error?.line, error?.attempts], ["55P03", 1, 3]);
    assert.match(error?.blockedBy?.[0]?.query ?? "", /lock table busy in access share mode/);
    const { log } = await project.records();
    assert.deepEqual(log.map(({ migration_name, result }) => [migration_name, result]), [
      ["0_first.sql", "ok"],
      ["1_widen.sql", "failed"],
    ]);
    const { pending } = await project.migrator({
      "0_first.sql": "create table first ();",
      ...widen,
    })
      .status();
    assert.equal(pending[0]?.error?.blockedBy?.[0]?.application, "reports");
  },
);

testOnServers("all or nothing of a run is tried again as a whole", async (project) => {
  await using reader = await readIn(project);
  const migrations = { "0_first.sql": "create table first ();", ...widen };
  const result = await project.migrator(migrations, {
    limits: { lockTimeoutMs: 50, lockRetries: 3 },
    onProgress: (event) => void (event.type === "retrying" && reader.sql("rollback")),
  }).migrate({ transaction: "all" });

  assert.deepEqual(result.results.map(({ success }) => success), [true, true]);
  const { log } = await project.records();
  assert.deepEqual(log.map(({ migration_name }) => migration_name), Object.keys(migrations));
});

testOnServers("a run that is asked to stop does not try again", async (project) => {
  await using reader = await readIn(project);
  const stopping = new AbortController();
  const result = await project.migrator(widen, {
    limits: { lockTimeoutMs: 50, lockRetries: 100 },
    signal: stopping.signal,
    onProgress: (event) => void (event.type === "retrying" && stopping.abort()),
  }).migrate();
  await reader.sql("rollback");

  assert.deepEqual([result.interrupted, result.results], [true, []]);
  assert.deepEqual((await project.records()).history, []);
});

testOnServers("rollback waits for its locks in short attempts as well", async (project) => {
  const migrations = {
    "1_busy.sql": "create table busy ();\n-- ROLLBACK\n-- supamigrate: lock_timeout 50ms\n" +
      "drop table busy;",
  };
  await project.migrator(migrations).migrate();
  await using reader = await project.connect();
  await reader.sql("begin; lock table busy in access share mode");
  const result = await project.migrator(migrations, {
    limits: { lockTimeoutMs: 8000, lockRetries: 5 },
    onProgress: (event) => void (event.type === "retrying" && reader.sql("rollback")),
  }).rollback();
  assert.deepEqual([result.success, result.migrationsRolledBack], [true, 1]);
});

testOnEveryDatabase("a file's limits come before those of the run", async (project) => {
  const tell = `create table told as
    select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement`;
  const limits = { lockTimeoutMs: 3000, statementTimeoutMs: 240_000 };
  const read = () => project.sql("select * from told");

  await project.migrator({ "1_told.sql": `${tell};` }, { limits }).migrate();
  assert.deepEqual(await read(), [{ lock: "3s", statement: "4min" }]);

  await project.migrator({
    "2_told.sql": `-- supamigrate: lock_timeout 500ms\n\n-- FORWARD MIGRATION\n` +
      `-- supamigrate: statement_timeout 1h\ndrop table told;\n${tell};\n` +
      "-- supamigrate: commit\nselect 1;",
  }, { limits }).migrate();
  assert.deepEqual(await read(), [{ lock: "500ms", statement: "1h" }]);
});

testOnServers(
  "a check that takes too long is cancelled on the server, and what the run has applied taken back",
  async (project) => {
    const asked = async () => {
      const [row] = await project.sql(`
        select count(*)::int as asked from pg_stat_activity
         where application_name like 'supamigrate check %' and state = 'active'
           and datname = current_database()`);
      return row?.asked;
    };
    for (
      const options of [{}, { via: "direct", databaseUrl: project.databaseUrl } as const]
    ) {
      await using migrator = project.migrator(widen, options);
      const started = performance.now();
      const late = await migrator.checkHealth("select pg_sleep(50)", { timeoutMs: 1000 });
      assert.deepEqual([late.passed, late.message], [
        false,
        "The query took longer than 1 s, and was cancelled",
      ]);
      assert.ok(performance.now() - started < 20_000);
      assert.equal(await asked(), 0);
      // Whoever takes the answer for another one is left with a connection that still works.
      const well = await migrator.checkHealth("select 1", { timeoutMs: 5000 });
      assert.equal(well.passed, true);
      const wrong = await migrator.checkHealth("select 1 / 0", { timeoutMs: 5000 });
      assert.equal(wrong.message, "The query failed: division by zero");
    }

    await using workspace = await Workspace.create({
      "1_calm.sql": "create table calm ();\n-- ROLLBACK\ndrop table calm;",
    });
    const { code, stdout, stderr } = await workspace.run(
      ["migrate", "--check", "select pg_sleep(50)", "--rollback-on-failed-check", "--json"],
      {
        SUPABASE_URL: project.url,
        SUPABASE_SERVICE_KEY: project.serviceKey,
        MIGRATION_REQUEST_TIMEOUT: "5000",
      },
    );
    assert.equal(code, 1, stderr);
    const { check } = JSON.parse(stdout);
    assert.equal(check.message, "The query took longer than 4 s, and was cancelled");
    assert.deepEqual(check.rolledBack.results.map(({ name }: { name: string }) => name), [
      "1_calm.sql",
    ]);
    assert.deepEqual(await project.sql("select to_regclass('calm')::text as there"), [
      { there: null },
    ]);
  },
);
