import assert from "node:assert/strict";

import { comparableStatements } from "../../lib/planning/comparable.ts";
import { hidingABanner, leavingNothingOpen } from "./traps.ts";

const alike: Record<string, readonly string[]> = {
  "comments and white space": [
    "insert into a values ('EUR'), ('USD');",
    "-- Currencies of the shop\ninsert into a\n  values ('EUR') , ( 'USD' ) ;\n\n\n",
    "/* it's */ INSERT /**/ Into A VALUES('EUR'),('USD') -- ;\n",
    ";; insert into a values ('EUR'), ('USD');;",
  ],
  "operators": ["select a+1, b::int, x.y;", "select a + 1,b :: int , x.y"],
  "a string on two lines": ["select 'a'\n'b'", "select 'a' -- and\n  'b';"],
};

for (const [what, texts] of Object.entries(alike)) {
  Deno.test(`comparableStatements() sees no difference in ${what}`, () => {
    assert.equal(
      new Set(texts.map(comparableStatements)).size,
      1,
      texts.map(comparableStatements).join("\n"),
    );
  });
}

const different: readonly (readonly [a: string, b: string])[] = [
  ["select 'a'", "select 'A'"],
  ["select 'a b'", "select 'a  b'"],
  ["select '-- a'", "select '-- b'"],
  ['select "a"', 'select "A"'],
  ["do $$ a $$", "do $$ a  $$"],
  ["do $$ -- a\n$$", "do $$ -- b\n$$"],
  ["select a <- 1", "select a < -1"],
  ["select 1 . 5", "select 1.5"],
  ["select u & '1'", "select u&'1'"],
  ["select e '1'", "select e'1'"],
  ["select ab", "select a b"],
  ["select 1; select 2", "select 1 select 2"],
  ["select E'a'\n'\\'  '';'", "select E'a'\n'\\' '';'"],
  ["select 1", "select 2"],
  ["select 'a'\n'b'", "select 'a' 'b'"],
];

for (const [a, b] of different) {
  Deno.test(`comparableStatements() tells ${JSON.stringify(a)} from ${JSON.stringify(b)}`, () => {
    assert.notEqual(comparableStatements(a), comparableStatements(b));
  });
}

for (const [what, sql] of Object.entries({ ...hidingABanner, ...leavingNothingOpen })) {
  Deno.test(`comparableStatements() is itself once more for ${what}`, () => {
    const once = comparableStatements(sql);
    assert.equal(comparableStatements(once), once);
    assert.equal(comparableStatements(`-- a\n\n${sql}\n\n/* b */`), once);
  });
}

Deno.test("comparableStatements() goes through 5 MB", () => {
  const sql = "insert into a values (1, 'it''s', $$ a $$); -- it's\n".repeat(100_000);
  assert.equal(comparableStatements(sql).split(";").length, 100_000);
});
