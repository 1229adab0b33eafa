import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";
import { startStack } from "../support/stack.ts";

// What is done with the files of a folder that are no ordinary migrations, from the command line.

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

/** A project, as a command's environment names it. */
async function openProject(): Promise<
  { environment: Record<string, string> } & AsyncDisposable
> {
  const project = await stack.createProject({ installed: true, listens: false });
  return {
    environment: { SUPABASE_URL: project.url, SUPABASE_SERVICE_KEY: project.serviceKey },
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
}

/** A folder that the Supabase CLI would take for its own. */
async function supabaseFolder(
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>>,
): Promise<Workspace> {
  const workspace = await Workspace.create({}, environment);
  await Deno.remove(`${workspace.path}/migrations`);
  await Deno.mkdir(`${workspace.path}/supabase/migrations`, { recursive: true });
  for (const [name, sql] of Object.entries(files)) {
    await Deno.writeTextFile(`${workspace.path}/supabase/migrations/${name}`, sql);
  }
  return workspace;
}

Deno.test("status and migrate name what they leave out in one line, and why with --verbose", async () => {
  await using project = await openProject();
  await using workspace = await Workspace.create({
    ".001_a.sql": "drop table notes;",
    "001_a.sql": "create table notes (id int, old int);",
    "002_drop_deprecated_column.sql": "alter table notes drop column old;",
    "003_B.SQL": "create table b (id int);",
    "004_c.up.sql": "create table c (id int);",
    "004_c.down.sql": "drop table c;",
    "README.md": "",
  }, project.environment);
  const line = "🙈 Left out: 002_drop_deprecated_column.sql, 003_B.SQL (--verbose says why)";
  for (const command of ["status", "migrate", "status"]) {
    const { code, stdout } = await workspace.run([command]);
    assert.equal(code, 0);
    assert.equal(stdout.split("\n").filter((text) => text === line).length, 1, stdout);
  }
  const { stdout } = await workspace.run(["status", "--verbose"]);
  assert.match(stdout, /📄 003_B\.SQL \(ends in \.SQL and not in \.sql\)/);
  assert.match(stdout, /📄 \.001_a\.sql \(hidden\)/);
  const undone = await workspace.run(["rollback", "--steps", "1", "--yes"]);
  assert.match(undone.stdout, /✅ 004_c\.up\.sql/);
});

Deno.test("supabase/migrations runs in the order of the names, and nothing without a number", async () => {
  await using project = await openProject();
  await using workspace = await supabaseFolder({
    "20250101000000_staff.sql": "create table staff (id int primary key);",
    "20250202000000_boss.sql": "alter table staff add column boss int references staff;",
    "20250303_boss_index.sql": "create index on staff (boss);",
    "TEMP_by_hand_only.sql": "drop table staff;",
  }, project.environment);
  const failed = await workspace.run(["migrate", "--order", "number"]);
  assert.equal(failed.code, 1);
  assert.match(failed.stdout, /💡 By name, 20250101000000_staff\.sql, .* --order name\n/);
  assert.doesNotMatch(failed.stdout, /Mend the file/);
  const { code, stdout, stderr } = await workspace.run(["migrate"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /boss\.sql[^]*boss_index\.sql[^]*Left out: TEMP_by_hand_only\.sql/);
  assert.match(stderr, /20250202000000_boss\.sql runs before 20250303_boss_index\.sql, by name/);
  const again = await workspace.run(["migrate"]);
  assert.doesNotMatch(again.stderr, /runs before/);
});

Deno.test("repair --renamed puts a migration on record under its new name", async () => {
  await using project = await openProject();
  const insert = "insert into notes values (1);";
  await using workspace = await Workspace.create({
    "001_a.sql": "create table if not exists notes (id int);",
    "002_b.sql": insert,
  }, project.environment);
  await workspace.run(["migrate"]);
  await Deno.rename(
    `${workspace.path}/migrations/002_b.sql`,
    `${workspace.path}/migrations/003_b.sql`,
  );
  const status = await workspace.run(["status", "--check"]);
  assert.equal(status.code, 0);
  assert.match(status.stdout, /🏷️ {2}Renamed: 002_b\.sql → 003_b\.sql/);
  const repaired = await workspace.run(["repair", "002_b", "--renamed", "003_b"]);
  assert.deepEqual([repaired.code, repaired.stdout], [
    0,
    "🔧 002_b.sql → 003_b.sql (completed)\n✅ 002_b.sql is on record as 003_b.sql\n",
  ]);
  const { stdout } = await workspace.run(["status"]);
  assert.doesNotMatch(stdout, /Renamed|gone/);
  const unclear = await workspace.run(["repair", "001_a"]);
  assert.equal(unclear.code, 2);
  assert.match(unclear.stderr, /--mark applied or --mark pending; or --renamed NEW/);
});

Deno.test("migrate --out-of-order refuse ends with 2, and nothing is run", async () => {
  await using project = await openProject();
  await using workspace = await Workspace.create({ "002_b.sql": "select 2;" }, project.environment);
  await workspace.run(["migrate"]);
  await workspace.write("001_a.sql", "select 1;");
  const refused = await workspace.run(["migrate", "--out-of-order", "refuse"]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /001_a\.sql comes before 002_b\.sql, which is applied/);
  const dry = await workspace.run(["migrate", "--dry-run"]);
  assert.match(dry.stderr, /001_a\.sql comes before 002_b\.sql/);
  assert.equal((await workspace.run(["migrate"])).code, 0);
});

Deno.test("settings in UTF-16 choose no database", async () => {
  await using workspace = await Workspace.create({ "001_a.sql": "select 1;" });
  const text = "\uFEFFSUPABASE_URL=https://abcdefghijklmnopqrst.supabase.co\n";
  const bytes = new Uint8Array(Uint16Array.from(text, (unit) => unit.charCodeAt(0)).buffer);
  await Deno.writeFile(`${workspace.path}/.env`, bytes);
  const { code, stderr } = await workspace.run(["migrate"]);
  assert.equal(code, 2);
  assert.match(stderr, /The settings in "\.env" are not UTF-8/);
});

Deno.test("create in a folder that cannot be written to is no defect", async () => {
  await using workspace = await Workspace.create();
  await Deno.remove(`${workspace.path}/migrations`);
  await Deno.writeTextFile(`${workspace.path}/migrations`, "");
  const { code, stderr } = await workspace.run(["create", "add_a"]);
  assert.equal(code, 2);
  assert.match(stderr, /Cannot make a file in the folder "migrations"/);
});
