import assert from "node:assert/strict";
import {
  ownProject,
  type ServerProject,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";

// Migrations that end their own connection. The server undoes them, and answers over another one.

const endings = {
  "terminates its backend": "select pg_terminate_backend(pg_backend_pid());",
  "forgets the API's prepared statements in a block":
    "do $$ begin execute 'deallocate all'; end $$;",
  "forgets them in a function": `create function forget() returns void language plpgsql
    as $$ begin execute 'discard plans'; execute 'deallocate all'; end $$; select forget();`,
};

/** Whether requests of the application are served, on every connection that there is. */
async function assertServed(project: ServerProject): Promise<void> {
  const answers = await Promise.all(Array.from({ length: 20 }, async () => {
    const { error } = await project.client(project.anonKey).schema("graphql_public")
      .rpc("nobody_has_this");
    return error?.code;
  }));
  assert.deepEqual([...new Set(answers)], ["PGRST202"]);
  const { error } = await project.client(project.serviceKey)
    .rpc("exec_sql", { sql_query: "select 1" });
  assert.equal(error, null);
}

for (const [what, sql] of Object.entries(endings)) {
  testOnOneServer(
    `a migration that ${what} is recorded as failed, and told as that`,
    async (project) => {
      const files = { "1_a.sql": "create table a ();", "2_ends.sql": `create table b (); ${sql}` };
      const { success, results } = await project.migrator(files).migrate();
      assert.equal(success, false);
      assert.deepEqual(results.map(({ success }) => success), [true, false]);
      assert.match(
        results[1]!.error!.message,
        /^The migration ends its connection, each of the 2 times that it was sent: /,
      );
      assert.match(results[1]!.error!.hint ?? "", /pg_terminate_backend.*DEALLOCATE ALL/);
      const { line, place } = results[1]!.error!;
      const { column, excerpt } = place!;
      assert.match(excerpt!.slice(column - 1), /^(pg_terminate_backend|deallocate all)/);
      assert.equal(line, files["2_ends.sql"].split("\n").findIndex((text) => text === excerpt) + 1);
      await assertServed(project);

      const { history, lock, log } = await project.records();
      assert.deepEqual(history.map(({ status }) => status), ["completed", "failed"]);
      assert.equal(lock[0]?.is_locked, false);
      assert.equal(log.filter(({ result }) => result === "failed").length, 1);
      assert.deepEqual(await project.sql("select from pg_class where relname = 'b'"), []);

      const { pending } = await project.migrator(files).status();
      assert.deepEqual(pending.map(({ reason }) => reason), ["failed_previously"]);
      const mended = await project.migrator({ ...files, "2_ends.sql": "create table b ();" })
        .migrate();
      assert.equal(mended.success, true);
    },
    ownProject,
  );
}

testOnOneServer("a rollback that ends its connection is in the log as failed", async (project) => {
  const migrator = project.migrator({
    "1_a.sql": "create table a ();\n-- ROLLBACK\nselect pg_terminate_backend(pg_backend_pid());",
  });
  await migrator.migrate();
  const { success, results } = await migrator.rollback();
  assert.deepEqual([success, results[0]?.success], [false, false]);
  assert.match(results[0]?.error?.message ?? "", /ends its connection/);
  const { history, log } = await project.records();
  assert.equal(history[0]?.status, "completed");
  assert.deepEqual(log.map(({ action, result }) => [action, result]), [
    ["apply", "ok"],
    ["rollback", "failed"],
  ]);
}, ownProject);

testOnOneServer("of several in one call nobody is blamed", async (project) => {
  const files = { "1_a.sql": "create table a ();", "2_b.sql": endings["terminates its backend"] };
  await assert.rejects(project.migrator(files).migrate({ transaction: "batch" }), {
    name: "ConfigurationError",
    message: /ends its connection/,
  });
  const { history, lock } = await project.records();
  assert.deepEqual([history, lock[0]?.is_locked], [[], false]);
}, ownProject);

testOnOneServer("over a direct connection it is told as well", async (project) => {
  const { databaseUrl } = project;
  const { results } = await project.migrator(
    { "1_ends.sql": endings["terminates its backend"] },
    { databaseUrl, via: "direct" },
  ).migrate();
  assert.match(results[0]?.error?.message ?? "", /ends its connection/);
  assert.equal((await project.records()).history[0]?.status, "failed");
}, ownProject);

testOnServers("install and upgrade beside a run hold up neither", async (project) => {
  const files = Object.fromEntries(
    Array.from(
      { length: 25 },
      (_, n) => [`${n + 1}_t.sql`, `create table t${n + 1} (); select pg_sleep(0.02);`],
    ),
  );
  let runs = true;
  const installing = (async () => {
    let installs = 0;
    while (runs) {
      await project.migrator({}, { databaseUrl: project.databaseUrl }).install();
      installs++;
    }
    return installs;
  })();
  const { success, results } = await project.migrator(files).migrate().finally(() => runs = false);
  assert.equal(success, true, JSON.stringify(results.find(({ success }) => !success)));
  assert.ok(await installing >= 1);
  assert.deepEqual((await project.migrator(files).doctor()).findings, []);
}, { ...ownProject, dbPool: 4 });

testOnServers("uninstall waits for the migration in flight", async (project) => {
  const files = { "1_slow.sql": "create table slow (); select pg_sleep(1);" };
  let sent = () => {};
  const reached = new Promise<void>((resolve) => sent = resolve);
  const run = project.migrator(files, {
    onProgress: ({ type }) => type === "started" && setTimeout(sent, 300),
  }).migrate();
  const ended = run.then(({ success }) => success, (error) => error.name);
  await reached;
  const { removed } = await project.migrator({}, { databaseUrl: project.databaseUrl }).uninstall();
  assert.equal(removed, true);
  // The migration was whole before everything went; what came after it found nothing to come to.
  assert.ok([true, "ConfigurationError", "LockLostError"].includes(await ended), `${await ended}`);
  assert.equal((await project.sql("select from pg_class where relname = 'slow'")).length, 1);
}, ownProject);

testOnServers("a time limit of the transaction is shown where it is set", async (project) => {
  const { results } = await project.migrator({
    "1_a.sql": "create table a ();\nset transaction_timeout = '500ms';\nselect pg_sleep(2);",
  }).migrate();
  const { error } = results[0]!;
  assert.deepEqual([results[0]?.success, error?.line], [false, 2]);
  // PostgreSQL knows it from 17 on.
  if (error?.code === "42704") return;
  assert.match(error?.message ?? "", /ends its connection/);
  assert.deepEqual(error?.place, {
    column: 5,
    excerpt: "set transaction_timeout = '500ms';",
  });
  assert.deepEqual(await project.sql("select from pg_class where relname = 'a'"), []);
}, ownProject);
