import assert from "node:assert/strict";
import { testOnEveryDatabase } from "../support/projects.ts";

// SELECT … INTO makes a table in psql, and EXECUTE of PL/pgSQL refuses it. Each of these makes what
// the CREATE TABLE AS beside it makes.

const forms: readonly (readonly [sql: string, makes: string])[] = [
  ["select 1 as id into made;", "create table made as select 1 as id;"],
  ["SELECT 2 AS id\nINTO TABLE made", "create table made as select 2 as id;"],
  [
    "select * into unlogged made from source where n > 1",
    "create unlogged table made as select * from source where n > 1",
  ],
  [
    "select distinct on (n) n, t into made from source order by n",
    "create table made as select distinct on (n) n, t from source order by n",
  ],
  [
    "select n into made from source union all select 7",
    "create table made as select n from source union all select 7",
  ],
  ["(select n into made from source limit 1)", "create table made as select n from source limit 1"],
  [
    "with a as (select n as x from source) select x, x::text as y into made from a",
    "create table made as with a as (select n as x from source) select x, x::text as y from a",
  ],
  [
    "select 'into other' as \"into\", $$ into $$ as b /* into c */ into made -- into d\nfrom source",
    "create table made as select 'into other' as \"into\", $$ into $$ as b from source",
  ],
  ["select into made", "create table made as select"],
  ["explain select n into made from source", "select 1"],
  [
    "explain analyze select n into made from source",
    "explain analyze create table made as select n from source",
  ],
  [
    "prepare p as select n from source; create table made as execute p",
    "create table made as select n from source",
  ],
];

testOnEveryDatabase("SELECT INTO makes the table that it makes in psql", async (project) => {
  await project.sql(
    "create table public.source as select n, n::text as t from generate_series(1, 3) n",
  );
  const describe = () =>
    project.sql(`
      select c.relpersistence as kind, a.attname as column, format_type(atttypid, atttypmod) as type,
             query_to_xml('select count(*), sum(hashtext(m::text)::bigint) from public.made m', true, true, '')::text as rows
        from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
       where c.oid = to_regclass('public.made') order by a.attnum`);
  await project.sql("grant select on public.source to public");
  for (const [index, [sql, makes]] of forms.entries()) {
    const made = [];
    for (
      const [name, text] of [[`${index}1_into.sql`, sql], [`${index}2_as.sql`, makes]] as const
    ) {
      const { results } = await project.migrator({ [name]: `select '${name}';\n${text}` })
        .migrate();
      assert.deepEqual(results.map(({ error }) => error?.message), [undefined], text);
      made.push(await describe());
      await project.sql("drop table if exists public.made");
    }
    assert.deepEqual(made[0], made[1], sql);
  }
});

testOnEveryDatabase("SELECT INTO TEMP makes a table for the migration alone", async (project) => {
  for (const [index, temporary] of ["temp", "temporary table", "local temp"].entries()) {
    const { results } = await project.migrator({
      [`${index}_a.sql`]: `select 1 as id into ${temporary} scratch;
        create table kept_${index} as select * from scratch;`,
    }).migrate();
    assert.deepEqual(results.map(({ error }) => error?.message), [undefined]);
    assert.deepEqual(await project.sql(`select id from public.kept_${index}`), [{ id: 1 }]);
  }
  assert.deepEqual(await project.sql("select from pg_class where relname = 'scratch'"), []);
});

testOnEveryDatabase("a SELECT INTO that fails is told as it is", async (project) => {
  const { results } = await project.migrator({
    "1_a.sql": "create table made ();\n\nselect 1 as id\n  into made;",
  }).migrate();
  const { error } = results[0]!;
  assert.deepEqual([error?.code, error?.statement, error?.context], ["42P07", 2, undefined]);
});

testOnEveryDatabase("rollback SQL may select into a table", async (project) => {
  const migrator = project.migrator({
    "1_a.sql": "create table a (n int);\n-- ROLLBACK\nselect * into a_backup from a; drop table a;",
  });
  await migrator.migrate();
  assert.equal((await migrator.rollback()).success, true);
  assert.deepEqual(await project.sql("select n from public.a_backup"), []);
});
