import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";

async function run(project: AnyProject, sql_query: string, params = {}): Promise<unknown> {
  const { data, error } = await project.client(project.serviceKey)
    .rpc("exec_sql", { sql_query, params });
  return error?.code ?? data;
}

testOnEveryDatabase("exec_sql() returns the rows of whatever returns rows", async (project) => {
  await run(project, "create table a (id int, name text)");
  const cases: [string, unknown][] = [
    ["select 1 as one, 'x' as x, null as nothing, array[1, 2] as list", [
      { one: 1, x: "x", nothing: null, list: [1, 2] },
    ]],
    ["values (1), (2)", [{ column1: 1 }, { column1: 2 }]],
    ["select where false", []],
    ["insert into a values (1, 'x') returning id", [{ id: 1 }]],
    ["update a set name = 'y' returning name", [{ name: "y" }]],
    ["with moved as (delete from a returning *) select name from moved", [{ name: "y" }]],
    ["show search_path", [{ search_path: '"$user", public, extensions' }]],
    ["table a", []],
    ["select 1 as a -- a comment; with a semicolon", [{ a: 1 }]],
    ["", []],
  ];
  for (const [sql, rows] of cases) assert.deepEqual(await run(project, sql), rows, sql);
});

testOnEveryDatabase(
  "exec_sql() runs several statements and what returns nothing",
  async (project) => {
    assert.deepEqual(
      await run(project, "create table a (id int); insert into a values (1); select * from a;"),
      [],
    );
    assert.deepEqual(await run(project, "update a set id = 2"), []);
    assert.deepEqual(await run(project, "select id from a"), [{ id: 2 }]);
  },
);

testOnEveryDatabase("exec_sql() takes values as $1 and never as SQL", async (project) => {
  const value = `'); drop table a; -- "$1"`;
  assert.deepEqual(await run(project, "select $1->>'value' as value", { value }), [{ value }]);
  assert.deepEqual(await run(project, "select $1 as nothing_given"), [{ nothing_given: {} }]);
});

testOnEveryDatabase(
  "exec_sql() runs every statement once, and passes its error on",
  async (project) => {
    await run(project, "create sequence runs");
    const statements: [string, unknown][] = [
      ["select nextval('runs') as n", [{ n: 1 }]],
      ["select nextval('runs'), 1 / (nextval('runs') - 3)", "22012"],
      ["create table a as select nextval('runs')", []],
      ["select nextval('runs'); select 1 / 0", "22012"],
      [
        "do $$ begin perform nextval('runs'); raise exception 'x' using errcode = 'AB123'; end $$",
        "AB123",
      ],
      ["insert into missing select nextval('runs')", "42P01"],
      ["select nextval('runs') frm", [{ frm: 7 }]],
      ["selct nextval('runs')", "42601"],
    ];
    for (const [sql, outcome] of statements) {
      assert.deepEqual(
        await run(project, sql),
        outcome,
        sql,
      );
    }
    assert.deepEqual(await run(project, "select nextval('runs') as n"), [{ n: 8 }]);
  },
);

testOnEveryDatabase("exec_sql() is one transaction", async (project) => {
  assert.equal(await run(project, "create table a (); select 1 / 0"), "22012");
  assert.deepEqual(await run(project, "select to_regclass('a') as a"), [{ a: null }]);
  assert.equal(await run(project, "begin; create table a (); commit"), "0A000");
});
