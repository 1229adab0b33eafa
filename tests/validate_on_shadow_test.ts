import assert from "node:assert/strict";
import { loadMigrations } from "../lib/operations/source.ts";
import { validateOnShadow } from "../lib/operations/validate_on_shadow.ts";

const CONTEXT = { onProgress: () => {}, signal: undefined };

async function validate(files: Readonly<Record<string, string>>) {
  const { migrations } = await loadMigrations(files);
  const findings = await validateOnShadow(CONTEXT, migrations);
  return findings.map(({ code, file, line, message }) => `${code} ${file} ${line} ${message}`);
}

Deno.test({
  name:
    "validateOnShadow() finds what fails there, back and again, and what needs what is not there",
  sanitizeOps: false, // PGlite keeps timers
  sanitizeResources: false,
  fn: async () => {
    const found = await validate({
      "001_fine.sql": "create table notes (id int);\n-- ROLLBACK\ndrop table notes;",
      "002_back.sql": "create table more (id int);\n-- ROLLBACK\n\ndrop table moer;",
      "003_again.sql": "create table extras (id int);\n-- ROLLBACK\nselect 1;",
      "004_needs.sql": "select 1;\nalter table later add column x int;",
      "005_later.sql": "create table later (id int);",
    });
    assert.deepEqual(found, [
      'rollback-does-not-run 002_back.sql 4 table "moer" does not exist (42P01)',
      'does-not-run-again 003_again.sql 1 relation "extras" already exists (42P07)',
      'does-not-run 004_needs.sql 2 relation "later" does not exist (42P01)',
      "not-tried 005_later.sql 1 1 migration comes after 004_needs.sql and was not tried",
    ]);
  },
});
