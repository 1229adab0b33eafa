import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";

const NOTES = "create table notes (id int);\n-- ROLLBACK\ndrop table notes;\n";
const TAGS = "create table tags (id int);\nalter table notes drop column id;\n";

Deno.test("plan shows what would run, writes it down, and migrate --plan runs that alone", async () => {
  await using workspace = await Workspace.create({ "001_notes.sql": NOTES, "002_tags.sql": TAGS });
  const file = `${workspace.path}/plan.json`;
  const { code, stdout, stderr } = await workspace.run([
    "plan",
    "--embedded",
    "--out",
    "plan.json",
  ]);
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `📋 Would be applied, in this order:
  📄 001_notes.sql (not_executed)
         1  create table notes (id int)
  📄 002_tags.sql (not_executed)
         1  create table tags (id int)
         2  alter table notes drop column id

🔍 Plan only: nothing was changed
🔥 002_tags.sql:2 drops the column notes.id
📝 Wrote plan.json
💡 Run it with "deno task migrate --plan plan.json": where anything has changed, that is refused
`,
  );
  const plan = JSON.parse(await Deno.readTextFile(file));

  await workspace.write("003_more.sql", "select 1;");
  const other = await workspace.run(["migrate", "--embedded", "--plan", "plan.json"]);
  assert.deepEqual([other.code, other.stdout], [2, "🚀 Starting database migration...\n\n"]);
  assert.equal(
    other.stderr,
    "❌ Migration command failed: The plan no longer fits: 003_more.sql was added to the folder\n" +
      "💡 Look at what has changed, and make the plan anew: deno task migrate:plan --out FILE. " +
      "Nothing was changed.\n",
  );
  await Deno.remove(`${workspace.path}/migrations/003_more.sql`);
  const differing = await workspace.run(
    ["migrate", "--embedded", "--plan", "plan.json", "--on-change", "redo", "--json"],
  );
  assert.equal(differing.code, 2);
  assert.match(
    JSON.parse(differing.stdout).error.message,
    /^The plan was made with --on-change rerun, and this run asks for redo$/,
  );

  // Another way to write the same says the same.
  await Deno.writeTextFile(file, `\uFEFF${JSON.stringify(plan)}`);
  const run = await workspace.run(["migrate", "--embedded", "--plan", "plan.json"]);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /📈 Migrations run: 2\n$/);

  const comment = await workspace.run(["plan", "--format", "markdown", "--out", "plan.json"]);
  assert.match(
    comment.stdout,
    /^<!-- plan of supamigrate -->\n\n### 📋 0 migrations for the embedded database\n\nNothing to migrate: the database is up to date\.\n\n<sub>supamigrate [\d.]+, plan [0-9a-f]{16}<\/sub>\n$/,
  );
  assert.equal(JSON.parse(await Deno.readTextFile(file)).migrations.length, 0);
});

Deno.test("what is no plan, or was edited, is refused; what is no plan is not overwritten", async () => {
  await using workspace = await Workspace.create({ "001_notes.sql": NOTES });
  const file = `${workspace.path}/plan.json`;
  const both = await workspace.run(["plan", "--embedded", "--json", "--format", "markdown"]);
  assert.equal(both.code, 2);
  assert.match(both.stderr, /--json and --format markdown exclude each other\n/);
  const missing = await workspace.run(["migrate", "--embedded", "--plan", "plan.json"]);
  assert.equal(missing.code, 2);
  assert.match(
    missing.stderr,
    /Cannot read the plan "plan\.json": ENOENT.*\n💡 Make one: deno task/,
  );

  await Deno.writeTextFile(file, "{}");
  const foreign = await workspace.run(["plan", "--embedded", "--out", "plan.json"]);
  assert.equal(foreign.code, 2);
  assert.match(foreign.stderr, /"plan\.json" is there, and is no plan of supamigrate\n/);
  assert.equal(await Deno.readTextFile(file), "{}");
  const none = await workspace.run(["migrate", "--embedded", "--plan", "plan.json"]);
  assert.match(none.stderr, /failed: This is no plan of supamigrate\n/);

  await Deno.writeTextFile(file, '{ "format": 1, "toolVersion": "0.1.0", "digest": "0" }');
  const edited = await workspace.run(["migrate", "--embedded", "--plan", "plan.json"]);
  assert.equal(edited.code, 2);
  assert.match(edited.stderr, /The plan was edited: its digest is that of another text\n/);
});
