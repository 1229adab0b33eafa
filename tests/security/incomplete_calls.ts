/** Calls of the protocol that leave something out, which the tool itself never does. */

import assert from "node:assert/strict";
import { STATEMENTS } from "../../lib/database/channel.ts";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";

type Json = Record<string, unknown>;

/** The status of the answer, or the code of the error. */
async function call(
  project: AnyProject,
  name: "acquire" | "perform" | "settle" | "unlock",
  params: Json,
): Promise<unknown> {
  const { data, error } = await project.client(project.serviceKey)
    .rpc("exec_sql", { sql_query: STATEMENTS[name], params });
  return error?.code ?? data[0].result.status;
}

const token = "00000000-0000-4000-8000-000000000001";

/** A call that takes the lock. */
async function prepareAcquisition(project: AnyProject): Promise<Json> {
  const [lock] = await project.sql("select generation::float8 from supamigrate.migration_lock");
  return { token, holder: "somebody", lease_ms: 60_000, sequence: 0, ...lock };
}

/** Takes the lock, and returns what names it in further calls. */
async function acquire(project: AnyProject): Promise<{ generation: number }> {
  const acquisition = await prepareAcquisition(project);
  assert.equal(await call(project, "acquire", acquisition), "acquired");
  return { generation: Number(acquisition.generation) + 1 };
}

/** A call of the lock's holder. */
const held = (more: Json): Json => ({
  token,
  sequence: 0,
  operation: crypto.randomUUID(),
  ...more,
});

function without(params: Json, field: string): Json {
  const { [field]: _, ...rest } = params;
  return rest;
}

async function assertUnchanged(
  project: AnyProject,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const before = await project.records();
  const answer = await work();
  assert.deepEqual(await project.records(), before);
  return answer;
}

const nothings = {
  "left out": without,
  "null": (params: Json, field: string) => ({ ...params, [field]: null }),
};
for (const [how, take] of Object.entries(nothings)) {
  testOnEveryDatabase(`the lock is not taken by a call with a field ${how}`, async (project) => {
    const acquisition = await prepareAcquisition(project);
    const answers: Json = {};
    for (const field of ["token", "lease_ms", "generation", "sequence"]) {
      answers[field] = await assertUnchanged(
        project,
        () => call(project, "acquire", take(acquisition, field)),
      );
    }
    assert.deepEqual(answers, {
      token: "22004",
      lease_ms: "22023",
      generation: "moved",
      sequence: "moved",
    });
  });

  testOnEveryDatabase(`the holder's calls need every field (${how})`, async (project) => {
    const lock = await acquire(project);
    const apply = held({ ...lock, action: "apply", migrations: [] });
    const answers: Json = {};
    for (const field of ["token", "generation", "sequence", "operation", "action"]) {
      answers[field] = await assertUnchanged(project, async () => [
        await call(project, "perform", take(apply, field)),
        field === "action" || await call(project, "settle", take(apply, field)),
      ]);
    }
    assert.deepEqual(answers, {
      token: ["lost", "lost"],
      generation: ["lost", "lost"],
      sequence: ["22004", "22004"],
      operation: ["22004", "22004"],
      action: ["22023", true],
    });
    assert.equal(
      await assertUnchanged(
        project,
        () => call(project, "unlock", take(lock, "generation")),
      ),
      "moved",
    );
  });
}

testOnEveryDatabase("a lease is at least a millisecond", async (project) => {
  const acquisition = await prepareAcquisition(project);
  for (const lease_ms of [0, -1, "-60000"]) {
    assert.equal(
      await assertUnchanged(project, () => call(project, "acquire", { ...acquisition, lease_ms })),
      "22023",
    );
  }
});

testOnEveryDatabase(
  "repair marks as applied or as pending, and as nothing else",
  async (project) => {
    await project.migrator({ "1_a.sql": "create table a ();" }).migrate();
    const lock = await acquire(project);
    for (const mark of [undefined, null, "", "Applied", "completed", ["pending"]]) {
      const repair = held({
        ...lock,
        action: "repair",
        mark,
        migration: { name: "1_a.sql" },
      });
      assert.equal(await assertUnchanged(project, () => call(project, "perform", repair)), "22023");
    }
  },
);

testOnEveryDatabase(
  "a migration without statements is not taken for an empty one",
  async (project) => {
    const lock = await acquire(project);
    const record = { name: "1_a.sql", checksum: "a", batch: 1, rollback_sql: null };
    const lists = [
      ...[undefined, null, "select 1", {}, { count: 1 }, { chunks: [[1, 1]] }],
      ...[{ count: 0, chunks: [] }, { count: 1, chunks: "1" }],
    ];
    for (const statements of lists) {
      const migration = { ...record, statements };
      for (
        const action of [
          { action: "apply", migrations: [migration] },
          { action: "revert", migration },
        ]
      ) {
        assert.equal(
          await assertUnchanged(
            project,
            () => call(project, "perform", held({ ...lock, ...action })),
          ),
          "22023",
        );
      }
    }
    const gone = { body: crypto.randomUUID(), chunks: [[1, 1]], count: 1, last_line: 1 };
    const untold = { action: "apply", migrations: [{ ...record, statements: gone }] };
    assert.equal(await call(project, "perform", held({ ...lock, ...untold })), "done");
    assert.equal((await project.records()).history[0]?.status, "failed");
    const next = { ...lock, sequence: 1 };
    const empty = { action: "apply", migrations: [{ ...record, statements: [] }] };
    assert.equal(await call(project, "perform", held({ ...next, ...empty })), "done");
    assert.equal((await project.records()).history[0]?.status, "completed");
  },
);
