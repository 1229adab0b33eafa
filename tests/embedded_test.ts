import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createClient, type SupabaseClient } from "@supabase/supabase-js";

import { ConfigurationError, LockHeldError } from "../lib/errors.ts";
import { type EmbeddedDatabase, openEmbedded } from "../lib/embedded/open.ts";
import { createMigrator } from "../mod.ts";
import { QUICK_WASM } from "./support/cli.ts";

/** Runs a test on a database in memory that already has the functions given. */
async function withDatabase(
  sql: string,
  test: (database: EmbeddedDatabase) => Promise<void>,
): Promise<void> {
  await using database = await openEmbedded();
  await database.exec(sql);
  await test(database);
}

async function withFolder(test: (path: string) => Promise<void>) {
  const parent = await mkdtemp(join(tmpdir(), "embedded-"));
  try {
    await test(join(parent, "db"));
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

function clientOf(
  database: EmbeddedDatabase,
  key: string = database.serviceKey,
): SupabaseClient {
  return createClient(database.url, key, {
    global: { fetch: database.fetch },
    auth: { persistSession: false, autoRefreshToken: false },
  });
}

/** A request as it would be on the wire, for what supabase-js does not show. */
async function post(
  database: EmbeddedDatabase,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; headers: Headers; body: unknown }> {
  const response = await database.fetch(`${database.url}${path}`, {
    method: "POST",
    ...init,
    headers: { "content-type": "application/json", ...init.headers },
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

/** Starts another process that runs the code, with `path` in scope. */
function spawn(path: string, code: string): Deno.ChildProcess {
  const module = new URL("../lib/embedded/open.ts", import.meta.url).href;
  return new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-lock",
      `--config=${new URL("../deno.json", import.meta.url).pathname}`,
      `const { openEmbedded } = await import(${JSON.stringify(module)});
       const path = ${JSON.stringify(path)};
       const say = (text) => Deno.stdout.writeSync(new TextEncoder().encode(text + "\\n"));
       ${code}`,
    ],
    env: QUICK_WASM,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** Waits until the process has said something, and kills it once `then` has run. */
async function killAfterWord(
  child: Deno.ChildProcess,
  then: (said: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const reader = child.stdout.getReader();
  try {
    const { value } = await reader.read();
    await then(new TextDecoder().decode(value).trim());
  } finally {
    child.kill("SIGKILL");
    await reader.cancel();
    await child.stdin.close().catch(() => {});
    await child.status;
  }
}

async function sizeOf(folder: string): Promise<number> {
  let size = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    size += entry.isDirectory() ? await sizeOf(path) : (await stat(path)).size;
  }
  return size;
}

/** `Deno.test` with all of its sanitizers, whatever its defaults are. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name,
    fn,
    sanitizeOps: true,
    sanitizeResources: true,
    sanitizeExit: true,
  });
}

const WHO = `
  create function public.who() returns jsonb language sql as $$
    select jsonb_build_object(
      'role', current_user, 'login', session_user, 'uid', auth.uid(),
      'email', auth.email(), 'claimed', auth.role(), 'level', auth.jwt() ->> 'aal',
      'path', current_setting('request.path'),
      'method', current_setting('request.method'),
      'agent', current_setting('request.headers')::json ->> 'user-agent')
  $$;
`;

test("openEmbedded() makes a project that createClient reaches through fetch", () =>
  withDatabase(
    `create function public.echo(value jsonb, times int default 1) returns jsonb
     language sql as $$ select jsonb_build_object('value', value, 'times', times) $$;
     create function public.numbers(upto int) returns setof int
     language sql as $$ select generate_series(1, upto) $$;
     create function public.people() returns table (name text, born timestamptz)
     language sql as $$ values ('Ada', timestamptz '1815-12-10 00:00:00+00') $$;
     create function public.person(out name text) language sql as $$ select 'Ada' $$;
     create function public.total(variadic amounts int[]) returns int
     language sql as $$ select sum(a)::int from unnest(amounts) a $$;
     create function public.body(json) returns text language sql as $$ select $1 ->> 'a' $$;
     create function public.nothing() returns void language sql as $$ select $$;
     create function public.big() returns numeric
     language sql as $$ select 12345678901234567890.10 $$;`,
    async (database) => {
      assert.equal(database.isNew, true);
      const client = clientOf(database);
      const call = async (name: string, args: Record<string, unknown> = {}) => {
        const { data, error } = await client.rpc(name, args);
        assert.equal(error, null);
        return data;
      };
      const value = { quote: `'"\\`, list: [1, null, "ü"] };
      assert.deepEqual(await call("echo", { value }), { value, times: 1 });
      assert.deepEqual(await call("echo", { value: null, times: 2 }), {
        value: null,
        times: 2,
      });
      assert.deepEqual(await call("numbers", { upto: 3 }), [1, 2, 3]);
      assert.deepEqual(await call("numbers", { upto: 0 }), []);
      assert.deepEqual(await call("people"), [
        { name: "Ada", born: "1815-12-10T00:00:00+00:00" },
      ]);
      assert.deepEqual(await call("person"), { name: "Ada" });
      assert.equal(await call("total", { amounts: [1, 2, 3] }), 6);
      assert.equal(await call("body", { a: "whole" }), "whole");

      const one = await client.rpc("people").single();
      assert.equal((one.data as { name: string }).name, "Ada");
      const several = await client.rpc("numbers", { upto: 2 }).single();
      assert.equal(several.status, 406);
      assert.equal(several.error?.details, "The result contains 2 rows");

      const nothing = await post(database, "/rest/v1/rpc/nothing");
      assert.deepEqual([nothing.status, nothing.body], [204, undefined]);
      const big = await database.fetch(`${database.url}/rest/v1/rpc/big`, {
        method: "POST",
      });
      assert.equal(await big.text(), "12345678901234567890.10");
      assert.equal(
        big.headers.get("content-type"),
        "application/json; charset=utf-8",
      );
    },
  ));

test("a key's role and claims are those of the transaction", () =>
  withDatabase(WHO, async (database) => {
    const who = async (key: string) => (await clientOf(database, key).rpc("who")).data;
    const sub = "b7c9a1d0-3f52-4c0e-9d4c-6c1d2f0f9a11";
    const user = await database.keyFor({
      role: "authenticated",
      sub,
      email: "ada@example.com",
      aal: "aal1",
    });
    assert.deepEqual(await who(user), {
      role: "authenticated",
      login: "authenticator",
      uid: sub,
      email: "ada@example.com",
      claimed: "authenticated",
      level: "aal1",
      path: "/rpc/who",
      method: "POST",
      agent: null,
    });
    assert.equal((await who(database.anonKey)).role, "anon");
    assert.equal((await who(database.serviceKey)).role, "service_role");
    // No key at all, and a token that names no role.
    const bare = await post(database, "/rest/v1/rpc/who");
    assert.equal((bare.body as { role: string }).role, "anon");
    assert.equal((await who(await database.keyFor({ sub }))).role, "anon");
  }));

test("a bad key is refused with PostgREST's 401", () =>
  withDatabase(WHO, async (database) => {
    const now = Math.floor(Date.now() / 1000);
    const key = database.serviceKey;
    const expired = await database.keyFor({ role: "anon", exp: now - 60 });
    await using other = await openEmbedded();
    const undecodable = "No suitable key or wrong key type";
    const cases: [token: string, code: string, message: string][] = [
      [expired, "PGRST303", "JWT expired"],
      [
        await database.keyFor({ nbf: now + 60 }),
        "PGRST303",
        "JWT not yet valid",
      ],
      [
        await database.keyFor({ iat: now + 60 }),
        "PGRST303",
        "JWT issued at future",
      ],
      [
        await database.keyFor({ exp: "soon" }),
        "PGRST303",
        "The JWT 'exp' claim must be a number",
      ],
      ["", "PGRST301", "Empty JWT is sent in Authorization header"],
      ["sb_secret_x", "PGRST301", "Expected 3 parts in JWT; got 1"],
      ["a.b.c", "PGRST301", undecodable],
      [other.serviceKey, "PGRST301", undecodable],
      // The header says that there is no signature to check.
      [
        `${btoa('{"alg":"none"}')}.${key.split(".")[1]}.`,
        "PGRST301",
        undecodable,
      ],
      [
        await database.keyFor({ role: "nobody" }),
        "22023",
        'role "nobody" does not exist',
      ],
    ];
    for (const [token, code, message] of cases) {
      const { status, body, headers } = await post(
        database,
        "/rest/v1/rpc/who",
        { headers: { authorization: `Bearer ${token}` } },
      );
      assert.equal(status, 401, message);
      const got = body as { code: string; message: string };
      assert.deepEqual([got.code, got.message], [code, message]);
      assert.match(headers.get("www-authenticate") ?? "", /^Bearer/);
    }
    // A role of the server that the API's login may not take.
    const admin = await post(database, "/rest/v1/rpc/who", {
      headers: {
        authorization: `Bearer ${await database.keyFor({ role: "postgres" })}`,
      },
    });
    assert.equal(admin.status, 403);
  }));

test("errors of PostgreSQL become PostgREST's status and body", () =>
  withDatabase(
    `create table public.t (id int primary key, up int references public.t);
     create function public.fail(state text) returns void language plpgsql as $$
     begin
       if state = '23505' then insert into public.t values (1), (1); end if;
       if state = '23503' then insert into public.t values (1, 2); end if;
       if state = '42P01' then perform * from public.missing; end if;
       if state = '42883' then perform public.missing(); end if;
       if state = '22012' then perform 1 / 0; end if;
       if state = '21000' then perform (select generate_series(1, 2)); end if;
       raise exception 'no' using errcode = state, detail = 'because', hint = 'else';
     end $$;
     alter function public.fail security definer;`,
    async (database) => {
      const expected: Record<string, number> = {
        "23505": 409,
        "23503": 409,
        "42P01": 404,
        "42883": 404,
        "22012": 400,
        "21000": 500,
        "25006": 405,
        "08006": 503,
        "53300": 503,
        "53400": 500,
        "54001": 500,
        "55P03": 500,
        "57014": 500,
        "57P01": 503,
        "58030": 500,
        "40001": 500,
        "40P01": 500,
        "28000": 403,
        "0P000": 403,
        "2D000": 500,
        "42501": 403,
        "42601": 400,
        "42P17": 500,
        P0001: 400,
        P0002: 500,
        XX000: 500,
        HV000: 500,
        PT409: 409,
        PT503: 503,
        PT999: 500,
      };
      const client = clientOf(database);
      for (const [state, wanted] of Object.entries(expected)) {
        const { status, error } = await client.rpc("fail", { state });
        assert.equal(error?.code, state);
        assert.equal(status, wanted, state);
      }
      const raised = await post(database, "/rest/v1/rpc/fail", {
        body: JSON.stringify({ state: "42501" }),
      });
      assert.equal(raised.status, 401, "anon is asked for a key");
      assert.equal(raised.headers.get("www-authenticate"), "Bearer");
      assert.deepEqual(raised.body, {
        code: "42501",
        details: "because",
        hint: "else",
        message: "no",
      });
    },
  ));

test("a function is found by its name and the names of the arguments", () =>
  withDatabase(
    `create function public.greet(name text, polite bool default false) returns text
     language sql as 'select name';
     create function public.twice(a int) returns int language sql as 'select 1';
     create function public.twice(a text) returns int language sql as 'select 2';
     create function public.on_change() returns trigger language plpgsql
     as 'begin return new; end';
     create schema hidden;
     create function hidden.secret() returns int language sql as 'select 1';`,
    async (database) => {
      const client = clientOf(database);
      const wrong = await client.rpc("greet", { nam: "Ada" });
      assert.equal(wrong.status, 404);
      assert.deepEqual({ ...wrong.error }, {
        code: "PGRST202",
        details:
          "Searched for the function public.greet with parameter nam or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.",
        hint: "Perhaps you meant to call the function public.greet(name, polite)",
        message: "Could not find the function public.greet(nam) in the schema cache",
        ...("name" in wrong.error! ? { name: wrong.error.name } : {}),
      });
      const near = await client.rpc("greeet");
      assert.equal(
        near.error?.message,
        "Could not find the function public.greeet without parameters in the schema cache",
      );
      assert.equal(
        near.error?.hint,
        "Perhaps you meant to call the function public.greet",
      );
      for (const name of ["secret", "on_change", "hidden.secret"]) {
        assert.equal((await client.rpc(name)).error?.code, "PGRST202");
      }
      const both = await client.rpc("twice", { a: 1 });
      assert.equal(both.status, 300);
      assert.equal(both.error?.code, "PGRST203");
      assert.equal(
        both.error?.message,
        "Could not choose the best candidate function between: public.twice(a => integer), public.twice(a => text)",
      );
    },
  ));

test("what the embedded database does not serve is said so", () =>
  withDatabase(WHO, async (database) => {
    const client = clientOf(database);
    const table = await client.from("bookings").select();
    assert.deepEqual([table.status, table.error?.code], [404, "PGRST205"]);
    const schema = await client.schema("auth").rpc("uid");
    assert.deepEqual([schema.status, schema.error?.code], [406, "PGRST106"]);
    const path = "/rest/v1/rpc/who";
    const cases: [
      path: string,
      init: RequestInit,
      status: number,
      code: string,
    ][] = [
      [path, { method: "PUT" }, 405, "PGRST101"],
      [`${path}?select=role`, {}, 400, "PGRST127"],
      [path, { body: "{" }, 400, "PGRST102"],
      [path, { body: "7" }, 400, "PGRST102"],
      [path, { headers: { accept: "text/csv" } }, 406, "PGRST107"],
      ["/rest/v1/", {}, 404, "PGRST126"],
      ["/auth/v1/user", {}, 404, "PGRST125"],
    ];
    for (const [path, init, status, code] of cases) {
      const answer = await post(database, path, init);
      assert.equal(answer.status, status, code);
      assert.equal((answer.body as { code: string }).code, code);
    }
    await assert.rejects(
      database.fetch("https://example.com/rest/v1/rpc/who"),
      /Cannot fetch "https:\/\/example.com"/,
    );
  }));

test("a call is one transaction: an error leaves nothing, also one at commit", () =>
  withDatabase(
    `create table public.t (
       id int primary key, up int references public.t deferrable initially deferred);
     create function public.add(id int, up int, fail bool) returns void
     language plpgsql security definer as $$
     begin
       insert into public.t values (id, up);
       if fail then raise 'stop'; end if;
     end $$;`,
    async (database) => {
      const client = clientOf(database);
      const add = (id: number, up: number | null, fail: boolean) =>
        client.rpc("add", { id, up, fail });
      assert.equal((await add(1, null, true)).error?.code, "P0001");
      assert.equal((await add(2, 99, false)).status, 409);
      assert.equal((await add(3, null, false)).status, 204);
      assert.deepEqual(await database.query("select id from public.t"), [
        { id: 3 },
      ]);
    },
  ));

test("calls run in turn, on one session that nobody cleans", () =>
  withDatabase(
    `create function public.soil() returns void language plpgsql security definer as $$
     begin
       perform set_config('lock_timeout', '7s', false);
       create temporary table litter ();
     end $$;
     create sequence public.turns;
     grant usage on sequence public.turns to service_role;
     create function public.turn() returns int language sql as $$
       select nextval('public.turns')
     $$;`,
    async (database) => {
      const client = clientOf(database);
      await client.rpc("soil");
      assert.deepEqual(
        await database.query(
          "select current_setting('lock_timeout') as timeout, to_regclass('pg_temp.litter') is not null as litter",
        ),
        [{ timeout: "7s", litter: true }],
      );
      // Which one comes first is open: keys are checked before calls queue up.
      const turns = await Promise.all([1, 2, 3, 4, 5].map(() => client.rpc("turn")));
      assert.deepEqual(turns.map(({ data }) => data).sort(), [1, 2, 3, 4, 5]);
    },
  ));

test("an aborted call that waits does not run, and rejects with the reason", () =>
  withDatabase(
    `create table public.calls (id int);
     create function public.log(id int) returns void language sql security definer
     as 'insert into public.calls values (id)';`,
    async (database) => {
      const log = (id: number, signal: AbortSignal) =>
        database.fetch(`${database.url}/rest/v1/rpc/log`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ id }),
          signal,
        });
      await assert.rejects(log(1, AbortSignal.abort()), { name: "AbortError" });
      const controller = new AbortController();
      const first = log(2, new AbortController().signal);
      const second = log(3, controller.signal);
      controller.abort();
      await assert.rejects(second, { name: "AbortError" });
      assert.equal((await first).status, 204);
      assert.deepEqual(await database.query("select id from public.calls"), [
        { id: 2 },
      ]);
    },
  ));

test("roles and default privileges are those of a hosted project", () =>
  withDatabase(
    `create table public.t (id int);
     create function public.f() returns int language sql as 'select 1';
     create function public.read() returns bigint language sql
     as 'select count(*) from public.t';`,
    async (database) => {
      const [row] = await database.query(`
        select
          current_user as owner,
          (select rolsuper from pg_roles where rolname = 'postgres') as superuser,
          (select rolbypassrls from pg_roles where rolname = 'service_role') as bypass,
          array(
            select grantee::regrole::text
            from pg_proc, aclexplode(proacl)
            where proname = 'f' and grantee <> 0 order by 1
          ) as callers,
          (select relacl from pg_class where relname = 't') as table_grants,
          current_setting('server_version_num')::int / 10000 as major`);
      assert.deepEqual(row, {
        owner: "postgres",
        superuser: false,
        bypass: true,
        callers: ["anon", "authenticated", "postgres", "service_role"],
        table_grants: null,
        major: 18,
      });
      assert.equal((await clientOf(database).rpc("read")).status, 403);

      // `from public` alone leaves the door open, as the roles are granted by name.
      const anon = clientOf(database, database.anonKey);
      await database.exec("revoke execute on function public.f from public");
      assert.equal((await anon.rpc("f")).data, 1);
      await database.exec("revoke execute on function public.f from anon");
      const refused = await anon.rpc("f");
      assert.equal(refused.status, 401);
      assert.equal(
        refused.error?.message,
        "permission denied for function f",
      );
      assert.equal((await clientOf(database).rpc("f")).data, 1);
    },
  ));

test("migrations find what a project has, and may not touch what is managed", () =>
  withDatabase("", async (database) => {
    await database.exec(`
      create table public.profiles (
        id uuid primary key default uuid_generate_v4(),
        token uuid default gen_random_uuid(),
        secret text default crypt('x', gen_salt('bf', 4)),
        user_id uuid references auth.users on delete cascade
      );
      alter table public.profiles enable row level security;
      create policy own on public.profiles using (auth.uid() = user_id);
      alter publication supabase_realtime add table public.profiles;
      insert into auth.users (id, email)
        values ('b7c9a1d0-3f52-4c0e-9d4c-6c1d2f0f9a11', 'ada@example.com');
      create function public.on_user() returns trigger language plpgsql
        as 'begin return new; end';
      create trigger on_user after insert on auth.users
        for each row execute function public.on_user();
      insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
      create policy own on storage.objects for select to authenticated
        using ((storage.foldername(name))[1] = auth.uid()::text);
      create extension if not exists "uuid-ossp";
      create extension if not exists pg_trgm with schema extensions;
    `);
    const [row] = await database.query(`
      select
        storage.foldername('a/b/c.tar.gz') as folders,
        storage.filename('a/b/c.tar.gz') as file,
        storage.extension('a/b/c.tar.gz') as extension,
        storage.foldername('c.txt') as none,
        (select count(*)::int from pg_publication_tables
          where pubname = 'supabase_realtime') as published,
        (select relrowsecurity from pg_class
          where oid = 'storage.objects'::regclass) as secured`);
    assert.deepEqual(row, {
      folders: ["a", "b"],
      file: "c.tar.gz",
      extension: "gz",
      none: [],
      published: 1,
      secured: true,
    });
    for (
      const sql of [
        "create table auth.mine (id int)",
        "create function storage.mine() returns int language sql as 'select 1'",
        "alter table auth.users add column mine int",
        "create role mine superuser",
      ]
    ) {
      await assert.rejects(database.exec(sql), { code: "42501" }, sql);
    }
  }));

test("a database in a folder keeps what was committed", () =>
  withFolder(async (path) => {
    {
      await using database = await openEmbedded({ path });
      assert.equal(database.isNew, true);
      await database.exec("create table public.kept (id int)");
    }
    await using database = await openEmbedded({ path });
    assert.equal(database.isNew, false);
    assert.deepEqual(await database.query("select * from public.kept"), []);
    assert.equal((await clientOf(database).rpc("x")).status, 404);
  }));

test("a process killed in mid-transaction loses that transaction alone", () =>
  withFolder(async (path) => {
    const child = spawn(
      path,
      `const database = await openEmbedded({ path });
       await database.exec("create table public.kept (id int, filler text)");
       await database.exec("insert into public.kept values (1, 'committed')");
       say("committed");
       await database.exec(\`begin;
         insert into public.kept select 2, repeat('x', 1000) from generate_series(1, 1e9);
         commit\`);`,
    );
    await killAfterWord(child, async () => {
      // It is in mid-transaction once the rows begin to fill the disk.
      const before = await sizeOf(path);
      while (await sizeOf(path) < before + 8_000_000);
    });
    await using database = await openEmbedded({ path });
    assert.equal(database.isNew, false);
    assert.deepEqual(await database.query("select * from public.kept"), [
      { id: 1, filler: "committed" },
    ]);
  }));

test("a folder is open once: another process, another name and this one are refused", () =>
  withFolder(async (path) => {
    const child = spawn(
      path,
      `const database = await openEmbedded({ path });
       say(String(Deno.pid));
       await Deno.stdin.read(new Uint8Array(1));
       await database.close();`,
    );
    await killAfterWord(child, async (pid) => {
      await assert.rejects(openEmbedded({ path }), (error) => {
        assert.ok(error instanceof LockHeldError);
        assert.equal(
          error.message,
          `Cannot open the embedded database "${path}": another process (pid ${pid}) uses it`,
        );
        assert.equal(error.holder, `process ${pid}`);
        return true;
      });
    });
    // The kernel took the lock from the killed process.
    await using _database = await openEmbedded({ path });
    await symlink(path, `${path}-link`);
    await assert.rejects(
      openEmbedded({ path: `${path}-link` }),
      /this process has it open already/,
    );
  }));

test("a half-created database is begun anew", () =>
  withFolder(async (path) => {
    const child = spawn(
      path,
      `setInterval(async () => {
         try { await Deno.stat(path + "/data/PG_VERSION"); say("half") } catch {}
       }, 1);
       await openEmbedded({ path });
       say("whole");
       await new Promise(() => {});`,
    );
    await killAfterWord(child);
    // However far it came, it looks so without the marker that is written last.
    await rm(join(path, "database.json"), { force: true });
    await writeFile(join(path, "data", "leftover"), "");
    await using database = await openEmbedded({ path });
    assert.equal(database.isNew, true);
    await database.exec("select uuid_generate_v4()");
    await assert.rejects(stat(join(path, "data", "leftover")));
  }));

test("a folder that is not the database's is refused and left alone", () =>
  withFolder(async (path) => {
    await mkdir(join(path, "data"), { recursive: true });
    await writeFile(join(path, "data", "thesis.txt"), "years of work");
    await assert.rejects(openEmbedded({ path }), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.equal(
        error.message,
        `Cannot open the embedded database "${path}": the folder holds something else ("data")`,
      );
      return true;
    });
    assert.deepEqual(await readdir(path), ["data"]);
    assert.deepEqual(await readdir(join(path, "data")), ["thesis.txt"]);

    const file = `${path}.txt`;
    await writeFile(file, "");
    await assert.rejects(openEmbedded({ path: file }), ConfigurationError);
  }));

test("a database of another PostgreSQL, or a damaged one, is refused", () =>
  withFolder(async (path) => {
    await (await openEmbedded({ path })).close();
    const version = join(path, "data", "PG_VERSION");
    await writeFile(version, "17\n");
    await assert.rejects(openEmbedded({ path }), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(
        error.message,
        /it was written by PostgreSQL 17, and this version runs PostgreSQL 18$/,
      );
      assert.match(error.hint ?? "", /^Delete the folder/);
      return true;
    });
    await rm(version);
    await assert.rejects(openEmbedded({ path }), /data\/PG_VERSION is missing/);
    await writeFile(version, "18\n");
    await (await openEmbedded({ path })).close();
  }));

test("a closed database refuses calls, and closing twice is closing once", async () => {
  const database = await openEmbedded();
  const running = database.query("select 1 as one");
  await Promise.all([database.close(), database.close()]);
  assert.deepEqual(await running, [{ one: 1 }]);
  await assert.rejects(database.query("select 1"), /is closed/);
  const { error } = await clientOf(database).rpc("who");
  assert.match(error?.message ?? "", /The embedded database is closed/);
});

Deno.test("A statement that takes its time outside a transaction runs once on the embedded database", async () => {
  await using migrator = createMigrator({
    embedded: true,
    migrations: {
      "001_t.sql": "create table t (id int);",
      "002_once.sql": `do $$ begin
        insert into t values (1);
        commit;
        perform count(*) from generate_series(1, 4000000);
      end $$;`,
      "003_seen.sql": "do $$ begin assert (select count(*) from t) = 1; end $$;",
    },
  });
  const { results } = await migrator.migrate();
  assert.deepEqual(results.map(({ success, error }) => [success, error]), [
    [true, null],
    [true, null],
    [true, null],
  ]);
  assert.ok(results[1]!.executionTimeMs > 0);
});

Deno.test("A migrator on the embedded database runs what needs to be outside a transaction", async () => {
  await using migrator = createMigrator({
    embedded: true,
    migrations: {
      "001_items.sql": "create table items (id int);",
      "002_index.sql": "create index concurrently items_id on items (id);\nanalyze items;",
      "003_other.sql": "vacuum items;\nreindex table concurrently items;",
    },
  });
  const { results } = await migrator.migrate();
  assert.deepEqual(results.map(({ success, steps }) => [success, steps.total]), [
    [true, 1],
    [true, 2],
    [true, 2],
  ]);

  await using failing = createMigrator({
    embedded: true,
    migrations: { "001_a.sql": "create index concurrently on missing (id);" },
  });
  assert.equal((await failing.migrate()).results[0]!.error?.code, "42P01");
});
