import assert from "node:assert/strict";
import { findDestruction } from "../../lib/planning/destructive.ts";

const DESTROYS: Record<string, string> = {
  "drop table a, app.b": "drops the table a, app.b",
  "drop table if exists a cascade": "drops the table a and what depends on it",
  "drop schema app cascade": "drops the schema app and what depends on it",
  "drop materialized view m": "drops the materialized view m",
  "drop type app.mood": "drops the type app.mood",
  "drop domain d cascade": "drops the domain d and what depends on it",
  "drop function f(int) cascade": "drops f and what depends on it",
  "drop view v cascade": "drops v and what depends on it",
  "drop policy p on a cascade": "drops a.p and what depends on it",
  "drop owned by ada": "drops what roles own",
  "truncate a, app.b": "empties a, app.b",
  "delete from a": "deletes all rows of a",
  "delete from a where id = 1": "deletes rows of a",
  "update app.a set x = 1": "overwrites all rows of app.a",
  "with gone as (delete from a returning *) insert into b select * from gone":
    "deletes all rows of a",
  "with gone as (delete from a where x returning *) select * from gone": "deletes rows of a",
  "merge into a using b on a.id = b.id when matched then delete":
    "may delete or overwrite rows of a",
  "alter table app.a drop column x, add column y int": "drops the column app.a.x",
  "alter table a alter column x type text": "changes the type of a.x",
};

for (const [sql, says] of Object.entries(DESTROYS)) {
  Deno.test(`"${sql}" ${says}`, async () => assert.equal(await findDestruction(sql), says));
}

for (
  const sql of [
    "create table a (x int)",
    "drop view v",
    "drop index i",
    "drop function f(int)",
    "update a set x = 1 where id = 2",
    "alter table a add column x int",
    "comment on table a is 'drop table a'",
    "create function f() returns void language sql as 'delete from a'",
    "no sql; drop",
  ]
) {
  Deno.test(`"${sql}" destroys nothing that can be seen`, async () => {
    assert.equal(await findDestruction(sql), undefined);
  });
}
