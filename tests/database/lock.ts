import assert from "node:assert/strict";
import { LockHeldError, LockLostError, type ProgressEvent } from "../../mod.ts";
import { ownProject, testOnServers } from "../support/projects.ts";
import { until } from "../support/until.ts";
import { closeGate, passGate } from "./gate.ts";
import { holdStep } from "./requests.ts";

const gated = {
  "1_gated.sql": `create table one ();\n${passGate}`,
  "2_two.sql": "create table two ();",
};
const held = "Failed to acquire migration lock - another migration is in progress";

testOnServers("of two runs at once one applies, the other is told who does", async (project) => {
  await using gate = await closeGate(project);
  const first = project.migrator(gated, { holder: "ci, run 7" }).migrate();
  await gate.reached();
  const [records, catalog] = [await project.records(), await project.catalog()];

  const error = await project.migrator(gated).migrate().then(() => assert.fail(), (error) => error);

  assert.ok(error instanceof LockHeldError);
  assert.equal(error.message, held);
  assert.equal(error.holder, "ci, run 7");
  assert.ok(error.ageMs! >= 0 && error.ageMs! < 20_000, `${error.ageMs}`);
  assert.match(error.hint ?? "", /^ci, run 7 has held it for \d+ s, and .+ is running\./);
  assert.deepEqual(await project.records(), records);
  assert.deepEqual(await project.catalog(), catalog);

  await gate.open();
  assert.deepEqual([(await first).success, (await first).migrationsRun], [true, 2]);
  assert.equal((await project.migrator(gated).migrate()).migrationsRun, 0);
});

testOnServers("every changing operation respects the lock", async (project) => {
  const migrations = { "0_a.sql": "select 1;\n-- ROLLBACK\nselect 2;", "1_b.sql": "select 1;" };
  const other = project.migrator(migrations);
  await other.migrate({ to: "0" });
  using hold = holdStep(project, "apply");
  const first = project.migrator(migrations).migrate();
  await hold.reached();

  const heldError = { name: "LockHeldError", message: held };
  await assert.rejects(other.rollback(), heldError);
  await assert.rejects(other.fresh({ dropSchema: true }), heldError);
  await assert.rejects(other.baseline("1"), heldError);
  await assert.rejects(other.repair("0_a", { mark: "pending" }), heldError);

  const status = await other.status();
  assert.equal(status.lock.isLocked, true);
  assert.equal(status.lock.holder, "tester");
  assert.equal((await other.migrate({ dryRun: true })).planned.length, 1);
  hold.letGo();
  assert.equal((await first).success, true);
});

testOnServers("a run that waits for the lock applies what is left then", async (project) => {
  const migrations = { "1_a.sql": "create table a ();", "2_b.sql": "create table b ();" };
  using hold = holdStep(project, "apply");
  const first = project.migrator(migrations).migrate({ to: "1" });
  await hold.reached();
  await assert.rejects(project.migrator(migrations).migrate({ waitMs: 50 }), { message: held });

  const events: ProgressEvent[] = [];
  const [second, third] = [{ to: "1" }, {}].map((options) =>
    project.migrator(migrations, { onProgress: (event) => void events.push(event) })
      .migrate({ ...options, waitMs: 20_000 })
  );
  await until("both runs to wait", () => events.length === 2);
  const waiting = { type: "waiting", for: "lock", holder: "tester", activity: null };
  assert.deepEqual(events, [waiting, waiting]);

  hold.letGo();
  assert.equal((await first).migrationsRun, 1);
  assert.deepEqual([(await second)?.success, (await second)?.migrationsRun], [true, 0]);
  assert.deepEqual((await third)?.results.map(({ name }) => name), ["2_b.sql"]);
});

testOnServers(
  "what a dead run has left running is waited for and shown, and not taken over",
  async (project) => {
    await using gate = await closeGate(project);
    const first = project.migrator(gated, { lockTimeoutMs: 1 }).migrate();
    await gate.reached();
    await until("the lock to expire", async () => {
      const [row] = await project.sql(
        "select expires_at < clock_timestamp() as expired from supamigrate.migration_lock",
      );
      return row?.expired === true;
    });
    const seen: (string | undefined)[] = [];
    const second = project.migrator(gated, {
      onProgress: (event) =>
        void (event.type === "waiting" && event.for === "lock" &&
          seen.push(event.activity?.running)),
    }).migrate();
    await until("the second run to wait", () => seen.length > 0);
    await gate.open();
    await first.catch(() => {}); // the second run may have taken the lock before it goes on
    assert.equal((await second).success, true);
    assert.equal(seen[0], "1_gated.sql line 2");
    const { log } = await project.records();
    assert.deepEqual(
      log.filter(({ action }) => action === "apply").map(({ migration_name }) => migration_name),
      Object.keys(gated),
    );
  },
);

testOnServers(
  "an expired lock is taken over between two steps, and its holder stops",
  async (project) => {
    const migrations = {
      "1_a.sql": "create table a ();",
      "2_b.sql": "create table b ();",
      "3_c.sql": "create table c ();",
    };
    await project.sql("create table in_use ()"); // each goes by itself then
    using hold = holdStep(project, "apply", 1);
    const first = project.migrator(migrations, { lockTimeoutMs: 1, holder: "slow" }).migrate();
    await hold.reached();

    const second = await project.migrator(migrations).migrate();
    assert.deepEqual(second.results.map(({ name }) => name), ["2_b.sql", "3_c.sql"]);
    const records = await project.records();
    hold.letGo();

    const error = await first.then(() => assert.fail(), (error) => error);
    assert.ok(error instanceof LockLostError, String(error));
    assert.match(error.message, /lock lost/);
    assert.deepEqual(error.completed, [{ action: "apply", name: "1_a.sql" }]);
    assert.deepEqual(await project.records(), records);
    assert.deepEqual(records.log.map(({ action }) => action), [
      "apply",
      "take over expired lock",
      "apply",
      "apply",
    ]);
  },
);

for (const dropSchema of [false, true]) {
  testOnServers(
    `a run that loses its lock says what it had done: fresh({ dropSchema: ${dropSchema} })`,
    async (project) => {
      const migrator = project.migrator({
        // So long that the next one does not go with it.
        "1_a.sql":
          "create table a as select 1 as id from pg_sleep(1.1);\n-- ROLLBACK\ndrop table a;",
        "2_b.sql": "create table b ();\n-- ROLLBACK\ndrop table b;",
      }, { safetyCopy: "never" });
      await migrator.migrate();
      using hold = holdStep(project, "apply", 1);
      const run = migrator.fresh({ dropSchema });
      await hold.reached();
      await migrator.unlock();
      hold.letGo();

      const error = await run.then(() => assert.fail(), (error) => error);
      assert.ok(error instanceof LockLostError, String(error));
      assert.deepEqual(error.completed, [
        ...dropSchema
          ? [{ action: "drop", name: "table public.a" }, { action: "drop", name: "table public.b" }]
          : [{ action: "rollback", name: "2_b.sql" }, { action: "rollback", name: "1_a.sql" }],
        { action: "apply", name: "1_a.sql" },
      ]);
    },
  );
}

testOnServers(
  "a table of supamigrate that somebody keeps locked is waited for",
  async (project) => {
    // Each request waits that long, instead of the eight seconds that hosted projects allow.
    const [{ database } = {}] = await project.sql("select current_database() as database");
    await project.sql(
      `alter role authenticator in database "${database}" set lock_timeout = '300ms'`,
    );
    await project.postgrest.stop();
    await project.postgrest.start();
    await project.sql(`
    update supamigrate.migration_lock
       set is_locked = true, token = gen_random_uuid(), locked_by = 'dead', locked_at = now(),
           expires_at = now()`);
    await using somebody = await project.connect();
    await somebody.sql("begin; lock table supamigrate.migration_log");

    const migrations = { "1_a.sql": "create table a ();" };
    await assert.rejects(project.migrator(migrations, { giveUpAfterMs: 1 }).migrate(), {
      name: "UnreachableError",
      message: "The database could not do it now: canceling statement due to lock timeout (55P03)",
      hint: /^Another session keeps a table of supamigrate locked: pg_locks shows which\./,
    });

    let refusals = 0;
    using _ = project.gateway.intercept(async (request, forward) => {
      const response = await forward(request);
      if (!response.ok && ++refusals === 1) await somebody.sql("rollback");
      return response;
    });
    assert.equal((await project.migrator(migrations).migrate()).migrationsRun, 1);
    assert.equal(refusals, 1);
  },
  ownProject,
);

testOnServers(
  "a lock that is left behind and has not expired is not taken over",
  async (project) => {
    using hold = holdStep(project, "apply");
    const first = project.migrator(gated, { lockTimeoutMs: 60_000 }).migrate();
    await hold.reached();
    await assert.rejects(project.migrator(gated).migrate(), { message: held });
    hold.letGo();
    assert.equal((await first).success, true);
  },
);

testOnServers(
  "after unlock() the run that had the lock stops at its next step",
  async (project) => {
    await project.sql("create table in_use ()"); // each goes by itself then
    using hold = holdStep(project, "apply", 1);
    const first = project.migrator(gated, { holder: "dead" }).migrate();
    await hold.reached();

    const shown: unknown[] = [];
    const { released, lock } = await project.migrator(gated, { holder: "a person" }).unlock({
      confirm: ({ holder, ageMs }) => {
        shown.push(holder, typeof ageMs);
        return Promise.resolve(true);
      },
    });
    assert.deepEqual([released, lock.isLocked, lock.holder], [true, true, "dead"]);
    assert.deepEqual(shown, ["dead", "number"]);
    const [records, catalog] = [await project.records(), await project.catalog()];
    assert.equal(records.lock[0]?.is_locked, false);
    hold.letGo();

    await assert.rejects(first, { name: "LockLostError", message: /lock lost/ });
    assert.deepEqual(await project.records(), records);
    assert.deepEqual(await project.catalog(), catalog);
    const { action, actor, details } = records.log.at(-1)!;
    assert.deepEqual([action, actor], ["unlock", "a person"]);
    assert.equal((details as { locked_by: string }).locked_by, "dead");
    assert.equal((await project.migrator(gated).migrate()).migrationsRun, 1);
  },
);

testOnServers("unlock() that is not confirmed leaves the lock", async (project) => {
  using hold = holdStep(project, "apply");
  const first = project.migrator(gated).migrate();
  await hold.reached();
  await assert.rejects(
    project.migrator(gated).unlock({ confirm: () => Promise.resolve(false) }),
    { name: "ConfigurationError", message: /Not confirmed/ },
  );
  hold.letGo();
  assert.equal((await first).success, true);
});

testOnServers("five runs at once apply each migration exactly once", async (project) => {
  await project.sql("create table witness (name text)");
  await project.sql("alter table witness owner to postgres");
  const migrations = Object.fromEntries(
    Array.from({ length: 6 }, (_, n) => [`${n}_m.sql`, `insert into witness values ('${n}');`]),
  );
  const runs = await Promise.all(
    Array.from(
      { length: 5 },
      (_, n) => project.migrator(migrations, { holder: `run ${n}` }).migrate({ waitMs: 20_000 }),
    ),
  );
  assert.ok(runs.every(({ success }) => success));
  assert.equal(runs.reduce((sum, { migrationsRun }) => sum + migrationsRun, 0), 6);
  assert.deepEqual(
    await project.sql("select name, count(*)::int from witness group by name order by name"),
    Array.from({ length: 6 }, (_, n) => ({ name: `${n}`, count: 1 })),
  );
  assert.equal((await project.records()).history.length, 6);
});
