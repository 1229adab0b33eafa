import assert from "node:assert/strict";
import { SCHEMA_VERSION } from "../../lib/database/state.ts";
import type { Migrator } from "../../mod.ts";
import {
  ownProject,
  testOnEveryDatabase,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";
import { startManagementApi } from "./management_api.ts";

// What somebody may have set for a role, a database or a server, and what has a say in how SQL is
// read and values are written.
const ODD_SETTINGS = {
  array_nulls: "off",
  bytea_output: "escape",
  datestyle: "SQL, DMY",
  escape_string_warning: "off",
  extra_float_digits: "-15",
  intervalstyle: "sql_standard",
  "plpgsql.extra_errors": "all",
  quote_all_identifiers: "on",
  row_security: "off",
  standard_conforming_strings: "off",
  timezone: "Asia/Kathmandu",
  transform_null_equals: "on",
  xmlbinary: "hex",
};

const odd = Object.entries(ODD_SETTINGS);

const migrations = {
  "1_a.sql": `
    create schema "Odd";
    create table "Odd".a (id int primary key, at interval default '1 day');
    create function "Odd".b(t text) returns text language sql as 'select t';
    -- ROLLBACK
    drop schema "Odd" cascade;`,
  "2_b.sql": `
    insert into "Odd".a values (1);
    do $$ begin assert length('\\n') = 2, 'it is read as standard SQL'; end $$;
    -- ROLLBACK
    delete from "Odd".a;`,
  "3_c.sql": `
    do $$ begin raise exception 'alter role a password ''canary'''; end $$;`,
};

/** Does a bit of everything, and says what each came to. */
async function useAll(
  migrator: Migrator,
  before: () => Promise<unknown> = () => Promise.resolve(),
) {
  const ask = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    await before();
    return await work();
  };
  const { results } = await ask(() => migrator.migrate());
  const { unvouched, executed, warnings } = await ask(() => migrator.status());
  const { findings } = await ask(() => migrator.doctor());
  const { dropped, kept, migrated } = await ask(() => migrator.fresh({ dropSchema: true }));
  const rolledBack = await ask(() => migrator.rollback({ target: "0" }));
  const history = await ask(() => migrator.history());
  return {
    results: results.map(({ name, success, error }) => [name, success, error]),
    status: { unvouched, executed, warnings },
    // On a database with one session, what was set in it is found there.
    findings: findings.filter(({ check }) => check !== "pool"),
    fresh: { dropped, kept, again: migrated?.results.map(({ name, success }) => [name, success]) },
    rolledBack: rolledBack.results.map(({ name, success }) => [name, success]),
    lastInHistory: history[0]?.action,
  };
}

testOnEveryDatabase("what is set in a session confuses no command", async (project) => {
  if ("stack" in project) return; // there roles and databases have settings, see below
  const set = odd.map(([name, value]) => `set ${name} = '${value}';`).join("\n");
  const migrator = project.migrator(migrations);
  const usual = await useAll(migrator);
  assert.deepEqual(usual.findings, []);
  assert.ok(!JSON.stringify(usual).includes("canary"));
  assert.deepEqual(await useAll(migrator, () => project.sql(set)), usual);
  await project.sql("reset all");
});

testOnOneServer("what is set for roles and a database confuses no command", async (project) => {
  const [{ name } = {}] = await project.sql("select quote_ident(current_database()) as name");
  await using management = await startManagementApi(project);
  await using direct = project.migrator(migrations, {
    via: "direct",
    databaseUrl: project.databaseUrl,
  });
  await using managed = project.migrator(migrations, {
    via: "management",
    accessToken: management.accessToken,
    managementApiUrl: management.url,
  });
  const usual = await useAll(project.migrator(migrations));

  for (const [setting, value] of odd) {
    await project.sql(`alter database ${name} set ${setting} = '${value}'`);
    for (const role of ["authenticator", "service_role", "postgres"]) {
      await project.sql(`alter role ${role} in database ${name} set ${setting} = '${value}'`);
    }
  }
  await project.postgrest.stop();
  await project.postgrest.start();
  for (const migrator of [project.migrator(migrations), direct, managed]) {
    assert.deepEqual(await useAll(migrator), usual);
  }
}, ownProject);

testOnServers("supamigrate comes and goes where odd things are set", async (project) => {
  const [{ name } = {}] = await project.sql("select quote_ident(current_database()) as name");
  for (const [setting, value] of odd) {
    await project.sql(`alter database ${name} set ${setting} = '${value}'`);
  }
  await project.postgrest.stop();
  await project.postgrest.start();
  await using migrator = project.migrator(migrations, { databaseUrl: project.databaseUrl });
  assert.deepEqual((await migrator.install()).found, []);
  assert.deepEqual((await migrator.doctor()).findings, []);
  assert.equal((await migrator.install()).previousVersion, SCHEMA_VERSION);
  assert.equal((await migrator.uninstall()).removed, true);
  assert.equal((await migrator.uninstall()).removed, false);
}, { installed: false, own: true });
