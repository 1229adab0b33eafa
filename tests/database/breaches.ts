import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase, testOnServers } from "../support/projects.ts";
import { holdStep } from "./requests.ts";

const migrations = { "1_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;\n" };

/** Changes exec_sql in a way that leaves it working. */
const ALTER_DOOR = `
  do $$ begin
    execute replace(pg_get_functiondef('public.exec_sql(text, jsonb)'::regprocedure),
                    'result_rows jsonb[]', '/* altered */ result_rows jsonb[]');
  end $$`;

const breaches: Record<string, { sql: string; message: RegExp; byInstall: boolean }> = {
  "exec_sql was altered": {
    sql: ALTER_DOOR,
    message: /public\.exec_sql is not the function that was installed/,
    byInstall: true,
  },
  "anon may use the tracking schema": {
    sql: "grant usage on schema supamigrate to anon",
    message: /the schema supamigrate is open to anon/,
    byInstall: true,
  },
  "everybody may use the tracking schema": {
    sql: "grant usage on schema supamigrate to public",
    message: /the schema supamigrate is open to anon, authenticated, service_role/,
    byInstall: true,
  },
  "the log's trigger is gone": {
    sql: "drop trigger migration_log_is_append_only on supamigrate.migration_log",
    message: /the audit log can be changed/,
    byInstall: true,
  },
  "the log's trigger rests": {
    sql: "alter table supamigrate.migration_log disable trigger migration_log_is_chained",
    message: /the audit log can be changed/,
    byInstall: true,
  },
  "the log's trigger is for ordinary sessions alone": {
    sql: "alter table supamigrate.migration_log enable trigger migration_log_is_append_only",
    message: /the audit log can be changed/,
    byInstall: true,
  },
  "the lock has no row": {
    sql: "delete from supamigrate.migration_lock",
    message: /supamigrate\.migration_lock has 0 rows instead of one/,
    byInstall: true,
  },
  "the lock has two rows": {
    sql: `alter table supamigrate.migration_lock drop constraint single_lock;
      insert into supamigrate.migration_lock (id) values (2)`,
    message: /supamigrate\.migration_lock has 2 rows instead of one/,
    byInstall: false,
  },
};

for (const [what, { sql, message, byInstall }] of Object.entries(breaches)) {
  testOnEveryDatabase(`nothing is written where ${what}`, async (project) => {
    await project.migrator(migrations).migrate();
    await project.sql(sql);
    const records = await project.records();
    const migrator = project.migrator({ ...migrations, "2_b.sql": "create table b ();" });
    const refusal = { name: "ConfigurationError", message, hint: /supamigrate doctor/ };
    const { requests } = project;
    await assert.rejects(migrator.migrate(), refusal);
    assert.equal(project.requests - requests, 1, "the call that a run begins with tells");
    await assert.rejects(migrator.rollback(), refusal);
    await assert.rejects(migrator.fresh(), refusal);
    await assert.rejects(migrator.baseline("2"), refusal);
    await assert.rejects(migrator.repair("1", { mark: "pending" }), refusal);
    await assert.rejects(migrator.unlock(), refusal);
    assert.deepEqual(await project.records(), records);

    if (byInstall) {
      await migrator.install();
      assert.equal((await migrator.migrate()).migrationsRun, 1);
    }
  });
}

testOnEveryDatabase("status and history are read where nothing is written", async (project) => {
  await project.migrator(migrations).migrate();
  await project.sql("grant usage on schema supamigrate to authenticated");
  const migrator = project.migrator(migrations);
  const { executed, warnings } = await migrator.status();
  assert.equal(executed, 1);
  assert.match(warnings.join(), /the schema supamigrate is open to authenticated/);
  assert.equal((await migrator.history()).length, 1);
});

testOnServers("a breach after the plan was made stops the run", async (project) => {
  using hold = holdStep(project, "acquire");
  const run = project.migrator(migrations).migrate();
  await hold.reached();
  await project.sql("grant usage on schema supamigrate to anon");
  hold.letGo();
  await assert.rejects(run, {
    name: "ConfigurationError",
    message: /the schema supamigrate is open to anon/,
  });
  const { history, lock } = await project.records();
  assert.deepEqual([history, lock[0]?.is_locked], [[], false]);
});

async function assertUndone(project: AnyProject, sql: string, message: RegExp): Promise<void> {
  await project.migrator(migrations).migrate();
  const catalog = await project.catalog();
  const { log } = await project.records();
  const { success, results } = await project.migrator({ ...migrations, "2_bad.sql": sql })
    .migrate();
  assert.equal(success, false);
  assert.equal(results[0]?.error?.code, "SM002");
  assert.match(results[0]?.error?.message ?? "", message);
  assert.deepEqual(await project.catalog(), catalog);
  assert.deepEqual((await project.records()).log.slice(0, log.length), log);
  assert.equal(
    (await project.migrator({ ...migrations, "3_b.sql": "create table b ();" }).migrate()).success,
    true,
  );
}

const attempts: Record<string, [string, RegExp]> = {
  "lets the API's roles into every schema": [
    `do $$
     declare name text;
     begin
       for name in select nspname from pg_namespace where nspname !~ '^pg_' and nspowner = current_user::regrole loop
         execute format('grant usage on schema %I to anon, authenticated', name);
       end loop;
     end $$;`,
    /the schema supamigrate is open to anon, authenticated/,
  ],
  "puts the log's triggers to rest": [
    `alter table supamigrate.migration_log disable trigger user;
     delete from supamigrate.migration_log;`,
    /the audit log can be changed/,
  ],
  "drops the log's trigger": [
    `drop trigger migration_log_is_append_only on supamigrate.migration_log;
     delete from supamigrate.migration_log;`,
    /the audit log can be changed/,
  ],
};
for (const [what, [sql, message]] of Object.entries(attempts)) {
  testOnEveryDatabase(`a migration that ${what} fails and is undone`, async (project) => {
    await assertUndone(project, sql, message);
  });
}
