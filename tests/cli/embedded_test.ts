import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";
import { until } from "../support/until.ts";

const MIGRATIONS = { "001_a.sql": "create table a (id uuid default gen_random_uuid());" };

Deno.test("without SUPABASE_URL the first line names the embedded database, which keeps its data", async () => {
  await using workspace = await Workspace.create(MIGRATIONS);
  const first = await workspace.run(["migrate"]);
  assert.equal(first.code, 0, first.stderr);
  assert.equal(
    first.stdout.split("\n")[0],
    "🧪 SUPABASE_URL is not set: using the embedded database in .supamigrate/db",
  );
  assert.match(first.stdout, /✅ 001_a\.sql - not_executed/);
  assert.match((await workspace.run(["status", "--check"])).stdout, /Up to date: Yes/);
});

Deno.test("in CI the embedded database has to be asked for", async () => {
  await using workspace = await Workspace.create(MIGRATIONS, { CI: "true" });
  const { code, stderr } = await workspace.run(["migrate"]);
  assert.equal(code, 2);
  assert.match(stderr, /SUPABASE_URL is not set, and this is CI/);
  assert.equal((await workspace.run(["migrate", "--embedded"])).code, 0);
});

Deno.test("a second process on the same folder ends with 3", async () => {
  await using workspace = await Workspace.create({
    ...MIGRATIONS,
    "002_slow.sql": "select pg_sleep(3);",
  });
  await workspace.run(["status"]);
  const first = workspace.spawn(["migrate"]);
  const pid = `${workspace.path}/.supamigrate/db/lock.pid`;
  await until(
    "the first process has the folder",
    async () => (await Deno.readTextFile(pid).catch(() => "")).includes(String(first.pid)),
  );
  const second = await workspace.run(["status"]);
  assert.equal(second.code, 3);
  assert.match(second.stderr, /Cannot open the embedded database/);
  assert.equal((await first.output()).code, 0);
});

Deno.test("a run that was killed is taken up by the next one", async () => {
  await using workspace = await Workspace.create({
    ...MIGRATIONS,
    "002_slow.sql":
      "create table witness (id int); insert into witness values (1); select pg_sleep(2);",
  });
  await workspace.run(["migrate", "--to", "001"]);
  const killed = workspace.spawn(["migrate", "--verbose"]);
  const started = killed.stderr.getReader();
  await started.read();
  killed.kill("SIGKILL");
  await killed.status;
  await started.cancel();
  await killed.stdout.cancel();

  const { code, stdout } = await workspace.run(["migrate"]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /✅ 002_slow\.sql - not_executed/);
});
