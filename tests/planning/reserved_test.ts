import assert from "node:assert/strict";
import { splitStatements } from "../../lib/planning/statements.ts";

/** What a text changes of what Supabase keeps to itself, a line each. */
async function reservedIn(sql: string): Promise<string[]> {
  const { reserved } = await splitStatements({ sql, line: 1 }, "001_a.sql");
  return reserved.map(({ line, says, isUndone }) =>
    `${line}: ${says}${isUndone ? ", undone" : ""}`
  );
}

const keeps = "which Supabase keeps to itself";
const grants = "which Supabase grants to nobody";

const reserved: readonly [sql: string, ...says: string[]][] = [
  ["alter role authenticator with nologin", `changes the role authenticator, ${keeps}`],
  ["alter role service_role nobypassrls", `changes the role service_role, ${keeps}`],
  ["alter user anon password null", `changes the role anon, ${keeps}`],
  ["alter group authenticated add user a", `changes the role authenticated, ${keeps}`],
  ["alter role postgres nocreaterole", `changes the role postgres, ${keeps}`],
  ["alter role current_user nologin", `changes the role postgres, ${keeps}`],
  ["alter role supabase_admin set work_mem = '1MB'", `sets settings of supabase_admin, ${keeps}`],
  ["alter role pgbouncer reset all", `sets settings of pgbouncer, ${keeps}`],
  [
    "drop role if exists anon, a, dashboard_user",
    `drops the role anon, ${keeps}`,
    `drops the role dashboard_user, ${keeps}`,
  ],
  ["alter role authenticated rename to a", `renames the role authenticated to a, ${keeps}`],
  ["alter role a rename to anon", `renames the role a to anon, ${keeps}`],
  ["create role supabase_etl_admin", `makes the role supabase_etl_admin, ${keeps}`],
  ["create user a in role supabase_auth_admin", `grants supabase_auth_admin, ${grants}`],
  ["grant supabase_auth_admin to postgres", `grants supabase_auth_admin, ${grants}`],
  ["grant authenticator to a", `grants authenticator, ${grants}`],
  [
    "grant a, pg_write_server_files, pg_execute_server_program to postgres with admin option",
    `grants pg_write_server_files, ${grants}`,
    `grants pg_execute_server_program, ${grants}`,
  ],
  [
    "grant a to supabase_storage_admin",
    `changes what supabase_storage_admin is a member of, ${keeps}`,
  ],
  ["revoke a from supabase_admin", `changes what supabase_admin is a member of, ${keeps}`],
  [
    "revoke service_role, anon from authenticator cascade",
    "takes service_role from authenticator, so that the API can no longer act as it",
    "takes anon from authenticator, so that the API can no longer act as it",
  ],
  [
    "revoke set option for authenticated from authenticator",
    "takes authenticated from authenticator, so that the API can no longer act as it",
  ],
  [
    "revoke usage on schema a, public from a, service_role",
    "takes exec_sql from service_role, undone",
  ],
  ["revoke all on schema public from service_role", "takes exec_sql from service_role, undone"],
  [
    "revoke execute on all functions in schema public from service_role",
    "takes exec_sql from service_role, undone",
  ],
  [
    "revoke all on all routines in schema public from anon, service_role",
    "takes exec_sql from service_role, undone",
  ],
  [
    "revoke execute on function a(), public.exec_sql(text, jsonb) from service_role",
    "takes exec_sql from service_role, undone",
  ],
  ["drop owned by service_role", "takes exec_sql away, with all that service_role has, undone"],
  ["drop owned by current_user", "takes exec_sql away, with all that postgres has, undone"],
  [
    "alter role authenticator set pgrst.db_schemas = 'api, storage'",
    "takes public out of the schemas that the API shows",
  ],
  [
    "alter role all in database postgres set pgrst.db_schemas to api",
    "takes public out of the schemas that the API shows",
  ],
  [
    "alter database postgres allow_connections false",
    "closes the database postgres to all connections",
  ],
  ["alter database postgres connection limit 0", "closes the database postgres to all connections"],
  [
    "revoke connect on database postgres from public",
    "takes from public the right to connect, which the API needs",
  ],
  [
    "revoke all on database postgres from a, authenticator",
    "takes from authenticator the right to connect, which the API needs",
  ],
];

for (const [sql, ...says] of reserved) {
  Deno.test(`splitStatements() knows what is reserved of ${sql}`, async () => {
    assert.deepEqual(await reservedIn(`select 1;\n${sql}`), says.map((each) => `2: ${each}`));
  });
}

Deno.test("splitStatements() finds nothing reserved in what Supabase lets postgres do", async () => {
  for (
    const sql of [
      "create role a login in role b role postgres",
      "alter role a nologin",
      "drop role a",
      "alter role a rename to b",
      "alter table anon rename to b",
      "alter role anon set statement_timeout = '1s'",
      "alter role authenticator set pgrst.db_schemas = 'public, api'",
      "alter role authenticator reset pgrst.db_schemas",
      "alter role a set pgrst.db_schemas = 'api'",
      "alter role service_role in database postgres set a.b = 'c'",
      "alter role postgres set search_path = public",
      "grant anon, authenticated, service_role to a",
      "grant a to authenticator, service_role, postgres",
      "grant pg_read_all_data, pg_monitor to a",
      "revoke a from authenticator",
      "revoke anon from a",
      "revoke admin option for anon from authenticator",
      "grant all on schema public to service_role",
      "revoke create on schema public from service_role, public",
      "revoke usage on schema public from public, anon, authenticated",
      "revoke usage on schema a from service_role",
      "revoke grant option for execute on all functions in schema public from service_role",
      "revoke execute on all functions in schema public from public, anon, authenticated",
      "revoke execute on function a(), api.exec_sql(text) from service_role",
      "revoke all on all tables in schema public from service_role",
      "drop owned by a, anon",
      "alter default privileges in schema public revoke execute on functions from service_role",
      "alter database postgres set timezone = 'UTC'",
      "alter database postgres connection limit 50",
      "revoke temporary on database postgres from public",
      "revoke connect on database a from public",
      "comment on role anon is 'drop role anon'",
      "do $$ begin perform 'drop role anon'; end $$",
    ]
  ) assert.deepEqual(await reservedIn(sql), [], sql);
});
