import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { ConfigurationError, MigrationFileError } from "../../lib/errors.ts";
import { importMigrations, type ImportOptions } from "../../lib/operations/import.ts";
import { proveImport } from "../../lib/operations/prove_import.ts";
import { Workspace } from "../support/cli.ts";
import { folders } from "./folders.ts";

type Options = Omit<ImportOptions, "from" | "to">;
type Files = Readonly<Record<string, string>>;

async function write(folder: string, files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

async function read(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder).catch(() => []);
  const texts = names.sort().map(async (name) =>
    [name, await readFile(join(folder, name), "utf8")] as const
  );
  return Object.fromEntries(await Promise.all(texts));
}

/** Imports a folder of those files into a folder, which holds what is given from the beginning. */
async function importing(files: Files, options: Options = {}, there: Files = {}) {
  const root = await mkdtemp(join(tmpdir(), "import-"));
  const [from, to] = [join(root, "theirs"), join(root, "ours")];
  try {
    await mkdir(from);
    await write(from, files);
    await write(to, there);
    const outcome = await importMigrations({ from, to, ...options })
      .catch((error: unknown) => error as Error);
    return { outcome, ours: await read(to) };
  } finally {
    await rm(root, { recursive: true });
  }
}

async function imported(files: Files, options: Options = {}) {
  const { outcome, ours } = await importing(files, options);
  if (outcome instanceof Error) throw outcome;
  return { result: outcome, ours };
}

for (const { tool, files, ours, notConverted, isUnchanged = false } of folders) {
  Deno.test({
    name: `importMigrations() writes what ${tool} has as ours${
      isUnchanged ? "" : ", and proves it"
    }`,
    // PGlite keeps timers.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const found = await imported(files, { prove: !isUnchanged });
      if (!isUnchanged) {
        assert.deepEqual(found.result.proof?.differences, []);
        assert.ok(found.result.proof.objects > 0);
      }
      assert.equal(found.result.tool, tool);
      assert.deepEqual(found.ours, ours);
      assert.deepEqual(found.result.files.map(({ to }) => to), Object.keys(ours));
      assert.deepEqual(found.result.notConverted.map(({ file }) => file), notConverted);
    },
  });
}

for (
  const [tool, name, text] of [
    ["supabase", "20250102000000_b.sql", "select 1;"],
    ["dbmate", "20250102000000_b.sql", "-- migrate:up\nselect 1;"],
    ["golang-migrate", "20250102000000_b.up.sql", "select 1;"],
    ["goose", "20250102000000_b.sql", "-- +goose Up\nselect 1;"],
    ["node-pg-migrate", "20250102000000_b.sql", "-- Up Migration\nselect 1;"],
  ] as const
) {
  Deno.test(`importMigrations() leaves out what ${tool} does not read in a folder below`, async () => {
    const files = { [name]: text, [`20250103000000_old/${name}`]: text, [`2024/${name}`]: text };
    const { ours } = await imported(files, { format: tool, prove: false });
    assert.deepEqual(Object.keys(ours), ["20250102000000_b.sql"]);
  });
}

Deno.test("importMigrations() follows a link to a file of the folder, and no other one", async () => {
  const root = await mkdtemp(join(tmpdir(), "import-"));
  try {
    const [from, to] = [join(root, "theirs"), join(root, "ours")];
    await write(root, { "theirs/001_a.up.sql": "select 1;", "out.sql": "select 2;" });
    await symlink("001_a.up.sql", join(from, "002_b.up.sql"));
    await symlink(".", join(from, "loop"));
    await importMigrations({ from, to, prove: false });
    assert.deepEqual(Object.keys(await read(to)), ["001_a.sql", "002_b.sql"]);
    await symlink("../out.sql", join(from, "003_c.up.sql"));
    await assert.rejects(importMigrations({ from, to: join(root, "x"), prove: false }), {
      name: "ConfigurationError",
      message: `"003_c.up.sql" is a symbolic link that leads out of the folder "${from}"`,
    });
  } finally {
    await rm(root, { recursive: true });
  }
});

Deno.test("importMigrations() writes into its folder alone, whatever a journal calls a migration", async () => {
  const { ours } = await imported({
    "meta/_journal.json": JSON.stringify({ entries: [{ idx: 0, when: 1, tag: "sub/0000_a" }] }),
    "sub/0000_a.sql": "select 1;",
  }, { prove: false });
  assert.deepEqual(Object.keys(ours), ["0001_sub_0000_a.sql"]);
});

Deno.test({
  name: "proveImport() names what one of both alone makes",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const shared = "create table notes (id int);\n";
    const forward = `${shared}create index on notes (id);\n`;
    const foreign = { from: ["1.sql"], name: "1", forward, rollback: null, notes: [] };
    const { same, differences } = await proveImport("dbmate", [{ ...foreign, sends: [forward] }], {
      "1_notes.sql": `${shared}alter table notes enable row level security;\n`,
    });
    assert.equal(same, false);
    assert.deepEqual(differences, [
      "dbmate → ours: table public.notes; row security: false → true",
      "dbmate alone: index public.notes_id_idx",
    ]);
  },
});

const quick: Options = { prove: false };

for (
  const [tool, files] of [
    ["Rails", {
      "db/structure.sql": "create table a ();\n",
      "migrate/2025_a.rb": "class A; end\n",
    }],
    ["Knex", { "2025_a.js": "exports.up = (knex) => knex.schema.createTable('a');\n" }],
    ["TypeORM", { "1-A.ts": "export class A implements MigrationInterface {}\n" }],
    ["Sequelize", { "1-a.js": "module.exports = { up: (queryInterface) => 1 };\n" }],
  ] as const
) {
  Deno.test(`importMigrations() names what ${tool} has in another language, and writes nothing`, async () => {
    const { result, ours } = await imported(files, quick);
    assert.equal(result.tool, tool);
    assert.equal(result.written, false);
    assert.deepEqual(result.notConverted.map(({ file }) => file), Object.keys(files));
    assert.deepEqual(ours, {});
  });
}

Deno.test("importMigrations() follows Drizzle's journal, and not the names", async () => {
  const journal = { entries: [{ idx: 1, tag: "0000_b" }, { idx: 0, tag: "0001_a" }] };
  const { ours } = await imported({
    "meta/_journal.json": JSON.stringify(journal),
    "0000_b.sql": "alter table a add b int;",
    "0001_a.sql": "create table a ();",
  }, quick);
  assert.deepEqual(Object.keys(ours), ["0001_0001_a.sql", "0002_0000_b.sql"]);
});

Deno.test("importMigrations() asks which tool it is where a folder could be of two", async () => {
  const files = {
    "1_a.up.sql": "create table a ();\n",
    "2_b.sql": "-- migrate:up\ncreate table b ();\n",
  };
  const { outcome } = await importing(files, quick);
  assert.ok(outcome instanceof ConfigurationError);
  assert.match(outcome.message, /could be one of dbmate or golang-migrate/);
  assert.match(outcome.hint!, /--format dbmate, or --format golang-migrate/);
  const { result } = await imported(files, { ...quick, format: "golang-migrate" });
  assert.deepEqual(result.files.map(({ to }) => to), ["1_a.sql"]);
});

Deno.test("importMigrations() says so where the folder has nothing of the tool that is named", async () => {
  const { outcome } = await importing({ "a.txt": "" }, { ...quick, format: "goose" });
  assert.ok(outcome instanceof ConfigurationError);
  assert.match(outcome.message, /^No migrations of goose are in the folder/);
});

Deno.test("importMigrations() overwrites nothing, and writes all or none", async () => {
  const files = { "1_a.up.sql": "create table a ();\n", "2_b.up.sql": "create table b ();\n" };
  const there = { "2_B.sql": "select 1;\n" };
  const { outcome, ours } = await importing(files, quick, there);
  assert.ok(outcome instanceof ConfigurationError);
  assert.match(outcome.message, /already "2_b\.sql"/);
  assert.deepEqual(ours, there);
});

Deno.test("importMigrations() refuses what would not be read as it is meant", async () => {
  for (
    const sql of ["create tabel a ();\n", "create table a ();\n-- To undo this:\ndrop table a;\n"]
  ) {
    const { outcome, ours } = await importing({ "1_a.up.sql": sql }, quick);
    assert.ok(outcome instanceof MigrationFileError, String(outcome));
    assert.match(outcome.position.file, /^1_a\.sql/);
    assert.deepEqual(ours, {});
  }
});

Deno.test("importMigrations() refuses a file of which ours would leave a part out", async () => {
  const sql = "create table a ();\n-- ROLLBACK\ndrop table a;\n";
  const { outcome, ours } = await importing({ "1_a.up.sql": sql }, quick);
  assert.ok(outcome instanceof ConfigurationError);
  assert.equal(outcome.message, '"1_a.up.sql" would not be read as it is meant');
  assert.deepEqual(ours, {});
});

Deno.test("importMigrations() writes nothing on a dry run, nor without a yes", async () => {
  const files = { "1_a.up.sql": "create table a ();\n" };
  const dry = await importing(files, { ...quick, dryRun: true });
  assert.deepEqual(dry.ours, {});
  const refused = await importing(files, { ...quick, confirm: () => Promise.resolve(false) });
  assert.ok(refused.outcome instanceof ConfigurationError);
  assert.deepEqual(refused.ours, {});
});

Deno.test({
  name: "import says what differs, and writes it with --no-prove alone",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using workspace = await Workspace.create();
    await write(join(workspace.path, "goose"), {
      "1_a.sql": "-- +goose Up\ncreate table a (id int references gone);\n",
    });
    const call = ["import", "--from", "goose", "--yes"];
    const refused = await workspace.run(call);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /1_a\.sql fails when it is run as goose runs it: .*"gone"/);
    assert.deepEqual(await read(join(workspace.path, "migrations")), {});
    const { code, stdout } = await workspace.run([...call, "--no-prove"]);
    assert.equal(code, 0);
    assert.match(stdout, /goose\/1_a\.sql → 1_a\.sql \(no rollback\)/);
    assert.deepEqual(Object.keys(await read(join(workspace.path, "migrations"))), ["1_a.sql"]);
    const elsewhere = await workspace.run([...call, "--no-prove", "--dir", "migrations/my files"]);
    assert.match(elsewhere.stdout, /adopt --dry-run --dir "migrations\/my files"$/m);
  },
});
