import assert from "node:assert/strict";
import { testOnEveryDatabase } from "../support/projects.ts";

testOnEveryDatabase(
  "a migration that sets the role that it has runs as in psql",
  async (project) => {
    const result = await project.migrator({
      "001_a.sql": "begin isolation level read committed;\nset role postgres;\nreset role;\n" +
        "set session authorization default;\nselect set_config('role', 'none', true);\n" +
        "create table a (id int);\ncommit;",
    }).migrate();
    assert.equal(result.success, true);
    assert.deepEqual(result.results[0]?.notices, [
      "BEGIN and COMMIT were left out: every migration is one transaction of its own",
      '"set role postgres", "reset role", "set session authorization default", ' +
      "\"select set_config('role', 'none', true)\" were left out: they change nothing, as " +
      "migrations run as postgres",
    ]);
    const [table] = await project.sql(
      "select tableowner as owner from pg_tables where tablename = 'a'",
    );
    assert.equal(table?.owner, "postgres");
  },
);

for (
  const [what, sql] of Object.entries({
    "a role that it has not": "set role anon;\ncreate table a ();\nreset role;",
    "what PostgREST has prepared": "create table a ();\ndeallocate all;",
  })
) {
  testOnEveryDatabase(`nothing is sent of a migration that lets go of ${what}`, async (project) => {
    const migrations = {
      "001_a.sql": "create table before ();\n-- ROLLBACK\ndrop table before;",
      "002_b.sql": sql,
      "003_c.sql": `create table c ();\n-- ROLLBACK\n${sql}`,
    };
    for (const name of ["002_b.sql", "003_c.sql"] as const) {
      await assert.rejects(
        project.migrator({ "001_a.sql": migrations["001_a.sql"], [name]: migrations[name] })
          .migrate(),
        { name: "MigrationFileError", message: new RegExp(`${sql.match(/set|deallocate/)}`) },
      );
    }
    const { history, log } = await project.records();
    assert.deepEqual([history, log], [[], []]);
  });
}
