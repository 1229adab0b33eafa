import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { InterruptedError } from "../../mod.ts";
import { testOnEveryDatabase } from "../support/projects.ts";

const twoTables = {
  "10_bookings.sql": `create table bookings (celebrity int references celebrities (id));
-- ROLLBACK
drop table bookings;
`,
  "9_celebrities.sql": `create table celebrities (id int primary key);
-- ROLLBACK
drop table celebrities;
`,
};

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

testOnEveryDatabase("migrate() applies what is pending in numeric order", async (project) => {
  const result = await project.migrator(twoTables).migrate();

  assert.deepEqual(
    result.results.map(({ name, success, reason, error, undone }) => (
      { name, success, reason, error, undone }
    )),
    [
      {
        name: "9_celebrities.sql",
        success: true,
        reason: "not_executed",
        error: null,
        undone: false,
      },
      {
        name: "10_bookings.sql",
        success: true,
        reason: "not_executed",
        error: null,
        undone: false,
      },
    ],
  );
  assert.deepEqual(await project.sql("select * from public.bookings"), []);
});

testOnEveryDatabase("the result of migrate() is what monitoring code expects", async (project) => {
  const { success, batchNumber, migrationsRun, migrationsFailed, results } = await project
    .migrator(twoTables).migrate();
  assert.deepEqual(
    { success, batchNumber, migrationsRun, migrationsFailed },
    { success: true, batchNumber: 1, migrationsRun: 2, migrationsFailed: 0 },
  );
  assert.deepEqual(results.filter((result) => !result.success), []);

  const failing = await project.migrator({ ...twoTables, "11_bad.sql": "select 1/0;" }).migrate();
  assert.equal(failing.success, false);
  assert.equal(failing.migrationsRun, 0);
  assert.equal(failing.migrationsFailed, 1);
  const [failed] = failing.results.filter((result) => !result.success);
  assert.equal(failed?.name, "11_bad.sql");
  assert.equal(failed?.error?.message, "division by zero");
});

testOnEveryDatabase("migration_history has the specification's columns", async (project) => {
  const columns = await project.sql(`
    select column_name, data_type, character_maximum_length as length, is_nullable, column_default
      from information_schema.columns
     where table_schema = 'supamigrate' and table_name = 'migration_history'
     order by ordinal_position
  `);
  const byName = new Map(
    columns.map(({ column_name, ...column }) => [column_name, Object.values(column)]),
  );
  const timestamp = "timestamp with time zone";
  const serial = "nextval('supamigrate.migration_history_id_seq'::regclass)";
  assert.deepEqual(byName.get("id"), ["integer", null, "NO", serial]);
  assert.deepEqual(byName.get("migration_name"), ["character varying", 255, "NO", null]);
  assert.deepEqual(byName.get("batch_number"), ["integer", null, "NO", null]);
  assert.deepEqual(byName.get("executed_at"), [timestamp, null, "YES", "now()"]);
  assert.deepEqual(byName.get("execution_time_ms"), ["integer", null, "NO", null]);
  assert.deepEqual(byName.get("checksum"), ["character varying", 64, "NO", null]);
  assert.deepEqual(byName.get("status")?.slice(0, 3), ["character varying", 20, "YES"]);
  assert.match(String(byName.get("status")?.[3]), /^'completed'/);
  assert.deepEqual(byName.get("rollback_sql"), ["text", null, "YES", null]);
  assert.deepEqual(byName.get("error_message"), ["text", null, "YES", null]);
  assert.deepEqual(byName.get("created_at"), [timestamp, null, "YES", "now()"]);
});

testOnEveryDatabase("migrate() records name, batch, checksum and rollback SQL", async (project) => {
  await project.migrator(twoTables).migrate();
  const rows = await project.sql(`
    select migration_name, batch_number, checksum, status, rollback_sql, error_message,
           executed_at between now() - interval '1 minute' and now() + interval '1 minute' as recent,
           execution_time_ms between 0 and 60000 as took
      from supamigrate.migration_history order by id
  `);
  const expected = (name: string, forward: string, rollback: string) => ({
    migration_name: name,
    batch_number: 1,
    checksum: sha256(forward),
    status: "completed",
    rollback_sql: rollback,
    error_message: null,
    recent: true,
    took: true,
  });
  assert.deepEqual(rows, [
    expected(
      "9_celebrities.sql",
      "create table celebrities (id int primary key);\n",
      "drop table celebrities;\n",
    ),
    expected(
      "10_bookings.sql",
      "create table bookings (celebrity int references celebrities (id));\n",
      "drop table bookings;\n",
    ),
  ]);
});

testOnEveryDatabase("migrate() with nothing pending is one request, no lock", async (project) => {
  const migrator = project.migrator(twoTables);
  await migrator.migrate();
  const [records, requests] = [await project.records(), project.requests];

  const result = await migrator.migrate();

  assert.equal(project.requests - requests, 1);
  assert.deepEqual(await project.records(), records);
  assert.deepEqual([result.success, result.batchNumber, result.results], [true, null, []]);
});

testOnEveryDatabase("a run of N migrations is at most N + 3 requests", async (project) => {
  const migrations = Object.fromEntries(
    Array.from({ length: 7 }, (_, n) => [`${n}_t.sql`, `create table t${n} ();`]),
  );
  const { requests } = project;
  const result = await project.migrator(migrations).migrate();
  assert.equal(result.migrationsRun, 7);
  assert.ok(project.requests - requests <= 10, `${project.requests - requests} requests`);
});

testOnEveryDatabase(
  "a run that refreshes rollbacks too is at most N + 3 requests",
  async (project) => {
    await project.migrator(twoTables).migrate();
    const { requests } = project;
    const result = await project.migrator({
      "9_celebrities.sql": twoTables["9_celebrities.sql"] + "-- more\nselect 1;",
      "10_bookings.sql": twoTables["10_bookings.sql"],
      "11_events.sql": "create table events ();",
    }).migrate();
    assert.deepEqual(
      [result.migrationsRun, result.rollbacksRefreshed],
      [1, ["9_celebrities.sql"]],
    );
    assert.ok(project.requests - requests <= 4, `${project.requests - requests} requests`);
  },
);

testOnEveryDatabase("line ends and a byte-order mark change no checksum", async (project) => {
  await project.migrator(twoTables).migrate();
  const { upToDate } = await project.migrator({
    ...twoTables,
    "10_bookings.sql": "\uFEFF" + twoTables["10_bookings.sql"].replaceAll("\n", "\r\n"),
  }).status();
  assert.equal(upToDate, true);
});

testOnEveryDatabase("migrate({ to }) stops after the migration named", async (project) => {
  const migrations = { ...twoTables, "11_events.sql": "create table events ();" };
  for (const to of ["10_bookings.sql", "10_bookings", "10_b"]) {
    const { planned } = await project.migrator(migrations).migrate({ to, dryRun: true });
    assert.deepEqual(planned.map(({ name }) => name), ["9_celebrities.sql", "10_bookings.sql"]);
  }
  const result = await project.migrator(migrations).migrate({ to: "9" });
  assert.deepEqual(result.results.map(({ name }) => name), ["9_celebrities.sql"]);

  await assert.rejects(project.migrator(migrations).migrate({ to: "10_boking" }), {
    name: "ConfigurationError",
    message: 'No migration is called "10_boking"',
    hint: /10_bookings\.sql/,
  });
});

testOnEveryDatabase("migrate({ dryRun: true }) changes nothing", async (project) => {
  await project.migrator({ "9_celebrities.sql": twoTables["9_celebrities.sql"] }).migrate();
  const [records, catalog] = [await project.records(), await project.catalog()];

  const { requests } = project;
  const result = await project.migrator(twoTables).migrate({ dryRun: true });

  assert.equal(project.requests - requests, 1);
  assert.deepEqual(await project.records(), records);
  assert.deepEqual(await project.catalog(), catalog);
  assert.deepEqual([result.dryRun, result.migrationsRun, result.results], [true, 0, []]);
  assert.deepEqual(
    result.planned.map(({ name, reason, statements }) => (
      { name, reason, statements }
    )),
    [{
      name: "10_bookings.sql",
      reason: "not_executed",
      statements: [{
        line: 1,
        sql: "create table bookings (celebrity int references celebrities (id))",
      }],
    }],
  );
});

testOnEveryDatabase("more migrations than batchSize make consecutive batches", async (project) => {
  const migrations = Object.fromEntries(
    Array.from({ length: 5 }, (_, n) => [`${n}_t.sql`, `create table t${n} ();`]),
  );
  const result = await project.migrator(migrations, { batchSize: 2 }).migrate();
  assert.deepEqual([result.batchNumber, result.migrationsRun], [3, 5]);
  const { history } = await project.records();
  assert.deepEqual(history.map(({ batch_number }) => batch_number), [1, 1, 2, 2, 3]);

  const next = await project.migrator({ ...migrations, "5_t.sql": "create table t5 ();" })
    .migrate();
  assert.equal(next.batchNumber, 4);
});

testOnEveryDatabase(
  "a file that cannot be sent stops the run before it begins",
  async (project) => {
    const [records, catalog] = [await project.records(), await project.catalog()];
    const refused = {
      "begin; vacuum; commit;": /VACUUM cannot run inside a transaction/,
      "create table a ();\nsavepoint a;": /Transaction control/,
      "copy t from stdin;": /COPY … FROM stdin/,
      "create table (": /syntax error/,
    };
    for (const [sql, message] of Object.entries(refused)) {
      const migrator = project.migrator({
        "01_good.sql": "create table good ();",
        "02_bad.sql": sql,
      });
      await assert.rejects(migrator.migrate(), { name: "MigrationFileError", message });
    }
    assert.deepEqual(await project.records(), records);
    assert.deepEqual(await project.catalog(), catalog);
  },
);

testOnEveryDatabase("migrate() tells of its progress", async (project) => {
  const events: string[] = [];
  await project.sql("create table in_use ()"); // each goes by itself then
  await project.migrator({ ...twoTables, "11_bad.sql": "select 1/0;" }, {
    onProgress: (event) => {
      if (event.type === "started") events.push(`${event.type} ${event.migrations}`);
      if (event.type === "finished") {
        events.push(`${event.type} ${event.migration} ${event.success}`);
      }
    },
  }).migrate();
  assert.deepEqual(events, [
    "started 9_celebrities.sql",
    "finished 9_celebrities.sql true",
    "started 10_bookings.sql",
    "finished 10_bookings.sql true",
    "started 11_bad.sql",
    "finished 11_bad.sql false",
  ]);
});

testOnEveryDatabase("an interrupted run ends after the migration in flight", async (project) => {
  const controller = new AbortController();
  await project.sql("create table in_use ()"); // each goes by itself then
  const migrator = project.migrator(twoTables, {
    signal: controller.signal,
    onProgress: ({ type }) => type === "started" && controller.abort(),
  });
  const result = await migrator.migrate();
  assert.deepEqual(
    [result.interrupted, result.success, result.migrationsRun, result.migrationsFailed],
    [true, false, 1, 0],
  );
  assert.equal((await project.migrator(twoTables).status()).lock.isLocked, false);

  const { requests } = project;
  await assert.rejects(migrator.migrate(), InterruptedError);
  assert.equal(project.requests, requests);
});
