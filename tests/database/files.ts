import assert from "node:assert/strict";
import type { Migrator, ProgressEvent } from "../../mod.ts";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";

// What becomes of files that are edited, renamed, late or out of order.

const RERUN = {
  "001_users.sql": "create table if not exists users (id int primary key);\n" +
    "-- ROLLBACK\ndrop table users;\n",
  "002_orders.sql": "create table orders (id int primary key, u int references users);\n" +
    "-- ROLLBACK\ndrop table orders;\n",
};

const RERUN_AFTER = {
  ...RERUN,
  "001_users.sql": "create table if not exists users (id int primary key);\n" +
    "alter table users add column if not exists email text;\n-- ROLLBACK\ndrop table users;\n",
};

/** What a migrator told. */
async function tellingOf<Result>(
  project: AnyProject,
  migrations: Record<string, string>,
  work: (migrator: Migrator) => Promise<Result>,
): Promise<{ result: Result; told: string[] }> {
  const told: string[] = [];
  const onProgress = (event: ProgressEvent) => {
    if (event.type === "notice") told.push(event.message);
  };
  const result = await work(project.migrator(migrations, { onProgress }));
  return { result, told };
}

async function batchesOf(project: AnyProject): Promise<[unknown, unknown][]> {
  return (await project.records()).history
    .map(({ migration_name, batch_number }) => [migration_name, batch_number]);
}

testOnEveryDatabase(
  "a migration that runs again keeps its batch and its place",
  async (project) => {
    const before = project.migrator(RERUN);
    await before.migrate({ to: "001" });
    await before.migrate();
    const { result, told } = await tellingOf(project, RERUN_AFTER, (it) => it.migrate());
    assert.deepEqual([result.success, result.batchNumber, result.migrationsRun], [true, 1, 1]);
    assert.match(told.join("\n"), /001_users\.sql was applied, .* runs again .*--on-change redo/);
    assert.deepEqual(await batchesOf(project), [["001_users.sql", 1], ["002_orders.sql", 2]]);

    const migrator = project.migrator(RERUN_AFTER);
    assert.equal((await migrator.status()).lastBatch, 2);
    const [last] = await migrator.history({ limit: 1 });
    assert.deepEqual([last!.action, last!.migration, last!.batch], ["apply", "001_users.sql", 1]);
    const undoes = async (target?: string) =>
      (await migrator.rollback({ dryRun: true, ...(target === undefined ? {} : { target }) }))
        .planned.map(({ name }) => name);
    assert.deepEqual(await undoes(), ["002_orders.sql"]);
    assert.deepEqual(await undoes("1"), ["002_orders.sql"]);
    assert.deepEqual(await undoes("0"), ["002_orders.sql", "001_users.sql"]);
    assert.equal((await migrator.rollback({ target: "0" })).success, true);
  },
);

testOnEveryDatabase("fresh() goes on after a migration ran again", async (project) => {
  await project.migrator(RERUN).migrate();
  await project.migrator(RERUN_AFTER).migrate();
  assert.equal((await project.migrator(RERUN_AFTER).fresh()).success, true);
});

testOnEveryDatabase(
  "rollback() undoes in the reverse of the first application, whatever the names",
  async (project) => {
    const files: Record<string, string> = {};
    for (const name of ["3_c", "1_a", "2_b"]) {
      files[`${name}.sql`] = `create table t${name} ();\n-- ROLLBACK\ndrop table t${name};\n`;
      await project.migrator(files).migrate();
    }
    const migrator = project.migrator(files);
    const { planned } = await migrator.rollback({ target: "0", dryRun: true });
    assert.deepEqual(planned.map(({ name }) => name), ["2_b.sql", "1_a.sql", "3_c.sql"]);
    await migrator.rollback({ steps: 2 });
    await migrator.migrate();
    const again = await migrator.rollback({ target: "0", dryRun: true });
    assert.deepEqual(again.planned.map(({ name }) => name), ["2_b.sql", "1_a.sql", "3_c.sql"]);
  },
);

testOnEveryDatabase(
  "redo beneath later migrations says so before it starts",
  async (project) => {
    await project.migrator(RERUN).migrate();
    const { result, told } = await tellingOf(
      project,
      RERUN_AFTER,
      (it) => it.migrate({ onChange: "redo", dryRun: true }),
    );
    assert.equal(result.planned.length, 1);
    assert.match(told.join("\n"), /001_users\.sql is undone .* beneath 002_orders\.sql: /);
  },
);

const SEED = "-- Currencies of the shop\ncreate table if not exists currencies (code text);\n" +
  "insert into currencies values ('EUR'), ('USD');\n";

testOnEveryDatabase(
  "nothing runs again where comments or white space were changed",
  async (project) => {
    await project.migrator({ "001_seed.sql": SEED }).migrate();
    const edited = SEED.replace("Currencies of", "All currencies of").replace("), (", "),\n  (");
    const migrator = project.migrator({ "001_seed.sql": edited });
    assert.deepEqual((await migrator.status()).reworded, ["001_seed.sql"]);
    assert.equal((await migrator.status()).upToDate, true);
    const dry = await migrator.migrate({ dryRun: true, onChange: "error" });
    assert.deepEqual([dry.planned, dry.checksumsRefreshed], [[], []]);

    const result = await migrator.migrate();
    assert.deepEqual(
      [result.success, result.migrationsRun, result.checksumsRefreshed],
      [true, 0, ["001_seed.sql"]],
    );
    assert.deepEqual(await project.sql("select count(*)::int as rows from currencies"), [{
      rows: 2,
    }]);
    const status = await migrator.status();
    assert.deepEqual([status.reworded, status.upToDate, status.unvouched], [[], true, []]);
    assert.equal((await migrator.history({ limit: 1 }))[0]!.action, "refresh checksum");
    assert.deepEqual((await migrator.migrate()).checksumsRefreshed, []);

    const changed = edited.replace("'USD'", "'GBP'");
    const { pending } = await project.migrator({ "001_seed.sql": changed }).status();
    assert.deepEqual(pending.map(({ reason }) => reason), ["checksum_mismatch"]);
  },
);

testOnEveryDatabase(
  "comments and the rollback section are brought up to date in one call",
  async (project) => {
    const text = "create table a ();\n-- ROLLBACK\ndrop table a;\n";
    await project.migrator({ "1_a.sql": text, "2_b.sql": "select 1;" }).migrate();
    const files = {
      "1_a.sql": `-- new\n${text.replace("drop table a", "drop table if exists a")}`,
      "2_b.sql": "select 1;",
      "3_c.sql": "select 3;",
    };
    const result = await project.migrator(files).migrate();
    assert.deepEqual([result.checksumsRefreshed, result.migrationsRun], [["1_a.sql"], 1]);
    const { history } = await project.records();
    assert.equal(history[0]!.rollback_sql, "drop table if exists a;\n");
    assert.deepEqual((await project.migrator(files).status()).unvouched, []);
  },
);

testOnEveryDatabase(
  "a history that was given other statements is not relied on",
  async (project) => {
    await project.migrator({ "1_a.sql": "select 1;" }).migrate();
    const changed = project.migrator({ "1_a.sql": "select 2;" });
    await project.sql(
      "update supamigrate.migration_history set statements_checksum = encode(sha256('select 2'), 'hex')",
    );
    await assert.rejects(changed.migrate(), { name: "ConfigurationError" });
  },
);

testOnEveryDatabase(
  "what an older version applied runs again as before where it was changed",
  async (project) => {
    await project.migrator({ "1_a.sql": "select 1;" }).migrate();
    await project.sql("update supamigrate.migration_history set statements_checksum = null");
    const { pending } = await project.migrator({ "1_a.sql": "-- new\nselect 1;" }).status();
    assert.deepEqual(pending.map(({ reason }) => reason), ["checksum_mismatch"]);
  },
);

const BEFORE = {
  "001_a.sql": "create table if not exists notes (id int);\n-- ROLLBACK\ndrop table notes;\n",
  "002_b.sql": "insert into notes values (1);\n-- ROLLBACK\ndelete from notes where true;\n",
  "004_d.sql": "create table d ();\n-- ROLLBACK\ndrop table d;\n",
};

function renamedTo(name: string): Record<string, string> {
  const { "002_b.sql": b, ...others } = BEFORE;
  return { ...others, [name]: b };
}

testOnEveryDatabase(
  "a renamed file is told as one, not run again, and recorded on demand",
  async (project) => {
    await project.migrator(BEFORE).migrate({ to: "002" });
    await project.migrator(BEFORE).migrate();
    const after = renamedTo("005_b.sql");
    const { result, told } = await tellingOf(project, after, (it) => it.migrate());
    assert.deepEqual([result.success, result.migrationsRun], [true, 0]);
    assert.match(
      told.join("\n"),
      /005_b\.sql is applied as 002_b\.sql, .*supamigrate repair 002_b\.sql --renamed 005_b\.sql/,
    );
    const migrator = project.migrator(after);
    const status = await migrator.status();
    assert.deepEqual(
      [status.upToDate, status.missing, status.renamed],
      [true, [], [{ from: "002_b.sql", to: "005_b.sql" }]],
    );
    await assert.rejects(
      migrator.repair("002_b", { renamed: "005", confirm: () => Promise.resolve(false) }),
    );
    assert.deepEqual((await migrator.status()).renamed.length, 1);

    const change = await migrator.repair("002_b", { renamed: "005" });
    assert.deepEqual(change, {
      name: "002_b.sql",
      before: "completed",
      after: "completed",
      renamedTo: "005_b.sql",
    });
    const repaired = await migrator.status();
    assert.deepEqual([repaired.upToDate, repaired.renamed, repaired.unvouched], [true, [], []]);
    assert.equal(
      (await migrator.doctor()).findings.filter(({ check }) => check === "log").length,
      0,
    );
    // It keeps its batch and its place.
    const { planned } = await migrator.rollback({ target: "0", dryRun: true });
    assert.deepEqual(planned.map(({ name }) => name), ["004_d.sql", "005_b.sql", "001_a.sql"]);
    assert.equal((await migrator.rollback({ target: "0" })).success, true);
    assert.deepEqual(await project.sql("select to_regclass('public.notes') as notes"), [{
      notes: null,
    }]);
  },
);

for (
  const [before, after] of [["002_b.sql", "002_B.sql"], ["002_é.sql", "002_e\u0301.sql"]] as const
) {
  testOnEveryDatabase(
    `${JSON.stringify(after)} is ${before} under another name`,
    async (project) => {
      const others = { "003_c.sql": "select 3;" };
      await project.migrator({ [before]: "select 1;", ...others }).migrate();
      const { renamed, pending } = await project.migrator({ [after]: "select 1;", ...others })
        .status();
      assert.deepEqual([renamed, pending], [[{ from: before, to: after }], []]);
    },
  );
}

testOnEveryDatabase(
  "repair() renames nothing of which the file is there, or the new name is applied",
  async (project) => {
    const migrator = project.migrator(BEFORE);
    await migrator.migrate();
    await assert.rejects(migrator.repair("001", { renamed: "004" }), {
      message: "001_a.sql has no other name: its file is there",
    });
    const { "001_a.sql": _, ...others } = BEFORE;
    await assert.rejects(project.migrator(others).repair("001", { renamed: "004" }), {
      message: "004_d.sql is on record itself",
    });
    await assert.rejects(migrator.repair("001", {}), { name: "ConfigurationError" });
    await assert.rejects(migrator.repair("001", { mark: "applied", renamed: "004" }), {
      name: "ConfigurationError",
    });
  },
);

testOnEveryDatabase(
  "an attempt that failed under the new name does not stand in the way",
  async (project) => {
    await project.migrator({ "1_a.sql": "create table a ();" }).migrate();
    await project.migrator({
      "1_a.sql": "create table a ();",
      "2_a.sql": "create table a ( );\nselect 1;",
    })
      .migrate();
    const migrator = project.migrator({ "2_a.sql": "create table a ();" });
    assert.deepEqual((await migrator.status()).renamed, [{ from: "1_a.sql", to: "2_a.sql" }]);
    await migrator.repair("1_a", { renamed: "2_a" });
    assert.deepEqual(await batchesOf(project), [["2_a.sql", 1]]);
    assert.equal((await migrator.status()).upToDate, true);
  },
);

testOnEveryDatabase(
  "a file that comes before what is applied is named, and refused on demand",
  async (project) => {
    await project.migrator({ "2_b.sql": "select 2;" }).migrate();
    const files = { "1_a.sql": "select 1;", "2_b.sql": "select 2;", "3_c.sql": "select 3;" };
    const sentence = "1_a.sql comes before 2_b.sql, which is applied";
    assert.match(
      (await project.migrator(files).status()).warnings.join("\n"),
      new RegExp(sentence),
    );
    await assert.rejects(project.migrator(files).migrate({ outOfOrder: "refuse" }), {
      name: "ConfigurationError",
      message: sentence,
    });
    const quiet = await tellingOf(
      project,
      files,
      (it) => it.migrate({ outOfOrder: "apply", dryRun: true }),
    );
    assert.deepEqual(quiet.told, []);
    const { result, told } = await tellingOf(project, files, (it) => it.migrate());
    assert.deepEqual([told, result.warnings, result.migrationsRun], [
      [`${sentence}: it runs after it all the same`],
      [`${sentence}: it runs after it all the same`],
      2,
    ]);
    assert.deepEqual((await project.migrator(files).status()).warnings, []);
  },
);

const WIDTHS = {
  "20250101000000_staff.sql":
    "create table staff (id int primary key);\n-- ROLLBACK\ndrop table staff;\n",
  "20250202000000_boss.sql": "alter table staff add column boss int references staff;\n" +
    "-- ROLLBACK\nalter table staff drop column boss;\n",
  "20250303_boss_index.sql":
    "create index boss_index on staff (boss);\n-- ROLLBACK\ndrop index boss_index;\n",
};

testOnEveryDatabase(
  "the order of names runs what the order of numbers cannot",
  async (project) => {
    const failed = await project.migrator(WIDTHS).migrate();
    assert.equal(failed.results[0]!.name, "20250303_boss_index.sql");
    assert.match(failed.advice!, /By name, 20250101000000_staff\.sql, .*--order name$/);
    assert.match(failed.warnings[0]!, /--order name/);
    for (const options of [{ order: "name" }, { layout: "supabase" }] as const) {
      const migrator = project.migrator(WIDTHS, options);
      const result = await migrator.migrate();
      assert.equal(result.success, true);
      const { planned } = await migrator.rollback({ target: "0", dryRun: true });
      assert.deepEqual(planned.map(({ name }) => name), Object.keys(WIDTHS).reverse());
      assert.deepEqual(
        (await migrator.rollback({ target: "20250202000000", dryRun: true })).planned.length,
        1,
      );
      assert.equal((await migrator.rollback({ target: "0" })).success, true);
    }
    const baseline = await project.migrator(WIDTHS, { order: "name" }).baseline("20250202000000");
    assert.deepEqual(baseline.recorded, Object.keys(WIDTHS).slice(0, 2));
  },
);

testOnEveryDatabase(
  "a file without a number is told and asked about, and never run in supabase/migrations",
  async (project) => {
    const files = {
      "20250101000000_shop.sql": "create table shop (id int primary key);",
      "TEMP_by_hand_only.sql": "drop table shop;",
    };
    const asked: unknown[] = [];
    const confirmConcerns = (concerns: unknown) => Promise.resolve(asked.push(concerns) > 1);
    await assert.rejects(project.migrator(files).migrate({ confirmConcerns }), /Not confirmed/);
    assert.deepEqual(asked, [[{
      file: "TEMP_by_hand_only.sql",
      line: 1,
      about: "unnumbered",
      says: "has no number in front of its name",
    }]]);
    const { warnings } = await project.migrator(files).status();
    assert.deepEqual(warnings, [
      "TEMP_by_hand_only.sql has no number: it runs after all that have one",
    ]);
    const migrator = project.migrator(files, { layout: "supabase" });
    await migrator.baseline("2025");
    const { migrationsRun, leftOut } = await migrator.migrate({ confirmConcerns });
    assert.deepEqual([migrationsRun, leftOut.map(({ name }) => name), asked.length], [
      0,
      ["TEMP_by_hand_only.sql"],
      1,
    ]);
  },
);

testOnEveryDatabase(
  "a template that nobody has filled in is not applied",
  async (project) => {
    const template = "-- FORWARD MIGRATION\n-- Add your migration SQL here\n-- ROLLBACK\n";
    const { result, told } = await tellingOf(
      project,
      { "1_a.sql": template },
      (it) => it.migrate(),
    );
    assert.deepEqual([result.success, result.migrationsRun], [true, 0]);
    assert.match(told.join(), /1_a\.sql is a template that nobody has filled in/);
    const filled = await project.migrator({
      "1_a.sql": `${template}`.replace("here\n", "here\nselect 1;\n"),
    })
      .migrate();
    assert.deepEqual(
      filled.results.map(({ reason }) => reason),
      ["not_executed"],
    );
  },
);

testOnEveryDatabase(
  "a changed migration that fails on what is there says why it ran",
  async (project) => {
    await project.migrator({ "1_a.sql": "create table a ();" }).migrate();
    const { advice } = await project.migrator({ "1_a.sql": "create table a (id int);" }).migrate();
    assert.match(advice!, /^1_a\.sql was applied before, .*--on-change redo/);
  },
);

testOnEveryDatabase("the undo files of other tools undo", async (project) => {
  const files = {
    "001_a.up.sql": "create table a ();",
    "001_a.down.sql": "drop table a;",
    "002_b.sql": "create table b ();",
    "002_b_rollback.sql": "drop table b;",
    "rollback/003_c.sql": "drop table c;",
    "003_c.sql": "create table c ();",
    "004_d.sql": "-- +goose Up\ncreate table d ();\n-- +goose Down\ndrop table d;\n",
    "005_e.sql": "create table e ();\n---- create above / drop below ----\ndrop table e;\n",
    "006_f.sql": "create table f ();\n/* ROLLBACK */\ndrop table f;\n",
  };
  const before = await project.catalog();
  const migrator = project.migrator(files);
  assert.equal((await migrator.migrate()).migrationsRun, 6);
  const { migrationsRolledBack } = await migrator.rollback({ target: "0" });
  assert.equal(migrationsRolledBack, 6);
  assert.deepEqual(await project.catalog(), before);
});
