import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";

// What is found in migration files without a database, from the command line.

const FIT = `-- Notes

-- ============================================
-- FORWARD MIGRATION
-- ============================================

create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid not null references auth.users (id) on delete cascade
);
create index on public.notes (user_id);
alter table public.notes enable row level security;
grant select on public.notes to authenticated;
create policy own on public.notes for select to authenticated
  using (user_id = (select auth.uid()));

-- ============================================
-- ROLLBACK
-- ============================================

drop table public.notes;
`;

const OPEN =
  "create table public.tags (id bigint primary key);\n-- ROLLBACK\ndrop table public.tags;\n";

/** The codes that are found in files. */
async function findIn(
  files: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<{ code: number; codes: string[]; findings: { code: string; line: number }[] }> {
  await using workspace = await Workspace.create(files);
  const { code, stdout } = await workspace.run(["validate", "--no-shadow", "--json", ...args]);
  const { findings } = JSON.parse(stdout);
  return { code, codes: findings.map(({ code }: { code: string }) => code), findings };
}

Deno.test("validate says nothing about files that are right, and sends nothing", async () => {
  await using workspace = await Workspace.create({ "001_notes.sql": FIT });
  const { code, stdout, stderr } = await workspace.run(["validate", "--no-shadow", "--strict"]);
  assert.equal(stdout, "✅ 1 migration looked at, nothing wrong\n");
  assert.equal(stderr, "");
  assert.equal(code, 0);
  await assert.rejects(Deno.stat(`${workspace.path}/.supamigrate`), Deno.errors.NotFound);
});

Deno.test("validate finds nothing in the migrations of this repository", async () => {
  await using workspace = await Workspace.create();
  const dir = new URL("../../migrations", import.meta.url).pathname;
  const { code, stdout } = await workspace.run(["validate", "--verbose", "--dir", dir]);
  assert.equal(stdout, "✅ 2 migrations looked at, nothing wrong\n");
  assert.equal(code, 0);
});

Deno.test("validate tells all findings of all files at once, with place, reason and remedy", async () => {
  await using workspace = await Workspace.create({
    "001_tags.sql": OPEN,
    "002_words.sql": OPEN.replaceAll("tags", "words"),
    "003_typo.sql": "create table public.more (id int);\ncreate tabel a (id int);\n",
    "004_undone.sql": "select 1;\n-- ROLLBACK\ndrop tabel a;\n",
  });
  const { code, stdout } = await workspace.run(["validate", "--no-shadow"]);
  assert.equal(code, 1);
  const first = stdout.slice(0, stdout.indexOf("\n\n", stdout.indexOf("[table-without-rls]")));
  assert.equal(
    first,
    `⚠️  Nothing is granted on the table public.tags [table-without-grant]
   at 001_tags.sql:1:1
   Since 30 October 2026 nothing is granted on new tables by default: without a GRANT the API answers 42501 (permission denied), for service_role too
   💡 Grant what is needed, such as: grant select on … to anon, authenticated, service_role; or revoke all on it from anon and authenticated, to say that the API has no part in it.

❌ The table public.tags has no row level security [table-without-rls]
   at 001_tags.sql:1:1
   Whoever has the public key reads and writes all of its rows, as far as rights are granted
   💡 Write: alter table … enable row level security; and policies for what is allowed.`,
  );
  // Why is said once.
  assert.match(stdout, /public\.words has no row level security .*\n {3}at 002_words\.sql:1:1\n\n/);
  assert.match(stdout, /syntax error at or near "tabel" \[syntax\]\n {3}at 003_typo\.sql:2:8/);
  assert.match(stdout, /syntax error at or near "tabel" \[syntax\]\n {3}at 004_undone\.sql:3:6/);
  assert.match(stdout, /❌ 4 migrations looked at: 5 errors and 4 warnings; \d more worth knowing/);
});

Deno.test("validate reports of named migrations alone, and knows what earlier ones have made", async () => {
  const files = {
    "001_tags.sql": OPEN,
    "002_policy.sql": "create policy p on public.tags for select to anon using (true);",
  };
  const { code, codes } = await findIn(files, "002");
  assert.deepEqual(codes, ["missing-rollback", "policy-without-rls"]);
  assert.equal(code, 1);
  assert.deepEqual((await findIn(files, "001")).codes, ["table-without-grant"]);
});

Deno.test("validate knows what comes later, in another file and in a DO block", async () => {
  const { code, codes } = await findIn({
    "001_tags.sql": OPEN,
    "002_open.sql": "do $$ begin\n  if true then\n" +
      "    alter table public.tags enable row level security;\n" +
      "    grant select on public.tags to anon;\n  end if;\nend $$;\n" +
      "create policy p on public.tags for select to anon using (true);\n-- ROLLBACK\nselect 1;\n",
  }, "--strict");
  assert.deepEqual(codes, []);
  assert.equal(code, 0);
});

Deno.test("validate says nothing about tables that a DO block may have closed", async () => {
  const { codes } = await findIn({
    "001_tags.sql": OPEN,
    "002_all.sql": "do $$ declare t regclass; begin\n" +
      "  for t in select oid from pg_class where relnamespace = 'public'::regnamespace loop\n" +
      "    execute format('alter table %s enable row level security', t);\n" +
      "    execute format('grant select on %s to anon', t);\n  end loop;\nend $$;\n" +
      "-- ROLLBACK\nselect 1;\n",
  });
  assert.deepEqual(codes, []);
});

Deno.test("a comment accepts a finding of the statement below it, or of its file", async () => {
  const allow = "-- supamigrate: allow table-without-grant nobody reads it yet\n";
  const { findings } = await findIn({
    "001_statement.sql": `select 1;\n\n${allow}${OPEN}`,
    "002_file.sql": `${allow}\n${OPEN.replaceAll("tags", "more")}`,
    "003_head.sql": `${allow}\n-- FORWARD MIGRATION\nselect 1;\n${OPEN.replaceAll("tags", "last")}`,
    "004_other.sql": `${allow}select 1;\n${OPEN.replaceAll("tags", "other")}`,
  });
  assert.deepEqual(
    findings.filter(({ code }) => code !== "table-without-rls")
      .map(({ code, line }) => `${code} ${line}`),
    ["allowance-unused 1", "table-without-grant 3"],
  );
});

Deno.test("an allowance without a reason, of an unknown rule, or of nothing is a finding", async () => {
  await using workspace = await Workspace.create({
    "001_tags.sql": `-- supamigrate: allow table-without-rls\n${OPEN}`,
    "002_more.sql": "-- supamigrate: allow table-without-rsl typed in a hurry\n" +
      OPEN.replaceAll("tags", "more"),
    "003_none.sql":
      "-- supamigrate: allow drop-table it is empty\nselect 1;\n-- ROLLBACK\nselect 1;",
  });
  const { stdout } = await workspace.run(["validate", "--no-shadow"]);
  assert.match(
    stdout,
    /Nobody says why table-without-rls is accepted \[allowance-without-reason\]/,
  );
  assert.match(stdout, /There is no rule "table-without-rsl": is "table-without-rls" meant\?/);
  assert.match(stdout, /There is no drop-table to accept here \[allowance-unused\]/);
});

Deno.test("warnings fail with --strict alone, and errors always", async () => {
  const warns = { "001_drop.sql": "drop table public.old;\n-- ROLLBACK\nselect 1;\n" };
  assert.deepEqual(await findIn(warns).then(({ code, codes }) => [code, codes]), [0, [
    "drop-table",
  ]]);
  assert.equal((await findIn(warns, "--strict")).code, 1);
  assert.equal((await findIn({ "001_tags.sql": OPEN })).code, 1);
});

Deno.test("validate tells what discovery and planning say of names and files", async () => {
  const { codes } = await findIn({
    "001_a.sql": "select 1;\n-- ROLLBACK\nselect 1;",
    "001_b.sql": "select 1;\n-- ROLLBACK\nselect 1;",
    "003_C.SQL": "select 1;",
    "004_two.sql": "select 1;\n-- ROLLBACK\nselect 1;\n-- ROLLBACK\nselect 2;\n",
    "005_savepoint.sql": "savepoint here;\n-- ROLLBACK\nselect 1;",
    "006_concurrently.sql": "create index concurrently i on public.a (id);\n-- ROLLBACK\nselect 1;",
    "007_empty.sql": "-- nothing yet\n",
    "seed.sql": "select 1;\n-- ROLLBACK\nselect 1;",
  });
  assert.deepEqual(codes.toSorted(), [
    "cannot-run",
    "empty-migration",
    "file-unfit",
    "left-out",
    "no-number",
    "order-doubtful",
    "other-way-only",
  ]);
});

Deno.test("validate takes the exposed schemas from config.toml", async () => {
  const files = {
    "001_a.sql": "create table api.a (id bigint primary key);\n-- ROLLBACK\nselect 1;",
  };
  assert.deepEqual((await findIn(files)).codes, []);
  await using workspace = await Workspace.create(files);
  await Deno.writeTextFile(`${workspace.path}/config.toml`, '[api]\nschemas = ["api"]\n');
  const { stdout } = await workspace.run(["validate", "--no-shadow", "--json"]);
  assert.match(stdout, /The table api\.a has no row level security/);
});

Deno.test("validate --format github writes annotations at the lines of the files", async () => {
  await using workspace = await Workspace.create({ "001_tags.sql": `\n${OPEN}` });
  const { code, stdout, stderr } = await workspace.run([
    "validate",
    "--no-shadow",
    "--format",
    "github",
  ]);
  assert.match(
    stderr,
    /^::error file=migrations\/001_tags\.sql,line=2,col=1::The table public\.tags has no row level security \(table-without-rls\)$/m,
  );
  assert.match(
    stderr,
    /^::warning file=migrations\/001_tags\.sql,line=2,col=1::Nothing is granted/m,
  );
  assert.equal(stdout, "❌ 1 migration looked at: 1 error and 1 warning\n");
  assert.equal(code, 1);
});

Deno.test("validate --format sarif writes what code scanning reads", async () => {
  await using workspace = await Workspace.create({ "001_tags.sql": OPEN });
  const { code, stdout } = await workspace.run(["validate", "--no-shadow", "--format", "sarif"]);
  const log = JSON.parse(stdout);
  assert.equal(code, 1);
  assert.equal(log.version, "2.1.0");
  const [run] = log.runs;
  assert.equal(run.tool.driver.name, "supamigrate");
  const ids = run.tool.driver.rules.map(({ id }: { id: string }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(run.results.length, 2);
  for (const { ruleId, ruleIndex, level, message, locations } of run.results) {
    assert.equal(ids[ruleIndex], ruleId);
    assert(["error", "warning", "note"].includes(level));
    assert(message.text.length > 0);
    assert.deepEqual(locations, [{
      physicalLocation: {
        artifactLocation: { uri: "migrations/001_tags.sql", uriBaseId: "%SRCROOT%" },
        region: { startLine: 1, startColumn: 1 },
      },
    }]);
  }
});

Deno.test("validate refuses a name that no migration has, and a folder that is none", async () => {
  await using workspace = await Workspace.create({ "001_tags.sql": OPEN });
  const unknown = await workspace.run(["validate", "--no-shadow", "002_tags"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /No migration is called "002_tags"\n💡 .*001_tags/);
  const none = await workspace.run(["validate", "--no-shadow", "--dir", "nowhere"]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /There is no folder "/);
  const form = await workspace.run(["validate", "--no-shadow", "--format", "xml"]);
  assert.equal(form.code, 2);
});

Deno.test("migrate tells the errors of what is pending, counts the warnings, and goes on", async () => {
  await using workspace = await Workspace.create({ "001_tags.sql": OPEN });
  const { code, stdout, stderr } = await workspace.run(["migrate", "--embedded"]);
  assert.equal(code, 0);
  assert.match(stdout, /✅ Migration completed successfully!/);
  assert.match(
    stderr,
    /001_tags\.sql:1 The table public\.tags has no row level security \(table-without-rls\)/,
  );
  assert.match(stderr, /1 warning: .*validate says which/);
  const again = await workspace.run(["migrate", "--embedded"]);
  assert.equal(again.stderr, "");
});

Deno.test("migrate --strict refuses what validate --strict would, and sends nothing", async () => {
  await using workspace = await Workspace.create({ "001_tags.sql": OPEN });
  const { code, stderr } = await workspace.run(["migrate", "--strict", "--embedded"]);
  assert.equal(code, 2);
  assert.match(stderr, /2 mistakes in 1 file, and nothing was sent/);
  assert.match(stderr, /has no row level security \(table-without-rls\)\n {3}at 001_tags\.sql:1:1/);
  await Deno.writeTextFile(`${workspace.path}/migrations/001_tags.sql`, FIT);
  const mended = await workspace.run(["migrate", "--strict", "--embedded"]);
  assert.match(mended.stdout, /001_tags\.sql - not_executed[^]*Migrations run: 1\n/);
});
