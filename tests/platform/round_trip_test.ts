import assert from "node:assert/strict";
import { describeDatabase, describeSchema } from "./catalogue.ts";
import { type Blank, readMigrations, testOnBlankDatabases } from "./platform.ts";
import { buildWorld } from "./world.ts";

const master = "000_MASTER_CONSOLIDATED.sql";

/** Lines of one description that the other does not have, to see at a glance what differs. */
function difference(before: readonly string[], after: readonly string[]): string[] {
  const [had, has] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !has.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !had.has(line)).map((line) => `+ ${line}`),
  ];
}

async function migrate(blank: Blank, migrations: Record<string, string>): Promise<string[]> {
  await using migrator = blank.migrator(migrations);
  const { results } = await migrator.migrate();
  assert.deepEqual(results.map(({ error }) => error).filter((error) => error !== null), []);
  return results.map(({ name, reason }) => `${name}: ${reason}`);
}

async function rollBack(blank: Blank): Promise<void> {
  await using migrator = blank.migrator(readMigrations());
  const { success } = await migrator.rollback();
  assert.ok(success);
}

/** Takes the platform up and down, and returns what it was when it was up. */
async function goUpAndDown(blank: Blank): Promise<string[]> {
  const before = await describeDatabase(blank.sql);
  await migrate(blank, readMigrations());
  const up = await describeSchema(blank.sql);
  assert.ok(up.length > before.length + 2000);

  await rollBack(blank);
  assert.deepEqual(difference(before, await describeDatabase(blank.sql)), []);
  return up;
}

testOnBlankDatabases("down leaves the catalogue as it was before up", async (blank) => {
  await goUpAndDown(blank);
}, { on: ["embedded"] });

testOnBlankDatabases(
  "down leaves the catalogue as it was before up, and a second up as the first did",
  async (blank) => {
    const up = await goUpAndDown(blank);
    await migrate(blank, readMigrations());
    assert.deepEqual(difference(up, await describeSchema(blank.sql)), []);
  },
  { on: [15] },
);

testOnBlankDatabases("running both files twice changes nothing, not even a row", async (blank) => {
  await migrate(blank, readMigrations());
  await blank.sql("update public.app_settings set value = '12' where key = 'deposit_percent'");
  await blank.sql("delete from public.role_permissions where permission_code = 'audit.read'");
  await buildWorld(blank.sql, "a");
  const once = await describeDatabase(blank.sql);

  const again = Object.fromEntries(
    Object.entries(readMigrations()).map(([name, text]) => [
      name,
      text.replace("-- FORWARD MIGRATION\n", "-- FORWARD MIGRATION\nselect 'again';\n"),
    ]),
  );
  assert.deepEqual(await migrate(blank, again), [
    "000_MASTER_CONSOLIDATED.sql: checksum_mismatch",
    "20250726123456_add_celebrity_ratings.sql: checksum_mismatch",
  ]);
  assert.deepEqual(difference(once, await describeDatabase(blank.sql)), []);
}, { on: [15] });

testOnBlankDatabases(
  "an extension that was there before is used and stays",
  async (blank) => {
    const before = await describeDatabase(blank.sql);
    await migrate(blank, readMigrations());
    await rollBack(blank);
    assert.deepEqual(difference(before, await describeDatabase(blank.sql)), []);
    const [{ count }] = await blank.sql(
      "select count(*)::int from pg_extension where extname = 'btree_gist'",
    ) as [{ count: number }];
    assert.equal(count, 1);
  },
  { setup: "create extension btree_gist with schema public", on: [17] },
);

testOnBlankDatabases(
  "a database that has a table of one of the names already is refused and left alone",
  async (blank) => {
    const before = await describeDatabase(blank.sql);
    await using migrator = blank.migrator(readMigrations());
    const { results } = await migrator.migrate();
    assert.equal(results[0]?.name, master);
    assert.equal(
      results[0]?.error?.message,
      "The database has tables of these names already: venues, events",
    );
    assert.deepEqual(difference(before, await describeDatabase(blank.sql)), []);
  },
  { setup: "create table public.events (id int); create table public.venues (id int)", on: [15] },
);

testOnBlankDatabases("down stops where something else depends on the platform", async (blank) => {
  await migrate(blank, readMigrations());
  await blank.sql("create view public.names as select stage_name from public.celebrities");
  await using migrator = blank.migrator(readMigrations());
  const { success, results } = await migrator.rollback();
  assert.equal(success, false);
  const [ratings, platform] = results;
  assert.equal(ratings?.success, true); // they are of no concern to the view
  assert.match(`${platform?.error?.message} ${platform?.error?.detail}`, /view names depends on/);
  assert.equal((await blank.sql("select from public.celebrities")).length, 0);
}, { on: [17] });

testOnBlankDatabases(
  "where default privileges still grant everything to everyone, the platform does not",
  async (blank) => {
    await migrate(blank, readMigrations());
    const granted = await blank.sql(`
      select grantee || ' ' || privilege_type || ' ' || count(distinct table_name) as privilege
        from information_schema.table_privileges
       where table_schema = 'public' and grantee in ('anon', 'authenticated')
       group by grantee, privilege_type order by 1`);
    assert.deepEqual(granted.map(({ privilege }) => privilege), [
      "anon SELECT 5",
      "authenticated DELETE 21",
      "authenticated SELECT 59",
    ]);
  },
  {
    setup: "alter default privileges in schema public grant all on tables to anon, authenticated",
    on: [15],
  },
);
