import assert from "node:assert/strict";
import process from "node:process";
import { createClient } from "@supabase/supabase-js";
import { type Project, startStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const whoAmI = `
  create function public.who_am_i() returns text language sql stable as $$
    select concat_ws(' ', current_user, auth.uid())
  $$;
`;

function client(project: Project, key: string) {
  return createClient(project.url, key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });
}

async function call(project: Project, key: string, name: string, args = {}): Promise<unknown> {
  const { data, error } = await client(project, key).rpc(name, args);
  return error ? error.code || error.message : data;
}

async function errorCode(statement: Promise<unknown>): Promise<unknown> {
  return await statement.then(() => "no error", (error) => error.code);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const footprint = `
  select array_agg(pid) as pids, current_setting('data_directory') as folder from pg_stat_activity
`;

for (const major of [15, 17] as const) {
  const stack = await startStack({ major });
  Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());
  const test = (name: string, body: () => Promise<void>) =>
    Deno.test(`PostgreSQL ${major}: ${name}`, body);
  /** A test of what stands before the server, which is the same before both. */
  const testOnce = major === 17 ? test : () => {};

  test("the server is of this major", async () => {
    await using project = await stack.createProject();
    const [row] = await project.sql("select current_setting('server_version_num')::int as version");
    assert.equal(Math.floor(Number(row?.version) / 10000), major);
  });

  test("each key acts as its role", async () => {
    await using project = await stack.createProject({ setup: whoAmI });
    const as = (key: string) => call(project, key, "who_am_i");

    assert.equal(await as(project.anonKey), "anon");
    assert.equal(await as(project.publishableKey), "anon");
    assert.equal(await as(project.serviceKey), "service_role");
    assert.equal(await as(project.secretKey), "service_role");
    assert.equal(
      await as(project.authenticatedKey),
      "authenticated 00000000-0000-4000-8000-000000000001",
    );
    const sub = "00000000-0000-4000-8000-000000000002";
    assert.equal(
      await as(await project.keyFor({ role: "authenticated", sub })),
      `authenticated ${sub}`,
    );
    assert.equal(await as(await project.keyFor({ role: "service_role", exp: 1 })), "PGRST301");
  });

  test("a new function of postgres is granted to anon by name, a new table is not", async () => {
    await using project = await stack.createProject({
      setup: `
        create function public.open_door() returns text language sql as $$ select 'open' $$;
        revoke execute on function public.open_door() from public;
        create table public.closed ();
      `,
    });

    assert.equal(await call(project, project.anonKey, "open_door"), "open");
    const { error } = await client(project, project.serviceKey).from("closed").select();
    assert.equal(error?.code, "42501");
  });

  test("service_role runs under the authenticator's time limits", async () => {
    await using project = await stack.createProject({
      setup: `
        create function public.limits() returns text language sql as $$
          select concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'))
        $$;
        create function public.sleep() returns void language sql as $$ select pg_sleep(5) $$;
      `,
    });

    assert.equal(await call(project, project.serviceKey, "limits"), "8s 8s");
    assert.equal(await call(project, project.authenticatedKey, "limits"), "8s 8s");
    assert.equal(await call(project, project.anonKey, "limits"), "3s 8s");

    await project.sql(`
      do $$ begin
        execute format(
          'alter role authenticator in database %I set statement_timeout to 2000', current_database());
      end $$
    `);
    await project.postgrest.stop();
    await project.postgrest.start();
    assert.equal(await call(project, project.serviceKey, "sleep"), "57014");
  });

  test("postgres uses the managed schemas, and creates nothing in them", async () => {
    await using project = await stack.createProject();
    await using owner = await project.connect();

    const [role] = await owner.sql("select rolsuper from pg_roles where rolname = current_user");
    assert.equal(role?.rolsuper, false);
    assert.equal(await errorCode(owner.sql("create table auth.mine ()")), "42501");
    assert.equal(await errorCode(owner.sql("create table storage.mine ()")), "42501");
    assert.equal(await errorCode(owner.sql("alter table auth.users add mine int")), "42501");

    await owner.sql(`
      create table public.profiles (id uuid primary key references auth.users on delete cascade);
      create function public.add_profile() returns trigger language plpgsql security definer as $$
      begin
        insert into public.profiles values (new.id);
        return new;
      end
      $$;
      create trigger on_sign_up after insert on auth.users
        for each row execute function public.add_profile();
      insert into auth.users (id, email) values (gen_random_uuid(), 'user@example.com');

      insert into storage.buckets (id, name) values ('avatars', 'avatars');
      insert into storage.objects (bucket_id, name) values ('avatars', 'a/b.png');

      alter publication supabase_realtime add table public.profiles;
      select extensions.digest('', 'sha256'), uuid_generate_v4();
      select vault.create_secret('a secret', 'its name');
      create role team_role;
      grant service_role to team_role;
    `);
    assert.equal((await owner.sql("select * from public.profiles")).length, 1);
    assert.deepEqual(
      await owner.sql("select name, decrypted_secret from vault.decrypted_secrets"),
      [
        { name: "its name", decrypted_secret: "a secret" },
      ],
    );
    assert.equal(await errorCode(owner.sql("delete from storage.objects")), "42501");
    await owner.sql("set storage.allow_delete_query = 'true'; delete from storage.objects");
  });

  test("postgres is in no service's role, and owns and creates nothing of theirs", async () => {
    await using project = await stack.createProject();
    await using owner = await project.connect();
    const managed = "('auth', 'storage', 'realtime', 'vault', 'graphql', 'graphql_public')";

    assert.deepEqual(
      await project.sql(`
        select rolname from pg_roles
         where pg_has_role('postgres', oid, 'member')
           and rolname ~ '^(supabase_|dashboard_user|authenticator|pgbouncer)'`),
      [],
    );
    assert.deepEqual(
      await project.sql(`
        select nspname from pg_namespace
         where nspname in ${managed}
           and (nspowner <> 'supabase_admin'::regrole
                or has_schema_privilege('postgres', oid, 'create')
                or not has_schema_privilege('postgres', oid, 'usage'))`),
      [],
    );
    assert.deepEqual(
      await project.sql(`
        select oid::regclass from pg_class
         where relnamespace::regnamespace::text in ${managed} and relowner = 'postgres'::regrole`),
      [],
    );
    const inherits = await project.sql(`
      select rolname from pg_roles where not rolinherit and rolname !~ '^supabase_'`);
    assert.deepEqual(inherits.map(({ rolname }) => rolname), ["authenticator"]);
    const [settings] = await owner.sql(`
      select current_setting('search_path') as search_path, s.setting, s.source
        from pg_settings s where s.name = 'statement_timeout'`);
    assert.deepEqual(settings, {
      search_path: '"\\$user", public, extensions',
      setting: "120000",
      source: "configuration file",
    });
  });

  for (const supautils of [false, true]) {
    const given = supautils
      ? "what supautils lets postgres do goes through where the server stands in for it"
      : "what supautils lets postgres do is refused without it";
    test(given, async () => {
      await using stack = await startStack({ major, supautils });
      await using project = await stack.createProject();
      await using owner = await project.connect();
      for (
        const statement of [
          `create policy "Own folder" on storage.objects for insert to authenticated
            with check (auth.uid()::text = (storage.foldername(name))[1])`,
          `create policy "Own topic" on realtime.messages for select to authenticated
            using (realtime.topic() = auth.uid()::text)`,
          "create extension citext schema extensions",
          "create extension btree_gist schema extensions",
        ]
      ) {
        assert.equal(await errorCode(owner.sql(statement)), supautils ? "no error" : "42501");
      }
      assert.equal(await errorCode(owner.sql("create table storage.mine ()")), "42501");
      assert.equal(await errorCode(owner.sql("create table realtime.mine ()")), "42501");
      assert.equal(await errorCode(owner.sql("create extension dblink")), "42501");
    });
  }

  test("the platform's event triggers are supabase_admin's", async () => {
    await using project = await stack.createProject();
    const triggers = await project.sql(`
      select e.evtname as name from pg_event_trigger e join pg_proc p on p.oid = e.evtfoid
       where e.evtowner = 'supabase_admin'::regrole and p.proowner = e.evtowner
         and p.pronamespace = 'extensions'::regnamespace and e.evtenabled = 'O'
       order by e.evtname`);
    assert.deepEqual(triggers.map(({ name }) => name), [
      "issue_graphql_placeholder",
      "issue_pg_cron_access",
      "issue_pg_graphql_access",
      "issue_pg_net_access",
      "pgrst_ddl_watch",
      "pgrst_drop_watch",
    ]);
    await using owner = await project.connect();
    assert.equal(await errorCode(owner.sql("drop event trigger pgrst_ddl_watch")), "42501");
  });

  test("a project with automatic RLS turns it on for each new table in public", async () => {
    for (const automaticRls of [true, false]) {
      await using project = await stack.createProject({ automaticRls });
      await using owner = await project.connect();
      await owner.sql(`
        create schema app;
        create table public.made (id int);
        create table public.copied as select 1 as id;
        create table app.made (id int);
      `);
      const tables = await owner.sql(`
        select oid::regclass::text as name from pg_class
         where relrowsecurity and relnamespace in ('public'::regnamespace, 'app'::regnamespace)
         order by 1`);
      assert.deepEqual(tables.map(({ name }) => name), automaticRls ? ["copied", "made"] : []);
      const [trigger] = await owner.sql(`
        select e.evtowner::regrole::text as owner, p.proowner::regrole::text as function_owner,
               p.prosecdef
          from pg_event_trigger e join pg_proc p on p.oid = e.evtfoid
         where e.evtname = 'ensure_rls' and p.oid = to_regprocedure('public.rls_auto_enable()')`);
      assert.deepEqual(
        trigger,
        automaticRls
          ? { owner: "postgres", function_owner: "postgres", prosecdef: true }
          : undefined,
      );
      assert.equal(await errorCode(owner.sql("alter role anon superuser")), "42501");
    }
  });

  test("DDL reloads the schema cache", async () => {
    await using project = await stack.createProject();
    assert.equal(await call(project, project.anonKey, "who_am_i"), "PGRST202");

    await project.sql(whoAmI);

    await until("the API to know the function", async () => {
      return await call(project, project.anonKey, "who_am_i") === "anon";
    });
  });

  testOnce("reloadSchema() resolves when the API knows the latest change", async () => {
    await using project = await stack.createProject();
    await project.sql("drop event trigger pgrst_ddl_watch");
    for (const name of ["first", "second", "third"]) {
      await project.sql(`create function public.${name}() returns int language sql as 'select 1'`);
      await project.reloadSchema();
      assert.equal(await call(project, project.serviceKey, name), 1);
    }
  });

  testOnce("a setting that leaks into the next request shows on a pool of one", async () => {
    await using project = await stack.createProject({
      dbPool: 1,
      setup: `
        create function public.leak() returns void language plpgsql security definer as $$
        begin
          set row_security = off;
        end
        $$;
        create function public.row_security() returns text language sql as $$
          select current_setting('row_security')
        $$;
      `,
    });

    assert.equal(await call(project, project.anonKey, "row_security"), "on");
    await call(project, project.serviceKey, "leak");
    assert.equal(await call(project, project.anonKey, "row_security"), "off");
  });

  testOnce("the gateway refuses requests without a key of this project", async () => {
    await using project = await stack.createProject({ setup: whoAmI });
    const ask = async (headers: Record<string, string>, path = "/rest/v1/rpc/who_am_i") => {
      const response = await fetch(project.url + path, { method: "POST", headers });
      return [response.status, (await response.json()).message];
    };
    const { anonKey, secretKey } = project;

    assert.deepEqual(await ask({}), [401, "No API key found in request"]);
    assert.deepEqual(await ask({ apikey: "sb_secret_of_another" }), [401, "Unregistered API key"]);
    assert.deepEqual(await ask({ apikey: secretKey, "user-agent": "Mozilla/5.0" }), [
      401,
      "Forbidden use of secret API key in browser",
    ]);
    assert.deepEqual(await ask({ apikey: anonKey }, "/rpc/who_am_i"), [
      404,
      "no Route matched with those values",
    ]);
    assert.equal(project.gateway.requests, 4);
  });

  testOnce("an interceptor can repeat, drop, and answer requests", async () => {
    await using project = await stack.createProject({
      setup: `
        create table public.calls (note text);
        create function public.note(note text) returns bigint language sql security definer as $$
          insert into public.calls values (note);
          select count(*) from public.calls;
        $$;
      `,
    });
    const note = () => call(project, project.serviceKey, "note", { note: "x" });
    const { gateway } = project;

    {
      using _ = gateway.intercept(async (request, forward) => {
        await forward(request);
        return await forward(request);
      });
      assert.equal(await note(), 2);
      assert.equal(await note(), 4);
    }
    gateway.intercept(async (request, forward) => {
      await forward(request);
      throw new Error("the reply is lost");
    }, 1);
    assert.match(String(await note()), /fetch failed/);
    gateway.intercept(() => Promise.resolve(new Response("<html>", { status: 504 })), 1);
    assert.match(String(await note()), /<html>/);
    assert.equal(await note(), 6);
    assert.equal(gateway.requests, 5);
  });

  testOnce("PostgREST can be stopped, crashed and started again", async () => {
    await using project = await stack.createProject({ setup: whoAmI });
    const { postgrest, anonKey } = project;
    for (const end of [() => postgrest.stop(), () => postgrest.kill()]) {
      const { pid } = postgrest;
      await end();
      assert.ok(!isRunning(pid));
      assert.match(String(await call(project, anonKey, "who_am_i")), /invalid response/);
      await postgrest.start();
      assert.equal(await call(project, anonKey, "who_am_i"), "anon");
    }
    assert.equal(project.postgrestLog().split("Starting PostgREST").length, 4);
  });

  test("projects are apart from each other", async () => {
    await using one = await stack.createProject({ setup: whoAmI });
    await using other = await stack.createProject();
    assert.equal(await call(one, one.anonKey, "who_am_i"), "anon");
    assert.equal(await call(other, other.anonKey, "who_am_i"), "PGRST202");
  });

  test("closing leaves no process and no folder", async () => {
    const stack = await startStack({ major });
    const project = await stack.createProject();
    const [server] = await project.sql(footprint);
    const pids = [project.postgrest.pid, ...server?.pids as number[]];
    assert.ok(pids.every(isRunning));

    await stack[Symbol.asyncDispose]();

    assert.deepEqual(pids.filter(isRunning), []);
    await assert.rejects(Deno.stat(String(server?.folder)), Deno.errors.NotFound);
    await project[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
  });
}

Deno.test("a test process that is killed leaves no process and no folder", async () => {
  const program = `
    import { startStack } from "${import.meta.resolve("./support/stack.ts")}";
    const stack = await startStack({ major: 17 });
    const project = await stack.createProject();
    const [{ pids, folder }] = await project.sql(\`${footprint}\`);
    console.log(JSON.stringify({ pids: [project.postgrest.pid, ...pids], folder }));
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", "--ext=ts", program],
    cwd: new URL("..", import.meta.url),
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { pids, folder }: { pids: number[]; folder: string } = JSON.parse(
    (await reader.read()).value ?? "",
  );
  assert.ok(pids.every(isRunning));

  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();

  await until(
    "the end of the processes and the folder",
    async () => !pids.some(isRunning) && !await Deno.stat(folder).catch(() => false),
  );
});
