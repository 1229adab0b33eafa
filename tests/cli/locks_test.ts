import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";

Deno.test("migrate --dry-run --locks shows whom the statements keep waiting, and changes nothing", async () => {
  await using workspace = await Workspace.create({
    "001_notes.sql": "create table notes (id int, body text);",
  });
  const migrate = await workspace.run(["migrate"]);
  assert.equal(migrate.code, 0, migrate.stderr);
  await workspace.write(
    "002_changes.sql",
    "create table extras (id int);\nalter table notes alter column id type bigint;\n" +
      "insert into notes values (1, 'x');",
  );
  await workspace.write("003_outside.sql", "create index concurrently on notes (body);");
  const { code, stdout, stderr } = await workspace.run(["migrate", "--dry-run", "--locks"]);
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout.slice(stdout.indexOf("🔍 Dry run")),
    `🔍 Dry run: nothing was changed

🔒 Locks on tables that are there, the worst first, as measured on a shadow:
  🔴 002_changes.sql line 2: alter table notes alter column id type bigint
       public.notes (rows not counted yet, 8 KB): ACCESS EXCLUSIVE, all rows are written anew
       blocks reading and writing for under a second; it takes under a second itself
  … and 1 more that keeps nobody else waiting (--verbose)

ℹ️  By the sizes of the live tables, at 200 MB a second for reading and 20 MB for writing rows and indexes: an order of magnitude, and no promise. Waiting for a lock comes on top.
⚠️  003_outside.sql line 1: CREATE INDEX CONCURRENTLY runs outside a transaction, where its locks are not measured
`,
  );

  const alone = await workspace.run(["migrate", "--locks"]);
  assert.equal(alone.code, 2);
  assert.match(alone.stderr, /Locks are measured for a dry run alone\n💡 .*--dry-run --locks/);
});
