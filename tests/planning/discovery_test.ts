import assert from "node:assert/strict";

import { discoverMigrations, type DiscoveryOptions } from "../../lib/planning/discovery.ts";

/** The migrations, with what undoes them behind an arrow. */
function found(files: readonly string[], options: DiscoveryOptions = {}): string[] {
  return discoverMigrations(files, [], options).migrations.map(({ name, downFile }) =>
    downFile === null ? name : `${name} ← ${downFile}`
  );
}

function leftOut(files: readonly string[], folders: readonly string[] = []): string[] {
  return discoverMigrations(files, folders).leftOut
    .filter(({ notable }) => notable).map(({ name, reason }) => `${name}: ${reason}`);
}

const pairs: readonly (readonly [migration: string, undo: string])[] = [
  ["001_a.sql", "001_a.down.sql"],
  ["001_a.sql", "001_a.undo.sql"],
  ["001_a.sql", "001_a.rollback.sql"],
  ["001_a.sql", "001_a.revert.sql"],
  ["001_a.up.sql", "001_a.down.sql"],
  ["001_a.tx.up.sql", "001_a.tx.down.sql"],
  ["001_a.up.tx.sql", "001_a.down.tx.sql"],
  ["001_a.up.sql", "001_a.down.tx.sql"],
  ["001.do.a.sql", "001.undo.a.sql"],
  ["001.do.sql", "001.undo.sql"],
  ["20240101000000_a.sql", "20240101000000_a_rollback.sql"],
  ["001_a.sql", "001_a_down.sql"],
  ["001_a.sql", "001_a-undo.sql"],
  ["001_a.sql", "001_a_revert.sql"],
  ["001_a.sql", "001_A_ROLLBACK.sql"],
  ["001_a_up.sql", "001_a_down.sql"],
  ["20150101-a-up.sql", "20150101-a-down.sql"],
  ["001_a.sql", "001_rollback_a.sql"],
  ["001_a.sql", "001_down_a.sql"],
  ["001_a.sql", "rollback_001_a.sql"],
  ["001_a.sql", "undo-001_a.sql"],
  ["001_a.sql", "001_rollback.sql"],
  ["001_a.sql", "001.down.sql"],
  ["V1__a.sql", "U1__a.sql"],
  ["V1.2__a.sql", "U1.2__undo_a.sql"],
  ["001_a.sql", "rollback/001_a.sql"],
  ["001_a.sql", "rollbacks/001_a.down.sql"],
  ["001_a.sql", "down/001_a_rollback.sql"],
  ["001_a.sql", "undo/001_other.sql"],
  ["001_a.sql", "Revert/1.sql"],
  ["é.sql", "e\u0301.down.sql"],
];

for (const [migration, undo] of pairs) {
  Deno.test(`discoverMigrations() knows that ${undo} undoes ${migration}`, () => {
    assert.deepEqual(
      found([undo, migration, "900_other.sql"]).toSorted(),
      [
        `${migration} ← ${undo}`,
        "900_other.sql",
      ].toSorted(),
    );
  });
}

const doubtful: Record<string, readonly string[]> = {
  "an undo file by its form, without a migration": ["001_a.sql", "007_mark_down.sql"],
  "one whose number is another one": ["20240101000000_a.sql", "20240101000001_a_rollback.sql"],
  "one that undoes a number which two have": ["001_a.sql", "001_b.sql", "001_rollback.sql"],
  "one that undoes X.sql or X.up.sql": ["001_a.sql", "001_a.up.sql", "001_a.down.sql"],
  "two for one migration": ["001_a.sql", "001_a.down.sql", "001_a_rollback.sql"],
  "two, one of them in a folder": ["001_a.sql", "001_a.down.sql", "rollback/001_a.sql"],
};

for (const [what, files] of Object.entries(doubtful)) {
  Deno.test(`discoverMigrations() refuses ${what}`, () => {
    assert.equal(discoverMigrations(files).refusals.length, 1);
  });
}

Deno.test("discoverMigrations() leaves out what undoes nothing that is there", () => {
  assert.deepEqual(found(["001_a.sql", "rollback.sql", "down_002_b.sql", "002_b.down.sql"]), [
    "001_a.sql",
  ]);
  assert.deepEqual(leftOut(["001_a.sql", "rollback.sql", "U.down.sql", "down/2_b.sql"], ["down"]), [
    "U.down.sql: undoes U.sql, which is not there",
    "down/2_b.sql: undoes 2_b.sql, which is not there",
    "rollback.sql: is called as what undoes a migration",
  ]);
});

Deno.test("discoverMigrations() takes what a migration reverts for a migration", () => {
  const files = [
    "001_a.sql",
    "002_revert_policies.sql",
    "003_rollback_rpc.sql",
    "004_downtown.sql",
  ];
  assert.deepEqual(found(files), files);
});

Deno.test("discoverMigrations() ignores what editors and systems leave", () => {
  const files = [
    ".001_a.sql",
    "._001_a.sql",
    ".#001_a.sql",
    ".DS_Store",
    "001_a.sql",
    "001_a.sql~",
    "001_a.sql.swp",
    "#001_a.sql#",
  ];
  assert.deepEqual(found(files), ["001_a.sql"]);
  assert.deepEqual(leftOut(files), []);
});

Deno.test("discoverMigrations() leaves out a copy beside its original", () => {
  const copies = [
    "001_a copy.sql",
    "001_a copy 2.sql",
    "001_a (1).sql",
    "001_a - Copy.sql",
    "001_a.bak.sql",
    "001_a.orig.sql",
    "001_a_BASE_123.sql",
    "001_a~.sql",
    "Copy of 001_a.sql",
  ];
  assert.deepEqual(found(["001_a.sql", ...copies]), ["001_a.sql"]);
  assert.equal(leftOut(["001_a.sql", ...copies]).length, copies.length);
  assert.deepEqual(found(["002_hard copy.sql"]), ["002_hard copy.sql"]);
});

Deno.test("discoverMigrations() tells what could have been meant for a migration from the rest", () => {
  assert.deepEqual(
    leftOut(
      ["001_a.sql", "002_deprecated.sql", "003_B.SQL", "004_c.ts", "README.md", "COMBINED_a.sql"],
      ["20240101_prisma", "meta", "005_d.sql", ".git"],
    ),
    [
      '002_deprecated.sql: has "deprecated" in its name',
      "003_B.SQL: ends in .SQL and not in .sql",
      "004_c.ts: does not end in .sql",
      "005_d.sql/: a folder, and migrations are files",
      "20240101_prisma/: a folder, and migrations are files",
    ],
  );
});

Deno.test("discoverMigrations() reads supabase/migrations as the Supabase CLI does", () => {
  const files = [
    "20250101000000_shop.sql",
    "20250101_early.sql",
    "9_late.sql",
    "TEMP_by_hand_only.sql",
    "20250102000000.sql",
    "20250101000000_shop.down.sql",
  ];
  assert.deepEqual(found(files, { layout: "supabase" }), [
    "20250101000000_shop.sql ← 20250101000000_shop.down.sql",
    "20250101_early.sql",
    "9_late.sql",
  ]);
  assert.deepEqual(found(files.slice(0, 4), { layout: "supabase", order: "number" }), [
    "9_late.sql",
    "20250101_early.sql",
    "20250101000000_shop.sql",
  ]);
  assert.deepEqual(
    discoverMigrations(files, [], { layout: "supabase" }).leftOut.map(({ name }) => name),
    ["20250102000000.sql", "TEMP_by_hand_only.sql"],
  );
  const old = ["20210101000000_init.sql", "20220101000000_init.sql"];
  assert.deepEqual(found(old, { layout: "supabase" }), ["20220101000000_init.sql"]);
  assert.deepEqual(found(old), old);
});

Deno.test("discoverMigrations() leaves Flyway's baselines out, and runs what is repeatable last", () => {
  assert.deepEqual(
    found(["R__views.sql", "V2__b.sql", "B2__base.sql", "V10__c.sql", "V1__a.sql"]),
    [
      "V1__a.sql",
      "V2__b.sql",
      "V10__c.sql",
      "R__views.sql",
    ],
  );
});
