/**
 * Each rule finds what its file has wrong, and nothing in the one that is right. What is written in
 * several ways has further files, trips_….sql; before.sql is a migration that comes before each.
 */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { Linter } from "../../lib/lint/lint.ts";
import { RULES } from "../../lib/lint/rules.ts";
import { parseSql, parseText } from "../../lib/planning/parser.ts";
import { splitSections } from "../../lib/planning/sections.ts";

const FOLDER = new URL("../testdata/lint/", import.meta.url);

/** The codes that the last of some files trips, after the others. */
async function lint(code: string, names: readonly string[]): Promise<string[]> {
  const linter = new Linter();
  const files = names.map((name) => `${code}/${name}.sql`);
  for (const file of files) {
    const { forward, rollback } = splitSections(
      await readFile(new URL(file, FOLDER), "utf8"),
      file,
    );
    linter.begin(file);
    await linter.add(file, forward, await parseSql(forward.sql));
    if (rollback !== null) await linter.add(file, rollback, await parseSql(rollback.sql), true);
  }
  return linter.finish().findings.flatMap(({ code, file }) => file === files.at(-1) ? [code] : []);
}

Deno.test("every rule has a folder with a file that trips it and one that does not", async () => {
  assert.deepEqual(
    (await readdir(FOLDER)).sort(),
    RULES.map(({ code }) => code).sort(),
  );
});

Deno.test("no two rules have the same code", () => {
  assert.equal(new Set(RULES.map(({ code }) => code)).size, RULES.length);
  assert(RULES.length >= 40);
});

for (const { code, title } of RULES) {
  Deno.test(`${code}: ${title}`, async () => {
    const names = (await readdir(new URL(`${code}/`, FOLDER))).map((name) => name.slice(0, -4));
    assert(names.includes("trips") && names.includes("passes"));
    const before = names.filter((name) => name === "before");
    for (const name of names.filter((name) => name !== "before")) {
      const isTripped = (await lint(code, [...before, name])).includes(code);
      assert.equal(isTripped, name.startsWith("trips"), `${name}.sql`);
    }
  });
}

Deno.test("an expression of any length is looked at", async () => {
  const sum = Array(4000).fill("auth.uid()").join(" or x = ");
  const sql = `select 1${" + 1".repeat(4000)};\n` +
    `create index on app.notes ((1${" + 1".repeat(4000)}));\n` +
    `create policy p on app.notes for select to anon using (x = ${sum});\n`;
  const linter = new Linter();
  linter.begin("001_a.sql");
  await linter.add("001_a.sql", { sql, line: 1 }, (await parseText(sql)).statements);
  const { findings } = linter.finish();
  assert(findings.some(({ code }) => code === "policy-function-per-row"));
});
