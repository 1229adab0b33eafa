import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";
import { findViolations, holdAgainstSchema } from "../support/json_schemas.ts";
import { startStack } from "../support/stack.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const MIGRATIONS = {
  "001_people.sql":
    "create table people (id int primary key, name text);\n-- ROLLBACK\ndrop table people;",
  "002_places.sql": "create table places (id int primary key, owner int references people);\n" +
    "insert into people values (1, 'Ada');\ndo $$ begin raise notice 'hello'; end $$;\n" +
    "-- ROLLBACK\ndrop table places;\ndelete from people;",
  "003_visits.sql":
    "create table visits (id int);\n-- supamigrate: commit\ncreate index on people (name);\n" +
    "-- ROLLBACK\ndrop index people_name_idx;\ndrop table visits;",
};

/** Runs commands, each of which is held against its schema: see `Workspace.run()`. */
async function runAll(
  workspace: Workspace,
  commands: readonly (readonly [string, ...string[]])[],
  codes: readonly number[] = [0, 1],
): Promise<void> {
  for (const command of commands) {
    const { code, stdout, stderr } = await workspace.run([...command, "--json"]);
    assert(codes.includes(code), `${command.join(" ")}: ${code} ${stdout}${stderr}`);
    assert.notEqual(stdout, "", `${command.join(" ")} writes a document`);
    ran.add(command[0]);
  }
}

const ran = new Set<string>();

Deno.test("what commands write with --json is what docs/json says: a project", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_KEY: project.serviceKey,
    DATABASE_URL: project.databaseUrl,
  });
  await runAll(workspace, [
    ["status"],
    ["plan", "--locks"],
    ["migrate", "--dry-run"],
    ["migrate", "--check", "select true"],
    ["status", "--all"],
    ["status", "--diagram", "people"],
    ["history"],
    ["verify", "001"],
    ["types"],
    ["types", "--out", "types.ts"],
    ["report"],
    ["doctor"],
    ["rollback", "--steps", "1", "--dry-run"],
    ["rollback", "--steps", "1", "--yes"],
    ["repair", "003_visits.sql", "--mark", "applied", "--yes"],
    ["repair", "003_visits.sql", "--mark", "pending", "--yes"],
    ["migrate", "--yes"],
    ["squash", "all_of_it", "--dry-run"],
    ["unlock"],
    ["cancel", "--yes"],
    ["seed"],
    ["adopt", "--dry-run"],
  ], [0, 1, 2]);
  await workspace.write("004_destroys.sql", "drop table visits;\ndelete from people where id > 0;");
  await workspace.write("005_fails.sql", "select 1;\nselect 1 / nothing from people;");
  await runAll(workspace, [["migrate", "--yes", "--verbose"], ["status"], ["history"]]);
  const [{ copy }] = JSON.parse((await workspace.run(["backups", "--json"])).stdout);
  await project.sql("set role postgres; create table by_hand (id int); reset role");
  await runAll(workspace, [
    ["backups"],
    ["backups", "show", copy],
    ["backups", "drop", copy, "--yes"],
    ["drift"],
    ["pull", "by_hand", "--dry-run"],
    ["fresh", "--yes"],
    ["fresh", "--drop-schema", "--yes"],
    ["baseline", "005", "--yes"],
    ["migrate", "--no-such-option"],
    ["rollback", "nowhere"],
    ["uninstall", "--yes"],
    ["install", "--yes"],
    ["repair", "--ledger", "--yes"],
  ], [0, 1, 2]);
});

Deno.test("what commands write with --json is what docs/json says: files", async () => {
  await using workspace = await Workspace.create(MIGRATIONS);
  await Deno.mkdir(`${workspace.path}/theirs`);
  await Deno.writeTextFile(`${workspace.path}/theirs/001_a.up.sql`, "create table theirs ();");
  await Deno.writeTextFile(`${workspace.path}/schema.sql`, "create table declared (id int);");
  await runAll(workspace, [
    ["create", "add_something"],
    ["validate"],
    ["bundle", "--dry-run"],
    ["import", "--from", "theirs", "--dry-run"],
    ["diff", "declared", "--schema", "schema.sql", "--no-renames", "--dry-run"],
  ]);
  // It has no task, as it makes them.
  const { args, ...options } = workspace.command(["init", "--dry-run", "--json"]);
  const free = args.filter((arg) => !arg.startsWith("--allow-")).toSpliced(1, 0, "-A");
  const { stdout } = await new Deno.Command(Deno.execPath(), { ...options, args: free }).output();
  await holdAgainstSchema(["init"], new TextDecoder().decode(stdout));
  ran.add("init");
});

Deno.test("each document has its schema, and each schema was held against one", () => {
  const schemas = [...Deno.readDirSync(new URL("../../docs/json/", import.meta.url))]
    .map(({ name }) => name.replace(/\.json$/, "")).filter((name) => name !== "error").sort();
  assert.deepEqual([...ran].sort(), schemas);
});

Deno.test("a document that has less, more or something else is told from what its schema says", async () => {
  await using workspace = await Workspace.create();
  const { stdout } = await workspace.run(["create", "add_x", "--json"]);
  const document = JSON.parse(stdout);
  const [first = ""] = Object.keys(document);
  const { [first]: _, ...less } = document;
  assert.deepEqual(await findViolations("create", document), []);
  assert.match(`${await findViolations("create", { ...document, more: 1 })}`, /NOT.*"more"/);
  assert.match(`${await findViolations("create", less)}`, /required/);
  assert.match(`${await findViolations("create", { ...document, [first]: 1 })}`, /must be string/);
});
