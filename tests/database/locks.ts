/** Which locks statements take is measured on a shadow, with the sizes of the live tables. */

import assert from "node:assert/strict";
import { formatPlanMarkdown } from "../../lib/output/plan_markdown.ts";
import { testOnEveryDatabase } from "../support/projects.ts";

const TABLES = `create table owners (id int primary key);
create table notes (id int primary key, body text, price int, owner int);
create view titles as select id, body from notes;
-- ROLLBACK
drop view titles; drop table notes, owners;`;

const CHANGES = `alter table owners add column name text;
create index notes_owner on notes (owner);
update notes set body = '' where id = 3;
alter table notes alter column price type bigint;
alter table notes alter column body set not null;
create table extras (id int);
alter table extras add column name text;`;

testOnEveryDatabase(
  "measureLocks() says which locks statements take on tables that are there, the worst first",
  async (project) => {
    const applied = { "001_tables.sql": TABLES };
    await project.migrator(applied).migrate();
    await project.sql(
      "insert into public.notes select g, 'text', g, 1 from generate_series(1, 500) g",
    );
    await project.sql("analyze public.notes");
    const migrator = project.migrator({
      ...applied,
      "002_changes.sql": CHANGES,
      "003_held.sql": "lock table notes in share mode;\nupdate notes set price = 1;",
    });
    const { planned } = await migrator.migrate({ dryRun: true });
    const locks = await migrator.measureLocks(planned);
    assert.equal(planned.length, 2);
    assert.deepEqual(
      locks.statements.map(({ migration, line, blocks, locks }) => [
        `${migration} ${line} ${blocks}`,
        ...locks.map(({ table, lock, since, rewrites, scans, buildsIndexes }) =>
          `${table} ${lock} ${since} ${rewrites} ${scans} ${buildsIndexes}`
        ),
      ]),
      [
        [
          "002_changes.sql 1 reading and writing",
          "public.owners ACCESS EXCLUSIVE null false false 0",
        ],
        [
          "002_changes.sql 4 reading and writing",
          "public.notes ACCESS EXCLUSIVE null true true 0",
        ],
        ["002_changes.sql 5 reading and writing", "public.notes ACCESS EXCLUSIVE 4 false true 0"],
        ["002_changes.sql 2 writing", "public.notes SHARE null false true 1"],
        ["002_changes.sql 3 writing", "public.notes SHARE 2 false false 0"],
        ["003_held.sql 1 writing", "public.notes SHARE null false false 0"],
        ["003_held.sql 2 writing", "public.notes SHARE 1 false true 0"],
      ],
    );
    const plan = await migrator.plan({ locks: true });
    assert.deepEqual(plan.locks, locks);
    assert.match(
      formatPlanMarkdown(plan),
      /`002_changes.sql`, line 4: `public.notes` blocked for reading and writing/,
    );
    const rewriting = locks.statements[1]!;
    assert.equal(rewriting.locks[0]!.rows, 500);
    assert.ok(rewriting.locks[0]!.bytes! >= 8192);
    assert.equal(rewriting.held, "under a second");
    assert.deepEqual(locks.notMeasured, []);
    assert.deepEqual(await project.sql("select id from public.notes where body = ''"), []);
  },
);
