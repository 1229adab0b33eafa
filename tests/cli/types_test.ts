import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";

const NOTES = "create table notes (id int primary key, body text);\n";

Deno.test("types writes a file, leaves it as somebody has formatted it, and says whether it is up to date", async () => {
  await using workspace = await Workspace.create({ "001_notes.sql": NOTES });
  const path = "src/lib/database.types.ts";
  const file = `${workspace.path}/${path}`;
  await workspace.run(["migrate", "--embedded"]);
  const written = await workspace.run(["types", "--embedded", "--out", path]);
  assert.deepEqual(
    [written.code, written.stdout],
    [0, `📝 Wrote ${path}: public\n`],
    written.stderr,
  );
  const text = await Deno.readTextFile(file);
  assert.match(text, /\n {6}notes: \{\n {8}Row: \{\n {10}body: string \| null\n {10}id: number\n/);
  assert.doesNotMatch(text, /__InternalSupabase:/);
  const shown = await workspace.run(["types"]);
  assert.deepEqual([shown.code, shown.stdout], [0, text], "standard output is the module");

  // The version that another database has said, and another style.
  const formatted = text.replace(/(.)\n/g, "$1;\n").replaceAll('"', "'").replace(
    "public:",
    "__InternalSupabase: { PostgrestVersion: '14.17' }; public:",
  ).replace(/;(?=\n)/g, "").replace(
    "__Int",
    "// Allows to automatically instantiate createClient with right options\n" +
      "  // instead of createClient<Database, { PostgrestVersion: 'XX' }>(URL, KEY)\n  __Int",
  );
  await Deno.writeTextFile(file, formatted);
  const checked = await workspace.run(["types", "--embedded", "--out", path, "--check"]);
  assert.deepEqual([checked.code, checked.stdout], [0, `✅ ${path} is up to date: public\n`]);

  const older = formatted.replaceAll("body", "text");
  await Deno.writeTextFile(file, older);
  const stale = await workspace.run(["types", "--embedded", "--out", path, "--check", "--json"]);
  assert.equal(stale.code, 1);
  assert.deepEqual(JSON.parse(stale.stdout), {
    success: false,
    path,
    upToDate: false,
    written: false,
    schemas: ["public"],
    postgrestVersion: "14.17",
  });
  assert.equal(await Deno.readTextFile(file), older);
});

Deno.test("types refuses what it cannot mean, before it opens a database", async () => {
  await using workspace = await Workspace.create();
  await Deno.writeTextFile(`${workspace.path}/package.json`, "{}");
  const refusals: [string[], RegExp][] = [
    [["--check"], /--check needs --out, the file that is to be up to date\n/],
    [["--schema", "public,,api"], /--schema has to be names with commas, not "public,,api"\n/],
    [["--out", "package.json"], /"package\.json" is there, and declares no type Database\n/],
    [["--out", "migrations"], /Cannot read "migrations": .*\n💡 Name another file with --out\.\n/],
  ];
  for (const [flags, reason] of refusals) {
    const { code, stdout, stderr } = await workspace.run(["types", "--embedded", ...flags]);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, reason);
  }
  assert.equal(await Deno.readTextFile(`${workspace.path}/package.json`), "{}");
});
