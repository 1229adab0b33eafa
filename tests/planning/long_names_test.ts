import assert from "node:assert/strict";
import { loadMigrations } from "../../lib/operations/source.ts";
import { describeLongNames } from "../../lib/planning/long_names.ts";
import { splitStatements } from "../../lib/planning/statements.ts";

async function noticesOf(sql: string): Promise<readonly string[]> {
  return (await splitStatements({ sql, line: 1 }, "001_a.sql")).notices;
}

Deno.test("splitStatements() names what PostgreSQL cuts", async () => {
  const long = "x".repeat(64);
  assert.deepEqual(
    await noticesOf(
      `create table a ();\ncreate policy\n  "${long}" on a;\ndrop policy "${long}" on a;`,
    ),
    [`Line 3: the name "${long}" has 64 bytes, of which PostgreSQL keeps 63`],
  );
  assert.equal((await noticesOf(`create table ${long} ();`)).length, 1);
  assert.equal((await noticesOf(`create table "${"é".repeat(32)}" ();`)).length, 1);
  for (const name of ["aé".repeat(22), "é".repeat(32), `a${"😀".repeat(16)}`, "_1$".repeat(22)]) {
    assert.equal((await noticesOf(`select 1; create table ${name} (id int);`)).length, 1, name);
    assert.deepEqual(await noticesOf(`create table ${name.slice(0, -12)} (id int);`), [], name);
  }
});

Deno.test("splitStatements() has nothing to say of names that fit, strings and bodies", async () => {
  const long = "x".repeat(64);
  for (
    const sql of [
      `create table ${"x".repeat(63)} ();`,
      `create table "${"é".repeat(31)}""" ();`,
      `select '"${long}"', $$${long}$$; -- ${long}`,
      `do $$ begin perform '${long}'; end $$;`,
    ]
  ) {
    assert.deepEqual(await noticesOf(sql), []);
  }
});

Deno.test("no name of this repository's own migrations is cut", async () => {
  const { migrations } = await loadMigrations("migrations");
  for (const { name, forward, rollback } of migrations) {
    for (const section of rollback === null ? [forward] : [forward, rollback]) {
      const { statements } = await splitStatements(section, name);
      assert.deepEqual(describeLongNames(statements), []);
    }
  }
});
