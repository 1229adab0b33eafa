import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";

import { ConfigurationError } from "../../lib/errors.ts";
import { createMigration } from "../../lib/operations/create.ts";
import { loadMigrations } from "../../lib/operations/source.ts";
import { splitSections } from "../../lib/planning/sections.ts";
import { splitStatements } from "../../lib/planning/statements.ts";
import { createMigrator } from "../../mod.ts";

const now = new Date("2025-07-26T12:34:56.789Z");

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "create-"));
  try {
    await test(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The template in full. */
const template = `-- Migration: add_celebrity_ratings
-- Description: Add rating system for celebrities
-- Created: 2025-07-26T12:34:56.789Z

-- ============================================
-- FORWARD MIGRATION
-- ============================================

-- Add your migration SQL here
-- A table that the API is to show needs row level security, policies and grants:
--   alter table … enable row level security;
--   create policy … on … for select to authenticated using ((select auth.uid()) = user_id);
--   grant select on … to authenticated;

-- ============================================
-- ROLLBACK
-- ============================================

-- Add your rollback SQL here
`;

Deno.test("createMigration() names a file after the time in UTC and fills the template", async () => {
  await withFolder(async (folder) => {
    const { name, path } = await createMigration(folder, "add_celebrity_ratings", {
      description: "Add rating system for celebrities",
      now,
    });
    assert.equal(name, "20250726123456_add_celebrity_ratings.sql");
    assert.equal(path, join(folder, name));
    assert.equal(await readFile(path, "utf8"), template);
  });
});

Deno.test("createMigration() makes a file that loads, with nothing to apply or to undo yet", async () => {
  await withFolder(async (folder) => {
    await createMigration(folder, "a", { now });
    const { migrations: [migration] } = await loadMigrations(folder);
    assert.equal(migration!.rollback, null);
    const { statements } = await splitStatements(migration!.forward, migration!.name);
    assert.deepEqual(statements, []);
  });
});

Deno.test("The template's sections take SQL where it says so", () => {
  const { forward, rollback } = splitSections(
    template.replace("-- Add your migration SQL here", "create table a ();")
      .replace("-- Add your rollback SQL here", "drop table a;"),
    "a.sql",
  );
  assert.match(forward.sql, /^\ncreate table a \(\);/);
  assert.equal(forward.line, 8);
  assert.deepEqual(rollback, { sql: "\ndrop table a;\n", line: 18 });
});

Deno.test("createMigration() makes the folder, with the folders above it", async () => {
  await withFolder(async (folder) => {
    const deep = join(folder, "db", "migrations");
    const { name, path } = await createMigration(deep, "a", { now });
    assert.deepEqual(await readdir(deep), [name]);
    assert(isAbsolute(path));
  });
});

Deno.test("createMigration() keeps the rollback out of a file that the Supabase CLI would run", async () => {
  await withFolder(async (root) => {
    const folder = join(root, "supabase", "migrations");
    const { name, path, rollbackPath } = await createMigration(folder, "a", { now });
    assert.equal(rollbackPath, join(folder, "rollback", name));
    const fill = async (path: string, sql: string) =>
      await writeFile(path, `${await readFile(path, "utf8")}${sql}\n`);
    assert.doesNotMatch(await readFile(path, "utf8"), /rollback/i);
    await fill(path, "create table a ();");
    await fill(rollbackPath, "drop table a;");
    const { migrations: [migration] } = await loadMigrations(folder);
    assert.match(migration!.forward.sql, /create table a \(\);\n$/);
    assert.match(migration!.rollback!.sql, /drop table a;\n$/);
    assert.equal((await createMigration(root, "b", { now })).rollbackPath, null);
  });
});

Deno.test("createMigration() writes the migration and its rollback, or neither", async () => {
  await withFolder(async (root) => {
    const folder = join(root, "supabase", "migrations");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "rollback"), "no folder");
    await assert.rejects(createMigration(folder, "a", { now }), ConfigurationError);
    assert.deepEqual(await readdir(folder), ["rollback"]);
  });
});

const slugs: Record<string, string> = {
  "add_celebrity_ratings": "add_celebrity_ratings",
  "Add Celebrity Ratings": "add_celebrity_ratings",
  "add-celebrity.ratings": "add_celebrity_ratings",
  "  add  ratings  ": "add_ratings",
  "add_ratings.sql": "add_ratings",
  "add_ratings.SQL": "add_ratings",
  "Crème Brûlée": "creme_brulee",
  "ﬁne ²": "fine_2",
  "a\nb\tc\0d": "a_b_c_d",
  "001": "001",
  "it's; drop table a": "it_s_drop_table_a",
  "COMBINED_all": "combined_all",
  "rollback_of_prices": "rollback_of_prices",
  "日本 a": "a",
  "‥a": "a",
};

for (const [name, slug] of Object.entries(slugs)) {
  Deno.test(`createMigration() makes ${slug} of ${JSON.stringify(name)}`, async () => {
    await withFolder(async (folder) => {
      const created = await createMigration(folder, name, { now });
      assert.equal(created.name, `20250726123456_${slug}.sql`);
      assert.deepEqual(await readdir(folder), [created.name]);
      const { migrations } = await loadMigrations(folder);
      assert.deepEqual(migrations.map(({ name }) => name), [created.name]);
    });
  });
}

for (const name of ["x.down.sql", "users_rollback", "rollback", "undo", "a-revert"]) {
  Deno.test(`createMigration() refuses ${name}, which would be taken for an undo file`, async () => {
    await withFolder(async (folder) => {
      await assert.rejects(createMigration(folder, name, { now }), (error) => {
        assert(error instanceof ConfigurationError);
        return /would be taken for what undoes another one/.test(error.message);
      });
      assert.deepEqual(await readdir(folder), []);
    });
  });
}

const afterTheFuture: Record<string, string> = {
  "29990101000000_a.sql": "29990101000001_b.sql",
  "29991231235959_a.sql": "30000101000000_b.sql",
  "30000101_a.sql": "20250726123456_b.sql",
  "99999999999999_a.sql": "100000000000000_b.sql",
  "20259999999999_a.sql": "20260000000000_b.sql",
  "90071992547409921234_a.sql": "90071992547409921235_b.sql",
  "V20260101000000__a.sql": "20260101000001_b.sql",
  "scratch.sql": "20250726123456_b.sql",
};

for (const [existing, expected] of Object.entries(afterTheFuture)) {
  Deno.test(`createMigration() makes ${expected} beside ${existing}`, async () => {
    await withFolder(async (folder) => {
      await writeFile(join(folder, existing), "select 1;\n");
      assert.equal((await createMigration(folder, "b", { now })).name, expected);
    });
  });
}

Deno.test("createMigration() says which folder it cannot write to", async () => {
  await withFolder(async (folder) => {
    await writeFile(join(folder, "file"), "");
    await assert.rejects(
      createMigration(join(folder, "file", "migrations"), "a", { now }),
      (error) => {
        assert(error instanceof ConfigurationError);
        return /^Cannot make a file in the folder ".*migrations": /.test(error.message);
      },
    );
  });
});

Deno.test("a template that nobody has filled in is known for one", async () => {
  await withFolder(async (folder) => {
    const { path } = await createMigration(folder, "a", { now });
    assert.equal((await loadMigrations(folder)).migrations[0]!.isTemplate, true);
    await writeFile(path, `${await readFile(path, "utf8")}\ndrop table a;\n`);
    await assert.rejects(loadMigrations(folder), /nothing to apply/);
    await writeFile(path, "-- Add your migration SQL here\nselect 1;\n");
    assert.equal((await loadMigrations(folder)).migrations[0]!.isTemplate, false);
  });
});

Deno.test("createMigration() cuts a name that file systems would not take", async () => {
  await withFolder(async (folder) => {
    const { name } = await createMigration(folder, "add_".repeat(100), { now });
    assert(name.length <= 255);
    assert.match(name, /^20250726123456_add_add_.*[a-z]\.sql$/);
  });
});

const refused: Record<string, RegExp> = {
  "../a": /^"\.\.\/a" is a path, not a name$/,
  "/etc/a": /is a path, not a name$/,
  "a/b": /is a path, not a name$/,
  "..\\a": /is a path, not a name$/,
  "..": /is a path, not a name$/,
  ".": /is a path, not a name$/,
  "": /has nothing in it to name a migration with$/,
  " \t": /has nothing in it to name a migration with$/,
  "---": /has nothing in it to name a migration with$/,
  ".sql": /has nothing in it to name a migration with$/,
  "日本": /has nothing in it to name a migration with$/,
  "drop Deprecated columns": /"deprecated" in its name would be left out$/,
};

for (const [name, message] of Object.entries(refused)) {
  Deno.test(`createMigration() refuses the name ${JSON.stringify(name)}`, async () => {
    await withFolder(async (folder) => {
      const inner = join(folder, "migrations");
      await assert.rejects(createMigration(inner, name, { now }), {
        name: "ConfigurationError",
        message,
      });
      assert.deepEqual(await readdir(folder), [], "not even the folder was made");
    });
  });
}

Deno.test("createMigration() puts two of one second a second apart", async () => {
  await withFolder(async (folder) => {
    const names = [];
    for (const name of ["a", "a", "b"]) {
      names.push((await createMigration(folder, name, { now })).name);
    }
    assert.deepEqual(names, [
      "20250726123456_a.sql",
      "20250726123457_a.sql",
      "20250726123458_b.sql",
    ]);
  });
});

Deno.test("createMigration() carries the second over into the next minute, hour, day and year", async () => {
  await withFolder(async (folder) => {
    await writeFile(join(folder, "20251231235959_a.sql"), "select 1;");
    const last = new Date("2025-12-31T23:59:59Z");
    const { name } = await createMigration(folder, "b", { now: last });
    assert.equal(name, "20260101000000_b.sql");
  });
});

Deno.test("createMigration() never overwrites a file", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "20250726123456_a.sql");
    await writeFile(file, "create table a ();");
    const { name } = await createMigration(folder, "a", { now });
    assert.equal(name, "20250726123457_a.sql");
    assert.equal(await readFile(file, "utf8"), "create table a ();");
  });
});

Deno.test("createMigration() called several times at once makes a file each time", async () => {
  await withFolder(async (folder) => {
    const created = await Promise.all(
      ["a", "a", "a", "a"].map((name) => createMigration(folder, name, { now })),
    );
    assert.equal(new Set(created.map(({ name }) => name)).size, 4);
    assert.equal((await readdir(folder)).length, 4);
  });
});

Deno.test("createMigration() keeps a description on its line", async () => {
  await withFolder(async (folder) => {
    const descriptions = {
      "one\ntwo": "one two",
      "one\r\n-- ROLLBACK\r\ndrop table a;": "one -- ROLLBACK drop table a;",
      "  \u2028a\u2029 b\t\vc ": "a b c",
      "ROLLBACK": "ROLLBACK",
      "*/ '; $$ /* 😀": "*/ '; $$ /* 😀",
    };
    for (const [description, line] of Object.entries(descriptions)) {
      const { path, name } = await createMigration(folder, "a", { description, now });
      const text = await readFile(path, "utf8");
      assert.equal(text.split("\n")[1], `-- Description: ${line}`);
      assert.equal(text.split("\n").length, template.split("\n").length);
      const { forward, rollback } = splitSections(text, name);
      assert.equal(rollback, null);
      assert.deepEqual((await splitStatements(forward, name)).statements, []);
    }
  });
});

Deno.test("create() of the public API makes the file in the folder of the migrations", async () => {
  await withFolder(async (folder) => {
    const migrations = join(folder, "migrations");
    await mkdir(migrations);
    await using migrator = createMigrator({ embedded: true, migrations });
    const { name } = await migrator.create("add ratings", { now });
    assert.deepEqual(await readdir(migrations), [name]);
    assert.deepEqual(await readdir(folder), ["migrations"], "no database was opened");
  });
});

Deno.test("create() of the public API needs a folder", async () => {
  await using migrator = createMigrator({ embedded: true, migrations: {} });
  const creating = (async () => await migrator.create("a"))();
  await assert.rejects(creating, {
    name: "ConfigurationError",
    message: "Only a folder can be given a new migration",
  });
});
