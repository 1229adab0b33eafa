import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import {
  automaticRlsProject,
  supautilsProject,
  testOnEveryDatabase,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";

const transactions = ["each", "batch"] as const;

testOnEveryDatabase(
  "BEGIN and COMMIT around a whole file are left out, with a notice",
  async (project) => {
    const result = await project.migrator({
      "1_a.sql": "begin;\ncreate table a ();\ncreate table b ();\ncommit;",
      "2_c.sql": "BEGIN;\ncreate table c ();\nselect 1/0;\nCOMMIT;",
    }).migrate();
    assert.deepEqual(result.results.map(({ success }) => success), [true, false]);
    assert.match(result.results[0]?.notices.join() ?? "", /BEGIN and COMMIT were left out/);
    assert.deepEqual(await project.sql("select to_regclass('public.c') as c"), [{ c: null }]);
  },
);

for (const transaction of transactions) {
  testOnEveryDatabase(
    `a dump's preamble leaks into no later migration (${transaction})`,
    async (project) => {
      const result = await project.migrator({
        "1_dump.sql": `
        SET statement_timeout = 0;
        SET lock_timeout = 0;
        SET client_encoding = 'UTF8';
        SET standard_conforming_strings = on;
        SELECT pg_catalog.set_config('search_path', '', false);
        SET check_function_bodies = false;
        SET xmloption = content;
        SET client_min_messages = warning;
        SET row_security = off;
        SET default_tablespace = '';
        CREATE TABLE public.a (id integer NOT NULL);
      `,
        "2_next.sql": `
        create table b (id uuid default uuid_generate_v4());
        create table settings as select
          current_setting('search_path') as search_path,
          current_setting('row_security') as row_security,
          current_setting('check_function_bodies') as check_function_bodies,
          current_setting('lock_timeout') as lock_timeout;
      `,
      }).migrate({ transaction });
      assert.equal(result.success, true, JSON.stringify(result.results));
      const [{ search_path, ...settings } = {}] = await project.sql(
        "select * from public.settings",
      );
      assert.match(`${search_path}`, /^"\\?\$user", public, extensions$/); // as postgres has it
      assert.deepEqual(settings, {
        row_security: "on",
        check_function_bodies: "on",
        lock_timeout: "8s",
      });
    },
  );

  testOnEveryDatabase(
    `temporary tables end with their migration (${transaction})`,
    async (project) => {
      const result = await project.migrator({
        "1_a.sql": "create temp table scratch (id int); insert into scratch values (1);",
        "2_b.sql": "create temp table scratch (id int); create table kept as table scratch;",
        "3_c.sql": "insert into scratch values (3);",
      }).migrate({ transaction });
      assert.deepEqual(result.results.map(({ success }) => success), [true, true, false]);
      assert.equal(result.results[2]?.error?.code, "42P01");
      assert.deepEqual(await project.sql("select * from public.kept"), []);
    },
  );

  testOnEveryDatabase(
    `a deferred constraint is checked at its migration's end (${transaction})`,
    async (project) => {
      const result = await project.migrator({
        "1_tables.sql": `
        create table parent (id int primary key);
        create table child (parent int constraint child_parent references parent
          deferrable initially deferred);
      `,
        "2_orphan.sql": "insert into child values (1);",
        "3_never.sql": "create table never ();",
      }).migrate({ transaction });
      assert.deepEqual(result.results.map(({ name, success }) => [name, success]), [
        ["1_tables.sql", true],
        ["2_orphan.sql", false],
      ]);
      const { code, part, message, detail } = result.results[1]!.error!;
      assert.deepEqual([code, part], ["23503", "end"]);
      assert.match(message + detail, /child_parent.*\(1\)/s);
      assert.deepEqual(await project.sql("select * from public.child"), []);
    },
  );

  testOnEveryDatabase(
    `a later migration can defer as its constraints say (${transaction})`,
    async (project) => {
      const result = await project.migrator({
        "1_tables.sql": `
        create table parent (id int primary key);
        create table child (parent int references parent deferrable initially deferred);
        insert into child values (1);
        insert into parent values (1);
      `,
        "2_more.sql": "insert into child values (2); insert into parent values (2);",
      }).migrate({ transaction });
      assert.equal(result.success, true, JSON.stringify(result.results));
    },
  );

  testOnEveryDatabase(
    `a constraint made by a later migration can be deferred (${transaction})`,
    async (project) => {
      const result = await project.migrator({
        "1_before.sql": "create table before ();",
        "2_tables.sql": `
        create table parent (id int primary key);
        create table child (parent int references parent deferrable initially deferred);
        insert into child values (1);
        insert into parent values (1);
      `,
      }).migrate({ transaction });
      assert.equal(result.success, true, JSON.stringify(result.results));
    },
  );
}

testOnEveryDatabase(
  "two constraints may have one name and only one be deferred",
  async (project) => {
    const result = await project.migrator({
      "1_tables.sql": `
      create table owners (id int primary key);
      create table a (owner int, constraint owner_fk foreign key (owner) references owners
        deferrable initially deferred);
      create table b (owner int, constraint owner_fk foreign key (owner) references owners);
    `,
      "2_next.sql": "create table c ();",
    }).migrate();
    assert.equal(result.success, true, JSON.stringify(result.results));
  },
);

testOnEveryDatabase(
  "constraints that a migration itself defers are checked too",
  async (project) => {
    const result = await project.migrator({
      "1_tables.sql": `
      create table parent (id int primary key);
      create table child (parent int constraint child_parent references parent deferrable);
    `,
      "2_good.sql": `
      set constraints all deferred;
      insert into child values (1);
      insert into parent values (1);
    `,
      "3_orphan.sql": "set constraints child_parent deferred; insert into child values (2);",
    }).migrate();
    assert.deepEqual(result.results.map(({ success }) => success), [true, true, false]);
    assert.deepEqual(result.results[2]?.error?.code, "23503");
  },
);

for (const reset of ["reset all", "reset search_path", "set search_path to default"]) {
  testOnEveryDatabase(`"${reset}" leads back to the search_path of postgres`, async (project) => {
    const { success, results } = await project.migrator({
      "1_a.sql": `
        set search_path = '';
        ${reset};
        create table ids as select uuid_generate_v4() as id;
      `,
    }).migrate();
    assert.equal(success, true, JSON.stringify(results));
    assert.equal((await project.sql("select from public.ids")).length, 1);
  });
}

testOnEveryDatabase(
  "a new enum value cannot be used in the block that adds it, and that is said",
  async (project) => {
    const result = await project.migrator({
      "1_type.sql": "create type mood as enum ('calm'); create table moods (mood mood);",
      "2_value.sql":
        "begin; alter type mood add value 'glad';\n\ninsert into moods values ('glad'); commit;",
    }).migrate();
    assert.deepEqual(result.results.map(({ success }) => success), [true, false]);
    const { code, line, statement } = result.results[1]!.error!;
    assert.deepEqual({ code, line, statement }, { code: "55P04", line: 3, statement: 2 });
    const labels = await project.sql(
      "select enumlabel from pg_enum join pg_type t on t.oid = enumtypid where typname = 'mood'",
    );
    assert.deepEqual(labels, [{ enumlabel: "calm" }]);

    const split = await project.migrator({
      "1_type.sql": "create type mood as enum ('calm'); create table moods (mood mood);",
      "2_value.sql": "alter type mood add value 'glad';",
      "3_use.sql": "insert into moods values ('glad');",
    }).migrate();
    assert.equal(split.success, true);
  },
);

testOnEveryDatabase("migrations use what a Supabase project has", async (project) => {
  const result = await project.migrator({
    "1_profiles.sql": `
      create table public.profiles (
        id uuid primary key references auth.users (id) on delete cascade,
        code uuid not null default uuid_generate_v4(),
        digest bytea default digest('a', 'sha256')
      );
      alter table public.profiles enable row level security;
      create policy "Own profile" on public.profiles
        for select to authenticated using ((select auth.uid()) = id);
      grant select on public.profiles to authenticated;
    `,
    "2_sign_up.sql": `
      create function public.handle_new_user() returns trigger
      language plpgsql security definer set search_path = '' as $$
      begin
        insert into public.profiles (id) values (new.id); -- don't; split here
        return new;
      end;
      $$;
      create trigger on_auth_user_created after insert on auth.users
        for each row execute function public.handle_new_user();
    `,
    "3_storage.sql": `
      insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
      create policy "Own folder" on storage.objects for insert to authenticated
        with check (bucket_id = 'avatars' and (select auth.uid()::text) = (storage.foldername(name))[1]);
    `,
    "4_realtime.sql": "alter publication supabase_realtime add table public.profiles;",
    "5_user.sql": "insert into auth.users (id, email) values (gen_random_uuid(), 'a@example.com');",
  }).migrate();
  assert.equal(result.success, true, JSON.stringify(result.results));
  assert.equal((await project.sql("select from public.profiles")).length, 1);
}, supautilsProject);

for (const transaction of transactions) {
  testOnServers(
    `with automatic RLS what a migration creates is closed to anon (--transaction ${transaction})`,
    async (project) => {
      const result = await project.migrator({
        "1_made.sql": `
          create table public.made (id int);
          grant select on public.made to anon;
          insert into public.made values (1);
        `,
        "2_copied.sql": `
          create table public.copied as select * from public.made;
          grant select on public.copied to anon;
        `,
      }).migrate({ transaction });
      assert.equal(result.success, true, JSON.stringify(result.results));
      await project.reloadSchema();
      for (const table of ["made", "copied"]) {
        const { data } = await project.client(project.anonKey).from(table).select();
        assert.deepEqual(data, []);
        assert.deepEqual(await project.sql(`select * from public.${table}`), [{ id: 1 }]);
      }
    },
    automaticRlsProject,
  );
}

testOnEveryDatabase("statements see the effect of those before them", async (project) => {
  const result = await project.migrator({
    "1_a.sql": `
      create table a (id int);
      insert into a values (1), (2);
      alter table a add column twice int;
      update a set twice = 2 * id;
      alter table a alter column twice set not null;
      create index on a (twice);
      drop index a_twice_idx;
      delete from a;
    `,
  }).migrate();
  assert.equal(result.success, true, JSON.stringify(result.results));
});

testOnEveryDatabase("an empty migration is recorded, with a notice", async (project) => {
  const result = await project.migrator({ "1_empty.sql": "-- nothing yet\n" }).migrate();
  assert.deepEqual(
    [result.success, result.results[0]?.notices],
    [true, ["It holds no statements"]],
  );
  assert.equal((await project.records()).history.length, 1);
});

testOnEveryDatabase("a migration of 8,000 statements is ordinary work", async (project) => {
  const statements = Array.from(
    { length: 8000 },
    (_, n) => `insert into a values (${n}, '${"x".repeat(200)}');`,
  );
  const result = await project.migrator({
    "1_a.sql": ["create table a (id int, text text);", ...statements].join("\n"),
  }).migrate();
  assert.equal(result.success, true);
  assert.deepEqual(await project.sql("select count(*)::int as n from public.a"), [{ n: 8000 }]);
});

testOnOneServer("the API knows a new table after migrate()", async (project) => {
  await project.migrator({
    "1_a.sql":
      "create table a (id int); insert into a values (1); grant select on a to service_role;",
  }).migrate();
  await until("the API to know the table", async () => {
    const { data } = await project.client(project.serviceKey).from("a").select();
    return data?.length === 1;
  });
});
