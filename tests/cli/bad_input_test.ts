import assert from "node:assert/strict";
import { type CliResult, Workspace } from "../support/cli.ts";
import { startStack } from "../support/stack.ts";

const stack = await startStack({ major: 17 });
const project = await stack.createProject({ installed: true });
Deno.test.afterAll(async () => {
  await project[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

const SETTINGS = { SUPABASE_URL: project.url, SUPABASE_SERVICE_KEY: project.serviceKey };

async function run(
  args: readonly string[],
  environment: Record<string, string> = {},
  migrations: Record<string, string> = { "001_a.sql": "create table a ();" },
): Promise<CliResult> {
  await using workspace = await Workspace.create(migrations, { ...SETTINGS, ...environment });
  return await workspace.run(args);
}

Deno.test("wrong usage ends with 2 and says what is right", async () => {
  const cases: [string[], RegExp][] = [
    [["migrat"], /Unknown command "migrat"\. Did you mean command "migrate"\?/],
    [["migrate", "--tp", "x"], /Unknown option "--tp"\. Did you mean option "--to"\?/],
    [["migrate", "--transaction", "some"], /Expected values: "each", "batch", "all"/],
    [["migrate", "--on-change", "ignore"], /Expected values: "rerun", "redo", "error"/],
    [["migrate", "--wait", "-5"], /--wait has to be a number of seconds/],
    [["migrate", "--wait", "soon"], /must be of type "number"/],
    [["migrate", "extra"], /"migrate" takes no argument, but got "extra"/],
    [["create"], /Missing argument/],
    [["create", "../evil"], /is a path, not a name/],
    [["create", "???"], /nothing in it to name a migration with/],
    [["repair", "001_a"], /--mark applied or --mark pending; or --renamed NEW/],
    [
      ["repair", "002_b", "--mark", "applied"],
      /No migration is called "002_b"\n💡 Did you mean 001_a\.sql\?/,
    ],
    [["baseline", "01_a"], /Did you mean 001_a\.sql\?/],
    [["rollback", "9"], /There is no batch 9: the last one is 0/],
    [["rollback", "001_b"], /No applied migration is called "001_b"/],
    [["rollback", "--steps", "0"], /from 1 on, not 0/],
    [["rollback", "1", "--steps", "2"], /exclude each other/],
    [["history", "--limit", "0"], /from 1 on, not 0/],
    [["migrate", "--to", "999"], /No migration is called "999"/],
    [["migrate", "--dir", "nowhere"], /There is no folder "nowhere"/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await run(args);
    assert.match(stderr, message, args.join(" "));
    assert.equal(code, 2, args.join(" "));
  }
});

Deno.test("a wrong setting ends with 2 before any request, and no key is shown", async () => {
  const requests = project.gateway.requests;
  const expired = await project.keyFor({ role: "service_role", exp: 1_600_000_000 });
  const otherProject = await project.keyFor({ role: "service_role", ref: "abcdefghijklmnopqrst" });
  const cases: [Record<string, string>, RegExp][] = [
    [{ SUPABASE_SERVICE_KEY: "" }, /SUPABASE_SERVICE_KEY is not set/],
    [{ SUPABASE_SERVICE_KEY: "canary-not-a-key" }, /neither a JWT nor a secret key/],
    [{ SUPABASE_SERVICE_KEY: `${project.serviceKey}\n` }, /white space/],
    [{ SUPABASE_SERVICE_KEY: project.anonKey }, /is for the role "anon"/],
    [{ SUPABASE_SERVICE_KEY: expired }, /expired on 2020-09-13/],
    [{ SUPABASE_SERVICE_KEY: "sb_publishable_canary123" }, /publishable/],
    [
      {
        SUPABASE_SERVICE_KEY: otherProject,
        SUPABASE_URL: "https://zyxwvutsrqponmlkjihg.supabase.co",
      },
      /belongs to the project "abcdefghijklmnopqrst"/,
    ],
    [{ SUPABASE_URL: "not a url" }, /SUPABASE_URL is not a URL/],
    [{ SUPABASE_URL: "http://example.com" }, /has to begin with https/],
    [{ SUPABASE_URL: "ftp://127.0.0.1" }, /has to begin with https/],
    [
      { SUPABASE_URL: "https://user:canary-password@example.com" },
      /holds a user name or a password/,
    ],
    [{ MIGRATION_LOCK_TIMEOUT: "soon" }, /MIGRATION_LOCK_TIMEOUT has to be a whole number/],
    [{ MIGRATION_LOCK_TIMEOUT: "-1" }, /MIGRATION_LOCK_TIMEOUT has to be a whole number/],
    [{ MIGRATION_BATCH_SIZE: "0" }, /MIGRATION_BATCH_SIZE has to be a whole number/],
    [
      { SUPABASE_URL: "", SUPABASE_SERVICE_KEY: "", CI: "true" },
      /SUPABASE_URL is not set, and this is CI/,
    ],
    [{ SUPABASE_URL: "" }, /A service key is set, and SUPABASE_URL is not/],
  ];
  for (const [environment, message] of cases) {
    const { code, stdout, stderr } = await run(["migrate"], environment);
    assert.match(stderr, message);
    assert.equal(code, 2, stderr);
    const key = environment.SUPABASE_SERVICE_KEY ?? project.serviceKey;
    const shown = stdout + stderr;
    if (key !== "") assert(!shown.includes(key.trim()), "the key is shown");
    assert(!shown.includes("canary-password"));
  }
  assert.equal(project.gateway.requests, requests);
});

Deno.test("a server that is not there ends with 4, and one that is no project says so", async () => {
  const { port } = new URL(project.url);
  const nowhere = await run(["status"], { SUPABASE_URL: "http://127.0.0.1:2" });
  assert.equal(nowhere.code, 4);
  assert.match(nowhere.stderr, /Cannot reach http:\/\/127\.0\.0\.1:2: .*refused/);

  const plain = await run(["status"], { SUPABASE_URL: `https://127.0.0.1:${port}` });
  assert.equal(plain.code, 4);

  const elsewhere = await run(["status"], { SUPABASE_URL: `${project.url}/elsewhere` });
  assert.equal(elsewhere.code, 4);
  assert.match(elsewhere.stderr, /does not answer as a Supabase project does: HTTP 404/);
});

Deno.test("a revoked key ends with 2", async () => {
  const { code, stderr } = await run(["status"], {
    SUPABASE_SERVICE_KEY: "sb_secret_revoked00000000",
  });
  assert.equal(code, 2);
  assert.match(stderr, /The project refuses the key: HTTP 401/);
  assert(!stderr.includes("sb_secret_revoked00000000"));
});

Deno.test("a file that does not parse is shown with line, column and caret, and nothing is sent", async () => {
  const { code, stdout, stderr } = await run(["migrate"], { GITHUB_ACTIONS: "true" }, {
    "001_a.sql": "create table a ();",
    "002_b.sql":
      "-- FORWARD MIGRATION\ncreate table b (\n  id int,\n  naem texxt nott null\n);\n-- ROLLBACK\ndrop table b;\n",
  });
  assert.equal(code, 2);
  const host = new URL(project.url).host;
  assert.equal(
    stdout,
    `🌐 Project ${host} (SUPABASE_URL in the environment)\n\n🚀 Starting database migration...\n\n`,
  );
  assert.equal(
    stderr,
    `❌ Migration command failed: syntax error at or near "nott"
   at 002_b.sql:4:14
   4 |   naem texxt nott null
                    ^
💡 Mend the SQL. Nothing was sent to the database.
::error file=migrations/002_b.sql,line=4,col=14::syntax error at or near "nott"
`,
  );
  assert.deepEqual(await project.sql("select * from supamigrate.migration_history"), []);
});

Deno.test("an empty folder and files that are no migrations are refused", async () => {
  assert.match(
    (await run(["migrate"], {}, {})).stderr,
    /The folder "migrations" holds no migrations/,
  );
  await using workspace = await Workspace.create({}, SETTINGS);
  await Deno.writeFile(
    `${workspace.path}/migrations/001_a.sql`,
    new Uint8Array([0x61, 0x0a, 0xff]),
  );
  const { code, stderr } = await workspace.run(["migrate"]);
  assert.equal(code, 2);
  assert.match(stderr, /The file is not UTF-8\n {3}at 001_a\.sql:2/);
});

Deno.test("fresh, rollback and uninstall without a terminal need --yes on a project", async () => {
  const fresh = await run(["fresh"]);
  assert.equal(fresh.code, 2);
  assert.match(fresh.stderr, /there is no terminal to ask on\n💡 Add --yes if it is really meant/);
});

Deno.test("install asks the Management API about hosted projects alone", async () => {
  const { code, stderr } = await run(["install"], { SUPABASE_ACCESS_TOKEN: "sbp_canary_token" });
  assert.equal(code, 2);
  assert.match(stderr, /The Management API does not know http:\/\/127\.0\.0\.1:\d+/);
  assert(!stderr.includes("sbp_canary_token"));
});
