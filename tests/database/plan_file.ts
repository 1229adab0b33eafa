import assert from "node:assert/strict";
import { sealPlan } from "../../lib/operations/plan_file.ts";
import type { MigrateOptions, PlanFile } from "../../mod.ts";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";
import { secretKey } from "../support/secrets.ts";

const migrations = {
  "1_a.sql": "create table a (id int);\n-- ROLLBACK\ndrop table a;\n",
  "2_b.sql": "create table b (id int);\n-- ROLLBACK\ndrop table b;\n",
  "3_c.sql": "create table c (id int);\n-- ROLLBACK\ndrop table c;\n",
};

/** A plan as it comes back from a file. */
function reread(plan: PlanFile): PlanFile {
  return JSON.parse(JSON.stringify(plan));
}

/** The plan is refused for this reason, and nothing is done. */
async function refuses(
  project: AnyProject,
  plan: PlanFile,
  reason: RegExp,
  files: Record<string, string> = migrations,
  options: MigrateOptions = {},
): Promise<void> {
  const before = [await project.catalog(), await project.records()];
  await assert.rejects(project.migrator(files).migrate({ plan, ...options }), (error: Error) => {
    assert.equal(error.name, "ConfigurationError", error.stack);
    assert.match(error.message, reason);
    return true;
  });
  assert.deepEqual([await project.catalog(), await project.records()], before);
}

testOnEveryDatabase(
  "plan() changes nothing, and migrate() runs what it says",
  async (project) => {
    const before = [await project.catalog(), await project.records()];
    const plan = await project.migrator(migrations).plan({ to: "2", transaction: "all" });
    assert.deepEqual([await project.catalog(), await project.records()], before);
    assert.deepEqual(plan.migrations.map(({ name, reason }) => [name, reason]), [
      ["1_a.sql", "not_executed"],
      ["2_b.sql", "not_executed"],
    ]);
    assert.deepEqual([plan.options.to, plan.options.transaction], ["2_b.sql", "all"]);
    assert.deepEqual(
      await project.migrator(migrations).plan({ to: "2_b", transaction: "all" }),
      plan,
    );

    const dry = await project.migrator(migrations).migrate({ plan: reread(plan), dryRun: true });
    assert.deepEqual(dry.planned.map(({ name }) => name), ["1_a.sql", "2_b.sql"]);
    const result = await project.migrator(migrations).migrate({ plan: reread(plan) });
    assert.deepEqual([result.success, result.migrationsRun], [true, 2]);
    await refuses(project, plan, /1_a\.sql was applied since\n- 2_b\.sql was applied since/);
  },
);

testOnEveryDatabase(
  "a plan is refused where a file is another than it says",
  async (project) => {
    const plan = await project.migrator(migrations).plan();
    const { "3_c.sql": _, ...fewer } = migrations;
    for (
      const [reason, files] of [
        [/fits: 2_b\.sql was edited$/, {
          ...migrations,
          "2_b.sql": migrations["2_b.sql"].replace("int", "text"),
        }],
        [/fits: 2_b\.sql was edited in what undoes it$/, {
          ...migrations,
          "2_b.sql": migrations["2_b.sql"].replace("drop table", "drop table if exists"),
        }],
        [/fits: 2_b\.sql was edited$/, {
          ...migrations,
          "2_b.sql": `-- a\n${migrations["2_b.sql"]}`,
        }],
        [/fits: 0_z\.sql was added to the folder$/, { ...migrations, "0_z.sql": "select 1;" }],
        [/fits: 3_c\.sql was taken out of the folder$/, fewer],
      ] as [RegExp, Record<string, string>][]
    ) await refuses(project, plan, reason, files);
    assert.equal((await project.migrator(migrations).migrate({ plan })).migrationsRun, 3);
  },
);

testOnEveryDatabase("a plan is refused where the history has moved", async (project) => {
  const migrator = project.migrator(migrations);
  await migrator.migrate({ to: "1" });
  const plan = await migrator.plan();
  assert.deepEqual(Object.keys(plan.history), ["1_a.sql"]);

  await migrator.rollback();
  await refuses(project, plan, /fits: 1_a\.sql was rolled back since$/);
  await migrator.migrate({ to: "1" });
  await refuses(project, plan, /fits: 1_a\.sql was applied since$/);

  const next = await migrator.plan();
  await project.migrator({ ...migrations, "2_b.sql": "select 1/0;" }).migrate();
  await refuses(project, next, /fits: 2_b\.sql was tried and has failed since$/);
  assert.equal((await migrator.migrate({ plan: await migrator.plan() })).success, true);
});

testOnEveryDatabase(
  "a plan is refused in a run that asks for something else",
  async (project) => {
    const plan = await project.migrator(migrations).plan({ to: "2_b.sql" });
    await refuses(
      project,
      plan,
      /made with --to 2_b\.sql, and this run asks for 1_a\.sql$/,
      migrations,
      {
        to: "1",
      },
    );
    await refuses(
      project,
      plan,
      /made with --transaction each, and this run asks for all$/,
      migrations,
      { transaction: "all" },
    );
    await refuses(project, plan, /made with --on-change rerun, and .* redo$/, migrations, {
      onChange: "redo",
    });
    await refuses(project, plan, /made with --out-of-order warn, and .* refuse$/, migrations, {
      outOfOrder: "refuse",
    });
    await assert.rejects(
      project.migrator(migrations, { order: "name" }).migrate({ plan }),
      /it goes by number, and the order is by name now/,
    );
    await assert.rejects(
      project.migrator(migrations, { batchSize: 7 }).migrate({ plan }),
      /batches of 50, and MIGRATION_BATCH_SIZE is 7 now/,
    );
    const same = { to: "2", transaction: "each", onChange: "rerun", outOfOrder: "warn" } as const;
    assert.equal((await project.migrator(migrations).migrate({ plan, ...same })).migrationsRun, 2);
  },
);

testOnEveryDatabase(
  "a plan that was edited is refused, and so is one of other things",
  async (project) => {
    const plan = await project.migrator(migrations).plan();
    const edited = reread(plan);
    Reflect.set(edited.migrations[0]!.steps[0]!.statements[0]!, "sql", "drop table users");
    await refuses(project, edited, /^The plan was edited: its digest is that of another text$/);
    for (const other of [{}, [], null, "x", { format: "1", digest: "", toolVersion: "" }]) {
      await refuses(project, other as unknown as PlanFile, /^This is no plan of supamigrate$/);
    }
    await refuses(
      project,
      { ...plan, format: 2, toolVersion: "9.9.9" },
      /^The plan was made by supamigrate 9\.9\.9, in format 2, and this version knows format 1$/,
    );

    // Whoever makes the digest anew gets no further: what would run is not what it says.
    const { digest: _, ...forged } = edited;
    const { digest: __, ...unsealed } = plan;
    const sealed = sealPlan(forged, plan.toolVersion, true);
    await refuses(project, sealed, /1_a\.sql would be sent in another way than it says/);
    for (
      const change of [
        { migrations: plan.migrations.slice(1) },
        { migrations: [{}] },
        { migrations: plan.migrations.map((one) => ({ ...one, steps: [{}] })) },
        { migrations: plan.migrations.map((one) => ({ ...one, undo: "none" })) },
        { migrations: plan.migrations.map((one) => ({ ...one, rollback: null })) },
        { files: [] },
        { files: [null] },
        { refreshed: 7 },
        { history: { "1_a.sql": "x" } },
        { history: null },
        { options: { ...plan.options, ledger: true } },
        { concerns: [{ file: "1_a.sql", line: 1, about: "secret", says: "holds a password" }] },
        { refreshed: { rollbacks: ["1_a.sql"], checksums: [] } },
        { project: { kind: "project", name: "elsewhere" } },
      ]
    ) {
      const text = JSON.stringify(change);
      const other = sealPlan({ ...unsealed, ...change } as PlanFile, plan.toolVersion, true);
      await refuses(
        project,
        other,
        /^The plan (?:no longer fits|is not as supamigrate writes it)/,
      )
        .catch((error) => assert.fail(`${text}: ${error.message}`));
    }
  },
);

testOnEveryDatabase(
  "a plan holds no key, and runs the file that has one",
  async (project) => {
    const secret = { "1_key.sql": `create table a (key text default '${secretKey}');` };
    const asked: unknown[] = [];
    const ask = (concerns: readonly unknown[]) => Promise.resolve(asked.push(...concerns) === 0);
    const migrator = project.migrator(secret);
    const plan = await migrator.plan({ accept: ask });
    assert(!JSON.stringify(plan).includes(secretKey));
    assert.match(JSON.stringify(plan), /default '\[hidden\]'/);
    assert.deepEqual([asked, plan.accepted], [plan.concerns, false]);
    assert.deepEqual(plan.concerns.map(({ file, about }) => [file, about]), [[
      "1_key.sql",
      "secret",
    ]]);
    await assert.rejects(
      migrator.migrate({ plan, confirmConcerns: ask }),
      /Not confirmed: nothing was changed/,
    );

    const accepted = await migrator.plan({ accept: () => Promise.resolve(true) });
    const { success } = await migrator.migrate({
      plan: reread(accepted),
      confirmConcerns: () => assert.fail("said yes to in the plan"),
    });
    assert.equal(success, true);
  },
);

testOnEveryDatabase(
  "a plan says what undoes an applied version before it",
  async (project) => {
    await project.migrator(migrations).migrate();
    const changed = {
      ...migrations,
      "1_a.sql": "-- new\ncreate table a (id int);\n-- ROLLBACK\ndrop table a;\n",
      "2_b.sql": migrations["2_b.sql"].replace("drop table", "drop table if exists"),
      "3_c.sql": "create table c (id text);\n-- ROLLBACK\ndrop table c;\n",
    };
    const migrator = project.migrator(changed);
    const plan = await migrator.plan({ onChange: "redo" });
    assert.deepEqual(plan.migrations.map(({ name, undo }) => [name, undo]), [
      ["3_c.sql", [{ line: 1, sql: "drop table c", destroys: "drops the table c" }]],
    ]);
    assert.deepEqual(plan.refreshed, { rollbacks: ["2_b.sql"], checksums: ["1_a.sql"] });
    const { success, rollbacksRefreshed } = await migrator.migrate({ plan });
    assert.deepEqual([success, rollbacksRefreshed], [true, ["2_b.sql"]]);
    assert.deepEqual((await migrator.plan()).migrations, []);
  },
);
