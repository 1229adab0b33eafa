import assert from "node:assert/strict";

import { MigrationFileError } from "../../lib/errors.ts";
import { checkLimits, readLimits } from "../../lib/planning/limits.ts";

const read = (sql: string) => readLimits({ sql, line: 5 }, "001_a.sql");

Deno.test("readLimits() reads the limits that comments say, whatever stands around them", () => {
  assert.deepEqual(
    read("-- supamigrate: lock_timeout 2s\nselect 1;\n--supamigrate:lock_retries 7"),
    {
      lockTimeoutMs: 2000,
      lockRetries: 7,
    },
  );
  assert.deepEqual(read("-- Supamigrate: STATEMENT_TIMEOUT 1.5min"), {
    statementTimeoutMs: 90_000,
  });
  assert.deepEqual(read("-- supamigrate: lock_timeout 0"), { lockTimeoutMs: 0 });
  assert.deepEqual(read("-- supamigrate: commit\n-- supamigrate: allow some-rule because"), {});
  assert.deepEqual(read("select '-- supamigrate: lock_timeout 2s';\n-- about supamigrate"), {});
});

const refused: Record<string, RegExp> = {
  "lock_timout 2s":
    /^"-- supamigrate: lock_timout" asks for nothing that there is: is "lock_timeout" meant\?$/,
  "something": /^"-- supamigrate: something" asks for nothing that there is$/,
  "lock_timeout": /^lock_timeout has to be a time such as 500ms, 2s or 10min, not ""$/,
  "lock_timeout 2": /not "2"$/,
  "statement_timeout soon": /^statement_timeout has to be a time .* not "soon"$/,
  "statement_timeout 9999h": /^statement_timeout has to be a time/,
  "lock_retries -1": /^lock_retries has to be a whole number from 0 to 1000, not "-1"$/,
  "lock_retries many": /not "many"$/,
};
for (const [comment, message] of Object.entries(refused)) {
  Deno.test(`readLimits() refuses "${comment}" with its line`, () => {
    assert.throws(() => read(`select 1;\n\n-- supamigrate: ${comment}`), (error) => {
      assert.ok(error instanceof MigrationFileError);
      assert.match(error.message, message);
      assert.deepEqual([error.position.file, error.position.line], ["001_a.sql", 7]);
      return true;
    });
  });
}

Deno.test("checkLimits() refuses what no server takes", () => {
  assert.deepEqual(checkLimits({ lockTimeoutMs: 0, lockRetries: 0 }), {
    lockTimeoutMs: 0,
    lockRetries: 0,
  });
  for (
    const limits of [{ lockTimeoutMs: -1 }, { lockRetries: 1.5 }, { statementTimeoutMs: 1e12 }]
  ) {
    assert.throws(() => checkLimits(limits), /^ConfigurationError: limits\.\w+ has to be a whole/);
  }
});
