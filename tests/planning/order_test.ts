import assert from "node:assert/strict";

import { ConfigurationError } from "../../lib/errors.ts";
import {
  compareMigrations,
  comparisonBy,
  findMigration,
  findOrderWarnings,
  suggest,
} from "../../lib/planning/order.ts";
import { Random } from "../support/random.ts";

const inOrder: Record<string, readonly string[]> = {
  "numbers by their value": ["2_b.sql", "9_a.sql", "10_c.sql", "100_a.sql"],
  "20 and 020 in the order of their names": ["020_b.sql", "20_a.sql", "21_a.sql"],
  "000 first": ["000_MASTER_CONSOLIDATED.sql", "001_a.sql", "01_b.sql"],
  "14 digits by their value": ["20250726123456_a.sql", "20250726123457_a.sql"],
  "digits beyond the exact integers of JavaScript": [
    "90071992547409920_b.sql",
    "90071992547409921_a.sql",
    "100000000000000000000000000000_a.sql",
  ],
  "a short time stamp before a long one": ["20251219_b.sql", "20251219235959_a.sql"],
  "names without a number last": ["1_z.sql", "999_z.sql", "20250726123456_z.sql", "a.sql", "b.sql"],
  "Flyway's versions by their parts": [
    "V1__a.sql",
    "V1.2__b.sql",
    "v1_10__c.sql",
    "V2__d.sql",
    "3_e.sql",
    "V10__f.sql",
    "R__g.sql",
  ],
  "one number in the order of names": ["7_Z.sql", "7_a.sql", "7_ab.sql", "7_b.sql", "7a.sql"],
  "names by code unit, whatever the locale": ["1_Z.sql", "1_a.sql", "1_z.sql", "1_ä.sql"],
  "a number at the end of a name not at all": ["a_10.sql", "a_2.sql"],
};

for (const [what, names] of Object.entries(inOrder)) {
  Deno.test(`compareMigrations() puts ${what}`, () => {
    assert.deepEqual([...names].reverse().sort(compareMigrations), names);
  });
}

Deno.test("compareMigrations() is a total order, the same for every permutation", () => {
  const random = new Random(2);
  const names = [...new Set(Object.values(inOrder).flat())];
  const sorted = [...names].sort(compareMigrations);
  for (let round = 0; round < 200; round++) {
    assert.deepEqual(random.shuffle(names).sort(compareMigrations), sorted);
  }
  for (const [i, a] of sorted.entries()) {
    for (const [j, b] of sorted.entries()) {
      assert.equal(Math.sign(compareMigrations(a, b)), Math.sign(i - j), `${a} and ${b}`);
    }
  }
});

Deno.test("findOrderWarnings() has nothing to say of ordinary names", () => {
  for (
    const names of [
      [],
      ["001_a.sql", "002_b.sql"],
      ["001_a.sql", "20250726123456_b.sql"],
      ["20250726123456_a.sql", "20250726123457_b.sql"],
      ["a.sql", "b.sql"],
    ]
  ) assert.deepEqual(findOrderWarnings(names), []);
});

Deno.test("findOrderWarnings() warns of two files with one number, whatever their width", () => {
  assert.deepEqual(findOrderWarnings(["007_a.sql", "7_b.sql", "8_c.sql"]), [
    "007_a.sql and 7_b.sql have the same number: they run in the order of their names",
  ]);
});

Deno.test("findOrderWarnings() warns where the other order would be another one", () => {
  const names = ["001_a.sql", "20251219_b.sql", "20251219235959_c.sql"];
  assert.deepEqual(findOrderWarnings(names), [
    "20251219_b.sql runs before 20251219235959_c.sql, by number; by name it would be the other " +
    "way round (--order name)",
  ]);
  assert.deepEqual(findOrderWarnings([names[0]!, names[2]!, names[1]!], "name"), [
    "20251219235959_c.sql runs before 20251219_b.sql, by name; by number it would be the other " +
    "way round (--order number)",
  ]);
  assert.deepEqual(findOrderWarnings(names, "number", (name) => name === "001_a.sql"), []);
});

Deno.test("findOrderWarnings() takes short numbers for what they are, unless names decide", () => {
  assert.deepEqual(findOrderWarnings(["9_a.sql", "10_b.sql", "100_c.sql"]), []);
  assert.equal(findOrderWarnings(["100_c.sql", "10_b.sql", "9_a.sql"], "name").length, 1);
});

Deno.test("findOrderWarnings() says nothing of lengths that make no difference", () => {
  const names = ["20250101_a.sql", "20250202000000_b.sql"];
  assert.deepEqual(findOrderWarnings(names), []);
  assert.deepEqual(findOrderWarnings(names, "name"), []);
});

Deno.test("comparisonBy() orders by name as the Supabase CLI does, names without a number last", () => {
  const names = ["10_a.sql", "20250101000000_b.sql", "20250101_c.sql", "9_d.sql", "!.sql", "B.sql"];
  assert.deepEqual([...names].reverse().sort(comparisonBy("name")), names);
});

const names = [
  "000_MASTER_CONSOLIDATED.sql",
  "001_initial.sql",
  "012_chat_system.sql",
  "012_chat_system_indexes.sql",
  "20250726123456_add_celebrity_ratings.sql",
];

const queries: readonly [query: string, found: string][] = [
  ["012_chat_system.sql", "012_chat_system.sql"],
  ["012_chat_system", "012_chat_system.sql"],
  ["012_chat_system_", "012_chat_system_indexes.sql"],
  ["001", "001_initial.sql"],
  ["000_MASTER", "000_MASTER_CONSOLIDATED.sql"],
  ["20250726123456_add_celebrity_ratings.s", "20250726123456_add_celebrity_ratings.sql"],
];

for (const [query, found] of queries) {
  Deno.test(`findMigration() finds ${found} by "${query}"`, () => {
    assert.equal(findMigration(query, names), found);
  });
}

Deno.test("findMigration() refuses a beginning that more than one name has", () => {
  assert.throws(() => findMigration("012_chat", names), (error) => {
    assert(error instanceof ConfigurationError);
    assert.equal(
      error.message,
      '"012_chat" fits more than one migration: 012_chat_system.sql, 012_chat_system_indexes.sql',
    );
    return true;
  });
});

Deno.test("findMigration() takes a whole number or word before the beginning of a longer one", () => {
  const alike = [
    "001_a.sql",
    "0010_b.sql",
    "0010_bookings.sql",
    "20_c.sql",
    "20_d.sql",
    "200_e.sql",
  ];
  assert.equal(findMigration("001", alike), "001_a.sql");
  assert.equal(findMigration("0010_b", alike), "0010_b.sql");
  assert.equal(findMigration("0010_bo", alike), "0010_bookings.sql");
  assert.throws(() => findMigration("20", alike), {
    message: '"20" fits more than one migration: 20_c.sql, 20_d.sql, 200_e.sql',
  });
});

Deno.test("findMigration() names no more than five that a beginning fits", () => {
  const many = Array.from({ length: 9 }, (_, index) => `00${index + 1}_a.sql`);
  assert.throws(() => findMigration("00", many), {
    message: '"00" fits more than one migration: ' +
      "001_a.sql, 002_a.sql, 003_a.sql, 004_a.sql, 005_a.sql, …",
  });
});

Deno.test("findMigration() suggests the name that a mistyped one is similar to", () => {
  assert.throws(() => findMigration("001_initail", names, "applied migration"), {
    name: "ConfigurationError",
    message: 'No applied migration is called "001_initail"',
    hint: "Did you mean 001_initial.sql?",
  });
});

Deno.test("findMigration() finds nothing by an empty name, or by the end of one", () => {
  for (const query of ["", "initial.sql", ".sql", "%", "001_initial.sql.sql"]) {
    assert.throws(() => findMigration(query, names), {
      name: "ConfigurationError",
      message: `No migration is called "${query}"`,
    });
  }
  assert.throws(() => findMigration("001", []), { message: 'No migration is called "001"' });
});

Deno.test("suggest() knows slips of the finger from other words", () => {
  const cases: readonly [typed: string, suggestion: string | undefined][] = [
    ["001_inital", "001_initial.sql"],
    ["01_initial", "001_initial.sql"],
    ["012_chat_sistem", "012_chat_system.sql"],
    ["20250726123456_add_celebrity_rating", "20250726123456_add_celebrity_ratings.sql"],
    ["payments", undefined],
    ["", undefined],
  ];
  for (const [typed, suggestion] of cases) {
    assert.equal(suggest(typed, names), suggestion, typed);
    assert.equal(suggest(typed, []), undefined);
  }
});
