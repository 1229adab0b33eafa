/** Files that the tools themselves make: they come from npm. */

import assert from "node:assert/strict";
import { join } from "node:path";

import { importMigrations, type ImportResult } from "../../lib/operations/import.ts";
import { openToolsFolder } from "../support/tools.ts";

const DRIZZLE_SCHEMA = `
import { integer, pgEnum, pgTable, text } from "drizzle-orm/pg-core";
export const mood = pgEnum("mood", ["sad", "happy"]);
export const users = pgTable("users", {
  id: integer().primaryKey(),
  name: text().notNull().unique(),
  mood: mood(),
});
`;

/** What it grows into: Drizzle makes a second migration of the difference. */
const DRIZZLE_POSTS = `
export const posts = pgTable("posts", {
  id: integer().primaryKey(),
  author: integer().references(() => users.id),
});
`;

/** The one file of a folder that a tool has just made. */
async function findOnly(folder: string): Promise<string> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  assert.equal(names.length, 1, names.join(", "));
  return join(folder, names[0]!);
}

/** Puts SQL behind the marks that a tool has written. */
async function fill(path: string, marks: Readonly<Record<string, string>>): Promise<void> {
  let text = await Deno.readTextFile(path);
  for (const [mark, sql] of Object.entries(marks)) {
    assert.ok(text.includes(mark), `"${mark}" in ${text}`);
    text = text.replace(mark, () => `${mark}\n${sql}`);
  }
  await Deno.writeTextFile(path, text);
}

async function importFrom(root: string, tool: string): Promise<ImportResult> {
  const result = await importMigrations({ from: join(root, tool), to: join(root, `ours-${tool}`) });
  assert.deepEqual(result.proof?.differences, []);
  assert.ok(result.proof.objects > 0);
  assert.ok(result.written);
  return result;
}

Deno.test({
  name: "import takes what dbmate, node-pg-migrate and Drizzle make themselves",
  // PGlite keeps timers.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using tools = await openToolsFolder();
    const { path: root, run } = tools;

    await run("dbmate", ["-d", "dbmate", "new", "notes"]);
    await fill(await findOnly(join(root, "dbmate")), {
      "-- migrate:up": "create table notes (id int primary key);",
      "-- migrate:down": "drop table notes;",
    });
    const dbmate = await importFrom(root, "dbmate");
    assert.equal(dbmate.tool, "dbmate");
    assert.ok(dbmate.files[0]!.hasRollback);
    assert.match(dbmate.files[0]!.to, /^\d{14}_notes\.sql$/);

    await run("node-pg-migrate", [
      "create",
      "notes",
      "-m",
      "pg",
      "--migration-file-language",
      "sql",
    ]);
    await fill(await findOnly(join(root, "pg")), {
      "-- Up Migration": "create table notes (id int primary key);",
      "-- Down Migration": "\ndrop table notes;",
    });
    const pg = await importFrom(root, "pg");
    assert.equal(pg.tool, "node-pg-migrate");
    assert.ok(pg.files[0]!.hasRollback);

    const generate = ["--dialect", "postgresql", "--schema", "./schema.ts", "--out", "./drizzle"];
    for (const schema of [DRIZZLE_SCHEMA, DRIZZLE_SCHEMA + DRIZZLE_POSTS]) {
      await Deno.writeTextFile(join(root, "schema.ts"), schema);
      await run("drizzle-kit", ["generate", ...generate]);
    }
    const drizzle = await importFrom(root, "drizzle");
    assert.equal(drizzle.tool, "Drizzle");
    assert.equal(drizzle.files.length, 2);
    assert.match(drizzle.files[1]!.to, /^0001_.*\.sql$/);
  },
});
