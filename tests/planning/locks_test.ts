import assert from "node:assert/strict";
import { estimateLocks, type MeasuredStatement } from "../../lib/planning/locks.ts";

const GB = 1024 ** 3;

function statement(given: Partial<MeasuredStatement>, ...touched: object[]): MeasuredStatement {
  return {
    migration: "001_a.sql",
    line: 1,
    sql: "alter table notes alter column price type bigint",
    transaction: 1,
    tables: touched.map((one) => ({
      schema: "public",
      name: "notes",
      kind: "r",
      locks: [],
      rewritten: false,
      scanned: false,
      indexes: 0,
      ...one,
    })),
    ...given,
  };
}

Deno.test("estimateLocks() holds a lock to the end of its transaction, and puts the longest first", () => {
  const { statements } = estimateLocks(
    [
      statement({ line: 1 }, { name: "owners", locks: ["AccessExclusiveLock"] }),
      statement({ line: 2 }, { locks: ["ShareLock"], scanned: true, indexes: 1 }),
      statement({ line: 3 }, { locks: ["AccessExclusiveLock"], rewritten: true }),
      statement({ line: 4, transaction: 2 }, { locks: ["AccessExclusiveLock"] }),
    ],
    [{ schema: "public", name: "notes", rows: 1e7, bytes: 2 * GB, index_bytes: GB }],
    [],
  );
  assert.deepEqual(
    statements.map(({ line, blocks, takes, held }) => [line, blocks, takes, held]),
    [
      [1, "reading and writing", "under a second", "minutes"],
      [3, "reading and writing", "minutes", "minutes"],
      [4, "reading and writing", "under a second", "under a second"],
      [2, "writing", "tens of seconds", "minutes"],
    ],
  );
});

Deno.test("estimateLocks() takes TRUNCATE for no rewrite, and an UPDATE of all rows for work", () => {
  const sizes = [{ schema: "public", name: "notes", rows: 1e8, bytes: 100 * GB, index_bytes: 0 }];
  const { statements: [emptied] } = estimateLocks(
    [statement({ sql: "truncate notes" }, { locks: ["AccessExclusiveLock"], rewritten: true })],
    sizes,
    [],
  );
  assert.equal(emptied!.locks[0]!.rewrites, false);
  assert.equal(emptied!.takes, "under a second");
  const { statements: [updated] } = estimateLocks(
    [statement({ sql: "update notes set a = 1" }, { locks: ["RowExclusiveLock"], scanned: true })],
    sizes,
    [],
  );
  assert.equal(updated!.blocks, "nobody");
  assert.equal(updated!.takes, "hours");
});

Deno.test("estimateLocks() says nothing of the size of what it was not told of", () => {
  const { statements: [found] } = estimateLocks(
    [statement({}, { schema: "Odd", locks: ["AccessExclusiveLock"], rewritten: true })],
    [],
    [],
  );
  assert.deepEqual(found!.locks[0], {
    table: '"Odd".notes',
    lock: "ACCESS EXCLUSIVE",
    since: null,
    blocks: "reading and writing",
    rewrites: true,
    scans: false,
    buildsIndexes: 0,
    rows: null,
    bytes: null,
  });
});
