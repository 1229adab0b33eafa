/** Statements that are committed in ranges of a key. */

import assert from "node:assert/strict";
import { UnknownOutcomeError } from "../../mod.ts";
import type { CancelResult, ProgressEvent } from "../../mod.ts";
import { type AnyProject, testOnEveryDatabase, testOnOneServer } from "../support/projects.ts";
import { testOnBothWays } from "./channel_projects.ts";
import { startManagementApi } from "./management_api.ts";
import { readStep } from "./requests.ts";

const batched = {
  "001_count.sql": `-- supamigrate: batch public.items id 10
update public.items set changed = changed + 1 where label <> 'left alone' or label is null;
-- ROLLBACK
-- supamigrate: batch items id 10
update items set changed = changed - 1 where label <> 'left alone' or label is null;
`,
};

/** Rows with gaps in their keys, some of which are not to be changed. */
async function makeItems(project: Pick<AnyProject, "sql">, rows = 95): Promise<void> {
  await project.sql(`
    create table items (id bigint primary key, changed int not null default 0, label text);
    alter table items owner to postgres;
    insert into items (id, label)
    select n * 3 - 40, case when n % 10 = 0 then 'left alone' end from generate_series(1, ${rows}) n;
    analyze items
  `);
}

/** How often rows were changed, and how many of them that is. */
async function counts(project: Pick<AnyProject, "sql">): Promise<string> {
  const rows = await project.sql(
    "select changed, coalesce(label, '') as label, count(*)::int as n from items group by 1, 2 order by 1, 2",
  );
  return rows.map(({ changed, label, n }) => `${n}×${changed}${label}`).join(" ");
}

function rangesOf(events: readonly ProgressEvent[]) {
  return events.flatMap((event) => event.type === "range" ? [event] : []);
}

testOnEveryDatabase("a batch is committed range by range, each once", async (project) => {
  await makeItems(project);
  const events: ProgressEvent[] = [];
  const migrator = project.migrator(batched, { onProgress: (event) => events.push(event) });
  const { success, results: [result] } = await migrator.migrate();
  assert.equal(success, true);
  assert.deepEqual(result!.steps, { done: 1, total: 1 });
  assert.equal(await counts(project), "9×0left alone 86×1");
  const ranges = rangesOf(events);
  assert.deepEqual(
    ranges.map(({ batch: { table, key, after, passed, affected, total } }) =>
      [table, key, after, passed, affected, total].join(" ")
    ).slice(0, 2),
    ["public.items id -10 10 9 95", "public.items id 20 20 18 95"],
  );
  assert.equal(ranges.length, 9);
  const { history, log } = await project.records();
  assert.deepEqual([history[0]!.status, history[0]!.progress], ["completed", null]);
  assert.deepEqual(log.map(({ action, result }) => `${action} ${result}`), ["apply ok"]);
  assert.deepEqual((log[0]!.details as Record<string, unknown>).batch, { ranges: 10, rows: 86 });
  assert.equal((await migrator.status()).upToDate, true);
});

testOnOneServer(
  "over the Management API a batch is committed range by range, each once though its answer is lost",
  async (project) => {
    await makeItems(project);
    await using api = await startManagementApi(project);
    const events: ProgressEvent[] = [];
    const migrator = project.migrator(batched, {
      via: "management",
      accessToken: api.accessToken,
      managementApiUrl: api.url,
      onProgress: (event) => {
        events.push(event);
        if (event.type === "range" && rangesOf(events).length === 4) api.lost = /perform/;
      },
    });
    const { success } = await migrator.migrate();
    assert.equal(success, true);
    assert.equal(api.lost, undefined, "an answer was lost");
    assert.equal(await counts(project), "9×0left alone 86×1");
    assert.equal(rangesOf(events).length, 9);
    assert.equal((await migrator.rollback()).success, true);
    assert.equal(await counts(project), "86×0 9×0left alone");
  },
);

testOnEveryDatabase(
  "what a batch overwrites is kept in one copy, and put back",
  async (project) => {
    await makeItems(project);
    await project.sql("update items set changed = id");
    const files = {
      "1_zero.sql": `-- supamigrate: batch items id 7
update items as it set changed = 0 -- to begin with
where id > 20 -- ROLLBACK is below
;
-- ROLLBACK
select 1;`,
    };
    const migrator = project.migrator(files);
    const { results: [result] } = await migrator.migrate();
    assert.deepEqual(result!.kept.map(({ relation, rows, kind }) => [relation, rows, kind]), [
      ["public.items", 75, "values"],
    ]);
    assert.equal(
      (await project.sql("select count(*)::int as n from items where changed = 0"))[0]!.n,
      75,
    );
    const undone = await migrator.rollback();
    assert.deepEqual(undone.results[0]!.putBack.map(({ rows, putBack }) => [rows, putBack]), [
      [75, 75],
    ]);
    assert.equal(
      (await project.sql("select count(*)::int as n from items where changed = id"))[0]!.n,
      95,
    );
  },
);

testOnEveryDatabase(
  "a column that the file adds, and its rollback drops, costs no row of a batch its way back",
  async (project) => {
    await makeItems(project);
    const read = () => project.sql("select * from items order by id");
    const before = await read();
    const migrator = project.migrator({
      "1_wide.sql": `alter table items add column twice int;
-- supamigrate: batch items id 20
update items set twice = 2 * id, label = 'changed';
-- supamigrate: batch items id 20
delete from items where id > 50;
-- ROLLBACK
alter table items drop column twice;`,
    });
    assert.equal((await migrator.migrate()).success, true);
    const { results: [undone] } = await migrator.rollback();
    assert.deepEqual(undone!.putBack.filter(({ reason }) => reason !== null), []);
    assert.deepEqual(await read(), before);
  },
);

testOnEveryDatabase("rows are deleted in ranges, with what refers to them", async (project) => {
  await makeItems(project);
  await project.sql(`
    create table parts (item bigint references items on delete cascade, name text,
                        id int primary key);
    alter table parts owner to postgres;
    insert into parts select id, 'part of ' || id, row_number() over () from items`);
  const files = {
    "1_delete.sql": `-- supamigrate: batch items id 20
delete from items using (values ('left alone')) as said (so) where label is distinct from so;
-- ROLLBACK
select 1`,
  };
  const migrator = project.migrator(files);
  const before = await contents(project);
  const { results: [result] } = await migrator.migrate();
  assert.deepEqual(
    result!.kept.map(({ relation, rows }) => `${rows} of ${relation}`),
    ["86 of public.items", "86 of public.parts"],
  );
  assert.equal(await counts(project), "9×0left alone");
  await migrator.rollback();
  assert.deepEqual(await contents(project), before);
  assert.deepEqual(await migrator.backups(), []);
});

async function contents(project: Pick<AnyProject, "sql">) {
  return [
    await project.sql("select * from items order by id"),
    await project.sql("select * from parts order by id"),
  ];
}

testOnEveryDatabase("rows are added in ranges of what they are read from", async (project) => {
  await makeItems(project);
  const files = {
    "1_copy.sql": `create table copies (id bigint, label text, made int);
-- supamigrate: batch public.items id 30
insert into copies
select i.id, coalesce(i.label, (select max(label) from generate_series(1, 2) label)::text), n
  from items i left join generate_series(1, 1) n on true
 where i.id > 0 or i.id < 0
 order by i.id
on conflict do nothing;`,
  };
  const events: ProgressEvent[] = [];
  const migrator = project.migrator(files, { onProgress: (event) => events.push(event) });
  const { success, results: [result] } = await migrator.migrate();
  assert.deepEqual([success, result!.steps], [true, { done: 2, total: 2 }]);
  assert.equal(rangesOf(events).length, 3);
  assert.deepEqual(
    await project.sql("select count(*)::int as n, count(distinct id)::int as ids from copies"),
    [{ n: 95, ids: 95 }],
  );
});

testOnEveryDatabase("an empty table is a batch of nothing", async (project) => {
  await makeItems(project, 0);
  assert.equal((await project.migrator(batched).migrate()).success, true);
});

testOnEveryDatabase("keys of all types are told apart", async (project) => {
  const keys = {
    text: "chr(40 + n) || '''\\\"é' || n",
    "varchar(20)": "'ß' || n",
    "character(9)": "'a' || n",
    uuid: "md5(n::text)::uuid",
    numeric: "n * -1.000000000000000000001",
    "timestamp with time zone":
      "'2026-03-29 00:30:00.123456+00'::timestamptz + n * interval '1 min'",
    timestamp: "'infinity'::timestamp - n * interval '1 min'",
    date: "case when n = 1 then 'infinity' else '2026-01-01'::date + n end",
    smallint: "-n",
    counted: "n",
  };
  await project.sql("create domain counted as bigint check (value > 0)");
  const files: Record<string, string> = {};
  for (const [index, [type, value]] of Object.entries(keys).entries()) {
    await project.sql(`
      create table t${index} (key ${type} primary key, changed int not null default 0);
      insert into t${index} (key) select ${
      type === "timestamp" ? "'2026-01-01'::timestamp + n * interval '1 us'" : value
    } from generate_series(1, 23) n;
      alter table t${index} owner to postgres`);
    files[`${index}_keys.sql`] = `set datestyle = 'SQL, DMY';
set timezone = 'Asia/Kolkata';
-- supamigrate: batch t${index} key 5
update t${index} set changed = changed + 1;`;
  }
  const { success, results } = await project.migrator(files).migrate();
  assert.deepEqual(results.map(({ error }) => error).filter((error) => error !== null), []);
  assert.equal(success, true);
  for (const index of Object.keys(keys).keys()) {
    assert.deepEqual(
      await project.sql(`select changed, count(*)::int as n from t${index} group by 1`),
      [{ changed: 1, n: 23 }],
      Object.keys(keys)[index],
    );
  }
});

testOnEveryDatabase(
  "a batch that is interrupted goes on behind the last range, and can be undone from there",
  async (project) => {
    await makeItems(project);
    const stop = new AbortController();
    const migrator = project.migrator(batched, {
      signal: stop.signal,
      onProgress: (event) => {
        if (event.type === "range" && event.batch.ranges === 3) stop.abort();
      },
    });
    const stopped = await migrator.migrate();
    assert.deepEqual([stopped.interrupted, stopped.migrationsRun], [true, 0]);
    assert.equal(await counts(project), "59×0 9×0left alone 27×1");

    const again = project.migrator(batched);
    const { pending: [pending] } = await again.status();
    assert.equal(pending!.reason, "failed_previously");
    const { batch, ...steps } = pending!.steps!;
    assert.deepEqual(steps, { done: 0, total: 1 });
    assert.deepEqual([batch!.after, batch!.ranges, batch!.passed, batch!.affected], [
      "50",
      3,
      30,
      27,
    ]);
    // What has come in meanwhile is in a range, before the end and behind it.
    await project.sql("insert into items (id) values (1000), (51)");
    assert.equal((await again.migrate()).success, true);
    assert.equal(await counts(project), "9×0left alone 88×1");
    assert.equal((await again.rollback()).success, true);
    assert.equal(await counts(project), "88×0 9×0left alone");
  },
);

testOnEveryDatabase("what is done of a batch can be rolled back", async (project) => {
  await makeItems(project);
  const stop = new AbortController();
  const files = {
    "1.sql": `-- supamigrate: batch items id 10
update items set changed = 7;
-- ROLLBACK
select 1`,
  };
  await project.migrator(files, {
    signal: stop.signal,
    onProgress: (event) => {
      if (event.type === "range" && event.batch.ranges === 2) stop.abort();
    },
  }).migrate();
  assert.match(await counts(project), / 18×7/);
  const migrator = project.migrator(files);
  const { results: [undone] } = await migrator.rollback();
  assert.deepEqual([undone!.success, undone!.putBack[0]?.putBack], [true, 20]);
  assert.equal(await counts(project), "86×0 9×0left alone");
  assert.equal((await migrator.status()).pending[0]!.steps, null);
});

testOnEveryDatabase(
  "a range that fails is undone, and those before it stay",
  async (project) => {
    await makeItems(project);
    await project.sql("alter table items add constraint small check (changed = 0 or id <> 53)");
    const migrator = project.migrator(batched);
    const failed = await migrator.migrate();
    assert.equal(failed.success, false);
    const { steps, error } = failed.results[0]!;
    assert.deepEqual([error!.code, error!.line], ["23514", 2]);
    assert.deepEqual([steps.done, steps.batch?.passed], [0, 30]);
    assert.match(await counts(project), / 27×1$/);
    assert.equal((await migrator.status()).pending[0]!.steps?.batch?.after, "50");

    const changed = { "001_count.sql": batched["001_count.sql"].replace("+ 1", "+ 2") };
    await assert.rejects(project.migrator(changed).migrate(), {
      message: "0 of the 1 steps of 001_count.sql are done, and the text of step 1, which has " +
        "begun, was changed since",
    });
    await project.sql("alter table items drop constraint small");
    const other = { "001_count.sql": batched["001_count.sql"].replace("id 10", "id 3") };
    assert.equal((await project.migrator(other).migrate()).success, true);
    assert.equal(await counts(project), "9×0left alone 86×1");
  },
);

testOnEveryDatabase("what cannot be cut into ranges is refused with a reason", async (project) => {
  await makeItems(project);
  await project.sql(`
    create table odd (id bigint primary key, maybe bigint unique, twice bigint not null,
                      spread int4range not null unique, up int not null, lower text not null);
    create unique index on odd (up) where up > 0;
    create unique index on odd (lower(lower));
    create view seen as select * from items;
    create table parent (id bigint primary key);
    create table child () inherits (parent);
    create aggregate total_of (bigint) (sfunc = int8pl, stype = bigint);
  `);
  const reasons: [string, string, RegExp][] = [
    ["odd nothing 5", "delete from odd", /it has no column "nothing"$/],
    ["odd maybe 5", "delete from odd", /its column "maybe" may be null$/],
    ["odd twice 5", "delete from odd", /its column "twice" has no unique index of its own$/],
    ["odd up 5", "delete from odd", /its column "up" has no unique index of its own$/],
    ["odd lower 5", "delete from odd", /its column "lower" has no unique index of its own$/],
    ["odd spread 5", "delete from odd", /keys of the type int4range are not compared$/],
    ["seen id 5", "delete from seen", /it is a view$/],
    ["parent id 5", "delete from parent", /other tables inherit from it$/],
    [
      "auth.items id 5",
      "delete from items",
      /^The batch is of "auth"\."items", and the statement of .*items$/,
    ],
    [
      "items id 5",
      "insert into odd select total_of(id), 1, 1 from items",
      /total_of\(\) is an aggregate/,
    ],
    ["nowhere id 5", "delete from nowhere", /^There is no table "nowhere"$/],
  ];
  for (const [mark, statement, reason] of reasons) {
    const files = { "1.sql": `-- supamigrate: batch ${mark}\n${statement};` };
    const { results: [result] } = await project.migrator(files).migrate();
    assert.match(result!.error!.message, reason);
    assert.equal(result!.steps.batch, undefined);
  }
  assert.equal(await counts(project), "86×0 9×0left alone");
});

testOnEveryDatabase(
  "a batch that chooses other rows each time is refused before anything runs",
  async (project) => {
    await makeItems(project);
    await project.sql(
      "create function lucky(id bigint) returns boolean language sql as 'select id % 2 = 0'",
    );
    const before = await counts(project);
    for (
      const [choice, called] of [
        ["random() < 0.5", "random"],
        ["lucky(id)", "lucky"],
        ["label = clock_timestamp()::text", "clock_timestamp"],
      ]
    ) {
      for (const what of ["delete from items where", "update items set changed = 7 where"]) {
        const files = {
          "1.sql": `create table early ();\n-- supamigrate: batch items id 5\n${what} ${choice};`,
        };
        await assert.rejects(
          project.migrator(files).migrate(),
          (error: Error & { hint?: string }) => {
            assert.equal(
              error.message,
              `1.sql:3 The batch chooses its rows with ${called}(), which is volatile: others would ` +
                "be kept than are changed",
            );
            assert.match(error.hint!, /STABLE .*--safety-copy never.* Nothing was changed/);
            return true;
          },
        );
      }
    }
    assert.equal(await counts(project), before);
    assert.deepEqual(await project.sql("select to_regclass('early')::text as early"), [
      { early: null },
    ]);

    // What is made by the same file is seen when its turn has come.
    const made = {
      "1.sql": "create function chance() returns float language sql as 'select random()';\n" +
        "-- supamigrate: batch items id 5\ndelete from items where chance() < 0.5;",
    };
    const { results: [result] } = await project.migrator(made).migrate();
    assert.match(result!.error!.message, /chooses its rows with chance\(\), which is volatile/);
    assert.equal(await counts(project), before);

    // What fills columns may be another value each time; and so may all where nothing is kept.
    const fine = {
      "2.sql": "-- supamigrate: batch items id 5\nupdate items set changed = random() * 0 + 3;",
    };
    assert.equal((await project.migrator(fine).migrate()).success, true);
    const without = {
      "3.sql": "-- supamigrate: batch items id 5\ndelete from items where random() < 2;",
    };
    const { success } = await project.migrator(without).migrate({ safetyCopy: "never" });
    assert.equal(success, true);
    assert.deepEqual(await project.sql("select from items"), []);
  },
);

testOnEveryDatabase("a partitioned table is cut by its key", async (project) => {
  await project.sql(`
    create table events (id int primary key, changed int not null default 0) partition by range (id);
    create table events_1 partition of events for values from (0) to (40);
    create table events_2 partition of events for values from (40) to (100);
    alter table events owner to postgres;
    alter table events_1 owner to postgres;
    alter table events_2 owner to postgres;
    insert into events select n from generate_series(0, 99) n;
    analyze events_1; analyze events_2;
  `);
  const events: ProgressEvent[] = [];
  const files = {
    "1.sql": "-- supamigrate: batch events id 9\nupdate events set changed = changed + 1;",
  };
  const migrator = project.migrator(files, { onProgress: (event) => events.push(event) });
  assert.equal((await migrator.migrate()).success, true);
  assert.equal(rangesOf(events)[0]!.batch.total, 100);
  assert.deepEqual(await project.sql("select changed, count(*)::int as n from events group by 1"), [
    { changed: 1, n: 100 },
  ]);
});

testOnBothWays("each range is done once, whatever becomes of its call", async (project) => {
  await makeItems(project);
  let sent = 0;
  using _ = project.gateway.intercept(async (request, forward) => {
    if (await readStep(request) !== "apply") return await forward(request);
    const copy = request.clone() as Request;
    const again = request.clone() as Request;
    switch (sent++ % 3) {
      case 0:
        throw new Error("lost on its way");
      case 1:
        await forward(request);
        throw new Error("its reply was lost");
      default: {
        const reply = await forward(copy);
        await forward(again);
        return reply;
      }
    }
  });
  assert.equal((await project.migrator(batched).migrate()).success, true);
  assert.equal(await counts(project), "9×0left alone 86×1");
});

testOnBothWays("a run that dies at any range is gone on with", async (project) => {
  await makeItems(project);
  for (let range = 0; range < 10; range++) {
    let dead = false;
    const isLate = range % 2 === 1;
    {
      // It has sent the range or has not, and is never heard of again.
      using _ = project.gateway.intercept(async (request, forward) => {
        if (!dead && await readStep(request) === "apply") {
          dead = true;
          if (isLate) await forward(request);
        }
        if (dead) throw new Error("dead");
        return await forward(request);
      });
      const migrator = project.migrator(batched, { giveUpAfterMs: 1 });
      await assert.rejects(migrator.migrate(), UnknownOutcomeError);
    }
    await project.migrator(batched).unlock();
  }
  assert.match(await counts(project), / 45×1$/);
  const { results: [result] } = await project.migrator(batched).migrate();
  assert.equal(result!.success, true);
  assert.equal(await counts(project), "9×0left alone 86×1");
});

testOnBothWays("of two runs at once each range is done by one", async (project) => {
  await makeItems(project);
  const results = await Promise.all(
    [1, 2].map(() => project.migrator(batched, {}).migrate({ waitMs: 20_000 })),
  );
  assert.deepEqual(results.map(({ migrationsRun }) => migrationsRun).sort(), [0, 1]);
  assert.equal(await counts(project), "9×0left alone 86×1");
});

testOnBothWays("a run whose lock is taken from it changes nothing more", async (project) => {
  await makeItems(project);
  let taken = false;
  const first = project.migrator(batched, {
    onProgress: (event) => {
      taken ||= event.type === "range" && event.batch.ranges === 4;
    },
  });
  using _ = project.gateway.intercept(async (request, forward) => {
    if (taken && await readStep(request) === "apply") {
      taken = false;
      const late = request.clone() as Request;
      await project.migrator(batched).unlock();
      assert.equal((await project.migrator(batched).migrate()).success, true);
      return await forward(late);
    }
    return await forward(request);
  });
  await assert.rejects(first.migrate(), { name: "LockLostError" });
  assert.equal(await counts(project), "9×0left alone 86×1");
});

testOnOneServer("a range that cannot get its locks is tried again", async (project) => {
  await makeItems(project);
  const events: ProgressEvent[] = [];
  await using other = await project.connect();
  await other.sql("begin; update items set changed = changed where id = 53");
  const migrator = project.migrator(batched, {
    limits: { lockTimeoutMs: 100, lockRetries: 3 },
    onProgress: (event) => {
      events.push(event);
      if (event.type === "retrying") void other.sql("rollback");
    },
  });
  assert.equal((await migrator.migrate()).success, true);
  assert.equal(events.filter(({ type }) => type === "retrying").length, 1);
  assert.equal(await counts(project), "9×0left alone 86×1");
});

testOnOneServer("cancel() between two ranges ends the run before the next one", async (project) => {
  await makeItems(project);
  let cancelled: Promise<CancelResult> | undefined;
  using _ = project.gateway.intercept(async (request, forward) => {
    if (cancelled === undefined && await readStep(request) === "apply") {
      const reply = await forward(request);
      cancelled = project.migrator(batched).cancel();
      await cancelled;
      return reply;
    }
    return await forward(request);
  });
  const failed = await project.migrator(batched).migrate();
  assert.deepEqual([failed.success, failed.results[0]!.error!.code], [false, "57014"]);
  assert.match(failed.results[0]!.error!.message, /between two ranges/);
  const { cancelled: was, ended, activity } = await cancelled!;
  assert.deepEqual([was, ended, activity!.running], [
    true,
    true,
    "001_count.sql, between two ranges of public.items",
  ]);
  assert.equal(failed.results[0]!.steps.batch!.ranges, 1);
  assert.equal((await project.migrator(batched).migrate()).success, true);
  assert.equal(await counts(project), "9×0left alone 86×1");
  assert.equal((await project.migrator(batched).cancel()).cancelled, false);
});

testOnOneServer(
  "replicas that are behind are waited for, under a lease that goes on",
  async (project) => {
    await makeItems(project, 25);
    const asked: string[] = [];
    using _ = project.gateway.intercept(async (request, forward) => {
      const step = await readStep(request);
      asked.push(step);
      const reply = await forward(request);
      const waits = asked.filter((step) => step === "wait").length;
      if (!["apply", "wait"].includes(step) || waits > 1) return reply;
      const text = (await reply.text()).replace(/"lag_ms": ?null/, '"lag_ms": 1501');
      const headers = new Headers(reply.headers);
      headers.delete("content-length");
      return new Response(text, { status: reply.status, headers });
    });
    const lags: (number | null)[] = [];
    const migrator = project.migrator(batched, {
      onProgress: (event) => event.type === "range" && lags.push(event.lagMs),
    });
    assert.equal((await migrator.migrate()).success, true);
    assert.deepEqual(lags, [null, 1501, 1501, null]);
    assert.equal(asked.filter((step) => step === "wait").length, 2);
    assert.equal(await counts(project), "2×0left alone 23×1");
  },
);

testOnEveryDatabase("a range that meets with others' work is tried again", async (project) => {
  await makeItems(project);
  await project.sql(`
    create sequence met;
    alter sequence met owner to postgres;
    create function meet() returns trigger language plpgsql as $$
    begin
      if nextval('met') = 1 then raise 'met' using errcode = 'deadlock_detected'; end if;
      return new;
    end $$;
    create trigger meet before update on items for each row when (old.id = 53) execute function meet()`);
  const events: ProgressEvent[] = [];
  const migrator = project.migrator(batched, {
    limits: { lockTimeoutMs: 100 },
    onProgress: (event) => events.push(event),
  });
  assert.equal((await migrator.migrate()).success, true);
  assert.equal(events.filter(({ type }) => type === "retrying").length, 1);
  assert.equal(await counts(project), "9×0left alone 86×1");
  const { log } = await project.records();
  assert.deepEqual(log.map(({ result }) => result), ["ok"]);
});
