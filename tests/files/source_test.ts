import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { ConfigurationError, MigrationFileError } from "../../lib/errors.ts";
import { type LoadedMigrations, loadMigrations } from "../../lib/operations/source.ts";
import { sha256 } from "../../lib/planning/checksum.ts";
import { findOrderWarnings } from "../../lib/planning/order.ts";

/** The path of a folder in `tests/testdata`; each of them is one situation. */
function situation(name: string): string {
  return fileURLToPath(new URL(`../testdata/${name}`, import.meta.url));
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "source-"));
  try {
    await test(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What {@linkcode loadMigrations} refuses a source with. */
async function refusalOf(
  ...source: Parameters<typeof loadMigrations>
): Promise<ConfigurationError> {
  let refusal: unknown;
  await assert.rejects(loadMigrations(...source), (error) => {
    refusal = error;
    return true;
  });
  assert(refusal instanceof ConfigurationError, String(refusal));
  return refusal;
}

/** Names, forward and rollback SQL of what was loaded. */
function contentsOf({ migrations }: LoadedMigrations): [string, string, string | null][] {
  return migrations.map(({ name, forward, rollback }) => [
    name,
    forward.sql,
    rollback?.sql ?? null,
  ]);
}

for (
  const [folder, message] of Object.entries({
    missing: /^There is no folder ".*missing"$/,
    empty: /^The folder ".*empty" holds no migrations$/,
    only_left_out: /^The folder ".*only_left_out" holds no migrations$/,
    "down_file/001_a.sql": /^Cannot read the folder ".*001_a\.sql": ENOTDIR/,
  })
) {
  Deno.test(`loadMigrations() refuses the folder ${folder}, and says how to begin`, async () => {
    const refusal = await refusalOf(situation(folder));
    assert.match(refusal.message, message);
    assert.match(refusal.hint!, /supamigrate create NAME/);
  });
}

Deno.test("where everything is left out, it is said what, and why", async () => {
  const { hint } = await refusalOf(situation("only_left_out"));
  assert.equal(
    hint,
    `What is there is left out:
001_deprecated_a.sql (has "deprecated" in its name)
001_not_a_migration.sql/ (a folder, and migrations are files)
COMBINED_all.sql (starts with COMBINED_)
Rename what is meant for a migration, or make one: supamigrate create NAME.`,
  );
  const record = await refusalOf({ "COMBINED_all": "select 1;", ".hidden": "select 1;" });
  assert.match(
    record.hint!,
    /^What is there is left out:\nCOMBINED_all\.sql \(.*\)\n.*create NAME/,
  );
  const folder = await Deno.makeTempDir({ prefix: "supamigrate-" });
  try {
    await Deno.writeTextFile(`${folder}/.gitkeep`, "");
    assert.equal((await refusalOf(folder)).hint, "Make the first one: supamigrate create NAME.");
    await Deno.writeTextFile(`${folder}/001_a.ts`, "");
    for (let number = 0; number < 30; number++) await Deno.mkdir(`${folder}/part_${number}`);
    assert.match(
      (await refusalOf(folder)).hint!,
      /:\n001_a\.ts \(does not end in \.sql\)\npart_0\/ \(a folder\)\n(?:.*\n){8}… and 21 more\nRename/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const unfit: Record<string, [message: string, position: unknown, hint: RegExp]> = {
  not_utf8: ["The file is not UTF-8", { file: "002_latin1.sql", line: 3 }, /Save it as UTF-8/],
  cut_off_utf8: ["The file is not UTF-8", { file: "001_cut.sql", line: 2 }, /Save it as UTF-8/],
  utf16: ["The file is not UTF-8", { file: "001_utf16.sql", line: 1 }, /Save it as UTF-8/],
  utf16_without_mark: [
    "The file holds a NUL character",
    { file: "001_utf16.sql", line: 1 },
    /Is the file UTF-16\?/,
  ],
  with_nul: ["The file holds a NUL character", { file: "001_nul.sql", line: 2 }, /UTF-8/],
  nul_in_down_file: [
    "The file holds a NUL character",
    { file: "001_a.down.sql", line: 2 },
    /UTF-8/,
  ],
  only_rollback: [
    "The migration has a rollback section and nothing to apply",
    { file: "001_a.sql", line: 4 },
    /-- FORWARD MIGRATION/,
  ],
  two_rollbacks: [
    'The migration has two rollbacks: its ROLLBACK section and "001_a.down.sql"',
    { file: "001_a.sql", line: 3 },
    /Keep one of them/,
  ],
  missing_semicolon: [
    'The banner "-- ROLLBACK" stands inside a statement',
    { file: "001_a.sql", line: 3, excerpt: "-- ROLLBACK" },
    /semicolon/,
  ],
};

for (const [folder, [message, position, hint]] of Object.entries(unfit)) {
  Deno.test(`loadMigrations() refuses ${folder}`, async () => {
    const refusal = await refusalOf(situation(folder));
    assert(refusal instanceof MigrationFileError);
    assert.equal(refusal.message, message);
    assert.deepEqual(refusal.position, position);
    assert.match(refusal.hint!, hint);
  });
}

const readable: Record<string, [name: string, forward: string, rollback: string | null][]> = {
  down_file: [
    ["001_a.sql", "create table a ();\n", "-- undo\ndrop table a;\n"],
    ["002_b.sql", "create table b ();\n", null],
  ],
  down_file_and_empty_rollback: [["001_a.sql", "create table a ();\n\n", "drop table a;\n"]],
  down_file_of_comments: [["001_a.sql", "create table a ();\n", null]],
  orphan_down_file: [["001_a.sql", "create table a ();\n", null]],
  crlf_and_bom: [
    ["001_a.sql", "create table a (\n  b text\n);\n", "drop table a;\n"],
    ["002_same_with_lf.sql", "create table a (\n  b text\n);\n", "drop table a;\n"],
  ],
  crlf_in_down_file: [
    ["001_a.sql", "create table a ();\n", "drop table a;\n"],
    ["002_b.sql", "create table b ();\n", "drop table a;\n"],
  ],
  no_final_newline: [
    ["001_a.sql", "create table a ();\n", "drop table a;"],
    ["002_b.sql", "create table b ()", null],
  ],
  empty_files: [
    ["001_empty.sql", "", null],
    ["002_comment.sql", "-- nothing\n", null],
    ["003_mark.sql", "", null],
  ],
  symlink_inside: [
    ["001_a.sql", "create table a ();\n", null],
    ["002_same.sql", "create table a ();\n", null],
  ],
  same_numbers: [
    ["3_c.sql", "select 3;\n", null],
    ["020_a.sql", "select 1;\n", null],
    ["20_b.sql", "select 2;\n", null],
  ],
  supabase_cli: [
    ["20251219_a.sql", "create table a ();\n", null],
    ["20251219235959_b.sql", "create table b ();\n", null],
    ["20260101000000_c.sql", "create table c ();\n", null],
  ],
};

for (const [folder, contents] of Object.entries(readable)) {
  Deno.test(`loadMigrations() reads ${folder}`, async () => {
    const loaded = await loadMigrations(situation(folder));
    assert.deepEqual(contentsOf(loaded), contents);
  });
}

Deno.test("loadMigrations() gives the checksums that sha256sum prints", async () => {
  const { migrations: [migration] } = await loadMigrations(situation("down_file"));
  assert.equal(migration!.checksum, sha256("create table a ();\n"));
  assert.equal(migration!.rollback!.checksum, sha256("-- undo\ndrop table a;\n"));
});

Deno.test("loadMigrations() says where the rollback stands", async () => {
  const inFile = (await loadMigrations(situation("no_final_newline"))).migrations[0]!.rollback!;
  assert.deepEqual([inFile.file, inFile.line], ["001_a.sql", 3]);
  const beside = (await loadMigrations(situation("down_file"))).migrations[0]!.rollback!;
  assert.deepEqual([beside.file, beside.line], ["001_a.down.sql", 1]);
});

Deno.test("loadMigrations() gives files that differ in line ends the same checksums", async () => {
  const { migrations: [crlf, lf] } = await loadMigrations(situation("crlf_and_bom"));
  assert.equal(crlf!.checksum, lf!.checksum);
  assert.equal(crlf!.rollback!.checksum, lf!.rollback!.checksum);
  const { migrations: [a, b] } = await loadMigrations(situation("crlf_in_down_file"));
  assert.equal(a!.rollback!.checksum, b!.rollback!.checksum);
});

Deno.test("loadMigrations() lists subfolders_and_others that are no migrations", async () => {
  const { migrations, leftOut } = await loadMigrations(situation("subfolders_and_others"));
  assert.deepEqual(migrations.map(({ name }) => name), ["9_first.sql", "010_last.sql", "seed.sql"]);
  assert.deepEqual(
    Object.fromEntries(leftOut.map(({ name, reason }) => [name, reason])),
    {
      ".hidden": "hidden",
      "002_folder.sql/": "a folder, and migrations are files",
      "003_deprecated_b.down.sql": 'has "deprecated" in its name',
      "003_deprecated_b.sql": 'has "deprecated" in its name',
      "004_upper.SQL": "ends in .SQL and not in .sql",
      "005_b.sql.bak": "does not end in .sql",
      "COMBINED_all.sql": "starts with COMBINED_",
      "README.md": "does not end in .sql",
      "rollback/001_a.sql": "undoes 001_a.sql, which is not there",
      "supabase/": "a folder",
    },
  );
  const names = leftOut.map(({ name }) => name);
  assert.deepEqual(names, [...names].sort());
});

Deno.test("loadMigrations() lists an orphan_down_file and never takes it for a migration", async () => {
  const { leftOut } = await loadMigrations(situation("orphan_down_file"));
  assert.deepEqual(leftOut, [
    { name: "002_b.down.sql", reason: "undoes 002_b.sql, which is not there", notable: true },
  ]);
});

Deno.test("loadMigrations() reads same_numbers and supabase_cli, of which there are warnings", async () => {
  for (const folder of ["same_numbers", "supabase_cli"]) {
    const { migrations } = await loadMigrations(situation(folder));
    assert.equal(findOrderWarnings(migrations.map(({ name }) => name)).length, 1);
  }
});

Deno.test("loadMigrations() refuses a symbolic link out of the folder", async () => {
  await withFolder(async (folder) => {
    await withFolder(async (elsewhere) => {
      await writeFile(join(elsewhere, "001_a.sql"), "select 1;\n");
      await symlink(join(elsewhere, "001_a.sql"), join(folder, "001_a.sql"));
      const refusal = await refusalOf(folder);
      assert(refusal instanceof MigrationFileError);
      assert.equal(refusal.message, '"001_a.sql" is a symbolic link that leads out of the folder');
      assert.deepEqual(refusal.position, { file: "001_a.sql" });
      assert.equal(refusal.hint, "Put the file itself into the folder.");
    });
  });
});

Deno.test("loadMigrations() refuses a symbolic link to a folder of which the name begins alike", async () => {
  await withFolder(async (folder) => {
    const alike = `${folder}-other`;
    await Deno.mkdir(alike);
    try {
      await writeFile(join(alike, "001_a.sql"), "select 1;\n");
      await symlink(join(alike, "001_a.sql"), join(folder, "001_a.sql"));
      assert.match((await refusalOf(folder)).message, /leads out of the folder/);
    } finally {
      await rm(alike, { recursive: true });
    }
  });
});

Deno.test("loadMigrations() refuses a symbolic link to nothing, and one to itself", async () => {
  await withFolder(async (folder) => {
    for (const destination of ["nothing.sql", "001_a.sql"]) {
      await symlink(destination, join(folder, "001_a.sql"));
      assert.equal(
        (await refusalOf(folder)).message,
        '"001_a.sql" is a symbolic link to nothing',
      );
      await rm(join(folder, "001_a.sql"));
    }
  });
});

Deno.test("loadMigrations() does not mind links that are no migrations", async () => {
  await withFolder(async (folder) => {
    await writeFile(join(folder, "001_a.sql"), "select 1;\n");
    await symlink(tmpdir(), join(folder, "elsewhere"));
    await symlink("/nothing", join(folder, "notes.txt"));
    const { migrations } = await loadMigrations(folder);
    assert.deepEqual(migrations.map(({ name }) => name), ["001_a.sql"]);
  });
});

Deno.test("loadMigrations() refuses a link to a folder that is named as a migration", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "inner"));
    await symlink("inner", join(folder, "001_a.sql"));
    await refusalOf(folder);
  });
});

Deno.test("loadMigrations() reads through a folder that is a link itself", async () => {
  await withFolder(async (folder) => {
    const link = join(folder, "migrations");
    await symlink(situation("symlink_inside"), link);
    assert.equal((await loadMigrations(link)).migrations.length, 2);
  });
});

Deno.test("loadMigrations() reads a folder of 1,300 files in order", async () => {
  await withFolder(async (folder) => {
    const numbers = Array.from({ length: 1300 }, (_, index) => index);
    await Promise.all(
      numbers.map((number) =>
        writeFile(join(folder, `${number}_a.sql`), `select ${number};\n-- ROLLBACK\nselect -1;\n`)
      ),
    );
    const { migrations } = await loadMigrations(folder);
    assert.deepEqual(
      migrations.map(({ forward }) => forward.sql),
      numbers.map((number) => `select ${number};\n`),
    );
  });
});

Deno.test("loadMigrations() reads a record of names to SQL as it reads a folder", async () => {
  const record = {
    "10_b": "create table b ();\r\n-- ROLLBACK\r\ndrop table b;\r\n",
    "9_a.sql": "\uFEFFcreate table a ();\n",
    "9_a.down.sql": "drop table a;\n",
    "COMBINED_all.sql": "",
  };
  const loaded = await loadMigrations(record);
  assert.deepEqual(contentsOf(loaded), [
    ["9_a.sql", "create table a ();\n", "drop table a;\n"],
    ["10_b.sql", "create table b ();\n", "drop table b;\n"],
  ]);
  assert.deepEqual(loaded.leftOut, [
    { name: "COMBINED_all.sql", reason: "starts with COMBINED_", notable: false },
  ]);
});

Deno.test("loadMigrations() refuses in a record what it refuses in a folder", async () => {
  assert.equal(
    (await refusalOf({ "001_a": "select 1;\n\0" })).message,
    "The file holds a NUL character",
  );
  assert.match(
    (await refusalOf({ "001_a": "-- ROLLBACK\nselect 1;" })).message,
    /nothing to apply/,
  );
});

Deno.test("loadMigrations() refuses half of a surrogate pair, which no database can store", async () => {
  for (const half of ["\ud83d", "\ude00", "\ude00\ud83d"]) {
    const refusal = await refusalOf({ "001_a": `select '😀';\nselect '${half}';\n` });
    assert(refusal instanceof MigrationFileError);
    assert.equal(refusal.message, "The file holds half a character");
    assert.deepEqual(refusal.position, { file: "001_a.sql", line: 2 });
  }
});

Deno.test("loadMigrations() counts lines alike, whatever they end in", async () => {
  await withFolder(async (folder) => {
    for (const lineEnd of ["\n", "\r\n", "\r"]) {
      for (const byte of [0, 0xff]) {
        const text = Buffer.from(["-- é", "", "select '"].join(lineEnd));
        await writeFile(join(folder, "001_a.sql"), Buffer.concat([text, Buffer.of(byte)]));
        const refusal = await refusalOf(folder);
        assert.deepEqual((refusal as MigrationFileError).position, { file: "001_a.sql", line: 3 });
      }
    }
  });
});

Deno.test("loadMigrations() refuses a record with one name twice", async () => {
  await refusalOf({ "001_a": "select 1;", "001_a.sql": "select 2;" });
});

Deno.test("Giving an applied file a ROLLBACK section does not change its checksum", async () => {
  const checksumOf = async (sql: string) =>
    (await loadMigrations({ "001_a.sql": sql })).migrations[0]!.checksum;
  const plain = await checksumOf("create table a ();\n");
  for (
    const sql of [
      "create table a ();\n-- ROLLBACK\ndrop table a;\n",
      "create table a ();\n\n-- ROLLBACK\ndrop table a;\n",
      "create table a ();\n\n-- ====\n-- ROLLBACK\n-- ====\n\ndrop table a;\n",
    ]
  ) assert.equal(await checksumOf(sql), plain, sql);
});
