import assert from "node:assert/strict";
import {
  type AnyProject,
  type ServerProject,
  testOnEmbedded,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";
import { readStep } from "./requests.ts";

/** Has the gateway refuse larger bodies, as many do. */
function limitBodies(project: ServerProject, bytes: number): Disposable & { refused: number } {
  const interception = project.gateway.intercept(async (request, forward) => {
    if ((await request.clone().bytes()).length <= bytes) return await forward(request);
    limit.refused++;
    return new Response("<html>413 Request Entity Too Large</html>", { status: 413 });
  });
  const limit = { refused: 0, [Symbol.dispose]: () => interception[Symbol.dispose]() };
  return limit;
}

/** Rows that are hard to cut: what JSON escapes, of one byte to four. */
const row = (id: number) => `(${id}, '"q\\" ${id} ü€😀${"x".repeat(800)}\n''y''')`;

const rows = (count: number) => Array.from({ length: count }, (_, index) => row(index + 1));

/** Some megabytes: of many statements, and of one. */
const LARGE: Record<string, string> = {
  "1_table.sql":
    "create table rows (id int primary key, text text);\n-- ROLLBACK\ndrop table rows;",
  "2_many.sql": `${
    rows(1500).map((values) => `insert into rows values ${values};`).join("\n")
  }\n-- ROLLBACK\n${
    Array.from({ length: 1500 }, (_, index) =>
      `delete from rows where id = ${index + 1} and text <> '${"with more of it ".repeat(50)}';`)
      .join("\n")
  }`,
  "3_one.sql": `create table copies as select * from rows where false;
insert into copies values\n${rows(1500).join(",\n")};\n-- ROLLBACK\ndrop table copies;`,
};

const EQUAL = `select (select md5(string_agg(text, ',' order by id)) from rows) =
  (select md5(string_agg(text, ',' order by id)) from copies) as equal,
  (select text from rows where id = 7) as text`;

async function applyAndUndo(project: AnyProject): Promise<void> {
  const migrator = project.migrator(LARGE, { safetyCopy: "never" });
  const { success, results } = await migrator.migrate();
  assert.deepEqual(results.map(({ error }) => error), [null, null, null]);
  assert.equal(success, true);
  assert.deepEqual(await project.sql(EQUAL), [
    { equal: true, text: `"q\\" 7 ü€😀${"x".repeat(800)}\n'y'` },
  ]);
  // By what is stored: their files are gone.
  const { "1_table.sql": table } = LARGE;
  const undone = await project.migrator({ "1_table.sql": table! }, { safetyCopy: "never" })
    .rollback({ target: "1_table.sql" });
  assert.equal(undone.success, true);
  assert.deepEqual(await project.sql("select from supamigrate.staged_part"), []);
}

testOnOneServer("a file of megabytes is applied and undone", async (project) => {
  using limit = limitBodies(project, 1_000_000);
  await applyAndUndo(project);
  assert.equal(limit.refused, 0);
});

testOnEmbedded("a file of megabytes is applied and undone", applyAndUndo);

testOnOneServer("what is smaller goes as a whole", async (project) => {
  let parts = 0;
  using _ = project.gateway.intercept(async (request, forward) => {
    if (await readStep(request) === "stage") parts++;
    return await forward(request);
  });
  const values = rows(700).join(",\n");
  const { success } = await project.migrator({
    "1_table.sql": `create table rows (id int, text text); insert into rows values ${values};`,
  }).migrate();
  assert.equal(success, true);
  assert.equal(parts, 0);
});

testOnOneServer("where a gateway lets less through, parts become smaller", async (project) => {
  using limit = limitBodies(project, 150_000);
  const files = {
    "1_table.sql": `create table rows (id int, text text);
      insert into rows values ${rows(700).join(",\n")};`,
  };
  const { success } = await project.migrator(files).migrate();
  assert.equal(success, true);
  assert.ok(limit.refused > 0);

  using _ = limitBodies(project, 2000);
  await assert.rejects(
    project.migrator({ ...files, "2_many.sql": LARGE["2_many.sql"]! }).migrate(),
    { message: /^The gateway before the project lets nothing of this size through \(HTTP 413\)/ },
  );
});

testOnOneServer("what goes along with parts becomes smaller, too", async (project) => {
  using limit = limitBodies(project, 600_000);
  const insert = (count: number) => `insert into rows values ${rows(count).join(",\n")};`;
  const { success } = await project.migrator({
    "1_a.sql": `create table rows (id int, text text); ${insert(600)}`,
    "2_b.sql": insert(360),
    "3_c.sql": insert(361),
  }).migrate({ transaction: "all" });
  assert.equal(success, true);
  assert.ok(limit.refused > 0);
});

testOnOneServer("parts that are lost, or come twice, make one effect", async (project) => {
  const { "2_many.sql": _, ...files } = LARGE;
  let parts = 0;
  let calls = 0;
  using _faults = project.gateway.intercept(async (request, forward) => {
    const step = await readStep(request);
    if (step === "apply" && ++calls === 2) {
      await forward(request);
      return Response.json({}, { status: 504 });
    }
    if (step !== "stage") return await forward(request);
    if (++parts === 3) return Response.json({}, { status: 503 });
    const response = await forward(request.clone());
    if (parts % 2 === 0) await forward(request);
    return parts === 4 ? Response.json({}, { status: 502 }) : response;
  });
  const { success } = await project.migrator(files).migrate();
  assert.equal(success, true);
  assert.ok(parts > 3, `${parts}`);
  assert.deepEqual(await project.sql("select count(*)::int from copies"), [{ count: 1500 }]);
  assert.deepEqual(await project.sql("select from supamigrate.staged_part"), []);
});

testOnServers(
  "an attempt that is undone leaves its parts for the next, and a failure leaves none",
  async (project) => {
    await project.sql("create table busy (); alter table busy owner to postgres");
    await using reader = await project.connect();
    await reader.sql("begin; select from busy");
    let parts = 0;
    using _ = project.gateway.intercept(async (request, forward) => {
      if (await readStep(request) === "stage") parts++;
      return await forward(request);
    });
    const files = {
      "1_rows.sql": `create table rows (id int, text text);
insert into rows values ${rows(1200).join(",\n")};\nalter table busy add column a int;`,
    };
    const migrator = project.migrator(files, {
      limits: { lockTimeoutMs: 200, lockRetries: 2 },
      onProgress: ({ type }) => void (type === "retrying" && void reader.sql("rollback")),
    });
    assert.equal((await migrator.migrate()).success, true);
    assert.ok(parts < 8, `${parts} parts of 1 MB`);

    const failed = await project.migrator({
      ...files,
      "2_fails.sql": `insert into rows values ${rows(1200).join(",\n")};\nselect 1 / 0;`,
    }).migrate();
    assert.equal(failed.results.at(-1)?.error?.code, "22012");
    assert.equal(failed.results.at(-1)?.error?.line, 2401);
    assert.deepEqual(await project.sql("select from supamigrate.staged_part"), []);
  },
);

testOnServers("what a dead run has sent in parts goes with the next one", async (project) => {
  await project.sql(`insert into supamigrate.staged_part values (gen_random_uuid(), 1, '{}')`);
  await project.migrator({ "1_one.sql": "select 1;" }).migrate();
  assert.deepEqual(await project.sql("select from supamigrate.staged_part"), []);
});

for (const via of ["api", "direct"] as const) {
  testOnOneServer(
    `what a large file sets holds to its end, whatever parts it came in (${via})`,
    async (project) => {
      const count = via === "api" ? 1500 : 3000;
      await using migrator = project.migrator({
        "1_kept.sql": `create schema apart; grant usage on schema apart to service_role;
create table apart.kept (id int, text text, by text default current_user,
  path text default current_setting('search_path'));
grant insert on apart.kept to service_role;
create function public.left(text, int) returns text language plpgsql as $$
  begin raise exception 'called as %', current_user; end $$;
create operator public.->> (leftarg = jsonb, rightarg = int, function = jsonb_array_element);
set search_path = apart, public, pg_catalog; set standard_conforming_strings = off;
${via === "api" ? "" : "set role service_role;"}
${rows(count).map((row) => `insert into kept values ${row};`).join("\n")}
insert into kept values (0, 'a\\\\b');`,
      }, { safetyCopy: "never", via, databaseUrl: project.databaseUrl });
      const { results } = await migrator.migrate();
      assert.equal(results[0]!.error, null);
      assert.deepEqual(
        await project.sql(
          `select count(*)::int, by, path, min(text) filter (where id = 0) as escaped
          from apart.kept group by by, path`,
        ),
        [{
          count: count + 1,
          by: via === "api" ? "postgres" : "service_role",
          path: "apart, public, pg_catalog",
          escaped: "a\\b",
        }],
      );
    },
  );
}

testOnServers("a large file that takes its own parts away is undone", async (project) => {
  const values = rows(1500).map((row) => `insert into kept values ${row};`).join("\n");
  const { results } = await project.migrator({
    "1_kept.sql": `create table kept (id int, text text);
delete from supamigrate.staged_part where number > 1;\n${values}`,
  }, { safetyCopy: "never" }).migrate();
  assert.equal(results[0]!.error?.code, "SM002");
  assert.deepEqual(await project.sql("select to_regclass('public.kept') as kept"), [{
    kept: null,
  }]);
});
