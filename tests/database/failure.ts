import assert from "node:assert/strict";
import {
  type AnyProject,
  supautilsProject,
  testOnEveryDatabase,
  testOnServers,
} from "../support/projects.ts";

async function fail(project: AnyProject, sql: string) {
  const result = await project.migrator({ "1_fails.sql": sql }).migrate();
  assert.deepEqual([result.success, result.migrationsRun, result.migrationsFailed], [false, 0, 1]);
  return result.results[0]!.error!;
}

testOnEveryDatabase(
  "a failure names SQLSTATE, message, detail, statement and line",
  async (project) => {
    const error = await fail(
      project,
      `-- Migration: fails

-- FORWARD MIGRATION
create table a (id int primary key);

/* a comment; with a semicolon */
insert into a
  values (1), (1);
-- ROLLBACK
drop table a;
`,
    );
    assert.deepEqual(error, {
      code: "23505",
      message: 'duplicate key value violates unique constraint "a_pkey"',
      detail: "Key (id)=(1) already exists.",
      schema: "public",
      table: "a",
      constraint: "a_pkey",
      part: "statements",
      statement: 2,
      line: 7,
    });
  },
);

testOnEveryDatabase("a failure names PostgreSQL's hint", async (project) => {
  const error = await fail(project, "\n\nselect lenght('a');");
  assert.deepEqual(
    [error.code, error.line, error.statement],
    ["42883", 3, 1],
  );
  assert.match(error.message, /function lenght\(unknown\) does not exist/);
  assert.match(error.hint ?? error.detail ?? "", /No function matches|There is no function/);
  assert.equal(error.context, undefined);
});

testOnEveryDatabase("a failure inside a DO block or function says where in it", async (project) => {
  const error = await fail(
    project,
    `create function broken() returns int language plpgsql as $$
begin
  return 1 / 0;
end $$;
do $do$
begin
  perform broken();
end
$do$;`,
  );
  assert.deepEqual([error.code, error.line, error.statement], ["22012", 7, 2]);
  assert.match(error.context ?? "", /function broken\(\) line 3 at RETURN/);
  assert.match(error.context ?? "", /inline_code_block line 3 at PERFORM/);
  assert.doesNotMatch(error.context ?? "", /run_migration|exec_sql/);
});

testOnEveryDatabase(
  "a failure inside a DO block names its line, however the body is quoted",
  async (project) => {
    for (
      const sql of [
        "select 1; do -- costs $$ 5, it's\n$body$\nbegin assert false;\nend $body$;",
        "do /* $$ ' */ '\n\nbegin assert false;\nend';",
        "do language plpgsql\n$é$ begin\nassert false;\nend $é$;",
      ]
    ) {
      const error = await fail(project, sql);
      assert.deepEqual([error.code, error.line], ["P0004", 3], sql);
    }
  },
);

testOnEveryDatabase("what a migration raises itself comes with its own words", async (project) => {
  const error = await fail(
    project,
    `do $$ begin
       raise exception 'No rows in %', 'settings'
         using errcode = 'SM001', detail = 'It has to be seeded', hint = 'Run the seed';
     end $$;`,
  );
  const { code, message, detail, hint } = error;
  assert.deepEqual({ code, message, detail, hint }, {
    code: "SM001",
    message: "No rows in settings",
    detail: "It has to be seeded",
    hint: "Run the seed",
  });
});

testOnEveryDatabase("a failed assertion is a failure like any other", async (project) => {
  const error = await fail(project, "do $$ begin assert false, 'not so'; end $$;");
  assert.deepEqual([error.code, error.message], ["P0004", "not so"]);
});

testOnEveryDatabase("a failure leaves nothing but its row", async (project) => {
  await project.migrator({
    "0_base.sql": "create table base (id int); insert into base values (1);",
  })
    .migrate();
  const catalog = await project.catalog();
  await fail(
    project,
    `
      create schema other;
      create table other.a (id int primary key);
      create type mood as enum ('calm');
      create domain positive as int check (value > 0);
      create sequence counter;
      create view v as select * from base;
      create function f() returns int language sql as 'select 1';
      create policy p on storage.objects for select using (true);
      create extension if not exists citext;
      create role a_role;
      alter table base add column more text default 'x';
      alter table base enable row level security;
      create trigger t before update on base for each row execute function suppress_redundant_updates_trigger();
      comment on table base is 'changed';
      grant select on base to anon;
      alter default privileges in schema public grant select on tables to anon;
      insert into base values (2);
      update base set id = 3;
      insert into storage.buckets (id, name) values ('b', 'b');
      insert into auth.users (id) values (gen_random_uuid());
      drop view v;
      truncate base;
      alter publication supabase_realtime add table base;
      select 1 / 0;
    `,
  );
  assert.deepEqual(await project.catalog(), catalog);

  const { history, log, lock } = await project.records();
  assert.equal(lock[0]?.is_locked, false);
  const [, row] = history;
  assert.deepEqual(
    [row?.migration_name, row?.status, row?.batch_number, row?.error_message, row?.rollback_sql],
    ["1_fails.sql", "failed", 2, "division by zero", null],
  );
  assert.equal((row?.error as { code: string }).code, "22012");
  assert.deepEqual(
    log.map(({ action, migration_name, result, actor }) => [action, migration_name, result, actor]),
    [["apply", "0_base.sql", "ok", "tester"], ["apply", "1_fails.sql", "failed", "tester"]],
  );
}, supautilsProject);

testOnEveryDatabase(
  "a failure that repeats is one row in the history, each in the log",
  async (project) => {
    await fail(project, "select 1/0;");
    await fail(project, "select 1/0;");
    await project.migrator({ "1_fails.sql": "select 1;" }).migrate();

    const { history, log } = await project.records();
    assert.deepEqual(
      history.map(({ status, error, error_message }) => [status, error, error_message]),
      [
        ["completed", null, null],
      ],
    );
    assert.deepEqual(log.map(({ action, result }) => [action, result]), [
      ["apply", "failed"],
      ["apply", "failed"],
      ["apply", "ok"],
    ]);
  },
);

testOnServers(
  "a migration whose table is locked by another fails after its lock_timeout",
  async (project) => {
    await project.sql("create table busy ()");
    await project.sql("alter table busy owner to postgres");
    await using other = await project.connect();
    await other.sql("begin; lock table busy in access share mode");

    const error = await fail(
      project,
      "set lock_timeout = '50ms';\nalter table busy add column a int;",
    );
    assert.deepEqual([error.code, error.line], ["55P03", 2]);
    await other.sql("rollback");
  },
);

for (const [code, name] of [["40001", "serialization failure"], ["40P01", "deadlock"]]) {
  testOnServers(`a ${name} raised by a migration is reported and not repeated`, async (project) => {
    await project.sql("create sequence attempts; alter sequence attempts owner to postgres");
    const error = await fail(
      project,
      `do $$ begin
         perform nextval('attempts');
         raise exception 'conflict' using errcode = '${code}';
       end $$;`,
    );
    assert.equal(error.code, code);
    assert.deepEqual(await project.sql("select last_value::int, is_called from attempts"), [
      { last_value: 1, is_called: true },
    ]);
    assert.equal((await project.records()).history[0]?.status, "failed");
  });

  testOnServers(`a ${name} in any other call does not leave exec_sql as one`, async (project) => {
    await project.sql("create sequence attempts; alter sequence attempts owner to postgres");
    const { error, status } = await project.client(project.serviceKey).rpc("exec_sql", {
      sql_query: `do $$ begin
        perform nextval('attempts');
        raise exception 'conflict' using errcode = '${code}';
      end $$;`,
    });
    assert.deepEqual([status, error?.message], [409, "conflict"]);
    assert.match(error?.details ?? "", new RegExp(code!));
    assert.deepEqual(await project.sql("select last_value::int from attempts"), [{
      last_value: 1,
    }]);
  });
}
