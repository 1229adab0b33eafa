import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";

const table = (name: string, undo = `drop table ${name};`) =>
  `create table ${name} ();\n-- ROLLBACK\n${undo}\n`;

const migrations = {
  "9_a.sql": table("a"),
  "10_b.sql": table("b"),
  "11_c.sql": table("c"),
  "12_d.sql": table("d"),
};

/** Applies 9 and 10 as batch 1, 11 as batch 2, 12 as batch 3. */
async function applyInBatches(project: AnyProject): Promise<void> {
  const migrator = project.migrator(migrations);
  await migrator.migrate({ to: "10" });
  await migrator.migrate({ to: "11" });
  await migrator.migrate();
}

async function tables(project: AnyProject): Promise<string> {
  const rows = await project.sql(
    "select tablename from pg_tables where schemaname = 'public' order by 1",
  );
  return rows.map(({ tablename }) => tablename).join("");
}

testOnEveryDatabase(
  "rollback() undoes the last batch, and then the one before",
  async (project) => {
    await applyInBatches(project);
    const migrator = project.migrator(migrations);
    const left = [];
    for (let n = 0; n < 4; n++) {
      const { success, migrationsRolledBack } = await migrator.rollback();
      left.push([success, migrationsRolledBack, await tables(project)]);
    }
    assert.deepEqual(left, [[true, 1, "abc"], [true, 1, "ab"], [true, 2, ""], [true, 0, ""]]);
  },
);

testOnEveryDatabase(
  "rollback({ target }) keeps the batch or migration that is named",
  async (project) => {
    const cases = [
      { target: "3", undone: [], left: "abcd" },
      { target: "2", undone: ["12_d.sql"], left: "abc" },
      { target: "1", undone: ["12_d.sql", "11_c.sql"], left: "ab" },
      { target: "0", undone: ["12_d.sql", "11_c.sql", "10_b.sql", "9_a.sql"], left: "" },
      { target: "10_b.sql", undone: ["12_d.sql", "11_c.sql"], left: "ab" },
      { target: "10_b", undone: ["12_d.sql", "11_c.sql"], left: "ab" },
      { target: "9_", undone: ["12_d.sql", "11_c.sql", "10_b.sql"], left: "a" },
    ];
    for (const { target, undone, left } of cases) {
      const migrator = project.migrator(migrations);
      await migrator.rollback({ target: "0" });
      await applyInBatches(project);
      const result = await migrator.rollback({ target });
      assert.deepEqual(result.results.map(({ name }) => name), undone, target);
      assert.equal(await tables(project), left, target);
    }
  },
);

testOnEveryDatabase("rollback({ steps }) undoes so many, last first", async (project) => {
  await applyInBatches(project);
  const result = await project.migrator(migrations).rollback({ steps: 3 });
  assert.deepEqual(
    result.results.map(({ name, success, source }) => [name, success, source]),
    [["12_d.sql", true, "file"], ["11_c.sql", true, "file"], ["10_b.sql", true, "file"]],
  );
  assert.equal(await tables(project), "a");
  for (const steps of [0, -1, 1.5]) {
    await assert.rejects(project.migrator(migrations).rollback({ steps }), {
      name: "ConfigurationError",
    });
  }
});

testOnEveryDatabase("rollback() to something unknown changes nothing", async (project) => {
  await applyInBatches(project);
  const records = await project.records();
  const migrator = project.migrator(migrations);
  const cases: [string, RegExp, RegExp?][] = [
    ["4", /There is no batch 4: the last one is 3/],
    ["10_c", /No applied migration is called "10_c"/, /Did you mean 1\d_[abcd]\.sql\?/],
    ["1x", /No applied migration is called "1x"/],
    ["-1", /No applied migration is called "-1"/],
  ];
  for (const [target, message, hint] of cases) {
    await assert.rejects(migrator.rollback({ target }), {
      name: "ConfigurationError",
      message,
      ...(hint ? { hint } : {}),
    });
  }
  await assert.rejects(migrator.rollback({ target: "1", steps: 1 }), {
    name: "ConfigurationError",
  });
  assert.deepEqual(await project.records(), records);
});

testOnEveryDatabase(
  "rollback() refuses when one migration has no rollback SQL",
  async (project) => {
    const without = {
      "1_a.sql": table("a"),
      "2_b.sql": "create table b ();",
      "3_c.sql": table("c"),
      "4_d.sql": "create table d ();\n-- ROLLBACK\n-- nothing yet\n",
    };
    await project.migrator(without).migrate();
    const [records, catalog] = [await project.records(), await project.catalog()];
    await assert.rejects(project.migrator(without).rollback({ target: "0" }), {
      name: "ConfigurationError",
      message: "Nothing was rolled back: there is no rollback SQL for 4_d.sql, 2_b.sql",
    });
    assert.deepEqual(await project.records(), records);
    assert.deepEqual(await project.catalog(), catalog);
  },
);

testOnEveryDatabase("rollback() says where its SQL comes from, and why", async (project) => {
  await project.migrator({
    "1_same.sql": table("a"),
    "2_changed.sql": table("b"),
    "3_gone.sql": table("c"),
    "4_emptied.sql": table("d"),
  }).migrate();
  const result = await project.migrator({
    "1_same.sql": table("a", "drop table if exists a;"),
    "2_changed.sql": "create table b (id int);\n-- ROLLBACK\nselect 1/0;\n",
    "4_emptied.sql": "create table d ();\n",
  }).rollback();
  assert.deepEqual(
    result.results.map((
      { name, success, source, sourceReason },
    ) => [name, success, source, sourceReason]),
    [
      ["4_emptied.sql", true, "stored", "the file has none"],
      ["3_gone.sql", true, "stored", "the file is gone"],
      ["2_changed.sql", true, "stored", "the file was changed"],
      ["1_same.sql", true, "file", "the file's"],
    ],
  );
  const { log } = await project.records();
  assert.deepEqual(
    log.filter(({ action }) => action === "rollback").map((
      { migration_name, details },
    ) => [migration_name, details]),
    [
      ["4_emptied.sql", { source: "stored" }],
      ["3_gone.sql", { source: "stored" }],
      ["2_changed.sql", { source: "stored" }],
      ["1_same.sql", { source: "file" }],
    ],
  );
});

testOnEveryDatabase("a rollback that fails leaves its migration applied", async (project) => {
  const failing = {
    "1_a.sql": table("a"),
    "2_b.sql": table("b", "drop table b;\nselect 1/0;"),
    "3_c.sql": table("c"),
  };
  await project.migrator(failing).migrate();
  const result = await project.migrator(failing).rollback();

  assert.deepEqual([result.success, result.migrationsRolledBack], [false, 1]);
  assert.deepEqual(result.results.map(({ name, success }) => [name, success]), [
    ["3_c.sql", true],
    ["2_b.sql", false],
  ]);
  const { code, line, statement } = result.results[1]!.error!;
  assert.deepEqual({ code, line, statement }, { code: "22012", line: 4, statement: 2 });
  assert.equal(await tables(project), "ab");
  const { history, log } = await project.records();
  assert.deepEqual(history.map(({ migration_name, status }) => [migration_name, status]), [
    ["1_a.sql", "completed"],
    ["2_b.sql", "completed"],
    ["3_c.sql", "rolled_back"],
  ]);
  assert.deepEqual(
    log.slice(3).map(({ action, migration_name, result }) => [action, migration_name, result]),
    [["rollback", "3_c.sql", "ok"], ["rollback", "2_b.sql", "failed"]],
  );
  const { lock, pending } = await project.migrator(failing).status();
  assert.deepEqual([lock.isLocked, pending.map(({ name }) => name)], [false, ["3_c.sql"]]);
});

testOnEveryDatabase("rollback({ dryRun: true }) changes nothing", async (project) => {
  await applyInBatches(project);
  const [records, catalog] = [await project.records(), await project.catalog()];
  const result = await project.migrator(migrations).rollback({ target: "1", dryRun: true });
  assert.deepEqual(
    [result.dryRun, result.migrationsRolledBack, result.planned.map(({ name }) => name)],
    [true, 0, ["12_d.sql", "11_c.sql"]],
  );
  assert.deepEqual(result.planned[0]?.statements.map(({ line, sql }) => [line, sql]), [
    [3, "drop table d"],
  ]);
  assert.deepEqual(await project.records(), records);
  assert.deepEqual(await project.catalog(), catalog);
});

testOnEveryDatabase(
  "rollback() undoes in the reverse of the order of application",
  async (project) => {
    const late = { "5_late.sql": "create table late (c int);\n-- ROLLBACK\ndrop table late;\n" };
    await applyInBatches(project);
    await project.migrator({ ...late, ...migrations }).migrate();
    const { results } = await project.migrator({ ...late, ...migrations }).rollback({ steps: 2 });
    assert.deepEqual(results.map(({ name }) => name), ["5_late.sql", "12_d.sql"]);
  },
);

testOnEveryDatabase("what was rolled back is applied again in a new batch", async (project) => {
  await applyInBatches(project);
  const migrator = project.migrator(migrations);
  await migrator.rollback({ target: "1" });
  const result = await migrator.migrate();
  assert.deepEqual(result.results.map(({ name, reason }) => [name, reason]), [
    ["11_c.sql", "rolled_back"],
    ["12_d.sql", "rolled_back"],
  ]);
  assert.equal(result.batchNumber, 2);
});

testOnEveryDatabase("a rollback beside the file, X.down.sql, is used", async (project) => {
  const files = { "1_a.sql": "create table a ();", "1_a.down.sql": "drop table a;" };
  const migrator = project.migrator(files);
  assert.equal((await migrator.migrate()).migrationsRun, 1);
  assert.equal((await migrator.rollback()).success, true);
  assert.equal(await tables(project), "");
});
