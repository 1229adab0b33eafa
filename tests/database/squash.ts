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
  "squash() replaces files and history, runs nothing, and keeps the order of rollback",
  async (project) => {
    await withFolder(FILES, async (folder) => {
      const migrator = project.migrator(folder);
      await migrator.migrate({ to: "003" });
      await migrator.migrate();
      await project.sql("insert into public.notes (id) values (3)");

      const { name, rewritten, warnings } = await migrator.squash("start", { to: "003" });
      assert.equal(name, "003_start.sql");
      assert.deepEqual(rewritten, ["001_notes.sql", "002_rows.sql", "003_column.sql"]);
      assert.deepEqual(warnings, []);
      assert.deepEqual(await listNames(folder), ["003_start.sql", "004_later.sql", "squashed"]);
      assert.deepEqual(await listNames(`${folder}/squashed`), Object.keys(FILES).slice(0, 3));

      const { executed, missing, upToDate } = await migrator.status();
      assert.deepEqual({ executed, missing, upToDate }, {
        executed: 2,
        missing: [],
        upToDate: true,
      });
      assert.equal((await project.sql("select from public.notes")).length, 3);

      const planned = await migrator.rollback({ steps: 2, dryRun: true });
      assert.deepEqual(planned.planned.map(({ name }) => name), ["004_later.sql", "003_start.sql"]);
      // A project that has it all in place has nothing more to do.
      assert.deepEqual((await migrator.squash("start")).rewritten, []);
    });
  },
);
