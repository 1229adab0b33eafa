import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";

const migrations = {
  "1_a.sql": "create table a ();",
  "2_b.sql": "create table b ();",
  "3_bad.sql": "create table bad ();\nselect 1/0;",
  "4_d.sql": "create table d ();",
};

async function tables(project: AnyProject): Promise<unknown[]> {
  const rows = await project.sql(
    "select tablename from pg_tables where schemaname = 'public' order by 1",
  );
  return rows.map(({ tablename }) => tablename);
}

async function history(project: AnyProject): Promise<unknown[]> {
  const { history } = await project.records();
  return history.map((
    { migration_name, status, batch_number },
  ) => [migration_name, status, batch_number]);
}

for (const transaction of ["each", "batch"] as const) {
  testOnEveryDatabase(`what precedes a failure stays (${transaction})`, async (project) => {
    const result = await project.migrator(migrations).migrate({ transaction });
    assert.deepEqual(
      result.results.map(({ name, success, undone }) => [name, success, undone]),
      [["1_a.sql", true, false], ["2_b.sql", true, false], ["3_bad.sql", false, false]],
    );
    assert.deepEqual([result.migrationsRun, result.migrationsFailed, result.batchNumber], [
      2,
      1,
      1,
    ]);
    assert.deepEqual(await tables(project), ["a", "b"]);
    assert.deepEqual(await history(project), [
      ["1_a.sql", "completed", 1],
      ["2_b.sql", "completed", 1],
      ["3_bad.sql", "failed", 1],
    ]);
    assert.equal((await project.migrator(migrations).status()).lock.isLocked, false);
  });
}

testOnEveryDatabase(
  "a failure undoes the whole run but for its failed row (all)",
  async (project) => {
    const catalog = await project.catalog();
    const result = await project.migrator(migrations, { batchSize: 2 }).migrate({
      transaction: "all",
    });
    assert.deepEqual(
      result.results.map(({ name, success, undone }) => [name, success, undone]),
      [["1_a.sql", false, true], ["2_b.sql", false, true], ["3_bad.sql", false, false]],
    );
    assert.deepEqual(
      [result.success, result.migrationsRun, result.migrationsFailed, result.batchNumber],
      [false, 0, 1, null],
    );
    assert.deepEqual(await project.catalog(), catalog);
    assert.deepEqual(await history(project), [["3_bad.sql", "failed", 2]]);
    assert.deepEqual(
      (await project.records()).log.map((
        { action, migration_name, result },
      ) => [action, migration_name, result]),
      [["apply", "3_bad.sql", "failed"]],
    );
    assert.equal((await project.migrator(migrations).status()).lock.isLocked, false);
  },
);

testOnEveryDatabase("a run in one transaction keeps its batches (all)", async (project) => {
  const { "3_bad.sql": _, ...good } = migrations;
  const result = await project.migrator(good, { batchSize: 2 }).migrate({ transaction: "all" });
  assert.deepEqual([result.success, result.batchNumber, result.migrationsRun], [true, 2, 3]);
  assert.deepEqual(await history(project), [
    ["1_a.sql", "completed", 1],
    ["2_b.sql", "completed", 1],
    ["4_d.sql", "completed", 2],
  ]);
});

testOnEveryDatabase("a batch is one request, a run in one transaction too", async (project) => {
  const many = Object.fromEntries(
    Array.from({ length: 6 }, (_, n) => [`${n}_t.sql`, `create table t${n} ();`]),
  );
  let { requests } = project;
  await project.migrator(many, { batchSize: 3 }).migrate({ transaction: "batch", to: "2" });
  assert.equal(project.requests - requests, 4);
  requests = project.requests;
  await project.migrator(many, { batchSize: 2 }).migrate({ transaction: "all" });
  assert.equal(project.requests - requests, 4);
});

testOnEveryDatabase("a failure in a later batch leaves the earlier batches", async (project) => {
  const result = await project.migrator(migrations, { batchSize: 2 })
    .migrate({ transaction: "batch" });
  assert.deepEqual([result.migrationsRun, result.batchNumber], [2, 1]);
  assert.deepEqual(await history(project), [
    ["1_a.sql", "completed", 1],
    ["2_b.sql", "completed", 1],
    ["3_bad.sql", "failed", 2],
  ]);
});

testOnEveryDatabase(
  "what a failing migration set is gone for the rest of the call",
  async (project) => {
    const result = await project.migrator({
      "1_bad.sql": "set search_path = ''; set row_security = off; select 1/0;",
    }).migrate({ transaction: "batch" });
    assert.equal(result.results[0]?.error?.code, "22012");
    assert.equal(
      (await project.migrator({ "1_bad.sql": "create table b ();" }).migrate()).success,
      true,
    );
  },
);

testOnEveryDatabase(
  "a table may be altered right after a domain has lost a constraint",
  async (project) => {
    const files = {
      "1_short.sql": "create domain short as text constraint few check (length(value) < 3);",
      "2_any.sql": `create table b (s short);
alter domain short drop constraint few;
alter table b add column n int;
-- ROLLBACK
alter domain short add constraint few check (length(value) < 3);
drop table b;`,
    };
    const migrator = project.migrator(files);
    for (const turn of ["first", "second"]) {
      const { results } = await migrator.migrate();
      assert.deepEqual(results.map(({ error }) => error), results.map(() => null), turn);
      const { success } = await migrator.rollback({ steps: 1 });
      assert.ok(success, turn);
    }
  },
);

/** Each in a transaction of its own needs a commit between them. */
const ofTheirOwn = {
  "1_mood.sql": "create type mood as enum ('well'); create table a (id int, m mood);",
  "2_ill.sql": "alter type mood add value 'ill'; alter table a add column note text;",
  "3_use.sql": "insert into a (m) values ('ill');",
  "4_now.sql": "create table times as select transaction_timestamp() as at;",
};

testOnEveryDatabase(
  "where there are no tables yet small migrations go together, and end as each by itself",
  async (project) => {
    const { requests } = project;
    const many = Object.fromEntries(
      Array.from({ length: 12 }, (_, n) => [`0_${10 + n}_t.sql`, `create table t${n} ();`]),
    );
    const first = await project.migrator(many).migrate();
    assert.deepEqual([first.success, first.migrationsRun], [true, 12]);
    assert(project.requests - requests < 3 + 12);
    assert.equal((await project.records()).log.length, 12);

    const before = project.requests;
    const next = { ...many, "1_a.sql": "create table a ();", "2_b.sql": "create table b ();" };
    assert.equal((await project.migrator(next).migrate()).migrationsRun, 2);
    assert.equal(project.requests - before, 3 + 2, "there are tables: each goes by itself");
  },
);

testOnEveryDatabase(
  "what fails behind others in its transaction is tried in one of its own",
  async (project) => {
    const { success, results } = await project.migrator(ofTheirOwn).migrate();
    assert.equal(success, true, JSON.stringify(results));
    assert.deepEqual((await project.records()).log.map(({ result }) => result), [
      "ok",
      "ok",
      "ok",
      "ok",
    ]);
  },
);

testOnEveryDatabase("a long migration has no others wait for its end", async (project) => {
  const before = project.requests;
  const { success } = await project.migrator({
    "1_a.sql": "create table a ();",
    "2_slow.sql": "select pg_sleep(1.1);",
    "3_b.sql": "create table b ();",
  }).migrate();
  assert.equal(success, true);
  assert(project.requests - before >= 5);
});

for (const transaction of ["each", "batch"] as const) {
  testOnEveryDatabase(
    `of several in one call each is told what it has opened (${transaction})`,
    async (project) => {
      const { success, results } = await project.migrator({
        "1_a.sql": "create table a ();",
        "2_opens.sql": "grant execute on all functions in schema public to anon;",
        "3_forges.sql": "delete from supamigrate.migration_history where true;",
        "4_b.sql": "create table b ();",
      }).migrate({ transaction });
      assert.equal(success, false);
      assert.deepEqual(results.map(({ notices }) => notices.length), [0, 1, 0]);
      assert.match(results[1]!.notices[0]!, /taken back/);
      assert.match(results[2]!.error!.message, /^The migration changes what is recorded/);
      assert.deepEqual(await tables(project), ["a"]);
    },
  );
}
