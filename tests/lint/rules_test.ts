/** Each rule finds what its file has wrong, and nothing in the one that is right. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { Linter } from "../../lib/lint/lint.ts";
import { RULES } from "../../lib/lint/rules.ts";
import { parseSql, parseText } from "../../lib/planning/parser.ts";
import { splitSections } from "../../lib/planning/sections.ts";

const FOLDER = new URL("../testdata/lint/", import.meta.url);

/** The codes that a file trips. */
async function lint(code: string, name: string): Promise<string[]> {
  const file = `${code}/${name}.sql`;
  const { forward, rollback } = splitSections(
    await readFile(new URL(file, FOLDER), "utf8"),
    file,
  );
  const linter = new Linter();
  linter.begin(file);
  await linter.add(file, forward, await parseSql(forward.sql));
  if (rollback !== null) await linter.add(file, rollback, await parseSql(rollback.sql), true);
  return linter.finish().findings.map((finding) => finding.code);
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
    assert((await lint(code, "trips")).includes(code), "trips.sql does not trip it");
    assert(!(await lint(code, "passes")).includes(code), "passes.sql trips it");
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
