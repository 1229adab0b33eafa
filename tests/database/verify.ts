/** Migrations go up, down and up again on a shadow of the project. */

import assert from "node:assert/strict";
import type { RoundTripProblem } from "../../lib/operations/round_trip.ts";
import { testOnEmbedded } from "../support/projects.ts";

const NOTES = `create table notes (id int generated always as identity primary key, body text);
create policy own on notes for select to authenticated using (id > 0);
-- ROLLBACK
drop table notes;`;

testOnEmbedded(
  "verify() says object by object what a rollback forgets, and with which statements it would not",
  async (project) => {
    const applied = { "001_notes.sql": NOTES };
    await project.migrator(applied).migrate();
    const migrator = project.migrator({
      ...applied,
      "002_exact.sql": `alter table notes add column pinned boolean not null default false;
grant select on notes to anon;
create index concurrently notes_body on notes (body);
-- ROLLBACK
drop index notes_body;
revoke select on notes from anon;
alter table notes drop column pinned;`,
      "003_forgets.sql": `create type mood as enum ('calm', 'wild');
alter table notes alter column body set not null;
drop policy own on notes;
-- ROLLBACK
select 1;`,
    });
    const before = await project.catalog();
    const { success, migrations, notTried } = await migrator.verify();
    assert.equal(success, false);
    assert.deepEqual(notTried, []);
    assert.deepEqual(
      migrations.map(({ name, isReversible, problems }) => [
        name,
        isReversible,
        problems.map(({ code, file, line }) => `${code} ${file} ${line}`).join(),
      ]),
      [
        ["002_exact.sql", true, ""],
        ["003_forgets.sql", false, "rollback-forgets 003_forgets.sql null"],
      ],
    );
    const [forgotten] = migrations[1]!.problems;
    assert.deepEqual(forgotten!.objects.map(({ change, kind, name }) => [change, kind, name]), [
      ["taken away", "policy", "own on public.notes"],
      ["left behind", "type", "public.mood"],
      ["changed", "column", "public.notes.body"],
    ]);
    assert.deepEqual(forgotten!.objects.map(({ sql }) => sql.length), [1, 1, 1]);
    assert.match(forgotten!.sql.join(";\n"), /^ALTER TABLE .* DROP NOT NULL;$/m);
    assert.equal(forgotten!.sql.length, 3);
    assert.deepEqual(forgotten!.unwritable, []);
    assert.deepEqual(await project.catalog(), before, "the project is as it was");
  },
);

testOnEmbedded(
  "verify() advises to rename what a rollback has left under another name, and to drop nothing of it",
  async (project) => {
    const applied = { "001_notes.sql": NOTES };
    await project.migrator(applied).migrate();
    const migrator = project.migrator({
      ...applied,
      "002_names.sql": `alter table notes rename column body to text;
alter table notes rename to memos;
-- ROLLBACK
alter table memos rename column text to content;`,
      "003_other.sql": `alter table memos add column other text;
alter table memos drop column text;
-- ROLLBACK
select 1;`,
    });
    const { migrations } = await migrator.verify();
    const [[renamed], [replaced]] = migrations.map(({ problems }) => problems) as [
      [RoundTripProblem],
      [RoundTripProblem],
    ];
    assert.deepEqual(renamed.sql, [
      'ALTER TABLE "public"."memos" RENAME TO "notes"',
      'ALTER TABLE "public"."notes" RENAME COLUMN "content" TO "body"',
    ]);
    assert.deepEqual(
      renamed.objects.map(({ change, kind, details }) => [change, kind, ...details]),
      [
        ["changed", "table", "name: public.notes → public.memos"],
        ["changed", "column", "name: public.notes.body → public.notes.content"],
      ],
    );
    // A column that takes the place of another is another.
    assert.match(replaced.sql.join(";\n"), /DROP COLUMN "other"/);
    assert.doesNotMatch(replaced.sql.join(";\n"), /RENAME/);
  },
);
