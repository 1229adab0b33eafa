import assert from "node:assert/strict";
import {
  type AnyProject,
  ownProject,
  type ServerProject,
  testOnEveryDatabase,
  testOnServers,
} from "../support/projects.ts";

// What a migration comes to in a session of `postgres`, it comes to here.

/** Applies one migration, and returns what it failed with. */
async function apply(project: AnyProject, sql: string, name = "1_a.sql") {
  const { results } = await project.migrator({ [name]: sql }).migrate();
  return results[0]?.error ?? null;
}

testOnEveryDatabase("a migration has the search_path that postgres has", async (project) => {
  const inDatabase = (what: string) =>
    project.sql(`do $$ begin
      execute format('alter role postgres in database %I ${what}', current_database()); end $$`);
  await project.sql("create schema app; grant all on schema app to postgres");
  await inDatabase("set search_path = app, public");
  try {
    const sql = "create table notes (id int); reset all; create table more ();";
    assert.equal(await apply(project, sql), null);
    assert.deepEqual(
      await project.sql(
        "select oid::regclass::text as name from pg_class where relname in ('notes', 'more') order by 1",
      ),
      [{ name: "app.more" }, { name: "app.notes" }],
    );
  } finally {
    await inDatabase("reset search_path");
  }
});

testOnEveryDatabase(
  "a statement that takes longer than a migration allows fails it",
  async (project) => {
    const error = await apply(
      project,
      "create table a ();\nset statement_timeout = '50ms';\nselect pg_sleep(0.2);\ncreate table b ();",
    );
    assert.deepEqual(
      [error?.code, error?.statement, error?.line, error?.message],
      ["57014", 3, 3, "canceling statement due to statement timeout"],
    );
    assert.match(error?.detail ?? "", /^It took 00:00:00\.\d+, and statement_timeout is 50ms\.$/);
    assert.deepEqual(await project.sql("select from pg_class where relname in ('a', 'b')"), []);
  },
);

testOnEveryDatabase("a time limit ends where the migration lifts it", async (project) => {
  for (
    const [index, lift] of [
      "set statement_timeout = 0",
      "reset statement_timeout",
      "set statement_timeout to default",
      "reset all",
    ].entries()
  ) {
    const sql = `set statement_timeout = '50ms';\n${lift};\nselect pg_sleep(0.1);`;
    assert.equal(await apply(project, sql, `${index}_a.sql`), null, lift);
  }
});

testOnServers(
  "a role that is set inside a block is told to be what exec_sql cannot do",
  async (project) => {
    for (const sql of ["set local role authenticated", "set session authorization authenticated"]) {
      const error = await apply(project, `do $$ begin ${sql}; end $$;`);
      assert.equal(error?.code, "42501");
      assert.match(error?.hint ?? "", /--via direct/);
    }
  },
);

testOnServers(
  "other sessions' temporary tables are none of a migration's concern",
  async (project) => {
    await using other = await project.connect();
    await other.sql(`
    create temp table busy (id int unique deferrable initially deferred);
    insert into busy values (1)`);
    assert.equal(await apply(project, "create table a (id int unique deferrable);"), null);
  },
);

testOnServers("a constraint that goes while a migration ends does not fail it", async (project) => {
  await using other = await project.connect();
  let goes = true;
  const churning = (async () => {
    while (goes) {
      await other.sql("create table public.brief (id int unique deferrable initially deferred)");
      await other.sql("drop table public.brief");
    }
  })();
  for (let round = 1; round <= 20; round++) {
    assert.equal(await apply(project, `select ${round};`, `${round}_a.sql`), null);
  }
  goes = false;
  await churning;
}, ownProject);

// supautils is not in these servers: the event trigger itself looks, as it would be looked at there,
// whether it would be skipped. Everything that it does is written down.
const automaticRls = `
  create table public.ddl (tag text, object text);
  create function public.rls_auto_enable() returns event_trigger language plpgsql security definer
  set search_path = pg_catalog as $$
  declare
    command record;
  begin
    if current_setting('role') = 'service_role' and (
       select prosecdef from pg_proc where oid = 'public.rls_auto_enable()'::regprocedure) then
      return;
    end if;
    for command in select * from pg_event_trigger_ddl_commands() loop
      insert into public.ddl values (command.command_tag, command.object_identity);
      if command.command_tag = 'CREATE TABLE' then
        execute format('alter table %s enable row level security', command.object_identity);
      end if;
    end loop;
  end $$;
`;

/** Makes the event trigger, which takes a superuser where there is no supautils. */
async function makeAutomatic(project: ServerProject): Promise<void> {
  await using owner = await project.connect();
  await owner.sql(automaticRls);
  await project.sql(
    "create event trigger ensure_rls on ddl_command_end execute function public.rls_auto_enable()",
  );
}

async function secured(project: ServerProject): Promise<unknown> {
  return await project.sql(
    "select relname, relrowsecurity as rls from pg_class where relname ~ '^made' and relkind = 'r' order by 1",
  );
}

testOnServers("an event trigger that runs as its owner fires for a migration", async (project) => {
  await makeAutomatic(project);
  const migrator = project.migrator({
    "1_a.sql":
      "create table made_1 ();\n-- ROLLBACK\ndrop table made_1; create table made_back ();",
    "2_b.sql": "do $$ begin create table made_2 (); end $$;\n-- ROLLBACK\nselect 1;",
    "3_fails.sql": "create table made_3 (); select 1/0;",
  });
  const { results } = await migrator.migrate();
  assert.deepEqual(results.map(({ error }) => error?.code), [undefined, undefined, "22012"]);
  assert.deepEqual(await secured(project), [
    { relname: "made_1", rls: true },
    { relname: "made_2", rls: true },
  ]);
  await migrator.rollback({ target: "0" });
  assert.deepEqual(await secured(project), [
    { relname: "made_2", rls: true },
    { relname: "made_back", rls: true },
  ]);
}, ownProject);

testOnServers(
  "the functions of event triggers are as they were after a migration",
  async (project) => {
    await makeAutomatic(project);
    const describe = () =>
      project.sql(
        "select prosecdef, prosrc, proacl::text from pg_proc where proname = 'rls_auto_enable'",
      );
    const before = await describe();
    await project.migrator({ "1_a.sql": "create table made_1 ();", "2_b.sql": "select 1/0;" })
      .migrate();
    assert.deepEqual(await describe(), before);

    await project.migrator({
      "3_grant.sql": "grant execute on all functions in schema public to authenticated;",
    }).migrate();
    assert.deepEqual((await describe())[0]?.prosecdef, true);

    // What a migration makes of them is what they are.
    const becomes = async (name: string, sql: string) => {
      assert.equal(await apply(project, sql, name), null);
      return (await describe())[0]?.prosecdef;
    };
    const alter = "alter function public.rls_auto_enable() security";
    assert.equal(await becomes("4_invoker.sql", `select 1; ${alter} invoker;`), false);
    assert.equal(await becomes("5_definer.sql", `${alter} definer; create table made_5 ();`), true);
    assert.equal(
      await becomes(
        "6_new.sql",
        automaticRls.replace(/create table.*/, "").replace("create f", "create or replace f"),
      ),
      true,
    );
    await project.migrator({ "7_drop.sql": "drop function public.rls_auto_enable() cascade;" })
      .migrate();
    assert.deepEqual(await describe(), []);
    assert.deepEqual(await secured(project), [
      { relname: "made_1", rls: true },
      { relname: "made_5", rls: true },
    ]);
  },
  ownProject,
);

const hidden = {
  "a block makes it run as its owner again": `do $$ begin
    alter function public.rls_auto_enable() security definer; create table made_1 (); end $$;`,
  "a block puts another in its place": `do $$ begin
    execute replace(pg_get_functiondef('public.rls_auto_enable()'::regprocedure), 'LANGUAGE plpgsql',
                    'LANGUAGE plpgsql SECURITY DEFINER'); create table made_1 (); end $$;`,
  "a function does so": `create function setup() returns void language sql
    as 'alter function public.rls_auto_enable() security definer'; select setup();
    create table made_1 ();`,
  "comments hide it":
    "alter /* x */ function public.rls_auto_enable() security /* y */ definer; create table made_1 ();",
};
for (const [what, sql] of Object.entries(hidden)) {
  testOnServers(`no table is without what an event trigger does where ${what}`, async (project) => {
    await makeAutomatic(project);
    const error = await apply(project, sql);
    assert.equal(error?.code, "SM002", JSON.stringify(error));
    assert.match(error?.message ?? "", /rls_auto_enable\(\) is made or altered inside of another/);
    assert.deepEqual(await secured(project), []);
    assert.equal(await apply(project, "create table made_2 ();", "2_a.sql"), null);
    assert.deepEqual(await secured(project), [{ relname: "made_2", rls: true }]);
  }, ownProject);
}

// What a block makes of the function while it is SECURITY INVOKER anyway, and what is to become of it.
const inBlocks: Record<string, { sql: string; definer: boolean }> = {
  "a block makes it SECURITY INVOKER": {
    sql: `do $$ begin
      alter function public.rls_auto_enable() security invoker; create table made_1 (); end $$;`,
    definer: false,
  },
  "a block puts one in its place that is SECURITY INVOKER": {
    sql: `do $do$ begin ${
      automaticRls.replace(/create table.*/, "").replace("create f", "create or replace f")
        .replace(" security definer", "")
    } create table made_1 (); end $do$;`,
    definer: false,
  },
  "a block grants it": {
    sql: `do $$ begin
      grant execute on all functions in schema public to authenticated;
      create table made_1 (); end $$;`,
    definer: true,
  },
  "a function grants it": {
    sql: `create function public.setup() returns void language sql
      as 'grant execute on function public.rls_auto_enable() to authenticated';
      revoke execute on function public.rls_auto_enable() from authenticated;
      select public.setup(); drop function public.setup(); create table made_1 ();`,
    definer: true,
  },
  "statements after such a block alter it again": {
    sql: `do $$ begin alter function public.rls_auto_enable() security invoker; end $$;
      alter function public.rls_auto_enable() security definer; create table made_1 ();`,
    definer: true,
  },
};

testOnServers("an event trigger's function is as a block leaves it", async (project) => {
  const isDefiner = async () =>
    (await project.sql("select prosecdef from pg_proc where proname = 'rls_auto_enable'"))[0]
      ?.prosecdef;
  for (const [number, [what, { sql, definer }]] of Object.entries(inBlocks).entries()) {
    await makeAutomatic(project);
    assert.equal(await apply(project, sql, `${number}_a.sql`), null, what);
    assert.equal(await isDefiner(), definer, what);
    assert.deepEqual(await secured(project), [{ relname: "made_1", rls: true }], what);
    await project.sql(
      "drop function public.rls_auto_enable() cascade; drop table public.ddl, public.made_1",
    );
  }

  await makeAutomatic(project);
  const error = await apply(
    project,
    `create function public.setup() returns void language sql
       as 'alter function public.rls_auto_enable() security invoker'; select public.setup();`,
    "9_a.sql",
  );
  assert.equal(error?.code, "SM002", JSON.stringify(error));
  assert.match(error?.message ?? "", /rls_auto_enable\(\) is altered inside of another statement$/);
  assert.equal(await isDefiner(), true);
}, ownProject);

testOnEveryDatabase(
  "settings of how SQL is read and written end with a migration",
  async (project) => {
    const { results } = await project.migrator({
      "1_a.sql": "set standard_conforming_strings = off; create table a (); select 'a\\\\b';",
      "2_b.sql": "set quote_all_identifiers = on; create table b ();",
      "3_c.sql": "create table c ();",
    }).migrate();
    assert.deepEqual(results.map(({ error }) => error?.message), [undefined, undefined, undefined]);
  },
);

testOnServers(
  "an event trigger of another owner is left as it is, where nothing skips it",
  async (project) => {
    await makeAutomatic(project);
    await project.sql(`
    create role somebody;
    grant create on schema public to somebody;
    grant insert on public.ddl to somebody;
    grant somebody to postgres;
    alter function public.rls_auto_enable() owner to somebody;`);
    assert.equal(await apply(project, "create table made_1 ();"), null);
    await project.sql("revoke create on schema public from somebody");
    await project.sql(
      "drop event trigger ensure_rls; drop function public.rls_auto_enable(); " +
        "drop owned by somebody; drop role somebody",
    );
  },
  ownProject,
);
