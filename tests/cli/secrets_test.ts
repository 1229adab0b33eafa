import assert from "node:assert/strict";
import { readStep } from "../database/requests.ts";
import { type CliResult, Workspace } from "../support/cli.ts";
import { privateKey, secretKey, tokenOf } from "../support/secrets.ts";
import { type Project, startStack } from "../support/stack.ts";
import { Terminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const serviceToken = await tokenOf("service_role");
const PASSWORD = "hunter2-hunter2";
const secrets = [
  secretKey,
  serviceToken,
  PASSWORD,
  "hunter2",
  ...privateKey.split("\n").slice(1, -1),
];
const keys = {
  "001_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;",
  "002_cron.sql": `create table calls (headers text);\n\n\ninsert into calls\n` +
    `  values ('Bearer ${serviceToken}');\n-- ROLLBACK\ndrop table calls;`,
};
const password = {
  "001_role.sql": `create role app_${Deno.pid}\n  login password '${PASSWORD}';\n-- ROLLBACK\n` +
    `alter role app_${Deno.pid} password 'hunter2';\ndrop role app_${Deno.pid};`,
};

async function open(
  migrations: Readonly<Record<string, string>>,
): Promise<{ project: Project; workspace: Workspace } & AsyncDisposable> {
  const project = await stack.createProject({ installed: true });
  const workspace = await Workspace.create(migrations, {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_KEY: project.serviceKey,
  });
  return {
    project,
    workspace,
    async [Symbol.asyncDispose]() {
      await workspace[Symbol.asyncDispose]();
      await project.sql(`drop role if exists app_${Deno.pid}`);
      await project[Symbol.asyncDispose]();
    },
  };
}

/** Takes note of what is asked of the database. */
function watch(project: Project): string[] {
  const steps: string[] = [];
  project.gateway.intercept(async (request, forward) => {
    steps.push(await readStep(request));
    return await forward(request);
  });
  return steps;
}

/** Everything that the tool has stored, as text. */
async function stored(project: Project): Promise<string> {
  const [row] = await project.sql(`
    select concat(
      (select jsonb_agg(h) from supamigrate.migration_history h),
      (select jsonb_agg(l) from supamigrate.migration_log l),
      (select jsonb_agg(o) from supamigrate.operation o)) as everything`);
  return String(row!.everything);
}

function assertHidden(shown: string, what = shown): void {
  for (const secret of secrets) assert(!shown.includes(secret), what);
}

function shownBy({ stdout, stderr }: CliResult): string {
  return stdout + stderr;
}

Deno.test("without a terminal, a migration with a key ends with 2 before it is sent", async () => {
  await using given = await open({ ...keys, "003_pem.sql": `select '${privateKey}';` });
  const steps = watch(given.project);
  const result = await given.workspace.run(["migrate"], { GITHUB_ACTIONS: "true" });
  assert.equal(result.code, 2);
  assert.deepEqual(steps, ["state"]);
  assert.equal(await stored(given.project), "");
  assert.match(
    result.stderr,
    /^⚠️ {2}002_cron\.sql:5 holds a service_role key \(JWT\)\n⚠️ {2}003_pem\.sql:1 holds a private key \(PEM\)\n⚠️ {2}The server keeps that: .*vault\.decrypted_secrets/,
  );
  assert.match(
    result.stderr,
    /\n❌ Migration command failed: The migration holds a service_role key \(JWT\)\n {3}at 002_cron\.sql:5\n💡 .*--yes/,
  );
  assert.match(result.stderr, /^::error file=migrations\/002_cron\.sql,line=5::/m);
  assertHidden(shownBy(result));

  const json = await given.workspace.run(["migrate", "--json", "--verbose"]);
  assert.equal(json.code, 2);
  assert.deepEqual(JSON.parse(json.stdout).error.position, { file: "002_cron.sql", line: 5 });
  assertHidden(shownBy(json));
});

Deno.test("--yes stores a key all the same, and what is applied is not looked at again", async () => {
  await using given = await open(keys);
  const result = await given.workspace.run(["migrate", "--yes", "--json"]);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stderr, /002_cron\.sql:5 holds a service_role key/);
  assert.match(JSON.parse(result.stdout).warnings.join("\n"), /^002_cron\.sql:5 holds/);
  assertHidden(shownBy(result));

  const again = await given.workspace.run(["migrate"]);
  assert.deepEqual([again.code, again.stderr], [0, ""]);
  const fresh = await given.workspace.run(["fresh", "--yes"]);
  assert.equal(fresh.code, 0, fresh.stderr);
  assert.match(fresh.stderr, /002_cron\.sql:5 holds a service_role key/);
  assertHidden(shownBy(fresh));
});

Deno.test("a password is told before the lock is taken, and migrated", async () => {
  await using given = await open(password);
  const run = given.workspace.spawn(["migrate"]);
  let stderr = "";
  const reading = run.stderr.pipeThrough(new TextDecoderStream())
    .pipeTo(new WritableStream({ write: (text) => void (stderr += text) }));
  using _ = given.project.gateway.intercept(async (request, forward) => {
    if (await readStep(request) === "acquire") {
      await until("the report", () => /001_role\.sql:4 holds a password\n/.test(stderr));
    }
    return await forward(request);
  });
  const [{ code }, stdout] = await Promise.all([run.status, new Response(run.stdout).text()]);
  await reading;
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /^⚠️ {2}001_role\.sql:2 holds a password\n⚠️ {2}001_role\.sql:4 holds a password\n⚠️ {2}The server/,
  );
  assertHidden(stdout + stderr);
  assert.match(await stored(given.project), /password 'hunter2'/, "the rollback SQL is kept");

  const undone = await given.workspace.run(["rollback", "--json", "--verbose"]);
  assert.equal(undone.code, 0);
  assertHidden(shownBy(undone));
});

Deno.test("on a terminal the answer decides", async () => {
  await using given = await open(keys);
  const refused = Terminal.start(given.workspace, ["migrate"]);
  await refused.see(/002_cron\.sql:5 holds[^]*Send that all the same\? \(yes\/no\): /);
  refused.type("\r");
  assert.equal(await refused.end(), 2);
  assert.match(refused.text, /Not confirmed: nothing was changed/);
  assert.equal(await stored(given.project), "");

  const agreed = Terminal.start(given.workspace, ["migrate"]);
  await agreed.see(/Send that all the same\? \(yes\/no\): /);
  agreed.type("yes\r");
  assert.equal(await agreed.end(), 0, agreed.text);
  assertHidden(refused.raw + agreed.raw);
});

Deno.test("a dry run tells, asks nothing, and shows statements without keys", async () => {
  await using given = await open({
    ...keys,
    ...password,
    "003_pem.sql": `do $$ begin\n  perform '${privateKey}';\nend $$;`,
    "004_short.sql": "alter role anon password 'hunter2';",
  });
  for (const more of [[], ["--verbose"], ["--json"]]) {
    const result = await given.workspace.run(["migrate", "--dry-run", ...more]);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /004_short\.sql:1 holds a password/);
    assertHidden(shownBy(result));
    assert.match(result.stdout, /login password '?\[hidden\]|create role/);
  }
  assert.equal(await stored(given.project), "");
});

Deno.test("on the embedded database a key is told, and not asked about", async () => {
  await using workspace = await Workspace.create(keys);
  const result = await workspace.run(["migrate"]);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stderr, /002_cron\.sql:5 holds a service_role key/);
  assertHidden(shownBy(result));
});

Deno.test("baseline and repair look at what they store: the rollback SQL", async () => {
  const [forward, rollback] = ["create table a ();", `select '${secretKey}';`];
  await using given = await open({
    "001_a.sql": `select '${secretKey}';\n-- ROLLBACK\nselect 1;`,
    "002_b.sql": forward,
    "002_b.down.sql": `\n${rollback}`,
  });
  const steps = watch(given.project);
  const refused = await given.workspace.run(["baseline", "002"]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /^⚠️ {2}002_b\.down\.sql:2 holds a secret key/);
  assert.deepEqual([steps, await stored(given.project)], [["state"], ""]);

  assert.equal((await given.workspace.run(["baseline", "001"])).stderr, "");
  const repaired = await given.workspace.run(["repair", "002", "--mark", "applied"]);
  assert.equal(repaired.code, 0);
  assert.match(repaired.stderr, /002_b\.down\.sql:2 holds a secret key/);
  const pending = await given.workspace.run(["repair", "002", "--mark", "pending"]);
  assert.deepEqual([pending.code, pending.stderr], [0, ""]);
  assert.equal((await given.workspace.run(["baseline", "002", "--yes"])).code, 0);
  const history = await given.workspace.run(["history", "--json"]);
  assert.match(history.stdout, /\[hidden\]/);
  for (const result of [refused, repaired, pending, history]) assertHidden(shownBy(result));
});

Deno.test("a rollback section that was changed is told of, and blocks nobody", async () => {
  const forward = "create table a ();\n-- ROLLBACK\n";
  await using given = await open({ "001_a.sql": `${forward}drop table a;` });
  await given.workspace.run(["migrate"]);
  await given.workspace.write("001_a.sql", `${forward}drop table a; select '${secretKey}';`);
  const { code, stderr } = await given.workspace.run(["migrate"]);
  assert.equal(code, 0);
  assert.match(stderr, /001_a\.sql:3 holds a secret key/);
});

Deno.test("no failure shows what the migration holds: not its line, not what PostgreSQL quotes", async () => {
  const failing: [string, string, number][] = [
    ["a syntax error", `alter role app password '${PASSWORD}' logn in;`, 2],
    ["a string left open", `select 1;\nalter role app password '${PASSWORD};\nselect 2;`, 2],
    ["what cannot run", `select 1; alter system set a to '${secretKey}';`, 2],
    [
      "what the server quotes",
      `do $$ begin execute 'alter role nobody password ''${PASSWORD}'''; end $$;`,
      1,
    ],
    ["a short one", "do $$ begin execute 'alter role nobody password ''hunter2'''; end $$;", 1],
    [
      "a value in the message",
      `create role app_${Deno.pid} password '${PASSWORD}'; select '${PASSWORD}'::int;`,
      1,
    ],
    [
      "SQL before a banner",
      `alter role a password '${PASSWORD}';\n-- FORWARD MIGRATION\nselect 1;`,
      2,
    ],
  ];
  await using given = await open({});
  for (const [what, sql, code] of failing) {
    await given.workspace.write("001_a.sql", sql);
    // Of what was not sent, status knows what migrate says.
    const commands = code === 2 ? ["migrate"] : ["migrate", "status"];
    for (const args of commands.flatMap((command) => [[command], [command, "--json"]])) {
      const result = await given.workspace.run([...args, "--verbose"], { GITHUB_ACTIONS: "true" });
      if (args[0] === "migrate") {
        assert.equal(result.code, code, `${what}: ${result.stderr}`);
        assert.match(shownBy(result), /001_a\.sql/, what);
      }
      assertHidden(shownBy(result), `${what}: ${shownBy(result)}`);
    }
  }
  const history = await given.workspace.run(["history", "--json"]);
  assert.match(history.stdout, /alter role nobody password/);
  assert(!history.stdout.includes(`'${PASSWORD}'`) && !history.stdout.includes("'hunter2'"));
});

Deno.test("what is stored of a failure has the SQL that failed, without its passwords and keys", async () => {
  const made = [
    `alter role nobody with password '${PASSWORD}' valid until 'tomorrow'`,
    `ALTER ROLE nobody PASSWORD E'${PASSWORD}''s\\nend'`,
    `alter role nobody password $$${PASSWORD}$$`,
    `select '${secretKey}', 1 / length('')`,
    `select 'Bearer ${serviceToken}', 1 / length('')`,
    `select '${privateKey}', 1 / length('')`,
  ];
  await using given = await open({});
  for (const sql of made) {
    await given.workspace.write("001_a.sql", `do $do$ begin execute $sql$${sql}$sql$; end $do$;`);
    assert.equal((await given.workspace.run(["migrate", "--yes"])).code, 1);
  }
  const kept = await stored(given.project);
  assertHidden(kept);
  assert.match(kept, /alter role nobody with password '\[hidden\]' valid until 'tomorrow'/);
  assert.match(kept, /select 'Bearer \[hidden\]', 1 \/ length\(''\)/);
});
