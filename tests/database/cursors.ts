import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";

// Cursors of a migration live as long as its transaction, as in psql.

async function apply(project: AnyProject, files: Record<string, string>) {
  const { results } = await project.migrator(files).migrate();
  return results.map(({ error }) => error?.message ?? null);
}

testOnEveryDatabase("CLOSE ALL closes what the migration has opened", async (project) => {
  assert.deepEqual(
    await apply(project, {
      "1_none.sql": "close all;",
      "2_some.sql": `declare one cursor for select 1; declare two cursor with hold for select 2;
        close all; declare one cursor for select 1;
        create table counted as select count(*) as n from pg_cursors where name in ('one', 'two');`,
      "3_in_a_block.sql": "do $$ begin execute 'close all'; end $$; select 1;",
    }),
    [null, null, null],
  );
  assert.deepEqual(await project.sql("select n::int as n from public.counted"), [{ n: 1 }]);
});

testOnEveryDatabase("CLOSE ALL in a run that is one transaction", async (project) => {
  const { success, migrationsRun } = await project.migrator({
    "1_a.sql": "close all; create table a ();",
    "2_b.sql": "declare c cursor for select 1; close all;",
    "3_c.sql": "create table c ();",
  }).migrate({ transaction: "all" });
  assert.deepEqual([success, migrationsRun], [true, 3]);
});

testOnEveryDatabase("a cursor is there for the statements after it", async (project) => {
  assert.deepEqual(
    await apply(project, {
      "1_a.sql": `create table a (n int);
insert into a select generate_series(1, 3);
declare c scroll cursor for select n from a order by n for update;
fetch 2 from c;
update a set n = 20 where current of c;
move forward 1 from c;
delete from a where current of c;
close c;`,
    }),
    ["DECLARE SCROLL CURSOR ... FOR UPDATE is not supported"],
  );
  assert.deepEqual(
    await apply(project, {
      "1_a.sql": `create table a (n int);
insert into a select generate_series(1, 3);
declare c cursor for select n from a for update;
fetch 2 from c;
update a set n = 20 where current of c;
move forward 1 from c;
delete from a where current of c;`,
    }),
    [null],
  );
  assert.deepEqual(await project.sql("select n from public.a order by n"), [{ n: 1 }, { n: 20 }]);
});

testOnEveryDatabase("a cursor may be open on a temporary table at the end", async (project) => {
  const temporary = "create temp table rows as select 1 as n;\n";
  assert.deepEqual(
    await apply(project, {
      "1_declared.sql": `${temporary}declare c cursor for select n from rows;`,
      "2_read.sql": `${temporary}declare c cursor for select n from rows; fetch c;`,
      "3_held.sql": `${temporary}declare c cursor with hold for select n from rows;`,
      "4_of_a_block.sql": `${temporary}do $$ declare c refcursor; begin
        open c for select n from rows; end $$;`,
      "5_next.sql": "create table after_all ();",
    }),
    [null, null, null, null, null],
  );
  assert.equal((await project.sql("select from pg_class where relname = 'after_all'")).length, 1);
});

testOnEveryDatabase("a cursor does not outlive its migration", async (project) => {
  const { success, results } = await project.migrator({
    "1_a.sql": "declare c cursor with hold for select 1; declare d cursor for select 2;",
    "2_b.sql": "declare c cursor for select 1; declare d cursor for select 2;",
  }).migrate({ transaction: "batch" });
  assert.deepEqual([success, results[1]?.error], [true, null]);
});

testOnEveryDatabase(
  "a cursor that COMMIT would fail to keep fails its migration",
  async (project) => {
    const sql = `create table a (n int);
insert into a select generate_series(0, 2);
declare c cursor with hold for select 1 / (n - 1) from a;`;
    assert.deepEqual(await apply(project, { "1_a.sql": sql }), ["division by zero"]);
    assert.deepEqual(await project.sql("select from pg_class where relname = 'a'"), []);
  },
);

testOnEveryDatabase("exec_sql leaves no cursor open, nor stumbles over one", async (project) => {
  const client = project.client(project.serviceKey);
  for (let round = 0; round < 5; round++) {
    const { error } = await client.rpc("exec_sql", {
      sql_query: `create temp table rows as select 1 as n; declare c cursor for select n from rows;
        declare d cursor with hold for select 2;`,
    });
    assert.equal(error, null, error?.message);
  }
});
