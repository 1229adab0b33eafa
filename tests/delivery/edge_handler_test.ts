import assert from "node:assert/strict";
import { createHandler } from "../../lib/edge/runtime.ts";
import { prepareForBundle } from "../../lib/operations/prepared.ts";
import { loadMigrations } from "../../lib/operations/source.ts";
import { splitStatements } from "../../lib/planning/statements.ts";
import { createMigrator } from "../../mod.ts";
import type { EdgeReply } from "../support/edge.ts";
import { startStack } from "../support/stack.ts";

// The handler itself, in this process; edge_test.ts runs it where it belongs.

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());
const project = await stack.createProject({ installed: true, listens: false });
await project.sql("create table public.in_use ()"); // each migration goes by itself then

type Call = (body?: unknown, headers?: Record<string, string>) => Promise<EdgeReply>;

/** A function with these migrations, for the project that the tests take turns with. */
async function deploy(
  migrations: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>> = {},
): Promise<{ call: Call; log: string[] }> {
  const loaded = await loadMigrations(migrations);
  const { prepared } = await prepareForBundle(loaded, splitStatements, "0.0.0");
  const environment: Record<string, string> = {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_ROLE_KEY: project.serviceKey,
    ...variables,
  };
  const log: string[] = [];
  const handle = createHandler(JSON.parse(JSON.stringify(prepared)), {
    read: (name) => environment[name],
    waitUntil: () => {},
    log: (line) => log.push(line),
  });
  const call: Call = async (body, headers = { apikey: project.serviceKey }) => {
    const response = await handle(
      new Request("http://localhost/migrate", {
        headers,
        ...(body === undefined
          ? {}
          : { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
    return { status: response.status, body: await response.json() };
  };
  return { call, log };
}

async function undoAll(): Promise<void> {
  await using migrator = createMigrator({
    supabaseUrl: project.url,
    serviceKey: project.serviceKey,
    migrations: { "999_none.sql": "" },
  });
  assert((await migrator.rollback({ target: "0" })).success);
}

const table = (name: string) => `create table ${name} (id int);\n-- ROLLBACK\ndrop table ${name};`;
const THREE = { "001_a.sql": table("a"), "002_b.sql": table("b"), "003_c.sql": table("c") };

Deno.test("a run that is more than a request may do is continued by the next requests, forth and back", async () => {
  const { call } = await deploy(THREE, { MIGRATION_SHARE: "2" });
  const first = await call({ command: "migrate" });
  assert.equal(first.status, 202, JSON.stringify(first.body));
  assert.deepEqual(
    [first.body.success, first.body.running, first.body.migrationsRun, first.body.continue],
    [false, false, 2, { command: "migrate" }],
  );
  assert.equal((await call()).body.lock.isLocked, false);
  const second = await call(first.body.continue);
  assert.equal(second.status, 200);
  assert.equal(second.body.migrationsRun, 1);

  const back = await call({ command: "rollback", steps: 3 });
  assert.equal(back.status, 202);
  assert.deepEqual(back.body.continue, { command: "rollback", steps: 1 });
  const last = await call(back.body.continue);
  assert.equal(last.status, 200);
  assert.equal((await call()).body.executed, 0);
});

Deno.test("no other migration is begun when the time of a request is over", async () => {
  const { call } = await deploy({
    "000_slow.sql": "do $$ begin perform pg_sleep(0.5); end $$;\n-- ROLLBACK\nselect 1;",
    ...THREE,
  }, { MIGRATION_STOP_AFTER: "400" });
  const { status, body } = await call("");
  assert.equal(status, 202, JSON.stringify(body));
  assert.equal(body.interrupted, true, JSON.stringify(body));
  assert.equal(body.migrationsRun, 1);
  await undoAll();
});

Deno.test("a request with something wrong in it changes nothing", async () => {
  const { call } = await deploy(THREE);
  const cases: [unknown, RegExp][] = [
    ["{", /^The body is not JSON$/],
    ["[]", /^The body is not a JSON object$/],
    [{ command: "fresh" }, /^The command has to be "migrate" or "rollback", not "fresh"$/],
    [{ command: "rollback", step: 1 }, /^There is no "step" in a request of rollback$/],
    [{ command: "migrate", steps: 1 }, /^There is no "steps" in a request of migrate$/],
    ['{"__proto__":1}', /^There is no "__proto__" in a request of migrate$/],
    [{ constructor: 1 }, /^There is no "constructor" in a request of migrate$/],
    [{ dryRun: "yes" }, /^"dryRun" has to be a boolean, not "yes"$/],
    [{ waitMs: 100_001 }, /^"waitMs" has to be a number of milliseconds from 0 to 100000, /],
    [{ waitMs: -1 }, /^"waitMs" has to be a number of milliseconds from 0 to 100000, not -1$/],
    [{ transaction: "none" }, /^"transaction" has to be each, batch or all, not "none"$/],
  ];
  for (const [body, message] of cases) {
    const reply = await call(body);
    assert.equal(reply.status, 400, JSON.stringify(body));
    assert.match(reply.body.error.message, message);
  }
  const wrong = await call({ command: "rollback", steps: 0 });
  assert.equal(wrong.status, 422);
  assert.equal((await call()).body.executed, 0);
});

Deno.test("the service role's key and every secret key open the function, as bearer token and as apikey", async () => {
  const secretKeys = JSON.stringify({ default: project.secretKey, other: project.serviceKey });
  const environments = [
    [{ SUPABASE_SERVICE_ROLE_KEY: "", SUPABASE_SECRET_KEYS: secretKeys }, project.secretKey],
    [{ SUPABASE_SECRET_KEYS: secretKeys }, project.secretKey],
    [{ SUPABASE_SECRET_KEYS: "no JSON" }, project.serviceKey],
  ] as const;
  for (const [environment, key] of environments) {
    const { call } = await deploy(THREE, environment);
    for (const headers of [{ apikey: key }, { authorization: `Bearer ${key}` }]) {
      const { status, body } = await call(undefined, headers as Record<string, string>);
      assert.equal(status, 200, JSON.stringify(body));
    }
    // The gateway of a project takes the anon key as a bearer token beside a secret key.
    const both = { authorization: `Bearer ${project.anonKey}`, apikey: key };
    assert.equal((await call(undefined, both)).status, 200);
    for (const wrong of [project.anonKey, project.publishableKey, "", "no JSON", "null"]) {
      assert.equal((await call(undefined, { apikey: wrong })).status, 401);
    }
  }
  const { call } = await deploy(THREE, { SUPABASE_SERVICE_ROLE_KEY: "" });
  for (const headers of [{ apikey: "" }, { authorization: "Bearer " }, {}]) {
    assert.equal((await call(undefined, headers as Record<string, string>)).status, 401);
  }
});

Deno.test("a server that is not there is 502, and an outcome that nobody knows is 504", async () => {
  const settings = { MIGRATION_GIVE_UP_AFTER: "200", MIGRATION_REQUEST_TIMEOUT: "2000" };
  const away = await deploy(THREE, { ...settings, SUPABASE_URL: "http://127.0.0.1:9" });
  const unreachable = await away.call({ command: "migrate" });
  assert.equal(unreachable.status, 502, JSON.stringify(unreachable.body));
  assert.equal(unreachable.body.error.type, "UnreachableError");
  assert(!JSON.stringify(unreachable.body).includes(project.serviceKey));

  const { call } = await deploy(THREE, settings);
  {
    let isGone = false;
    using _ = project.gateway.intercept(async (request, forward) => {
      const isApply = (await request.clone().text()).includes("supamigrate.perform");
      isGone ||= isApply;
      if (!isGone) return await forward(request);
      if (isApply) await forward(request).then((response) => response.body?.cancel());
      return new Response("gone", { status: 503 });
    });
    const unknown = await call({ command: "migrate" });
    assert.equal(unknown.status, 504, JSON.stringify(unknown.body));
    assert.equal(unknown.body.error.type, "UnknownOutcomeError");
  }
  assert.equal((await call()).body.executed, 1);
  await using migrator = createMigrator({
    supabaseUrl: project.url,
    serviceKey: project.serviceKey,
  });
  await migrator.unlock();
  await undoAll();
});

Deno.test("what the command line would ask about is refused unless the request says yes", async () => {
  const { call } = await deploy({
    "001_key.sql": `create table keys (key text);
insert into keys values ('${project.secretKey}');
-- ROLLBACK
drop table keys;`,
  });
  const refused = await call({ command: "migrate" });
  assert.equal(refused.status, 422);
  assert.deepEqual(refused.body.error.position, { file: "001_key.sql", line: 2 });
  assert.equal((await call()).body.executed, 0);
  const sent = await call({ command: "migrate", yes: true });
  assert.equal(sent.status, 200, JSON.stringify(sent.body));
  assert(!JSON.stringify(sent.body).includes(project.secretKey));
  await undoAll();
});

Deno.test("rollback SQL that was stored runs where the bundle has it, and is refused where it has not", async () => {
  const first = await deploy({ "001_a.sql": table("a"), "002_b.sql": table("b") });
  assert.equal((await first.call({ command: "migrate" })).status, 200);

  // The forward part was changed, and the stored rollback is what the file says still.
  const changed = await deploy({
    "001_a.sql": table("a"),
    "002_b.sql": `select 1;\n${table("b")}`,
  });
  const undone = await changed.call({ command: "rollback", steps: 1 });
  assert.equal(undone.status, 200, JSON.stringify(undone.body));
  assert.equal(undone.body.results[0].source, "stored");

  const strict = await changed.call({
    command: "migrate",
    onChange: "error",
    outOfOrder: "refuse",
  });
  assert.equal(strict.status, 200, JSON.stringify(strict.body));
  const again = await first.call({ command: "migrate", onChange: "error" });
  assert.equal(again.status, 422);
  assert.match(again.body.error.hint, /run with "onChange": "rerun" or redo/);
  const back = await changed.call({ command: "rollback", steps: 1 });
  assert.equal(back.body.results[0].source, "file", JSON.stringify(back.body));

  const gone = await deploy({ "002_b.sql": table("b") });
  const refused = await gone.call({ command: "rollback", steps: 1 });
  assert.equal(refused.status, 422);
  assert.match(refused.body.error.message, /^The stored rollback of 001_a\.sql cannot be run here/);
  assert.equal((await gone.call()).body.executed, 1);
  await undoAll();
});
