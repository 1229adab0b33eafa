import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";

const tableA = "create table a (id int);\n-- ROLLBACK\ndrop table a;\n";

async function pendingReasons(project: AnyProject, migrations: Record<string, string>) {
  const { pending } = await project.migrator(migrations).status();
  return pending.map(({ name, reason }) => `${name} ${reason}`);
}

async function row(project: AnyProject, name: string) {
  const [row] = await project.sql(
    `select status, batch_number as batch, checksum = applied_checksum as same,
            applied_checksum is not null as applied, rollback_sql, error_message
       from supamigrate.migration_history where migration_name = $1`,
    [name],
  );
  return row;
}

testOnEveryDatabase("a migration is pending for one of four reasons", async (project) => {
  const migrations = {
    "1_new.sql": "create table one ();",
    "2_changed.sql": "create table if not exists two ();",
    "3_failed.sql": "select 1/0;",
  };
  assert.deepEqual(await pendingReasons(project, migrations), [
    "1_new.sql not_executed",
    "2_changed.sql not_executed",
    "3_failed.sql not_executed",
  ]);

  await project.migrator(migrations).migrate();
  assert.deepEqual(await pendingReasons(project, migrations), ["3_failed.sql failed_previously"]);
  assert.deepEqual(
    await pendingReasons(project, {
      ...migrations,
      "2_changed.sql": migrations["2_changed.sql"] + "select 2;",
      "3_failed.sql": "select 1;",
    }),
    ["2_changed.sql checksum_mismatch", "3_failed.sql checksum_mismatch"],
  );

  await project.migrator({ "4_a.sql": tableA }).migrate();
  await project.migrator({ "4_a.sql": tableA }).rollback();
  assert.deepEqual(await pendingReasons(project, { "4_a.sql": tableA }), ["4_a.sql rolled_back"]);

  const failing = { "4_a.sql": "select 1/0;" };
  await project.migrator(failing).migrate();
  assert.deepEqual(await pendingReasons(project, failing), ["4_a.sql failed_previously"]);
});

testOnEveryDatabase("a failed migration is mended as the specification shows", async (project) => {
  const migrations = {
    "013_add_analytics_tables.sql": "create table analytics (day date);",
    "014_update_user_schema.sql": "create table users (id int);",
    "015_add_performance_indexes.sql": "create index on users (name);",
  };
  const first = await project.migrator(migrations).migrate();
  assert.deepEqual(
    [first.success, first.batchNumber, first.migrationsRun, first.migrationsFailed],
    [false, 1, 2, 1],
  );
  assert.deepEqual(first.results.map(({ success }) => success), [true, true, false]);

  const second = await project.migrator({
    ...migrations,
    "015_add_performance_indexes.sql": "create index on users (id);",
  }).migrate();
  assert.deepEqual(
    [second.success, second.batchNumber, second.migrationsRun, second.migrationsFailed],
    [true, 2, 1, 0],
  );
  assert.deepEqual(second.results.map(({ name, reason }) => [name, reason]), [
    ["015_add_performance_indexes.sql", "checksum_mismatch"],
  ]);
  const { history } = await project.records();
  assert.deepEqual(
    history.map(({ status, batch_number, error_message }) => [status, batch_number, error_message]),
    [["completed", 1, null], ["completed", 1, null], ["completed", 2, null]],
  );
});

testOnEveryDatabase("a changed migration runs again and stays in its batch", async (project) => {
  await project.migrator({ "1_a.sql": tableA, "2_b.sql": "create table b ();" }).migrate();
  const changed = "create table if not exists a (id int);\n-- ROLLBACK\ndrop table if exists a;\n";
  const result = await project.migrator({ "1_a.sql": changed, "2_b.sql": "create table b ();" })
    .migrate();
  assert.deepEqual(result.results.map(({ name, reason }) => [name, reason]), [
    ["1_a.sql", "checksum_mismatch"],
  ]);
  assert.deepEqual(await row(project, "1_a.sql"), {
    status: "completed",
    batch: 1,
    same: true,
    applied: true,
    rollback_sql: "drop table if exists a;\n",
    error_message: null,
  });
});

testOnEveryDatabase("a re-run that fails leaves the applied version on record", async (project) => {
  await project.migrator({ "1_a.sql": tableA }).migrate();
  const broken = { "1_a.sql": "create table a (id int, more int);\n-- ROLLBACK\nselect 1/0;\n" };
  const failing = await project.migrator(broken).migrate();
  assert.equal(failing.results[0]?.error?.code, "42P07");

  assert.deepEqual(await row(project, "1_a.sql"), {
    status: "failed",
    batch: 1,
    same: false,
    applied: true,
    rollback_sql: "drop table a;\n",
    error_message: 'relation "a" already exists',
  });
  const status = await project.migrator(broken).status();
  assert.deepEqual([status.executed, status.lastBatch], [1, 1]);

  const undone = await project.migrator(broken).rollback();
  assert.deepEqual(
    undone.results.map(({ success, source, sourceReason }) => ({ success, source, sourceReason })),
    [{ success: true, source: "stored", sourceReason: "the file was changed" }],
  );
  assert.deepEqual(await project.sql("select to_regclass('public.a') as a"), [{ a: null }]);
});

testOnEveryDatabase("a file put back to what is applied is not pending", async (project) => {
  await project.migrator({ "1_a.sql": tableA }).migrate();
  await project.migrator({ "1_a.sql": "select 1/0;" }).migrate();
  assert.deepEqual(await pendingReasons(project, { "1_a.sql": tableA }), []);
});

testOnEveryDatabase(
  "a changed ROLLBACK section refreshes the stored one alone",
  async (project) => {
    await project.migrator({ "1_a.sql": tableA }).migrate();
    const before = await row(project, "1_a.sql");
    const changed = tableA.replace("drop table a", "drop table if exists a");

    const status = await project.migrator({ "1_a.sql": changed }).status();
    assert.deepEqual([status.upToDate, status.changedRollbacks], [true, ["1_a.sql"]]);
    const result = await project.migrator({ "1_a.sql": changed }).migrate();

    assert.deepEqual(
      [result.success, result.migrationsRun, result.rollbacksRefreshed],
      [true, 0, ["1_a.sql"]],
    );
    assert.deepEqual(await row(project, "1_a.sql"), {
      ...before,
      rollback_sql: "drop table if exists a;\n",
    });
    const status2 = await project.migrator({ "1_a.sql": changed }).status();
    assert.deepEqual([status2.changedRollbacks, status2.lock.isLocked], [[], false]);
  },
);

testOnEveryDatabase("redo undoes the applied version and applies the new one", async (project) => {
  await project.migrator({ "1_a.sql": tableA }).migrate();
  const changed = { "1_a.sql": tableA.replace("id int", "id int, name text") };

  const result = await project.migrator(changed).migrate({ onChange: "redo" });

  assert.equal(result.success, true);
  assert.deepEqual(result.planned[0]?.undo?.map(({ sql }) => sql), ["drop table a"]);
  assert.deepEqual(await project.sql("select id, name from public.a"), []);
  assert.equal((await row(project, "1_a.sql"))?.same, true);
});

const failingRedos = {
  "the undo fails": ["create table a (id int);\n-- ROLLBACK\nselect 1/0;", "create table a2 ();"],
  "the new version fails": [tableA, "create table a (id int, name text);\nselect 1/0;"],
} as const;
for (const [when, [before, after]] of Object.entries(failingRedos)) {
  testOnEveryDatabase(`redo leaves the applied version where ${when}`, async (project) => {
    await project.migrator({ "1_a.sql": before }).migrate();
    const catalog = await project.catalog();

    const result = await project.migrator({ "1_a.sql": after }).migrate({ onChange: "redo" });

    assert.deepEqual([result.success, result.migrationsFailed], [false, 1]);
    const part = when === "the undo fails" ? "undo" : "statements";
    assert.equal(result.results[0]?.error?.part, part);
    assert.deepEqual(await project.catalog(), catalog);
    const { status, applied, same } = (await row(project, "1_a.sql"))!;
    assert.deepEqual({ status, applied, same }, { status: "failed", applied: true, same: false });
  });
}

testOnEveryDatabase(
  "redo is refused where the applied version has no rollback",
  async (project) => {
    await project.migrator({ "1_a.sql": "create table a ();" }).migrate();
    await assert.rejects(
      project.migrator({ "1_a.sql": "create table a2 ();" }).migrate({ onChange: "redo" }),
      { name: "ConfigurationError", message: /1_a\.sql: it has no rollback SQL/ },
    );
  },
);

testOnEveryDatabase(
  'onChange "error" refuses a changed migration and no other',
  async (project) => {
    await project.migrator({ "1_a.sql": tableA }).migrate();
    const changed = { "1_a.sql": "create table a3 ();", "2_b.sql": "create table b ();" };
    await assert.rejects(project.migrator(changed).migrate({ onChange: "error" }), {
      name: "ConfigurationError",
      message: "Applied migrations were changed: 1_a.sql",
    });
    assert.deepEqual((await project.records()).history.length, 1);
    const unchanged = { "1_a.sql": tableA, "2_b.sql": "create table b ();" };
    assert.equal(
      (await project.migrator(unchanged).migrate({ onChange: "error" })).migrationsRun,
      1,
    );
  },
);

testOnEveryDatabase("a file that is gone is reported and stops nothing", async (project) => {
  await project.migrator({ "1_a.sql": tableA }).migrate();
  const rest = { "2_b.sql": "create table b ();" };
  assert.deepEqual((await project.migrator(rest).status()).missing, ["1_a.sql"]);
  const result = await project.migrator(rest).migrate();
  assert.deepEqual([result.success, result.batchNumber], [true, 2]);
});
