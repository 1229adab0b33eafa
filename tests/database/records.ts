import assert from "node:assert/strict";
import { VERSION } from "../../mod.ts";
import { testOnEveryDatabase, testOnServers } from "../support/projects.ts";

const migrations = {
  "1_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;\n",
  "2_b.sql": "create table b ();\n-- ROLLBACK\ndrop table b;\n",
  "3_c.sql": "create table c ();\n-- ROLLBACK\ndrop table c;\n",
};

testOnEveryDatabase(
  "baseline() records everything up to a migration and runs nothing",
  async (project) => {
    const catalog = await project.catalog();
    const result = await project.migrator(migrations).baseline("2");
    assert.deepEqual(result, {
      upTo: "2_b.sql",
      recorded: ["1_a.sql", "2_b.sql"],
      batchNumber: 1,
      warnings: [],
    });
    assert.deepEqual(await project.catalog(), catalog);
    const { history, log } = await project.records();
    assert.deepEqual(
      history.map((
        { migration_name, status, batch_number, execution_time_ms, rollback_sql },
      ) => [migration_name, status, batch_number, execution_time_ms, rollback_sql]),
      [
        ["1_a.sql", "completed", 1, 0, "drop table a;\n"],
        ["2_b.sql", "completed", 1, 0, "drop table b;\n"],
      ],
    );
    assert.deepEqual(log.map(({ action, migration_name }) => [action, migration_name]), [
      ["baseline", "1_a.sql"],
      ["baseline", "2_b.sql"],
    ]);
    const { pending } = await project.migrator(migrations).status();
    assert.deepEqual(pending.map(({ name }) => name), ["3_c.sql"]);
  },
);

testOnEveryDatabase("baseline() leaves what is applied as it is", async (project) => {
  await project.migrator(migrations).migrate({ to: "1" });
  const [first] = (await project.records()).history;
  const result = await project.migrator(migrations).baseline("2_b.sql");
  assert.deepEqual([result.recorded, result.batchNumber], [["2_b.sql"], 2]);
  assert.deepEqual((await project.records()).history[0], first);
  assert.deepEqual((await project.migrator(migrations).baseline("2")).recorded, []);
  await assert.rejects(project.migrator(migrations).baseline("4"), { name: "ConfigurationError" });
});

testOnEveryDatabase(
  "repair() records a migration as applied, saying what it was",
  async (project) => {
    await project.migrator({ ...migrations, "2_b.sql": "select 1/0;" }).migrate();
    const migrator = project.migrator(migrations);
    const changes: unknown[] = [];
    const change = await migrator.repair("2_b", {
      mark: "applied",
      confirm: (change) => Promise.resolve(changes.push(change) > 0),
    });
    assert.deepEqual(change, { name: "2_b.sql", before: "failed", after: "completed" });
    assert.deepEqual(changes, [change]);
    assert.deepEqual(
      (await project.sql("select to_regclass('public.b') as b"))[0],
      { b: null },
    );
    assert.deepEqual((await migrator.status()).pending.map(({ name }) => name), ["3_c.sql"]);
    assert.deepEqual((await project.records()).history[1]?.error_message, null);
  },
);

testOnEveryDatabase(
  "repair() records a migration as pending, and the log keeps the row",
  async (project) => {
    await project.migrator(migrations).migrate();
    const [row] = (await project.records()).history;
    const migrator = project.migrator(migrations);
    assert.deepEqual(await migrator.repair("1_a", { mark: "pending" }), {
      name: "1_a.sql",
      before: "completed",
      after: "not recorded",
    });
    assert.deepEqual((await migrator.status()).pending, [
      { name: "1_a.sql", reason: "not_executed", error: null, steps: null },
    ]);
    const [entry] = await migrator.history({ limit: 1 });
    assert.deepEqual([entry?.action, entry?.migration], ["mark pending", "1_a.sql"]);
    const before = entry?.details?.before as Record<string, unknown>;
    assert.deepEqual(
      [before.migration_name, before.checksum, before.rollback_sql],
      [row?.migration_name, row?.checksum, row?.rollback_sql],
    );
  },
);

testOnEveryDatabase(
  "repair() that is not confirmed or not needed changes nothing",
  async (project) => {
    await project.migrator(migrations).migrate();
    const records = await project.records();
    const migrator = project.migrator(migrations);
    await assert.rejects(
      migrator.repair("1_a", { mark: "pending", confirm: () => Promise.resolve(false) }),
      { name: "ConfigurationError", message: /Not confirmed/ },
    );
    await migrator.repair("1_a", { mark: "applied" });
    await assert.rejects(migrator.repair("4", { mark: "applied" }), { name: "ConfigurationError" });
    await assert.rejects(
      project.migrator({ "1_a.sql": migrations["1_a.sql"] }).repair("2_b", { mark: "applied" }),
      { name: "ConfigurationError", message: /its file is gone/ },
    );
    assert.deepEqual(await project.records(), records);
  },
);

testOnEveryDatabase(
  "history() says who did what, when, with which version and result",
  async (project) => {
    const failing = { ...migrations, "3_c.sql": "select 1/0;" };
    const migrator = project.migrator(failing, { holder: "a person" });
    await migrator.migrate();
    await migrator.rollback();
    const log = await migrator.history();
    assert.deepEqual(
      log.map((
        { action, migration, batch, result, actor, toolVersion },
      ) => [action, migration, batch, result, actor, toolVersion]),
      [
        ["rollback", "1_a.sql", 1, "ok", "a person", VERSION],
        ["rollback", "2_b.sql", 1, "ok", "a person", VERSION],
        ["apply", "3_c.sql", 1, "failed", "a person", VERSION],
        ["apply", "2_b.sql", 1, "ok", "a person", VERSION],
        ["apply", "1_a.sql", 1, "ok", "a person", VERSION],
      ],
    );
    assert.equal((log[2]?.details as { code: string }).code, "22012");
    assert.ok(log.every(({ loggedAt }) => Math.abs(Date.parse(loggedAt) - Date.now()) < 60_000));
    const ids = (entries: typeof log) => entries.map(({ id }) => id);
    assert.deepEqual(ids(await migrator.history({ limit: 2 })), ids(log.slice(0, 2)));
    await assert.rejects(migrator.history({ limit: 0 }), { name: "ConfigurationError" });
  },
);

testOnEveryDatabase("the audit log only grows", async (project) => {
  await project.migrator(migrations).migrate();
  const { log } = await project.records();
  const changes = [
    "update supamigrate.migration_log set actor = 'nobody'",
    "delete from supamigrate.migration_log",
    "delete from supamigrate.migration_log where false",
    "truncate supamigrate.migration_log",
  ];
  for (const change of changes) {
    await assert.rejects(project.sql(change), { code: "42501", message: /append-only/ });
    const result = await project.migrator({ ...migrations, "4_d.sql": change }).migrate();
    assert.equal(result.results[0]?.error?.code, "42501");
  }
  assert.deepEqual((await project.records()).log.slice(0, log.length), log);
});

testOnServers("the audit log only grows, for the superuser too", async (project) => {
  const [{ superuser } = {}] = await project.sql(
    "select rolsuper as superuser from pg_roles where rolname = current_user",
  );
  assert.equal(superuser, true);
  await assert.rejects(project.sql("truncate supamigrate.migration_log"), /append-only/);
});

testOnEveryDatabase("unlock() with no lock held changes nothing", async (project) => {
  const records = await project.records();
  const { released, lock } = await project.migrator(migrations).unlock();
  assert.deepEqual([released, lock.isLocked], [false, false]);
  assert.deepEqual(await project.records(), records);
});
