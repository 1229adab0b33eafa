import assert from "node:assert/strict";
import { instance } from "@viz-js/viz";
import { findChanges } from "../../lib/report/changes.ts";
import { drawDiagram, findHubs } from "../../lib/report/diagram.ts";
import { findTouched } from "../../lib/report/touched.ts";
import { parseText } from "../../lib/planning/parser.ts";
import type { ReportTable } from "../../mod.ts";
import { reference, reportOf, table } from "./fixture.ts";

Deno.test("a diagram has a box for each table and a line for each table that one refers to", async () => {
  const tables = [
    table("authors"),
    table("books", {
      references: [
        reference("author_id", "authors"),
        reference("editor_id", "authors", { optional: true }),
        reference("sequel_of", "books"),
        { ...reference("user_id", ""), target: "auth.users" },
      ],
    }),
    table("best_sellers", { kind: "view" }),
  ];
  const { svg: { text } } = drawDiagram(await instance(), tables, { linked: true });
  const boxes = [...text.matchAll(/<(?:a|g) class="(box[^"]*)"[^>]*?><title>([^\n<,]*)/g)];
  assert.deepEqual(boxes.map(([, kind, name]) => `${kind} ${name}`).sort(), [
    "box authors",
    "box books",
    "box outside auth.users",
  ]);
  const lines = [...text.matchAll(/data-from="([^"]*)" data-to="([^"]*)"/g)];
  assert.deepEqual(lines.map(([, from, to]) => `${from} ${to}`), [
    "public.books public.authors",
    "public.books auth.users",
  ]);
  assert.match(text, /↻/, "books refers to itself");
});

type Rectangle = { left: number; top: number; right: number; bottom: number };

/** Where boxes are in a diagram, by the names of tables. */
function findBoxes(svg: string): Map<string, Rectangle> {
  const found = svg.matchAll(
    /class="box[^>]*transform="translate\(([\d.]+) ([\d.]+)\)"><title>([^\n<]*)[^]*?<rect width="(\d+)" height="(\d+)"/g,
  );
  return new Map([...found].map(([, x, y, name, width, height]) => {
    const [left, top] = [Number(x), Number(y)];
    return [name!, { left, top, right: left + Number(width), bottom: top + Number(height) }];
  }));
}

/** As many tables as are said, of which each refers to others by their numbers. */
function tablesOf(count: number, targets: (index: number) => number[]): ReportTable[] {
  return Array.from({ length: count }, (_, index) =>
    table(`table_of_things_${index}`, {
      references: targets(index).map((to) => reference(`other_${to}`, `table_of_things_${to}`)),
    }));
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

const SHAPES: Readonly<Record<string, ReportTable[]>> = {
  "a chain": tablesOf(60, (index) => index === 0 ? [] : [index - 1]),
  "a ring": tablesOf(60, (index) => [(index + 1) % 60]),
  "two chains side by side": tablesOf(
    60,
    (index) => [index - 2, index - 3].filter((to) => to >= 0 && index % 2 <= to % 2),
  ),
  "a chain with branches": tablesOf(
    60,
    (index) => index === 0 ? [] : [index < 20 ? index - 1 : index - 20],
  ),
  "several chains": tablesOf(60, (index) => index % 20 === 0 ? [] : [index - 1]),
  "one table that refers to all others": tablesOf(
    60,
    (index) => index === 0 ? upTo(60).slice(1) : [],
  ),
  "one table that all others refer to": tablesOf(60, (index) => index === 0 ? [] : [0]),
  "stars that refer to each other": tablesOf(
    60,
    (index) => index === 0 ? [] : [index % 8 === 0 ? index - 8 : index - index % 8],
  ),
  "a tree": tablesOf(60, (index) => index === 0 ? [] : [Math.floor((index - 1) / 7)]),
  "nothing but tables": tablesOf(60, () => []),
  "pairs": tablesOf(60, (index) => index % 2 === 0 ? [] : [index - 1]),
};

for (const [shape, tables] of Object.entries(SHAPES)) {
  Deno.test(`60 tables can be read on a laptop, and lines lead from box to box: ${shape}`, async () => {
    const { svg: { text }, width, height } = drawDiagram(await instance(), tables);
    const zoom = Math.min(1440 / width, 740 / height);
    assert.ok(zoom > 0.7, `${width} × ${height}: ${zoom}`);
    const boxes = findBoxes(text);
    assert.equal(boxes.size, 60);
    const all = [...boxes.values()];
    for (const [index, one] of all.entries()) {
      assert.ok(one.left >= 0 && one.top >= 0 && one.right <= width && one.bottom <= height);
      const over = all.slice(index + 1).filter((other) =>
        one.left < other.right && other.left < one.right &&
        one.top < other.bottom && other.top < one.bottom
      );
      assert.deepEqual(over, []);
    }
    const touches = ({ left, right, top, bottom }: Rectangle, x: number, y: number) =>
      x >= left - 1 && x <= right + 1 && y >= top - 1 && y <= bottom + 1;
    const lines = [
      ...text.matchAll(/<path d="M([^"]*)" data-from="public\.(\w+)" data-to="public\.(\w+)"/g),
    ];
    for (const [, path, from, to] of lines) {
      const numbers = path!.split(/[ C]/).map(Number);
      assert.ok(touches(boxes.get(from!)!, numbers[0]!, numbers[1]!), `${from} → ${to}`);
      assert.ok(touches(boxes.get(to!)!, numbers.at(-2)!, numbers.at(-1)!), `${from} → ${to}`);
    }
  });
}

Deno.test("a chain of many tables takes the shape of a screen", async () => {
  const tables = tablesOf(300, (index) => index === 0 ? [] : [index - 1]);
  const { width, height } = drawDiagram(await instance(), tables);
  assert.ok(width > height && width < 3 * height, `${width} × ${height}`);
});

Deno.test("signs stand for tables that nine foreign keys or more lead to, each its own", () => {
  const referring = (to: string, count: number) =>
    Array.from(
      { length: count },
      (_, index) => table(`${to}_${index}`, { references: [reference("id", to)] }),
    );
  const tables = [
    ...["app_users", "app_units", "few"].map((name) => table(name)),
    ...referring("app_users", 10),
    ...referring("app_units", 9),
    ...referring("few", 8),
  ];
  assert.deepEqual(findHubs(tables).map(({ name, sign, count }) => [name, sign, count]), [
    ["app_users", "AU", 10],
    ["app_units", "AA", 9],
  ]);
});

Deno.test("changes of tables are told by what is added, removed and changed of each", () => {
  const { roles, tables: before } = reportOf([
    table("kept"),
    table("gone"),
    table("changed", { rls: false, columns: [{ name: "a", type: "text" }] }),
  ]).schema;
  const after = [
    table("kept"),
    table("changed", {
      columns: [{ name: "a", type: "text", required: true }, { name: "b", type: "uuid" }],
      grants: [{ grantee: "anon", privileges: ["select"], columns: ["a"] }],
    }),
    table("new"),
  ];
  assert.deepEqual(findChanges({ roles, tables: before }, { roles, tables: after }), [
    { id: "public.gone", change: "removed", details: [] },
    {
      id: "public.changed",
      change: "changed",
      details: [
        "~ column a text",
        "+ column b uuid",
        "+ grant to anon (a)",
        "~ row level security: on",
      ],
    },
    { id: "public.new", change: "added", details: [] },
  ]);
});

Deno.test("statements say which tables they are about", async () => {
  const told: [string, string[]][] = [
    ["create table a (id int)", ["public.a made"]],
    ["create table x.a as select 1", ["x.a made"]],
    ["create temp table a (id int)", []],
    ["create view v as select 1", ["public.v made"]],
    ["alter table a add column b int", ["public.a changed"]],
    ["create index on a (id)", ["public.a changed"]],
    ["create policy p on a using (true)", ["public.a changed"]],
    ["drop policy p on x.a", ["x.a changed"]],
    ["grant select on a, b to anon", ["public.a changed", "public.b changed"]],
    ["grant usage on schema x to anon", []],
    ["comment on column a.b is 'c'", ["public.a changed"]],
    ["comment on table a is 'c'", ["public.a changed"]],
    ["alter table a rename to b", ["public.a renamed public.b"]],
    ["alter table a rename column c to d", ["public.a changed"]],
    ["alter table a set schema x", ["public.a renamed x.a"]],
    ["drop table a, x.b", ["public.a dropped", "x.b dropped"]],
    ["create trigger t before insert on a execute function f()", ["public.a changed"]],
    ["select 1", []],
  ];
  for (const [sql, expected] of told) {
    const { statements } = await parseText(sql);
    const found = statements.flatMap(findTouched).map(({ schema, name, how, to }) =>
      `${schema}.${name} ${how}${to === undefined ? "" : ` ${to.schema}.${to.name}`}`
    );
    assert.deepEqual(found, expected, sql);
  }
});
