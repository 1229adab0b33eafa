import assert from "node:assert/strict";
import { installScript, type Migrator } from "../../mod.ts";
import {
  bareProject,
  ownListeningProject,
  type ServerProject,
  testOnEveryDatabase,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";
import { openSession } from "../support/session.ts";
import { until } from "../support/until.ts";
import { startManagementApi } from "./management_api.ts";

const migrations = { "1_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;\n" };

const direct = (project: ServerProject): Migrator =>
  project.migrator(migrations, { databaseUrl: project.databaseUrl });

/** Resolves when the API has noticed that exec_sql is there, or is not. */
async function untilApiKnows(project: ServerProject, expected: boolean): Promise<void> {
  await until("the API to notice", async () => {
    const { error } = await project.client(project.serviceKey)
      .rpc("exec_sql", { sql_query: "select 1", params: {} });
    return (error?.code !== "PGRST202") === expected;
  });
}

testOnOneServer("without exec_sql every command says so and names three ways", async (project) => {
  await project.reloadSchema(); // another test's may be in PostgREST's cache
  const migrator = project.migrator(migrations);
  const refusal = {
    name: "ConfigurationError",
    message: "The project has no function exec_sql yet",
    hint: /--print.*\n.*DATABASE_URL.*\n.*SUPABASE_ACCESS_TOKEN/,
  };
  const catalog = await project.catalog();
  await assert.rejects(migrator.migrate(), refusal);
  await assert.rejects(migrator.status(), refusal);
  await assert.rejects(migrator.rollback(), refusal);
  await assert.rejects(migrator.fresh(), refusal);
  await assert.rejects(migrator.baseline("1"), refusal);
  await assert.rejects(migrator.repair("1", { mark: "pending" }), refusal);
  await assert.rejects(migrator.history(), refusal);
  await assert.rejects(migrator.unlock(), refusal);
  await assert.rejects(migrator.install(), refusal);
  assert.deepEqual(await project.catalog(), catalog);
}, bareProject);

testOnOneServer("where the API does not show public every command says so", async (project) => {
  const [{ name } = {}] = await project.sql("select quote_ident(current_database()) as name");
  await project.sql(`
    alter role authenticator in database ${name} set pgrst.db_schemas = 'storage, auth';
    notify pgrst, 'reload config'`);
  await until("the API to hide it", async () => {
    const { error } = await project.client(project.serviceKey).rpc("exec_sql", {});
    return error?.code === "PGRST106";
  });
  const migrator = project.migrator(migrations);
  const refusal = {
    name: "ConfigurationError",
    message: "The project's API does not show the schema public, where exec_sql is",
    hint: /^It shows storage, auth\. .*install --schema NAME.* under Data API/,
  };
  for (
    const command of [
      () => migrator.migrate(),
      () => migrator.status(),
      () => migrator.rollback(),
      () => migrator.fresh(),
      () => migrator.baseline("1"),
      () => migrator.repair("1", { mark: "pending" }),
      () => migrator.history(),
      () => migrator.unlock(),
      () => migrator.install(),
    ]
  ) await assert.rejects(command(), refusal, String(command));
  const { findings } = await migrator.doctor();
  assert.deepEqual(findings.map(({ check, problem }) => [check, problem]), [
    ["api", refusal.message],
  ]);
  const past = await direct(project).doctor();
  assert.deepEqual(past.findings.map(({ check, problem }) => [check, problem]), [
    ["api", refusal.message],
  ]);
}, ownListeningProject);

testOnServers("install() over a direct connection makes the project ready", async (project) => {
  const result = await direct(project).install();
  assert.deepEqual(
    [result.via, result.found, result.replaced, result.previousVersion],
    ["a direct connection", [], [], null],
  );
  assert.equal((await project.migrator(migrations).migrate()).migrationsRun, 1);
  const [{ owner } = {}] = await project.sql(
    "select proowner::regrole as owner from pg_proc where proname = 'exec_sql'",
  );
  assert.equal(owner, "postgres");
}, bareProject);

testOnServers("the script of a first installation says nothing", async (project) => {
  const notices: string[] = [];
  await using psql = await openSession(project.databaseUrl, (message) => notices.push(message));
  await psql.sql(await installScript());
  assert.deepEqual(notices, []);
  await psql.sql("do $$ begin raise notice 'heard'; end $$");
  assert.deepEqual(notices, ["heard"], "and what comes after it is heard again");
}, bareProject);

testOnOneServer("install() over the Management API makes the project ready", async (project) => {
  await using api = await startManagementApi(project);
  const { accessToken } = api;
  const options = { accessToken, managementApiUrl: api.url };
  const result = await project.migrator(migrations, options).install();
  assert.equal(result.via, "the Management API");
  assert.equal((await project.migrator(migrations).migrate()).migrationsRun, 1);
  const reference = encodeURIComponent(project.migrator(migrations).target.name);
  assert.deepEqual(
    [...new Set(api.paths)],
    [`POST /v1/projects/${reference}/database/query`],
  );

  const again = await project.migrator(migrations, options).install();
  assert.deepEqual([again.previousVersion, again.found.length], [again.version, 1]);
}, bareProject);

testOnOneServer(
  "a wrong access token is refused and not repeated in the error",
  async (project) => {
    await using api = await startManagementApi(project);
    const accessToken = "sbp_ffffffffffffffffffffffffffffffffffffffff";
    const error = await project.migrator(migrations, { accessToken, managementApiUrl: api.url })
      .install().then(() => assert.fail(), (error) => error);
    assert.equal(error.name, "ConfigurationError");
    assert.match(error.message, /refuses SUPABASE_ACCESS_TOKEN/);
    assert.ok(!`${error.message}${error.hint}${error.stack}`.includes(accessToken));
  },
  bareProject,
);

testOnOneServer(
  "a DATABASE_URL that leads nowhere is unreachable, its password unsaid",
  async (project) => {
    const cases = [
      ["postgresql://postgres:s3cret-word@127.0.0.1:1/postgres", "UnreachableError"],
      ["mysql://postgres:s3cret-word@127.0.0.1:1/postgres", "ConfigurationError"],
    ] as const;
    for (const [databaseUrl, name] of cases) {
      const error = await project.migrator(migrations, { databaseUrl })
        .install().then(() => assert.fail(), (error) => error);
      assert.equal(error.name, name);
      assert.doesNotMatch(`${error.message}${error.hint}${error.stack}`, /s3cret-word/);
    }
  },
  bareProject,
);

testOnServers("the printed script installs, as often as it is run", async (project) => {
  await using owner = await project.connect();
  await owner.sql(await installScript());
  await untilApiKnows(project, true);
  await project.migrator(migrations).migrate();
  const [records, catalog] = [await project.records(), await project.catalog()];
  await owner.sql(await installScript());
  assert.deepEqual(await project.records(), records);
  assert.deepEqual(await project.catalog(), catalog);
}, bareProject);

testOnServers("what else was in the project stays as it is", async (project) => {
  await project.sql(`
    create schema app; create table app.things (id int); insert into app.things values (1);
    create function public.run_sql(sql text) returns void language sql as '';
  `);
  const known = new Set(await project.catalog());
  await direct(project).install();
  const after = new Set(await project.catalog());
  assert.deepEqual([...known].filter((line) => !after.has(line)), []);
  const added = [...after].filter((line) => !known.has(line));
  assert.ok(added.every((line) => /exec_sql|supamigrate/.test(line)), added.join("\n"));
}, bareProject);

testOnEveryDatabase("install() again, through exec_sql, keeps the history", async (project) => {
  const migrator = project.migrator(migrations);
  await migrator.migrate();
  const records = await project.records();
  const result = await migrator.install();
  assert.deepEqual([result.via, result.previousVersion], ["exec_sql", result.version]);
  assert.deepEqual(result.found.map(({ ours, callers }) => [ours, callers]), [
    [true, ["service_role"]],
  ]);
  assert.deepEqual(await project.records(), records);
  assert.equal((await migrator.status()).upToDate, true);
});

testOnEveryDatabase("install() closes a door of its own that was opened", async (project) => {
  await project.sql("grant execute on function public.exec_sql(text, jsonb) to anon, public");
  await project.migrator(migrations).install();
  assert.equal((await project.migrator(migrations).migrate()).success, true);
});

testOnEveryDatabase(
  "an older tracking schema is upgraded by whatever comes first",
  async (project) => {
    await project.migrator(migrations).migrate();
    const { history, log } = await project.records();
    await project.sql(`
    update supamigrate.installation set schema_version = schema_version - 1;
    drop function supamigrate.read_log(integer);
    drop function supamigrate.settle(jsonb);
  `);
    const migrator = project.migrator(migrations);
    assert.equal((await migrator.status()).upToDate, true);
    assert.equal((await migrator.history()).length, 1);
    const after = await project.records();
    assert.deepEqual([after.history, after.log], [history, log]);
    const installed = await project.sql("select to_regprocedure('supamigrate.settle(jsonb)') as f");
    assert.notEqual(installed[0]?.f, null);
  },
);

testOnEveryDatabase("a newer tracking schema is refused by every command", async (project) => {
  const migrator = project.migrator(migrations);
  await migrator.migrate();
  await project.sql("update supamigrate.installation set schema_version = schema_version + 1");
  const records = await project.records();
  const refusal = {
    name: "ConfigurationError",
    message: /tracking schema has version \d+, and this tool knows \d+/,
    hint: /newer supamigrate/,
  };
  await assert.rejects(migrator.migrate(), refusal);
  await assert.rejects(migrator.status(), refusal);
  await assert.rejects(migrator.rollback(), refusal);
  await assert.rejects(migrator.baseline("1"), refusal);
  await assert.rejects(migrator.history(), refusal);
  await assert.rejects(migrator.unlock(), refusal);
  await assert.rejects(migrator.install(), refusal);
  assert.deepEqual(await project.records(), records);
});

testOnEveryDatabase(
  "a tracking schema that is missing is named, with how to install",
  async (project) => {
    await project.sql("drop schema supamigrate cascade");
    await assert.rejects(project.migrator(migrations).migrate(), {
      name: "ConfigurationError",
      message: /tracking schema is not complete/,
      hint: /supamigrate install/,
    });
    await project.migrator(migrations).install();
    assert.equal((await project.migrator(migrations).migrate()).success, true);
  },
);

testOnOneServer(
  "uninstall() takes supamigrate out, and what migrations made stays",
  async (project) => {
    const empty = await project.catalog();
    await direct(project).install();
    await project.migrator(migrations).migrate();
    assert.deepEqual(await project.migrator(migrations).uninstall(), {
      removed: true,
      copiesLeft: 0,
    });
    await untilApiKnows(project, false);

    await assert.rejects(project.migrator(migrations).status(), {
      message: /no function exec_sql/,
    });
    assert.deepEqual(await project.sql("select * from public.a"), []);
    assert.deepEqual(await project.sql("select to_regnamespace('supamigrate') as s"), [{
      s: null,
    }]);
    assert.deepEqual(await direct(project).uninstall(), { removed: false, copiesLeft: 0 });
    await project.sql("drop table public.a");
    assert.deepEqual(await project.catalog(), empty);

    await direct(project).install();
    assert.equal((await project.migrator(migrations).migrate()).migrationsRun, 1);
  },
  bareProject,
);
