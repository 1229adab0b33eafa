import assert from "node:assert/strict";
import { bundle } from "../../lib/operations/bundle.ts";
import { startEdgeFunction } from "../support/edge.ts";
import { startStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const MIGRATIONS = {
  "001_notes.sql": "create table notes (id int);\n-- ROLLBACK\ndrop table notes;",
  "002_slow.sql": `-- supamigrate: lock_timeout 60s
create table slow (id int);
select pg_advisory_xact_lock(7);
-- ROLLBACK
drop table slow;`,
  "003_fails.sql": "create table third (id int);\nalter table nothing add column a int;",
};

Deno.test("what bundle makes runs in Supabase's Deno without files: status, migrate, rollback, and each way to fail", async () => {
  const folder = await Deno.makeTempDir({ prefix: "supamigrate-bundle-" });
  try {
    const { path } = await bundle(MIGRATIONS, "0.0.0", { out: `${folder}/migrate` });
    assert.deepEqual(
      await Array.fromAsync(Deno.readDir(`${folder}/migrate`), ({ name }) => name),
      ["index.ts"],
    );
    const text = await Deno.readTextFile(path);
    assert.doesNotMatch(text, /libpg-query|pglite|with ?\{ ?type/);

    await using project = await stack.createProject({ installed: true, listens: false });
    await using edge = await startEdgeFunction(await Deno.realPath(path), {
      SUPABASE_URL: project.url,
      SUPABASE_SERVICE_ROLE_KEY: project.serviceKey,
      MIGRATION_REPLY_AFTER: "3000",
    });
    const call = (body?: unknown) => edge.call(project.serviceKey, body);

    for (const key of [null, project.anonKey, `${project.serviceKey}x`, "undefined"]) {
      const refused = await edge.call(key, { command: "migrate" });
      assert.equal(refused.status, 401);
      assert.equal(refused.body.success, false);
      assert.equal(refused.body.error.type, "ConfigurationError");
    }

    const before = await call();
    assert.equal(before.status, 200);
    assert.deepEqual(
      before.body.pending.map(({ name }: { name: string }) => name),
      Object.keys(MIGRATIONS),
    );
    const planned = await call({ command: "migrate", dryRun: true });
    assert.equal(planned.status, 200);
    assert.equal(planned.body.planned[1].statements.length, 2);

    const first = await call({ command: "migrate", to: "001" });
    assert.equal(first.status, 200, JSON.stringify(first.body));
    assert.equal(first.body.migrationsRun, 1);
    assert.equal(first.body.planned[0].statements, undefined, "the statements are in the files");

    // It waits for what the test holds, for longer than a request may take.
    await using blocker = await project.connect();
    await blocker.sql("select pg_advisory_lock(7)");
    const late = await call({ command: "migrate" });
    assert.equal(late.status, 202, JSON.stringify(late.body));
    assert.deepEqual(
      { running: late.body.running, continue: late.body.continue },
      { running: true, continue: { command: "migrate" } },
    );
    const meanwhile = await call();
    assert.equal(meanwhile.body.lock.isLocked, true);
    assert.match(meanwhile.body.activity.running, /002_slow/);
    const second = await call({ command: "migrate" });
    assert.equal(second.status, 409);
    assert.equal(second.body.error.type, "LockHeldError");
    assert.equal(second.body.error.holder, "edge function");
    assert.match(second.body.error.hint, /Wait for it with "waitMs"\./);

    await blocker.sql("select pg_advisory_unlock(7)");
    await until("the run has ended", async () => !(await call()).body.lock.isLocked);
    await until("its end is logged", () => edge.log().includes("migrate ended with 422"));
    const failed = await call({ command: "migrate" });
    assert.equal(failed.status, 422);
    assert.equal(failed.body.success, false);
    const { name, error } = failed.body.results[0];
    assert.deepEqual([name, error.code, error.line], ["003_fails.sql", "42P01", 2]);
    assert.deepEqual(error.place, { column: 13, excerpt: "alter table nothing add column a int;" });
    const [pending] = (await call()).body.pending;
    assert.deepEqual([pending.name, pending.reason], ["003_fails.sql", "failed_previously"]);

    const back = await call({ command: "rollback", target: "0" });
    assert.equal(back.status, 200, JSON.stringify(back.body));
    assert.equal(back.body.migrationsRolledBack, 2);
    assert.deepEqual(await project.sql("select to_regclass('notes') as notes"), [{ notes: null }]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "the share of a request stays within the platform's 2 s of processor time and 256 MB",
  ignore: Deno.build.os !== "linux", // what a process needed is read from /proc
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "supamigrate-bundle-" });
    try {
      const table = (number: number) =>
        `create table things_${number} (id int primary key, name text not null);
alter table things_${number} enable row level security;
create function count_things_${number}() returns bigint language sql stable
set search_path = '' as $$ select count(*) from public.things_${number} $$;
-- ROLLBACK
drop function count_things_${number}();
drop table things_${number};`;
      const migrations = Array.from({ length: 300 }, (_, index) => [
        `${String(index + 1).padStart(4, "0")}_things.sql`,
        table(index + 1),
      ]);
      const { path } = await bundle(Object.fromEntries(migrations), "0.0.0", { out: folder });
      await using project = await stack.createProject({ installed: true, listens: false });
      await using edge = await startEdgeFunction(await Deno.realPath(path), {
        SUPABASE_URL: project.url,
        SUPABASE_SERVICE_ROLE_KEY: project.serviceKey,
      });
      const begun = await edge.cpuMs();
      const { status, body } = await edge.call(project.serviceKey, { command: "migrate" });
      assert.equal(status, 202, JSON.stringify(body.error));
      assert(body.running || body.migrationsRun === 100, "100 are a share");
      const cpuMs = await edge.cpuMs() - begun;
      assert(cpuMs < 2000, `${cpuMs} ms`);
      const peakMb = await edge.peakMb();
      assert(peakMb < 256, `${peakMb} MB`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
