import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";
import { type Project, startStack } from "../support/stack.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const MIGRATIONS = { "001_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;\n" };

function environmentOf(project: Project): Record<string, string> {
  return { SUPABASE_URL: project.url, SUPABASE_SERVICE_KEY: project.serviceKey };
}

const hideHashes = (text: string) =>
  text.replace(/\b[0-9a-f]{64}\b/g, "HASH").replace(
    /(PostgreSQL|PostgREST) \d+(\.\d+)+/g,
    "$1 N.N",
  );

Deno.test("doctor says what it has looked at, and ends with 0 where nothing is wrong", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  await workspace.run(["migrate"]);
  const { code, stdout, stderr } = await workspace.run(["doctor"]);
  assert.deepEqual({ code, stderr, stdout: hideHashes(stdout) }, {
    code: 0,
    stderr: "",
    stdout: `🩺 Examined over exec_sql: PostgreSQL N.N, PostgREST N.N, tracking schema version 6

  ✅ api             exec_sql answers through the API
  ✅ server          the server is PostgreSQL 15 or later
  ✅ primary         the server is a primary, and may be written to
  ✅ timeouts        no time-out cuts a long migration off
  ✅ supautils       the API's connections have what gives postgres Supabase's own rights
  ✅ event-triggers  no event triggers but the platform's run along with migrations
  ✅ pool            the API's connections are clean
  ✅ clock           the server's clock and this machine's agree
  ✅ exec_sql        exec_sql is the function that this tool ships
  ✅ schema          the tracking schema is complete and of this tool's version
  ✅ functions       the functions in the tracking schema are those that this tool ships
  ✅ log             the audit log only grows, and each entry is chained to the one before
  ✅ tables          nothing else acts on the tracking tables
  ✅ callers         service_role alone may call exec_sql
  ✅ other-doors     no other function runs any SQL for the public key
  ✅ search-path     nobody else may create what migrations would find in place of what they name
  ✅ exposure        no role of the API reaches the tracking schema
  ✅ owner           one role, which is no superuser, owns everything
  ✅ chain           the entries of the audit log are as they were written
  ✅ history         the history, and the rollback SQL stored in it, are what the audit log says
  ✅ ledger          the Supabase CLI's ledger, where there is one, has what is applied
  ✅ lock            there is one lock, and nobody has left it behind
  ✅ copies          no copy of what migrations have destroyed is older than 30 days

🔗 Audit log: 2 entries, the last hash is HASH
✅ Nothing is wrong
`,
  });
  assert.deepEqual(await workspace.run(["doctor", "--quiet"]), { code: 0, stderr: "", stdout: "" });
});

Deno.test("doctor ends with 1 where something is wrong, and what it prints mends it", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  await project.sql(`
    grant usage on schema supamigrate to anon;
    drop trigger migration_log_is_append_only on supamigrate.migration_log`);

  const migrate = await workspace.run(["migrate"]);
  assert.equal(migrate.code, 2);
  assert.equal(
    migrate.stderr,
    "❌ Migration command failed: supamigrate is not safe to use: the schema supamigrate is open to " +
      "anon; the audit log can be changed\n💡 deno task migrate:doctor says how to mend it.\n",
  );

  const { code, stdout, stderr } = await workspace.run(["doctor", "--quiet"]);
  assert.deepEqual([code, stderr], [1, ""]);
  assert.equal(
    stdout.slice(stdout.indexOf("\n❌")),
    `
❌ log: What protects the audit log is gone or put to rest: trigger migration_log_is_append_only
   Entries could be changed or left out without a trace.
   🔧 Run:
        deno task migrate:install

❌ exposure: anon has USAGE on supamigrate
   History, lock and log are changed by exec_sql alone, so that a run can rely on them.
   🔧 In the SQL editor:
        revoke all on schema supamigrate from anon;

❌ 2 findings
`,
  );
  const json = await workspace.run(["doctor", "--json"]);
  assert.equal(json.code, 1);
  const { healthy, findings } = JSON.parse(json.stdout);
  assert.equal(healthy, false);
  assert.deepEqual(findings[1], {
    check: "exposure",
    problem: "anon has USAGE on supamigrate",
    why: "History, lock and log are changed by exec_sql alone, so that a run can rely on them.",
    mend: { sql: "revoke all on schema supamigrate from anon;" },
  });

  await using editor = await project.connect();
  await editor.sql(findings[1].mend.sql);
  assert.equal((await workspace.run(["install"])).code, 0);
  assert.equal((await workspace.run(["doctor"])).code, 0);
  assert.equal((await workspace.run(["migrate"])).code, 0);
});

Deno.test("the README shows a finding as it is printed", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  await project.sql("grant usage on schema supamigrate to anon");
  const { stdout } = await workspace.run(["doctor"]);
  const finding = /\n(❌ exposure:[^]*?)\n\n/.exec(stdout)?.[1];
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  assert.ok(readme.includes(`\`\`\`\n${finding}\n\`\`\``), finding);
});

Deno.test("stored rollback SQL that was changed is refused with 2", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  await workspace.run(["migrate"]);
  await workspace.write("001_a.sql", "create table changed ();\n");
  await project.sql("update supamigrate.migration_history set rollback_sql = 'drop schema public'");
  const { code, stderr } = await workspace.run(["rollback"]);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^❌ .*Refused to run the stored rollback SQL of 001_a\.sql: the audit log does not say/,
  );
  assert.match(stderr, /\n💡 Put the file back as it was when it was applied/);
});

Deno.test("a history that the log does not vouch for ends status --check with 1, migrate with 2", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  await workspace.run(["migrate"]);
  await project.sql("delete from supamigrate.migration_history where migration_name = '001_a.sql'");
  const status = await workspace.run(["status", "--check"]);
  assert.equal(status.code, 1);
  assert.match(status.stderr, /⚠️ {2}The audit log says something else of 001_a\.sql/);
  assert.match(status.stdout, /🎉 Up to date: No\n/);
  assert.match(status.stdout, /💡 Migrations are refused until the history is what the audit log/);
  const { code, stderr } = await workspace.run(["migrate"]);
  assert.equal(code, 2);
  assert.match(stderr, /The history is not what the audit log says of 001_a\.sql\n💡 Somebody/);
});

Deno.test("doctor without exec_sql ends with 1 and says how to install it", async () => {
  await using project = await stack.createProject();
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  const { code, stdout } = await workspace.run(["doctor"]);
  assert.equal(code, 1);
  assert.match(stdout, /❌ api: The project has no function exec_sql yet/);
  assert.match(stdout, /Not examined, as exec_sql does not answer: server, primary, /);
  assert.match(stdout, /🔧 Run:\n {8}deno task migrate:install\n/);
});

Deno.test("doctor examines the embedded database", async () => {
  await using workspace = await Workspace.create(MIGRATIONS);
  await workspace.run(["migrate"]);
  const { code, stdout } = await workspace.run(["doctor", "--json"]);
  const result = JSON.parse(stdout);
  assert.deepEqual([code, result.findings, result.skipped], [0, [], []]);
});
