import assert from "node:assert/strict";
import stringWidth from "string-width";
import {
  cutEnd,
  cutMiddle,
  fitExcerpts,
  formatTable,
  measure,
  wrap,
} from "../../lib/output/columns.ts";

const clean = (text: string) => text;

Deno.test("text is as wide as a terminal shows it", () => {
  const widths: [string, number][] = [
    ["plain", 5],
    ["表を追加", 8],
    ["cafe\u0301", 4],
    ["🚀", 2],
    ["👩‍👩‍👧‍👦", 2],
    ["🇩🇪", 2],
    ["ｆｕｌｌ", 8],
    ["สวัสดี", 4],
    ["", 0],
  ];
  for (const [text, width] of widths) assert.equal(measure(text), width, text);
});

Deno.test("every character is as wide as string-width says", () => {
  const differing: string[] = [];
  for (let code = 0x20; code < 0x20000; code++) {
    const character = String.fromCodePoint(code);
    // What is not assigned yet, or for private use, nobody writes.
    if (/[\p{Cn}\p{Co}\p{Cc}\p{Cs}]/u.test(character)) continue;
    if (measure(character) !== stringWidth(character)) differing.push(code.toString(16));
  }
  assert.deepEqual(differing, []);
});

Deno.test("characters beside each other are as wide as string-width says", () => {
  const pieces = [
    "a",
    "é",
    "e\u0301",
    "…",
    " ",
    "表",
    "한",
    "ｗ",
    "к",
    "สำ",
    "क्ष",
    "✅",
    "⚠️",
    "☝🏻",
    "👍🏽",
  ];
  pieces.push("👩‍👩‍👧‍👦", "❤️‍🔥", "🇩🇪", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☺", "™️", "─");
  const differing = pieces.flatMap((one) => pieces.flatMap((two) => [one + two, `${one} ${two}`]))
    .filter((text) => measure(text) !== stringWidth(text));
  assert.deepEqual(differing, []);
});

Deno.test("text is cut to a width, between characters as they are seen", () => {
  assert.equal(cutEnd("001_create_users.sql", 10), "001_creat…");
  assert.equal(cutEnd("short", 10), "short");
  assert.equal(cutEnd("表を追加する", 6), "表を…");
  assert.equal(cutEnd("cafe\u0301s and more", 5), "cafe\u0301…");
  assert.equal(cutMiddle("20250726123456_add_celebrity_ratings.sql", 20), "2025072612…tings.sql");
  assert.equal(cutMiddle("表を追加する.sql", 9), "表を….sql");
  for (const text of ["👩‍👩‍👧‍👦".repeat(9), "表を追加する_".repeat(5), "x".repeat(50)]) {
    for (let width = 0; width < 40; width++) {
      assert(measure(cutEnd(text, width)) <= width, `${text} at its end to ${width}`);
      assert(measure(cutMiddle(text, width)) <= width, `${text} in the middle to ${width}`);
    }
  }
});

Deno.test("long lines end at words, and go on behind the mark that they begin with", () => {
  assert.deepEqual(wrap("⚠️  Somebody has changed the table of the celebrities", 30), [
    "⚠️  Somebody has changed the",
    "    table of the celebrities",
  ]);
  assert.deepEqual(wrap("   Detail: Key (id)=(1) is there already", 24), [
    "   Detail: Key (id)=(1)",
    "   is there already",
  ]);
  assert.deepEqual(wrap("  📄 表を追加する 表を追加する 表を追加する", 24), [
    "  📄 表を追加する",
    "     表を追加する",
    "     表を追加する",
  ]);
  const long = `see https://example.com/${"a".repeat(40)} for more`;
  assert.deepEqual(wrap(long, 30), ["see", `https://example.com/${"a".repeat(40)}`, "for more"]);
  assert.deepEqual(wrap("fits", 30), ["fits"]);
});

Deno.test("what is laid out already is left as it is", () => {
  for (
    const line of [
      "         create table people (id int primary key, name text not null)",
      "   3 | create index on peoples (id), and whatever else the line has",
      `${" ".repeat(60)}^`,
      "┌─────────────┐ ┌─────────────┐ ┌─────────────┐ ┌─────────────┐",
    ]
  ) assert.deepEqual(wrap(line, 30), [line]);
  assert.equal(wrap("     💬 NOTICE: what a migration has to say about itself", 30).length, 3);
});

const COLUMNS = [
  { title: "Name", mayBeCut: true },
  { title: "Batch", isNumber: true },
  { title: "When", leaveOut: 1 },
  { title: "Duration", isNumber: true, leaveOut: 2 },
];
const ROWS = [
  ["001_create_the_users_and_their_roles.sql", "1", "2026-11-28 16:30:05", "1,234ms"],
  "by ada",
  ["002_表.sql", "12", "2026-11-28 16:30:06", "5ms"],
];

Deno.test("columns are aligned", () => {
  assert.deepEqual(formatTable(COLUMNS, ROWS, { columns: undefined, clean }, "  "), [
    "  Name                                      Batch  When                 Duration",
    "  001_create_the_users_and_their_roles.sql      1  2026-11-28 16:30:05   1,234ms",
    "by ada",
    "  002_表.sql                                   12  2026-11-28 16:30:06       5ms",
  ]);
});

Deno.test("columns fit: names are cut, then columns are left out", () => {
  assert.deepEqual(formatTable(COLUMNS, ROWS, { columns: 66, clean }), [
    "Name                          Batch  When                 Duration",
    "001_create_the…eir_roles.sql      1  2026-11-28 16:30:05   1,234ms",
    "by ada",
    "002_表.sql                       12  2026-11-28 16:30:06       5ms",
  ]);
  assert.deepEqual(formatTable(COLUMNS, ROWS, { columns: 40, clean }), [
    "Name                               Batch",
    "001_create_the_u…_their_roles.sql      1",
    "by ada",
    "002_表.sql                            12",
  ]);
  for (let columns = 20; columns < 120; columns++) {
    for (const row of formatTable(COLUMNS, ROWS, { columns, clean })) {
      assert(measure(row) <= columns, `${row} in ${columns} columns`);
    }
  }
});

Deno.test("a cell is clean before it is cut, and stays on its line", () => {
  const clean = (text: string) => text.replaceAll("secret", "[hidden]");
  const rows = [["a\nsecret\tb", "1", "", ""]];
  assert.equal(
    formatTable(COLUMNS, rows, { columns: 80, clean })[1]?.trimEnd(),
    "a [hidden] b      1",
  );
});

Deno.test("an excerpt that is wider than the screen is cut around its mark", () => {
  const head = "   12 | ";
  const words = "select one, two, three, four, wrong, six, seven, eight, nine, ten from numbers";
  const show = (text: string, what: string, width: number) =>
    fitExcerpts([
      "   at 001_a.sql",
      head + text,
      " ".repeat(head.length + measure(text.slice(0, text.indexOf(what)))) + "^",
      "and on",
    ], width);
  assert.deepEqual(show(words, "wrong", 40), [
    "   at 001_a.sql",
    "   12 | …e, two, three, four, wrong, si…",
    "                              ^",
    "and on",
  ]);
  assert.deepEqual(show(words, "select", 40).slice(1, 3), [
    "   12 | select one, two, three, four, w…",
    "        ^",
  ]);
  assert.deepEqual(show(words, "numbers", 40).slice(1, 3), [
    "   12 | …, eight, nine, ten from numbers",
    "                                 ^",
  ]);
  assert.deepEqual(fitExcerpts([head + words], 20), ["   12 | select one,…"]);
  for (
    const text of [
      words,
      `${"表の名前".repeat(9)} wrong ${"表".repeat(40)}`,
      `'${"👩‍👩‍👧‍👦".repeat(20)}' wrong`,
    ]
  ) {
    for (let width = 14; width < 100; width++) {
      const [, excerpt, caret] = show(text, "wrong", width);
      assert.ok(measure(excerpt!) <= width && caret!.length <= width, excerpt);
      const before = excerpt!.slice(0, excerpt!.indexOf("wrong"));
      if (excerpt!.includes("wrong")) assert.equal(measure(before), caret!.length - 1, excerpt);
    }
  }
});
