import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type ServerProject, testOnOneServer, withProjects } from "../support/projects.ts";
import { type ChannelProject, openDirect, testOnBothWays } from "./channel_projects.ts";
import { type Fault, injectFault } from "./requests.ts";

// Not one of these statements may run twice, and running one twice shows.
const witnessed = {
  "1_up.sql":
    "insert into witness values ('up 1');\n-- ROLLBACK\ninsert into witness values ('down 1');",
  "2_up.sql":
    "insert into witness values ('up 2');\n-- ROLLBACK\ninsert into witness values ('down 2');",
};

function answer(status: number, forwarded: boolean): Fault {
  return async (request, forward) => {
    if (forwarded) await forward(request);
    const body = "<html><body><h1>Something went wrong</h1></body></html>";
    return new Response(body, { status, headers: { "content-type": "text/html" } });
  };
}

const faults: Readonly<Record<string, Fault>> = {
  "the request lost": () => Promise.reject(new Error("dropped")),
  "the reply lost": async (request, forward) => {
    await forward(request);
    throw new Error("dropped");
  },
  "the reply cut off": async (request, forward) => {
    const response = await forward(request);
    const body = await response.bytes();
    const headers = new Headers(response.headers);
    headers.set("content-length", `${body.length}`);
    return new Response(body.slice(0, body.length / 2), { status: response.status, headers });
  },
  "a page with status 200, after it was done": answer(200, true),
  "status 502": answer(502, true),
  "status 503": answer(503, false),
  "status 504": answer(504, true),
  "status 429": answer(429, false),
  "an empty 404, after it was done": async (request, forward) => {
    await forward(request);
    return new Response(null, { status: 404 });
  },
  "the JSON of something else": () => Promise.resolve(Response.json({ ok: true })),
  "the request delivered twice at once": async (request, forward) => {
    const [reply] = await Promise.all([forward(request.clone() as Request), forward(request)]);
    return reply;
  },
  "the request delivered twice, one after the other": async (request, forward) => {
    await forward(request.clone() as Request);
    return await forward(request);
  },
};

async function makeWitness(project: ChannelProject): Promise<void> {
  await project.sql("create table witness (said text); alter table witness owner to postgres");
}

async function assertDoneOnce(project: ChannelProject, said: readonly string[]): Promise<void> {
  assert.deepEqual(
    (await project.sql("select said from witness order by said")).map(({ said }) => said),
    said,
  );
  const { lock, log } = await project.records();
  assert.equal(lock[0]?.is_locked, false);
  const round = log.slice(log.findLastIndex(({ action }) => action === "unlock") + 1);
  assert.deepEqual(round.map(({ result }) => result), said.map(() => "ok"));
}

/**
 * All faults on one server, in twos, that a project serves one after the other. They differ on the
 * way and not in the database: a few on the other server.
 */
function casesFor({ stack }: ServerProject): string[][] {
  const names = stack.major === 17 ? Object.keys(faults) : [
    "the request lost",
    "the reply lost",
    "status 502",
    "the request delivered twice at once",
  ];
  const half = Math.ceil(names.length / 2);
  return names.slice(0, half).map((
    name,
    index,
  ) => [name, ...names.slice(half + index).slice(0, 1)]);
}

testOnOneServer("each step is done once, whatever the network does", async (like) => {
  await withProjects(like, casesFor(like), async (names, project) => {
    await makeWitness(project);
    for (const name of names) await assertEachStepIsDoneOnce(project, faults[name]!);
  });
});

async function assertEachStepIsDoneOnce(project: ChannelProject, fault: Fault): Promise<void> {
  const migrator = project.migrator(witnessed);
  await project.sql("truncate witness");
  {
    using _ = injectFault(project, ["state", "acquire", "apply", "release"], fault);
    assert.equal((await migrator.migrate({ to: "1" })).migrationsRun, 1);
    await assertDoneOnce(project, ["up 1"]);
  }
  {
    using _ = injectFault(project, ["apply", "settle"], fault);
    assert.equal((await migrator.migrate()).migrationsRun, 1);
    await assertDoneOnce(project, ["up 1", "up 2"]);
  }
  {
    using _ = injectFault(project, ["revert"], fault);
    assert.equal((await migrator.rollback({ target: "0" })).migrationsRolledBack, 2);
    await assertDoneOnce(project, ["down 1", "down 2", "up 1", "up 2"]);
  }
  await project.sql(`
    update supamigrate.migration_lock
       set is_locked = true, token = gen_random_uuid(), generation = 700, locked_by = 'dead',
           locked_at = now(), expires_at = now() + interval '1 hour'
  `);
  using _ = injectFault(project, ["unlock"], fault);
  assert.equal((await migrator.unlock()).released, true);
  const { lock, log } = await project.records();
  assert.deepEqual([lock[0]?.is_locked, Number(lock[0]?.generation)], [false, 701]);
  assert.equal(log.at(-1)?.action, "unlock");
  assert.notEqual(log.at(-2)?.action, "unlock");
}

/** What can become of a query as well, on a connection that carries nothing else. */
const OF_CONNECTIONS = [
  "the request lost",
  "the reply lost",
  "the reply cut off",
  "the request delivered twice at once",
  "the request delivered twice, one after the other",
];

testOnOneServer(
  "each step is done once, whatever becomes of a direct connection",
  async (like) => {
    await withProjects(like, OF_CONNECTIONS, async (name, project) => {
      await using direct = await openDirect(project);
      await makeWitness(direct.project);
      await assertEachStepIsDoneOnce(direct.project, faults[name]!);
    });
  },
);

testOnBothWays("other changes are done once, whatever the network does", async (project) => {
  const migrator = project.migrator(witnessed);
  {
    using _ = injectFault(project, ["baseline"], faults["the reply lost"]!);
    await migrator.baseline("1");
  }
  {
    using _ = injectFault(project, ["repair"], faults["the request delivered twice at once"]!);
    await migrator.repair("1", { mark: "pending" });
  }
  {
    using _ = injectFault(project, ["drop"], faults["the reply cut off"]!);
    await project.migrator({ "1_a.sql": "create table a ();" }).fresh({ dropSchema: true });
  }
  const { log, lock } = await project.records();
  assert.deepEqual(log.map(({ action }) => action), [
    "baseline",
    "mark pending",
    "drop application schemas",
    "apply",
  ]);
  assert.equal(lock[0]?.is_locked, false);
});

testOnOneServer("a redirect is not followed, and the key goes nowhere else", async (project) => {
  await makeWitness(project);
  let visitors = 0;
  const elsewhere = createServer((_, response) => {
    visitors++;
    response.end("[]");
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  const { port } = elsewhere.address() as { port: number };
  try {
    const location = `http://127.0.0.1:${port}/rest/v1/rpc/exec_sql`;
    const statuses = [301, 302, 307, 308];
    using _ = injectFault(
      project,
      ["state", "acquire", "apply", "release"],
      () => Promise.resolve(new Response(null, { status: statuses.pop()!, headers: { location } })),
    );
    assert.equal((await project.migrator(witnessed).migrate()).success, true);
    assert.deepEqual([visitors, statuses], [0, []]);
    await assertDoneOnce(project, ["up 1", "up 2"]);
  } finally {
    const closed = new Promise((resolve) => elsewhere.close(resolve));
    elsewhere.closeAllConnections();
    await closed;
  }
});
