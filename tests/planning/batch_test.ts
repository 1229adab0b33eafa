import assert from "node:assert/strict";
import { MigrationFileError } from "../../lib/errors.ts";
import { RangePace } from "../../lib/operations/range_pace.ts";
import type { Batch } from "../../lib/planning/step.ts";
import { splitStatements } from "../../lib/planning/statements.ts";

const mark = "-- supamigrate: batch public.orders id 10000\n";

function split(sql: string) {
  return splitStatements({ sql, line: 1 }, "001_a.sql");
}

async function batchOf(statement: string): Promise<Batch> {
  const { steps } = await split(mark + statement);
  return steps.at(-1)!.batch!;
}

async function refusalOf(sql: string): Promise<MigrationFileError> {
  try {
    await split(sql);
  } catch (error) {
    if (error instanceof MigrationFileError) return error;
    throw error;
  }
  return assert.fail(`${sql} is not refused`);
}

const cuts: Readonly<Record<string, readonly [sql: string, cut: string, from?: string]>> = {
  "a condition": [
    "update orders set a = 1 where b = 2 or c = 3;",
    "update orders set a = 1 where (RANGE) and ( b = 2 or c = 3\n)\n",
    'from "orders" where (RANGE) and (b = 2 or c = 3\n\n)',
  ],
  "no condition": [
    "update public.orders set a = 1 -- all of them\n;",
    "update public.orders set a = 1 -- all of them\nwhere (RANGE)\n",
    'from "public"."orders" where (RANGE)',
  ],
  "a condition that ends with a comment": [
    "delete from only orders o where b -- or c\n;",
    "delete from only orders o where (RANGE) and ( b -- or c\n)\n",
    'from only "orders" as "o" where (RANGE) and (b -- or c\n\n)',
  ],
  "words that stand elsewhere": [
    `update "orders" as "where" set "where" = (select 1 where true), b = ' where ', c = $$ where $$
 from (select 2 where true) x (y) where (select y = 2 where true);`,
    `update "orders" as "where" set "where" = (select 1 where true), b = ' where ', c = $$ where $$
 from (select 2 where true) x (y) where (RANGE) and ( (select y = 2 where true)\n)\n`,
    `from "orders" as "where" where (RANGE) and (exists (select from (select 2 where true) x (y)\n` +
    " where (select y = 2 where true)\n)\n)",
  ],
  "INSERT … SELECT": [
    "insert into copies select id, a from orders o left join other using (id) where a > 1" +
    " order by a on conflict (id) do update set a = 1 where copies.a = 2;",
    "insert into copies select id, a from orders o left join other using (id) where (RANGE) and ( a > 1 \n)\n" +
    "order by a on conflict (id) do update set a = 1 where copies.a = 2",
  ],
  "INSERT … SELECT without a condition": [
    "insert into copies select o.id, (select count(*) from items i where i.o = o.id) from other" +
    " right join orders o on true on conflict do nothing;",
    "insert into copies select o.id, (select count(*) from items i where i.o = o.id) from other" +
    " right join orders o on true \nwhere (RANGE)\non conflict do nothing",
  ],
};

for (const [name, [sql, cut, from]] of Object.entries(cuts)) {
  Deno.test(`a range goes into a statement: ${name}`, async () => {
    const batch = await batchOf(sql);
    assert.equal(batch.parts.join("RANGE"), cut);
    assert.equal(batch.from?.join("RANGE"), from);
    assert.deepEqual([batch.table, batch.key, batch.rows], ['"public"."orders"', "id", 10000]);
  });
}

Deno.test("a batch is a step of its own", async () => {
  const { steps } = await split(
    `alter table orders add column total int;
set search_path = shop;
-- supamigrate: batch "Orders"  "The Id" 50
-- and why
update "Orders" set total = 0;
create index on orders (total);`,
  );
  assert.deepEqual(
    steps.map(({ settings, statements, batch }) => [
      settings.length,
      statements.length,
      batch?.key ?? null,
    ]),
    [[0, 2, null], [1, 1, "The Id"], [1, 1, null]],
  );
  assert.deepEqual(steps[1]!.batch!.alias, '"Orders"');
});

Deno.test("of columns and tables that the file makes itself nothing is kept", async () => {
  const kept = async (sql: string) => {
    const { steps } = await split(sql);
    const { statements: [statement], batch } = steps.at(-1)!;
    assert.equal(statement!.destroyed === undefined, batch!.from === undefined);
    return statement!.destroyed !== undefined;
  };
  const add = "alter table public.orders add column a int, add column if not exists b int;\n";
  assert.equal(await kept(`${add}${mark}update orders set a = 1;`), false);
  assert.equal(await kept(`${add}${mark}update orders set a = 1, b = 2;`), true);
  assert.equal(await kept(`${add}${mark}delete from orders;`), true);
  assert.equal(await kept(`create table orders (id int);\n${mark}delete from orders;`), false);
  assert.equal(
    await kept(`create table shop.orders (id int);\n${mark}delete from public.orders;`),
    true,
  );
});

const refused: Readonly<Record<string, RegExp>> = {
  "create table a ();": /it is no UPDATE, DELETE or INSERT … SELECT$/,
  "update other set a = 1;": /it does not change the table "public\.orders"$/,
  "update shop.orders set a = 1;": /it does not change the table/,
  "update orders set a = 1, id = id + 1;": /it changes the key "id" itself$/,
  "update orders set a = 1 returning a;": /it has RETURNING/,
  "with x as (select 1) update orders set a = 1;": /it has a WITH clause/,
  "update orders set a = (select max(a) from public.orders);": /it reads "orders" a second time/,
  "delete from orders using orders other where orders.a = other.b;":
    /it reads "orders" a second time/,
  "delete from orders where current of c;": /WHERE CURRENT OF/,
  "insert into a values (1);": /an INSERT without SELECT/,
  "insert into a default values;": /an INSERT without SELECT/,
  "insert into a select 1 from other;": /its SELECT does not read "public\.orders"/,
  "insert into a select 1 from other left join orders on true;": /does not read "public\.orders"/,
  "insert into a select 1 from other full join orders on true;": /does not read "public\.orders"/,
  "insert into a select 1 where exists (select from orders);": /does not read "public\.orders"/,
  "insert into a select 1 from orders tablesample system (1);": /does not read "public\.orders"/,
  "insert into orders select * from orders;": /it reads the table that it fills, "orders"/,
  "insert into a select 1 from orders where not exists (select from a);":
    /it reads the table that it fills/,
  "insert into a select 1 from orders, orders b;": /it reads "public\.orders" more than once$/,
  "insert into a select distinct b from orders;": /DISTINCT looks at all rows/,
  "insert into a select b from orders group by b;": /GROUP BY and HAVING/,
  "insert into a select 1 from orders limit 5;": /LIMIT and OFFSET/,
  "insert into a select 1 from orders offset 5;": /LIMIT and OFFSET/,
  "insert into a select row_number() over () from orders;": /window functions/,
  "insert into a select count(*) from orders;": /count\(\) is an aggregate/,
  "insert into a select coalesce(max(b), 0) from orders;": /max\(\) is an aggregate/,
  "insert into a select mine(b order by b) from orders;": /mine\(\) is an aggregate/,
  "insert into a select 1 from orders union all select 2;": /it joins several queries/,
  "insert into a select 1 from orders for update;": /it locks what it reads/,
  "insert into a (select 1 from orders);": /its WHERE clause cannot be told from the rest$/,
};

for (const [statement, message] of Object.entries(refused)) {
  Deno.test(`no batch is made of: ${statement}`, async () => {
    const error = await refusalOf(mark + statement);
    assert.match(error.message, message);
    assert.equal(error.position.line, 2);
    assert.ok(error.hint);
  });
}

Deno.test("a mark that is none is refused", async () => {
  for (
    const what of [
      "",
      "orders",
      "orders id",
      "orders 10",
      "orders id many",
      "orders id 10 rows",
      "a.b.orders id 10",
      "orders id -1",
    ]
  ) {
    const { message, position } = await refusalOf(
      `select 1;\n-- supamigrate: batch ${what}\ndelete from orders;`,
    );
    assert.deepEqual([message, position.line], ["The batch is not one of TABLE KEY ROWS", 2]);
  }
  assert.match((await refusalOf(mark.replace("10000", "0"))).message, /from 1 to 10,000,000 rows/);
  assert.match(
    (await refusalOf(`delete\n${mark}from orders;`)).message,
    /stands inside a statement/,
  );
  assert.match((await refusalOf(`delete from orders;\n${mark}`)).message, /No statement follows/);
  assert.match((await refusalOf(`${mark}${mark}delete from orders;`)).message, /has two batches/);
  const inBlock = await refusalOf(`begin;\n${mark}delete from orders;\ncommit;`);
  assert.match(inBlock.message, /cannot be inside BEGIN … COMMIT/);
});

Deno.test("ranges grow while they are quick, and shrink where they take too long", () => {
  const idle = { lag_ms: null, active: 1, connections: 60 };
  const pace = new RangePace(10_000);
  assert.equal(pace.rows, 1000);
  const rows = [100, 100, 100, 100].map((ms) => (pace.next(ms, idle), pace.rows));
  assert.deepEqual(rows, [2000, 4000, 8000, 10_000]);
  assert.equal(pace.next(900, idle), 225);
  assert.equal(pace.rows, 10_000);
  pace.next(2000, idle);
  assert.equal(pace.rows, 3500);
  pace.next(700_000, idle);
  assert.equal(pace.rows, 4);
  pace.next(700_000, idle);
  assert.equal(pace.rows, 1);
  assert.equal(new RangePace(10).rows, 10);
  assert.equal(new RangePace(10_000, 4000).rows, 4000);
});

Deno.test("pauses are longer where many sessions are at work, and wait for replicas", () => {
  const pace = new RangePace(1000);
  assert.equal(pace.next(400, { lag_ms: 20, active: 15, connections: 60 }), 800);
  assert.equal(pace.rows, 875);
  assert.equal(pace.next(400, { lag_ms: 20, active: 14, connections: 60 }), 100);
  const lagging = (lag_ms: number | null) =>
    RangePace.waitFor({ lag_ms, active: 0, connections: 60 });
  assert.deepEqual([null, 0, 1500, 1501].map(lagging), [0, 0, 0, 1000]);
});
