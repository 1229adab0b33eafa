import assert from "node:assert/strict";
import { findCreatedObjects } from "../../lib/planning/outside_objects.ts";

/** What is found in migrations that are all applied but for the last, as `kind name migration`. */
async function find(...texts: string[]): Promise<string[]> {
  const migrations = texts.map((sql, index) => ({
    name: `${index + 1}`,
    forward: { sql, line: 1 },
    rollback: null,
    checksum: "",
    statementsChecksum: "",
    isTemplate: false,
  }));
  const applied = new Set(migrations.slice(0, -1).map(({ name }) => name));
  return (await findCreatedObjects(migrations, applied)).map((
    { kind, name, schema, relation, migration, made },
  ) =>
    [
      kind,
      name,
      ...(relation === null ? [] : ["on", relation]),
      ...(schema === null ? [] : [
        "in",
        schema,
      ]),
      migration,
      made ? "made" : "not made",
    ].join(" ")
  );
}

/** What is found in one applied migration, without its name. */
async function findIn(sql: string): Promise<string[]> {
  return (await find(sql, "")).map((found) => found.replace(/ 1 made$/, ""));
}

const created: Readonly<Record<string, string[]>> = {
  'create role a; create user "B c"; create group d;': ["role a", "role B c", "role d"],
  "create publication p;": ["publication p"],
  "create event trigger e on sql_drop execute function f();": ["event trigger e"],
  "create foreign data wrapper w;": ["foreign data wrapper w"],
  "create server s foreign data wrapper w; create user mapping for current_user server s;": [
    "server s",
    "user mapping postgres on s",
  ],
  "create user mapping for public server s;": ["user mapping public on s"],
  "create extension hstore with schema extensions;": ["extension hstore"],
  "create schema a create table t (id int); create schema authorization joe;": [
    "schema a",
    "relation t in a",
    "schema joe",
  ],
  'create policy "Own" on storage.objects;': ["policy Own on objects in storage"],
  "create trigger t after insert on auth.users execute function f();": [
    "trigger t on users in auth",
  ],
  "create table extensions.t (); create view e.v as select 1; create sequence e.s;": [
    "relation t in extensions",
    "relation v in e",
    "relation s in e",
  ],
  "create materialized view e.m as select 1; create index i on auth.users (id);": [
    "relation m in e",
    "relation i in auth",
  ],
  "create type e.a as enum (); create type e.b as (); create domain e.d as int;": [
    "type a in e",
    "type b in e",
    "type d in e",
  ],
  "create function e.f() returns int language sql as ''; create procedure p() language sql as '';":
    ["function f in e", "function p in public"],
  "insert into storage.buckets (name, id) values ('n', 'i'), ('m', 'j'::text);": [
    "bucket i",
    "bucket j",
  ],
  "insert into storage.buckets values ('a', 'b');": ["bucket a"],
  "insert into storage.buckets (id, name) select 'a', 'b';": ["bucket a"],
  "insert into auth.users (id) values ('7c2f1d54');": ["user 7c2f1d54"],
  "select cron.schedule('* * * * *', 'select 1');": ["cron job * * * * * on select 1"],
  "select vault.create_secret('value', 'name');": ["vault secret name"],
  "select vault.create_secret(new_name => 'name', new_secret => 'value');": ["vault secret name"],
};

for (const [sql, expected] of Object.entries(created)) {
  Deno.test(`findCreatedObjects() finds what is created: ${sql}`, async () => {
    assert.deepEqual(await findIn(sql), expected);
  });
}

for (
  const sql of [
    "create extension if not exists hstore; create schema if not exists a;",
    "create server if not exists s foreign data wrapper w;",
    "create or replace view v as select 1; create table if not exists t ();",
    "create or replace function f() returns int language sql as '';",
    "create or replace trigger t after insert on auth.users execute function f();",
    "insert into storage.buckets (id, name) values ('a', 'a') on conflict do nothing;",
    "insert into storage.buckets (id, name) select 'a', 'a' where not exists (select 1);",
    "insert into storage.buckets (id, name) values (gen_random_uuid(), 'a');",
    "insert into buckets (id) values ('a');",
    "drop publication if exists p; create publication p;",
    "delete from storage.buckets where id in ('a', 'b'); insert into storage.buckets values ('b', 'b');",
    "drop role a, b; create role b;",
    "select cron.schedule('name', '* * * * *', 'select 1');", // replaces the job of that name
    "do $$ begin create role a; end $$;",
    "create temporary table t ();",
    "select 'create role a';",
  ]
) {
  Deno.test(`findCreatedObjects() finds nothing in the way: ${sql}`, async () => {
    assert.deepEqual(await findIn(sql), []);
  });
}

Deno.test("findCreatedObjects() names the first migration that would fail", async () => {
  assert.deepEqual(
    await find("create role a", "drop role a", "create role a", ""),
    ["role a 1 made"],
  );
});

Deno.test("findCreatedObjects() says what the applied migrations have made and not undone", async () => {
  assert.deepEqual(await find("create role a", "drop role a", ""), ["role a 1 not made"]);
  assert.deepEqual(await find("create role a", "create role b"), [
    "role a 1 made",
    "role b 2 not made",
  ]);
  assert.deepEqual(await find("create role a", "alter role a rename to b", ""), [
    "role a 1 not made",
    "role b 2 made",
  ]);
});

Deno.test("findCreatedObjects() knows that a schema takes along what stands in it", async () => {
  assert.deepEqual(
    await findIn("drop schema if exists _a cascade; create schema _a; create table _a.t ();"),
    [],
  );
});

Deno.test("findCreatedObjects() follows renamings of all kinds", async () => {
  assert.deepEqual(
    await findIn(`
      alter event trigger a rename to b;
      alter policy c on storage.objects rename to d;
      alter type e.f rename to g;
      alter table e.h rename to i;
      alter table e.h rename constraint j to k;
      alter schema l rename to m;
    `),
    [
      "event trigger b",
      "policy d on objects in storage",
      "type g in e",
      "relation i in e",
      "schema m",
    ],
  );
});
