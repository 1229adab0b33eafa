import assert from "node:assert/strict";
import { ConfigurationError, MigrationFileError } from "../../lib/errors.ts";
import { prepareForBundle, restore } from "../../lib/operations/prepared.ts";
import { loadMigrations, type MigrationSource } from "../../lib/operations/source.ts";
import type { Abilities } from "../../lib/planning/session_settings.ts";
import { splitStatements } from "../../lib/planning/statements.ts";

const WAYS: Abilities[] = [
  { setRole: false, outside: null },
  { setRole: false, outside: "pg_cron" },
];

/** What a bundle holds, as it is read from its file. */
async function bundled(source: MigrationSource) {
  const files = await loadMigrations(source);
  const { prepared, ...others } = await prepareForBundle(files, splitStatements, "0.0.0");
  return { files, ...others, ...restore(JSON.parse(JSON.stringify(prepared))) };
}

/** What splitting comes to: the result, or what it was refused with. */
async function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof MigrationFileError)) throw error;
    const toData = ({ message, position, hint }: MigrationFileError) => ({
      message,
      position,
      hint,
    });
    return [error, ...error.others].map(toData);
  }
}

const ODD = {
  "001_enum.sql": `
create type mood as enum ('calm');
-- select 1;
select 1;
-- supamigrate: commit
set statement_timeout = 5000;
select 1;
alter type mood add value 'wild';
select 'wild'::mood;
-- ROLLBACK

-- Back again
drop type mood;
`,
  "002_index.sql": `create table notes (id int);
create index concurrently notes_id on notes (id);
-- ROLLBACK
drop table notes;`,
  "003_blocks.sql": `begin;
select set_config('a.b', 'ü€😀', false);
commit;
begin; insert into notes values (1); commit;
-- ROLLBACK
begin; delete from notes; savepoint a; select 2; rollback to a; commit;`,
  "004_empty.sql": "-- nothing\n",
  "006_batch.sql": `set search_path = public;
-- supamigrate: batch notes id 500
delete from notes where id > 5;
-- ROLLBACK
-- supamigrate: batch notes id 500
insert into other select id from notes;`,
  "005_auth.sql": "alter table auth.users add column a int;\nreset role;",
};

Deno.test("a bundle says of its migrations exactly what the parser says", async () => {
  for (const source of ["migrations", ODD]) {
    const { files, split, loaded: restored } = await bundled(source);
    assert.equal(restored.order, files.order);
    assert.deepEqual(restored.secrets, JSON.parse(JSON.stringify(files.secrets)));
    assert(files.migrations.length > 0);
    for (const [index, { name, forward, rollback, checksum }] of files.migrations.entries()) {
      const other = restored.migrations[index]!;
      assert.deepEqual([other.name, other.checksum], [name, checksum]);
      assert.equal(other.statementsChecksum, files.migrations[index]!.statementsChecksum);
      for (const can of WAYS) {
        for (const section of [forward, ...(rollback === null ? [] : [rollback])]) {
          assert.deepEqual(
            await outcomeOf(split(section, name, can)),
            await outcomeOf(splitStatements(section, name, can)),
            `${name}, ${can.outside}`,
          );
        }
      }
    }
  }
});

Deno.test("what only pg_cron can run is bundled and named; what nothing can run is refused with all places", async () => {
  const { needPgCron } = await bundled(ODD);
  assert.deepEqual(needPgCron, ["002_index.sql"]);

  const error = await bundled({
    ...ODD,
    "006_typo.sql": "select 1;\nselec 2;",
    "007_copy.sql": "create table t (id int);\ncopy t from stdin;\n-- ROLLBACK\ndrop tabel t;",
  }).then(() => undefined, (error) => error);
  assert(error instanceof MigrationFileError);
  assert.deepEqual(
    [error, ...error.others].map(({ position: { file, line } }) => `${file}:${line}`),
    ["006_typo.sql:2", "007_copy.sql:2", "007_copy.sql:4"],
  );
});

Deno.test("SQL that is not in a bundle is refused there, as nothing can split it", async () => {
  const { split } = await bundled(ODD);
  const [can] = WAYS as [Abilities];
  await assert.rejects(
    split({ sql: "drop table others;", line: 1 }, "stored rollback of 001_a.sql", can),
    ConfigurationError,
  );
  // Rollback SQL that was stored reads as the file's, and begins with line 1.
  const { statements } = await split({ sql: "drop table notes;", line: 1 }, "stored", can);
  assert.deepEqual(statements, [{
    line: 1,
    sql: "drop table notes",
    destroyed: [{ do: "drop", type: "table", names: ['"notes"'], cascade: false }],
  }]);
});
