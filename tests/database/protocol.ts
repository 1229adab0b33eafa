import assert from "node:assert/strict";
import { UnknownOutcomeError, UnreachableError } from "../../mod.ts";
import type { Forward } from "../support/gateway.ts";
import { ownProject, testOnOneServer } from "../support/projects.ts";
import { until } from "../support/until.ts";
import { type ChannelProject, testOnBothWays } from "./channel_projects.ts";
import { closeGate, passGate } from "./gate.ts";
import { holdStep, injectFault, readStep } from "./requests.ts";

const witnessed = {
  "1_up.sql":
    "insert into witness values ('up');\n-- ROLLBACK\ninsert into witness values ('down');",
};
const gated = { "1_up.sql": `insert into witness values ('up');\n${passGate}` };

async function makeWitness(project: ChannelProject): Promise<void> {
  await project.sql("create table witness (said text); alter table witness owner to postgres");
}

async function said(project: ChannelProject): Promise<unknown[]> {
  return (await project.sql("select said from witness")).map(({ said }) => said);
}

/** Keeps a copy of every request. */
function recordRequests(project: ChannelProject) {
  const copies: { step: string; deliver: () => Promise<Response> }[] = [];
  const interception = project.gateway.intercept(async (request, forward: Forward) => {
    const copy = request.clone() as Request;
    copies.push({
      step: await readStep(request),
      deliver: () => forward(copy.clone() as Request),
    });
    return await forward(request);
  });
  return { copies, [Symbol.dispose]: () => interception[Symbol.dispose]() };
}

testOnBothWays("copies of all requests, delivered late, change nothing", async (project) => {
  await makeWitness(project);
  using recording = recordRequests(project);
  const migrator = project.migrator(witnessed);
  await migrator.migrate();
  await migrator.rollback();
  const copies = [...recording.copies];
  assert.deepEqual(copies.map(({ step }) => step), [
    "state",
    "acquire",
    "apply",
    "release",
    "state",
    "acquire",
    "revert",
    "release",
  ]);
  const records = await project.records();

  for (const { deliver } of copies) assert.equal((await deliver()).status, 200);
  for (const { deliver } of copies.toReversed()) await deliver();
  await Promise.all(copies.map(({ deliver }) => deliver()));

  assert.deepEqual(await said(project), ["up", "down"]);
  assert.deepEqual(await project.records(), records);
});

testOnBothWays(
  "a late copy of a request does nothing under the next run's lock either",
  async (project) => {
    await makeWitness(project);
    using recording = recordRequests(project);
    const migrator = project.migrator(witnessed);
    await migrator.migrate();
    await migrator.rollback();
    const late = recording.copies.filter(({ step }) => step === "apply" || step === "revert");

    using hold = holdStep(project, "apply");
    const next = migrator.migrate();
    await hold.reached();
    for (const { deliver } of late) await deliver();
    assert.deepEqual(await said(project), ["up", "down"]);
    hold.letGo();
    assert.equal((await next).success, true);
    assert.deepEqual(await said(project), ["up", "down", "up"]);
  },
);

testOnBothWays("a request that arrives after its repetition changes nothing", async (project) => {
  await makeWitness(project);
  const lost: (() => Promise<Response>)[] = [];
  using _ = injectFault(project, ["acquire", "apply", "revert", "release"], (request, forward) => {
    const copy = request.clone() as Request;
    lost.push(() => forward(copy));
    throw new Error("delayed");
  });
  const migrator = project.migrator(witnessed);
  await migrator.migrate();
  await migrator.rollback();
  const records = await project.records();
  assert.equal(lost.length, 4);

  for (const deliver of lost) await deliver();
  assert.deepEqual(await said(project), ["up", "down"]);
  assert.deepEqual(await project.records(), records);
});

testOnBothWays(
  "copies from before an uninstall change nothing after the next install",
  async (project) => {
    await makeWitness(project);
    const migrator = project.migrator(witnessed, { databaseUrl: project.databaseUrl });
    using recording = recordRequests(project);
    await migrator.migrate();
    const copies = [...recording.copies];
    await migrator.uninstall();
    await migrator.install();
    await project.reloadSchema(); // PostgREST may not yet have noticed that it was gone
    const records = await project.records();
    assert.deepEqual(records.history, []);

    for (const { deliver } of copies) assert.equal((await deliver()).status, 200);
    assert.deepEqual(await said(project), ["up"]);
    assert.deepEqual(await project.records(), records);
  },
);

testOnBothWays(
  "a request that arrives after its run was found dead changes nothing",
  async (project) => {
    await makeWitness(project);
    let deliver: () => Promise<Response> = () => assert.fail();
    {
      using _ = project.gateway.intercept(async (request, forward) => {
        const step = await readStep(request);
        if (step === "state" || step === "acquire") return await forward(request);
        if (step === "apply") deliver = () => forward(request);
        throw new Error("the network is down");
      });
      await assert.rejects(
        project.migrator(witnessed, { giveUpAfterMs: 1 }).migrate(),
        UnknownOutcomeError,
      );
    }
    const migrator = project.migrator(witnessed);
    await migrator.unlock();
    const { status } = await deliver();
    assert.equal(status, 200);
    assert.deepEqual(await said(project), []);
    assert.equal((await migrator.migrate()).migrationsRun, 1);
    assert.deepEqual(await said(project), ["up"]);
  },
);

testOnBothWays(
  "what a dead run has under way is over when a later run has ended",
  async (project) => {
    await makeWitness(project);
    await project.migrator(witnessed).migrate();
    const cutOff = async (lockTimeoutMs: number): Promise<() => Promise<Response>> => {
      let deliver: () => Promise<Response> = () => assert.fail();
      using _ = project.gateway.intercept(async (request, forward) => {
        const step = await readStep(request);
        if (step === "state" || step === "acquire") return await forward(request);
        if (step === "revert") deliver = () => forward(request);
        throw new Error("the network is down");
      });
      const migrator = project.migrator(witnessed, { giveUpAfterMs: 1, lockTimeoutMs });
      await assert.rejects(migrator.rollback(), UnknownOutcomeError);
      return deliver;
    };

    // Its lease is over: nothing is pending, and the lock is taken from it all the same.
    const late = await cutOff(1);
    assert.deepEqual((await project.migrator(witnessed).migrate()).migrationsRun, 0);
    const records = await project.records();
    assert.equal((await late()).status, 200);
    assert.deepEqual([await said(project), await project.records()], [["up"], records]);
    assert.equal(records.log.at(-1)?.action, "take over expired lock");

    // Its lease is not over: what it does may come, and that is said.
    const notices: string[] = [];
    const inTime = await cutOff(60_000);
    const migrator = project.migrator(witnessed, {
      onProgress: (event) => void (event.type === "notice" && notices.push(event.message)),
    });
    await migrator.migrate({ dryRun: true });
    assert.deepEqual((await migrator.migrate()).migrationsRun, 0);
    assert.match(
      notices.join("\n"),
      /^tester holds the lock, and may change what is applied after this: its lease ends in \d+ s\n/,
    );
    await inTime();
    assert.deepEqual(await said(project), ["up", "down"]);
  },
);

testOnBothWays(
  "a run that cannot learn the outcome says so, and the next one settles it",
  async (project) => {
    await makeWitness(project);
    {
      let down = false;
      using _ = project.gateway.intercept(async (request, forward) => {
        if (!down) down = await readStep(request) === "apply";
        const response = await forward(request);
        if (down) throw new Error("the network is down");
        return response;
      });
      const error = await project.migrator(witnessed, { giveUpAfterMs: 300, lockTimeoutMs: 1 })
        .migrate().then(() => assert.fail(), (error) => error);
      assert.ok(error instanceof UnknownOutcomeError, String(error));
      assert.match(error.message, /^It is unknown whether the last step took effect/);
      assert.match(error.hint ?? "", /supamigrate status/);
      assert.doesNotMatch(JSON.stringify(error) + error.message, new RegExp(project.serviceKey));
    }
    const migrator = project.migrator(witnessed);
    assert.equal((await migrator.status()).upToDate, true);
    assert.deepEqual((await migrator.migrate()).migrationsRun, 0);
    assert.deepEqual(await said(project), ["up"]);
    assert.equal(
      (await project.migrator({ ...witnessed, "2.sql": "select 1;" }).migrate()).success,
      true,
    );
  },
);

testOnBothWays(
  "a server that is not there is unreachable, and nothing is changed",
  async (project) => {
    const records = await project.records();
    {
      using _ = project.gateway.intercept(() => Promise.reject(new Error("no network")));
      await assert.rejects(project.migrator(witnessed).migrate(), UnreachableError);
    }
    assert.deepEqual(await project.records(), records);
  },
);

testOnBothWays("a lock that is taken twice at once by one run is taken", async (project) => {
  await makeWitness(project);
  // The first attempt keeps the lock's row until the gate opens.
  await project.sql(`
    create function public.wait() returns trigger language plpgsql as $$
    begin
      ${passGate.replace("select", "perform")}
      return new;
    end
    $$;
    create trigger wait before update on supamigrate.migration_lock
      for each row when (new.is_locked and not old.is_locked) execute function public.wait();
  `);
  await using gate = await closeGate(project);
  using _ = injectFault(project, ["acquire"], async (request, forward) => {
    const first = forward(request.clone() as Request);
    await gate.reached();
    let answered = false;
    const second = forward(request).finally(() => answered = true);
    await until("the second attempt to wait or to be answered", async () => {
      const waiting = await project.sql(`
        select from pg_stat_activity
         where wait_event_type = 'Lock' and wait_event <> 'advisory'
           and datname = current_database()
      `);
      return answered || waiting.length > 0;
    });
    await gate.open();
    await first;
    return await second;
  });
  assert.equal((await project.migrator(witnessed).migrate()).success, true);
  assert.deepEqual(await said(project), ["up"]);
});

testOnBothWays("a migration that takes longer than its request is waited for", async (project) => {
  await makeWitness(project);
  await using gate = await closeGate(project);
  using recording = recordRequests(project);
  const run = project.migrator(gated, { requestTimeoutMs: 2000 }).migrate();
  await gate.reached();
  await until(
    "the run to ask what became of it",
    () => recording.copies.some(({ step }) => step === "settle"),
  );
  await gate.open();
  assert.deepEqual([(await run).success, (await run).migrationsRun], [true, 1]);
  assert.deepEqual(await said(project), ["up"]);
});

testOnOneServer("PostgREST is killed in mid-migration and comes back", async (project) => {
  await makeWitness(project);
  await using gate = await closeGate(project);
  const run = project.migrator(gated).migrate();
  await gate.reached();
  await project.postgrest.kill();
  await project.postgrest.start();
  await gate.open();
  assert.deepEqual([(await run).success, (await run).migrationsRun], [true, 1]);
  assert.deepEqual(await said(project), ["up"]);
  assert.equal((await project.records()).lock[0]?.is_locked, false);
}, ownProject);

testOnOneServer("PostgREST is restarted in mid-migration, as updates do", async (project) => {
  await makeWitness(project);
  await using gate = await closeGate(project);
  const run = project.migrator(gated).migrate();
  await gate.reached();
  const stopped = project.postgrest.stop();
  await gate.open();
  await stopped;
  await project.postgrest.start();
  assert.deepEqual([(await run).success, (await run).migrationsRun], [true, 1]);
  assert.deepEqual(await said(project), ["up"]);
}, ownProject);

testOnBothWays("the backend is terminated in mid-migration", async (project) => {
  await makeWitness(project);
  await using gate = await closeGate(project);
  const run = project.migrator(gated).migrate();
  const pid = await gate.reached();
  await project.sql("select pg_terminate_backend($1)", [pid]);
  await gate.open();
  assert.deepEqual([(await run).success, (await run).migrationsRun], [true, 1]);
  assert.deepEqual(await said(project), ["up"]);
  assert.equal((await project.records()).log.length, 1);
}, ownProject);

testOnBothWays(
  "the statement is cancelled in mid-migration, and that is a failure",
  async (project) => {
    await makeWitness(project);
    await using gate = await closeGate(project);
    const run = project.migrator(gated).migrate();
    const pid = await gate.reached();
    await project.sql("select pg_cancel_backend($1)", [pid]);
    const { success, results } = await run;
    assert.equal(success, false);
    const { code, line, statement } = results[0]!.error!;
    assert.deepEqual({ code, line, statement }, { code: "57014", line: 2, statement: 2 });
    assert.deepEqual(await said(project), []);
    const { history, lock } = await project.records();
    assert.deepEqual([history[0]?.status, lock[0]?.is_locked], ["failed", false]);
  },
);

testOnOneServer("a migration outlasts the API's statement_timeout", async (project) => {
  await project.sql(`
    do $$ begin
      execute format('alter role authenticator in database %I set statement_timeout to 2000', current_database());
    end $$
  `);
  await project.postgrest.stop();
  await project.postgrest.start();
  const result = await project.migrator({ "1_slow.sql": "select pg_sleep(2.5);" }).migrate();
  assert.equal(result.success, true, JSON.stringify(result.results));
}, ownProject);
