import assert from "node:assert/strict";
import { supautilsProject, testOnEveryDatabase, testOnServers } from "../support/projects.ts";

const table = (name: string) =>
  `create table ${name} (id int);\n-- ROLLBACK\ndrop table ${name};\n`;

testOnEveryDatabase(
  "fresh() undoes everything and applies everything as batch 1",
  async (project) => {
    const migrations = { "1_a.sql": table("a"), "2_b.sql": table("b"), "3_c.sql": table("c") };
    await project.migrator(migrations).migrate({ to: "2" });
    await project.migrator(migrations).migrate();
    await project.sql("insert into a values (1)");

    const result = await project.migrator(migrations).fresh();

    assert.equal(result.success, true);
    assert.deepEqual(result.rolledBack.map(({ name }) => name), ["3_c.sql", "2_b.sql", "1_a.sql"]);
    assert.deepEqual(
      [result.migrated?.batchNumber, result.migrated?.migrationsRun, result.dropped],
      [1, 3, []],
    );
    assert.deepEqual(await project.sql("select * from a"), []);
    const { history, lock } = await project.records();
    assert.deepEqual(history.map(({ batch_number, status }) => [batch_number, status]), [
      [1, "completed"],
      [1, "completed"],
      [1, "completed"],
    ]);
    assert.equal(lock[0]?.is_locked, false);
  },
);

testOnEveryDatabase("fresh() on an empty database is a first migrate()", async (project) => {
  const result = await project.migrator({ "1_a.sql": table("a") }).fresh();
  assert.deepEqual([result.success, result.migrated?.batchNumber], [true, 1]);
});

testOnEveryDatabase("fresh() refuses when one migration has no rollback SQL", async (project) => {
  const migrations = { "1_a.sql": table("a"), "2_b.sql": "create table b ();" };
  await project.migrator(migrations).migrate();
  const records = await project.records();
  await assert.rejects(project.migrator(migrations).fresh(), {
    name: "ConfigurationError",
    message: /no rollback SQL for 2_b\.sql/,
    hint: /--drop-schema/,
  });
  assert.deepEqual(await project.records(), records);
});

testOnEveryDatabase("fresh() stops where an undo fails", async (project) => {
  const migrations = {
    "1_a.sql": "create table a (id int);\n-- ROLLBACK\nselect 1/0;\n",
    "2_b.sql": table("b"),
  };
  await project.migrator(migrations).migrate();
  const result = await project.migrator(migrations).fresh();
  assert.deepEqual([result.success, result.migrated], [false, null]);
  assert.deepEqual(result.rolledBack.map(({ name, success }) => [name, success]), [
    ["2_b.sql", true],
    ["1_a.sql", false],
  ]);
});

testOnEveryDatabase("fresh() undoes what has no file any more", async (project) => {
  await project.migrator({ "1_a.sql": table("a"), "2_gone.sql": table("b") }).migrate();
  const result = await project.migrator({ "1_a.sql": table("a") }).fresh();
  assert.deepEqual(result.rolledBack.map(({ name, source }) => [name, source]), [
    ["2_gone.sql", "stored"],
    ["1_a.sql", "file"],
  ]);
  assert.equal((await project.migrator({ "1_a.sql": table("a") }).status()).missing.length, 0);
});

const everything = {
  "1_everything.sql": `
    create type mood as enum ('calm');
    create type pair as (a int, b int);
    create type span as range (subtype = int);
    create domain positive as int check (value > 0);
    create sequence counter;
    create table "Odd ""Name" (id int primary key, mood mood, n positive);
    create table child (parent int references "Odd ""Name", made int default nextval('counter'));
    create table parts (id int) partition by range (id);
    create table part partition of parts for values from (0) to (10);
    create view seen as select * from child;
    create materialized view kept as select * from seen;
    create function add(a int, b int default 1) returns int language sql as 'select a + b';
    create procedure act() language sql as 'select 1';
    create aggregate total(int) (sfunc = int4pl, stype = int);
    create operator === (leftarg = int, rightarg = int, function = int4eq);
    create collation plain from "C";
    create text search configuration words (copy = simple);
    create statistics odd_statistics on parent, made from child;
    create function on_user() returns trigger language plpgsql as 'begin return new; end';
    create trigger on_user after insert on auth.users for each row execute function on_user();
    create schema app;
    create table app.things (mood public.mood);
    insert into storage.buckets (id, name) values ('b', 'b');
    create policy "Own ""folder" on storage.objects for select using (true);
    alter publication supabase_realtime add table child;
    create table profiles (id uuid references auth.users);
  `,
};

testOnEveryDatabase("fresh({ dropSchema }) empties the application's schemas", async (project) => {
  const empty = await project.catalog();
  await project.migrator(everything).migrate();
  const full = await project.catalog();

  const again = await project.migrator({
    "1_everything.sql": everything["1_everything.sql"]
      .replace("insert into storage.buckets (id, name) values ('b', 'b');", ""),
  }).fresh({ dropSchema: true });
  assert.equal(again.success, true, JSON.stringify(again.migrated?.results));
  assert.deepEqual([again.migrated?.batchNumber, again.rolledBack], [1, []]);
  assert.deepEqual(await project.catalog(), full);
  assert.ok(again.dropped.includes("schema app"));
  assert.ok(again.dropped.includes('policy "Own ""folder" on storage.objects'));

  await project.migrator({ "1_everything.sql": "select 1;" }).fresh({ dropSchema: true });
  await project.sql(
    "begin; set local storage.allow_delete_query = 'true'; delete from storage.buckets; commit",
  );
  assert.deepEqual(await project.catalog(), empty);
}, supautilsProject);

testOnEveryDatabase(
  "fresh({ dropSchema }) leaves what is not the application's",
  async (project) => {
    await project.sql(`
    create extension citext schema public;
    insert into storage.buckets (id, name) values ('b', 'b');
    insert into auth.users (id) values (gen_random_uuid());
  `);
    const before = await project.catalog();

    const result = await project.migrator({ "1_a.sql": "select 1;" }).fresh({ dropSchema: true });

    assert.equal(result.success, true);
    assert.deepEqual(result.dropped, []);
    assert.deepEqual(await project.catalog(), before);
  },
);

testOnEveryDatabase("fresh({ dropSchema }) is in the audit log", async (project) => {
  await project.migrator({ "1_a.sql": table("a") }).migrate();
  await project.migrator({ "1_a.sql": table("a") }).fresh({ dropSchema: true });
  const log = await project.migrator({ "1_a.sql": table("a") }).history();
  assert.deepEqual(log.map(({ action, migration, result }) => [action, migration, result]), [
    ["apply", "1_a.sql", "ok"],
    ["drop application schemas", null, "ok"],
    ["apply", "1_a.sql", "ok"],
  ]);
  assert.deepEqual(log[1]?.details, { dropped: ["table public.a"] });
});

testOnServers("fresh({ dropSchema }) that cannot drop something drops nothing", async (project) => {
  await project.migrator({ "1_a.sql": table("a") }).migrate();
  await project.sql("create schema of_another");
  const [records, catalog] = [await project.records(), await project.catalog()];
  await assert.rejects(project.migrator({ "1_a.sql": table("a") }).fresh({ dropSchema: true }), {
    message: /^The database refused: must be owner of schema of_another/,
  });
  assert.deepEqual(await project.catalog(), catalog);
  assert.deepEqual((await project.records()).history, records.history);
});
