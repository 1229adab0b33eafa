import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase, testOnServers } from "../support/projects.ts";
import { holdStep } from "./requests.ts";

const migrations = { "1_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;\n" };

/** What the callers of the door are, by privilege and by role. */
async function callers(project: AnyProject): Promise<unknown[]> {
  const rows = await project.sql(`
    select r.rolname from pg_roles r
     where has_function_privilege(r.oid, 'public.exec_sql(text, jsonb)', 'execute')
       and r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
     order by 1
  `);
  return rows.map(({ rolname }) => rolname);
}

async function assertNothingChanged(
  project: AnyProject,
  work: () => Promise<unknown>,
): Promise<void> {
  const catalog = await project.catalog();
  await work();
  assert.deepEqual(await project.catalog(), catalog);
  const { lock } = await project.records();
  assert.equal(lock[0]?.is_locked, false);
}

testOnEveryDatabase(
  "exec_sql is granted to service_role, by name, and to nobody else",
  async (project) => {
    const grants = await project.sql(`
    select coalesce(nullif(grantee, 0)::regrole::text, 'public') as grantee, privilege_type
      from pg_proc, aclexplode(proacl) where oid = 'public.exec_sql(text, jsonb)'::regprocedure
     order by 1
  `);
    assert.deepEqual(grants, [
      { grantee: "postgres", privilege_type: "EXECUTE" },
      { grantee: "service_role", privilege_type: "EXECUTE" },
    ]);
    assert.deepEqual(await callers(project), ["service_role"]);
  },
);

testOnEveryDatabase("anon and authenticated are turned away", async (project) => {
  const call = async (key: string) => {
    const { status, error } = await project.client(key).rpc("exec_sql", { sql_query: "select 1" });
    return [status, error?.code];
  };
  assert.deepEqual(await call(project.anonKey), [401, "42501"]);
  assert.deepEqual(
    await call(await project.keyFor({ role: "authenticated" })),
    [403, "42501"],
  );
  assert.deepEqual(await call(project.serviceKey), [200, undefined]);

  const migrator = project.migrator(migrations, { client: project.client(project.anonKey) });
  await assert.rejects(migrator.migrate(), {
    name: "ConfigurationError",
    message: /refuses the key/,
    hint: /service_role/,
  });
});

// A restored dump has exec_sql without its grants, and default privileges open what is new.
testOnEveryDatabase(
  "exec_sql turns others away itself, whoever may execute it, before it looks at the SQL",
  async (project) => {
    await project.sql(
      "grant execute on function public.exec_sql(text, jsonb) to public, anon, authenticated",
    );
    const authenticated = await project.keyFor({ role: "authenticated" });
    for (const key of [project.anonKey, authenticated]) {
      for (const sql_query of ["select 1", "selct 1", "", "begin; drop schema supamigrate"]) {
        const { data, error } = await project.client(key).rpc("exec_sql", { sql_query });
        assert.equal(data, null);
        assert.equal(error?.code, "42501");
        assert.match(error?.message ?? "", /is not service_role/);
      }
    }
    const { error } = await project.client(project.serviceKey)
      .rpc("exec_sql", { sql_query: "select 1" });
    assert.equal(error, null);
    await project.sql(
      "revoke execute on function public.exec_sql(text, jsonb) from public, anon, authenticated",
    );
  },
);

testOnServers("exec_sql turns other roles away on a direct connection as well", async (project) => {
  await project.sql(`
    create role app_login login;
    grant execute on function public.exec_sql(text, jsonb) to app_login`);
  const call = async (role: string) => {
    await using session = await project.connect(role);
    return (await session.sql("select public.exec_sql('select 1 as one') as rows"))[0]?.rows;
  };
  await assert.rejects(call("app_login"), {
    code: "42501",
    message: /app_login is not service_role/,
  });
  assert.deepEqual(await call("postgres"), [{ one: 1 }]);
  await project.sql("drop owned by app_login; drop role app_login");
});

testOnEveryDatabase("no API role reaches the tracking schema", async (project) => {
  const reachable = await project.sql(`
    select r.rolname, c.relname as name
      from pg_roles r, pg_class c
     where r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
       and c.relnamespace = 'supamigrate'::regnamespace
       and (has_schema_privilege(r.oid, 'supamigrate', 'usage')
            or c.relkind = 'r' and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete'))
    union all
    select r.rolname, p.proname
      from pg_roles r, pg_proc p
     where r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
       and p.pronamespace = 'supamigrate'::regnamespace
       and has_function_privilege(r.oid, p.oid, 'execute')
  `);
  assert.deepEqual(reachable, []);
});

testOnServers(
  "the API does not show the tracking schema, to the service key neither",
  async (project) => {
    await project.migrator(migrations).migrate();
    const client = project.client(project.serviceKey);
    const { error } = await client.schema("supamigrate").from("migration_history").select();
    assert.equal(error?.code, "PGRST106");
    const byName = await client.from("migration_history").select();
    assert.equal(byName.error?.code, "42P01");
    const rpc = await client.rpc("perform", { call: {} });
    assert.equal(rpc.error?.code, "PGRST202");
  },
);

testOnEveryDatabase("every function that is installed fixes its search_path", async (project) => {
  const mutable = await project.sql(`
    select oid::regprocedure as name from pg_proc
     where (pronamespace = 'supamigrate'::regnamespace or proname = 'exec_sql')
       and not coalesce(array_to_string(proconfig, ',') ~ 'search_path=', false)
  `);
  assert.deepEqual(mutable, []);
});

for (const role of ["anon", "authenticated", "public"]) {
  testOnEveryDatabase(`every command refuses a door that is open to ${role}`, async (project) => {
    await project.migrator(migrations).migrate();
    await project.sql(`grant execute on function public.exec_sql(text, jsonb) to ${role}`);
    const records = await project.records();
    const migrator = project.migrator({ ...migrations, "2_b.sql": "create table b ();" });
    const names = role === "public" ? "anon" : role;
    const refusal = {
      name: "ConfigurationError",
      message: new RegExp(`public\\.exec_sql\\(.*\\) is executable by ${names}`),
      hint: /revoke execute on function public\.exec_sql/,
    };
    await assert.rejects(migrator.migrate(), refusal);
    await assert.rejects(migrator.status(), refusal);
    await assert.rejects(migrator.rollback(), refusal);
    await assert.rejects(migrator.fresh(), refusal);
    await assert.rejects(migrator.baseline("2"), refusal);
    await assert.rejects(migrator.repair("1", { mark: "pending" }), refusal);
    await assert.rejects(migrator.history(), refusal);
    await assert.rejects(migrator.unlock(), refusal);
    assert.deepEqual(await project.records(), records);
  });
}

testOnEveryDatabase(
  "an overload that is open counts, one that is closed does not",
  async (project) => {
    await project.sql(`
    create function public.exec_sql(query text) returns void language sql as '';
    revoke all on function public.exec_sql(text) from public, anon, authenticated;
  `);
    assert.equal((await project.migrator(migrations).migrate()).success, true);
    await project.sql("grant execute on function public.exec_sql(text) to authenticated");
    await assert.rejects(project.migrator(migrations).status(), {
      message: /public\.exec_sql\(query text\) is executable by authenticated/,
    });
  },
);

testOnServers("a door that is opened after the plan was made stops the run", async (project) => {
  using hold = holdStep(project, "acquire");
  const run = project.migrator(migrations).migrate();
  await hold.reached();
  await project.sql("grant execute on function public.exec_sql(text, jsonb) to anon");
  hold.letGo();
  await assert.rejects(run, { name: "ConfigurationError", message: /exec_sql.* by anon/ });
  const { history, lock } = await project.records();
  assert.deepEqual([history, lock[0]?.is_locked], [[], false]);
});

for (const transaction of ["each", "batch", "all"] as const) {
  testOnEveryDatabase(
    `a migration that opens the door has it closed again (${transaction})`,
    async (project) => {
      const result = await project.migrator({
        "1_grants.sql": "grant execute on all functions in schema public to anon, authenticated;",
        "2_a.sql": "create table a ();",
        "3_public.sql": "grant all on all routines in schema public to public;",
      }).migrate({ transaction });
      assert.equal(result.success, true, JSON.stringify(result.results));
      assert.deepEqual(
        result.results.map(({ notices }) => notices.some((notice) => /exec_sql/.test(notice))),
        [true, false, true],
      );
      assert.deepEqual(await callers(project), ["service_role"]);
      assert.equal(
        (await project.migrator({ "2_a.sql": "create table a ();" }).status()).upToDate,
        true,
      );
    },
  );
}

const losses = {
  "drops exec_sql": "drop function public.exec_sql(text, jsonb);",
  "renames exec_sql": "alter function public.exec_sql(text, jsonb) rename to run_sql;",
  "drops the schema public": "drop schema public cascade; create schema public;",
};
for (const [what, sql] of Object.entries(losses)) {
  testOnEveryDatabase(`a migration that ${what} fails and is undone`, async (project) => {
    await assertNothingChanged(project, async () => {
      const { success, results } = await project.migrator({ "1_loss.sql": sql }).migrate();
      assert.equal(success, false);
      assert.equal(results[0]?.error?.code, "SM002");
      assert.match(results[0]?.error?.message ?? "", /removes public\.exec_sql\(text, jsonb\)/);
      assert.match(results[0]?.error?.hint ?? "", /Leave that function out/);
    });
  });
}

const waysIn = {
  "revokes every function":
    "revoke execute on all functions in schema public from public, service_role;",
  "revokes exec_sql": "revoke execute on function public.exec_sql(text, jsonb) from service_role;",
  "revokes the schema": "revoke usage on schema public from service_role, public;",
  "drops what service_role owns": "drop owned by service_role;",
  "does so in a block":
    "do $$ begin execute 'revoke usage on schema public from service_role, public'; end $$;",
  "lets authenticator log in no more": "alter role authenticator nologin;",
};
for (const [what, sql] of Object.entries(waysIn)) {
  testOnServers(`a migration that ${what} fails and is undone`, async (project) => {
    // Where nothing is reserved, as on projects without supautils.
    await project.sql(`do $$ begin
      if current_setting('server_version_num')::int >= 160000 then
        grant authenticator to postgres with admin option;
        grant service_role to postgres with admin option;
      end if; end $$`);
    try {
      const { success, results } = await project.migrator({ "1_loss.sql": sql }).migrate();
      assert.equal(success, false);
      const { code, message } = results[0]!.error!;
      if (code !== "42501") {
        assert.equal(code, "SM002", message);
        assert.match(message, /takes away what the API calls exec_sql with: /);
      } else assert.match(sql, /authenticator/); // the server itself refuses it
      assert.equal((await project.migrator(migrations).migrate()).success, true);
    } finally {
      await project.sql(`do $$ begin
        if current_setting('server_version_num')::int >= 160000 then
          revoke authenticator from postgres; end if; end $$`);
    }
  });
}

testOnEveryDatabase("a rollback that drops exec_sql fails and is undone", async (project) => {
  const migrator = project.migrator({
    "1_loss.sql": "create table a ();\n-- ROLLBACK\ndrop table a; drop schema public cascade;",
  });
  await migrator.migrate();
  await assertNothingChanged(project, async () => {
    const { results } = await migrator.rollback();
    assert.match(results[0]?.error?.message ?? "", /removes public\.exec_sql/);
  });
});

testOnEveryDatabase(
  "a migration that drops the tracking schema fails and is undone",
  async (project) => {
    await project.migrator(migrations).migrate();
    await assertNothingChanged(project, async () => {
      const { success, migrationsFailed } = await project.migrator({
        ...migrations,
        "2_drop.sql": "drop schema supamigrate cascade;",
      }).migrate();
      assert.deepEqual([success, migrationsFailed], [false, 1]);
    });
    assert.equal((await project.records()).history.length, 2);
  },
);

const openOverload = `create function public.exec_sql(query text) returns void
  language plpgsql security definer as $$ begin execute query; end $$;`;

testOnEveryDatabase(
  "a migration that creates an open exec_sql of its own fails and is undone",
  async (project) => {
    await assertNothingChanged(project, async () => {
      const { results } = await project.migrator({ "1_open.sql": openOverload }).migrate();
      const { code, message, hint } = results[0]!.error!;
      assert.equal(code, "SM002");
      assert.match(message, /leaves a function callable.*public\.exec_sql\(query text\) by anon/);
      assert.match(hint ?? "", /REVOKE/);
    });
  },
);

testOnEveryDatabase(
  "a migration may create an exec_sql of its own that is closed",
  async (project) => {
    const { success } = await project.migrator({
      "1_closed.sql": `${openOverload}
      revoke execute on function public.exec_sql(text) from public, anon, authenticated;`,
    }).migrate();
    assert.equal(success, true);
  },
);

testOnEveryDatabase("a door opened through another role is closed again", async (project) => {
  const { success, results } = await project.migrator({
    "1_role.sql": `create role a_team;
      grant execute on function public.exec_sql(text, jsonb) to a_team;
      grant a_team to authenticated;`,
  }).migrate();
  assert.equal(success, true, JSON.stringify(results));
  assert.match(results[0]?.notices.join() ?? "", /exec_sql/);
  assert.deepEqual(await callers(project), ["service_role"]);
  await project.sql("drop role a_team");
});

testOnEveryDatabase("names and holders are values and never become SQL", async (project) => {
  await project.sql("create table witness ()");
  const quote = `'); drop table witness; --`;
  const name = `1_"${quote}$$ $1 %I.sql`;
  const migrator = project.migrator(
    { [name]: "select 1;\n-- ROLLBACK\nselect 2;" },
    { holder: `holder ${quote}`, processId: `process ${quote}` },
  );
  await migrator.migrate();
  await migrator.rollback({ target: "0" });
  await migrator.migrate();
  const { history, lock, log } = await project.records();
  assert.deepEqual(history.map(({ migration_name }) => migration_name), [name]);
  assert.equal(lock[0]?.process_id, `process ${quote}`);
  assert.ok(log.every(({ actor }) => actor === `holder ${quote}`));
  assert.deepEqual(await project.sql("select * from witness"), []);
});

testOnServers("a secret key, which is no JWT, opens the door too", async (project) => {
  const migrator = project.migrator(migrations, { serviceKey: project.secretKey });
  assert.equal((await migrator.migrate()).success, true);
  assert.ok(!JSON.stringify(await project.records()).includes(project.secretKey));
});

testOnEveryDatabase("no row ever holds the key", async (project) => {
  const migrator = project.migrator({ ...migrations, "2_b.sql": "select 1/0;" });
  await migrator.migrate();
  await migrator.rollback();
  assert.ok(!JSON.stringify(await project.records()).includes(project.serviceKey));
});
