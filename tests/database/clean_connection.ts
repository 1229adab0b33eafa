import assert from "node:assert/strict";
import { type ServerProject, testOnServers } from "../support/projects.ts";
import { SHARED_BY_TESTS } from "./catalog.ts";

// One connection, so that every request gets the one that the migration had.
const oneConnection = {
  dbPool: 1,
  setup: `
    create function public.session_report() returns jsonb language sql volatile as $$
      select jsonb_build_object(
        'row_security', current_setting('row_security'),
        'search_path', current_setting('search_path'),
        'lock_timeout', current_setting('lock_timeout'),
        'statement_timeout', current_setting('statement_timeout'),
        'work_mem', current_setting('work_mem'),
        'application_name', current_setting('application_name'),
        'custom', nullif(current_setting('app.secret', true), ''),
        'temporary', (select count(*) from pg_class where relpersistence = 't'
                         and relnamespace = pg_my_temp_schema()),
        'advisory', (select count(*) from pg_locks
                      where locktype = 'advisory' and pid = pg_backend_pid()),
        'prepared', (select count(*) from pg_prepared_statements where from_sql),
        'cursors', (select count(*) from pg_cursors where is_holdable),
        'channels', (select count(*) from pg_listening_channels()))
    $$;
    -- What was set for a transaction counts as set for the session after it, to what it was before.
    create function public.session_settings() returns jsonb language sql volatile as $$
      select jsonb_object_agg(name, setting) from pg_settings
       where source = 'session' and name !~ '^(role|transaction_)'
         and (setting <> reset_val or name ~ '^client_')
    $$;
    create function public.leave_litter() returns void language plpgsql security definer as $$
    begin
      set row_security = off;
      set work_mem = '1GB';
      create temp table left_over ();
    end $$;
    comment on function public.session_report() is '${SHARED_BY_TESTS}';
    comment on function public.session_settings() is '${SHARED_BY_TESTS}';
    comment on function public.leave_litter() is '${SHARED_BY_TESTS}';
  `,
};

const litter = `
set row_security = off;
set search_path = pg_catalog;
set statement_timeout = '1min';
set lock_timeout = '1ms';
set work_mem = '1GB';
set application_name = 'litter';
set app.secret = 'secret';
set session characteristics as transaction read only;
create temp table scratch (id int);
create temp view seen as select 1;
prepare plan as select 1;
listen channel;
declare kept cursor with hold for select 1;
select pg_catalog.pg_advisory_lock(1), pg_catalog.pg_advisory_lock_shared(2);
`;

async function report(project: ServerProject) {
  const reports = [];
  for (const key of [project.anonKey, project.serviceKey]) {
    const { data, error } = await project.client(key).rpc("session_report");
    assert.equal(error, null);
    reports.push(data);
  }
  return reports;
}

function testCleanness(
  when: string,
  work: (project: ServerProject) => Promise<void>,
): void {
  testOnServers(`the API's connection is as it was ${when}`, async (project) => {
    const before = await report(project);
    assert.deepEqual(
      [before[0].row_security, before[0].temporary, before[0].advisory],
      ["on", 0, 0],
    );
    await work(project);
    assert.deepEqual(await report(project), before);
    const locks = await project.sql(`
      select from pg_locks where locktype = 'advisory'
         and database = (select oid from pg_database where datname = current_database())
    `);
    assert.deepEqual(locks, []);
  }, oneConnection);
}

testCleanness("after a migration", async (project) => {
  const result = await project.migrator({ "1_litter.sql": litter }).migrate();
  assert.equal(result.success, true, JSON.stringify(result.results));
});

testCleanness("after a migration that fails", async (project) => {
  const result = await project.migrator({ "1_litter.sql": `${litter}select 1 / 0;` }).migrate();
  assert.equal(result.results[0]?.error?.code, "22012", JSON.stringify(result.results));
});

testCleanness("after a batch that fails", async (project) => {
  const result = await project.migrator({
    "1_litter.sql": litter,
    "2_litter.sql": litter,
    "3_fails.sql": `${litter}select 1 / 0;`,
  }).migrate({ transaction: "batch" });
  assert.deepEqual(
    result.results.map(({ success }) => success),
    [true, true, false],
    JSON.stringify(result.results),
  );
});

testCleanness("after a run in one transaction that fails", async (project) => {
  const result = await project.migrator({
    "1_litter.sql": litter,
    "2_fails.sql": `${litter}select 1 / 0;`,
  }).migrate({ transaction: "all" });
  assert.equal(result.results[1]?.error?.code, "22012", JSON.stringify(result.results));
});

testCleanness("after a rollback", async (project) => {
  const migrator = project.migrator({ "1_litter.sql": `select 1;\n-- ROLLBACK\n${litter}` });
  await migrator.migrate();
  assert.equal((await migrator.rollback()).success, true);
});

testCleanness("after a rollback that fails", async (project) => {
  const migrator = project.migrator({
    "1_litter.sql": `select 1;\n-- ROLLBACK\n${litter}select 1 / 0;`,
  });
  await migrator.migrate();
  assert.equal((await migrator.rollback()).results[0]?.error?.code, "22012");
});

testCleanness("after a call", async (project) => {
  const { error } = await project.client(project.serviceKey).rpc("exec_sql", { sql_query: litter });
  assert.equal(error, null);
});

testCleanness("after a call that fails", async (project) => {
  const { error } = await project.client(project.serviceKey)
    .rpc("exec_sql", { sql_query: `${litter}select 1 / 0;` });
  assert.equal(error?.code, "22012");
});

testCleanness("after a call that is cancelled", async (project) => {
  const call = project.client(project.serviceKey)
    .rpc("exec_sql", { sql_query: `${litter}do $$ begin raise query_canceled; end $$;` });
  assert.equal((await call).error?.code, "57014");
});

testOnServers("what PostgREST set on its connection is still set afterwards", async (project) => {
  const settings = async () =>
    (await project.client(project.serviceKey).rpc("session_settings")).data;
  const before = await settings();
  assert.equal(before.client_encoding, "UTF8");
  await project.migrator({ "1_litter.sql": litter }).migrate();
  assert.deepEqual(await settings(), before);
}, oneConnection);

testOnServers("a migration begins with default settings, whatever was there", async (project) => {
  await project.client(project.serviceKey).rpc("leave_litter");
  const result = await project.migrator({
    "1_look.sql": `create table seen as select
      current_setting('row_security') as row_security, current_setting('work_mem') as work_mem,
      to_regclass('pg_temp.left_over') as left_over;`,
  }).migrate();
  assert.equal(result.success, true);
  assert.deepEqual(await project.sql("select * from seen"), [
    { row_security: "on", work_mem: "4MB", left_over: null },
  ]);
}, oneConnection);
