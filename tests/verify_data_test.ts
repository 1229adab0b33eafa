/** What migrations do to rows that are made on the shadow. */

import assert from "node:assert/strict";
import { compareRows } from "../lib/schema/rows.ts";
import { createMigrator } from "../mod.ts";

const TABLES = `create type mood as enum ('calm', 'wild');
create domain age as int check (value between 18 and 99);
create table people (
  id uuid primary key default gen_random_uuid(),
  user_id uuid references auth.users,
  email text not null check (email ~ '@'),
  mood mood not null,
  age age not null,
  starts date not null,
  ends date not null,
  check (starts < ends)
);
create table pets (
  id int generated always as identity primary key,
  owner uuid not null references people,
  name varchar(5) not null unique,
  status text check (status in ('alive', 'dead'))
);
create table impossible (id int primary key check (id < 0 and id > 0));
create function refuse() returns trigger language plpgsql as 'begin raise ''no''; end';
create trigger refuses before insert on pets for each row execute function refuse();
-- ROLLBACK
drop table impossible, pets, people; drop function refuse; drop domain age; drop type mood;`;

Deno.test({
  name:
    "verify({ data }) makes rows that fit, and says which values a rollback does not bring back",
  sanitizeOps: false, // PGlite keeps timers
  sanitizeResources: false,
  fn: async () => {
    await using migrator = createMigrator({
      embedded: true,
      migrations: {
        "001_tables.sql": TABLES,
        "002_loses.sql": `alter table pets drop column status;
alter table people alter column email type varchar(200);
insert into people (email, mood, age, starts, ends)
  values ('ada@example.com', 'calm', 20, '2020-01-01', '2021-01-01');
-- ROLLBACK
alter table people alter column email type text;
alter table pets add column status text check (status in ('alive', 'dead'));`,
        "003_missing.sql": "alter table pets add column x int not null;\n-- ROLLBACK\n" +
          "alter table pets drop column x;",
        "004_rule.sql": "alter table pets add constraint one_pet unique (owner);\n-- ROLLBACK\n" +
          "alter table pets drop constraint one_pet;",
      },
    });
    const { migrations } = await migrator.verify({ data: true });
    assert.deepEqual(
      migrations.map(({ name, problems }) => [
        name,
        ...problems.map(({ code, rows, sqlState }) => [code, sqlState, rows]),
      ]),
      [
        ["001_tables.sql"],
        ["002_loses.sql", ["rows-differ", null, [
          { table: "public.pets", column: "status", what: "values lost", count: 3 },
          { table: "public.people", column: null, what: "rows left behind", count: 1 },
        ]]],
        ["003_missing.sql", ["up-fails-on-rows", "23502", []]],
        ["004_rule.sql"],
      ],
    );
    const remarks = migrations.map(({ remarks }) => remarks);
    assert.deepEqual(remarks[0], []);
    assert.equal(remarks[1]!.length, 1, remarks[1]!.join());
    assert.match(remarks[1]![0]!, /^No rows could be made in public\.impossible: /);
    assert.match(
      remarks[3]![1]!,
      /^It fails on rows that were made up \(could not create unique index "one_pet" \(23505\)\), and/,
    );
  },
});

Deno.test("compareRows() tells lost values, changed ones and rows apart, with a key and without", () => {
  const table = (key: string[], ...rows: Record<string, unknown>[]) => ({ rows, key });
  assert.deepEqual(
    compareRows(
      {
        keyed: table(["id"], { id: 1, a: "x", b: 1 }, { id: 2, a: "y", b: 2 }, {
          id: 3,
          a: "z",
          b: 3,
        }),
        plain: table([], { a: 1 }, { a: 1 }),
        gone: table([], { a: 1 }),
      },
      {
        keyed: table(["id"], { id: 1, a: null, b: 1 }, { id: 2, a: "y", b: 7 }, {
          id: 4,
          a: "z",
          b: 3,
        }),
        plain: table([], { a: 1 }, { a: 2 }),
      },
    ),
    [
      { table: "keyed", column: "a", what: "values lost", count: 1 },
      { table: "keyed", column: "b", what: "values changed", count: 1 },
      { table: "keyed", column: null, what: "rows lost", count: 1 },
      { table: "keyed", column: null, what: "rows left behind", count: 1 },
      { table: "plain", column: null, what: "rows lost", count: 1 },
      { table: "plain", column: null, what: "rows left behind", count: 1 },
      { table: "gone", column: null, what: "rows lost", count: 1 },
    ],
  );
});
