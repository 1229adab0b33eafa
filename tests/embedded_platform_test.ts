import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { PIECES } from "../lib/embedded/platform/pieces.ts";
import { STAND_IN_SCRIPTS } from "../lib/embedded/platform/stand_ins.ts";
import { createMigrator, type Migrator, type ProgressEvent } from "../mod.ts";

/** Runs migrations on an embedded database in memory, and hands on what was told meanwhile. */
async function migrate(
  migrations: Record<string, string>,
  then: (migrator: Migrator, notices: string[]) => Promise<void> = async () => {},
): Promise<void> {
  const notices: string[] = [];
  await using migrator = createMigrator({
    embedded: true,
    migrations,
    onProgress: (event: ProgressEvent) => {
      if (event.type === "notice") notices.push(event.message);
    },
  });
  const { results } = await migrator.migrate();
  for (const { name, error } of results) {
    assert.equal(error, null, `${name}: ${error?.message}\n${error?.detail}\n${error?.context}`);
  }
  await then(migrator, notices);
}

/** A migration that fails where the values differ. */
function expecting(rows: Record<string, string>): string {
  return Object.entries(rows).map(([query, value]) =>
    `do $check$ declare got text := (${query}); begin
       if got is distinct from ${value === "null" ? "null" : `'${value}'`} then
         raise exception '% is %', $query$${query}$query$, got;
       end if;
     end $check$;`
  ).join("\n");
}

const EXTENSIONS = PIECES.filter(({ kind }) => kind === "extension");

Deno.test("every extension of the list can be created, in whichever schema, and dropped", async () => {
  const migrations: Record<string, string> = {};
  for (const [index, { name }] of EXTENSIONS.entries()) {
    const number = String(index + 1).padStart(3, "0");
    migrations[`${number}_${name}.sql`] =
      `create extension if not exists "${name}" with schema extensions cascade;` +
      `drop extension if exists "${name}" cascade;` +
      `create extension "${name}" schema extensions cascade;` +
      `comment on extension "${name}" is 'ours';`;
  }
  // What they are created in by their own control file is not to be had elsewhere.
  for (const name of ["pgmq", "tcn"]) {
    const key = Object.keys(migrations).find((file) => file.endsWith(`_${name}.sql`))!;
    migrations[key] = migrations[key]!.replaceAll(/ (with )?schema extensions/g, "");
  }
  await migrate(migrations);
});

Deno.test("every stand-in is on the list, and all but the schemas are there", () => {
  assert.deepEqual(
    STAND_IN_SCRIPTS.map(({ name }) => name).sort(),
    EXTENSIONS.filter(({ standing }) => standing !== "real").map(({ name }) => name).sort(),
  );
});

Deno.test("docs/embedded.md lists every piece of the platform, and how much of it there is", async () => {
  const page = await readFile(new URL("../docs/embedded.md", import.meta.url), "utf8");
  const listed = page.matchAll(/^\| `([^`]+)` *\| (\S+) *\| (.*?) *\|$/gm);
  assert.deepEqual(
    [...listed].map(([, name, standing, here]) => ({ name, standing, here })),
    PIECES.filter(({ standing }) => standing !== "real")
      .map(({ name, standing, here }) => ({ name, standing, here })),
  );
  const real = /^Real: (.*?)\.\n/ms.exec(page)?.[1]?.replaceAll("\n", " ").split(", ");
  assert.deepEqual(
    real,
    PIECES.filter(({ standing }) => standing === "real").map(({ name }) => `\`${name}\``),
  );
});

Deno.test("versions that other servers have are the one that there is", () =>
  migrate({
    "001_versions.sql": `
      create extension pg_net with schema extensions version '0.7.1';
      alter extension pg_net update to '0.14.0';
      alter extension pg_net update;
      create extension vector version '0.5.1';
      create extension pg_cron version "1.4-1";`.replace('"1.4-1"', "'1.4'"),
    "002_check.sql": expecting({
      "select extversion from pg_extension where extname = 'pg_net'": "0.19.5",
      "select count(*) from pg_extension where extname in ('vector', 'pg_cron')": "2",
    }),
  }));

Deno.test("an extension is found whose name is in a DO block, or asked for from the list", () =>
  migrate({
    "001_block.sql": `
      do $$ begin
        if exists (select from pg_available_extensions where name = 'pg_cron') then
          execute format('create extension if not exists %I', 'pg_cron');
        end if;
      end $$;`,
    "002_check.sql": expecting({
      "select count(*) from pg_extension where extname = 'pg_cron'": "1",
    }),
  }));

Deno.test("jobs, requests, queues and secrets are kept as on a project", () =>
  migrate({
    "001_extensions.sql": `
      create extension if not exists pg_cron with schema pg_catalog;
      grant usage on schema cron to postgres;
      grant all privileges on all tables in schema cron to postgres;
      create extension if not exists pg_net with schema extensions;
      create extension if not exists pgmq;
      create extension if not exists supabase_vault with schema vault;`,
    "002_use.sql": `
      select cron.schedule('nightly', '0 3 * * *', $$select 1$$);
      select cron.schedule('nightly', '0 4 * * *', $$select 2$$);
      select cron.schedule('often', '30 seconds', 'select 3');
      select cron.unschedule('often');
      select net.http_post(
        url := 'https://example.com/hook',
        headers := jsonb_build_object('Authorization', 'Bearer x'),
        body := '{"a": 1}'::jsonb);
      select pgmq.create('mails');
      select pgmq.send('mails', '{"to": "ada"}');
      grant execute on function pgmq.pop(text) to service_role;
      select vault.create_secret('s3cret', 'key', 'for the hook');`,
    "003_check.sql": expecting({
      "select string_agg(jobname || ' ' || schedule || ' ' || command || ' ' || username, ',') from cron.job":
        "nightly 0 4 * * * select 2 postgres",
      "select url || ' ' || convert_from(body, 'utf8') from net.http_request_queue":
        'https://example.com/hook {"a": 1}',
      "select headers ->> 'Content-Type' from net.http_request_queue": "application/json",
      "select message ->> 'to' from pgmq.pop('mails')": "ada",
      "select count(*) from pgmq.pop('mails')": "0",
      "select decrypted_secret from vault.decrypted_secrets where name = 'key'": "s3cret",
    }),
    "004_refused.sql": `
      do $$ begin
        perform cron.schedule('never', 'every day', 'select 1');
        raise 'was taken';
      exception when invalid_parameter_value then null;
      end $$;
      do $$ begin
        perform cron.unschedule('unknown');
        raise 'was taken';
      exception when others then
        if sqlerrm not like 'could not find valid entry for job%' then raise; end if;
      end $$;`,
  }));

Deno.test("vectors are real", () =>
  migrate({
    "001_vectors.sql": `
      create extension vector with schema extensions;
      create table documents (id int primary key, embedding extensions.vector(3));
      create index on documents using hnsw (embedding vector_cosine_ops);
      create index on documents using ivfflat (embedding vector_l2_ops) with (lists = 1);
      insert into documents values (1, '[1,0,0]'), (2, '[0,1,0]');`,
    "002_check.sql": expecting({
      "select id from documents order by embedding <=> '[0,0.9,0.1]' limit 1": "2",
    }),
  }));

Deno.test("the first use of a stand-in is told, once, and what is real is not", () =>
  migrate(
    {
      "001_cron.sql": "create extension pg_cron; create extension pg_trgm;",
      "002_cron.sql": "select cron.schedule('a', '* * * * *', 'select 1');",
      "003_secret.sql": "select vault.create_secret('a');",
      "004_words.sql": "-- create the table before the http extension\nselect 1;",
    },
    (_, notices) => {
      assert.deepEqual(notices.filter((notice) => /stand-in/.test(notice)), [
        "The embedded database has a stand-in for pg_cron: jobs are kept in cron.job, and nothing runs them",
        "The embedded database has a stand-in for supabase_vault: secrets are kept in vault.secrets, in the clear",
      ]);
      return Promise.resolve();
    },
  ));

Deno.test("postgres may do in the platform's schemas what it may on a project", () =>
  migrate({
    "001_managed.sql": `
      create function public.on_user() returns trigger language plpgsql security definer
        as 'begin return new; end';
      create trigger on_user after insert on auth.users
        for each row execute function public.on_user();
      drop trigger on_user on auth.users;
      create or replace trigger on_user after insert on auth.users
        for each row execute function public.on_user();
      create policy mine on auth.users for select using (id = auth.uid());
      create policy own on storage.objects for all to authenticated
        using (bucket_id = 'avatars' and (storage.foldername(name))[1] = auth.uid()::text);
      insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
        values ('avatars', 'avatars', true, 1048576, '{image/png}') on conflict (id) do nothing;
      create policy listen on realtime.messages for select to authenticated
        using (realtime.topic() = 'room');
      select realtime.send('{"a": 1}', 'event', 'room', false);
      create table public.notes (
        id uuid primary key, session_id uuid references auth.sessions, factor uuid references auth.mfa_factors
      );
      create trigger hook after insert on public.notes for each row
        execute function supabase_functions.http_request(
          'https://example.com', 'POST', '{"Content-Type":"application/json"}', '{}', '1000');
      insert into public.notes values (gen_random_uuid());
      create table if not exists supabase_functions.hooks (id bigserial primary key);
      alter publication supabase_realtime add table public.notes;
      alter role authenticator set pgrst.db_schemas = 'public, api';
      alter role authenticated set statement_timeout = '10s';
      set session_replication_role = replica;
      reset session_replication_role;
      grant usage on schema public to supabase_auth_admin;
      drop extension if exists pg_net;
      drop extension if exists pg_stat_statements;`,
    "002_check.sql": expecting({
      "select count(*) from realtime.messages": "1",
      "select hook_name from supabase_functions.hooks": "hook",
      "select string_agg(name, ',') from storage.search('', 'avatars')": "null",
    }),
  }));

Deno.test("postgres makes event triggers, foreign data wrappers and publications of all tables", () =>
  migrate({
    "001_superuser.sql": `
      create function public.secure_new_tables() returns event_trigger language plpgsql as $$
      declare made record;
      begin
        for made in select * from pg_event_trigger_ddl_commands() where object_type = 'table' loop
          execute format('alter table %s enable row level security', made.object_identity);
        end loop;
      end $$;
      create event trigger secure_new_tables on ddl_command_end when tag in ('CREATE TABLE')
        execute function public.secure_new_tables();
      create extension wrappers with schema extensions;
      create foreign data wrapper stripe handler extensions.stripe_fdw_handler
        validator extensions.stripe_fdw_validator;
      create server stripe foreign data wrapper stripe options (api_key_name 'stripe');
      create foreign table public.customers (id text) server stripe options (object 'customers');
      create publication everything for all tables;`,
    "002_table.sql": "create table public.later (id int);",
    "003_check.sql": expecting({
      "select relrowsecurity from pg_class where oid = 'public.later'::regclass": "true",
      "select rolsuper from pg_roles where rolname = 'postgres'": "false",
    }),
  }));
