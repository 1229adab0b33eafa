/** Every command on every way to a database. */

import assert from "node:assert/strict";
import type { MigratorOptions } from "../../mod.ts";
import {
  bareProject,
  ownProject,
  type ProjectKind,
  type ServerProject,
  testOnOneServer,
} from "../support/projects.ts";
import { startManagementApi } from "./management_api.ts";
import { findProgram } from "../support/programs.ts";
import { startPgbouncer } from "./pgbouncer.ts";

const migrations = {
  "001_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;",
  "002_b.sql": "create table b ();\n-- ROLLBACK\ndrop table b;",
  "003_c.sql": "create table c ();\n-- ROLLBACK\ndrop table c;",
};

type Open = (project: ServerProject) => Promise<Way>;

/** The options of one way, and what has to be closed after it. */
interface Way extends AsyncDisposable {
  readonly options: Partial<MigratorOptions>;
}

// Left out where it is not installed; but nobody reads in CI what was left out.
const hasPooler = await findProgram("pgbouncer") !== undefined || Deno.env.get("CI") !== undefined;

const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() };

const WAYS: Readonly<Record<string, Open>> = {
  "the API": () => Promise.resolve({ options: {}, ...nothing }),
  "a direct connection": ({ databaseUrl }) =>
    Promise.resolve({ options: { via: "direct", databaseUrl }, ...nothing }),
  ...(hasPooler ? { "a pooler in transaction mode": openPooler } : {}),
  "the Management API": async (project) => {
    const api = await startManagementApi(project);
    return {
      options: { via: "management", accessToken: api.accessToken, managementApiUrl: api.url },
      [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
    };
  },
};

async function openPooler(project: ServerProject): Promise<Way> {
  const pooler = await startPgbouncer(project.databaseUrl);
  return {
    options: { via: "direct", databaseUrl: pooler.databaseUrl },
    [Symbol.asyncDispose]: () => pooler[Symbol.asyncDispose](),
  };
}

/** Ways past the API, which need no exec_sql in the project. */
const PAST_API = Object.entries(WAYS).filter(([name]) => name !== "the API");

function testOnEachWay(
  name: string,
  ways: readonly (readonly [string, Open])[],
  body: (project: ServerProject, options: Partial<MigratorOptions>) => Promise<void>,
  kind?: ProjectKind,
): void {
  for (const [way, open] of ways) {
    testOnOneServer(`${name}, over ${way}`, async (project) => {
      await using opened = await open(project);
      await body(project, opened.options);
    }, kind);
  }
}

testOnEachWay("every command works", Object.entries(WAYS), async (project, options) => {
  await using migrator = project.migrator(migrations, options);
  const names = async () => (await migrator.status()).pending.map(({ name }) => name);

  assert.equal((await migrator.baseline("001")).recorded.length, 1);
  await migrator.repair("001", { mark: "pending" });
  assert.deepEqual(await names(), Object.keys(migrations));
  assert.equal((await migrator.migrate()).migrationsRun, 3);
  assert.deepEqual(await names(), []);
  assert.equal((await migrator.rollback({ steps: 1 })).migrationsRolledBack, 1);
  assert.deepEqual(await names(), ["003_c.sql"]);
  assert.equal((await migrator.fresh()).success, true);
  assert.equal((await migrator.fresh({ dropSchema: true })).success, true);
  assert.equal((await migrator.unlock()).released, false);
  assert.deepEqual((await migrator.history({ limit: 1 }))[0]?.action, "apply");
  assert.deepEqual((await migrator.doctor()).findings, []);
  assert.deepEqual(await names(), []);

  const { lock, history } = await project.records();
  assert.deepEqual([lock[0]?.is_locked, history.length], [false, 3]);
});

testOnEachWay("a failure is recorded with its reason", Object.entries(WAYS), async (
  project,
  options,
) => {
  await using migrator = project.migrator(
    { "1_a.sql": "create table a ();\nselect 1 / 0;" },
    options,
  );
  const { success, results } = await migrator.migrate();
  assert.equal(success, false);
  const { code, line, statement } = results[0]!.error!;
  assert.deepEqual({ code, line, statement }, { code: "22012", line: 2, statement: 2 });
  const { history, lock } = await project.records();
  assert.deepEqual([history[0]?.status, lock[0]?.is_locked], ["failed", false]);
});

testOnEachWay("supamigrate comes and goes", PAST_API, async (project, options) => {
  await using migrator = project.migrator(migrations, options);
  await assert.rejects(migrator.status(), {
    name: "ConfigurationError",
    message: "supamigrate is not installed in the project",
    hint: /supamigrate install/,
  });
  await migrator.install();
  assert.equal((await migrator.migrate()).migrationsRun, 3);
  assert.equal((await migrator.install()).previousVersion !== null, true);
  assert.deepEqual(await migrator.uninstall(), { removed: true, copiesLeft: 0 });
  assert.deepEqual(await migrator.uninstall(), { removed: false, copiesLeft: 0 });
}, bareProject);

testOnEachWay("an older tracking schema is upgraded", PAST_API, async (project, options) => {
  await project.sql(`
    update supamigrate.installation set schema_version = schema_version - 1;
    drop function supamigrate.serve(text, jsonb)`);
  await using migrator = project.migrator(migrations, options);
  assert.equal((await migrator.migrate()).migrationsRun, 3);
});

testOnEachWay("values arrive as they are", Object.entries(WAYS), async (project, options) => {
  const text = `'); drop table supamigrate.migration_log; -- \\ $1 $& "é" 🎵 \u2028`;
  await using migrator = project.migrator(
    { "1_a.sql": `create table a ();\ncomment on table a is $c$${text}$c$;` },
    { ...options, holder: text },
  );
  assert.equal((await migrator.migrate()).success, true);
  const [row] = await project.sql("select obj_description('a'::regclass) as comment");
  assert.equal(row?.comment, text);
  assert.equal((await project.records()).log.at(-1)?.actor, text);
});

const LEAKS = `
  set row_security = off;
  set work_mem = '3MB';
  set search_path = pg_temp;
  create temporary table leftover (id integer);
  select pg_advisory_lock(20261127);
  prepare leftover as select 1;
  declare held cursor with hold for select 1;
  listen leftover;`;

const endings = [["", ""], [", after a failure", "\nselect 1 / 0;"]] as const;
for (const [what, end] of hasPooler ? endings : []) {
  testOnOneServer(
    `nothing is left on the connection of a pooler in transaction mode${what}`,
    async (project) => {
      await using pooler = await startPgbouncer(project.databaseUrl);
      await using migrator = project.migrator(
        { "1_leaks.sql": `${LEAKS}${end}` },
        { via: "direct", databaseUrl: pooler.databaseUrl },
      );
      assert.equal((await migrator.migrate()).success, end === "");
      // Somebody else is given the same connection.
      assert.deepEqual(await pooler.readLeftovers(), []);
    },
  );
}

if (hasPooler) {
  testOnOneServer(
    "a call that the database refuses leaves nothing behind either",
    async (project) => {
      await using pooler = await startPgbouncer(project.databaseUrl);
      await project.sql(`
    create function public.leak() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_lock(20261127);
      perform set_config('work_mem', '3MB', false);
      raise exception 'not today' using errcode = '22023';
    end $$;
    create trigger leak before update on supamigrate.migration_lock
      for each row execute function public.leak()`);
      await using migrator = project.migrator(migrations, {
        via: "direct",
        databaseUrl: pooler.databaseUrl,
      });
      await assert.rejects(migrator.migrate(), {
        name: "ConfigurationError",
        message: "The database refused: not today (22023)",
      });
      assert.deepEqual(await pooler.readLeftovers(), []);
    },
  );
}

testOnEachWay(
  "a migration can become another role and come back",
  PAST_API,
  async (project, options) => {
    const role = `maker_${project.stack.major}_${crypto.randomUUID().slice(0, 8)}`;
    const grant = project.stack.major > 15 ? " with set true" : "";
    await using migrator = project.migrator({
      "1_role.sql": `
        create role ${role};
        grant ${role} to postgres${grant};
        grant create on schema public to ${role};
        set role ${role};
        create table made ();
        reset role;
        -- ROLLBACK
        drop owned by ${role};
        drop role ${role};`,
    }, options);
    const { success, results } = await migrator.migrate();
    assert.equal(success, true, JSON.stringify(results));
    const [row] = await project.sql(
      "select relowner::regrole::text as owner from pg_class where oid = 'made'::regclass",
    );
    assert.equal(row?.owner, role);
    assert.equal((await migrator.rollback()).success, true);
  },
);

testOnEachWay(
  "a migration that has become another role is recorded, and the next one is postgres again",
  PAST_API,
  async (project, options) => {
    await using migrator = project.migrator({
      "1_role.sql": "set role authenticated;\nselect 1;\nreset all;\nselect 2;",
      "2_local.sql": "set local role anon;",
      "3_made.sql": "create table made ();",
      "4_fails.sql": "set role authenticated;\ncreate table public.refused ();",
    }, options);
    const { results } = await migrator.migrate();
    assert.deepEqual(
      results.map(({ error }) => error?.code),
      [undefined, undefined, undefined, "42501"],
    );
    const [row] = await project.sql(
      "select relowner::regrole::text as owner from pg_class where oid = 'made'::regclass",
    );
    assert.equal(row?.owner, "postgres");
  },
);

testOnOneServer("exec_sql is not needed on a direct connection", async (project) => {
  await project.postgrest.kill();
  await using migrator = project.migrator(migrations, {
    via: "direct",
    databaseUrl: project.databaseUrl,
  });
  assert.equal((await migrator.migrate()).migrationsRun, 3);
  assert.equal((await migrator.rollback({ target: "0" })).migrationsRolledBack, 3);
  assert.deepEqual((await migrator.doctor()).findings, []);
}, ownProject);

testOnOneServer(
  "two operations of one migrator take turns on a direct connection",
  async (project) => {
    await using migrator = project.migrator(migrations, {
      via: "direct",
      databaseUrl: project.databaseUrl,
    });
    const [{ migrationsRun }, ...others] = await Promise.all([
      migrator.migrate(),
      migrator.status(),
      migrator.history(),
      migrator.status(),
    ]);
    assert.deepEqual([migrationsRun, others.length], [3, 3]);
  },
);

testOnOneServer("a role's own settings have no say in a direct call", async (project) => {
  const [{ name } = {}] = await project.sql("select quote_ident(current_database()) as name");
  await project.sql(`
    alter role postgres in database ${name} set default_transaction_isolation = 'serializable';
    alter role postgres in database ${name} set default_transaction_read_only = on;
    alter role postgres in database ${name} set statement_timeout = '200ms';
    alter role postgres in database ${name} set search_path = nowhere`);
  try {
    await using migrator = project.migrator(
      { "1_slow.sql": "select pg_sleep(0.5);\ncreate table public.a ();" },
      { via: "direct", databaseUrl: project.databaseUrl },
    );
    const { success, results } = await migrator.migrate();
    assert.equal(success, true, JSON.stringify(results));
  } finally {
    await project.sql(`alter role postgres in database ${name} reset all`);
  }
});

testOnOneServer("the Management API that answers otherwise is asked again, or said to", async (
  project,
) => {
  await using api = await startManagementApi(project);
  const options = { accessToken: api.accessToken, managementApiUrl: api.url } as const;
  await using migrator = project.migrator(migrations, { via: "management", ...options });
  api.answers.push([429, "Too many requests"], [503, "<html>Unavailable</html>"]);
  assert.equal((await migrator.migrate()).migrationsRun, 3);
  assert.equal(api.answers.length, 0);

  // Done, and the answer is lost.
  api.lost = /perform/;
  assert.equal((await migrator.rollback({ target: "0" })).migrationsRolledBack, 3);
  const { log } = await project.records();
  assert.deepEqual(log.map(({ action }) => action), [
    ...Array(3).fill("apply"),
    ...Array(3).fill("rollback"),
  ]);

  api.answers.push([404, "Not Found"]);
  await assert.rejects(migrator.status(), {
    name: "ConfigurationError",
    message: /^The Management API knows no project ".+": Not Found$/,
  });
});
