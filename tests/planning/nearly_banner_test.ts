import assert from "node:assert/strict";
import { MigrationFileError } from "../../lib/errors.ts";
import { splitSections } from "../../lib/planning/sections.ts";

for (
  const comment of [
    "-- ROLLBACK MIGRATION",
    "-- Down",
    "-- === UNDO ===",
    "--rollback sql:",
    "-- REVERT",
  ]
) {
  Deno.test(`splitSections() refuses SQL below "${comment}", which is nearly a banner`, () => {
    assert.throws(
      () => splitSections(`create table a ();\n\n${comment}\ndrop table a;\n`, "001_a.sql"),
      (error) =>
        error instanceof MigrationFileError && error.position.line === 3 &&
        error.message.includes(comment),
    );
  });
}

Deno.test("splitSections() leaves a comment that is nearly a banner alone where no SQL follows", () => {
  const { forward, rollback } = splitSections(
    "create table a ();\n-- Rollback script:\n-- drop table a;\n",
    "001_a.sql",
  );
  assert.match(forward.sql, /drop table a/);
  assert.equal(rollback, null);
});

Deno.test("splitSections() takes prose about rolling back for what it is", () => {
  const { rollback } = splitSections(
    "-- Rollback is not possible: the data is gone\n-- scale down the workers\ndrop table a;\n",
    "001_a.sql",
  );
  assert.equal(rollback, null);
});
