import assert from "node:assert/strict";
import { type AnyProject, testOnEveryDatabase, testOnServers } from "../support/projects.ts";

const migrations = {
  "1_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;\n",
  "2_b.sql": "create table b ();\n-- ROLLBACK\ndrop table b;\n",
  "3_c.sql": "create table c ();\n-- ROLLBACK\ndrop table c;\n",
};
// The files above are gone, so that what is stored is used.
const otherFiles = { "9_other.sql": "select 1;" };

async function verify(project: AnyProject): Promise<Record<string, unknown>> {
  const [row] = await project.sql("select supamigrate.verify_log() as log");
  return row!.log as Record<string, unknown>;
}

async function assertIntact(project: AnyProject): Promise<void> {
  const log = await project.sql("select id, hash from supamigrate.migration_log order by id");
  assert.deepEqual(await verify(project), {
    entries: log.length,
    head: log.at(-1)?.hash ?? null,
    broken_entry: null,
    complete: true,
  });
}

/** Changes the log as its owner can. */
async function tamper(project: AnyProject, sql: string): Promise<void> {
  await project.sql(`
    alter table supamigrate.migration_log disable trigger user;
    ${sql};
    alter table supamigrate.migration_log
      enable always trigger migration_log_is_append_only,
      enable always trigger migration_log_is_chained;
  `);
}

testOnEveryDatabase("everything that is logged is chained", async (project) => {
  await assertIntact(project);
  const migrator = project.migrator({ ...migrations, "4_fails.sql": "select 1 / 0;" });
  await migrator.migrate();
  await migrator.rollback({ steps: 1 });
  await migrator.migrate({ transaction: "batch" });
  await migrator.baseline("4");
  await migrator.repair("4", { mark: "pending" });
  const changed = { ...migrations, "1_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a; --" };
  await project.migrator(changed).migrate();
  await project.migrator(migrations).fresh();
  await project.migrator(migrations).fresh({ dropSchema: true });
  const { log } = await project.records();
  assert.ok(log.length > 15, `${log.length}`);
  await assertIntact(project);
});

testOnEveryDatabase(
  "what is undone with a failed run leaves no gap in the chain",
  async (project) => {
    await project.migrator(migrations).migrate({ to: "1" });
    const failing = { ...migrations, "4_fails.sql": "select 1 / 0;" };
    const { success } = await project.migrator(failing).migrate({ transaction: "all" });
    assert.equal(success, false);
    const { log } = await project.records();
    assert.deepEqual(log.map(({ action, result }) => [action, result]), [
      ["apply", "ok"],
      ["apply", "failed"],
    ]);
    const [ids] = await project.sql(
      "select count(*) as all, max(id) as last from supamigrate.migration_log",
    );
    assert.equal(ids!.all, ids!.last);
    await assertIntact(project);
  },
);

testOnEveryDatabase(
  "a migration's settings have no say in the hash of its entry",
  async (project) => {
    const { success } = await project.migrator({
      "1_settings.sql": `
      set timezone = 'Pacific/Chatham';
      set datestyle = 'German, DMY';
      set intervalstyle = 'sql_standard';
      set bytea_output = 'escape';
      set extra_float_digits = -15;
      set standard_conforming_strings = off;
      set client_encoding = 'LATIN1';
      set lc_numeric = 'C';
      set search_path = '';`,
      "2_fails.sql": "set timezone = 'Asia/Kolkata'; set datestyle = 'SQL, DMY'; select 1 / 0;",
    }).migrate({ transaction: "batch" });
    assert.equal(success, false);
    await assertIntact(project);
    await project.sql(`
    create function public.verify_elsewhere() returns jsonb language sql
    set timezone = 'America/St_Johns' set datestyle = 'Postgres, MDY' set bytea_output = 'escape'
    set extra_float_digits = -15
    as 'select supamigrate.verify_log()'`);
    const [row] = await project.sql("select public.verify_elsewhere() as log");
    assert.deepEqual(row?.log, await verify(project));
  },
);

testOnEveryDatabase("the hash is SHA-256 of the entry and of the hash before", async (project) => {
  await project.migrator(migrations, { holder: `Ann "O'Neil"\\ — ☃` }).migrate();
  const rows = await project.sql(`
    select id::text, (extract(epoch from logged_at) * 1000000)::bigint::text as microseconds, hash,
           action, migration_name, batch_number, checksum, result, execution_time_ms, actor,
           tool_version, operation_id, details::text, rollback_checksum
      from supamigrate.migration_log order by id`);
  let previous: unknown = null;
  for (const row of rows) {
    // JSON as PostgreSQL writes it: the same as JavaScript's but for a space after each comma.
    const fields = [
      JSON.stringify(previous),
      row.id,
      row.microseconds,
      ...[
        row.action,
        row.migration_name,
        row.batch_number,
        row.checksum,
        row.result,
        row.execution_time_ms,
        row.actor,
        row.tool_version,
        row.operation_id,
      ].map((value) => JSON.stringify(value)),
      row.details ?? "null",
      JSON.stringify(row.rollback_checksum),
    ];
    const bytes = new TextEncoder().encode(`[${fields.join(", ")}]`);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    assert.equal(row.hash, digest.toHex());
    previous = row.hash;
  }
});

const tampering: Record<string, { sql: string; broken: number | null; complete: boolean }> = {
  "an entry is changed": {
    sql: "update supamigrate.migration_log set actor = 'nobody' where id = 2",
    broken: 2,
    complete: true,
  },
  "an entry is changed and given the hash that fits it": {
    sql: `update supamigrate.migration_log set actor = 'nobody' where id = 2;
      update supamigrate.migration_log entry
         set hash = supamigrate.hash_entry(
           (select hash from supamigrate.migration_log where id = 1), entry) where id = 2`,
    broken: 3,
    complete: true,
  },
  "a detail is changed": {
    sql: "update supamigrate.migration_log set details = details || '{\"x\": 1}' where id = 3",
    broken: 3,
    complete: true,
  },
  "the time of an entry is changed": {
    sql:
      "update supamigrate.migration_log set logged_at = logged_at + interval '1 microsecond' where id = 1",
    broken: 1,
    complete: true,
  },
  "null becomes an empty text": {
    sql: "update supamigrate.migration_log set actor = '' where id = 1",
    broken: 1,
    complete: true,
  },
  "an entry is taken out": {
    sql: "delete from supamigrate.migration_log where id = 2",
    broken: 3,
    complete: true,
  },
  "the last entry is taken out": {
    sql: "delete from supamigrate.migration_log where id = 4", // what the run left of the schema
    broken: null,
    complete: false,
  },
  "all entries are taken out": {
    sql: "truncate supamigrate.migration_log",
    broken: null,
    complete: false,
  },
  "an entry is put in between": {
    sql: `select setval('supamigrate.migration_log_id_seq', 999);
      update supamigrate.migration_log set id = default where id = 4;
      insert into supamigrate.migration_log (id, action, result, hash)
      overriding system value values (4, 'apply', 'ok', 'x')`,
    broken: 4,
    complete: true,
  },
};
for (const [what, { sql, broken, complete }] of Object.entries(tampering)) {
  testOnEveryDatabase(`it shows when ${what}`, async (project) => {
    await project.migrator(migrations).migrate();
    await tamper(project, sql);
    const log = await verify(project);
    assert.deepEqual([log.broken_entry, log.complete], [broken, complete]);
    // And it goes on showing after what is logged later.
    await project.migrator({ ...migrations, "4_d.sql": "create table d ();" })
      .repair("4_d", { mark: "applied" });
    const later = await verify(project);
    assert.ok(later.broken_entry !== null, JSON.stringify(later));
  });
}

testOnEveryDatabase(
  "rechain_log() accepts the log as it is, and says so in the log",
  async (project) => {
    await project.migrator(migrations).migrate();
    const [before] = await project.sql(
      "select hash from supamigrate.migration_log order by id desc limit 1",
    );
    await tamper(project, "delete from supamigrate.migration_log where id = 2");
    await project.sql("select supamigrate.rechain_log()");
    await assertIntact(project);
    const { log } = await project.records();
    assert.deepEqual([log.at(-1)?.action, log.at(-1)?.details], ["chain entries", {
      first: 3,
      entries: 2,
      head_before: before?.hash,
    }]);
    await assert.rejects(project.sql("delete from supamigrate.migration_log"), /append-only/);
  },
);

testOnServers("runs and unlocks at the same time make one chain", async (project) => {
  const runs = Array.from({ length: 6 }, (_, index) => {
    const own = { [`${index + 1}_x.sql`]: `create table x${index} (); select pg_sleep(0.02);` };
    return project.migrator(own).migrate({ waitMs: 60_000 }).catch((error) => error.name);
  });
  for (let round = 0; round < 15; round++) {
    await project.migrator(migrations).unlock().catch(() => {});
  }
  await Promise.all(runs);
  const { log } = await project.records();
  assert.ok(log.length >= 6);
  await assertIntact(project);
}, { dbPool: 8 });

testOnServers(
  "the audit log only grows where session_replication_role puts triggers to rest",
  async (project) => {
    await project.migrator(migrations).migrate();
    await using session = await project.connect("supabase_admin");
    await session.sql("set session_replication_role = replica");
    for (const change of ["delete from", "truncate"]) {
      await assert.rejects(
        session.sql(`${change} supamigrate.migration_log`),
        { code: "42501", message: /append-only/ },
      );
    }
    await session.sql(
      "insert into supamigrate.migration_log (action, result) values ('by hand', 'ok')",
    );
    await assertIntact(project);
  },
);

const stored = {
  "the rollback SQL is another one": `
    update supamigrate.migration_history
       set rollback_sql = 'drop table a; drop table precious'
     where migration_name = '1_a.sql'`,
  "the history row is one that no run has written": `
    insert into supamigrate.migration_history
      (id, migration_name, batch_number, execution_time_ms, checksum, applied_checksum, rollback_sql)
    values (99, '4_d.sql', 1, 0, 'x', 'x', 'drop table precious')`,
  "the log says another version is applied": `
    update supamigrate.migration_history set applied_checksum = 'x'
     where migration_name = '1_a.sql'`,
};
for (const [what, sql] of Object.entries(stored)) {
  testOnEveryDatabase(`stored rollback SQL is not run where ${what}`, async (project) => {
    await project.migrator({ "1_a.sql": migrations["1_a.sql"] }).migrate();
    await project.sql("create table precious ()");
    await project.sql(sql);
    const records = await project.records();
    const refusal = {
      name: "ConfigurationError",
      message:
        /Refused to run the stored rollback SQL of (1_a|4_d)\.sql: the audit log does not say/,
      hint: /Put the file back as it was.*supamigrate doctor/,
    };
    const others = project.migrator(otherFiles);
    const { warnings } = await others.status();
    assert.match(warnings.join(), /The audit log says something else of (1_a|4_d)\.sql/);
    await assert.rejects(others.rollback(), refusal);
    await assert.rejects(others.rollback({ dryRun: true }), refusal);
    await assert.rejects(others.fresh(), refusal);
    const changed = { "1_a.sql": "create table a2 ();", "4_d.sql": "create table d ();" };
    await assert.rejects(project.migrator(changed).migrate({ onChange: "redo" }), refusal);
    assert.deepEqual(await project.records(), records);
    assert.deepEqual(await project.sql("select * from precious"), []);
  });
}

testOnEveryDatabase("stored rollback SQL is not run where the log was changed", async (project) => {
  await project.migrator(migrations).migrate();
  // Both are changed alike, so that only the chain tells.
  await tamper(
    project,
    `update supamigrate.migration_history set rollback_sql = 'select 1' where migration_name = '1_a.sql';
     update supamigrate.migration_log
        set rollback_checksum = encode(sha256(convert_to('select 1', 'UTF8')), 'hex')
      where migration_name = '1_a.sql'`,
  );
  await assert.rejects(project.migrator(otherFiles).rollback(), {
    name: "ConfigurationError",
    message: /Refused to run the stored rollback SQL of .*: the audit log was changed by somebody/,
  });
  // The files' own sections need no proof.
  assert.equal((await project.migrator(migrations).rollback()).migrationsRolledBack, 3);
});

testOnEveryDatabase(
  "repair({ mark: 'applied' }) has the log say what the history says",
  async (project) => {
    const file = { "1_a.sql": migrations["1_a.sql"] };
    await project.migrator(file).migrate();
    await project.sql("update supamigrate.migration_history set rollback_sql = 'select 1'");
    await project.migrator(file).repair("1_a", { mark: "applied" });
    assert.equal((await project.migrator(otherFiles).rollback()).success, true);
    assert.deepEqual(await project.sql("select to_regclass('a') as a"), [{ a: null }]);
  },
);
