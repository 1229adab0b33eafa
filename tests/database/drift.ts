/** What was done to a project by hand is found, and nothing else. */

import assert from "node:assert/strict";
import { INSTALL_SCRIPT } from "../../lib/database/bootstrap.ts";
import { BASE, CHANGES, PREPARED } from "../schema/changes.ts";
import { dump } from "../support/pg_dump.ts";
import {
  describeServer,
  ordinaryProject,
  ownProject,
  supautilsProject,
  testOnEveryDatabase,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";

const MIGRATIONS = {
  "001_notes.sql": `
    create table notes (id int generated always as identity primary key, body text not null);
    alter table notes enable row level security;
    create policy own on notes for select to authenticated using (id > 0);
    create view titles as select id, left(body, 10) as title from notes;
    create function count_notes() returns bigint language sql stable set search_path = ''
      as 'select count(*) from public.notes';
    -- ROLLBACK
    drop function count_notes(); drop view titles; drop table notes;`,
};

testOnEveryDatabase(
  "drift() finds nothing in a project that migrations alone have made",
  async (project) => {
    const migrator = project.migrator(MIGRATIONS);
    await migrator.migrate();
    const { inSync, differences, migrations, doubts } = await migrator.drift();
    assert.deepEqual({ differences, doubts, migrations }, {
      differences: [],
      doubts: [],
      migrations: 1,
    });
    assert.equal(inSync, true);
  },
);

testOnOneServer(
  "drift() takes no notice of what servers note of columns by themselves",
  async (project) => {
    const migrator = project.migrator(MIGRATIONS);
    await migrator.migrate();
    // As 15.20 does, in each column of each table; nobody but a superuser can write it.
    await project.sql(`
    update pg_attribute set attoptions = array['pg_attver=25909568'] || attoptions
      from pg_class c
     where c.oid = attrelid and attnum > 0 and relnamespace = 'public'::regnamespace and relkind = 'r'`);
    const { differences } = await migrator.drift();
    assert.deepEqual(differences, []);
    assert.deepEqual((await migrator.status()).warnings, []);
  },
  ordinaryProject,
  15,
);

/** What the embedded database is made with, as projects are. */
const SINCE = `
  alter default privileges for role postgres in schema public
    revoke all on tables from anon, authenticated, service_role;
  alter default privileges for role postgres in schema public
    revoke all on sequences from anon, authenticated, service_role;
  alter default privileges for role postgres in schema public
    grant execute on functions to anon, authenticated, service_role;`;

/** What a project's tables, sequences and functions were granted by default when it was made. */
const MADE: readonly (readonly [when: string, sql: string])[] = [
  [
    "until October 2026",
    `alter default privileges for role postgres in schema public
       grant all on tables to anon, authenticated, service_role;
     alter default privileges for role postgres in schema public
       grant all on sequences to anon, authenticated, service_role;`,
  ],
  ["since then, when tables are granted to nobody", SINCE],
  [
    "with nothing granted to anybody",
    `alter default privileges for role postgres in schema public
       revoke all on tables from anon, authenticated, service_role;
     alter default privileges for role postgres in schema public
       revoke all on sequences from anon, authenticated, service_role;
     alter default privileges for role postgres in schema public
       revoke all on functions from anon, authenticated, service_role;`,
  ],
];

for (const [when, setup] of MADE) {
  testOnOneServer(
    `drift() finds nothing where migrations set default privileges of a project made ${when}`,
    async (project) => {
      await project.sql(setup);
      try {
        const migrator = project.migrator({
          "001_before.sql": "create table before (id int); create function early() returns int " +
            "language sql set search_path = '' return 1;",
          "002_defaults.sql": `
            alter default privileges in schema public grant select on tables to authenticated;
            alter default privileges in schema public revoke all on tables from anon;`,
          "003_after.sql": "create table after (id serial);",
        });
        await migrator.migrate();
        assert.deepEqual((await migrator.drift()).differences, []);

        if (setup === SINCE) return; // what is seen before and after it, is seen in between
        await project.sql("grant delete on public.after to anon");
        const { differences } = await migrator.drift();
        assert.deepEqual(differences.map(({ change, kind, name }) => [change, kind, name]), [
          ["added", "privileges", "of anon on table public.after"],
        ]);
      } finally {
        await project.sql(SINCE);
      }
    },
  );
}

testOnOneServer(
  "drift() passes over default privileges with which a migration would not have run",
  async (project) => {
    await project.sql(SINCE);
    const migrator = project.migrator({
      "001_before.sql": "create table before (id int);",
      "002_careful.sql": `
        do $$ begin
          if has_table_privilege('anon', 'public.before', 'select') then
            raise exception 'anon reads before';
          end if;
        end $$;
        alter default privileges in schema public grant select on tables to authenticated;`,
    });
    try {
      await migrator.migrate();
      assert.deepEqual((await migrator.drift()).differences, []);
    } finally {
      await project.sql(SINCE);
    }
  },
);

testOnEveryDatabase(
  "drift() finds what was done by hand, with statements for it",
  async (project) => {
    const migrator = project.migrator(MIGRATIONS);
    await migrator.migrate();
    await project.sql(`
    set role postgres;
    alter table public.notes add column pinned boolean not null default false;
    drop policy own on public.notes;
    create index notes_body on public.notes (body);
    reset role;`);
    const { inSync, differences, sql, unwritable } = await migrator.drift();
    assert.equal(inSync, false);
    assert.deepEqual(unwritable, []);
    assert.deepEqual(differences.map(({ change, kind, name }) => [change, kind, name]), [
      ["removed", "policy", "own on public.notes"],
      ["added", "column", "public.notes.pinned"],
      ["added", "index", "public.notes_body"],
    ]);
    assert.match(differences[0]!.sql.join(), /^DROP POLICY "own"/);
    assert.match(differences[0]!.undo.join(), /^CREATE POLICY "own"/);
    assert.equal(sql.length, 3);
  },
);

testOnServers(
  "drift() finds every kind of change, and its statements make it elsewhere",
  async (project) => {
    const first = { "001_base.sql": BASE + PREPARED };
    await project.migrator(first).migrate();
    await using owner = await project.connect();
    // Both projects are on one server, which has roles once.
    const changes = CHANGES.filter(({ shows }) => !/(?:^|\bon )role /.test(shows));
    for (const { sql } of changes) await owner.sql(sql);
    const { differences, sql, unwritable, doubts } = await project.migrator(first).drift();
    const shown = differences.map(({ kind, name }) => `${kind} ${name}`);
    assert.deepEqual(
      changes.filter(({ shows }) => !shown.some((name) => name.includes(shows)))
        .map(({ title }) => title),
      [],
    );
    assert.deepEqual([unwritable, doubts], [[], []]);

    // Recorded as a migration, it says all of it; applied to a new project, it makes all of it.
    const both = {
      ...first,
      "002_by_hand.sql": sql.map((statement) => `${statement};\n`).join(""),
    };
    await project.migrator(both).repair("002_by_hand.sql", { mark: "applied" });
    assert.deepEqual((await project.migrator(both).drift()).sql, []);
    await using other = await project.stack.createProject({
      listens: false,
      setup: INSTALL_SCRIPT,
    });
    const elsewhere = describeServer(project.stack, other).migrator(both);
    const { results } = await elsewhere.migrate();
    assert.deepEqual(results.flatMap(({ error }) => error ?? []), []);
    assert.deepEqual((await elsewhere.drift()).sql, []);

    // A witness that has its own idea of what a schema is. The order of columns, privileges and
    // options is no difference.
    const readLines = async (url: string) => {
      const lines = await dump(url, ["--schema-only", "--exclude-schema=supamigrate*"]);
      return lines?.map((line) =>
        line.replace(/,$/, "").replace(
          /(?<=\bWITH \()[^)]*/,
          (list) => list.split(", ").sort().join(", "),
        )
      ).sort();
    };
    assert.deepEqual(await readLines(other.superuserUrl), await readLines(project.superuserUrl));
  },
  { ...supautilsProject, own: true },
);

testOnOneServer("drift() names what the shadow has not got, and all the rest", async (project) => {
  const migrator = project.migrator(MIGRATIONS);
  await migrator.migrate();
  await project.sql(`
    create extension pgrowlocks with schema extensions;
    set role postgres;
    alter table public.notes add column pinned boolean;
    create view public.locks as select locker from extensions.pgrowlocks('public.notes');
    reset role;`);
  const { differences, unwritable } = await migrator.drift();
  assert.deepEqual(differences.map(({ kind, name }) => `${kind} ${name}`), [
    "extension pgrowlocks",
    "view public.locks",
    "column public.notes.pinned",
  ]);
  // The embedded database has the extension's name, and none of its functions.
  assert.deepEqual(unwritable.map(({ what }) => what), ["view public.locks"]);
  assert.match(unwritable[0]!.reason, /^the shadow says: function .*pgrowlocks.* does not exist/);
}, ownProject);

testOnOneServer(
  "drift() leaves out an event trigger of the platform that belongs to postgres, and shows the application's",
  async (project) => {
    const migrator = project.migrator(MIGRATIONS);
    await migrator.migrate();
    const make = (name: string, schema: string) => `
    create function ${schema}.${name}() returns event_trigger language plpgsql
      as 'begin end';
    create event trigger ${name} on ddl_command_end when tag in ('CREATE EXTENSION')
      execute function ${schema}.${name}();
    comment on event trigger ${name} is 'It watches';
    alter role postgres superuser;
    alter event trigger ${name} owner to postgres;
    alter role postgres nosuperuser;`;
    await project.sql(make("watch_tables", "extensions"));
    const { differences, unwritable } = await migrator.drift();
    assert.deepEqual([differences, unwritable], [[], []]);

    await project.sql(make("watch_own", "public"));
    assert.deepEqual((await migrator.drift()).differences.map(({ kind, name }) => [kind, name]), [
      ["event trigger", "watch_own"],
      ["function", "public.watch_own()"],
      ["comment on event trigger", "watch_own"],
    ]);
  },
  ownProject,
);

testOnOneServer("drift() names a change that no statement makes on the shadow", async (project) => {
  const migrator = project.migrator({
    "001_notes.sql": "create table notes (id bigint primary key, epoch bigint, tag text);",
  });
  await migrator.migrate();
  await project.sql(`
    set role postgres;
    alter table public.notes alter column epoch type timestamptz using to_timestamp(epoch);
    alter table public.notes alter column tag set default 'none';
    reset role`);
  const { inSync, differences, unwritable } = await migrator.drift();
  assert.equal(inSync, false);
  const names = differences.map(({ change, name }) => `${change} ${name}`);
  assert.ok(names.includes("changed public.notes.epoch"), names.join());
  assert.deepEqual(unwritable.map(({ what }) => what), ["column public.notes.epoch"]);
  assert.match(unwritable[0]!.reason, /cannot cast type bigint to timestamp with time zone/);
});
