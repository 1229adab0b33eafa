import assert from "node:assert/strict";
import { INSTALL_SQL } from "../../lib/database/bootstrap.ts";
import type { DoctorResult, Finding } from "../../mod.ts";
import {
  type AnyProject,
  bareProject,
  listeningProject,
  ownListeningProject,
  ownProject,
  type ServerProject,
  testOnEveryDatabase,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";
import { openSession } from "../support/session.ts";
import { until } from "../support/until.ts";

// Each test breaks one thing with plain SQL, sees one finding, does what the finding says, and
// sees that it is gone: the proof that the advice is right.

const migrations = {
  "1_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;\n",
  "2_b.sql": "create table b ();\n-- ROLLBACK\ndrop table b;\n",
  "3_c.sql": "create table c ();\n-- ROLLBACK\ndrop table c;\n",
};

function isServer(project: AnyProject): project is ServerProject {
  return "databaseUrl" in project;
}

function examine(project: AnyProject): Promise<DoctorResult> {
  return project.migrator(migrations).doctor();
}

async function findNothing(project: AnyProject): Promise<void> {
  const { healthy, findings } = await examine(project);
  assert.deepEqual(findings, []);
  assert.equal(healthy, true);
}

async function findOne(project: AnyProject, check: string, problem: RegExp): Promise<Finding> {
  const { healthy, findings } = await examine(project);
  assert.deepEqual(findings.map((finding) => finding.check), [check], JSON.stringify(findings));
  assert.equal(healthy, false);
  assert.match(findings[0]!.problem, problem);
  assert.ok(findings[0]!.why.length > 0);
  return findings[0]!;
}

/** Runs SQL as the role postgres, as in the SQL editor. */
async function asOwner(project: AnyProject, sql: string): Promise<void> {
  if (isServer(project)) {
    await using owner = await project.connect();
    await owner.sql(sql);
  } else await project.sql(sql);
}

/** Runs what a finding prints, as the SQL editor (the role postgres) and the shell would. */
async function mend(
  project: AnyProject,
  { mend }: Finding,
  { asSuperuser = false } = {},
): Promise<void> {
  assert.ok(mend.sql !== undefined || mend.command !== undefined, "there is something to run");
  if (mend.sql !== undefined) {
    await (asSuperuser ? project.sql(mend.sql) : asOwner(project, mend.sql));
  }
  for (const command of mend.command?.split("\n") ?? []) {
    const past = isServer(project) ? { databaseUrl: project.databaseUrl } : {};
    const migrator = project.migrator(migrations, past);
    const repair = /^supamigrate repair (\S+) --mark (applied|pending)$/.exec(command);
    if (repair) await migrator.repair(repair[1]!, { mark: repair[2] as "applied" });
    else if (command === "supamigrate unlock") await migrator.unlock();
    else if (command === "supamigrate install") await migrator.install();
    else if (command === "supamigrate install --replace") {
      await migrator.install({ replace: true });
    } else assert.fail(`unknown command: ${command}`);
  }
}

/** Hosted, postgres may change the authenticator's settings; on plain PostgreSQL it may not. */
const ALTERS_ROLES = { asSuperuser: true };

const REPLACE_BODY = (name: string) => `
  do $$ begin
    execute regexp_replace(pg_get_functiondef('${name}'::regprocedure),
                           '(AS \\$\\w+\\$)', E'\\\\1\\n/* altered */ ');
  end $$`;

const tamper = (sql: string) => `
  alter table supamigrate.migration_log disable trigger user;
  ${sql};
  alter table supamigrate.migration_log
    enable always trigger migration_log_is_append_only,
    enable always trigger migration_log_is_chained`;

interface Case {
  readonly breaks: string;
  readonly check: string;
  readonly problem: RegExp;
  /** What the case leaves in the cluster, where databases share it. */
  readonly clean?: string;
}

const cases: Record<string, Case> = {
  "anon may call exec_sql": {
    breaks: "grant execute on function public.exec_sql(text, jsonb) to anon",
    check: "callers",
    problem: /public\.exec_sql\(sql_query text, params jsonb\) is executable by anon/,
  },
  "everybody may call exec_sql": {
    breaks: "grant execute on function public.exec_sql(text, jsonb) to public, authenticated",
    check: "callers",
    problem: /is executable by everybody \(PUBLIC\)/,
  },
  "a role of one's own may call exec_sql": {
    breaks: `create role "the team"; grant usage on schema public to "the team";
      grant execute on function public.exec_sql(text, jsonb) to "the team"`,
    check: "callers",
    problem: /is executable by "the team"$/,
    clean: `revoke all on schema public from "the team"; drop role "the team"`,
  },
  "a role inherits from service_role": {
    breaks: "create role crew; grant service_role to crew",
    check: "callers",
    problem: /is executable by crew$/,
    clean: "drop role crew",
  },
  "an overload of exec_sql is open": {
    breaks: `create function public.exec_sql(query text) returns void language sql as ''`,
    check: "callers",
    problem: /public\.exec_sql\(query text\) is executable by everybody/,
  },
  "another function runs any SQL for anon": {
    breaks: `create function public.run_sql(query varchar) returns void
      language plpgsql security definer as $$ begin execute query; end $$`,
    check: "other-doors",
    problem: /public\.run_sql\(query character varying\) runs SQL.* for anon and authenticated/,
  },
  "another function makes a query of what it is given": {
    breaks: `create function public.rows_of(query text, most int default 9) returns setof jsonb
      language plpgsql security definer as $$ begin
        return query execute 'select to_jsonb(t) from (' || query || ') t limit ' || most; end $$`,
    check: "other-doors",
    problem: /^public\.rows_of\(query text, most integer\) runs SQL.* for anon and authenticated$/,
  },
  "another function fills a query in with what it is given": {
    breaks: `create function public.fill(filter text) returns table (n bigint)
      language plpgsql security definer as $$ begin -- execute nothing
        return query execute format('select count(*) from auth.users where %s', filter); end $$`,
    check: "other-doors",
    problem: /^public\.fill\(filter text\) runs SQL/,
  },
  "a function takes its SQL out of JSON": {
    breaks: `create function public.from_json(jsonb) returns void
      language plpgsql security definer as $$ begin execute $1->>'sql'; end $$`,
    check: "other-doors",
    problem: /^public\.from_json\(jsonb\) runs SQL/,
  },
  "a function becomes service_role and calls exec_sql": {
    breaks: `create function public.asks(question text) returns jsonb
      language sql set role = 'service_role' as 'select public.exec_sql(question)'`,
    check: "other-doors",
    problem:
      /^public\.asks\(question text\) runs SQL that it is given, as service_role, for anon and/,
  },
  "a function of SQL runs what it is given as a query": {
    breaks: `create function public.as_xml(q text) returns xml
      language sql security definer as 'select query_to_xml(q, true, false, $$$$)'`,
    check: "other-doors",
    problem: /^public\.as_xml\(q text\) runs SQL/,
  },
  "others may create what migrations would find first": {
    breaks: `create role maker; grant create on schema public to maker;
      grant create on schema public, extensions to public`,
    check: "search-path",
    problem: /^maker may create in public, public may create in extensions and public$/,
    clean: "drop role maker",
  },
  "anon may use the tracking schema": {
    breaks: "grant usage on schema supamigrate to anon",
    check: "exposure",
    problem: /^anon has USAGE on supamigrate$/,
  },
  "everybody may use the tracking schema": {
    breaks: "grant usage, create on schema supamigrate to public",
    check: "exposure",
    problem: /^public has CREATE, USAGE on supamigrate$/,
  },
  "a table, a column, a sequence and a function of the tracking schema are granted": {
    breaks: `grant select on supamigrate.migration_history to authenticated;
      grant update (rollback_sql) on supamigrate.migration_history to service_role;
      grant usage on sequence supamigrate.migration_history_id_seq to anon;
      grant execute on function supamigrate.unlock(jsonb) to public`,
    check: "exposure",
    problem:
      /public has EXECUTE on supamigrate\.unlock\(call jsonb\), .*anon has USAGE.*authenticated has SELECT/,
  },
  "what is made in the tracking schema is granted": {
    breaks: `alter default privileges for role postgres in schema supamigrate
      grant execute on functions to anon`,
    check: "exposure",
    problem: /^new functions of postgres are granted to anon$/,
  },
  "exec_sql was altered": {
    breaks: REPLACE_BODY("public.exec_sql(text, jsonb)"),
    check: "exec_sql",
    problem: /is not the function that this tool ships: it has another body$/,
  },
  "exec_sql has lost its settings": {
    breaks: "alter function public.exec_sql(text, jsonb) reset statement_timeout",
    check: "exec_sql",
    problem: /it has another settings \(search_path and the like\)$/,
  },
  "exec_sql is not on record": {
    breaks: "update supamigrate.installation set door = 'x'",
    check: "exec_sql",
    problem: /is not on record as the function that was installed/,
  },
  "the tracking schema is gone": {
    breaks: "drop schema supamigrate cascade",
    check: "schema",
    problem: /^There is no schema supamigrate$/,
  },
  "a tracking table is gone": {
    breaks: "drop table supamigrate.operation",
    check: "schema",
    problem: /^Tables are missing: supamigrate\.operation$/,
  },
  "a column of a tracking table is gone": {
    breaks: "alter table supamigrate.migration_history drop column error",
    check: "schema",
    problem: /^Columns are missing: supamigrate\.migration_history\.error$/,
  },
  "the tracking schema is older": {
    breaks: "update supamigrate.installation set schema_version = 1",
    check: "schema",
    problem: /^The tracking schema has version 1, and this tool works with 6$/,
  },
  "the version is not on record": {
    breaks: "delete from supamigrate.installation",
    check: "schema",
    problem: /does not say which version is installed$/,
  },
  "a function is missing": {
    breaks: "drop function supamigrate.settle(jsonb)",
    check: "functions",
    problem: /: supamigrate\.settle \(missing\)$/,
  },
  "the function that state is read with is missing": {
    breaks: "drop function supamigrate.state(jsonb)",
    check: "functions",
    problem: /: supamigrate\.state \(missing\)$/,
  },
  "a function was altered": {
    breaks: REPLACE_BODY("supamigrate.guard_door(text)"),
    check: "functions",
    problem: /: supamigrate\.guard_door \(another body\)$/,
  },
  "a function runs with other rights and settings": {
    breaks: `alter function supamigrate.perform(jsonb) security definer;
      alter function supamigrate.perform(jsonb) set search_path = public`,
    check: "functions",
    problem: /: supamigrate\.perform \(another rights it runs with and settings/,
  },
  "the tracking schema has a function of somebody else's": {
    breaks: `create function supamigrate.state(text) returns int language sql as 'select 1';
      create function supamigrate.more() returns int language sql as 'select 1'`,
    check: "functions",
    problem: /are not supamigrate's: supamigrate\.more\(\), supamigrate\.state\(text\)$/,
  },
  "the log's trigger is gone": {
    breaks: "drop trigger migration_log_is_append_only on supamigrate.migration_log",
    check: "log",
    problem: /: trigger migration_log_is_append_only$/,
  },
  "the log's triggers are for ordinary sessions alone": {
    breaks: "alter table supamigrate.migration_log enable trigger user",
    check: "log",
    problem: /: trigger migration_log_is_append_only, trigger migration_log_is_chained$/,
  },
  "something else acts on the tracking tables": {
    breaks: `
      create function public.look() returns trigger language plpgsql as 'begin return new; end';
      revoke all on function public.look() from public, anon, authenticated, service_role;
      create trigger "on change" before update on supamigrate.migration_history
        for each row execute function public.look();
      create rule nothing as on insert to supamigrate.operation where false do instead nothing;
      alter table supamigrate.migration_lock force row level security;
      alter table supamigrate.operation set unlogged`,
    check: "tables",
    problem:
      /trigger on change on .*rule nothing on .*migration_lock forces.*operation is unlogged/,
  },
  "an entry of the log was changed": {
    breaks: tamper("update supamigrate.migration_log set actor = 'nobody' where id = 2"),
    check: "chain",
    problem: /^The chain of the audit log breaks at entry 2: /,
  },
  "an entry of the log was taken out": {
    breaks: `insert into supamigrate.migration_log (action, result) values ('by hand', 'ok');
      ${tamper("delete from supamigrate.migration_log where action = 'by hand'")}`,
    check: "chain",
    problem: /^The end of the audit log is gone/,
  },
  "stored rollback SQL was changed": {
    breaks: "update supamigrate.migration_history set rollback_sql = 'select 1' where id = 1",
    check: "history",
    problem: /: 1_a\.sql \(another rollback SQL\)$/,
  },
  "history rows were changed": {
    breaks: `
      update supamigrate.migration_history set applied_checksum = null where migration_name = '1_a.sql';
      update supamigrate.migration_history set applied_checksum = 'x' where migration_name = '2_b.sql';
      update supamigrate.migration_history set applied_checksum = 'x' where migration_name = '3_c.sql'`,
    check: "history",
    problem:
      /1_a\.sql \(not applied, and the log says that it is\), 2_b\.sql \(another version\), 3_c\.sql \(applied, and the log knows nothing/,
  },
  "the lock has no row": {
    breaks: "delete from supamigrate.migration_lock",
    check: "lock",
    problem: /has no row$/,
  },
  "the lock has two rows": {
    breaks: `alter table supamigrate.migration_lock drop constraint single_lock;
      insert into supamigrate.migration_lock (id) values (2)`,
    check: "lock",
    problem: /has 2 rows instead of one$/,
  },
  "a dead run has left the lock behind": {
    breaks: `update supamigrate.migration_lock
       set is_locked = true, locked_by = 'ada', lease_ms = 300000, token = gen_random_uuid(),
           locked_at = now() - interval '3 hours 5 minutes', expires_at = now() - interval '3 hours'`,
    check: "lock",
    problem: /^ada has the lock for 3 h; it expired 3 h ago$/,
  },
  "the server's clock was set back": {
    breaks: `update supamigrate.migration_lock
       set is_locked = true, locked_by = 'ada', lease_ms = 300000, token = gen_random_uuid(),
           locked_at = now() + interval '1 day', expires_at = now() + interval '1 day 5 minutes'`,
    check: "lock",
    problem: /the server's clock was set back$/,
  },
};

for (const [what, { breaks, check, problem, clean }] of Object.entries(cases)) {
  testOnEveryDatabase(`doctor() finds that ${what}, and what it says mends it`, async (project) => {
    await project.migrator(migrations).migrate();
    await project.migrator(migrations).rollback({ steps: 1 });
    await asOwner(project, breaks);
    try {
      await mend(project, await findOne(project, check, problem));
      await findNothing(project);
      // And the tool works.
      if (!/schema is gone/.test(what)) {
        assert.equal((await project.migrator(migrations).migrate()).success, true);
      }
    } finally {
      if (clean !== undefined) await project.sql(clean);
    }
  });
}

testOnEveryDatabase("doctor() finds nothing wrong with a project in use", async (project) => {
  const records = await project.records();
  await findNothing(project);
  assert.deepEqual(await project.records(), records);
  const migrator = project.migrator({ ...migrations, "4_fails.sql": "select 1 / 0;" });
  await migrator.migrate();
  await migrator.rollback();
  await migrator.baseline("2");
  await migrator.repair("2", { mark: "pending" });
  await migrator.repair("2", { mark: "applied" });
  await project.migrator(migrations).fresh({ dropSchema: true });
  const result = await examine(project);
  assert.deepEqual([result.findings, result.skipped], [[], []]);
  const log = await project.sql("select action, hash from supamigrate.migration_log order by id");
  assert.deepEqual(result.log, { entries: log.length, head: log.at(-1)?.hash });
  const events = log.filter(({ action }) => action !== "schema");
  assert.deepEqual((await migrator.history())[0]?.hash, events.at(-1)?.hash);
  assert.deepEqual([result.via, result.schemaVersion], ["exec_sql", 6]);
  if (isServer(project)) assert.match(result.postgrestVersion ?? "", /^\d+\.\d+/);
});

testOnEveryDatabase(
  "doctor() upgrades nothing, and says that it is to be done",
  async (project) => {
    await project.sql("update supamigrate.installation set schema_version = 99");
    const { problem, mend } = await findOne(project, "schema", /version 99, and this tool knows 6/);
    await project.sql("update supamigrate.installation set schema_version = 6");
    assert.ok(problem && mend.command === undefined && mend.sql === undefined);
    assert.match(mend.advice ?? "", /newer/);
  },
);

testOnEveryDatabase("functions with other line ends are not altered ones", async (project) => {
  await project.sql(`
    do $$ begin
      execute replace(pg_get_functiondef('supamigrate.guard_door(text)'::regprocedure), E'\\n', E'\\r\\n');
    end $$`);
  const [row] = await project.sql(
    "select prosrc ~ E'\\r\\n' as crlf from pg_proc where proname = 'guard_door'",
  );
  assert.equal(row?.crlf, true);
  await findNothing(project);
});

testOnEveryDatabase("doctor() does not call functions that were altered", async (project) => {
  await project.migrator(migrations).migrate();
  await project.sql(`
    create or replace function supamigrate.verify_log() returns jsonb language plpgsql as
    $$ begin raise exception 'called'; end $$`);
  const { findings, skipped } = await examine(project);
  assert.deepEqual(findings.map(({ check }) => check), ["functions"]);
  assert.deepEqual(skipped.map(({ check }) => check), ["chain", "history", "ledger", "copies"]);
});

testOnOneServer("doctor() sees a client's clock that is off", async (project) => {
  const { now } = Date;
  Date.now = () => now() + 24 * 60 * 60_000;
  try {
    const { mend } = await findOne(project, "clock", /The server's clock is 24 h behind this/);
    assert.match(mend.advice ?? "", /clock/);
  } finally {
    Date.now = now;
  }
  await findNothing(project);
});

testOnServers("doctor() finds that exec_sql and tables have another owner", async (project) => {
  await project.sql(`
    alter function public.exec_sql(text, jsonb) owner to supabase_admin;
    alter table supamigrate.migration_log owner to supabase_admin`);
  const finding = await findOne(project, "owner", /Not everything belongs to postgres: .*exec_sql/);
  await mend(project, finding, { asSuperuser: true });
  await findNothing(project);
  assert.equal((await project.migrator(migrations).migrate()).success, true);
});

testOnServers("doctor() finds that the superuser has installed everything", async (project) => {
  await project.migrator(migrations, { databaseUrl: project.superuserUrl }).install();
  await until("the API to notice", async () => (await examine(project)).schemaVersion !== null);
  const finding = await findOne(
    project,
    "owner",
    /belongs to postgres: supamigrate to supabase_admin/,
  );
  await mend(project, finding, { asSuperuser: true });
  await findNothing(project);
}, { ...bareProject });

testOnServers("doctor() finds exec_sql that runs with its caller's rights", async (project) => {
  await project.sql("alter function public.exec_sql(text, jsonb) security invoker");
  const finding = await findOne(project, "api", /^exec_sql fails: permission denied/);
  await mend(project, finding);
  await findNothing(project);

  await project.sql("alter function public.exec_sql(text, jsonb) security invoker");
  const past = await project.migrator(migrations, { databaseUrl: project.databaseUrl }).doctor();
  assert.deepEqual(past.findings.map(({ check }) => check), ["api", "exec_sql"]);
  assert.match(past.findings[1]?.problem ?? "", /another rights it runs with/);
});

testOnServers("doctor() finds exec_sql that does nothing, and one that lies", async (project) => {
  await project.sql(`
    create or replace function public.exec_sql(sql_query text, params jsonb default '{}')
    returns jsonb language plpgsql security definer as $$ begin return '[]'; end $$`);
  const finding = await findOne(project, "api", /^exec_sql answers as supamigrate's does not$/);
  await mend(project, finding);
  await findNothing(project);

  // It does what it should but for telling of itself; past the API it is not asked.
  await project.sql(`
    do $do$ begin
      execute replace(pg_get_functiondef('public.exec_sql(text, jsonb)'::regprocedure),
                      'exec_sql(', 'real_exec_sql(');
    end $do$;
    create or replace function public.exec_sql(sql_query text, params jsonb default '{}')
    returns jsonb language plpgsql security definer as $$
    declare
      truth text := (select encode(sha256(convert_to(prosrc, 'UTF8')), 'hex')
                       from pg_proc where proname = 'exec_sql');
      lie text := (select encode(sha256(convert_to(replace(prosrc, 'real_exec_sql(', 'exec_sql('), 'UTF8')), 'hex')
                     from pg_proc where proname = 'real_exec_sql');
    begin
      return replace(public.real_exec_sql(sql_query, params)::text, truth, lie)::jsonb;
    end $$`);
  const checks = async (options: { databaseUrl?: string }) =>
    (await project.migrator(migrations, options).doctor()).findings.find(({ problem }) =>
      /another body/.test(problem)
    )?.check;
  assert.equal(await checks({}), undefined);
  assert.equal(await checks({ databaseUrl: project.databaseUrl }), "exec_sql");
});

testOnServers("doctor() finds that service_role may not call exec_sql", async (project) => {
  await project.sql("revoke execute on function public.exec_sql(text, jsonb) from service_role");
  await mend(project, await findOne(project, "api", /^The key may not call exec_sql$/));
  await findNothing(project);
});

testOnOneServer("doctor() finds that there is no exec_sql", async (project) => {
  const finding = await findOne(project, "api", /^The project has no function exec_sql yet$/);
  const past = project.migrator(migrations, { databaseUrl: project.databaseUrl });
  const { findings, via } = await past.doctor();
  assert.deepEqual(findings.map(({ check, problem }) => [check, problem]), [
    ["schema", "supamigrate is not installed"],
  ]);
  assert.equal(via, "a direct connection");
  await mend(project, finding);
  await findNothing(project);
  assert.deepEqual((await past.doctor()).findings, []);
}, bareProject);

testOnServers(
  "doctor() finds an exec_sql that PostgREST cannot tell from ours",
  async (project) => {
    await project.sql(`
    create function public.exec_sql(sql_query text, params json default '{}') returns json
    language sql as $$ select null::json $$;
    revoke all on function public.exec_sql(text, json) from public, anon, authenticated`);
    await project.reloadSchema();
    await mend(project, await findOne(project, "api", /several functions exec_sql/));
    await project.reloadSchema();
    await findNothing(project);
  },
  listeningProject,
);

for (const past of [true, false]) {
  testOnOneServer(
    `doctor() waits for the API ${past ? "with" : "without"} a way past it`,
    async (project) => {
      await project.sql("notify pgrst, 'reload schema'"); // another test's may be in the cache
      await until("the API to forget", async () => {
        const { error } = await project.client(project.serviceKey).rpc("exec_sql", {});
        return error?.code === "PGRST202";
      });
      await using owner = await project.connect();
      const silent = INSTALL_SQL.replace(/^notify pgrst, 'reload schema';$/m, "");
      assert.ok(silent.length < INSTALL_SQL.length);
      await owner.sql(`begin; ${silent} commit`);
      let answers = 0;
      using _ = project.gateway.intercept(async (request, forward) => {
        const response = await forward(request);
        if (++answers === 2) await project.sql("notify pgrst, 'reload schema'");
        return response;
      });
      const { findings } = await project.migrator(
        migrations,
        past ? { databaseUrl: project.databaseUrl } : {},
      ).doctor();
      assert.deepEqual(findings, []);
    },
    bareProject,
  );
}

testOnOneServer("doctor() finds that the API does not know of exec_sql yet", async (project) => {
  let finding: Finding | undefined;
  {
    using _ = project.gateway.intercept(() =>
      Promise.resolve(Response.json({ code: "PGRST202", message: "no function", hint: null }, {
        status: 404,
      }))
    );
    ({ findings: [finding] } = await project.migrator(migrations, {
      databaseUrl: project.databaseUrl,
    }).doctor());
  }
  assert.match(finding?.problem ?? "", /exec_sql is there, and the API does not know of it yet/);
  await mend(project, finding!);
  await findNothing(project);
}, listeningProject);

testOnOneServer("doctor() finds that the API shows the tracking schema", async (project) => {
  const [{ name } = {}] = await project.sql("select quote_ident(current_database()) as name");
  await project.sql(`
    alter role authenticator in database ${name}
      set pgrst.db_schemas = 'public, storage, supamigrate, graphql_public';
    notify pgrst, 'reload config'`);
  const isShown = async () => {
    const { error } = await project.client(project.serviceKey).schema("supamigrate").rpc("x");
    return error?.code !== "PGRST106";
  };
  await until("the API to show it", isShown);
  await mend(
    project,
    await findOne(project, "exposure", /^The API shows the schema supamigrate$/),
    ALTERS_ROLES,
  );
  await until("the API to hide it", async () => !await isShown());
  await findNothing(project);
}, ownListeningProject);

testOnOneServer("doctor() asks the API which schemas it shows", async (project) => {
  using _ = project.gateway.intercept(async (request, forward) =>
    new URL(request.url).pathname.endsWith("/supamigrate_is_this_schema_shown")
      ? Response.json({ code: "PGRST202", message: "no such function" }, { status: 404 })
      : await forward(request)
  );
  const { mend } = await findOne(project, "exposure", /^The API shows the schema supamigrate$/);
  assert.match(mend.advice ?? "", /PGRST_DB_SCHEMAS/);
});

testOnEveryDatabase(
  "doctor() takes no careful function for a way around exec_sql",
  async (project) => {
    await project.sql(`
    create function public.by_name(name text) returns bigint
    language plpgsql security definer as $$
      declare n bigint;
      begin
        -- execute name
        execute 'select count(*) from ' || quote_ident(name) || ' where true' into n;
        execute format('select count(*) from public.%I where id = %L', name, name) into n;
        execute 'select $1 = ''x'' || $2' using name, name;
        perform name || ' is no SQL';
        return n;
      end $$;
    create function public.with_callers_rights(query text) returns void
    language plpgsql as $$ begin execute query; end $$;
    create function public.for_service(query text) returns void
    language plpgsql security definer as $$ begin execute query; end $$;
    revoke execute on function public.for_service(text) from public, anon, authenticated;
    create function public.query(sql text) returns text
    language sql security definer as 'select sql'`);
    const { findings } = await project.migrator({}).doctor();
    assert.deepEqual(findings, []);
  },
);

testOnOneServer("doctor() finds a replica and an old server", async (project) => {
  const answerWith = (server: Record<string, unknown>) =>
    project.gateway.intercept(async (request, forward) => {
      const response = await forward(request);
      const rows = await response.json();
      const facts = Array.isArray(rows) ? rows[0]?.result : undefined;
      if (facts?.server !== undefined) Object.assign(facts.server, server);
      return Response.json(rows, { status: response.status });
    });
  {
    using _ = answerWith({ in_recovery: true });
    await findOne(project, "primary", /^The server is a read replica$/);
  }
  {
    using _ = answerWith({ version: "14.9", version_number: 140009 });
    await findOne(project, "server", /^The server is PostgreSQL 14\.9$/);
  }
  await findNothing(project);
});

testOnServers("doctor() finds a database that is read-only by default", async (project) => {
  const [{ name } = {}] = await project.sql("select quote_ident(current_database()) as name");
  await project.sql(`alter database ${name} set default_transaction_read_only = on`);
  await mend(project, await findOne(project, "primary", /read-only by default/));
  await findNothing(project);
}, ownProject);

testOnServers("doctor() finds a transaction_timeout", async (project) => {
  if (project.stack.major < 17) return; // it came with 17
  const [{ name } = {}] = await project.sql("select quote_ident(current_database()) as name");
  await project.sql(`
    alter role authenticator in database ${name} set transaction_timeout = '30s'`);
  await project.postgrest.stop();
  await project.postgrest.start();
  await mend(
    project,
    await findOne(project, "timeouts", /^transaction_timeout is 30s$/),
    ALTERS_ROLES,
  );
  await until("the API's new connections", async () => (await examine(project)).healthy);
}, ownProject);

testOnServers("doctor() finds that functions may not lift statement_timeout", async (project) => {
  const [{ name } = {}] = await project.sql("select quote_ident(current_database()) as name");
  await project.sql(`
    alter role authenticator in database ${name}
      set pgrst.db_hoisted_tx_settings = 'default_transaction_isolation'`);
  const finding = await findOne(project, "timeouts", /told not to let functions lift/);
  assert.match(finding.why, /after 8s/);
  await mend(project, finding, ALTERS_ROLES);
  await findNothing(project);
}, listeningProject);

testOnOneServer("doctor() finds a PostgREST that knows no function settings", async (project) => {
  {
    const url = new URL(project.databaseUrl);
    url.username = "authenticator";
    url.searchParams.set("application_name", "PostgREST 11.2.2");
    await using _old = await openSession(url.href);
    const finding = await findOne(project, "timeouts", /^PostgREST 11\.2\.2 does not know/);
    assert.match(finding.why, /cancelled after 8s/);
    assert.match(finding.mend.advice ?? "", /Upgrade PostgREST/);
  }
  await until("the old one to be gone", async () => (await examine(project)).healthy);
});

testOnServers("doctor() finds event triggers that are not the platform's", async (project) => {
  const name = `"Watch ${project.stack.major}"`;
  const owner = `mallory_${project.stack.major}`;
  const create = `
    create function public.watch() returns event_trigger language plpgsql as 'begin end';
    create event trigger ${name} on ddl_command_end execute function public.watch();
    alter event trigger ${name} owner to ${owner}`;
  await project.sql(`create role ${owner} superuser`);
  try {
    await project.sql(create);
    const finding = await findOne(
      project,
      "event-triggers",
      /"Watch \d+" \(ddl_command_end, (public\.)?watch\(\), of mallory_\d+\)/,
    );
    await mend(project, finding, { asSuperuser: true });
    await findNothing(project);

    await project.sql(`alter event trigger ${name} enable`);
    await findOne(project, "event-triggers", /Watch/);
    const comment = /comment on event trigger NAME is '[^']*'/.exec(finding.mend.advice ?? "")?.[0];
    await project.sql(comment!.replace("NAME", name));
    await findNothing(project);
  } finally {
    await project.sql(`drop event trigger if exists ${name}; drop role ${owner}`);
  }
});

const RLS = `
  create or replace function public.rls_auto_enable() returns event_trigger
  language plpgsql security definer as 'begin end';
  create event trigger ensure_rls on ddl_command_end execute function public.rls_auto_enable();`;

testOnServers("doctor() knows the platform's event triggers", async (project) => {
  await project.sql(RLS);
  for (
    const [name, routine] of Object.entries({
      issue_graphql_placeholder: "set_graphql_placeholder",
      issue_pg_cron_access: "grant_pg_cron_access",
      issue_pg_graphql_access: "grant_pg_graphql_access",
      issue_pg_net_access: "grant_pg_net_access",
      pgrst_ddl_watch: "pgrst_ddl_watch",
      pgrst_drop_watch: "pgrst_drop_watch",
    })
  ) {
    await project.sql(`
      drop event trigger if exists ${name};
      create or replace function extensions.${routine}() returns event_trigger
      language plpgsql as 'begin end';
      create event trigger ${name} on ddl_command_end execute function extensions.${routine}();`);
    // What a superuser owns has to have a superuser's function; in some projects both are postgres'.
    if (name === "issue_pg_net_access") {
      await project.sql(`
        alter function extensions.${routine}() owner to postgres;
        update pg_event_trigger set evtowner = 'postgres'::regrole where evtname = '${name}'`);
    }
  }
  await findNothing(project);
}, ownProject);

testOnServers("doctor() is not taken in by the name of an event trigger", async (project) => {
  await project.sql(`
    create function public.watch() returns event_trigger language plpgsql as 'begin end';
    create event trigger ensure_rls on ddl_command_end execute function public.watch();`);
  const finding = await findOne(
    project,
    "event-triggers",
    /: ensure_rls \(ddl_command_end, public\.watch\(\), of supabase_admin\)$/,
  );
  await mend(project, finding, { asSuperuser: true });
  await findNothing(project);
  await project.sql("drop event trigger ensure_rls");
}, ownProject);

testOnServers(
  "doctor() finds another role's schema that is called like exec_sql's owner",
  async (project) => {
    const owner = `home_${project.stack.major}`;
    await project.sql(`create role ${owner}; create schema postgres authorization ${owner}`);
    try {
      const finding = await findOne(
        project,
        "search-path",
        new RegExp(`^The schema postgres, .* belongs to ${owner}$`),
      );
      await mend(project, finding, { asSuperuser: true });
      await findNothing(project);
    } finally {
      await project.sql(`drop owned by ${owner}; drop role ${owner}`);
    }
  },
);

testOnServers(
  "doctor() finds that the API's connections are without supautils",
  async (project) => {
    const [{ name } = {}] = await project.sql("select quote_ident(current_database()) as name");
    // What a server's configuration says is known to sessions that have not loaded the library.
    await project.sql(`alter database ${name} set supautils.reserved_roles = 'anon'`);
    await project.postgrest.stop();
    await project.postgrest.start();
    const finding = await findOne(
      project,
      "supautils",
      /^The API's connections are without supautils/,
    );
    assert.match(finding.why, /42501.*extensions, event triggers, publications/);
    assert.match(finding.mend.advice ?? "", /--via direct .* --via management/);
  },
  ownProject,
);

testOnOneServer(
  "doctor() finds what a request has left on the API's connection",
  async (project) => {
    const leave = async () => {
      const { error } = await project.client(project.serviceKey).rpc("leave_more");
      assert.equal(error, null);
    };
    await leave();
    const finding = await findOne(
      project,
      "pool",
      /row_security is set for the session, work_mem is set.*2 advisory locks.*1 prepared.*1 cursors.*1 LISTENs/,
    );
    await findNothing(project); // a call of exec_sql cleans up
    await leave();
    await mend(project, finding);
    await until("the API's new connections", async () => (await examine(project)).healthy);
  },
  {
    dbPool: 1,
    own: true,
    setup: `
    create function public.leave_more() returns void language plpgsql security definer as $$
    begin
      set row_security = off;
      set work_mem = '1GB';
      perform pg_advisory_lock(1), pg_advisory_lock_shared(2);
      execute 'prepare plan as select 1';
      execute 'declare kept cursor with hold for select 1';
      listen channel;
    end $$;
    revoke all on function public.leave_more() from public, anon, authenticated;`,
  },
);

testOnOneServer("doctor() finds connections of the API that are not at rest", async (project) => {
  await using session = await project.connect("authenticator");
  await session.sql("select pg_advisory_lock(20250727)");
  const [{ pid } = {}] = await session.sql("select pg_backend_pid() as pid");
  const locking = await findOne(project, "pool", new RegExp(`${pid} keeps 1 advisory locks`));
  await session.sql("begin; select 1");
  let idle: Finding | undefined;
  await until("the transaction to be idle for long", async () => {
    const { findings } = await examine(project);
    idle = findings.find(({ problem }) => /is idle in a transaction for/.test(problem));
    return idle !== undefined;
  });
  assert.deepEqual(idle?.mend, locking.mend);
  await mend(project, idle!);
  await until("the connection to end", async () => (await examine(project)).healthy);
});

testOnOneServer("a DATABASE_URL that leads nowhere leaves the API to be asked", async (project) => {
  const notices: string[] = [];
  const { healthy, via } = await project.migrator(migrations, {
    databaseUrl: "postgresql://postgres:s3cret-word@127.0.0.1:1/postgres",
    onProgress: (event) => event.type === "notice" && notices.push(event.message),
  }).doctor();
  assert.deepEqual([healthy, via], [true, "exec_sql"]);
  assert.match(notices.join(), /No connection with DATABASE_URL.*Asking exec_sql instead/);
  assert.doesNotMatch(notices.join(), /s3cret-word/);
});

testOnOneServer("a DATABASE_URL of another database is noticed", async (project) => {
  await using other = await project.stack.createProject();
  await assert.rejects(
    project.migrator(migrations, { databaseUrl: other.databaseUrl }).doctor(),
    { name: "ConfigurationError", message: /lead to different databases/, hint: /DATABASE_URL/ },
  );
});

testOnOneServer("doctor() tells a refused key and no answer from findings", async (project) => {
  const key = await project.keyFor({ role: "service_role", exp: 1 });
  await assert.rejects(
    project.migrator(migrations, { client: project.client(key) }).doctor(),
    { name: "ConfigurationError", message: /refuses the key/ },
  );
  using _ = project.gateway.intercept(() => Promise.reject(new Error("dropped")));
  await assert.rejects(project.migrator(migrations).doctor(), { name: "UnreachableError" });
});
