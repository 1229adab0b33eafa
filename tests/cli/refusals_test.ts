import assert from "node:assert/strict";
import { type CliResult, Workspace } from "../support/cli.ts";
import { startStack } from "../support/stack.ts";

const stack = await startStack({ major: 17 });
const project = await stack.createProject({ installed: true });
Deno.test.afterAll(async () => {
  await project[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

async function run(
  args: readonly string[],
  migrations: Record<string, string>,
  environment: Record<string, string> = {},
): Promise<CliResult> {
  await using workspace = await Workspace.create(migrations, {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_KEY: project.serviceKey,
    ...environment,
  });
  return await workspace.run(args);
}

const MANY = {
  "001_typo.sql": "create tabel a (id int);\n",
  "002_concurrently.sql": "create index concurrently on a (id);\n",
  "003_savepoint.sql": "savepoint here;\n",
  "004_fine.sql": "create table b (id int);\n",
  "005_body.sql":
    "create function public.f3() returns trigger language plpgsql as $$\nbegin\n  retrn new;\nend;\n$$;\n",
  "006_c.sql": "create table c (id int);\n-- ROLLBACK\ndrop tabel c;\n",
};

Deno.test("all that is wrong with the files is told in one run, each with its place", async () => {
  const { code, stderr } = await run(["migrate"], MANY);
  assert.equal(code, 2);
  assert.equal(
    stderr.replace(/ {3}💡 .*\n/g, ""),
    `❌ Migration command failed: 5 mistakes in 5 files, and nothing was sent

❌ syntax error at or near "tabel"
   at 001_typo.sql:1:8
   1 | create tabel a (id int);
              ^

❌ CREATE INDEX CONCURRENTLY cannot run inside a transaction
   at 002_concurrently.sql:1
   1 | create index concurrently on a (id)

❌ Transaction control ("savepoint here") cannot be part of a migration here
   at 003_savepoint.sql:1
   1 | savepoint here

❌ syntax error at or near "retrn"
   at 005_body.sql:3:3
   3 |   retrn new;
         ^

❌ syntax error at or near "tabel"
   at 006_c.sql:3:6
   3 | drop tabel c;
            ^
`,
  );
  assert.match(stderr, /💡 Run the migration with --via direct .*leave CONCURRENTLY out/);
});

Deno.test("files that cannot be read are told beside statements that cannot be sent", async () => {
  const { stdout, code } = await run(["migrate", "--json"], {
    "001_banner.sql": "create table a ()\n-- ROLLBACK\ndrop table a;\n",
    "002_nul.sql": "select 'a\0b';\n",
    "003_typo.sql": "create tabel a (id int);\n",
  });
  assert.equal(code, 2);
  const { error } = JSON.parse(stdout);
  assert.deepEqual(
    [error, ...error.others].map(({ message, position }) =>
      `${position.file}:${position.line} ${message}`
    ),
    [
      '001_banner.sql:2 The banner "-- ROLLBACK" stands inside a statement',
      "002_nul.sql:1 The file holds a NUL character",
      '003_typo.sql:1 syntax error at or near "tabel"',
    ],
  );
});

Deno.test("files that cannot be read are told where the project cannot be reached", async () => {
  const { stderr, code } = await run(
    ["migrate"],
    { "001_nul.sql": "select 'a\0b';\n" },
    { SUPABASE_URL: "http://127.0.0.1:9" },
  );
  assert.equal(code, 2);
  assert.match(stderr, /^❌ Migration command failed: The file holds a NUL character\n/);
});

Deno.test("status names what cannot be sent, and does not fail on it", async () => {
  const { code, stdout } = await run(["status"], { ...MANY, "007_nul.sql": "\0" });
  assert.equal(code, 0);
  assert.match(stdout, /^📁 Total migration files: 7$/m);
  assert.match(stdout, /^⛔ Cannot be sent as they are:\n {2}❌ The file holds a NUL character\n/m);
  assert.match(stdout, /^ {2}❌ syntax error at or near "tabel"\n {5}at 001_typo\.sql:1:8\n/m);
  assert.match(stdout, /^ {5}at 005_body\.sql:3:3\n {5}3 \| {3}retrn new;\n {11}\^\n/m);
  assert.match(stdout, /^ {5}at 007_nul\.sql:1$/m);
  assert.match(stdout, /💡 Mend these files and run "deno task migrate"\n$/);
  const { refusals, upToDate } = JSON.parse(
    (await run(["status", "--json"], { "001_typo.sql": "create tabel a ();" })).stdout,
  );
  assert.deepEqual([refusals.length, refusals[0].position.column, upToDate], [1, 8, false]);
});

Deno.test("GitHub shows each mistake at its line", async () => {
  const { stderr } = await run(["migrate"], MANY, { GITHUB_ACTIONS: "true" });
  assert.deepEqual(stderr.match(/^::error file=migrations\/\d+/gm)?.length, 5);
  assert.match(stderr, /^::error file=migrations\/005_body\.sql,line=3,col=3::/m);
});

Deno.test("a failure is shown with its line and a caret, and with what to do", async () => {
  await using fresh = await stack.createProject({ installed: true });
  const environment = { SUPABASE_URL: fresh.url, SUPABASE_SERVICE_KEY: fresh.serviceKey };
  await using workspace = await Workspace.create(
    { "001_a.sql": "create table a (\n  id int,\n  kind citxt\n);\n" },
    environment,
  );
  assert.match(
    (await workspace.run(["migrate"])).stdout,
    /🔎 001_a\.sql\n {3}SQLSTATE 42704 in statement 1, line 3\n {3}type "citxt" does not exist\n {3}at 001_a\.sql:3:8\n {3}3 \| {3}kind citxt\n {14}\^\n/,
  );
  await workspace.write("001_a.sql", "select nmae from (select 1 as a) b order by nmae;\n");
  assert.match(
    (await workspace.run(["migrate"])).stdout,
    /\n {3}near 001_a\.sql:1:\d+, the first of \d places that have the name\n/,
  );
  await workspace.write("001_a.sql", "create schema public;\n");
  assert.match((await workspace.run(["migrate"])).stdout, /💡 If .*migrate:baseline NAME/);
  await workspace.write(
    "001_a.sql",
    "create procedure p() language plpgsql as $$ begin commit; end $$;\n" +
      "do $$ begin call p(); end $$;\n",
  );
  assert.match((await workspace.run(["migrate"])).stdout, /💡 What it calls or runs cannot commit/);
  await workspace.write("001_a.sql", "create table a ();\n");
  await workspace.write("002_a.sql", "create table if not exists a ();\n");
  const json = JSON.parse((await workspace.run(["migrate", "--json"])).stdout);
  assert.deepEqual(
    json.planned.map(({ statements, statementCount }: Record<string, unknown>) => [
      statements,
      statementCount,
    ]),
    [[undefined, 1], [undefined, 1]],
  );
  await workspace.write("003_a.sql", "create schema public;\n");
  const all = JSON.parse((await workspace.run(["migrate", "--json", "--verbose"])).stdout);
  assert.deepEqual(all.planned[0].statements, [{ line: 1, sql: "create schema public" }]);
  assert.doesNotMatch((await workspace.run(["migrate"])).stdout, /baseline/);
});

Deno.test("what the server says is shown under its migration", async () => {
  await using workspace = await Workspace.create({
    "001_a.sql": "do $$ begin raise warning 'two rows had no owner'; end $$;\n",
    "002_b.sql": "do $$ begin for i in 1..25 loop raise notice '%', i; end loop; end $$;\n",
  }, { DATABASE_URL: project.databaseUrl });
  await workspace.write("003_c.sql", "drop table if exists nothing;\n");
  const { stdout, code } = await workspace.run(["migrate", "--via", "direct"]);
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, /skipping/);
  assert.match(
    stdout,
    / {2}✅ 001_a\.sql - not_executed \(Nms\)\n {5}⚠️ {2}WARNING: two rows had no owner \(line 1\)\n {2}✅ 002_b/,
  );
  assert.match(stdout, /\n {5}💬 NOTICE: 20 \(line 1\)\n {5}… and 5 more\n/);
});
