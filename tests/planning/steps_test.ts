import assert from "node:assert/strict";
import { MigrationFileError } from "../../lib/errors.ts";
import type { Abilities } from "../../lib/planning/session_settings.ts";
import { type SplitResult, splitStatements } from "../../lib/planning/statements.ts";

const direct: Abilities = { setRole: true, outside: "connection" };
const api: Abilities = { setRole: false, outside: null };

function split(sql: string, can: Abilities = direct): Promise<SplitResult> {
  return splitStatements({ sql, line: 1 }, "001_a.sql", can);
}

async function stepsOf(sql: string, can?: Abilities): Promise<string[][]> {
  const { steps } = await split(sql, can);
  return steps.map(({ statements }) => statements.map(({ sql }) => sql));
}

async function refusalOf(sql: string, can?: Abilities): Promise<MigrationFileError> {
  try {
    await split(sql, can);
  } catch (error) {
    if (error instanceof MigrationFileError) return error;
    throw error;
  }
  return assert.fail(`${sql} is not refused`);
}

const divided: Readonly<Record<string, readonly [sql: string, steps: readonly string[][]]>> = {
  "a file without anything of the kind is one": [
    "create table a (); insert into a default values;",
    [["create table a ()", "insert into a default values"]],
  ],
  "an empty file is one": ["-- nothing\n", [[]]],
  "blocks that make or change objects alone are one": [
    "begin; drop publication if exists p; create publication p; commit;\nalter publication p add table a;",
    [["drop publication if exists p", "create publication p", "alter publication p add table a"]],
  ],
  "blocks with SET are one, as a session keeps it": [
    "begin; set search_path = app; create table a (); commit; begin; create table b (); commit;",
    [["set search_path = app", "create table a ()", "create table b ()"]],
  ],
  "blocks with SET LOCAL are a step each": [
    "begin; set local search_path = app; create table a (); commit; begin; create table b (); commit;",
    [["set local search_path = app", "create table a ()"], ["create table b ()"]],
  ],
  "blocks that write rows are a step each": [
    "begin; insert into a values (1); commit; begin; alter table a add b int; commit;",
    [["insert into a values (1)"], ["alter table a add b int"]],
  ],
  "a block with a new enum value is a step": [
    "begin; alter type mood add value 'wild'; commit; begin; create index on a (id) where b = 'wild'; commit;",
    [["alter type mood add value 'wild'"], ["create index on a (id) where b = 'wild'"]],
  ],
  "what stands beside blocks is a step": [
    "insert into a values (1); begin; insert into a values (2); commit; insert into a values (3); select 1;",
    [
      ["insert into a values (1)"],
      ["insert into a values (2)"],
      ["insert into a values (3)", "select 1"],
    ],
  ],
  "COMMIT AND CHAIN begins the next one": [
    "begin; insert into a values (1); commit and chain; insert into a values (2); commit;",
    [["insert into a values (1)"], ["insert into a values (2)"]],
  ],
  "a temporary table that ends with its block keeps the blocks apart": [
    "begin; create temp table a () on commit drop; commit; begin; create table b (); commit;",
    [["create temp table a () on commit drop"], ["create table b ()"]],
  ],
  "the addition of an enum value that is used below is a step of its own": [
    "create table a (); alter type mood add value 'wild'; alter type mood add value 'x'; select 'wild'::mood, 'x';",
    [
      ["create table a ()"],
      ["alter type mood add value 'wild'", "alter type mood add value 'x'"],
      ["select 'wild'::mood, 'x'"],
    ],
  ],
  "a new enum value that is used inside a body is used": [
    "alter type mood add value 'wi''ld'; do $$ begin perform 'wi''ld'::mood; end $$;",
    [["alter type mood add value 'wi''ld'"], ["do $$ begin perform 'wi''ld'::mood; end $$"]],
  ],
  "all values are asked for": [
    "alter type mood add value 'wild'; select enum_range(null::mood);",
    [["alter type mood add value 'wild'"], ["select enum_range(null::mood)"]],
  ],
  "an enum value that nothing below uses is no step": [
    "alter type mood add value 'wild'; select 1;",
    [["alter type mood add value 'wild'", "select 1"]],
  ],
  "a new enum value is not used by a longer word that holds it": [
    "alter type mood add value 'open'; alter table a add opened_at date; select 'reopen';",
    [["alter type mood add value 'open'", "alter table a add opened_at date", "select 'reopen'"]],
  ],
  "a new enum value is used inside the text of an array": [
    "alter type mood add value 'open'; select '{calm,open}'::mood[];",
    [["alter type mood add value 'open'"], ["select '{calm,open}'::mood[]"]],
  ],
  "a new value of a type that the file makes is a step of its own as well": [
    "create type mood as enum (); alter type mood add value 'wild'; select 'wild'::mood;",
    [["create type mood as enum ()"], ["alter type mood add value 'wild'"], [
      "select 'wild'::mood",
    ]],
  ],
  "an enum value that is renamed can be used at once": [
    "alter type mood rename value 'a' to 'wild'; select 'wild'::mood;",
    [["alter type mood rename value 'a' to 'wild'", "select 'wild'::mood"]],
  ],
  "the author's mark is a commit": [
    "select 1;\n-- supamigrate: commit\nselect 2;\nselect 3;\n  --  Supamigrate:commit  \nselect 4;",
    [["select 1"], ["select 2", "select 3"], ["select 4"]],
  ],
  "marks with nothing between them are none": [
    "-- supamigrate: commit\nselect 1;\n-- supamigrate: commit\n-- supamigrate: commit\n",
    [["select 1"]],
  ],
  "a mark inside a body is text": [
    "do $$ begin\n-- supamigrate: commit\nnull; end $$;",
    [["do $$ begin\n-- supamigrate: commit\nnull; end $$"]],
  ],
};

for (const [what, [sql, steps]] of Object.entries(divided)) {
  Deno.test(`Steps: ${what}`, async () => {
    assert.deepEqual(await stepsOf(sql), steps);
    assert.deepEqual(await stepsOf(sql, api), steps);
  });
}

const outside: readonly [sql: string, name: string][] = [
  ["create index concurrently a on b (c)", "CREATE INDEX CONCURRENTLY"],
  ["create unique index concurrently if not exists a on b (c)", "CREATE INDEX CONCURRENTLY"],
  ["drop index concurrently if exists a", "DROP INDEX CONCURRENTLY"],
  ["reindex index concurrently a", "REINDEX CONCURRENTLY"],
  ["reindex (concurrently) table a", "REINDEX CONCURRENTLY"],
  ["reindex schema a", "This REINDEX"],
  ["reindex database a", "This REINDEX"],
  ["reindex system a", "This REINDEX"],
  ["alter table a detach partition b concurrently", "DETACH PARTITION … CONCURRENTLY"],
  ["vacuum", "VACUUM"],
  ["vacuum (full, analyze) a", "VACUUM"],
  ["cluster", "CLUSTER without a table"],
  ["create database a", "CREATE DATABASE"],
  ["drop database a", "DROP DATABASE"],
  ["create tablespace a location '/a'", "CREATE TABLESPACE"],
  ["drop tablespace a", "DROP TABLESPACE"],
  ["alter system set work_mem = '1MB'", "ALTER SYSTEM"],
  ["create subscription a connection '' publication b", "CREATE SUBSCRIPTION"],
  ["alter subscription a refresh publication", "ALTER SUBSCRIPTION … REFRESH"],
  ["alter database a set tablespace b", "ALTER DATABASE … SET TABLESPACE"],
  [
    "select pg_create_logical_replication_slot('a', 'pgoutput')",
    "pg_create_logical_replication_slot",
  ],
  [
    "select * from pg_catalog.pg_create_logical_replication_slot('a', 'pgoutput')",
    "pg_create_logical_replication_slot",
  ],
  ["do $$ begin delete from a; commit; delete from b; end $$", "A DO block that commits"],
];

for (const [sql, name] of outside) {
  Deno.test(`Steps: ${sql} is one outside a transaction`, async () => {
    const { steps } = await split(`create table x ();\n${sql};\ncreate table y ();`);
    assert.deepEqual(steps.map(({ statements }) => statements.map(({ sql }) => sql)), [
      ["create table x ()"],
      [sql],
      ["create table y ()"],
    ]);
    assert.deepEqual(steps.map(({ outside }) => outside?.name), [undefined, name, undefined]);
  });

  Deno.test(`splitStatements() refuses ${sql} where there is no way, and names the ways`, async () => {
    const { message, position, hint } = await refusalOf(`\n${sql};`, api);
    assert.equal(message, `${name} cannot run inside a transaction`);
    assert.deepEqual(position, { file: "001_a.sql", line: 2, excerpt: sql });
    assert.match(hint!, /--via direct \(DATABASE_URL\).*pg_cron/);
  });

  Deno.test(`splitStatements() refuses ${sql} inside a block, as PostgreSQL does`, async () => {
    const { message, hint } = await refusalOf(`begin; ${sql}; commit;`);
    assert.equal(message, `${name} cannot run inside a transaction`);
    assert.match(hint!, /BEGIN … COMMIT/);
  });
}

Deno.test("splitStatements() says what leaving CONCURRENTLY out would cost", async () => {
  assert.match(
    (await refusalOf("create index concurrently on a (b);", api)).hint!,
    /writes to the/,
  );
});

for (
  const sql of [
    "create index a on b (c)",
    "reindex table a",
    "reindex (concurrently false) table a",
    "analyze a",
    "cluster a",
    "create subscription a connection '' publication b with (connect = false, slot_name = none)",
    "create subscription a connection '' publication b with (create_slot = off)",
    "alter subscription a disable",
    "do $$ begin raise notice 'commit; '; end $$",
    "call a()",
  ]
) {
  Deno.test(`Steps: ${sql} runs in the transaction of its file`, async () => {
    assert.deepEqual(await stepsOf(`select 1; ${sql}; select 2`), [["select 1", sql, "select 2"]]);
  });
}

Deno.test("Steps: CALL of a procedure of the same file that commits is outside a transaction", async () => {
  const { steps } = await split(
    `create procedure p() language plpgsql as $$ begin
       for i in 1..3 loop insert into a values (i); commit; end loop; end $$;
     call p();`,
  );
  assert.deepEqual(steps.map(({ outside }) => outside?.kind), [undefined, "once"]);
});

Deno.test("Steps: DROP SUBSCRIPTION is tried in the transaction where there is no other way", async () => {
  assert.equal((await stepsOf("select 1; drop subscription a;", api)).length, 1);
  assert.equal((await stepsOf("select 1; drop subscription a;")).length, 2);
});

Deno.test("Steps: what the session keeps is set again in the steps behind it", async () => {
  const { steps } = await split(`set search_path = app;
    select set_config('work_mem', '1MB', false), set_config('a.b', 'c', false);
    set local lock_timeout = 1;
    create index concurrently a on b (c);
    reset search_path;
    -- supamigrate: commit
    select 1;`);
  assert.deepEqual(steps.map(({ settings }) => settings.map(({ sql }) => sql)), [
    [],
    [
      "set search_path = app",
      "select set_config('work_mem', '1MB', false), set_config('a.b', 'c', false)",
    ],
    [
      "set search_path = app",
      "select set_config('work_mem', '1MB', false), set_config('a.b', 'c', false)",
    ],
    [
      "set search_path = app",
      "select set_config('work_mem', '1MB', false), set_config('a.b', 'c', false)",
      "reset search_path",
    ],
  ]);
});

for (
  const [what, sql] of [
    ["a table", "create temp table gone (); insert into gone default values;"],
    ["a table that is made of a query", "create temporary table gone as select 1;"],
    ["a sequence", "create temp sequence gone;"],
    ["a prepared statement", "prepare gone as select 1;"],
    ["a cursor", "declare gone cursor with hold for select 1;"],
  ] as const
) {
  Deno.test(`Steps: ${what} of the session is refused where a later step uses it`, async () => {
    const { message, position } = await refusalOf(
      `${sql}\n-- supamigrate: commit\nselect * from GONE;`,
    );
    assert.match(message, /"gone" is gone by then: it was made in an earlier step \(line 1\)/);
    assert.equal(position.line, 3);
    assert.equal((await stepsOf(`${sql}\n-- supamigrate: commit\nselect 1;`)).length, 2);
  });
}

const leftOut: readonly [sql: string, kept: readonly string[], notice: RegExp][] = [
  ["select 1; commit;", ["select 1"], /"commit" \(line 1\) was left out: no transaction is open/],
  ["begin; select 1; commit; commit;", ["select 1"], /"commit" \(line 1\) was left out/],
  ["select 1; rollback;", ["select 1"], /"rollback" \(line 1\) was left out: no transaction/],
  ["begin; select 1;\nbegin; select 2; commit;", ["select 1", "select 2"], /\(line 2\).*is open/],
  ["begin;\nselect 1;\nrollback; select 2;", ["select 2"], /Lines 1 to 3 were left out: the file/],
  ["begin; select 1; abort;", [], /rolls them back/],
  [
    "begin; select 1;\nsavepoint a; select 2;\nrollback to a; select 3; commit;",
    ["select 1", "select 3"],
    /Lines 2 to 3 were left out/,
  ],
  [
    "begin; savepoint a; select 1; savepoint b; select 2; rollback to a; select 3; release a; end;",
    ["select 3"],
    /rolls them back/,
  ],
];

for (const [sql, kept, notice] of leftOut) {
  Deno.test(`Steps: ${JSON.stringify(sql)} ends as in psql, and says what is left out`, async () => {
    const { statements, notices } = await split(sql);
    assert.deepEqual(statements.map(({ sql }) => sql), kept);
    assert.match(notices.join("\n"), notice);
  });
}

Deno.test("Steps: SET LOCAL search_path outside a block holds, and that is said", async () => {
  const told = async (sql: string) => (await split(sql)).notices.join("\n");
  assert.match(
    await told("select 1;\nset local search_path = a;"),
    /^SET LOCAL .*\(line 2\) holds/,
  );
  assert.equal(await told("set local lock_timeout = 1; set search_path = a;"), "");
  assert.doesNotMatch(await told("begin; set local search_path = a; commit;"), /SET LOCAL/);
});

Deno.test("Steps: savepoints that are released say nothing", async () => {
  const { steps } = await split("begin; select 1; savepoint a; select 2; release a; commit;");
  assert.deepEqual(steps.map(({ statements }) => statements.map(({ sql }) => sql)), [
    ["select 1", "select 2"],
  ]);
});

const transactionControl: readonly [sql: string, found: string, line: number][] = [
  ["select 1;\nsavepoint a;\nselect 2;", "savepoint a", 2],
  ["begin;\nrelease a;\ncommit;", "release a", 2],
  ["begin;\nrollback to a;\ncommit;", "rollback to a", 2],
  ["begin;\nsavepoint a; release a;\nrollback to a;\ncommit;", "rollback to a", 3],
  ["select 1;\ncommit and chain;", "commit and chain", 2],
  ["select 1;\nprepare transaction 'a';", "prepare transaction 'a'", 2],
  ["\ncommit prepared 'a';", "commit prepared 'a'", 2],
];

for (const [sql, found, line] of transactionControl) {
  Deno.test(`splitStatements() refuses the transaction control of ${JSON.stringify(sql)}`, async () => {
    const { message, position, hint } = await refusalOf(sql);
    assert.equal(message, `Transaction control ("${found}") cannot be part of a migration here`);
    assert.deepEqual(position, { file: "001_a.sql", line, excerpt: found });
    assert.notEqual(hint, undefined);
  });
}

Deno.test("splitStatements() refuses a value that is used in the block that makes its type", async () => {
  const block = "begin; create type mood as enum (); alter type mood add value 'wild';";
  const { message } = await refusalOf(`${block} select 'wild'::mood; commit;`);
  assert.match(message, /^The value "wild" is used in the block that adds it/);
  assert.equal((await stepsOf(`${block} select 1; commit;`)).length, 1);
});

Deno.test("splitStatements() refuses a block without an end, which would be undone", async () => {
  const { message, position } = await refusalOf("select 1;\nbegin;\nselect 1;");
  assert.equal(message, '"begin" has no COMMIT');
  assert.equal(position.line, 2);
});

Deno.test("splitStatements() refuses the mark inside a block, and inside a statement", async () => {
  const inBlock = await refusalOf("begin;\nselect 1;\n-- supamigrate: commit\nselect 2;\ncommit;");
  assert.match(inBlock.message, /stands inside BEGIN … COMMIT/);
  assert.equal(inBlock.position.line, 3);
  const inStatement = await refusalOf("select 1\n-- supamigrate: commit\n, 2;");
  assert.match(inStatement.message, /stands inside a statement/);
  assert.equal(inStatement.position.line, 2);
});
