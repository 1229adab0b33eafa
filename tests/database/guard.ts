import assert from "node:assert/strict";
import { testOnEveryDatabase, testOnServers } from "../support/projects.ts";

const door = `
create or replace function public.exec_sql(sql_query text, params jsonb default '{}')
returns jsonb language plpgsql security definer as $$ begin return '[]'; end $$;`;

for (
  const [what, sql, message] of [
    ["replaces exec_sql", door, /changes public\.exec_sql\(text, jsonb\)/],
    [
      "makes exec_sql run as its caller",
      "alter function public.exec_sql(text, jsonb) security invoker;",
      /changes public\.exec_sql\(text, jsonb\)/,
    ],
    [
      "drops the tracking schema",
      "drop schema supamigrate cascade;",
      /drops the schema supamigrate, in which it is recorded/,
    ],
  ] as const
) {
  testOnEveryDatabase(`a migration that ${what} fails, and leaves nothing`, async (project) => {
    const catalog = await project.catalog();
    const migrator = project.migrator({ "1_a.sql": `create table a ();\n${sql}` });
    const { success, results } = await migrator.migrate();
    assert.equal(success, false);
    assert.match(results[0]?.error?.message ?? "", message);
    assert.deepEqual(await project.catalog(), catalog);
    assert.equal(
      (await project.migrator({ "1_b.sql": "create table b ();" }).migrate()).success,
      true,
    );
  });
}

testOnEveryDatabase("redo costs no request more than any run", async (project) => {
  const version = (table: string) => `create table ${table} ();\n-- ROLLBACK\ndrop table ${table};`;
  await project.migrator({ "1_a.sql": version("a") }).migrate();
  const before = project.requests;
  await project.migrator({ "1_a.sql": version("b") }).migrate({ onChange: "redo" });
  assert.equal(project.requests - before, 4);
});

testOnEveryDatabase(
  "rolling back stored SQL costs no request more than any rollback",
  async (project) => {
    const a = "create table a ();\n-- ROLLBACK\ndrop table a;";
    await project.migrator({ "1_a.sql": a }).migrate();
    const before = project.requests;
    const gone = project.migrator({ "2_b.sql": "create table b ();" });
    assert.equal((await gone.rollback()).results[0]?.sourceReason, "the file is gone");
    assert.equal(project.requests - before, 4);
  },
);

testOnEveryDatabase(
  "functions that are missing are put back, and the history stays",
  async (project) => {
    const migrations = { "1_a.sql": "create table a ();" };
    await project.migrator(migrations).migrate();
    await project.sql("drop function supamigrate.state(jsonb), supamigrate.settle(jsonb)");
    const { upToDate, executed } = await project.migrator(migrations).status();
    assert.deepEqual([upToDate, executed], [true, 1]);
    assert.deepEqual(
      await project.sql("select to_regprocedure('supamigrate.settle(jsonb)') is not null as there"),
      [{ there: true }],
    );
  },
);

testOnEveryDatabase("a history that is missing is not begun anew unasked", async (project) => {
  await project.sql(`
    drop function supamigrate.state(jsonb);
    alter table supamigrate.migration_history rename to gone;
  `);
  await assert.rejects(project.migrator({ "1_a.sql": "create table a ();" }).migrate(), {
    name: "ConfigurationError",
    message: /tracking schema is not complete/,
  });
  await project.sql("alter table supamigrate.gone rename to migration_history");
  assert.equal((await project.migrator({ "1_a.sql": "create table a ();" }).status()).executed, 0);
});

testOnServers("several runs may upgrade the tracking schema at once", async (project) => {
  await project.sql("update supamigrate.installation set schema_version = 0 where id = 1");
  const reports = await Promise.all(
    Array.from({ length: 8 }, () => project.migrator({ "1_a.sql": "create table a ();" }).status()),
  );
  assert.deepEqual(reports.map(({ totalFiles }) => totalFiles), new Array(8).fill(1));
}, { dbPool: 8 });
