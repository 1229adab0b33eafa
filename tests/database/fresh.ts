import assert from "node:assert/strict";
import { testOnEveryDatabase } from "../support/projects.ts";

const table = (name: string) =>
  `create table ${name} (id int);\n-- ROLLBACK\ndrop table ${name};\n`;

testOnEveryDatabase(
  "fresh() undoes everything and applies everything as batch 1",
  async (project) => {
    const migrations = { "1_a.sql": table("a"), "2_b.sql": table("b"), "3_c.sql": table("c") };
    await project.migrator(migrations).migrate({ to: "2" });
    await project.migrator(migrations).migrate();
    await project.sql("insert into a values (1)");

    const result = await project.migrator(migrations).fresh();

    assert.equal(result.success, true);
    assert.deepEqual(result.rolledBack.map(({ name }) => name), ["3_c.sql", "2_b.sql", "1_a.sql"]);
    assert.deepEqual(
      [result.migrated?.batchNumber, result.migrated?.migrationsRun, result.dropped],
      [1, 3, []],
    );
    assert.deepEqual(await project.sql("select * from a"), []);
    const { history, lock } = await project.records();
    assert.deepEqual(history.map(({ batch_number, status }) => [batch_number, status]), [
      [1, "completed"],
      [1, "completed"],
      [1, "completed"],
    ]);
    assert.equal(lock[0]?.is_locked, false);
  },
);

testOnEveryDatabase("fresh() on an empty database is a first migrate()", async (project) => {
  const result = await project.migrator({ "1_a.sql": table("a") }).fresh();
  assert.deepEqual([result.success, result.migrated?.batchNumber], [true, 1]);
});

testOnEveryDatabase("fresh() refuses when one migration has no rollback SQL", async (project) => {
  const migrations = { "1_a.sql": table("a"), "2_b.sql": "create table b ();" };
  await project.migrator(migrations).migrate();
  const records = await project.records();
  await assert.rejects(project.migrator(migrations).fresh(), {
    name: "ConfigurationError",
    message: /no rollback SQL for 2_b\.sql/,
    hint: /--drop-schema/,
  });
  assert.deepEqual(await project.records(), records);
});

testOnEveryDatabase("fresh() stops where an undo fails", async (project) => {
  const migrations = {
    "1_a.sql": "create table a (id int);\n-- ROLLBACK\nselect 1/0;\n",
    "2_b.sql": table("b"),
  };
  await project.migrator(migrations).migrate();
  const result = await project.migrator(migrations).fresh();
  assert.deepEqual([result.success, result.migrated], [false, null]);
  assert.deepEqual(result.rolledBack.map(({ name, success }) => [name, success]), [
    ["2_b.sql", true],
    ["1_a.sql", false],
  ]);
});

testOnEveryDatabase("fresh() undoes what has no file any more", async (project) => {
  await project.migrator({ "1_a.sql": table("a"), "2_gone.sql": table("b") }).migrate();
  const result = await project.migrator({ "1_a.sql": table("a") }).fresh();
  assert.deepEqual(result.rolledBack.map(({ name, source }) => [name, source]), [
    ["2_gone.sql", "stored"],
    ["1_a.sql", "file"],
  ]);
  assert.equal((await project.migrator({ "1_a.sql": table("a") }).status()).missing.length, 0);
});
