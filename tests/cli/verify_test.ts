import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";

const NOTES = "create table notes (id int);\n-- ROLLBACK\ndrop table notes;";

Deno.test("verify says what became of each migration, and stops at one that cannot be applied", async () => {
  await using workspace = await Workspace.create({
    "001_notes.sql": NOTES,
    "002_forgets.sql": "create table if not exists more (id int);\n-- ROLLBACK\nselect 1;",
    "003_one_way.sql": "create table extras (id int);",
    "004_by_hand.sql": "create table own (id int);\nalter table made_by_hand add column x int;",
    "005_after.sql": "create table after_it (id int);",
  });
  const { code, stdout, stderr } = await workspace.run(["verify"]);
  assert.equal(
    stdout,
    `🧪 SUPABASE_URL is not set: using the embedded database in .supamigrate/db

🔁 Taking migrations up, down and up again on a shadow...

  ✅ 001_notes.sql - up, down and up again end the same
  ❌ 002_forgets.sql
     The rollback forgets something: 002_forgets.sql
     The rollback does not restore what was there before
       + table public.more (left behind)
     💡 Add these statements to the ROLLBACK section.
          DROP TABLE "public"."more";
  ➖ 003_one_way.sql - it has no rollback
  ❌ 004_by_hand.sql
     Up fails on the shadow: 004_by_hand.sql line 2
     relation "made_by_hand" does not exist (42P01)
     💡 It is an embedded PostgreSQL 18 in the shape of the project, with what migrations make alone: what was made by hand before them is not in it.
  ⏭️  005_after.sql - not tried

❌ 2 of 5 migrations did not pass, and 1 was not tried
`,
    stderr,
  );
  assert.equal(code, 1);
});

Deno.test("verify takes the migrations that are named, or all, and --strict wants rollbacks", async () => {
  await using workspace = await Workspace.create({
    "001_notes.sql": NOTES,
    "002_one_way.sql": "create table extras (id int);",
  });
  const migrate = await workspace.run(["migrate"]);
  assert.equal(migrate.code, 0, migrate.stderr);
  const nothing = await workspace.run(["verify"]);
  assert.match(nothing.stdout, /✅ Nothing to verify: no migration is pending\n$/);
  assert.equal(nothing.code, 0, nothing.stderr);

  const named = await workspace.run(["verify", "001", "--json"]);
  assert.equal(named.code, 0, named.stderr);
  assert.deepEqual(JSON.parse(named.stdout), {
    success: true,
    migrations: [{ name: "001_notes.sql", isReversible: true, problems: [], remarks: [] }],
    notTried: [],
    doubts: [],
  });

  const strict = await workspace.run(["verify", "--all", "--strict"]);
  assert.match(strict.stdout, /\n\n❌ 1 migration has no rollback SQL\n$/);
  assert.equal(strict.code, 1, strict.stderr);

  const unknown = await workspace.run(["verify", "003"]);
  assert.match(unknown.stderr, /No migration is called "003"/);
  assert.equal(unknown.code, 2);
  const both = await workspace.run(["verify", "001", "--all"]);
  assert.match(both.stderr, /Names of migrations and all of them exclude each other/);
  assert.equal(both.code, 2);
});
