import assert from "node:assert/strict";
import type { MigratorOptions } from "../../mod.ts";
import { type AnyProject, testOnEveryDatabase, testOnOneServer } from "../support/projects.ts";

// The Supabase CLI's own history, supabase_migrations.schema_migrations, as the CLI makes it.
const LEDGER = `
  create schema supabase_migrations;
  create table supabase_migrations.schema_migrations (version text not null primary key);
  alter table supabase_migrations.schema_migrations add column statements text[], add column name text;
  alter schema supabase_migrations owner to postgres;
  alter table supabase_migrations.schema_migrations owner to postgres;`;

const files = {
  "001_a.sql": "-- first\ncreate table a (n int);\ninsert into a values (1);\n" +
    "-- ROLLBACK\ndrop table a;\n",
  "002_b.sql": "create table b ();\n-- ROLLBACK\ndrop table b;\n",
};

/** The ledger's rows. */
async function read(project: AnyProject): Promise<unknown[]> {
  const rows = await project.sql(
    "select version, name, statements from supabase_migrations.schema_migrations order by version",
  );
  return rows.map(({ version, name, statements }) => [version, name, statements]);
}

const first = ["001", "a", ["create table a (n int)", "insert into a values (1)"]];
const second = ["002", "b", ["create table b ()"]];

/** A test with a ledger. */
function testWithLedger(name: string, body: (project: AnyProject) => Promise<void>): void {
  testOnEveryDatabase(name, async (project) => {
    await project.sql(LEDGER);
    await body(project);
  });
}

testWithLedger(
  "the ledger has what migrate() applies, and not what rollback() undoes",
  async (project) => {
    const migrator = project.migrator(files);
    await migrator.migrate();
    assert.deepEqual(await read(project), [first, second]);
    await migrator.rollback({ steps: 1 });
    assert.deepEqual(await read(project), [first]);
    await migrator.migrate();
    assert.deepEqual(await read(project), [first, second]);
    await migrator.fresh();
    assert.deepEqual(await read(project), [first, second]);
    assert.deepEqual((await migrator.status()).ledger, {
      onlyHere: [],
      onlyThere: [],
    });
  },
);

testWithLedger(
  "migrate() asks before it runs what the Supabase CLI has applied since",
  async (project) => {
    const migrator = project.migrator(files);
    await migrator.migrate();
    await migrator.rollback({ steps: 1 });
    // As `supabase db push` would, which sees no difference between the two.
    await project.sql(`
      create table b ();
      insert into supabase_migrations.schema_migrations (version, name) values ('002', 'b')`);
    const asked: unknown[] = [];
    const confirmConcerns = (concerns: readonly unknown[]) => {
      asked.push(...concerns);
      return Promise.resolve(false);
    };
    await assert.rejects(migrator.migrate({ confirmConcerns }), /Not confirmed/);
    const says = "is in the Supabase CLI's ledger, and not applied by supamigrate";
    assert.deepEqual(asked, [{ file: "002_b.sql", line: 1, about: "applied elsewhere", says }]);
    const { warnings } = await migrator.migrate({ dryRun: true });
    assert.equal(warnings[0], `002_b.sql ${says}: supamigrate adopt records it without running it`);
    assert.deepEqual((await migrator.adopt()).adopted.map(({ name }) => name), ["002_b.sql"]);
    assert.equal((await migrator.migrate({ confirmConcerns })).migrationsRun, 0);
    assert.deepEqual(await read(project), [first, ["002", "b", null]]);
  },
);

testWithLedger(
  "fresh() asks before it runs what the Supabase CLI has applied, and undoes nothing before",
  async (project) => {
    const migrator = project.migrator(files);
    await migrator.migrate({ to: "001" });
    await project.sql(
      "insert into supabase_migrations.schema_migrations (version, name) values ('002', 'b')",
    );
    const asked: string[] = [];
    const confirmConcerns = (concerns: readonly { readonly file: string }[]) => {
      asked.push(...concerns.map(({ file }) => file));
      return Promise.resolve(false);
    };
    await assert.rejects(migrator.fresh({ confirmConcerns }), /Not confirmed/);
    assert.deepEqual(asked, ["002_b.sql"]);
    assert.deepEqual(await project.sql("select n from a"), [{ n: 1 }]);
    const { success } = await migrator.fresh({ dropSchema: true, confirmConcerns });
    assert.equal(success, true);
  },
);

testWithLedger(
  "migrate() says which files the Supabase CLI would undo as soon as it has applied them",
  async (project) => {
    const apart = { "001_a.sql": "create table a ();", "001_a.down.sql": "drop table a;" };
    const { warnings } = await project.migrator({ ...apart, "002_b.sql": files["002_b.sql"] })
      .migrate();
    const [warning, ...others] = warnings;
    assert.deepEqual(others, []);
    assert.match(warning!, /^002_b\.sql has a ROLLBACK section, which the Supabase CLI runs with/);
  },
);

testWithLedger("a migration that fails leaves the ledger as it was", async (project) => {
  const failing = { ...files, "003_c.sql": "create table c ();\nselect 1/0;\n" };
  const result = await project.migrator(failing).migrate();
  assert.equal(result.success, false);
  assert.deepEqual(await read(project), [first, second]);
  await project.migrator({ ...files, "003_c.sql": "create table c ();" }).migrate({
    transaction: "all",
  });
  assert.deepEqual((await read(project)).at(-1), ["003", "c", ["create table c ()"]]);
});

testWithLedger(
  "a run of one transaction that fails leaves nothing in the ledger",
  async (project) => {
    const failing = { ...files, "003_c.sql": "select 1/0;\n" };
    await project.migrator(failing).migrate({ transaction: "all" });
    assert.deepEqual(await read(project), []);
  },
);

testWithLedger("the version that runs again is the one in the ledger", async (project) => {
  await project.migrator(files).migrate();
  await project.migrator({ ...files, "002_b.sql": "create table if not exists b (n int);" })
    .migrate();
  assert.deepEqual(await read(project), [
    first,
    ["002", "b", ["create table if not exists b (n int)"]],
  ]);
});

testWithLedger(
  "the ledger has a migration of several steps when its last one is done",
  async (project) => {
    const type = { "001_mood.sql": "create type mood as enum ('calm');" };
    const moods = "alter type mood add value 'wild';\n" +
      "create table moods (mood mood default 'wild');\n";
    const failing = { ...type, "002_moods.sql": `${moods}select 1/0;\n` };
    const { results } = await project.migrator(failing).migrate();
    assert.deepEqual(results[1]?.steps, { done: 1, total: 2 });
    const ofType = ["001", "mood", ["create type mood as enum ('calm')"]];
    assert.deepEqual(await read(project), [ofType]);
    await project.migrator({ ...type, "002_moods.sql": moods }).migrate();
    assert.deepEqual(await read(project), [ofType, ["002", "moods", [
      "alter type mood add value 'wild'",
      "create table moods (mood mood default 'wild')",
    ]]]);
  },
);

testWithLedger("baseline() and repair() write the ledger", async (project) => {
  const migrator = project.migrator(files);
  await migrator.baseline("001");
  assert.deepEqual(await read(project), [first]);
  await migrator.repair("002", { mark: "applied" });
  assert.deepEqual(await read(project), [first, second]);
  await migrator.repair("001", { mark: "pending" });
  assert.deepEqual(await read(project), [second]);
  const renamed = { "001_a.sql": files["001_a.sql"], "005_bee.sql": files["002_b.sql"] };
  await project.migrator(renamed).repair("002_b.sql", { renamed: "005" });
  assert.deepEqual(await read(project), [["005", "bee", ["create table b ()"]]]);
});

testWithLedger(
  "a file that cannot be split is recorded in the ledger as a whole",
  async (project) => {
    await project.migrator({ "001_a.sql": "\ncreate tabel a;\n" }).baseline("001");
    assert.deepEqual(await read(project), [["001", "a", ["create tabel a;"]]]);
  },
);

testWithLedger(
  "files that the Supabase CLI would not read are not in its ledger",
  async (project) => {
    const mixed = {
      "001_a.sql": "select 1;",
      "002_b.sql": "select 2;",
      "002_c.sql": "select 3;",
      "notes.sql": "select 4;",
    };
    const { warnings } = await project.migrator(mixed).migrate();
    assert.deepEqual(warnings.filter((warning) => /ledger/.test(warning)), [
      "Not in the Supabase CLI's ledger, which knows migrations by the digits of " +
      "<digits>_name.sql, each once: 002_b.sql, 002_c.sql, notes.sql",
    ]);
    assert.deepEqual(await read(project), [["001", "a", ["select 1"]]]);
  },
);

testWithLedger("a key is not stored in the ledger", async (project) => {
  const key = `sb_secret_${"Ab3dEf6hIj".repeat(3)}`;
  await project.migrator({ "001_a.sql": `create table a (k text default '${key}');` }).migrate();
  assert.deepEqual(await read(project), [["001", "a", null]]);
});

testWithLedger(
  "status() says how the ledger differs, and repairLedger() records what is missing there",
  async (project) => {
    await project.migrator(files).migrate();
    await project.migrator(files, { ledger: "none" }).rollback({ steps: 1 });
    await project.sql(`
      delete from supabase_migrations.schema_migrations where version = '001';
      insert into supabase_migrations.schema_migrations (version, name)
      values ('003', 'theirs'), ('005', null)`);
    const next = project.migrator({ ...files, "005_e.sql": "select 5;" });
    const difference = {
      onlyHere: [{ version: "001", file: "001_a.sql" }],
      onlyThere: [
        { version: "002", name: "b", file: "002_b.sql" },
        { version: "003", name: "theirs", file: null },
        { version: "005", name: "", file: "005_e.sql" },
      ],
    };
    assert.deepEqual((await next.status()).ledger, difference);
    const seen: unknown[] = [];
    const refused = next.repairLedger({
      confirm: (found) => Promise.resolve(seen.push(found) === 0),
    });
    await assert.rejects(refused, /Not confirmed: nothing was changed/);
    assert.deepEqual(seen, [difference]);
    assert.deepEqual(await next.repairLedger(), {
      difference,
      recorded: ["001"],
    });
    assert.deepEqual(await read(project), [
      first,
      second,
      ["003", "theirs", null],
      ["005", null, null],
    ]);
    const { log } = await project.records();
    assert.deepEqual(log.at(-1)?.details, { recorded: ["001"] });
    assert.deepEqual((await next.repairLedger()).recorded, []);
  },
);

testWithLedger("doctor() knows what the ledger is without", async (project) => {
  await project.migrator(files).migrate();
  const find = async (ledger?: "none") =>
    (await project.migrator(files, ledger === undefined ? {} : { ledger }).doctor()).findings
      .filter(({ check }) => check === "ledger");
  assert.deepEqual(await find(), []);
  await project.sql("delete from supabase_migrations.schema_migrations where version = '002'");
  const [finding] = await find();
  assert.equal(finding?.problem, "Applied, and not in the Supabase CLI's ledger: 002_b.sql");
  assert.deepEqual(finding?.mend, { command: "supamigrate repair --ledger" });
  assert.deepEqual(await find("none"), []);
});

testOnEveryDatabase("there is no ledger where nobody asked for one", async (project) => {
  const migrator = project.migrator(files);
  await migrator.migrate();
  assert.equal((await migrator.status()).ledger, null);
  assert.deepEqual(
    await project.sql("select from pg_namespace where nspname = 'supabase_migrations'"),
    [],
  );
  await assert.rejects(migrator.repairLedger(), {
    name: "ConfigurationError",
    message: "There is no ledger of the Supabase CLI: supabase_migrations.schema_migrations",
  });
});

testOnEveryDatabase(
  'ledger: "supabase" makes the ledger, and "none" leaves it alone',
  async (project) => {
    const run = (ledger: NonNullable<MigratorOptions["ledger"]>) =>
      project.migrator(files, { ledger });
    await run("supabase").migrate({ to: "001" });
    assert.deepEqual(await read(project), [first]);
    await run("none").migrate();
    assert.deepEqual(await read(project), [first]);
    assert.equal((await run("none").status()).ledger, null);
    await run("none").rollback({ target: "0" });
    assert.deepEqual(await read(project), [first]);
  },
);

testWithLedger("the ledger of an old CLI gets the columns that it is without", async (project) => {
  await project.sql(
    "alter table supabase_migrations.schema_migrations drop column name, drop column statements;" +
      "insert into supabase_migrations.schema_migrations values ('000')",
  );
  await project.migrator(files).migrate();
  assert.deepEqual(await read(project), [["000", null, null], first, second]);
});

testOnOneServer(
  "a statement outside a transaction is in the ledger when it is done",
  async (project) => {
    await project.sql(LEDGER);
    const index = {
      ...files,
      "003_i.sql": "create index concurrently i on a (n);\n-- ROLLBACK\n" +
        "drop index concurrently i;\n",
    };
    const { databaseUrl } = project;
    await using migrator = project.migrator(index, { via: "direct", databaseUrl });
    const { success } = await migrator.migrate();
    assert.equal(success, true);
    assert.deepEqual((await read(project)).at(-1), [
      "003",
      "i",
      ["create index concurrently i on a (n)"],
    ]);
    await migrator.rollback({ steps: 1 });
    assert.deepEqual(await read(project), [first, second]);
  },
);

testOnOneServer(
  "a ledger that may not be written is told before anything is sent",
  async (project) => {
    await project.sql(`${LEDGER}
    alter schema supabase_migrations owner to supabase_admin;
    alter table supabase_migrations.schema_migrations owner to supabase_admin`);
    const migrator = project.migrator(files);
    await assert.rejects(migrator.migrate(), {
      name: "ConfigurationError",
      message: "Cannot keep the Supabase CLI's ledger in step: postgres has no right to insert, " +
        "update, delete on supabase_migrations.schema_migrations, which belongs to supabase_admin",
    });
    await assert.rejects(migrator.baseline("001"), /Cannot keep the Supabase CLI's ledger/);
    assert.deepEqual((await project.records()).log, []);
    const { warnings, ledger } = await migrator.status();
    assert.equal(ledger, null);
    assert.match(warnings.join(), /The Supabase CLI's ledger cannot be kept in step/);
    const { success } = await project.migrator(files, { ledger: "none" }).migrate();
    assert.equal(success, true);
  },
);

const strangers = {
  "the ledger belongs to somebody else": [
    "alter table supabase_migrations.schema_migrations owner to authenticated;",
    "supabase_migrations.schema_migrations belongs to authenticated, who could run anything as " +
    "postgres in it",
  ],
  "a trigger on the ledger is somebody else's": [
    "",
    "the trigger take_over on supabase_migrations.schema_migrations runs a function of " +
    "authenticated as postgres",
  ],
} as const;
for (const [what, [setup, problem]] of Object.entries(strangers)) {
  testOnOneServer(`nothing is written as postgres where ${what}`, async (project) => {
    await project.sql(`${LEDGER} ${setup}
      create function public.take_over() returns trigger language plpgsql as
        $$ begin raise exception 'taken over as %', current_user; end $$;
      alter function public.take_over() owner to authenticated;
      create trigger take_over before insert on supabase_migrations.schema_migrations
        for each row execute function public.take_over();
      grant all on supabase_migrations.schema_migrations to postgres;`);
    const migrator = project.migrator(files);
    await assert.rejects(migrator.migrate(), {
      name: "ConfigurationError",
      message: `Cannot keep the Supabase CLI's ledger in step: ${problem}`,
    });
    assert.deepEqual((await project.records()).history, []);
    assert.equal((await project.migrator(files, { ledger: "none" }).migrate()).success, true);
  });
}
