import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import versionOneSql from "../testdata/schema_version_1/install.sql" with { type: "text" };
import versionTwoSql from "../testdata/schema_version_2/install.sql" with { type: "text" };
import versionThreeSql from "../testdata/schema_version_3/install.sql" with { type: "text" };
import versionFourSql from "../testdata/schema_version_4/install.sql" with { type: "text" };
import versionFiveSql from "../testdata/schema_version_5/install.sql" with { type: "text" };
import {
  type AnyProject,
  ordinaryProject,
  testOnEveryDatabase,
  testOnOneServer,
} from "../support/projects.ts";

// What older versions of the tracking schema were, as they were shipped, with a history that was
// made by their own functions, and what becomes of it.

const olderVersions = {
  1: versionOneSql,
  2: versionTwoSql,
  3: versionThreeSql,
  4: versionFourSql,
  5: versionFiveSql,
} as const;

type OlderVersion = keyof typeof olderVersions;

const files: Record<string, string> = {
  "1_applied.sql": "create table applied ();\n-- ROLLBACK\ndrop table applied;\n",
  "2_refreshed.sql": "create table refreshed ();\n-- ROLLBACK\ndrop table refreshed;\n",
  "3_baseline.sql": "create table baseline ();\n-- ROLLBACK\ndrop table if exists baseline;\n",
  "4_repaired.sql": "create table repaired ();\n-- ROLLBACK\ndrop table if exists repaired;\n",
  "5_undone.sql": "create table undone ();\n-- ROLLBACK\ndrop table undone;\n",
  "6_failed.sql": "select 1 / 0;\n-- ROLLBACK\nselect 1;\n",
};

// The others are gone, so that what is stored is used.
const otherFiles = { "9_other.sql": "select 1;" };

function parts(name: string): { forward: string; rollback: string } {
  const [forward = "", rollback = ""] = files[name]!.split("-- ROLLBACK\n");
  return { forward, rollback };
}

function toMigration(name: string): Record<string, unknown> {
  const { forward, rollback } = parts(name);
  return {
    name,
    reason: "not_executed",
    checksum: createHash("sha256").update(forward).digest("hex"),
    batch: 1,
    rollback_sql: rollback,
    statements: [[1, forward.trim().replace(/;$/, "")]],
  };
}

/** Calls a function as the client does, whichever version is installed. */
async function call(project: AnyProject, name: string, params: unknown): Promise<unknown> {
  const { data, error } = await project.client(project.serviceKey)
    .rpc("exec_sql", { sql_query: `select supamigrate.${name}($1) as result`, params });
  assert.equal(error, null, error?.message);
  return data[0].result;
}

/** A run of an old tool. */
class OldRun {
  #sequence = 0;
  readonly #token = crypto.randomUUID();

  private constructor(readonly project: AnyProject, readonly generation: number) {}

  static async begin(project: AnyProject): Promise<OldRun> {
    // deno-lint-ignore no-explicit-any -- the shape is that of sql/state.sql
    const { lock } = await call(project, "state", {}) as any;
    const run = new OldRun(project, lock.generation + 1);
    const reply = await call(project, "acquire", {
      token: run.#token,
      holder: "an old tool",
      process_id: "old",
      lease_ms: 60_000,
      tool_version: "0.1.0",
      generation: lock.generation,
      sequence: lock.sequence,
    });
    assert.equal((reply as { status: string }).status, "acquired");
    return run;
  }

  async perform(action: string, payload: Record<string, unknown> = {}): Promise<void> {
    const reply = await call(this.project, "perform", {
      ...payload,
      action,
      token: this.#token,
      generation: this.generation,
      sequence: this.#sequence++,
      holder: "an old tool",
      tool_version: "0.1.0",
      operation: crypto.randomUUID(),
    });
    assert.equal((reply as { status: string }).status, "done");
  }
}

/** Puts an older version in the place of what is installed. */
async function installOlder(project: AnyProject, version: OlderVersion): Promise<void> {
  const { error } = await project.client(project.serviceKey).rpc("exec_sql", {
    sql_query: `
      drop schema supamigrate cascade;
      drop function public.exec_sql(text, jsonb);
      ${olderVersions[version]}`,
  });
  assert.equal(error, null, error?.message);
}

async function writeHistory(project: AnyProject): Promise<void> {
  const run = await OldRun.begin(project);
  const apply = (name: string) =>
    run.perform("apply", { atomic: false, migrations: [toMigration(name)] });
  await apply("1_applied.sql");
  const refreshed = toMigration("2_refreshed.sql");
  await run.perform("apply", {
    atomic: false,
    migrations: [{ ...refreshed, rollback_sql: "select 'before'" }],
  });
  const { name, rollback_sql } = refreshed;
  await run.perform("refresh", { refresh: [{ name, rollback_sql }] });
  await run.perform("baseline", { migrations: [toMigration("3_baseline.sql")] });
  await run.perform("repair", { mark: "applied", migration: toMigration("4_repaired.sql") });
  await apply("5_undone.sql");
  await run.perform("revert", {
    migration: {
      name: "5_undone.sql",
      batch: 1,
      source: "file",
      statements: [[1, "drop table undone"]],
    },
  });
  await apply("6_failed.sql");
  await run.perform("release");
}

/** The rows without the columns that version 1 did not have. */
function withoutNewer(rows: readonly Readonly<Record<string, unknown>>[]): unknown[] {
  return rows.map(({ rollback_checksum: _, hash: __, log_head: ___, ...row }) => row);
}

for (const version of [1, 2, 3, 4, 5] as const) {
  // Version 1 had no hashes: its entries are chained by the upgrade, which is an entry as well.
  const ofTheUpgrade = version === 1 ? ["chain entries"] : [];
  // Those between the oldest and the newest are on 15 alone.
  const isBetween = version > 1 && version < 5;
  const test = (name: string, body: (project: AnyProject) => Promise<void>) =>
    isBetween ? testOnOneServer(name, body, ordinaryProject, 15) : testOnEveryDatabase(name, body);

  test(
    `a project with version ${version} of the tracking schema is upgraded by migrate, and loses nothing`,
    async (project) => {
      await installOlder(project, version);
      await writeHistory(project);
      const before = await project.records();
      assert.deepEqual([before.history.length, before.log.length], [6, 8]);
      assert.equal("hash" in before.log[0]!, version !== 1);

      const { "6_failed.sql": _, ...good } = files;
      const result = await project.migrator({ ...good, "7_new.sql": "create table new ();" })
        .migrate();
      assert.deepEqual(result.results.map(({ name, success }) => [name, success]), [
        ["5_undone.sql", true],
        ["7_new.sql", true],
      ]);

      const after = await project.records();
      assert.deepEqual(withoutNewer(after.log.slice(0, 8)), withoutNewer(before.log));
      const untouched = (rows: typeof before.history) =>
        rows.filter(({ migration_name }) => !/^[57]/.test(`${migration_name}`))
          .map(({ statements_checksum: _, progress: _progress, ...row }) => row);
      assert.deepEqual(untouched(after.history), untouched(before.history));
      const added = after.log.slice(8);
      assert.deepEqual(added.map(({ action }) => action), [...ofTheUpgrade, "apply", "apply"]);
      if (version === 1) {
        assert.deepEqual(added[0]?.details, { first: 1, entries: 8, head_before: null });
      }
      assert.ok(after.log.every(({ hash }) => /^[0-9a-f]{64}$/.test(`${hash}`)));
      assert.deepEqual(
        await project.sql("select schema_version from supamigrate.installation"),
        [{ schema_version: 6 }],
      );
    },
  );

  test(
    `rollback SQL that version ${version} has stored is run after the upgrade`,
    async (project) => {
      await installOlder(project, version);
      await writeHistory(project);
      const { results } = await project.migrator(otherFiles).rollback({ target: "0" });
      assert.deepEqual(results.map(({ name, success, source }) => [name, success, source]), [
        ["4_repaired.sql", true, "stored"],
        ["3_baseline.sql", true, "stored"],
        ["2_refreshed.sql", true, "stored"],
        ["1_applied.sql", true, "stored"],
      ]);
    },
  );

  test(
    `a run of a tool of version ${version} goes on after the upgrade`,
    async (project) => {
      await installOlder(project, version);
      const run = await OldRun.begin(project);
      await run.perform("apply", { atomic: false, migrations: [toMigration("1_applied.sql")] });
      const status = await project.migrator(files).status();
      assert.deepEqual([status.executed, status.lock.holder], [1, "an old tool"]);
      await run.perform("apply", { atomic: false, migrations: [toMigration("2_refreshed.sql")] });
      await run.perform("release");
      const { results } = await project.migrator(otherFiles).rollback({ target: "0" });
      assert.deepEqual(results.map(({ success }) => success), [true, true]);
    },
  );

  test(
    `a tracking schema of version ${version} becomes the one that is installed anew`,
    async (project) => {
      const describe = () =>
        project.sql(`
      select relname || '.' || attname || ' ' || format_type(atttypid, atttypmod) as line
        from pg_attribute join pg_class c on c.oid = attrelid
       where c.relnamespace = 'supamigrate'::regnamespace and attnum > 0 and not attisdropped
      union all
      select oid::regprocedure || md5(prosrc) from pg_proc
       where pronamespace = 'supamigrate'::regnamespace
      union all
      select tgname || tgenabled::text from pg_trigger
       where tgrelid = 'supamigrate.migration_log'::regclass
       order by 1`);
      const installed = await describe();
      await installOlder(project, version);
      await project.migrator(files).status();
      assert.deepEqual(await describe(), installed);
    },
  );

  // How many there are is a matter of the lock: the oldest and the newest say what all do.
  if (isBetween) continue;
  testOnOneServer(`several runs upgrade version ${version} at once`, async (project) => {
    await installOlder(project, version);
    await writeHistory(project);
    const before = await project.records();
    const reports = await Promise.all(
      Array.from({ length: 8 }, () => project.migrator(files).status()),
    );
    assert.deepEqual(reports.map(({ executed }) => executed), new Array(8).fill(4));
    const { log } = await project.records();
    assert.deepEqual(withoutNewer(log.slice(0, 8)), withoutNewer(before.log));
    assert.deepEqual(log.slice(8).map(({ action }) => action), ofTheUpgrade);
  }, { dbPool: 8 });
}
