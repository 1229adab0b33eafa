import assert from "node:assert/strict";
import { measure } from "../../lib/output/columns.ts";
import { neutralize } from "../../lib/output/neutral.ts";
import { drawNeighbourhood, findTable } from "../../lib/output/neighbourhood.ts";
import { reference, table } from "../report/fixture.ts";

const SCREEN = { columns: undefined, clean: neutralize };

Deno.test("a table is drawn as text with what refers to it and what it refers to", () => {
  const books = table("books", {
    rows: 1200,
    columns: [
      { name: "id", type: "uuid", required: true },
      { name: "author_id", type: "uuid", required: true },
      { name: "sold_at", type: "timestamp with time zone" },
    ],
    constraints: [{ name: "k", kind: "primary key", columns: ["id"], definition: "" }],
    references: [reference("author_id", "authors", { onDelete: "cascade" })],
  });
  const chapters = table("chapters", {
    references: [reference("book_id", "books", { optional: true })],
  });
  const reviews = table("reviews", { references: [reference("of", "books", { unique: true })] });
  const tables = [table("authors"), books, chapters, reviews];
  assert.deepEqual(drawNeighbourhood(books, tables, SCREEN), [
    "  ┌── chapters (book_id)  optional",
    "  ├── reviews (of)        one to one",
    "  ▼",
    "┌───────────────────────────────────────┐",
    "│ books · about 1,200 rows · 0 policies │",
    "├───────────────────────────────────────┤",
    "│ id         uuid         key           │",
    "│ author_id  uuid         →             │",
    "│ sold_at    timestamptz  optional      │",
    "└─┬─────────────────────────────────────┘",
    "  └── author_id → authors  on delete cascade",
  ]);
  assert.deepEqual(findTable(tables, "public.books"), [books]);
  assert.deepEqual(findTable(tables, "books"), [books]);
  assert.deepEqual(findTable(tables, "nothing"), []);
});

Deno.test("a frame is as wide as what is in it, whatever characters that has", () => {
  const names = [
    "id",
    "表の名前",
    "🚀🚀",
    "e\u0301te\u0301",
    "a\u200bb\x1b",
    "two\nlines",
    "👩‍👩‍👧‍👦",
    "ｗｉｄｅ",
  ];
  const tables = names.map((name) =>
    table(name, {
      columns: names.map((name) => ({ name, type: `public.${name}` })),
      references: names.map((target) => reference(target, target)),
    })
  );
  for (const one of tables) {
    const lines = drawNeighbourhood(one, tables, SCREEN);
    const frame = lines.filter((line) => /^[┌├│└](?!── )/.test(line));
    assert.equal(frame.length, names.length + 4);
    assert.deepEqual([...new Set(frame.map(measure))].length, 1, frame.join("\n"));
    assert.ok(lines.every((line) => !/\n/.test(line) && neutralize(line) === line));
    for (const columns of [10, 20, 30]) {
      const narrow = drawNeighbourhood(one, tables, { ...SCREEN, columns });
      assert.equal(narrow.length, lines.length);
      assert.deepEqual(narrow.filter((line) => measure(line) > columns), []);
    }
  }
});
