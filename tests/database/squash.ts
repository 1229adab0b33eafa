/** One migration in the place of many, in the folder and in the history. */

import assert from "node:assert/strict";
import { listNames, withFolder } from "../support/folders.ts";
import { testOnEveryDatabase } from "../support/projects.ts";

const FILES = {
  "001_notes.sql": "create table notes (id int primary key, at timestamptz default now());\n" +
    "-- ROLLBACK\ndrop table notes;",
  "002_rows.sql": "set search_path = public;\ninsert into notes (id) values (1), (2);\n" +
    "-- ROLLBACK\ndelete from notes",
  "003_column.sql": "alter table notes add column body text;\n" +
    "-- ROLLBACK\nalter table notes drop column body;",
  "004_later.sql": "create table later (id int);\n-- ROLLBACK\ndrop table later;",
};

testOnEveryDatabase(
  "squash() replaces files and then the history of projects, runs nothing, and keeps the order",
  async (project) => {
    await withFolder(FILES, async (folder) => {
      const migrator = project.migrator(folder, { ledger: "supabase" });
      const { name, rewritten, warnings } = await migrator.squash("start", { to: "003" });
      assert.equal(name, "003_start.sql");
      assert.deepEqual({ rewritten, warnings }, { rewritten: [], warnings: [] });
      assert.deepEqual(await listNames(folder), ["003_start.sql", "004_later.sql", "squashed"]);
      assert.deepEqual(await listNames(`${folder}/squashed`), Object.keys(FILES).slice(0, 3));

      // A project that has a part of the old ones alone would not have what the new one stands for.
      const old = project.migrator(FILES, { ledger: "supabase" });
      await old.migrate({ to: "002" });
      await assert.rejects(migrator.squash("start"), /has not got 003_column\.sql yet/);
      await old.migrate();
      await project.sql("insert into public.notes (id) values (3)");
      assert.deepEqual(
        (await migrator.squash("start")).rewritten,
        ["001_notes.sql", "002_rows.sql", "003_column.sql"],
      );

      const { executed, missing, upToDate } = await migrator.status();
      assert.deepEqual({ executed, missing, upToDate }, {
        executed: 2,
        missing: [],
        upToDate: true,
      });
      assert.equal((await project.sql("select from public.notes")).length, 3);
      assert.deepEqual(
        await project.sql(
          "select version, name from supabase_migrations.schema_migrations order by version",
        ),
        [{ version: "003", name: "start" }, { version: "004", name: "later" }],
      );

      const planned = await migrator.rollback({ steps: 2, dryRun: true });
      assert.deepEqual(planned.planned.map(({ name }) => name), ["004_later.sql", "003_start.sql"]);
      // A project that has it all in place has nothing more to do.
      assert.deepEqual((await migrator.squash("start")).rewritten, []);
    });
  },
);

testOnEveryDatabase(
  "what migrations have destroyed comes back by the rollback of the one that they were squashed into",
  async (project) => {
    const first = {
      "001_rows.sql": "create table if not exists rows (id int primary key, text text);\n" +
        "-- ROLLBACK\nselect;",
      "002_insert.sql":
        "insert into rows values (1, 'a'), (2, 'b') on conflict do nothing;\n-- ROLLBACK\nselect;",
    };
    await project.migrator(first).migrate();
    const files = {
      ...first,
      "003_delete.sql": "delete from rows where id = 2;\n-- ROLLBACK\nselect;",
    };
    await withFolder(files, async (folder) => {
      const migrator = project.migrator(folder);
      await migrator.migrate();
      const { name } = await migrator.squash("one");
      assert.deepEqual((await migrator.backups()).map(({ migration }) => migration), [name]);
      const { success } = await migrator.rollback();
      assert.equal(success, true);
      assert.deepEqual(await project.sql("select id from public.rows order by id"), [
        { id: 1 },
        { id: 2 },
      ]);
    });
  },
);
