import assert from "node:assert/strict";
import { findMissing } from "../support/programs.ts";
import { toResult, Workspace } from "../support/cli.ts";
import {
  ownProject,
  type ServerProject,
  testOnEveryDatabase,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";

// Copies of what was destroyed, as `backups` lists and drops them; and backups before a run.

const setup = {
  "1_notes.sql": "create table notes (id int primary key, body text, mood text);\n" +
    "insert into notes select n, 'note ' || n, 'good' from generate_series(1, 3) n;\n" +
    "-- ROLLBACK\ndrop table notes;",
};

testOnEveryDatabase(
  "backups() lists what is kept, and dropBackups() drops it",
  async (project) => {
    const migrator = project.migrator({
      ...setup,
      "2_less.sql": "delete from notes where id = 1;\ndrop table notes;\n-- ROLLBACK\nselect 1;",
    });
    assert.deepEqual(await migrator.backups(), []);
    await migrator.migrate();
    const describe = async () =>
      (await migrator.backups()).map(({ copy, kind, migration, line, rows, isOpen }) =>
        [copy, kind, migration, line, rows, isOpen] as const
      );
    assert.deepEqual(await describe(), [
      [null, "objects", "2_less.sql", 2, null, true],
      ["notes_2", "table", "2_less.sql", 2, 2, true],
      ["notes_1", "rows", "2_less.sql", 1, 1, true],
    ]);
    const { definition } = (await migrator.backups())[0]!;
    assert.match(definition!, /create table public\.notes \(\s+id integer not null,/);

    // The rollback section does not make the table anew: that is told, and nothing is lost.
    const { success, results } = await migrator.rollback({ steps: 1 });
    assert.equal(success, true);
    assert.deepEqual(results[0]!.putBack.map(({ putBack, reason }) => [putBack, reason]), [
      [0, "there is no such table, as the rollback has not made it anew"],
      [0, "there is no such table, as the rollback has not made it anew"],
    ]);
    await project.sql(definition!);
    await project.sql("insert into notes select * from supamigrate_backup.notes_2");
    assert.equal((await project.sql("select from notes")).length, 2);
    assert.deepEqual((await describe()).map(([name, , , , , isOpen]) => [name, isOpen]), [
      [null, false],
      ["notes_2", false],
      ["notes_1", false],
    ]);

    await project.sql(
      "update supamigrate.safety_copy set made_at = made_at - interval '31 days' where id = 1",
    );
    const { findings } = await migrator.doctor();
    assert.deepEqual(
      findings.filter(({ check }) => check === "copies").map(({ problem }) => problem),
      ["1 safety copy is older than 30 days"],
    );
    await project.sql(
      "update supamigrate.safety_copy set made_at = clock_timestamp() where id = 1",
    );

    await assert.rejects(migrator.dropBackups({ names: ["notes_9"] }), /no safety copy "notes_9"/);
    await assert.rejects(
      migrator.dropBackups({ names: ["notes_2"], confirm: () => Promise.resolve(false) }),
      /Not confirmed/,
    );
    assert.deepEqual(await migrator.dropBackups({ olderThanMs: 60_000 }), { dropped: [] });
    const { dropped } = await migrator.dropBackups({
      names: ["notes_2", "3"],
      olderThanMs: 60_000,
    });
    assert.deepEqual(dropped.map(({ id }) => id), [2, 3]);
    assert.deepEqual(await describe(), [["notes_1", "rows", "2_less.sql", 1, 1, false]]);
    assert.deepEqual(
      await project.sql("select to_regclass('supamigrate_backup.notes_2')::text as there"),
      [{ there: null }],
    );
  },
);

testOnEveryDatabase(
  "what is too large to be kept is asked about before anything is sent",
  async (project) => {
    await project.migrator(setup).migrate();
    const files = { ...setup, "2_empty.sql": "truncate notes;\n-- ROLLBACK\nselect 1;" };
    const migrator = project.migrator(files, { safetyCopyMaxBytes: 100 });
    await assert.rejects(migrator.migrate(), (error: Error & { hint?: string }) => {
      assert.match(error.message, /come to 16 KB \(public\.notes: 16 KB\).* up to 100 bytes$/);
      assert.match(error.hint!, /--safety-copy always .*--safety-copy never/);
      return true;
    });
    const asked: unknown[] = [];
    await assert.rejects(
      migrator.migrate({
        confirmCopies: ({ tables, bytes }) => {
          asked.push(tables.map(({ name }) => name), bytes > 100);
          return Promise.resolve(false);
        },
      }),
      /Not confirmed/,
    );
    assert.deepEqual(asked, [["public.notes"], true]);
    assert.equal((await project.sql("select from notes")).length, 3);
    const { results } = await migrator.migrate({ safetyCopy: "always" });
    assert.deepEqual(results[0]!.kept.map(({ relation, rows }) => [relation, rows]), [
      ["public.notes", 3],
    ]);
    await migrator.rollback({ safetyCopy: "always" });
    assert.equal((await project.sql("select from notes")).length, 3);
    await migrator.migrate({ safetyCopy: "never" });
    assert.deepEqual(await migrator.backups(), []);
  },
);

testOnEveryDatabase(
  "what is kept is closed to the API, and what fails leaves no copy",
  async (project) => {
    const migrator = project.migrator({
      ...setup,
      "2_fails.sql": "delete from notes;\nselect 1 / 0;",
    });
    assert.equal((await migrator.migrate()).migrationsFailed, 1);
    assert.deepEqual(await migrator.backups(), []);
    assert.deepEqual(
      await project.sql("select from pg_namespace where nspname = 'supamigrate_backup'"),
      [],
    );
    const emptied = project.migrator({ ...setup, "2_fails.sql": "delete from notes;" });
    await emptied.migrate();
    assert.deepEqual(
      await project.sql(`
      select rolname
        from pg_roles
       where rolname in ('anon', 'authenticated', 'service_role')
         and (has_schema_privilege(rolname, 'supamigrate_backup', 'usage')
              or has_table_privilege(rolname, 'supamigrate_backup.notes_1', 'select'))`),
      [],
    );
    await project.sql("grant usage on schema supamigrate_backup to anon");
    await assert.rejects(emptied.rollback(), /the schema supamigrate_backup is open to anon/);
  },
);

testOnEveryDatabase("a copy is not put back over what has come since", async (project) => {
  const migrator = project.migrator({
    ...setup,
    "2_less.sql": "delete from notes where id < 3;\n-- ROLLBACK\nselect 1;",
  });
  await migrator.migrate();
  await project.sql("insert into notes values (1, 'new', 'better')");
  const { results } = await migrator.rollback({ steps: 1 });
  assert.deepEqual(
    results[0]!.putBack.map(({ rows, putBack, reason }) => [rows, putBack, reason]),
    [
      [2, 1, "1 rows are there already"],
    ],
  );
  assert.deepEqual(await project.sql("select id, body from notes order by id"), [
    { id: 1, body: "new" },
    { id: 2, body: "note 2" },
    { id: 3, body: "note 3" },
  ]);
  assert.equal((await migrator.backups()).length, 1);
});

testOnEveryDatabase(
  "rows of a table that has the old one's name by now are left alone",
  async (project) => {
    const migrator = project.migrator({
      ...setup,
      "2_anew.sql": `drop table notes;
create table notes (id int primary key, body text, mood text);
-- ROLLBACK
select 1;`,
    });
    await migrator.migrate();
    await project.sql("insert into notes (id, body) values (7, 'of a customer')");
    const { results } = await migrator.rollback({ steps: 1 });
    assert.ok(results[0]!.success);
    assert.deepEqual(results[0]!.putBack.map(({ putBack, reason }) => [putBack, reason]), [
      [0, "there are rows in it that came after the migration"],
    ]);
    assert.deepEqual(await project.sql("select id, body from notes"), [{
      id: 7,
      body: "of a customer",
    }]);
    const copy = (await migrator.backups()).find(({ kind }) => kind === "table");
    assert.equal(copy?.rows, 3, "the old rows are kept still");
  },
);

testOnEveryDatabase(
  "what a rollback puts into a partitioned table that it makes anew gives way to what was there",
  async (project) => {
    const parts = `create table parted (id int primary key, body text) partition by range (id);
create table parted_1 partition of parted for values from (0) to (100);`;
    const migrator = project.migrator({
      "1_parted.sql": `${parts}\n-- ROLLBACK\ndrop table parted;`,
      "2_gone.sql":
        `drop table parted;\n-- ROLLBACK\n${parts}\ninsert into parted values (1, 'default');`,
    });
    await migrator.migrate({ to: "1" });
    await project.sql("insert into parted values (1, 'one'), (2, 'two')");
    await migrator.migrate();
    const { results } = await migrator.rollback({ steps: 1 });
    assert.deepEqual(results[0]!.putBack.map(({ putBack, reason }) => [putBack, reason]), [[
      2,
      null,
    ]]);
    assert.deepEqual(await project.sql("select id, body from parted order by id"), [
      { id: 1, body: "one" },
      { id: 2, body: "two" },
    ]);
  },
);

testOnOneServer(
  "uninstall() leaves the copies, and what is installed again keeps clear of them",
  async (project) => {
    const files = {
      ...setup,
      "2_less.sql": "delete from notes where id = 1;\n-- ROLLBACK\nselect 1;",
    };
    await using migrator = project.migrator(files, {
      databaseUrl: project.databaseUrl,
      via: "direct",
    });
    await migrator.migrate();
    assert.deepEqual(await migrator.uninstall(), { removed: true, copiesLeft: 1 });
    await migrator.install();
    await migrator.baseline("1_notes.sql");
    await project.sql("insert into notes values (1, 'again')");
    const { results } = await migrator.migrate();
    assert.deepEqual(results[0]!.kept.map(({ copy }) => copy), ["notes_2"]);
    assert.deepEqual(await project.sql("select body from supamigrate_backup.notes_1"), [
      { body: "note 1" },
    ]);
  },
);

const missing = await findMissing(["postgresql-client"]);

testOnServers(
  "migrate --backup makes a dump that can be restored, or does nothing",
  async (project) => {
    if (missing.length > 0) return;
    const closed = {
      ...setup,
      "1_notes.sql": `create schema shut;
grant usage on schema shut to authenticated;
create table shut.secrets (id int primary key);
create table notes (id int primary key, body text, mood text);
insert into notes select n, 'note ' || n, 'good' from generate_series(1, 3) n;
revoke all on notes from anon, authenticated;
create function peek() returns text language sql as 'select body from public.notes limit 1';
revoke all on function peek() from public, anon, authenticated;
-- ROLLBACK
select 1;`,
    };
    await project.sql(
      "alter default privileges in schema public grant all on tables to anon, authenticated",
    );
    await project.migrator(closed).migrate();
    const rights = () =>
      project.sql(`
      select (select jsonb_object_agg(oid::regclass, coalesce(relacl, acldefault('r', relowner))::text) from pg_class
               where relnamespace in ('public'::regnamespace, 'shut'::regnamespace) and relkind = 'r') as tables,
             (select jsonb_object_agg(oid::regprocedure, coalesce(proacl, acldefault('f', proowner))::text) from pg_proc
               where pronamespace = 'public'::regnamespace) as functions,
             (select nspacl::text from pg_namespace where nspname = 'shut') as shut,
             (select jsonb_agg(array[defaclrole::regrole::text, defaclnamespace::text, defaclobjtype::text, defaclacl::text]
                               order by defaclrole, defaclnamespace, defaclobjtype) from pg_default_acl) as defaults`);
    const before = await rights();
    await using workspace = await Workspace.create({
      ...closed,
      "2_less.sql":
        "drop table notes; drop schema shut cascade;\n-- ROLLBACK\ncreate table notes ();",
      "3_fails.sql": "select 1 / 0;",
    });
    const run = async (...allowed: string[]) => {
      const { args, ...options } = workspace.command(["migrate", "--backup", "--yes", "--json"], {
        DATABASE_URL: project.databaseUrl,
        ...settings(project),
      });
      return toResult(
        await new Deno.Command(Deno.execPath(), {
          ...options,
          args: ["run", ...allowed, ...args.slice(1)],
          stdin: "null",
        }).output(),
      );
    };
    const denied = await run();
    assert.match(
      denied.stderr,
      /Deno does not allow to run "pg_dump"\n💡 Add pg_dump to --allow-run /,
    );
    assert.equal(denied.code, 2);
    const { code, stdout, stderr } = await run("--allow-run=pg_dump,pg_restore");
    if (project.stack.major > 15) {
      assert.match(stderr, /pg_dump is version 15\..*, and the server 17/);
      assert.equal(code, 2);
      assert.equal((await project.sql("select from notes")).length, 3);
      return;
    }
    assert.equal(code, 1, stderr);
    const { backup, migrationsRun } = JSON.parse(stdout);
    assert.equal(migrationsRun, 1);
    const path = `${workspace.path}/${backup.path}`;
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert.match(
      backup.restore,
      /^sh '\.supamigrate\/backups\/[\w.-]+\.sh'$/,
    );
    const [entry] = await project.migrator(closed).history({ limit: 1 });
    assert.equal(entry?.details?.note, `backup: ${backup.path}`);
    const { success, stderr: said } = await new Deno.Command("sh", {
      args: ["-c", backup.restore],
      cwd: workspace.path,
      env: { DATABASE_URL: project.databaseUrl },
    }).output();
    assert.ok(success, new TextDecoder().decode(said));
    assert.equal((await project.sql("select from notes")).length, 3);
    assert.deepEqual(await rights(), before, "nothing is open to anybody that was not before");
    assert.equal((await project.migrator(closed).status()).pending.length, 0);
  },
  ownProject,
);

function settings({ url, serviceKey }: ServerProject): Record<string, string> {
  return { SUPABASE_URL: url, SUPABASE_SERVICE_KEY: serviceKey };
}
