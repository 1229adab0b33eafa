/** Migrations of several steps, each of which is committed by itself. */

import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";
import { testOnBothWays } from "./channel_projects.ts";

const inSteps = {
  "001_steps.sql": `create table first ();
-- supamigrate: commit
create table second ();
-- supamigrate: commit
select 1 / (select count(*) from pg_class where relname = 'wanted');
create table third ();
-- supamigrate: commit
create table fourth ();
-- ROLLBACK
drop table fourth;
-- supamigrate: commit
drop table third;
drop table second;
-- supamigrate: commit
drop table first;
`,
};

async function tables(project: AnyProject): Promise<string> {
  const rows = await project.sql(
    "select tablename from pg_tables where schemaname = 'public' and tablename <> 'wanted' order by 1",
  );
  return rows.map(({ tablename }) => tablename).join(" ");
}

testOnEveryDatabase(
  "a failed step leaves those before it, and the next run goes on",
  async (project) => {
    const migrator = project.migrator(inSteps);
    const failed = await migrator.migrate();
    assert.equal(failed.success, false);
    const [{ steps, error }] = failed.results as [typeof failed.results[0]];
    assert.deepEqual(steps, { done: 2, total: 4 });
    assert.deepEqual([error!.code, error!.line, error!.statement], ["22012", 5, 1]);
    assert.equal(await tables(project), "first second");

    const { pending, executed } = await migrator.status();
    assert.equal(executed, 0);
    assert.deepEqual(
      pending.map(({ name, reason, steps, error }) => [name, reason, steps, error?.code]),
      [["001_steps.sql", "failed_previously", { done: 2, total: 4 }, "22012"]],
    );

    await project.sql("create table wanted ()");
    const done = await migrator.migrate();
    assert.deepEqual(done.results.map(({ success, steps }) => [success, steps]), [
      [true, { done: 4, total: 4 }],
    ]);
    assert.equal(await tables(project), "first fourth second third");
    const { pending: left, upToDate } = await migrator.status();
    assert.deepEqual([left, upToDate], [[], true]);
    const log = await migrator.history();
    assert.deepEqual(log.map(({ action, result }) => `${action} ${result}`).reverse(), [
      "apply step ok",
      "apply step ok",
      "apply failed",
      "apply step ok",
      "apply ok",
    ]);
  },
);

testOnEveryDatabase("what stands behind the steps that are done may be mended", async (project) => {
  await project.migrator(inSteps).migrate();
  const mended = inSteps["001_steps.sql"].replace(/select 1 .*\n/, "");
  const result = await project.migrator({ "001_steps.sql": mended }).migrate();
  assert.equal(result.success, true);
  assert.equal(await tables(project), "first fourth second third");
});

testOnEveryDatabase("the steps that are left may be deleted", async (project) => {
  await project.migrator(inSteps).migrate();
  const ended = "create table first ();\n-- supamigrate: commit\ncreate table second ();\n";
  const migrator = project.migrator({ "001_steps.sql": ended });
  assert.equal((await migrator.migrate()).success, true);
  assert.equal((await migrator.status()).upToDate, true);
  assert.equal(await tables(project), "first second");
});

testOnEveryDatabase(
  "steps that are done and read otherwise now are told, and nothing is run",
  async (project) => {
    await project.migrator(inSteps).migrate();
    const changed = {
      "001_steps.sql": inSteps["001_steps.sql"].replace("table first", "table other"),
    };
    const records = await project.records();
    await assert.rejects(project.migrator(changed).migrate(), {
      name: "MigrationFileError",
      message:
        "2 of the 4 steps of 001_steps.sql are done, and the text of step 1 was changed since",
      hint: /Put its text back .*--mark applied, or --mark pending/,
    });
    assert.deepEqual(await project.records(), records);
  },
);

testOnEveryDatabase(
  "repair starts a migration over that is applied in part, or takes it for done",
  async (project) => {
    await project.migrator(inSteps).migrate();
    const migrator = project.migrator(inSteps);
    await migrator.repair("001", { mark: "applied" });
    assert.equal((await migrator.status()).upToDate, true);
    await migrator.repair("001", { mark: "pending" });
    assert.deepEqual((await migrator.status()).pending.map(({ steps }) => steps), [null]);
  },
);

testOnEveryDatabase("rollback() undoes by steps, and goes on where it failed", async (project) => {
  await project.sql("create table wanted ()");
  const migrator = project.migrator(inSteps);
  await migrator.migrate();
  await project.sql("create view keeps as select from second");
  const failed = await migrator.rollback();
  assert.deepEqual(failed.results.map(({ success, steps }) => [success, steps]), [
    [false, { done: 1, total: 3 }],
  ]);
  const status = await migrator.status();
  assert.deepEqual([status.undoneInPart, status.upToDate], [["001_steps.sql"], false]);
  assert.match(status.warnings.join("\n"), /undone in part \(1 of the 3 steps/);

  await project.sql("drop view keeps");
  assert.equal((await migrator.rollback()).success, true);
  assert.equal(await tables(project), "");
  assert.deepEqual((await migrator.status()).pending.map(({ reason }) => reason), ["rolled_back"]);
});

testOnEveryDatabase("rollback() undoes first what is applied in part", async (project) => {
  const before = "create table before ();\n-- ROLLBACK\ndrop table before;\n";
  const lenient = inSteps["001_steps.sql"].replaceAll("drop table", "drop table if exists");
  const migrator = project.migrator({ "000_before.sql": before, "001_steps.sql": lenient });
  await migrator.migrate();
  const { results } = await migrator.rollback({ steps: 1 });
  assert.deepEqual(results.map(({ name, success }) => [name, success]), [["001_steps.sql", true]]);
  assert.equal(await tables(project), "before");
});

testOnEveryDatabase(
  "the settings of a session reach its later steps, and SET LOCAL its own",
  async (project) => {
    const files = {
      "001_settings.sql": `create schema app;
set search_path = app;
-- supamigrate: commit
create table inside ();`,
      "002_blocks.sql": `begin;
set local search_path = app;
create table local ();
commit;
begin;
create table outside ();
commit;`,
    };
    assert.equal((await project.migrator(files).migrate()).success, true);
    const made = await project.sql(
      `select schemaname || '.' || tablename as name from pg_tables
      where tablename in ('inside', 'local', 'outside') order by 1`,
    );
    assert.deepEqual(made.map(({ name }) => name), ["app.inside", "app.local", "public.outside"]);
  },
);

testOnEveryDatabase("a new enum value can be used in the file that adds it", async (project) => {
  const files = {
    "001_mood.sql": "create type mood as enum ('calm'); create table diary (feels mood);",
    "002_wild.sql": "alter type mood add value 'wild';\ninsert into diary values ('wild');",
    "003_blocks.sql": `begin;
alter type mood add value 'odd';
commit;
begin;
insert into diary values ('odd');
commit;`,
    "004_other.sql": `create type weather as enum ('dry');
alter type weather add value 'wet';
create table days (was weather default 'wet');`,
  };
  const result = await project.migrator(files).migrate({ transaction: "batch" });
  assert.deepEqual(result.results.map(({ success, error }) => [success, error]), [
    [true, null],
    [true, null],
    [true, null],
    [true, null],
  ]);
  assert.deepEqual(
    await project.sql("select feels::text as said from diary order by diary.feels"),
    [
      { said: "wild" },
      { said: "odd" },
    ],
  );
});

testOnEveryDatabase(
  "a table can be changed after its rows were, also where constraints are deferred",
  async (project) => {
    const files = {
      "001_keys.sql": `create table pairs (id int unique deferrable initially deferred);
insert into pairs values (1), (2);
alter table pairs add column label text;
update pairs set id = 3 - id;
create index pairs_label on pairs (label);
delete from pairs where id = 1;
truncate pairs;
insert into pairs values (7);
drop table pairs;`,
      "002_twice.sql": `create table twice (id int unique deferrable initially deferred);
insert into twice values (1), (1);
alter table twice add column label text;`,
    };
    const { results } = await project.migrator(files).migrate();
    assert.deepEqual(
      results.map(({ success, error }) => [success, error?.code, error?.statement]),
      [[true, undefined, undefined], [false, "23505", 3]],
    );
  },
);

testOnEveryDatabase("what needs commits cannot be one transaction with others", async (project) => {
  const records = await project.records();
  await assert.rejects(project.migrator(inSteps).migrate({ transaction: "all" }), {
    name: "ConfigurationError",
    message: "Not everything can be one transaction: 001_steps.sql needs commits",
  });
  const { lock: _, operations: _operations, ...kept } = await project.records();
  const { lock: _lock, operations: _before, ...before } = records;
  assert.deepEqual(kept, before);
});

testOnEveryDatabase("redo refuses what is not one transaction", async (project) => {
  const one = { "001_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;\n" };
  await project.migrator(one).migrate();
  const two = {
    "001_a.sql": `${one["001_a.sql"].replace(";", ";\n-- supamigrate: commit\nselect 1;")}`,
  };
  await assert.rejects(project.migrator(two).migrate({ onChange: "redo" }), {
    name: "ConfigurationError",
    message:
      /Cannot undo the applied version of 001_a\.sql and apply the new one in one transaction/,
  });
  assert.equal(await tables(project), "a");
});

testOnEveryDatabase(
  "progress that the audit log does not know of is not believed",
  async (project) => {
    await project.migrator(inSteps).migrate();
    await project.sql(
      `update supamigrate.migration_history
        set progress = jsonb_set(progress, '{digests}', progress->'digests' || '["a"]')`,
    );
    assert.deepEqual((await project.migrator(inSteps).status()).unvouched, ["001_steps.sql"]);
    await assert.rejects(project.migrator(inSteps).migrate(), /not what the audit log says/);
  },
);

testOnBothWays("each step takes effect once where its reply is lost", async (project) => {
  await project.sql("create table witness (said int); alter table witness owner to postgres");
  const steps = [1, 2, 3].map((number) => `insert into witness values (${number});`);
  const migrator = project.migrator({ "001_a.sql": steps.join("\n-- supamigrate: commit\n") });
  using _ = project.gateway.intercept(
    async (request, forward) => {
      const isChange = (await request.clone().text()).includes("supamigrate.perform");
      const reply = await forward(request);
      if (isChange) throw new Error("dropped");
      return reply;
    },
  );
  const result = await migrator.migrate();
  assert.deepEqual(result.results.map(({ success, steps }) => [success, steps]), [
    [true, { done: 3, total: 3 }],
  ]);
  assert.deepEqual(await project.sql("select said from witness order by said"), [
    { said: 1 },
    { said: 2 },
    { said: 3 },
  ]);
});
