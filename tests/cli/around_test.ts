import assert from "node:assert/strict";
import { toResult, Workspace } from "../support/cli.ts";

// What happens around a run: commands, a check, a log. The embedded database serves.

const NOTES = "create table notes (id int);\n-- ROLLBACK\ndrop table notes;";

/** Runs a command that may run others. */
async function run(workspace: Workspace, args: string[], environment: Record<string, string> = {}) {
  const { args: all, ...options } = workspace.command(args, environment);
  return toResult(
    await new Deno.Command(Deno.execPath(), {
      ...options,
      args: ["run", "-A", ...all.slice(1).filter((arg) => !arg.startsWith("--allow-"))],
      stdin: "null",
    }).output(),
  );
}

Deno.test("--before stops a run with nothing done, and --after hears how it ended", async () => {
  await using workspace = await Workspace.create({ "001_notes.sql": NOTES });
  const refused = await run(workspace, ["migrate", "--before", "echo not now; exit 3"]);
  assert.match(refused.stderr, /not now\n/);
  assert.match(
    refused.stderr,
    /The command before the run has failed with exit code 3: echo not now/,
  );
  assert.equal(refused.code, 2);

  const { code, stdout, stderr } = await run(
    workspace,
    ["migrate", "--json", "--before", "cat > before.json; echo said"],
    { MIGRATION_AFTER: "cat > after.json; exit 4", MIGRATION_LOG: "runs.jsonl" },
  );
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).migrationsRun, 1); // what commands say is not among it
  assert.match(stderr, /^said$/m);
  assert.match(stderr, /The command after the run has failed with exit code 4/);
  const read = async (name: string) =>
    JSON.parse(await Deno.readTextFile(`${workspace.path}/${name}`));
  const before = await read("before.json");
  assert.deepEqual([before.command, before.planned[0].name], ["migrate", "001_notes.sql"]);
  const after = await read("after.json");
  assert.deepEqual([after.command, after.exitCode, after.result.success], ["migrate", 0, true]);
  const { time, durationMs, ...entry } = await read("runs.jsonl");
  assert.ok(Date.parse(time) > 0 && durationMs >= 0);
  assert.deepEqual(entry, {
    command: "migrate",
    project: { kind: "embedded", name: ".supamigrate/db" },
    success: true,
    exitCode: 0,
    batch: 1,
    migrationsRun: 1,
  });

  // What a command leaves running in the background is not waited for.
  await workspace.write("002_more.sql", "select 1;\n-- ROLLBACK\nselect 1;");
  const started = performance.now();
  const leaving = await run(workspace, ["migrate", "--before", "sleep 60 & echo begun"]);
  assert.match(leaving.stderr, /^begun$/m);
  assert.equal(leaving.code, 0, leaving.stderr);
  assert.ok(performance.now() - started < 50_000);

  // Where there is nothing to do, nothing is run.
  const idle = await run(workspace, ["migrate", "--before", "exit 3"]);
  assert.equal(idle.code, 0, idle.stderr);
});

Deno.test("a check that fails takes back exactly what the run has applied", async () => {
  await using workspace = await Workspace.create({ "001_notes.sql": NOTES });
  const passed = await run(workspace, ["migrate", "--check", "select count(*) = 0 from notes"]);
  assert.match(passed.stdout, /🩺 The check passed/);
  assert.equal(passed.code, 0, passed.stderr);

  await workspace.write("002_more.sql", "create table more ();\n-- ROLLBACK\ndrop table more;");
  const args = ["--check", "select false", "--rollback-on-failed-check", "--json"];
  const failed = await run(workspace, ["migrate", ...args]);
  assert.equal(failed.code, 1, failed.stderr);
  const { check } = JSON.parse(failed.stdout);
  assert.deepEqual([check.passed, check.message], [false, "The query gave false"]);
  assert.deepEqual(
    check.rolledBack.results.map(({ name }: { name: string }) => name),
    ["002_more.sql"],
  );
  const { stdout } = await workspace.run(["status", "--json"]);
  assert.equal(JSON.parse(stdout).executed, 1);

  const misused = await workspace.run(["migrate", "--rollback-on-failed-check"]);
  assert.match(misused.stderr, /--rollback-on-failed-check needs a check/);
  assert.equal(misused.code, 2);
  const backup = await workspace.run(["migrate", "--backup"]);
  assert.match(backup.stderr, /There is no way to make a backup/);
  assert.equal(backup.code, 2);
});

Deno.test("a check takes a redirect for no answer, and its query cannot write", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) =>
      request.url.endsWith("/health")
        ? new Response(null, { status: 302, headers: { location: "/login" } })
        : new Response("fine"),
  );
  await using workspace = await Workspace.create({
    "001_notes.sql": `create table notes (id int);
create function note() returns boolean language sql as 'insert into notes values (1) returning true';
-- ROLLBACK
drop function note(); drop table notes;`,
  });
  const check = async (what: string) => {
    await workspace.write(`00${++number}_more.sql`, "select 1;\n-- ROLLBACK\nselect 1;");
    const { code, stdout } = await run(workspace, ["migrate", "--json", "--check", what]);
    const { passed, message } = JSON.parse(stdout).check;
    return { code, passed, message };
  };
  let number = 1;
  const { port } = server.addr;
  assert.deepEqual(await check(`http://127.0.0.1:${port}/health`), {
    code: 1,
    passed: false,
    message: "It answered with HTTP 302, a redirect to /login",
  });
  assert.equal((await check(`http://127.0.0.1:${port}/login`)).passed, true);
  assert.deepEqual(await check("select note()"), {
    code: 1,
    passed: false,
    message: "The query failed: cannot execute INSERT in a read-only transaction",
  });
  assert.equal((await check("select count(*) = 0 from notes")).passed, true);
});
