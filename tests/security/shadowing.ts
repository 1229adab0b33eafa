/**
 * Objects that take the place of built-in ones. Whoever may create functions in `public`, or leave
 * a temporary table on the API's connection, must not have them run with the rights of exec_sql.
 *
 * What is attached to a table (a trigger, a default, a policy, a rule, a generated column) runs
 * with the rights of whoever touches the table, migrations included. That is PostgreSQL's way, and
 * the reason to let nobody but `postgres` own tables.
 */

import assert from "node:assert/strict";
import {
  FACTS_SQL,
  INSPECT_SQL,
  INSTALL_SQL,
  UNINSTALL_SQL,
} from "../../lib/database/bootstrap.ts";
import { STATEMENTS } from "../../lib/database/channel.ts";
import { type ServerProject, testOnOneServer, testOnServers } from "../support/projects.ts";
import type { Sql } from "../support/session.ts";

const oneConnection = {
  own: true,
  dbPool: 1,
  setup: `
    -- A witness that no rollback takes back: how often something that was planted has run.
    create sequence extensions.hijacks;
    grant usage on sequence extensions.hijacks to public;

    grant create on schema public to authenticated;
    create function public.run_as_caller(sql text) returns void
    language plpgsql as $$ begin execute sql; end $$;
  `,
};

async function hijacks(project: ServerProject): Promise<number> {
  const [row] = await project.sql("select last_value, is_called from extensions.hijacks");
  return row?.is_called ? Number(row.last_value) : 0;
}

/**
 * Has `authenticated` make functions and operators in `public`, for every pair of some types, with
 * the names of all that some SQL uses. Where the built-in one is polymorphic, these are the better
 * match; of those that take any number of arguments, for the forms that are usual with them.
 *
 * @param sql As superuser.
 * @param source The SQL.
 */
async function plantShadows(sql: Sql, source: string): Promise<void> {
  await sql(
    "create table extensions.source (text text); grant select on extensions.source to public",
  );
  await sql("insert into extensions.source values ($1)", [source]);
  await sql(`
    set session_replication_role = replica; -- no event triggers: they take their time
    set search_path = pg_catalog; -- what is planted is not to be met here
    set role authenticated;
    do $plant$
    declare
      types constant text[] := array['text', 'jsonb', 'jsonb[]', 'integer', 'bigint', 'boolean',
        'record'];
      comparisons constant text[] := array['=', '<>', '<', '>', '<=', '>=', '~', '~*', '?'];
      body constant text := 'language plpgsql as $$ begin
        perform nextval(''extensions.hijacks''); raise exception ''hijacked''; end $$';
      source text;
      parameters text;
      target record;
      pair record;
    begin
      select text into source from extensions.source;
      for target in
        select quote_ident(proname) as name, min(prorettype::regtype::text) as result,
               bool_or(provariadic = '"any"'::regtype) as takes_any
          from pg_proc
         where pronamespace = 'pg_catalog'::regnamespace and prokind = 'f' and not proretset
           and source ~ ('\\m' || proname || '\\s*\\(')
         group by proname
      loop
        foreach parameters in array types || array(
          select format('%s, %s', a, b) from unnest(types) a, unnest(types) b)
          || case when target.takes_any then array(
               select format('text, %s, text, %s', a, b) from unnest(types) a, unnest(types) b
               union all
               select format('text, %s, text, %s, text, %s', a, b, c)
                 from unnest(types) a, unnest(types) b, unnest(types) c
               union all
               select format('text, %s, %s, text', a, b) from unnest(types) a, unnest(types) b
                where b <> 'text')
             else '{}' end
        loop
          execute format('create function public.%s(%s) returns %s %s', target.name, parameters,
            case when target.result like 'any%'
                 then split_part(parameters, ', ', 1) else target.result end, body);
        end loop;
      end loop;

      for pair in select a, b from unnest(types) a, unnest(types) b loop
        execute format('create function public.compare(%s, %s) returns boolean %s',
                       pair.a, pair.b, body);
        execute format('create function public.combine(%s, %s) returns %1$s %3$s',
                       pair.a, pair.b, body);
        for target in
          select distinct oprname as name from pg_operator
           where position(oprname in source) > 0 and oprkind = 'b'
        loop
          execute format('create operator public.%s (leftarg = %s, rightarg = %s, function = public.%s)',
            target.name, pair.a, pair.b,
            case when target.name = any (comparisons) then 'compare' else 'combine' end);
        end loop;
      end loop;
    end
    $plant$;
    reset role;
    reset search_path;
    reset session_replication_role;
    drop table extensions.source;
  `);
}

async function countPlanted(sql: Sql): Promise<number> {
  const functions = await sql("select from pg_proc where proowner = 'authenticated'::regrole");
  const operators = await sql("select from pg_operator where oprowner = 'authenticated'::regrole");
  return functions.length + operators.length;
}

/** With the search_paths that dumps set: old ones put `public` before pg_catalog. */
const migrations = {
  "1_a.sql": "create table a (id int);\ninsert into a values (1);\n-- ROLLBACK\ndrop table a;",
  "2_b.sql": "set search_path = public;\nselect 1;\nreset all;\nselect 2;\n-- ROLLBACK\nselect 3;",
  "3_c.sql": "set search_path = public, pg_catalog;\nselect 1;\nselect 2;\n-- ROLLBACK\n" +
    "set search_path = public, pg_catalog;\nselect 3;\nselect 4;",
};

testOnServers(
  "functions and operators in public are not taken for built-in ones",
  async (project) => {
    const [{ source } = {}] = await project.sql(`
      select string_agg(prosrc, ' ') as source
        from pg_proc where proname in ('exec_sql', 'run_migration')`);
    await plantShadows(project.sql, `${source}`);
    const made = await countPlanted(project.sql);
    assert.ok(made > 300, `${made} were planted`);

    const exec = async (sql_query: string) => {
      const { data, error } = await project.client(project.serviceKey)
        .rpc("exec_sql", { sql_query });
      return error?.message ?? data;
    };
    assert.deepEqual(await exec("values (1), (2)"), [{ column1: 1 }, { column1: 2 }]);
    assert.deepEqual(await exec("select 1; select 2"), []);
    assert.deepEqual(await exec("set search_path = public, pg_catalog; select 1"), []);
    assert.match(String(await exec("selct 1")), /syntax error/);
    assert.match(
      String(await exec("do $$ begin raise serialization_failure; end $$")),
      /serialization_failure/,
    );

    for (const transaction of ["each", "batch", "all"] as const) {
      const migrator = project.migrator(migrations);
      assert.deepEqual(
        (await migrator.migrate({ transaction })).results.map(({ error }) => error),
        [
          null,
          null,
          null,
        ],
      );
      const changed = { ...migrations, "3_c.sql": `${migrations["3_c.sql"]} -- changed` };
      const redo = await project.migrator(changed).migrate({ onChange: "redo" });
      assert.equal(redo.success, true, JSON.stringify(redo.results));
      const failing = {
        ...changed,
        "4_d.sql": "set search_path = public, pg_catalog; select missing;",
      };
      const { results } = await project.migrator(failing).migrate({ transaction });
      assert.equal(results[0]?.error?.code, "42703", JSON.stringify(results));
      assert.equal((await project.migrator(changed).rollback({ target: "0" })).success, true);
    }
    assert.equal(await hijacks(project), 0);
  },
  oneConnection,
);

testOnOneServer(
  "whoever installs, upgrades, examines or uninstalls runs nothing that others made in public",
  async (project) => {
    const { databaseUrl } = project;
    const all = [INSTALL_SQL, UNINSTALL_SQL, INSPECT_SQL, ...Object.values(FACTS_SQL)].join("\n") +
      Object.values(STATEMENTS).join("\n");
    await plantShadows(project.sql, all);
    await project.sql(`
      set role authenticated;
      create function public.mul(numeric, integer) returns numeric language plpgsql as $$ begin
        perform nextval('extensions.hijacks'); return 1; end $$;
      drop operator if exists public.* (numeric, integer);
      create operator public.* (leftarg = numeric, rightarg = integer, function = public.mul);
      reset role`);
    const made = await countPlanted(project.sql);
    assert.ok(made > 2000, `${made} were planted`);

    // They are better matches indeed, for whoever has public on the search_path.
    const bait = "select jsonb_build_object('a'::text, true, 'b'::text, '{}'::jsonb)";
    await assert.rejects(project.sql(`set search_path = public; ${bait}`), /hijacked/);
    await project.sql("reset search_path");
    assert.equal(await hijacks(project), 1);

    for (const over of [{}, { databaseUrl }, { databaseUrl, via: "direct" as const }]) {
      const migrator = project.migrator(migrations, over);
      await migrator.install();
      await project.sql("update supamigrate.installation set schema_version = 2");
      assert.equal((await migrator.status()).executed, 0); // upgrades
      const { success, results } = await migrator.migrate();
      assert.equal(success, true, JSON.stringify(results));
      await migrator.doctor();
      await migrator.history();
      await migrator.rollback({ target: "0" });
      await migrator.uninstall();
      await project.migrator(migrations, { databaseUrl }).install();
    }
    assert.equal(await hijacks(project), 1);
  },
  oneConnection,
);

const trigger = `
  create function pg_temp.spring() returns trigger language plpgsql as $$ begin
    perform nextval('extensions.hijacks');
    return new;
  end $$;
`;
const trap = (name: string) => `
  create temp table ${name} (id int);
  create trigger spring before insert or update or delete on pg_temp.${name}
    for each statement execute function pg_temp.spring();
  grant all on pg_temp.${name} to public;
`;

testOnServers(
  "temporary objects that another request left are not used by exec_sql",
  async (project) => {
    await project.sql(
      "create table public.victims (id int); alter table victims owner to postgres",
    );
    await project.reloadSchema();
    const caller = project.client(await project.keyFor({ role: "authenticated" }));
    const service = project.client(project.serviceKey);
    const names = ["victims", "migration_history", "migration_lock", "operation", "installation"];
    const views = ["pg_proc", "pg_namespace", "pg_roles", "pg_class", "pg_depend", "pg_settings"];
    const leaveTraps = async () => {
      const sql = trigger + names.map(trap).join("") +
        views.map((name) => `create temp view ${name} as select 1 as oid;`).join("");
      const { error } = await caller.rpc("run_as_caller", { sql });
      assert.equal(error, null);
    };

    await leaveTraps();
    const inserted = await service.rpc("exec_sql", { sql_query: "insert into victims values (1)" });
    assert.equal(inserted.error, null);
    assert.deepEqual(await project.sql("select id from public.victims"), [{ id: 1 }]);

    const migrator = project.migrator({
      "1_a.sql": "insert into victims values (2);\n-- ROLLBACK\ndelete from victims where id = 2;",
    });
    for (
      const work of [
        () => migrator.migrate(),
        () => migrator.status(),
        () => migrator.install(),
        () => migrator.rollback(),
        () => migrator.baseline("1_a"),
        () => migrator.fresh({ dropSchema: true }),
      ]
    ) {
      await leaveTraps();
      await work();
    }
    assert.equal(await hijacks(project), 0);
  },
  oneConnection,
);
