import assert from "node:assert/strict";
import { findMissing } from "../support/programs.ts";
import { toResult, Workspace } from "../support/cli.ts";
import {
  ownProject,
  type ServerProject,
  supautilsProject,
  testOnEveryDatabase,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";

// Copies of what was destroyed, as `backups` lists and drops them; and backups before a run.

const setup = {
  "1_notes.sql": "create table notes (id int primary key, body text, mood text);\n" +
    "insert into notes select n, 'note ' || n, 'good' from generate_series(1, 3) n;\n" +
    "-- ROLLBACK\ndrop table notes;",
};

testOnEveryDatabase(
  "backups() lists what is kept, and dropBackups() drops it",
  async (project) => {
    const migrator = project.migrator({
      ...setup,
      "2_less.sql": "delete from notes where id = 1;\ndrop table notes;\n-- ROLLBACK\nselect 1;",
    });
    assert.deepEqual(await migrator.backups(), []);
    await migrator.migrate();
    const describe = async () =>
      (await migrator.backups()).map(({ copy, kind, migration, line, rows, isOpen }) =>
        [copy, kind, migration, line, rows, isOpen] as const
      );
    assert.deepEqual(await describe(), [
      [null, "objects", "2_less.sql", 2, null, true],
      ["notes_2", "table", "2_less.sql", 2, 2, true],
      ["notes_1", "rows", "2_less.sql", 1, 1, true],
    ]);
    const { definition } = (await migrator.backups())[0]!;
    assert.match(definition!, /create table public\.notes \(\s+id integer not null,/);

    // The rollback section does not make the table anew: that is told, and nothing is lost.
    const { success, results } = await migrator.rollback({ steps: 1 });
    assert.equal(success, true);
    assert.deepEqual(results[0]!.putBack.map(({ putBack, reason }) => [putBack, reason]), [
      [0, "there is no such table, as the rollback has not made it anew"],
      [0, "there is no such table, as the rollback has not made it anew"],
    ]);
    await project.sql(definition!);
    await project.sql("insert into notes select * from supamigrate_backup.notes_2");
    assert.equal((await project.sql("select from notes")).length, 2);
    assert.deepEqual((await describe()).map(([name, , , , , isOpen]) => [name, isOpen]), [
      [null, false],
      ["notes_2", false],
      ["notes_1", false],
    ]);

    await project.sql(
      "update supamigrate.safety_copy set made_at = made_at - interval '31 days' where id = 1",
    );
    const { findings } = await migrator.doctor();
    assert.deepEqual(
      findings.filter(({ check }) => check === "copies").map(({ problem }) => problem),
      ["1 safety copy is older than 30 days"],
    );
    await project.sql(
      "update supamigrate.safety_copy set made_at = clock_timestamp() where id = 1",
    );

    await assert.rejects(migrator.dropBackups({ names: ["notes_9"] }), /no safety copy "notes_9"/);
    await assert.rejects(
      migrator.dropBackups({ names: ["notes_2"], confirm: () => Promise.resolve(false) }),
      /Not confirmed/,
    );
    assert.deepEqual(await migrator.dropBackups({ olderThanMs: 60_000 }), { dropped: [] });
    const { dropped } = await migrator.dropBackups({
      names: ["notes_2", "3"],
      olderThanMs: 60_000,
    });
    assert.deepEqual(dropped.map(({ id }) => id), [2, 3]);
    assert.deepEqual(await describe(), [["notes_1", "rows", "2_less.sql", 1, 1, false]]);
    assert.deepEqual(
      await project.sql("select to_regclass('supamigrate_backup.notes_2')::text as there"),
      [{ there: null }],
    );
  },
);

testOnEveryDatabase(
  "what is too large to be kept is asked about before anything is sent",
  async (project) => {
    await project.migrator(setup).migrate();
    const files = { ...setup, "2_empty.sql": "truncate notes;\n-- ROLLBACK\nselect 1;" };
    const migrator = project.migrator(files, { safetyCopyMaxBytes: 100 });
    await assert.rejects(migrator.migrate(), (error: Error & { hint?: string }) => {
      assert.match(error.message, /come to 16 KB \(public\.notes: 16 KB\).* up to 100 bytes$/);
      assert.match(error.hint!, /--safety-copy always .*--safety-copy never/);
      return true;
    });
    const asked: unknown[] = [];
    await assert.rejects(
      migrator.migrate({
        confirmCopies: ({ tables, bytes }) => {
          asked.push(tables.map(({ name }) => name), bytes > 100);
          return Promise.resolve(false);
        },
      }),
      /Not confirmed/,
    );
    assert.deepEqual(asked, [["public.notes"], true]);
    assert.equal((await project.sql("select from notes")).length, 3);
    const { results } = await migrator.migrate({ safetyCopy: "always" });
    assert.deepEqual(results[0]!.kept.map(({ relation, rows }) => [relation, rows]), [
      ["public.notes", 3],
    ]);
    await migrator.rollback({ safetyCopy: "always" });
    assert.equal((await project.sql("select from notes")).length, 3);
    await migrator.migrate({ safetyCopy: "never" });
    assert.deepEqual(await migrator.backups(), []);
  },
);

testOnEveryDatabase(
  "what is kept is closed to the API, and what fails leaves no copy",
  async (project) => {
    const migrator = project.migrator({
      ...setup,
      "2_fails.sql": "delete from notes;\nselect 1 / 0;",
    });
    assert.equal((await migrator.migrate()).migrationsFailed, 1);
    assert.deepEqual(await migrator.backups(), []);
    assert.deepEqual(
      await project.sql("select from pg_namespace where nspname = 'supamigrate_backup'"),
      [],
    );
    const emptied = project.migrator({ ...setup, "2_fails.sql": "delete from notes;" });
    await emptied.migrate();
    assert.deepEqual(
      await project.sql(`
      select rolname
        from pg_roles
       where rolname in ('anon', 'authenticated', 'service_role')
         and (has_schema_privilege(rolname, 'supamigrate_backup', 'usage')
              or has_table_privilege(rolname, 'supamigrate_backup.notes_1', 'select'))`),
      [],
    );
    await project.sql("grant usage on schema supamigrate_backup to anon");
    await assert.rejects(emptied.rollback(), /the schema supamigrate_backup is open to anon/);
  },
);

testOnEveryDatabase("a copy is not put back over what has come since", async (project) => {
  const migrator = project.migrator({
    ...setup,
    "2_less.sql": "delete from notes where id < 3;\n-- ROLLBACK\nselect 1;",
  });
  await migrator.migrate();
  await project.sql("insert into notes values (1, 'new', 'better')");
  const { results } = await migrator.rollback({ steps: 1 });
  assert.deepEqual(
    results[0]!.putBack.map(({ rows, putBack, reason }) => [rows, putBack, reason]),
    [
      [2, 1, "1 rows are there already"],
    ],
  );
  assert.deepEqual(await project.sql("select id, body from notes order by id"), [
    { id: 1, body: "new" },
    { id: 2, body: "note 2" },
    { id: 3, body: "note 3" },
  ]);
  assert.equal((await migrator.backups()).length, 1);
});

testOnEveryDatabase(
  "rows of a table that has the old one's name by now are left alone",
  async (project) => {
    const migrator = project.migrator({
      ...setup,
      "2_anew.sql": `drop table notes;
create table notes (id int primary key, body text, mood text);
-- ROLLBACK
select 1;`,
    });
    await migrator.migrate();
    await project.sql("insert into notes (id, body) values (7, 'of a customer')");
    const { results } = await migrator.rollback({ steps: 1 });
    assert.ok(results[0]!.success);
    assert.deepEqual(results[0]!.putBack.map(({ putBack, reason }) => [putBack, reason]), [
      [0, "there are rows in it that came after the migration"],
    ]);
    assert.deepEqual(await project.sql("select id, body from notes"), [{
      id: 7,
      body: "of a customer",
    }]);
    const copy = (await migrator.backups()).find(({ kind }) => kind === "table");
    assert.equal(copy?.rows, 3, "the old rows are kept still");
  },
);

testOnEveryDatabase(
  "what a rollback puts into a partitioned table that it makes anew gives way to what was there",
  async (project) => {
    const parts = `create table parted (id int primary key, body text) partition by range (id);
create table parted_1 partition of parted for values from (0) to (100);`;
    const migrator = project.migrator({
      "1_parted.sql": `${parts}\n-- ROLLBACK\ndrop table parted;`,
      "2_gone.sql":
        `drop table parted;\n-- ROLLBACK\n${parts}\ninsert into parted values (1, 'default');`,
    });
    await migrator.migrate({ to: "1" });
    await project.sql("insert into parted values (1, 'one'), (2, 'two')");
    await migrator.migrate();
    const { results } = await migrator.rollback({ steps: 1 });
    assert.deepEqual(results[0]!.putBack.map(({ putBack, reason }) => [putBack, reason]), [[
      2,
      null,
    ]]);
    assert.deepEqual(await project.sql("select id, body from parted order by id"), [
      { id: 1, body: "one" },
      { id: 2, body: "two" },
    ]);
  },
);

testOnOneServer(
  "uninstall() leaves the copies, and what is installed again keeps clear of them",
  async (project) => {
    const files = {
      ...setup,
      "2_less.sql": "delete from notes where id = 1;\n-- ROLLBACK\nselect 1;",
    };
    await using migrator = project.migrator(files, {
      databaseUrl: project.databaseUrl,
      via: "direct",
    });
    await migrator.migrate();
    assert.deepEqual(await migrator.uninstall(), { removed: true, copiesLeft: 1 });
    await migrator.install();
    await migrator.baseline("1_notes.sql");
    await project.sql("insert into notes values (1, 'again')");
    const { results } = await migrator.migrate();
    assert.deepEqual(results[0]!.kept.map(({ copy }) => copy), ["notes_2"]);
    assert.deepEqual(await project.sql("select body from supamigrate_backup.notes_1"), [
      { body: "note 1" },
    ]);
  },
);

/** Objects of every kind that a schema may have, and a column with what refers to it. */
const SHOP = `
create schema shop;
grant usage on schema shop to authenticated;
comment on schema shop is 'It''s a shop';
create type shop.mood as enum ('good', 'bad');
comment on type shop.mood is 'How it goes';
create domain shop.short as text not null default 'x' constraint not_long check (length(value) < 9);
create type shop.size as (width int, height numeric(4,1));
revoke usage on type shop.size from public;
create sequence shop.loose as smallint increment 3 cache 5 cycle;
create function shop.next() returns int language sql as 'select 1';
revoke execute on function shop.next() from public;
comment on function shop.next() is 'The next one';
create table shop.people (
  id int primary key generated by default as identity (start 10 increment 5),
  old serial,
  name shop.short collate "C",
  mood shop.mood default 'good',
  size shop.size,
  twice int generated always as (old * 2) stored,
  note text,
  constraint named unique (name) deferrable initially deferred
) with (fillfactor = 70);
alter table shop.people alter column note set storage external, alter column note set statistics 50,
  alter column note set compression pglz, alter column old set (n_distinct = 5);
alter table shop.people cluster on named;
insert into shop.people (name, size, note) values ('ann', '(1,2.5)', 'n'), ('bob', null, null);
create index by_mood on shop.people (mood) where note is null;
create statistics shop.related on mood, old from shop.people;
comment on column shop.people.note is 'A note';
comment on constraint named on shop.people is 'One of a name';
comment on index shop.by_mood is 'By mood';
alter table shop.people enable row level security;
create policy own on shop.people as restrictive for update to authenticated using (true) with check (old > 0);
comment on policy own on shop.people is 'Own ones';
grant select, insert on shop.people to authenticated;
grant update (note) on shop.people to anon;
create table shop.orders (
  id bigint generated always as identity,
  person int not null references shop.people on delete cascade,
  at date not null,
  primary key (id, at)
) partition by range (at);
create table shop.orders_1 partition of shop.orders for values from ('2026-01-01') to ('2027-01-01');
create table shop.orders_rest partition of shop.orders default;
create index on shop.orders (person);
insert into shop.orders (person, at) values (10, '2026-02-01'), (15, '2020-01-01');
create table shop.special (extra int check (extra > 0)) inherits (shop.people);
alter table shop.special replica identity full;
insert into shop.special (id, name, extra) values (1, 'eve', 1);
create view shop.happy with (security_invoker = true) as select id, name from shop.people where mood = 'good';
grant select on shop.happy to anon;
comment on view shop.happy is 'Happy ones';
create materialized view shop.counted as select count(*) as n from shop.orders;
create unique index on shop.counted (n);
create function shop.touch() returns trigger language plpgsql as 'begin new.note := ''touched''; return new; end';
create trigger touched before insert or update on shop.people for each row execute function shop.touch();
alter table shop.people disable trigger touched;
comment on trigger touched on shop.people is 'Touches';
create rule quiet as on delete to shop.special do instead nothing;
alter table shop.special disable rule quiet;
alter publication shop_changes add table shop.people (id, name) where (id > 0);
create table shelves (id int primary key, height numeric(3,1) not null, label text unique,
  taller numeric generated always as (height + 1) stored);
insert into shelves values (1, 1.5, 'one'), (2, 2, null);
comment on column shelves.height is 'In metres';
grant update (label) on shelves to authenticated;
create index on shelves (height);
`;

const missing = await findMissing(["postgresql-client"]);

testOnOneServer(
  "what backups show prints makes anew what was dropped, with rows, rights and comments",
  async (project) => {
    if (missing.length > 0 || project.stack.major > 15) return; // pg_dump reads no later server
    await project.sql(
      "create publication shop_changes; alter publication shop_changes owner to postgres;",
    );
    await using owner = await project.connect();
    await owner.sql(SHOP);
    await using workspace = await Workspace.create({
      "1_drop.sql": "drop schema shop cascade;",
      "2_column.sql": "alter table shelves drop column height cascade, drop column label;",
    });
    const dump = async () => {
      const args = ["--schema=shop", "--table=public.shelves", project.databaseUrl];
      const { stdout, success } = await new Deno.Command("pg_dump", { args }).output();
      assert.ok(success);
      return new TextDecoder().decode(stdout).replace(/^\\(un)?restrict .*$/gm, "");
    };
    const before = await dump();
    for (const name of ["1_drop.sql", "2_column.sql"]) {
      const { code, stderr } = await workspace.run(
        ["migrate", "--to", name, "--yes"],
        settings(project),
      );
      assert.equal(code, 0, stderr);
      const { stdout } = await workspace.run(["backups", "--json"], settings(project));
      const [{ id, copy }] = JSON.parse(stdout);
      const shown = await workspace.run(["backups", "show", copy ?? String(id)], settings(project));
      await owner.sql(shown.stdout);
      // A column that is made anew is the last one.
      if (name === "1_drop.sql") assert.equal(await dump(), before);
    }
    assert.deepEqual(
      await project.sql("select id, height, label, taller from shelves order by id"),
      [{ id: 1, height: "1.5", label: "one", taller: "2.5" }, {
        id: 2,
        height: "2.0",
        label: null,
        taller: "3.0",
      }],
    );
    const lines = (text: string) =>
      text.split("\n").map((line) => line.replace(/,$/, "")).toSorted();
    assert.deepEqual(lines(await dump()), lines(before));
  },
  ownProject,
  15,
);

testOnServers(
  "what backups show prints makes a table's sequence before the table, and each of them once",
  async (project) => {
    await using owner = await project.connect();
    await owner.sql(
      "create sequence counts; create table counted (id int default nextval('counts'), note text); " +
        "insert into counted (note) values ('one'), ('two')",
    );
    await using workspace = await Workspace.create({
      "1_drop.sql": "drop table counted; drop sequence counts;\n-- ROLLBACK\n" +
        "create sequence counts; create table counted (id int, note text);",
    });
    const read = () => project.sql("select id, note, nextval('counts')::int as next from counted");
    for (const command of ["migrate", "rollback", "migrate"]) {
      const { code, stderr } = await workspace.run([command, "--yes"], settings(project));
      assert.equal(code, 0, stderr);
    }
    const { stdout } = await workspace.run(["backups", "--json"], settings(project));
    const { copy } = JSON.parse(stdout).find(({ kind }: { kind: string }) => kind === "table");
    const shown = await workspace.run(["backups", "show", copy], settings(project));
    assert.equal(shown.stdout.match(/create sequence/gi)?.length, 1, shown.stdout);
    await owner.sql(shown.stdout);
    assert.deepEqual(await read(), [{ id: 1, note: "one", next: 3 }, {
      id: 2,
      note: "two",
      next: 4,
    }]);
  },
  ownProject,
);

testOnServers(
  "what backups show prints runs as far as the owner may, and says what others have to run",
  async (project) => {
    await using owner = await project.connect();
    await owner.sql(`create schema shop;
create function shop.welcome() returns trigger language plpgsql as 'begin return new; end';
create trigger welcomed after insert on auth.users for each row execute function shop.welcome();
create constraint trigger welcomed_later after insert on auth.users deferrable initially deferred
  for each row execute function shop.welcome();
create table shop.orders (id int primary key); insert into shop.orders values (1);`);
    await project.sql(`alter table auth.users enable always trigger welcomed;
      comment on trigger welcomed on auth.users is E'Two\nlines';
      create function shop.theirs() returns int language sql as 'select 1';
      create table auth.shipped (id int references shop.orders);`);
    await using workspace = await Workspace.create({ "1_drop.sql": "drop schema shop cascade;" });
    const { code, stderr } = await workspace.run(["migrate", "--yes"], settings(project));
    assert.equal(code, 0, stderr);
    const [dropped] = await project.sql(
      "select id from supamigrate.safety_copy where definition is not null",
    );
    const shown = await workspace.run(
      ["backups", "show", String(dropped!.id)],
      settings(project),
    );
    await owner.sql(shown.stdout);
    assert.deepEqual(
      await project.sql(
        `select t.tgname as name, t.tgconstraint <> 0 as later from pg_trigger t
          where tgrelid = 'auth.users'::regclass and tgname ~ '^welcomed' order by 1`,
      ),
      [{ name: "welcomed", later: false }, { name: "welcomed_later", later: true }],
    );
    assert.deepEqual(await project.sql("select id from shop.orders"), [{ id: 1 }]);
    // With what it leaves to others, by those who may, all is as it was.
    const left = shown.stdout.split("\n").filter((line) => line.startsWith("-- "));
    assert.deepEqual(left.map((line) => line.replace(/:.*/, "")).toSorted(), [
      "-- A superuser has to run",
      "-- What was dropped, as far as it is to be made anew, and its rows",
      "-- alter table auth.shipped add constraint shipped_id_fkey FOREIGN KEY (id) REFERENCES shop.orders(id);",
      "-- alter table auth.users enable always trigger welcomed;",
      "-- comment on trigger welcomed on auth.users is 'Two",
      "-- lines';",
      "-- supabase_admin has to run",
      "-- supabase_auth_admin has to run",
      "-- supabase_auth_admin has to run",
    ]);
    await project.sql(
      left.map((line) =>
        line.replace(/^-- (A superuser has to run: |[A-Z].*|\w+ has to run:$)?/, "")
      )
        .join("\n"),
    );
    assert.deepEqual(
      await project.sql(
        `select tgenabled::text as state, obj_description(oid, 'pg_trigger') as remark,
                (select count(*)::int from pg_constraint where conrelid = 'auth.shipped'::regclass) as links,
                (select proowner::regrole::text from pg_proc where oid = 'shop.theirs'::regproc) as owner
           from pg_trigger where tgname = 'welcomed'`,
      ),
      [{ state: "A", remark: "Two\nlines", links: 1, owner: "supabase_admin" }],
    );
    await project.sql("drop table auth.shipped; drop schema shop cascade");
  },
);

testOnServers(
  "migrate --backup makes a dump that can be restored, or does nothing",
  async (project) => {
    if (missing.length > 0) return;
    const closed = {
      ...setup,
      "1_notes.sql": `create schema shut;
grant usage on schema shut to authenticated;
create table shut.secrets (id int primary key);
create table notes (id int primary key, body text, mood text);
insert into notes select n, 'note ' || n, 'good' from generate_series(1, 3) n;
revoke all on notes from anon, authenticated;
create function peek() returns text language sql as 'select body from public.notes limit 1';
revoke all on function peek() from public, anon, authenticated;
create function welcome() returns trigger language plpgsql as 'begin return new; end';
create trigger welcomed after insert on auth.users for each row execute function welcome();
create function settle() returns trigger language plpgsql security definer set search_path = '' as
  'begin return new; end';
revoke all on function settle() from public, anon;
comment on function settle() is 'Settles';
create constraint trigger settled after insert on auth.users deferrable initially deferred
  for each row execute function settle();
create trigger settled_too after update on auth.users for each row execute function settle();
create trigger settled before insert on notes for each row execute function settle();
alter table notes enable always trigger settled;
create constraint trigger settled_later after insert on notes deferrable for each row execute function settle();
comment on trigger settled_later on notes is 'Later';
create policy "peek" on storage.objects for select to authenticated using (public.peek() is not null);
-- ROLLBACK
select 1;`,
    };
    await project.sql(
      "alter default privileges in schema public grant all on tables to anon, authenticated",
    );
    const { results: [applied] } = await project.migrator(closed).migrate();
    assert.equal(applied?.error ?? null, null);
    await project.sql(`
      create function public.notice() returns event_trigger language plpgsql as 'begin end';
      create event trigger noticed on ddl_command_end when tag in ('CREATE TABLE') execute function public.notice();
      alter event trigger noticed enable always;
      create table public.theirs (id int primary key, note text);
      insert into public.theirs values (1, 'theirs');
      create function public.their_count() returns bigint language sql as 'select count(*) from public.theirs';
      create publication everything for tables in schema public;
      create foreign data wrapper elsewhere;
      create server far foreign data wrapper elsewhere;
      grant usage on foreign server far to postgres;
      create foreign table public.distant (id int) server far;
      alter foreign table public.distant owner to postgres;`);
    const rights = () =>
      project.sql(`
      select (select jsonb_object_agg(oid::regclass, coalesce(relacl, acldefault('r', relowner))::text) from pg_class
               where relnamespace in ('public'::regnamespace, 'shut'::regnamespace) and relkind = 'r') as tables,
             (select jsonb_object_agg(oid::regprocedure, coalesce(proacl, acldefault('f', proowner))::text) from pg_proc
               where pronamespace = 'public'::regnamespace) as functions,
             (select nspacl::text from pg_namespace where nspname = 'shut') as shut,
             (select jsonb_agg(array[defaclrole::regrole::text, defaclnamespace::text, defaclobjtype::text, defaclacl::text]
                               order by defaclrole, defaclnamespace, defaclobjtype) from pg_default_acl) as defaults,
             (select jsonb_agg(concat(pg_get_triggerdef(oid), tgenabled, obj_description(oid, 'pg_trigger'))
                               order by tgrelid::regclass::text, tgname)
                from pg_trigger where tgname ~ '^(welcomed|settled)') as triggers,
             (select jsonb_agg(concat(pg_get_functiondef(oid), obj_description(oid, 'pg_proc')) order by oid::regproc::text)
                from pg_proc where proname ~ 'welcome|settle|restored' and pronamespace = 'public'::regnamespace) as used,
             (select jsonb_agg(evtname || evtenabled::text || evtfoid::regproc::text) from pg_event_trigger where evtname = 'noticed') as noticed,
             (select jsonb_agg(to_jsonb(p)) from pg_policies p where policyname = 'peek') as policies`);
    const before = await rights();
    await using workspace = await Workspace.create({
      ...closed,
      "2_less.sql":
        "drop table notes; drop schema shut cascade;\n-- ROLLBACK\ncreate table notes ();",
      "3_fails.sql": "select 1 / 0;",
    });
    const run = async (...allowed: string[]) => {
      const { args, ...options } = workspace.command(["migrate", "--backup", "--yes", "--json"], {
        DATABASE_URL: project.databaseUrl,
        ...settings(project),
      });
      return toResult(
        await new Deno.Command(Deno.execPath(), {
          ...options,
          args: ["run", ...allowed, ...args.slice(1)],
          stdin: "null",
        }).output(),
      );
    };
    const denied = await run();
    assert.match(
      denied.stderr,
      /Deno does not allow to run "pg_dump"\n💡 Add pg_dump to --allow-run /,
    );
    assert.equal(denied.code, 2);
    const { code, stdout, stderr } = await run("--allow-run=pg_dump,pg_restore");
    if (project.stack.major > 15) {
      assert.match(stderr, /pg_dump is version 15\..*, and the server 17/);
      assert.equal(code, 2);
      assert.equal((await project.sql("select from notes")).length, 3);
      return;
    }
    assert.equal(code, 1, stderr);
    const { backup, migrationsRun } = JSON.parse(stdout);
    assert.equal(migrationsRun, 1);
    const path = `${workspace.path}/${backup.path}`;
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert.match(
      backup.restore,
      /^sh '\.supamigrate\/backups\/[\w.-]+\.sh'$/,
    );
    const [entry] = await project.migrator(closed).history({ limit: 1 });
    assert.equal(entry?.details?.note, `backup: ${backup.path}`);
    const restore = async () => {
      const ended = await new Deno.Command("sh", {
        args: ["-c", backup.restore],
        cwd: workspace.path,
        env: { DATABASE_URL: project.databaseUrl },
      }).output();
      const decoder = new TextDecoder();
      return {
        ...ended,
        stdout: decoder.decode(ended.stdout),
        stderr: decoder.decode(ended.stderr),
      };
    };
    // What was made since and refers to what is restored is not dropped without a word.
    await project.sql("create view public.peeked as select public.peek()");
    const refused = await restore();
    assert.match(refused.stderr, /view public\.peeked depends on function public\.peek/);
    assert.match(
      refused.stderr,
      /Nothing was restored, for the reason above\. .* has to go before/,
    );
    assert.equal(refused.code, 1);
    await project.sql("drop view public.peeked");
    // The function is another one by now, and what its triggers use has to be that of the backup.
    await project.sql(
      "create or replace function public.settle() returns trigger language plpgsql as 'begin return null; end'",
    );
    await project.sql(
      "grant execute on function public.settle() to anon; update public.theirs set note = 'newer'",
    );
    const restored = await restore();
    assert.equal(restored.stdout, "Restored.\n", restored.stderr);
    assert.equal((await project.sql("select from notes")).length, 3);
    assert.deepEqual(await project.sql("select note from theirs"), [{ note: "newer" }]);
    assert.deepEqual(await rights(), before, "nothing is open to anybody that was not before");
    assert.equal((await project.migrator(closed).status()).pending.length, 0);
  },
  { ...supautilsProject, own: true },
);

function settings({ url, serviceKey }: ServerProject): Record<string, string> {
  return { SUPABASE_URL: url, SUPABASE_SERVICE_KEY: serviceKey };
}
