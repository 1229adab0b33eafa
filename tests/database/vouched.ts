import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";

const migrations = {
  "1_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;",
  "2_b.sql": "create table b ();\n-- ROLLBACK\ndrop table b;",
};
const first = { "1_a.sql": migrations["1_a.sql"] };

/** How rows are changed past the tool, and what the history says of `2_b.sql` after it. */
const changes: Readonly<Record<string, (project: AnyProject) => Promise<unknown>>> = {
  "was put in": async (project) => {
    await project.migrator(migrations).migrate({ to: "1_a" });
    // With the checksum that the file has, so that nothing seems to be pending.
    const checksum = await checksumOf(project);
    await project.sql(
      `insert into supamigrate.migration_history
         (id, migration_name, batch_number, execution_time_ms, checksum, applied_checksum, rollback_sql)
       values (99, '2_b.sql', 1, 0, $1, $1, $2)`,
      [checksum, "\ndrop table b;"],
    );
  },
  "was taken out": async (project) => {
    await project.migrator(migrations).migrate();
    await project.sql(
      "delete from supamigrate.migration_history where migration_name = '2_b.sql'",
    );
  },
};

/** The checksum of `2_b.sql`, which a run would write into the history. */
async function checksumOf(project: AnyProject): Promise<unknown> {
  await project.migrator(migrations).baseline("2_b");
  const [row] = await project.sql(
    "select checksum from supamigrate.migration_history where migration_name = '2_b.sql'",
  );
  await project.migrator(migrations).repair("2_b", { mark: "pending" });
  return row!.checksum;
}

const refusal = {
  name: "ConfigurationError",
  message: "The history is not what the audit log says of 2_b.sql",
  hint: /supamigrate doctor says what.*supamigrate repair NAME --mark applied, or --mark pending/,
};

for (const [what, change] of Object.entries(changes)) {
  testOnEveryDatabase(`nothing goes by a history row that ${what}`, async (project) => {
    await change(project);
    const migrator = project.migrator(migrations);
    const records = await project.records();
    const status = await migrator.status();
    assert.deepEqual([status.upToDate, status.unvouched], [false, ["2_b.sql"]]);
    assert.match(status.warnings[0]!, /^The audit log says something else of 2_b\.sql: /);
    await assert.rejects(migrator.migrate(), refusal);
    await assert.rejects(migrator.migrate({ dryRun: true }), refusal);
    await assert.rejects(migrator.fresh(), refusal);
    await assert.rejects(project.migrator(first).migrate(), refusal, "also without the file");
    assert.deepEqual(await project.records(), records);
  });

  testOnEveryDatabase(`doctor names a history row that ${what}`, async (project) => {
    await change(project);
    const { findings } = await project.migrator(migrations).doctor();
    assert.deepEqual(findings.map(({ check }) => check), ["history"]);
    assert.match(findings[0]!.problem, /2_b\.sql/);
  });

  testOnEveryDatabase(`repair mends a history row that ${what}`, async (project) => {
    await change(project);
    const migrator = project.migrator(migrations);
    const isThere = (await project.sql("select to_regclass('public.b') as b"))[0]!.b !== null;
    const repaired = await migrator.repair("2_b", { mark: isThere ? "applied" : "pending" });
    assert.equal(repaired.name, "2_b.sql");
    const { migrationsRun } = await migrator.migrate();
    assert.equal(migrationsRun, isThere ? 0 : 1);
    const status = await migrator.status();
    assert.deepEqual([status.upToDate, status.unvouched, status.warnings], [true, [], []]);
  });

  testOnEveryDatabase(
    `baseline records anew what has a history row that ${what}`,
    async (project) => {
      await change(project);
      const migrator = project.migrator(migrations);
      const { recorded, warnings } = await migrator.baseline("2_b");
      assert.deepEqual(recorded, ["2_b.sql"]);
      assert.deepEqual(warnings, [
        "The history is not what the audit log says of 2_b.sql: it is recorded anew",
      ]);
      assert.equal((await migrator.status()).upToDate, true);
    },
  );

  testOnEveryDatabase(
    `fresh({ dropSchema }) needs no history row that ${what}`,
    async (project) => {
      await change(project);
      const migrator = project.migrator(migrations);
      assert.equal((await migrator.fresh({ dropSchema: true })).success, true);
      const status = await migrator.status();
      assert.deepEqual([status.upToDate, status.unvouched], [true, []]);
    },
  );
}

testOnEveryDatabase(
  "a history row that was taken out, and its file with it, is marked as pending",
  async (project) => {
    await changes["was taken out"]!(project);
    const migrator = project.migrator(first);
    await assert.rejects(migrator.migrate(), refusal);
    assert.deepEqual(await migrator.repair("2_b", { mark: "pending" }), {
      name: "2_b.sql",
      before: "not recorded",
      after: "not recorded",
    });
    assert.equal((await migrator.status()).upToDate, true);
  },
);
