/** Who may do what by SQL: every role, every function and table. */

import assert from "node:assert/strict";
import {
  type AnyProject,
  bareProject,
  testOnEveryDatabase,
  testOnServers,
} from "../support/projects.ts";
import { INSTALL_SQL } from "../../lib/database/bootstrap.ts";

/**
 * Roles that reach everything whatever is granted: superusers, the owner, and PostgreSQL's own
 * roles for reading and writing all data, which are nobody's but the owner's here.
 */
const ALL_POWERFUL = `rolsuper or rolname in ('postgres', 'pg_read_all_data', 'pg_write_all_data')`;

/**
 * The platform's role in `pg_read_all_data`: no grant decides what it reads. It is the platform's
 * own, reads and does nothing else.
 */
const READER = "supabase_read_only_user";

/** A line for each privilege that a role has on something of supamigrate's. */
async function listPrivileges(project: AnyProject): Promise<string[]> {
  const rows = await project.sql(`
    with role as (select oid, rolname from pg_roles where not (${ALL_POWERFUL}))
    select concat_ws(' ', rolname, privilege, 'schema') as line
      from role, unnest(array['usage', 'create']) privilege
     where has_schema_privilege(role.oid, 'supamigrate', privilege)
    union all
    select concat_ws(' ', rolname, privilege, relname)
      from role, pg_class c,
           unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'])
           privilege
     where relnamespace = 'supamigrate'::regnamespace and relkind in ('r', 'v', 'm', 'p', 'f')
       and (has_table_privilege(role.oid, c.oid, privilege)
            or privilege not in ('delete', 'truncate', 'trigger')
               and has_any_column_privilege(role.oid, c.oid, privilege))
    union all
    select concat_ws(' ', rolname, privilege, relname)
      from role, pg_class c, unnest(array['usage', 'select', 'update']) privilege
     where relnamespace = 'supamigrate'::regnamespace and relkind = 'S'
       and has_sequence_privilege(role.oid, c.oid, privilege)
    union all
    select concat_ws(' ', rolname, 'execute', p.oid::regprocedure)
      from role, pg_proc p
     where (pronamespace = 'supamigrate'::regnamespace or proname = 'exec_sql')
       and has_function_privilege(role.oid, p.oid, 'execute')
     order by 1
  `);
  return rows.map(({ line }) => String(line))
    .filter((line) =>
      !line.startsWith(`${READER} usage `) && !line.startsWith(`${READER} select `)
    );
}

/** What comes of a statement that a role runs: an SQLSTATE, or that it went through. */
async function attempt(project: AnyProject, role: string, statement: string): Promise<string> {
  try {
    // Ends with an error in any case, so that nothing of it stays.
    await project.sql(`
      do $attempt$ begin
        execute format('set local role %I', '${role}');
        ${statement};
        raise exception 'it went through' using errcode = 'OK000';
      end $attempt$
    `);
  } catch (error) {
    const { code } = error as { code: string };
    return code === "OK000" ? "went through" : code;
  }
  throw new Error("Unreachable: the statement ends with an error");
}

/** Statements that use each function, table and sequence, and the types. */
async function listAttempts(project: AnyProject): Promise<string[]> {
  const rows = await project.sql(`
    select format('perform supamigrate.%I(%s)', proname, (
             select string_agg(format('null::%s', format_type(type, null)), ', ' order by position)
               from unnest(proargtypes) with ordinality parameter (type, position))) as statement
      from pg_proc
     where pronamespace = 'supamigrate'::regnamespace and prorettype <> 'trigger'::regtype
    union all
    select replace(action, '@', 'supamigrate.' || quote_ident(relname))
      from pg_class, unnest(array[
             'perform count(*) from @', 'insert into @ default values', 'delete from @',
             'truncate @', 'perform null::@', 'lock table @ in access share mode',
             'alter table @ add column extra int', 'create table public.child () inherits (@)'
           ]) action
     where relnamespace = 'supamigrate'::regnamespace and relkind = 'r'
    union all
    select format('perform nextval(''supamigrate.%I'')', relname)
      from pg_class where relnamespace = 'supamigrate'::regnamespace and relkind = 'S'
  `);
  return [
    ...rows.map(({ statement }) => String(statement)),
    "create table supamigrate.mine ()",
    "create function supamigrate.mine() returns int language sql as 'select 1'",
    "alter schema supamigrate rename to gone",
    "drop schema supamigrate cascade",
    "drop function public.exec_sql(text, jsonb)",
    "alter function public.exec_sql(text, jsonb) owner to current_user",
    // Of a right that one has, but not to pass on, GRANT warns and grants nothing.
    `grant usage on schema supamigrate to public;
     if not has_schema_privilege('anon', 'supamigrate', 'usage') then
       raise insufficient_privilege;
     end if`,
    `grant execute on function public.exec_sql(text, jsonb) to public;
     if not has_function_privilege('anon', 'public.exec_sql(text, jsonb)', 'execute') then
       raise insufficient_privilege;
     end if`,
    "comment on function public.exec_sql(text, jsonb) is 'mine'",
    "create or replace function public.exec_sql(sql_query text, params jsonb default '{}') " +
    "returns jsonb language sql as 'select null::jsonb'",
  ];
}

testOnEveryDatabase(
  "of all roles service_role has one privilege: to execute exec_sql",
  async (project) => {
    await project.sql("drop role if exists newcomer; create role newcomer");
    try {
      assert.deepEqual(await listPrivileges(project), [
        "service_role execute exec_sql(text,jsonb)",
      ]);
    } finally {
      await project.sql("drop role newcomer");
    }
  },
);

testOnEveryDatabase("no role gets through to anything private by trying", async (project) => {
  const roles = await project.sql(`
    select rolname from pg_roles
     where not (${ALL_POWERFUL}) and pg_has_role(current_user, oid, 'member')
       and rolname !~ '^pg_'
  `);
  const names = roles.map(({ rolname }) => String(rolname));
  for (const expected of ["anon", "authenticated", "service_role"]) {
    assert.ok(names.includes(expected), expected);
  }
  const attempts = await listAttempts(project);
  assert.ok(attempts.length > 60, `${attempts.length} attempts`);
  for (const role of names) {
    for (const statement of attempts) {
      const reads = /^perform (count|null::)|^lock table .* in access share mode$/.test(
        statement,
      );
      assert.equal(
        await attempt(project, role, statement),
        role === READER && reads ? "went through" : "42501",
        `${statement} by ${role}`,
      );
    }
    assert.equal(
      await attempt(project, role, "perform public.exec_sql('select 1')"),
      role === "service_role" ? "went through" : "42501",
      role,
    );
  }
});

testOnEveryDatabase("roles of requests cannot make what others would run", async (project) => {
  const statements = [
    "create table public.mine ()",
    "create function public.mine() returns int language sql as 'select 1'",
    "create operator public.|| (leftarg = text, rightarg = integer, function = pg_catalog.textanycat)",
    "create type public.mine as enum ('a')",
    "create domain public.mine as text",
    "create schema mine",
    "create cast (text as integer) with inout",
    "create event trigger mine on ddl_command_end execute function extensions.mine()",
    "create role mine superuser",
    "create publication mine for all tables",
    "alter database postgres set search_path to mine",
    "alter role postgres set search_path to mine",
    "alter role authenticator set request.jwt.claims to mine",
    "alter default privileges for role postgres grant execute on functions to public",
  ];
  for (const role of ["anon", "authenticated", "service_role"]) {
    for (const statement of statements) {
      assert.equal(await attempt(project, role, statement), "42501", `${statement} by ${role}`);
    }
  }
});

// What a project may say of all schemas to come, this one included.
const generous = `
  alter default privileges for role postgres grant usage, create on schemas
    to public, anon, authenticated, service_role;
  alter default privileges for role postgres grant all on tables
    to public, anon, authenticated, service_role;
  alter default privileges for role postgres grant all on sequences
    to public, anon, authenticated, service_role;
  alter default privileges for role postgres grant all on functions
    to public, anon, authenticated, service_role;
  alter default privileges for role postgres grant usage on types
    to public, anon, authenticated, service_role;
`;

testOnServers(
  "whatever default privileges say, what is installed is granted to nobody",
  async (project) => {
    await using owner = await project.connect();
    await owner.sql(generous);
    await owner.sql(`begin; ${INSTALL_SQL}; commit`);
    assert.deepEqual(await listPrivileges(project), ["service_role execute exec_sql(text,jsonb)"]);
  },
  { ...bareProject, own: true },
);
