import assert from "node:assert/strict";
import { formatRollback } from "../../lib/output/rollback.ts";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";

// Where an error of the server is shown: what it says has no position.

const SETUP =
  `create table known (id int, name text); create table app_known (id int, known_id int);
create function twice(n int) returns int language sql as 'select n * 2';
create function fails(n int) returns int language plpgsql as $$ begin return n / 0; end $$;`;

/** Makes what the statements are about, and a function that applies one and says how it failed. */
async function prepare(project: AnyProject) {
  await project.migrator({ "0_setup.sql": SETUP }).migrate();
  let number = 0;
  return async (sql: string) => {
    const files = { "0_setup.sql": SETUP, [`${++number}_b.sql`]: sql };
    return (await project.migrator(files).migrate()).results[0]?.error;
  };
}

/** Statements that fail; ‸ stands before what the error is about. */
const exact: Readonly<Record<string, string>> = {
  "a column": `select 1;
select id,
       name,
       ‸nmae
  from known;`,
  "a column of a table": "select k.id,\n  ‸k.nmae from known k;",
  "a quoted column": 'select\n  ‸"Name" from known;',
  "a column to be dropped": "alter table known\n  drop column ‸nmae;",
  "a table": "create view v as select *\nfrom known -- unknown\n  join ‸unknown using (id);",
  "a table with its schema": "insert into known\nselect id, '' from\n  ‸public.unknown;",
  "a quoted table": 'select 1\nfrom ‸"My ""Table""";',
  "a function": "select id,\n  ‸thrice(id) from known;",
  "a function with its schema": "select\n  ‸public.thrice(2);",
  "a type": "create table a (\n  id int,\n  kind ‸citxt\n);",
  "a schema": "create table\n  ‸nowhere.a (id int);",
  "a role": "grant select on known\n  to ‸nobody_has_this;",
  "a table that exists": "create table\n  ‸known (id int);",
  "a literal": "insert into known values\n  (1, 'one'),\n  (‸'two', '2');",
  "a table of a query": "select id, ‸knwon.name\n  from known;",
  "behind others on its line": "select 'é😀'; select ‸nmae from known;",
  "a statement of a block": `do $$
begin
  -- nmae
  perform nmae.id from known nmae;
  insert into known
    (id, ‸nmae) values (1, '');
end $$;`,
  "an expression of a block": "do $$\ndeclare a int;\nbegin\n  a := 1 +\n    ‸b;\nend $$;",
  "a function of SQL":
    "create function f() returns text language sql as $$\n  select 1;\n  select ‸nmae\n  from known;\n$$;",
  "a variable of a function":
    "create function f() returns int language plpgsql as $$\nbegin\n  ‸total := 1;\n  return 1;\nend $$;",
};
testOnEveryDatabase("an error is shown where it is", async (project) => {
  const fail = await prepare(project);
  for (const [what, text] of Object.entries(exact)) {
    const sql = text.replace("‸", "");
    const before = text.slice(0, text.indexOf("‸")).split("\n");
    const error = await fail(`-- b\n\n${sql}`);
    const column = [...before.at(-1)!].length + 1;
    assert.deepEqual(
      [error?.line, error?.place],
      [before.length + 2, { column, excerpt: sql.split("\n")[before.length - 1] }],
      `${what}: ${JSON.stringify(error)}`,
    );
  }
});

const lines: Readonly<Record<string, readonly [sql: string, line: number]>> = {
  "what happens while rows are written": [
    "insert into known\nvalues (1, '');\ninsert into app_known\n  select 1, 1 / 0;",
    3,
  ],
  "what a function does that is called": ["select 1;\nselect\n  fails(1);", 2],
  "what a function does that a block calls": [
    "do $$\nbegin\n  perform 1;\n  perform fails(1);\nend $$;",
    4,
  ],
  "a block between apostrophes": ["do '\nbegin\n  perform nmae;\nend';", 3],
};
testOnEveryDatabase("an error that is about no name has its line alone", async (project) => {
  const fail = await prepare(project);
  for (const [what, [sql, line]] of Object.entries(lines)) {
    const error = await fail(sql);
    assert.deepEqual([error?.line, error?.place], [line, undefined], what);
  }
});

testOnEveryDatabase(
  "an error about a name that is there more than once is shown near it",
  async (project) => {
    const { results } = await project.migrator({
      "1_a.sql": SETUP,
      "2_b.sql": "select\n  nmae as nmae\nfrom known\norder by nmae;",
    }).migrate();
    const { error } = results[1]!;
    assert.deepEqual([error?.line, error?.place?.column, error?.place?.occurrences], [2, 3, 3]);
  },
);

testOnEveryDatabase("the column of a table that PostgreSQL names is no place", async (project) => {
  const { results } = await project.migrator({
    "1_a.sql": "create table a (id int not null);\ninsert into a\n  values (null);",
  }).migrate();
  const { code, line, place } = results[0]!.error!;
  assert.deepEqual([code, line, place], ["23502", 2, undefined]);
});

testOnEveryDatabase("an error of rollback SQL has its line", async (project) => {
  const migrator = project.migrator({
    "1_a.sql": "create table a ();\n-- ROLLBACK\ndo $$\nbegin\n  drop table b;\nend $$;",
  });
  await migrator.migrate();
  assert.equal((await migrator.rollback()).results[0]?.error?.line, 5);
});

testOnEveryDatabase(
  "an error of rollback SQL is shown where it is, in whichever file that is",
  async (project) => {
    const forward = "create table a ();\n";
    const undo = "select 1; drop\n  table a, b;";
    const show = async (files: Record<string, string>) => {
      const result = await project.migrator(files).rollback();
      const text = formatRollback(result);
      return text.slice(text.indexOf("🔎")).split("\n").slice(0, 6);
    };
    const own = { "1_a.sql": `${forward}-- ROLLBACK\n${undo}` };
    await project.migrator(own).migrate();
    assert.deepEqual(await show(own), [
      "🔎 1_a.sql",
      "   SQLSTATE 42P01 in statement 2, line 4",
      '   table "b" does not exist',
      "   at 1_a.sql:4:12",
      "   4 |   table a, b;",
      "                  ^",
    ]);
    const beside = await show({ "1_a.sql": forward, "1_a.down.sql": `\n${undo}` });
    assert.deepEqual(beside.slice(3), [
      "   at 1_a.down.sql:3:12",
      "   3 |   table a, b;",
      "                  ^",
    ]);
    const stored = await show({ "2_b.sql": "select 1;" });
    assert.deepEqual(stored.slice(3), [
      "   at stored rollback of 1_a.sql:2:12",
      "   2 |   table a, b",
      "                  ^",
    ]);
    // The stored one is run as well before what was changed is applied again.
    const { results } = await project.migrator({ "1_a.sql": "create table a (id int);" })
      .migrate({ onChange: "redo" });
    assert.deepEqual(results[0]?.error?.place, {
      file: "stored rollback of 1_a.sql",
      column: 12,
      excerpt: "  table a, b",
    });
  },
);

testOnEveryDatabase("a recursion without an end is told in a few lines", async (project) => {
  const { results } = await project.migrator({
    "1_a.sql":
      `create function f(n int) returns int language plpgsql as $$ begin return f(n + 1); end $$;
select f(1);`,
  }).migrate();
  const { error } = results[0]!;
  assert.deepEqual([error?.code, error?.line], ["54001", 2]);
  const frames = error?.context?.split("\n") ?? [];
  assert.equal(frames.length, 16);
  assert.match(frames[12]!, /^… \d+ more lines …$/);
  assert.match(frames.at(-1)!, /^PL\/pgSQL function f\(integer\) line 1 at RETURN$/);
  const { history, log } = await project.records();
  assert.ok(JSON.stringify([history, log]).length < 10_000);
});
