/** `--via` on the command line, and that what opens each way is never printed. */

import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { Workspace } from "../support/cli.ts";
import { findLeaks, formsOf } from "../support/leaks.ts";
import { startStack } from "../support/stack.ts";
import { createMigrator } from "../../mod.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const MIGRATIONS = {
  "001_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;",
  "002_b.sql": "create table b ();\n-- ROLLBACK\ndrop table b;",
};
const PASSWORD = "canary-p4ssword-3b7e";
const REF = "abcdefghijklmnopqrst";

const allForms = (secret: string) => Object.values(formsOf(secret)).join(" and ");

const withPassword = (databaseUrl: string) => {
  const url = new URL(databaseUrl);
  url.password = PASSWORD;
  return url.href;
};

Deno.test("every command takes --via direct, with DATABASE_URL alone and in CI", async () => {
  await using project = await stack.createProject();
  const DATABASE_URL = withPassword(project.databaseUrl);
  await using workspace = await Workspace.create(MIGRATIONS, { DATABASE_URL, CI: "true" });
  const commands = [
    ["install", "--yes"],
    ["status"],
    ["migrate"],
    ["rollback", "--yes"],
    ["baseline", "001", "--yes"],
    ["adopt", "--yes"],
    ["repair", "001", "--mark", "pending", "--yes"],
    ["fresh", "--yes"],
    ["history"],
    ["unlock", "--yes"],
    ["doctor"],
    ["create", "another"],
    ["uninstall", "--yes"],
  ];
  for (const command of commands) {
    const { code, stdout, stderr } = await workspace.run([
      ...command,
      "--via",
      "direct",
      "--verbose",
      ...(command[0] === "status" ? ["--json"] : []),
    ]);
    assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
    assert.deepEqual(findLeaks(`${stdout}${stderr}`, PASSWORD), []);
  }
});

Deno.test("MIGRATION_VIA says it for all commands, and --via for one", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, {
    DATABASE_URL: withPassword(project.databaseUrl),
    MIGRATION_VIA: "direct",
  });
  assert.equal((await workspace.run(["migrate"])).code, 0);
  assert.equal(project.gateway.requests, 0);
  const { code, stderr } = await workspace.run(["status", "--via", "api"]);
  assert.deepEqual([code, /SUPABASE_URL is not set/.test(stderr)], [2, true], stderr);
  const wrong = await workspace.run(["status", "--via", "tunnel"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /"tunnel"/);
});

Deno.test("what a way lacks is said, and no embedded database takes its place", async () => {
  await using workspace = await Workspace.create(MIGRATIONS);
  for (
    const [via, message] of [
      ["direct", /DATABASE_URL is not set, which --via direct needs/],
      ["management", /SUPABASE_ACCESS_TOKEN is not set, which --via management needs/],
      ["api", /SUPABASE_URL is not set/],
    ] as const
  ) {
    const { code, stderr } = await workspace.run(["migrate", "--via", via]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
  const { code, stderr } = await workspace.run(["migrate", "--via", "direct", "--embedded"]);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /--via leads to a project, and --embedded to no project/);
});

Deno.test("a project that is reached directly is remembered as the same one", async () => {
  await using workspace = await Workspace.create(MIGRATIONS);
  await Deno.mkdir(`${workspace.path}/.supamigrate`);
  const known = [{ name: "tsrqponmlkjihgfedcba", since: "2026-11-20" }];
  await Deno.writeTextFile(
    `${workspace.path}/.supamigrate/projects.json`,
    JSON.stringify({ migrations: known }),
  );
  const { code, stderr } = await workspace.run(["migrate", "--via", "direct"], {
    DATABASE_URL:
      `postgresql://postgres.${REF}:${PASSWORD}@aws-0-x.pooler.supabase.com:6543/postgres`,
  });
  assert.equal(code, 2, stderr);
  assert.match(stderr, new RegExp(`have gone to tsrqponmlkjihgfedcba .*, not to ${REF}`));
  assert.match(stderr, /Check DATABASE_URL/);
});

/** A PostgreSQL that tells whoever connects all that it was given. */
async function listenTelling(
  text: string,
): Promise<{ port: number; close: () => Promise<unknown> }> {
  const message = new TextEncoder().encode(`SFATAL\0CXX000\0M${text}\0D${text}\0H${text}\0\0`);
  const head = new Uint8Array([69, 0, 0, 0, 0]);
  new DataView(head.buffer).setUint32(1, message.length + 4);
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(new Uint8Array([...head, ...message])));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { port, close: () => new Promise((resolve) => server.close(resolve)) };
}

Deno.test("a password or a token that a server sends back is printed in no form", async () => {
  const server = await listenTelling(allForms(PASSWORD));
  await using workspace = await Workspace.create(MIGRATIONS, {
    DATABASE_URL: `postgresql://postgres:${PASSWORD}@127.0.0.1:${server.port}/postgres`,
  });
  for (const args of [["migrate"], ["status", "--json"], ["doctor"], ["install", "--yes"]]) {
    const { code, stdout, stderr } = await workspace.run([...args, "--via", "direct", "-v"]);
    assert([2, 4].includes(code), `${args}: ${stdout}${stderr}`);
    assert.match(`${stdout}${stderr}`, /\[hidden\]/);
    assert.deepEqual(findLeaks(`${stdout}${stderr}`, PASSWORD), []);
  }
  await server.close();

  const token = "sbp_0123456789abcdef0123456789abcdef01234567";
  const api = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const given = request.headers.get("authorization")!.slice(7);
    const message = `ERROR:  42501: ${allForms(given)}\nHINT:  ${given}\n`;
    return Response.json({ message }, { status: 400 });
  });
  await using migrator = createMigrator({
    via: "management",
    supabaseUrl: `https://${REF}.supabase.co`,
    accessToken: token,
    managementApiUrl: `http://127.0.0.1:${api.addr.port}`,
    migrations: MIGRATIONS,
  });
  const error = await migrator.migrate().then(() => assert.fail(), (error) => error);
  const said = `${error.stack} ${error.hint} ${error.cause?.stack} ${JSON.stringify(error)}`;
  assert.match(said, /\[hidden\]/);
  assert.deepEqual(findLeaks(said, token), []);
  await api.shutdown();
});
