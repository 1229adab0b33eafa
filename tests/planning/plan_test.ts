import assert from "node:assert/strict";

import { ConfigurationError } from "../../lib/errors.ts";
import {
  findLastBatch,
  type HistoryEntry,
  isApplied,
  type Migration,
  planMigrations,
  planRollback,
  type RollbackTarget,
} from "../../lib/planning/plan.ts";
import { Random } from "../support/random.ts";

/** A file: `name` or `name@version`, where a rollback part's version stands behind a slash. */
function file(text: string): Migration {
  const [name, version = "1/1"] = text.split("@") as [string, string?];
  const [checksum, rollback] = version.split("/") as [string, string?];
  return {
    name,
    forward: { sql: "", line: 1 },
    rollback: rollback === undefined ? null : { sql: "", line: 1, file: name, checksum: rollback },
    checksum,
    statementsChecksum: `statements of ${checksum}`,
    isTemplate: false,
  };
}

/**
 * A history row: as a file, then its batch, then what became of it. `failed 2` is a failed
 * attempt at version 2; `failed 2 over 1` one while version 1 is in the database.
 */
function row(text: string): HistoryEntry {
  const [, name, version = "1/1", batch, failed, over, undone] =
    /^(\S+?)(?:@(\S+))? #(\d+)(?: failed (\S+)(?: over (\S+))?)?( rolled back)?$/.exec(text)!;
  const [checksum, rollback] = version.split("/") as [string, string?];
  return {
    name: name!,
    batch: Number(batch),
    executedAt: "2025-07-26T12:34:56.789Z",
    executionTimeMs: 1,
    checksum: failed ?? checksum,
    appliedChecksum: undone !== undefined ? null : failed !== undefined ? over ?? null : checksum,
    status: failed !== undefined ? "failed" : undone !== undefined ? "rolled_back" : "completed",
    statementsChecksum: null,
    position: null,
    rollbackChecksum: rollback ?? null,
    vouched: true,
    progress: null,
    error: failed === undefined ? null : { code: "42601", message: "syntax error" },
  };
}

interface PlanCase {
  readonly files: readonly string[];
  readonly history?: readonly string[];
  readonly to?: string;
  /** Each with its reason, and with `over` and the version that is in the database. */
  readonly pending?: readonly string[];
  readonly changedRollbacks?: readonly string[];
  readonly missing?: readonly string[];
  readonly lastBatch?: number;
}

const plans: Record<string, PlanCase> = {
  "nothing for no files": { files: [] },
  "everything on an empty database": {
    files: ["1_a", "2_b"],
    pending: ["1_a not_executed", "2_b not_executed"],
  },
  "nothing where everything is applied": {
    files: ["1_a", "2_b"],
    history: ["1_a #1", "2_b #2"],
    lastBatch: 2,
  },
  "what was never applied": {
    files: ["1_a", "2_b", "3_c"],
    history: ["1_a #1"],
    pending: ["2_b not_executed", "3_c not_executed"],
    lastBatch: 1,
  },
  "a file that came in between, in its place": {
    files: ["1_a", "2_b", "3_c"],
    history: ["1_a #1", "3_c #2"],
    pending: ["2_b not_executed"],
    lastBatch: 2,
  },
  "an applied file with other content": {
    files: ["1_a@2/1"],
    history: ["1_a@1/1 #4"],
    pending: ["1_a checksum_mismatch over 1"],
    lastBatch: 4,
  },
  "a failed file with the same content": {
    files: ["1_a@1/1"],
    history: ["1_a #1 failed 1"],
    pending: ["1_a failed_previously"],
  },
  "a failed file that was mended": {
    files: ["1_a@2/1"],
    history: ["1_a #1 failed 1"],
    pending: ["1_a checksum_mismatch"],
  },
  "a changed file of which the change failed": {
    files: ["1_a@2/1"],
    history: ["1_a #1 failed 2 over 1"],
    pending: ["1_a failed_previously over 1"],
    lastBatch: 1,
  },
  "a changed file of which the change failed and was mended": {
    files: ["1_a@3/1"],
    history: ["1_a #1 failed 2 over 1"],
    pending: ["1_a checksum_mismatch over 1"],
    lastBatch: 1,
  },
  "nothing where a change failed and was taken back": {
    files: ["1_a@1/1"],
    history: ["1_a #1 failed 2 over 1"],
    lastBatch: 1,
  },
  "a file that was rolled back": {
    files: ["1_a@1/1"],
    history: ["1_a #1 rolled back"],
    pending: ["1_a rolled_back"],
  },
  "a file that was rolled back and changed": {
    files: ["1_a@2/1"],
    history: ["1_a #1 rolled back"],
    pending: ["1_a rolled_back"],
  },
  "nothing where the rollback part alone was changed, which is refreshed": {
    files: ["1_a@1/2", "2_b@1/1"],
    history: ["1_a@1/1 #1", "2_b@1/1 #1"],
    changedRollbacks: ["1_a"],
    lastBatch: 1,
  },
  "nothing where a rollback part was added, which is stored": {
    files: ["1_a@1/1"],
    history: ["1_a@1 #1"],
    changedRollbacks: ["1_a"],
    lastBatch: 1,
  },
  "nothing where a rollback part was taken out, which is forgotten": {
    files: ["1_a@1"],
    history: ["1_a@1/1 #1"],
    changedRollbacks: ["1_a"],
    lastBatch: 1,
  },
  "a file with both parts changed, without a refresh of its own": {
    files: ["1_a@2/2"],
    history: ["1_a@1/1 #1"],
    pending: ["1_a checksum_mismatch over 1"],
    lastBatch: 1,
  },
  "a refresh where a change failed, was taken back, and the rollback part is another": {
    files: ["1_a@1/2"],
    history: ["1_a@1/1 #1 failed 2 over 1"],
    changedRollbacks: ["1_a"],
    lastBatch: 1,
  },
  "nothing for applied files that are gone, which are reported in order": {
    files: ["2_b"],
    history: ["10_d #2", "9_c #2", "1_a #1", "2_b #1"],
    missing: ["1_a", "9_c", "10_d"],
    lastBatch: 2,
  },
  "nothing for files that are gone and are not in the database": {
    files: [],
    history: ["1_a #1 rolled back", "2_b #2 failed 1"],
  },
  "a file of another content than one that is gone": {
    files: ["2_a@2/1"],
    history: ["1_a #1"],
    pending: ["2_a not_executed"],
    missing: ["1_a"],
    lastBatch: 1,
  },
  "files with one number in the order of their names": {
    files: ["020_a", "20_b"],
    history: ["20_b #1"],
    pending: ["020_a not_executed"],
    lastBatch: 1,
  },
  "the files up to the one given, and this one": {
    files: ["1_a", "2_b", "3_c", "x"],
    to: "2_b",
    pending: ["1_a not_executed", "2_b not_executed"],
  },
  "all files up to the last one": {
    files: ["1_a", "x"],
    to: "x",
    pending: ["1_a not_executed", "x not_executed"],
  },
  "nothing up to a file that is applied": {
    files: ["1_a", "2_b"],
    history: ["1_a #1"],
    to: "1_a",
    lastBatch: 1,
  },
  "no refresh behind the file given": {
    files: ["1_a@1/2", "2_b@1/2"],
    history: ["1_a@1/1 #1", "2_b@1/1 #1"],
    to: "1_a",
    changedRollbacks: ["1_a"],
    lastBatch: 1,
  },
  "the batch after the last one that is in the database": {
    files: ["1_a", "2_b", "3_c"],
    history: ["1_a #3", "2_b #7 rolled back", "3_c #9 failed 1"],
    pending: ["2_b rolled_back", "3_c failed_previously"],
    lastBatch: 3,
  },
};

for (const [what, given] of Object.entries(plans)) {
  Deno.test(`planMigrations() plans ${what}`, () => {
    const plan = planMigrations(
      given.files.map(file),
      new Random(1).shuffle(given.history ?? []).map(row),
      { to: given.to },
    );
    assert.deepEqual(
      {
        pending: plan.pending.map(({ migration, reason, applied }) =>
          `${migration.name} ${reason}${applied === null ? "" : ` over ${applied.appliedChecksum}`}`
        ),
        changedRollbacks: plan.changedRollbacks.map(({ name }) => name),
        missing: plan.missing,
        lastBatch: plan.lastBatch,
      },
      {
        pending: given.pending ?? [],
        changedRollbacks: given.changedRollbacks ?? [],
        missing: given.missing ?? [],
        lastBatch: given.lastBatch ?? 0,
      },
    );
  });
}

Deno.test("planMigrations() leaves files and history as they are", () => {
  const files = ["1_a@2", "2_b"].map(file);
  const history = ["2_b #2", "1_a #1", "0_gone #1"].map(row);
  const before = JSON.stringify([files, history]);
  planMigrations(Object.freeze(files), Object.freeze(history));
  planRollback(Object.freeze(history), { kind: "to", target: "0" });
  assert.equal(JSON.stringify([files, history]), before);
});

Deno.test("isApplied() and findLastBatch() count what is in the database", () => {
  const history = ["1_a #1", "2_b #2 failed 2 over 1", "3_c #3 failed 1", "4_d #4 rolled back"]
    .map(row);
  assert.deepEqual(history.map(isApplied), [true, true, false, false]);
  assert.equal(isApplied(undefined), false);
  assert.equal(findLastBatch(history), 2);
  assert.equal(findLastBatch([]), 0);
});

const history = [
  "000_master #1",
  "001_initial #1",
  "2_users #1",
  "10_bookings #2",
  "012_chat_system #3",
  "012_chat_system_indexes #3",
  "005_late #4",
  "50_failed #5 failed 1",
  "51_undone #6 rolled back",
  "7_changed #3 failed 2 over 1",
];
const batch4 = ["005_late"];
const batch3 = ["012_chat_system_indexes", "012_chat_system", "7_changed"];
const batch2 = ["10_bookings"];
const batch1 = ["2_users", "001_initial", "000_master"];

const rollbacks: Record<string, [target: RollbackTarget, to: string | null, undone: string[]]> = {
  "the last batch that is in the database": [{ kind: "last batch" }, null, batch4],
  "one step": [{ kind: "steps", steps: 1 }, null, batch4],
  "steps across batches": [
    { kind: "steps", steps: 3 },
    null,
    [...batch4, "012_chat_system_indexes", "012_chat_system"],
  ],
  "everything for more steps than there are": [
    { kind: "steps", steps: 99 },
    null,
    [...batch4, ...batch3, ...batch2, ...batch1],
  ],
  "what came after a batch": [{ kind: "to", target: "2" }, "2", [...batch4, ...batch3]],
  "nothing after the last batch": [{ kind: "to", target: "4" }, "4", []],
  "everything for batch 0": [
    { kind: "to", target: "0" },
    "0",
    [...batch4, ...batch3, ...batch2, ...batch1],
  ],
  "what came after a name": [
    { kind: "to", target: "10_bookings" },
    "10_bookings",
    [...batch4, ...batch3],
  ],
  "what came after a name in its own batch": [
    { kind: "to", target: "012_chat_system" },
    "012_chat_system",
    [...batch4, "012_chat_system_indexes"],
  ],
  "what came after the beginning of a name": [
    { kind: "to", target: "012_chat_system_" },
    "012_chat_system_indexes",
    batch4,
  ],
  "nothing after the one that was applied last, whatever its number": [
    { kind: "to", target: "005" },
    "005_late",
    [],
  ],
  "what was applied out of order first": [
    { kind: "to", target: "7_changed" },
    "7_changed",
    [...batch4, "012_chat_system_indexes", "012_chat_system"],
  ],
  "a number with zeros in front as a name": [
    { kind: "to", target: "001" },
    "001_initial",
    [...batch4, ...batch3, ...batch2, "2_users"],
  ],
  "a number that is a batch as a batch, though a name begins with it": [
    { kind: "to", target: "1" },
    "1",
    [...batch4, ...batch3, ...batch2],
  ],
  "a number beyond the last batch as a name": [
    { kind: "to", target: "10" },
    "10_bookings",
    [...batch4, ...batch3],
  ],
  "a number beyond the last batch that is the only number of a name": [
    { kind: "to", target: "7" },
    "7_changed",
    [...batch4, "012_chat_system_indexes", "012_chat_system"],
  ],
};

for (const [what, [target, to, undone]] of Object.entries(rollbacks)) {
  Deno.test(`planRollback() undoes ${what}`, () => {
    const random = new Random(7);
    for (let round = 0; round < 10; round++) {
      const plan = planRollback(random.shuffle(history).map(row), target);
      assert.deepEqual(plan.entries.map(({ name }) => name), undone);
      assert.equal(plan.to, to);
    }
  });
}

Deno.test("planRollback() finds a name with .sql and without", () => {
  const rows = ["1_a.sql #1", "2_b.sql #2", "3_c.sql #3"].map(row);
  for (const target of ["2_b.sql", "2_b", "2_"]) {
    const { to, entries } = planRollback(rows, { kind: "to", target });
    assert.equal(to, "2_b.sql");
    assert.deepEqual(entries.map(({ name }) => name), ["3_c.sql"]);
  }
});

Deno.test("planRollback() has nothing to undo on an empty database", () => {
  const targets: RollbackTarget[] = [
    { kind: "last batch" },
    { kind: "steps", steps: 1 },
    { kind: "to", target: "0" },
  ];
  for (const rows of [[], ["1_a #1 rolled back", "2_b #2 failed 1"].map(row)]) {
    for (const target of targets) assert.deepEqual(planRollback(rows, target).entries, []);
  }
});

const refusals: readonly [target: string, message: string, hint: string | RegExp][] = [
  ["9", "There is no batch 9: the last one is 4", /history/],
  ["12345678901234567890", "There is no batch 12345678901234567890: the last one is 4", /history/],
  [
    "012_chat",
    '"012_chat" fits more than one applied migration: 012_chat_system, 012_chat_system_indexes',
    /Type more/,
  ],
  [
    "001_inital",
    'No applied migration is called "001_inital"',
    "Did you mean 001_initial?",
  ],
  ["-1", 'No applied migration is called "-1"', /./],
  ["1.5", 'No applied migration is called "1.5"', /./],
  ["", 'No applied migration is called ""', /./],
];

for (const [target, message, hint] of refusals) {
  Deno.test(`planRollback() refuses the target "${target}"`, () => {
    assert.throws(() => planRollback(history.map(row), { kind: "to", target }), (error) => {
      assert(error instanceof ConfigurationError);
      assert.equal(error.message, message);
      if (typeof hint === "string") assert.equal(error.hint, hint);
      else assert.match(error.hint!, hint);
      return true;
    });
  });
}

Deno.test("planRollback() finds nothing that failed or was undone", () => {
  for (const target of ["50_failed", "51_undone"]) {
    assert.throws(() => planRollback(history.map(row), { kind: "to", target }), {
      name: "ConfigurationError",
      message: `No applied migration is called "${target}"`,
    });
  }
});

Deno.test("planRollback() undoes in the reverse of the order in which planMigrations() applies", () => {
  const random = new Random(12);
  const names = ["001_a", "2_b", "10_c", "010_d", "20250726123456_e", "seed", "z"];
  const files = planMigrations(names.map(file), []).pending.map(({ migration }) => migration.name);
  const rows = files.map((name, index) => row(`${name} #${1 + Math.floor(index / 3)}`));
  const { entries } = planRollback(random.shuffle(rows), { kind: "to", target: "0" });
  assert.deepEqual(
    entries.map(({ name }) => name),
    [...rows].sort((a, b) => {
      return a.batch - b.batch || files.indexOf(a.name) - files.indexOf(b.name);
    }).reverse().map(({ name }) => name),
  );
});
