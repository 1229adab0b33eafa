/** Ways to more rights than one has: through roles, settings and a second exec_sql. */

import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase, testOnServers } from "../support/projects.ts";
import { SHARED_BY_TESTS } from "../database/catalog.ts";
import { listCallers } from "./callers.ts";

async function exec(project: AnyProject, sql_query: string): Promise<unknown> {
  const { data, error } = await project.client(project.serviceKey).rpc("exec_sql", { sql_query });
  return error?.code ?? data;
}

// From inside a SECURITY DEFINER function no role can be changed, and postgres is no superuser.
const escapes = {
  "set role supabase_admin": "42501",
  "set local role supabase_admin": "42501",
  "set role anon": "42501",
  "reset role": "42501",
  "set session authorization supabase_admin": "42501",
  "reset session authorization": "42501",
  "set session authorization default": "42501",
  "select set_config('role', 'supabase_admin', false)": "42501",
  "select set_config('session_authorization', 'supabase_admin', true)": "42501",
  "do $$ begin set local role supabase_admin; end $$": "42501",
  "create function pg_temp.up() returns void language plpgsql set role = 'supabase_admin' as $$ begin end $$":
    "42501",
  "alter role postgres superuser": "42501",
  "alter role service_role superuser": "42501",
  "create role stronger superuser": "42501",
  "grant supabase_admin to postgres": "42501",
  "alter function public.exec_sql(text, jsonb) owner to supabase_admin": "42501",
  "update pg_catalog.pg_authid set rolsuper = true": "42501",
  "copy (select 1) to program 'id'": "42501",
  "copy (select 1) to '/tmp/file'": "42501",
  "select pg_read_file('/etc/passwd')": "42501",
  "select lo_import('/etc/passwd')": "42501",
  "load 'dblink'": "42501",
  "create function up() returns int language c as 'libc', 'getpid'": "42501",
  "set session_replication_role = replica": "42501",
  "create event trigger up on ddl_command_end execute function up()": "42501",
  "commit": "0A000",
  "commit; set role supabase_admin": "0A000",
  "do $$ begin commit; end $$": "2D000",
  "prepare transaction 'up'": "0A000",
  "discard all": "25001",
  "alter system set log_statement = 'all'": "25001",
};

testOnEveryDatabase(
  "exec_sql gives the rights of postgres, and no way to other ones",
  async (project) => {
    const found: Record<string, unknown> = {};
    for (const statement of Object.keys(escapes)) found[statement] = await exec(project, statement);
    // The embedded database lets postgres do what supautils lets it do on hosted projects.
    const ofSupautils = "stack" in project ? {} : {
      "set session_replication_role = replica": [],
      "create event trigger up on ddl_command_end execute function up()": "42883",
    };
    assert.deepEqual(found, { ...escapes, ...ofSupautils });
    assert.deepEqual(await exec(project, "select current_user, session_user"), [
      { current_user: "postgres", session_user: "authenticator" },
    ]);
  },
);

// One connection, so that a request gets the one that the request before it had.
const oneConnection = {
  dbPool: 1,
  setup: `
    create function public.identity() returns jsonb language sql volatile as $$
      select jsonb_build_object(
        'user', current_user, 'session', session_user, 'role', auth.role(), 'uid', auth.uid(),
        'email', auth.email(), 'claims', current_setting('request.jwt.claims', true)::jsonb->'role',
        'legacy', nullif(current_setting('request.jwt.claim.role', true), ''),
        'app', nullif(current_setting('app.tenant', true), ''),
        'searched', current_setting('search_path'), 'secured', current_setting('row_security'))
    $$;
    comment on function public.identity() is '${SHARED_BY_TESTS}';
  `,
};

const claims = `{"role": "service_role", "sub": "00000000-0000-4000-8000-00000000000f"}`;
const identities = `
  select set_config('request.jwt.claims', '${claims}', false),
         set_config('request.jwt.claim', '${claims}', false),
         set_config('request.jwt.claim.sub', '00000000-0000-4000-8000-00000000000f', false),
         set_config('request.jwt.claim.role', 'service_role', false),
         set_config('request.jwt.claim.email', 'somebody@example.com', false),
         set_config('request.headers', '{"authorization": "Bearer x"}', false),
         set_config('app.tenant', 'another', false),
         set_config('row_security', 'off', false),
         set_config('search_path', 'auth', false)
`;

testOnServers("what exec_sql sets gives the next request no other identity", async (project) => {
  const keys = [
    project.anonKey,
    project.authenticatedKey,
    project.serviceKey,
    await project.keyFor({}),
  ];
  const identify = () =>
    Promise.all(keys.map(async (key) => (await project.client(key).rpc("identity")).data));
  const before = await identify();
  assert.deepEqual(before.map(({ user }) => user), [
    "anon",
    "authenticated",
    "service_role",
    "anon",
  ]);
  assert.deepEqual([before[0].uid, before[3].uid], [null, null]);

  const attempts: [string, (project: AnyProject) => Promise<unknown>][] = [
    ["a call", () => exec(project, identities)],
    ["a call that fails", () => exec(project, `${identities}; select 1 / 0`)],
    ["several statements", () => exec(project, `${identities}; select 1`)],
    ["a migration", () => project.migrator({ "1_a.sql": `${identities};` }).migrate()],
    [
      "a migration that fails",
      () => project.migrator({ "2_b.sql": `${identities}; select 1 / 0;` }).migrate(),
    ],
    ["a rollback", async () => {
      const migrator = project.migrator({ "3_c.sql": `select 1;\n-- ROLLBACK\n${identities};` });
      await migrator.migrate();
      return await migrator.rollback();
    }],
  ];
  for (const [what, work] of attempts) {
    await work(project);
    assert.deepEqual(await identify(), before, what);
  }
}, oneConnection);

/** A role of a project's own that requests may have, as the claim `role` names it. */
const partner = {
  own: true,
  setup: `
    create role partner;
    grant partner to authenticator;
    grant usage on schema public to partner;
  `,
};

testOnServers("a door that is open to a role of the project's own is open", async (project) => {
  const migrations = { "1_a.sql": "create table a ();" };
  await using _ = { [Symbol.asyncDispose]: () => dropPartner() };
  const dropPartner = () =>
    project.sql("drop owned by partner; drop role partner").then(() => undefined);

  const partnerKey = await project.keyFor({ role: "partner" });
  const call = async () =>
    (await project.client(partnerKey).rpc("exec_sql", { sql_query: "select 1" })).status;
  assert.equal(await call(), 403);

  const result = await project.migrator({
    "1_a.sql": "grant execute on all functions in schema public to partner;",
  }).migrate();
  assert.equal(result.success, true, JSON.stringify(result.results));
  assert.match(result.results[0]?.notices.join() ?? "", /exec_sql/);
  assert.equal(await call(), 403);

  await project.sql("grant execute on function public.exec_sql(text, jsonb) to partner");
  assert.equal(await call(), 403); // it looks at its caller itself, and is open all the same
  const migrator = project.migrator({ ...migrations, "2_b.sql": "create table b ();" });
  await assert.rejects(migrator.status(), {
    message: /exec_sql\(.*\) is executable by partner/,
    hint: /revoke execute on function public\.exec_sql\(.*\) from .*partner/,
  });
  await assert.rejects(migrator.migrate(), { message: /executable by partner/ });
}, partner);

testOnServers(
  "a second exec_sql answers those alone whom its migration let in",
  async (project) => {
    const { success } = await project.migrator({
      "1_second.sql": `
      create function public.exec_sql(query text) returns text
        language sql security definer set search_path = '' as 'select query';
      revoke execute on function public.exec_sql(text) from public, anon, authenticated;`,
    }).migrate();
    assert.equal(success, true);
    await project.reloadSchema();
    const answers: Record<string, unknown> = {};
    for (const { name, key } of await listCallers(project)) {
      if (!/^(anon|authenticated|no role|service_role(, expired)?)$/.test(name)) continue;
      const { data, error } = await project.client(key!).rpc("exec_sql", { query: "select 1" });
      answers[name] = error?.code ?? data;
    }
    assert.deepEqual(answers, {
      "service_role, expired": "PGRST301",
      "anon": "42501",
      "authenticated": "42501",
      "no role": "42501",
      "service_role": "select 1",
    });
  },
);
