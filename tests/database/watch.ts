import assert from "node:assert/strict";
import type { Activity } from "../../lib/database/state.ts";
import type { ProgressEvent } from "../../mod.ts";
import { testOnServers } from "../support/projects.ts";
import { until } from "../support/until.ts";
import { closeGate, passGate } from "./gate.ts";

type Running = Extract<ProgressEvent, { type: "running" }>;

const slow = {
  "1_slow.sql": "create table slow ();\n\nselect pg_sleep(1.6);\ncomment on table slow is 'made';",
};

for (const via of ["api", "direct"] as const) {
  testOnServers(`a step of more than a second is watched (${via})`, async (project) => {
    const seen: Running[] = [];
    const before = project.requests;
    await using migrator = project.migrator({ ...slow, "2_quick.sql": "select 1;" }, {
      ...(via === "direct" ? { via, databaseUrl: project.databaseUrl } : {}),
      onProgress: (event) => void (event.type === "running" && seen.push(event)),
    });
    const result = await migrator.migrate();

    assert.equal(result.success, true);
    assert.equal(seen.length, 1);
    const { activity: { running, statement, blockedBy }, statementMs } = seen[0]!;
    assert.deepEqual(
      { running, statement, blockedBy },
      { running: "1_slow.sql line 3", statement: { number: 2, total: 3 }, blockedBy: [] },
    );
    assert.ok(statementMs >= 0 && statementMs < 1600, `${statementMs}`);
    // State, lock, two steps and release; and one look at the one that takes its time.
    if (via === "api") assert.equal(project.requests - before, 6);
  });
}

testOnServers("whoever keeps a step waiting is named, and who waits behind it", async (project) => {
  await project.sql("create table busy (); alter table busy owner to postgres");
  await using reader = await project.connect();
  await reader.sql(`begin; select from busy; select 'a password ''secret'''`);
  await using application = await project.connect();
  const seen: Activity[] = [];
  const run = project.migrator({ "1_widen.sql": "alter table busy add column a int;" }, {
    onProgress: (event) => void (event.type === "running" && seen.push(event.activity)),
  }).migrate();
  await until("the migration to be seen", () => seen.length > 0);
  const waiting = application.sql("select from busy");
  await until("the application to be seen", () => seen.at(-1)?.blocking !== undefined);

  const other = await project.migrator(slow).status();
  await reader.sql("rollback");
  await waiting;
  assert.equal((await run).success, true);

  const { blockedBy, blocking } = seen.at(-1)!;
  assert.deepEqual(blockedBy.map(({ user, state }) => [user, state]), [
    ["postgres", "idle in transaction"],
  ]);
  assert.match(blockedBy[0]!.query!, /^begin; select from busy; select 'a password '\[hidden\]'/);
  assert.equal(blocking?.sessions, 1);
  assert.equal(other.activity?.running, "1_widen.sql line 1");
  assert.equal(other.activity?.blockedBy[0]?.pid, blockedBy[0]?.pid);
});

testOnServers("the progress of an index is seen", async (project) => {
  await project.sql(`
    create table many (n int, filler char(5000));
    alter table many alter filler set storage plain, owner to postgres;
    insert into many select n, '' from generate_series(1, 250) n;
    create function slow(n int) returns int language plpgsql immutable as
      $$ begin perform pg_sleep(0.01); return n; end $$;
  `);
  const seen: Activity[] = [];
  await project.migrator({ "1_index.sql": "create index on many (slow(n));" }, {
    onProgress: (event) => void (event.type === "running" && seen.push(event.activity)),
  }).migrate();
  const [first] = seen.flatMap(({ progress }) => progress ?? []);
  assert.equal(first?.relation, "public.many");
  assert.match(first?.phase ?? "", /^building index/);
  assert.ok(first!.done > 0 && first!.done <= first!.total!, JSON.stringify(first));
});

testOnServers("a statement whose time is over is cancelled while it runs", async (project) => {
  const began = performance.now();
  const result = await project.migrator({ "1_long.sql": "select 1;\nselect pg_sleep(60);" }, {
    limits: { statementTimeoutMs: 500 },
  }).migrate();
  assert.ok(performance.now() - began < 10_000);
  const { error } = result.results[0]!;
  assert.deepEqual([error?.code, error?.line], ["57014", 2]);
  assert.equal(error?.message, "canceling statement due to statement timeout");
  assert.match(error?.detail ?? "", /^It took .*, and statement_timeout is 500ms\.$/);
});

testOnServers("names that are too long for the server keep their line", async (project) => {
  await using gate = await closeGate(project);
  const name = `1_${"überlang_".repeat(12)}.sql`;
  const run = project.migrator({ [name]: `\n\n\n${passGate}` }).migrate();
  await gate.reached();
  const { activity } = await project.migrator(slow).status();
  await gate.open();
  assert.equal((await run).success, true);
  assert.match(activity?.running ?? "", /^1_\?berlang_[\w?]+\.\.\. line 4$/);
});

testOnServers("cancel ends the statement of a run, which fails and is undone", async (project) => {
  await using gate = await closeGate(project);
  const migrations = {
    "1_gated.sql": `create table one ();\n${passGate}`,
    "2_two.sql": "select 1;",
  };
  const other = project.migrator(migrations);
  assert.deepEqual((await other.cancel()).activity, null);
  const run = project.migrator(migrations).migrate();
  await gate.reached();

  const asked: unknown[] = [];
  const refused = other.cancel({
    confirm: (activity, { holder }) => {
      asked.push(activity.running, holder);
      return Promise.resolve(false);
    },
  });
  await assert.rejects(refused, { message: "Not confirmed: nothing was cancelled" });
  assert.deepEqual(asked, ["1_gated.sql line 2", "tester"]);
  const { cancelled, ended, activity } = await other.cancel();

  assert.deepEqual([cancelled, ended, activity?.statement], [true, true, { number: 2, total: 2 }]);
  const { results, success } = await run;
  assert.deepEqual([success, results.map(({ error }) => error?.code)], [false, ["57014"]]);
  const { history, lock } = await project.records();
  assert.deepEqual(history.map(({ status }) => status), ["failed"]);
  assert.equal(lock[0]?.is_locked, false);
});

testOnServers(
  "sessions of roles that are named are ended when they are in the way for long",
  async (project) => {
    const roles = ["seen_reports", "seen_others"];
    for (const role of roles) await project.sql(`create role ${role} login`);
    await project.sql("create table busy (); grant select on busy to public");
    await project.sql("alter table busy owner to postgres");
    try {
      const [reports, others] = await Promise.all(roles.map((role) => project.connect(role)));
      for (const { sql } of [reports!, others!]) await sql("begin; select from busy");
      const events: ProgressEvent[] = [];
      const migrator = project.migrator({ "1_widen.sql": "alter table busy add column a int;" }, {
        limits: { lockTimeoutMs: 400, lockRetries: 8 },
        onProgress: (event) => {
          events.push(event);
          if (event.type === "blocker ended") void others!.sql("rollback");
        },
      });
      await assert.rejects(
        migrator.migrate({ cancelBlockers: { afterMs: 0, roles: ["authenticator", "postgres"] } }),
        { message: "Sessions of the platform's roles are never ended: authenticator" },
      );
      const { success } = await migrator.migrate({
        cancelBlockers: { afterMs: 300, roles: ["seen_reports"] },
      });

      assert.equal(success, true);
      assert.deepEqual(
        events.flatMap((event) => event.type === "blocker ended" ? [event.session.user] : []),
        ["seen_reports"],
      );
      // The driver has connected anew.
      const [row] = await reports!.sql("select now() = statement_timestamp() as is_new");
      assert.equal(row?.is_new, true);
      await Promise.all([reports!, others!].map((one) => one[Symbol.asyncDispose]()));
    } finally {
      for (const role of roles) await project.sql(`drop owned by ${role}; drop role ${role}`);
    }
  },
);

testOnServers(
  "rows that a statement has written are seen by how its table grows",
  async (project) => {
    await project.sql(`
    create table many (n int, filler char(4000));
    alter table many alter filler set storage plain, owner to postgres;
    insert into many select n, '' from generate_series(1, 300) n;
    create function slowly(n int) returns int language plpgsql as
      $$ begin perform pg_sleep(0.01); return n; end $$;
    analyze many;
  `);
    const seen: Activity[] = [];
    await project.migrator({ "1_update.sql": "update many set n = slowly(n);" }, {
      onProgress: (event) => void (event.type === "running" && seen.push(event.activity)),
    }).migrate();
    const progress = seen.flatMap(({ progress }) => progress ?? []).at(-1);
    assert.equal(progress?.relation, "public.many");
    assert.match(progress?.phase ?? "", /^writing; it had about 300 rows$/);
    assert.ok(progress!.done > 0 && progress!.done <= 300, `${progress!.done}`);
  },
);

testOnServers(
  "a table that a step keeps to itself does not hold up who watches it",
  async (project) => {
    const seen: Activity[] = [];
    const result = await project.migrator({
      "1_kept.sql": `create table kept (n int);\ninsert into kept select generate_series(1, 10);
      -- supamigrate: commit
      analyze kept;\nlock table kept;\nupdate kept set n = n + 1;\nselect pg_sleep(1.5);`,
    }, {
      onProgress: (event) => void (event.type === "running" && seen.push(event.activity)),
    }).migrate();
    assert.equal(result.success, true);
    assert.equal(seen[0]?.running, "1_kept.sql line 7");
  },
);
