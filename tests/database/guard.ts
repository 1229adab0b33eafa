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

const forgeries = {
  "deletes a row of the history":
    "delete from supamigrate.migration_history where migration_name = '0_a.sql';",
  "does so in a block":
    "do $$ begin delete from supamigrate.migration_history where migration_name = '0_a.sql'; end $$;",
  "does so in a function": `create function forge() returns void language sql as
    $$ delete from supamigrate.migration_history where migration_name = '0_a.sql' $$; select forge();`,
  "does so in a trigger that is deferred": `create table bait (id int);
    create function forge() returns trigger language plpgsql as $$ begin
      delete from supamigrate.migration_history; return null; end $$;
    create constraint trigger forge after insert on bait deferrable initially deferred
      for each row execute function forge();
    insert into bait values (1);`,
  "does so and puts it back": `create table kept as select * from supamigrate.migration_history;
    delete from supamigrate.migration_history;
    insert into supamigrate.migration_history select * from kept;`,
  "empties the history": "truncate supamigrate.migration_history;",
  "adds to the history": `insert into supamigrate.migration_history
    (id, migration_name, batch_number, execution_time_ms, checksum, applied_checksum)
    values (99, '9_b.sql', 1, 0, 'x', 'x');`,
  "changes a row of the history":
    "update supamigrate.migration_history set batch_number = 9 where id > 0;",
  "adds to the log":
    "insert into supamigrate.migration_log (id, action, result) overriding system value values (99, 'apply', 'ok');",
  "forgets what was done": "delete from supamigrate.operation where true;",
  "moves the lock on":
    "update supamigrate.migration_lock set sequence = sequence + 1 where id = 1;",
  "replaces what records it": `do $$ begin execute replace(pg_get_functiondef(
    'supamigrate.record_as_applied(jsonb,integer)'::regprocedure), 'null', 'null '); end $$;`,
  "replaces what looks for this": `create or replace function supamigrate.count_changes()
    returns jsonb language sql as 'select null::jsonb';
    delete from supamigrate.migration_history where true;`,
  "alters a column of the log":
    "alter table supamigrate.migration_log alter column logged_at set default '2001-01-01';",
  "puts a trigger on the ledger": `create function forge() returns trigger language plpgsql as
      $$ begin return null; end $$;
    create constraint trigger z after insert on supamigrate.operation
      deferrable initially deferred for each row execute function forge();`,
  "has a table inherit the history":
    "create table kid () inherits (supamigrate.migration_history);",
  "puts a rule on the log":
    "create rule r as on insert to supamigrate.migration_log do instead nothing;",
  "forces row level security on the history":
    "alter table supamigrate.migration_history force row level security;",
  "says another version": "update supamigrate.installation set installed_at = now() where id = 1;",
};
for (const [what, sql] of Object.entries(forgeries)) {
  testOnEveryDatabase(`a migration that ${what} fails, and leaves nothing`, async (project) => {
    await project.migrator({ "0_a.sql": "select 1;" }).migrate();
    const before = (await project.records()).history;
    const { success, results } = await project.migrator({ "0_a.sql": "select 1;", "1_f.sql": sql })
      .migrate();
    assert.equal(success, false);
    const { code, message, hint, part } = results[0]!.error!;
    assert.deepEqual([code, part], ["SM002", "end"], message);
    assert.match(
      message,
      /^The migration changes what is recorded of migrations, in the schema /,
    );
    assert.match(hint ?? "", /repair/);
    const after = (await project.records()).history;
    assert.deepEqual(after.filter(({ migration_name }) => migration_name !== "1_f.sql"), before);
    const mended = project.migrator({ "0_a.sql": "select 1;", "1_f.sql": "select 2;" });
    assert.equal((await mended.migrate()).success, true);
  });
}

testOnServers("what looks for this cannot be replaced as it looks", async (project) => {
  await project.sql(`
    create function public.forge() returns event_trigger language plpgsql as $$ begin
      create or replace function supamigrate.read_definitions() returns jsonb language sql as 'select null::jsonb';
    end $$;
    create event trigger forge on ddl_command_end when tag in ('REVOKE') execute function public.forge()`);
  const { results } = await project.migrator({
    "1_opens.sql": "grant execute on function public.exec_sql(text, jsonb) to anon;",
  }).migrate();
  await project.sql("drop event trigger forge; drop function public.forge()");
  assert.match(results[0]!.error!.message, /what is recorded of migrations.*its functions$/);
});

testOnEveryDatabase("every table of the tracking schema is looked after", async (project) => {
  const [{ counted, there }] = await project.sql(`
    select (select jsonb_agg(key order by key) from jsonb_object_keys(supamigrate.count_changes()) key) as counted,
           (select jsonb_agg(relname order by relname) from pg_class
             where relnamespace = 'supamigrate'::regnamespace and relkind = 'r') as there`) as [
    { counted: unknown; there: unknown },
  ];
  assert.deepEqual(counted, there);
});

testOnServers(
  "a schema of another's that comes first on the search_path ends every run",
  async (project) => {
    const inDatabase = (what: string) =>
      project.sql(`do $$ begin
        execute format('alter role postgres in database %I ${what}', current_database()); end $$`);
    // Hosted projects have it escaped, where it is a name like others.
    await inDatabase('set search_path = "$user", public, extensions');
    await project.sql("create role stranger; create schema postgres authorization stranger");
    const migrator = project.migrator({ "1_a.sql": "create table a ();" });
    await assert.rejects(migrator.migrate(), {
      name: "ConfigurationError",
      message: /the schema postgres, in which migrations look first, belongs to stranger/,
    });
    await project.sql("drop schema postgres; drop role stranger");
    await inDatabase("reset search_path");
    assert.equal((await migrator.migrate()).success, true);
  },
);

testOnEveryDatabase("redo costs no request more than any run", async (project) => {
  const version = (table: string) => `create table ${table} ();\n-- ROLLBACK\ndrop table ${table};`;
  await project.migrator({ "1_a.sql": version("a") }).migrate();
  const before = project.requests;
  await project.migrator({ "1_a.sql": version("b") }).migrate({
    onChange: "redo",
    safetyCopy: "never",
  });
  assert.equal(project.requests - before, 4);
});

testOnEveryDatabase(
  "rolling back stored SQL costs no request more than any rollback",
  async (project) => {
    const a = "create table a ();\n-- ROLLBACK\ndrop table a;";
    await project.migrator({ "1_a.sql": a }).migrate();
    const before = project.requests;
    const gone = project.migrator({ "2_b.sql": "create table b ();" });
    assert.equal(
      (await gone.rollback({ safetyCopy: "never" })).results[0]?.sourceReason,
      "the file is gone",
    );
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
