import assert from "node:assert/strict";
import { compareAll } from "../../lib/operations/capture.ts";
import { CHANGES } from "./changes.ts";
import { makeRoundTrip, openBase, pickChanges } from "./round_trips.ts";

/** How many random sets there are here; `deno task round-trips` has more. */
const SETS = 3;

const quietly = { sanitizeOps: false, sanitizeResources: false }; // PGlite keeps timers

Deno.test({
  name: "every kind of change is seen, taken back and made again by the planned statements",
  ...quietly,
  fn: async (test) => {
    const database = await openBase();
    await using _ = database.shadow;
    assert.deepEqual(await makeRoundTrip(database, CHANGES), []);

    // The database is as it was before, and opening one takes as long as two of these.
    for (let seed = 1; seed <= SETS; seed++) {
      await test.step(`so are random sets of them (seed ${seed})`, async () => {
        assert.deepEqual(await makeRoundTrip(database, pickChanges(seed)), []);
      });
    }
  },
});

Deno.test({
  name: "comments on extensions are seen, taken back and made again, but for those of the platform",
  ...quietly,
  fn: async () => {
    const database = await openBase("create extension pg_trgm");
    await using _ = database.shadow;
    const comment = (of: string, shows = `comment on extension ${of}`) => ({
      title: `a comment on ${of}`,
      sql: `comment on extension ${of} is 'It''s for names'`,
      shows,
    });
    assert.deepEqual(await makeRoundTrip(database, [comment("pg_trgm")]), []);
    const { shadow } = database;
    const before = await shadow.read();
    await shadow.run(comment("pgcrypto").sql);
    assert.deepEqual(compareAll(before, await shadow.read()), []);
  },
});

Deno.test({
  name: "an index that all partitions have is another one than that of their table alone",
  ...quietly,
  fn: async () => {
    const database = await openBase(`
      create table public.e (id int, at int) partition by range (at);
      create table public.e1 partition of public.e for values from (0) to (10);
      create table public.e2 partition of public.e for values from (10) to (20);
      create index "of E" on public.e (id);`);
    await using _ = database.shadow;
    assert.deepEqual(
      await makeRoundTrip(database, [{
        title: "an index that is made again, for one partition",
        sql: `drop index public."of E"; create index "of E" on only public.e (id);
          create index e1_id on public.e1 (id); alter index public."of E" attach partition public.e1_id`,
        shows: `added incomplete index public."of E"`,
      }]),
      [],
    );
  },
});

Deno.test({
  name: "cron jobs are seen, taken back and made again, whatever they run",
  ...quietly,
  fn: async () => {
    const database = await openBase("create extension pg_cron");
    await using _ = database.shadow;
    const job = (title: string, sql: string, shows: string) => ({ title, sql, shows });
    const faults = await makeRoundTrip(database, [
      job(
        "a job of several statements",
        "select cron.schedule('nightly', '0 3 * * *', 'select 1;\nselect '';\n'';\n')",
        "cron job nightly",
      ),
      job(
        "a job that rests",
        "select cron.alter_job(cron.schedule('rests', '0 4 * * *', 'select 2'), active := false)",
        "cron job rests",
      ),
      job(
        "a job without a name",
        "select cron.schedule('0 5 * * *', 'select 3')",
        "cron job 0 5 * * * select 3",
      ),
    ]);
    assert.deepEqual(faults, []);
  },
});
