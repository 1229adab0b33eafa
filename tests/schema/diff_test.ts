/** What differs is written so that it works, and so that rows stay where they can. */

import assert from "node:assert/strict";
import { createMigrator } from "../../mod.ts";
import { withFolder } from "../support/folders.ts";

/** PGlite keeps timers beyond the end of a test. */
const embedded = { sanitizeOps: false, sanitizeResources: false } as const;

/** The migration from what one file makes to what another declares, which was proved: no project is asked. */
async function writeDiff(before: string, declared: string): Promise<string> {
  const files = { "migrations/001_before.sql": before, "schemas/after.sql": declared };
  let text = "";
  await withFolder(files, async (folder) => {
    await using migrator = createMigrator({
      embedded: true,
      migrations: `${folder}/migrations`,
    });
    const written = await migrator.diff("change", { schema: `${folder}/schemas`, renames: [] });
    text = written.text ?? "";
  });
  return text;
}

Deno.test("diff() commits a new value of an enum before anything uses it", embedded, async () => {
  const schema = (values: string, used: string) => `
create type mood as enum (${values});
create table notes (
  id bigint primary key, mood mood not null default '${used}', moods mood[] default '{${used}}'
);
alter table notes enable row level security;
create policy own on notes for select to authenticated using (mood = '${used}');
alter table notes add constraint fine check (mood <> '${used}' or id > 0);
create index of_mood on notes (id) where mood = '${used}';
create view used with (security_invoker) as select '${used}'::mood as mood;
create function is_used(mood mood default '${used}') returns boolean
  language sql set search_path = '' as 'select true';
create function stamp() returns trigger language plpgsql set search_path = ''
  as 'begin return new; end';
create trigger stamped before insert on notes for each row when (new.mood = '${used}')
  execute function stamp();`;
  const text = await writeDiff(
    schema("'sad', 'ok'", "ok"),
    schema("'first', 'sad', 'ok', 'happy'", "happy"),
  );
  assert.match(
    text,
    /\n\nALTER TYPE public\.mood ADD VALUE 'first' BEFORE 'sad';\nALTER TYPE public\.mood ADD VALUE 'happy' AFTER 'ok';\n\n-- supamigrate: commit\n\n/,
  );
  assert.equal(text.split("-- supamigrate: commit").length, 2);
  assert.match(text, /ALTER COLUMN mood SET DEFAULT 'happy'/);
  assert.match(text, /ALTER COLUMN moods SET DEFAULT '\{happy\}'/);
});

Deno.test(
  "diff() changes a column's collation where it stands, and its rows stay",
  embedded,
  async () => {
    const schema = (name: string, code: string, text: string) => `
create collation plain (locale = 'C');
create table people (
  id bigint primary key, name ${name} not null default 'x', code ${code} unique, notes ${text}
);
create index by_name on people (name);
create view names with (security_invoker) as select id, name from people;
create table parted (k text, v ${text}) partition by list (k);
create table part partition of parted for values in ('x');`;
    const text = await writeDiff(
      schema("text", 'text collate "C"', "varchar(20)"),
      schema('text collate "C"', "text", "text collate plain"),
    );
    assert.match(text, /ALTER COLUMN name TYPE text COLLATE pg_catalog\."C"/);
    assert.match(text, /ALTER COLUMN name SET DEFAULT 'x'/);
    assert.match(text, /ALTER COLUMN notes TYPE character varying\(20\) USING/);
    assert.match(text, /ALTER TABLE public\.parted ALTER COLUMN v TYPE text COLLATE public\.plain/);
    assert.doesNotMatch(text, /(DROP|ADD) COLUMN|(DROP|CREATE) TABLE/);
  },
);

Deno.test("diff() keeps the values of a column that is generated no more", embedded, async () => {
  const schema = (generated: string) =>
    `create table people (name text, upper text ${generated}, n int);`;
  const text = await writeDiff(
    schema("generated always as (upper(name)) stored"),
    schema("not null default 'x'"),
  );
  const [forward] = text.split("-- ROLLBACK");
  assert.match(forward!, /ALTER COLUMN upper DROP EXPRESSION/);
  assert.doesNotMatch(forward!, /(DROP|ADD) COLUMN/);
});

Deno.test(
  "diff() writes what needs something else behind it, though no catalogue says so",
  embedded,
  async () => {
    const text = await writeDiff(
      "select 1;",
      `
create text search dictionary words (template = simple);
create text search configuration app_words (copy = pg_catalog.simple);
alter text search configuration app_words alter mapping for asciiword with words;
create function first() returns int language sql set search_path = '' as 'select 1';
create table notes (
  id int primary key, v int not null default first(), w int default first(), body text,
  found tsvector generated always as (to_tsvector('public.app_words', body)) stored
);
alter table notes replica identity full, enable row level security;
create policy large on notes for select to authenticated using (v > w);
create index few on notes (w) where v > 3;
alter publication supabase_realtime add table notes where (v > 3);
create table counted (v int primary key default first(), n int);
alter publication supabase_realtime add table counted (v);
create function is_near(int, text) returns boolean language sql immutable set search_path = ''
  as 'select true';
create operator public.=== (function = is_near, leftarg = int, rightarg = text);
create view near with (security_invoker) as select id from notes where id === body;`,
    );
    const order = (...patterns: RegExp[]) => {
      const places = patterns.map((pattern) => text.search(pattern));
      assert.ok(!places.includes(-1), `${patterns[places.indexOf(-1)]} is missing`);
      assert.deepEqual(places, places.toSorted((a, b) => a - b), text);
    };
    order(
      /create text search dictionary/,
      /mapping for asciiword with public\.words/,
      /ADD COLUMN found/,
    );
    order(/FUNCTION public\.first/, /ADD COLUMN v/, /ADD TABLE public\.notes WHERE/);
    order(/create operator/, /CREATE VIEW public\.near/);
  },
);

Deno.test("diff() maps a text search configuration anew while it is used", embedded, async () => {
  const schema = (mapped: string) => `
create text search dictionary words (template = simple);
create text search configuration app_words (copy = pg_catalog.simple);
${mapped}
create table notes (
  body text, found tsvector generated always as (to_tsvector('public.app_words', body)) stored
);`;
  const text = await writeDiff(
    schema(""),
    schema(`alter text search configuration app_words alter mapping for asciiword with words;
alter text search configuration app_words drop mapping for email;`),
  );
  assert.match(text, /add mapping for asciiword with public\.words;/);
  assert.doesNotMatch(text, /COLUMN|(drop|create) text search/i);
});

Deno.test("diff() detaches and attaches partitions, and their rows stay", embedded, async () => {
  const events = `
create table events (at date not null, what text default 'x', primary key (at))
  partition by range (at);
create index by_what on events (what);`;
  const part = (name: string, from: number) =>
    `create table ${name} partition of events for values from ('${from}-01-01') to ('${
      from + 1
    }-01-01');`;
  const text = await writeDiff(
    `${events}${part("old", 2020)}${part("wrong", 2021)}${part("free", 2030)}`,
    `${events}
create table old (at date not null primary key, what text default 'x');
create index old_what_idx on old (what);
${part("wrong", 2022)}${part("free", 2021)}`,
  );
  assert.match(text, /events DETACH PARTITION public\.old;/);
  assert.match(text, /events ATTACH PARTITION public\.old FOR VALUES FROM \('2020-01-01'\)/);
  assert.match(text, /events ATTACH PARTITION public\.free FOR VALUES FROM \('2021-01-01'\)/);
  assert.doesNotMatch(text, /(DROP|CREATE) TABLE/);
});

Deno.test(
  "diff() validates a constraint and defers a foreign key where they stand",
  embedded,
  async () => {
    const schema = (first: string, second: string) => `
create table people (id int primary key);
create table notes (
  id int, by int constraint fk references people deferrable, other int references people
);
alter table notes add constraint positive check (id > 0) ${first};
alter table notes add constraint by_fk foreign key (by) references people ${first};
alter table notes alter constraint notes_other_fkey ${second};
create domain age as int;
alter domain age add constraint old check (value > 0) ${first};`;
    const text = await writeDiff(
      schema("not valid", "not deferrable"),
      schema("", "deferrable initially deferred"),
    );
    const [forward] = text.split("-- ROLLBACK");
    for (const name of ["positive", "by_fk", "old"]) {
      assert.match(forward!, new RegExp(`VALIDATE CONSTRAINT ${name};`));
    }
    assert.match(text, /ALTER CONSTRAINT notes_other_fkey DEFERRABLE INITIALLY DEFERRED;/);
    assert.match(text, /ALTER CONSTRAINT notes_other_fkey NOT DEFERRABLE;/);
    assert.doesNotMatch(forward!, /(ADD|DROP) CONSTRAINT/);
  },
);
