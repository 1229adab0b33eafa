import assert from "node:assert/strict";
import { SCHEMA_VERSION } from "../../lib/database/state.ts";
import { bareProject, type ServerProject, testOnOneServer } from "../support/projects.ts";
import { until } from "../support/until.ts";

// Projects whose API does not show the schema public: Supabase's own advice for those that want it.

const migrations = { "1_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;" };

/** Has the API show other schemas than public. */
async function show(project: ServerProject, schemas: string): Promise<void> {
  await project.sql("create schema api authorization postgres");
  await project.sql(`do $$ begin execute format(
    'alter role authenticator in database %I set pgrst.db_schemas = %L',
    current_database(), '${schemas}'); end $$; notify pgrst, 'reload config'`);
  await until("the API to show other schemas", async () => {
    const { error } = await project.client(project.serviceKey).rpc("exec_sql", {});
    return error?.code === "PGRST106";
  });
}

const kind = { ...bareProject, own: true };

testOnOneServer("exec_sql is called in a schema that the API shows", async (project) => {
  await show(project, "graphql_public, api");
  const direct = { databaseUrl: project.databaseUrl };
  const { version } = await project.migrator(migrations, direct).install({ schema: "api" });
  assert.equal(version, SCHEMA_VERSION);
  await project.migrator(migrations, direct).install({ schema: "api" }); // again

  const migrator = project.migrator({
    ...migrations,
    "2_opens.sql":
      "grant usage on schema api to anon, authenticated; grant execute on all functions in schema api to anon, authenticated;\n-- ROLLBACK\nselect 1;",
    "3_slow.sql": "select pg_sleep(0.1);\n-- ROLLBACK\nselect 1;",
  });
  const { success, results } = await migrator.migrate();
  assert.equal(success, true, JSON.stringify(results));
  assert.match(results[1]?.notices.join() ?? "", /call exec_sql: that was taken back/);
  assert.equal((await migrator.status()).upToDate, true);
  assert.deepEqual((await migrator.doctor()).findings, []);

  for (const key of [project.anonKey, await project.keyFor({ role: "authenticated" })]) {
    const { error } = await project.client(key).schema("api").rpc("exec_sql", { sql_query: "x" });
    assert.equal(error?.code, "42501");
  }
  const losses = {
    "4_drop.sql": "drop function api.exec_sql(text, jsonb);",
    "5_revoke.sql": "revoke usage on schema api from service_role;",
    "6_drop.sql": "drop schema api cascade;",
  };
  for (const [name, sql] of Object.entries(losses)) {
    const { results } = await project.migrator({ [name]: sql }).migrate();
    assert.equal(results[0]?.error?.code, "SM002", sql);
  }
  await migrator.rollback({ target: "0" });
  assert.deepEqual(await project.migrator(migrations, direct).uninstall(), {
    removed: true,
    copiesLeft: 0,
  });
  assert.deepEqual(await project.sql("select from pg_proc where proname = 'exec_sql'"), []);
}, kind);

testOnOneServer(
  "install does not take another's exec_sql in that schema for its own",
  async (project) => {
    await show(project, "api");
    await project.sql(
      "create function api.exec_sql(a text, b jsonb) returns void language sql as ''",
    );
    const migrator = project.migrator(migrations, { databaseUrl: project.databaseUrl });
    await assert.rejects(
      migrator.install({ schema: "api" }),
      /api\.exec_sql\(text,jsonb\) is another's/,
    );
    await assert.rejects(migrator.install({ schema: "nowhere" }), /There is no schema nowhere/);
  },
  kind,
);
