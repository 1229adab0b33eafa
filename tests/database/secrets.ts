import assert from "node:assert/strict";
import type { Concern, ProgressEvent } from "../../mod.ts";
import { testOnEveryDatabase } from "../support/projects.ts";
import { secretKey } from "../support/secrets.ts";

const migrations = { "001_a.sql": `create table a (key text default '${secretKey}');` };

testOnEveryDatabase(
  "a key in a migration is asked about before anything changes",
  async (project) => {
    const asked: Concern[] = [];
    const events: ProgressEvent[] = [];
    const migrator = project.migrator(migrations, { onProgress: (event) => events.push(event) });
    await assert.rejects(
      migrator.migrate({
        confirmConcerns: (held) => {
          asked.push(...held);
          return Promise.resolve(false);
        },
      }),
      { name: "ConfigurationError", message: /Not confirmed/ },
    );
    assert.deepEqual(asked, [
      { file: "001_a.sql", line: 1, about: "secret", says: "holds a secret key (sb_secret_…)" },
    ]);
    assert.deepEqual(events.map(({ type }) => type), ["notice", "notice"]);
    const { history, log } = await project.records();
    assert.deepEqual([history, log], [[], []]);
  },
);

testOnEveryDatabase("a library that asks nobody migrates, and is told", async (project) => {
  const result = await project.migrator(migrations).migrate();
  assert.equal(result.success, true);
  assert.match(result.warnings[0] ?? "", /^001_a\.sql:1 holds a secret key/);
  assert.deepEqual(result.planned[0]?.statements, [
    { line: 1, sql: "create table a (key text default '[hidden]')" },
  ]);
  const [row] = await project.sql(
    "select column_default as key from information_schema.columns where table_name = 'a'",
  );
  assert.equal(row?.key, `'${secretKey}'::text`, "what is hidden is sent as it is");
});
