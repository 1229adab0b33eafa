import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";

const FIRST = {
  "1_notes.sql": `create schema app;
create table app.notes (id int primary key, body text default 'a');
create function app.count_notes() returns bigint language sql as 'select count(*) from app.notes';
-- ROLLBACK
drop function app.count_notes();
drop table app.notes;
drop schema app;`,
};
const NEXT = { ...FIRST, "2_title.sql": "alter table app.notes add column title text;" };
const OTHER = { ...FIRST, "2_other.sql": "create table app.other (id int primary key);" };

async function readWarnings(project: AnyProject): Promise<readonly string[]> {
  const { warnings } = await project.migrator(FIRST).status();
  return warnings.filter((warning) => warning.startsWith("The schema was changed"));
}

/** What is done by hand, and what takes it back: of each kind of object, what a dashboard can do. */
const BY_HAND: Readonly<Record<string, readonly [does: string, undoes: string, names: string]>> = {
  "a column": [
    "alter table app.notes add column by_hand int",
    "alter table app.notes drop column by_hand",
    "app.notes",
  ],
  "a default": [
    "alter table app.notes alter column body set default 'b'",
    "alter table app.notes alter column body set default 'a'",
    "app.notes",
  ],
  "an index": [
    "create index by_hand on app.notes (body)",
    "drop index app.by_hand",
    "app.notes",
  ],
  "a policy": [
    "create policy by_hand on app.notes using (true)",
    "drop policy by_hand on app.notes",
    "app.notes",
  ],
  "row level security": [
    "alter table app.notes enable row level security",
    "alter table app.notes disable row level security",
    "app.notes",
  ],
  "a privilege": [
    "grant select on app.notes to anon",
    "revoke select on app.notes from anon",
    "app.notes",
  ],
  "a function's body": [
    "create or replace function app.count_notes() returns bigint language sql as 'select 1::bigint'",
    "create or replace function app.count_notes() returns bigint language sql as 'select count(*) from app.notes'",
    "app.count_notes()",
  ],
  "a view": ["create view app.seen as select 1 as one", "drop view app.seen", "app.seen"],
  "a type": ["create type app.mood as enum ('well')", "drop type app.mood", "app.mood"],
  "a trigger": [
    "create trigger by_hand before update on app.notes for each row execute function suppress_redundant_updates_trigger()",
    "drop trigger by_hand on app.notes",
    "app.notes",
  ],
  "a comment": [
    "comment on column app.notes.body is 'by hand'",
    "comment on column app.notes.body is null",
    "app.notes",
  ],
  "a schema": ["create schema by_hand", "drop schema by_hand", "schema by_hand"],
};

testOnEveryDatabase(
  "what was changed by hand since the last run is named, and no longer when it is undone",
  async (project) => {
    assert.deepEqual(await readWarnings(project), [], "no run has ended yet");
    await project.migrator(FIRST).migrate();
    assert.deepEqual(await readWarnings(project), []);
    for (const [what, [does, undoes, name]] of Object.entries(BY_HAND)) {
      await project.sql(does);
      assert.deepEqual(await readWarnings(project), [
        `The schema was changed since the last run, not by supamigrate: ${name} ` +
        "(supamigrate drift shows it, pull takes it into a migration)",
      ], what);
      await project.sql(undoes);
      assert.deepEqual(await readWarnings(project), [], `${what}, taken back`);
    }
    // Rows and statistics are no schema.
    await project.sql("insert into app.notes (id) values (1)");
    await project.sql("analyze app.notes");
    assert.deepEqual(await readWarnings(project), []);
  },
);

testOnEveryDatabase(
  "migrate says what was changed by hand, refuses it with onDrift: error, and takes it for known afterwards",
  async (project) => {
    await project.migrator(FIRST).migrate();
    await project.sql("alter table app.notes add column by_hand int");

    const refused = project.migrator(NEXT).migrate({ onDrift: "error" });
    await assert.rejects(refused, {
      name: "ConfigurationError",
      message:
        "The schema was changed since the last run, not by supamigrate: app.notes; what is " +
        "pending names app.notes",
    });
    const { executed } = await project.migrator(NEXT).status();
    assert.equal(executed, 1, "nothing was sent");
    // A refusal is no run: the next one says the same.
    assert.deepEqual(
      (await project.migrator(OTHER).migrate({ onDrift: "ignore", dryRun: true })).warnings,
      [],
    );

    const { success, warnings } = await project.migrator(OTHER).migrate();
    assert.ok(success);
    assert.deepEqual(warnings, [
      "The schema was changed since the last run, not by supamigrate: app.notes " +
      "(supamigrate drift shows it, pull takes it into a migration)",
    ]);
    assert.deepEqual(await readWarnings(project), []);
  },
);

testOnEveryDatabase(
  "each run leaves the schema's fingerprint in the log, from before and after it",
  async (project) => {
    const migrator = project.migrator(FIRST);
    await migrator.migrate();
    await migrator.rollback();
    await migrator.migrate();
    const [up, down, again] = await project.fingerprints();
    assert.notEqual(up!.before, up!.after);
    assert.deepEqual(down, { before: up!.after, after: up!.before }, "the rollback restores it");
    assert.deepEqual(again, up);
  },
);

testOnEveryDatabase(
  "what a run did that never came to its end is not taken for somebody else's doing",
  async (project) => {
    await project.migrator(FIRST).migrate();
    await project.sql("update supamigrate.migration_lock set generation = generation + 1");
    await project.sql("alter table app.notes add column unknown_whose int");
    assert.deepEqual(await readWarnings(project), []);
  },
);

testOnEveryDatabase(
  "what is pending is said to name what it names, and not what is spelled like a part of it",
  async (project) => {
    await project.migrator(FIRST).migrate();
    await project.sql(`create table app.note (id int primary key);
      create function app.sum_up(int, numeric) returns int language sql as 'select 1';
      create table app."Odd (one" (id int primary key);`);
    const changed = 'app."Odd (one", app.note, app.sum_up(integer,numeric)';
    const read = async (sql: string) => {
      const migrator = project.migrator({ ...FIRST, "2_next.sql": sql });
      const { warnings } = await migrator.migrate({ dryRun: true });
      return warnings.find((warning) => warning.startsWith("The schema"))?.replace(/ \(supa.*/, "");
    };
    const says = `The schema was changed since the last run, not by supamigrate: ${changed}`;
    assert.equal(await read("alter table app.notes add column title text;"), says);
    assert.equal(
      await read("select app.sum_up(1, 2);"),
      `${says}; what is pending names app.sum_up(integer,numeric)`,
    );
    assert.equal(
      await read('alter table app."Odd (one" add column title text;'),
      `${says}; what is pending names app."Odd (one"`,
    );
  },
);
