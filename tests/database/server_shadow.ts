/** Shadows on a server in place of the embedded database. */

import assert from "node:assert/strict";
import type { ProgressEvent } from "../../lib/operations/progress.ts";
import { withFolder } from "../support/folders.ts";
import {
  ordinaryProject,
  type ServerProject,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";

const MIGRATIONS = {
  "001_notes.sql": `
    create table notes (
      id uuid primary key default uuid_generate_v4(),
      owner uuid references auth.users (id) on delete cascade
    );
    alter table notes enable row level security;
    create policy own on notes for select to authenticated using (owner = (select auth.uid()));
    grant select on notes to authenticated;
    create view titles with (security_invoker) as select id from notes;
    -- ROLLBACK
    drop view titles; drop table notes;`,
};

function shadowed(project: ServerProject, notices: string[] = []) {
  return project.migrator(MIGRATIONS, {
    shadowUrl: project.superuserUrl,
    onProgress: (event: ProgressEvent) => {
      if (event.type === "notice") notices.push(event.message);
    },
  });
}

/** Roles stay on the server, and the next test's project is to have none but its own. */
async function keepRoles({ sql }: ServerProject): Promise<AsyncDisposable> {
  const list = async () =>
    (await sql("select quote_ident(rolname) as name from pg_roles")).map(({ name }) =>
      String(name)
    );
  const before = await list();
  return {
    [Symbol.asyncDispose]: async () => {
      for (const name of await list()) if (!before.includes(name)) await sql(`drop role ${name}`);
    },
  };
}

async function listShadows({ sql }: ServerProject): Promise<string[]> {
  const rows = await sql(
    "select datname from pg_database where datname like 'supamigrate_shadow%'",
  );
  return rows.map(({ datname }) => String(datname)).sort();
}

testOnOneServer(
  "a shadow on a server says what the one in memory says, and is gone afterwards",
  async (project) => {
    await using _roles = await keepRoles(project);
    const [{ before } = { before: "" }] = await project.sql(
      "select string_agg(oid::text, ',') as before from pg_roles",
    );
    // Roles that were there, and memberships of them in each other.
    const readRoles = () =>
      project.sql(`
        select to_jsonb(r) - 'rolconfig' as role,
               (select jsonb_agg(to_jsonb(m) order by m.roleid, m.member) from pg_auth_members m
                 where m.member = r.oid and m.roleid = any('{${before}}')) as memberships
          from pg_roles r where r.oid = any('{${before}}') order by r.oid`);
    const roles = await readRoles();
    const notices: string[] = [];
    const migrator = shadowed(project, notices);
    await migrator.migrate();
    const there = await listShadows(project);
    assert.deepEqual((await migrator.drift()).differences, []);
    await project.sql(`
      set role postgres;
      alter table public.notes add column pinned boolean not null default false;
      reset role;`);
    const { differences } = await migrator.drift();
    assert.deepEqual(differences.map(({ change, kind, name }) => [change, kind, name]), [
      ["added", "column", "public.notes.pinned"],
    ]);
    const { migrations: [verified] } = await migrator.verify({ all: true });
    assert.deepEqual(verified?.problems, []);
    assert.deepEqual(await listShadows(project), there);
    assert.deepEqual(await readRoles(), roles, "roles that are there stay as they are");
  },
  ordinaryProject,
  15, // the tests below have the newer one make shadows
);

testOnOneServer(
  "whatever needs a shadow makes it on the server: pull, diff, locks, report and squash",
  async (project) => {
    await using _roles = await keepRoles(project);
    const there = await listShadows(project);
    await withFolder(MIGRATIONS, async (folder) => {
      const migrator = project.migrator(folder, { shadowUrl: project.superuserUrl });
      await migrator.migrate();
      await project.sql(`
        set role postgres;
        alter table public.notes add column pinned boolean not null default false;
        reset role;`);
      assert.match((await migrator.pull("pinned")).text!, /add column "?pinned"?/i);

      const schema = `${folder}/declared/notes.sql`;
      await Deno.mkdir(`${folder}/declared`);
      await Deno.writeTextFile(
        schema,
        `${MIGRATIONS["001_notes.sql"].split("-- ROLLBACK")[0]}
         alter table notes add column pinned boolean not null default false;
         create index notes_owner on notes (owner);`,
      );
      const planned = await migrator.diff("index", { schema });
      assert.match(planned.text!, /create index notes_owner/i);
      const { locks } = await migrator.plan({ locks: true });
      assert.deepEqual(
        locks!.statements.flatMap(({ locks }) => locks.map(({ lock }) => lock)),
        ["SHARE"],
      );
      const { html } = await migrator.report({ shadow: true });
      assert.match(html, /notes_owner/, "what is pending is shown, as it was made on the shadow");
      await migrator.migrate();
      const { rewritten } = await migrator.squash("all");
      assert.deepEqual(rewritten.length, 3);
      assert.deepEqual((await migrator.drift()).differences, []);
    });
    assert.deepEqual(await listShadows(project), there);
  },
);

testOnServers(
  "a shadow on a server names the locks that statements take, as the one in memory does",
  async (project) => {
    await using _roles = await keepRoles(project);
    const applied = {
      "001_p.sql": `create table p (id int primary key, b int);
        create table c (p int);
        create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
        -- ROLLBACK
        drop table c, p; drop function touch;`,
    };
    const pending = {
      "002_update.sql": "update p set b = 3 where id = 1;",
      "003_trigger.sql":
        "create trigger t before update on p for each row execute function touch();",
      "004_key.sql": "alter table c add constraint c_p foreign key (p) references p;",
      "005_analyze.sql": "analyze p;",
      "006_lock.sql": "lock table p in exclusive mode;",
    };
    await project.migrator(applied).migrate();
    const measure = async (options: { shadowUrl?: string }) => {
      const { locks } = await project.migrator({ ...applied, ...pending }, options)
        .plan({ locks: true });
      return locks!.statements.flatMap(({ migration, locks }) =>
        locks.map(({ table, lock }) => `${migration}: ${lock} on ${table}`)
      ).sort();
    };
    const onServer = await measure({ shadowUrl: project.superuserUrl });
    assert.deepEqual(onServer, [
      "002_update.sql: ROW EXCLUSIVE on public.p",
      "003_trigger.sql: SHARE ROW EXCLUSIVE on public.p",
      "004_key.sql: SHARE ROW EXCLUSIVE on public.c",
      "004_key.sql: SHARE ROW EXCLUSIVE on public.p",
      "005_analyze.sql: SHARE UPDATE EXCLUSIVE on public.p",
      "006_lock.sql: EXCLUSIVE on public.p",
    ]);
    assert.deepEqual(await measure({}), onServer);
  },
);

testOnOneServer(
  "a shadow's database is dropped where a migration cannot be applied",
  async (project) => {
    await using _roles = await keepRoles(project);
    const there = await listShadows(project);
    const migrator = project.migrator({ "001_a.sql": "select 1 / 0;" }, {
      shadowUrl: project.superuserUrl,
    });
    const { findings } = await migrator.validate();
    assert.deepEqual(findings.map(({ code }) => code).filter((code) => code === "does-not-run"), [
      "does-not-run",
    ]);
    assert.deepEqual(await listShadows(project), there);
  },
);

testOnOneServer(
  "a shadow needs a superuser, and one that was left behind is told",
  async (project) => {
    await using _roles = await keepRoles(project);
    const left = "supamigrate_shadow_1700000000_0123456789ab";
    const files = { "001_a.sql": "create table a ();" };
    await assert.rejects(
      project.migrator(files, { shadowUrl: project.databaseUrl }).validate(),
      /The server of --shadow is not fit: postgres is no superuser there/,
    );
    await project.sql(`create database ${left}`);
    try {
      const notices: string[] = [];
      await shadowed(project, notices).validate();
      assert.deepEqual(notices.filter((text) => text.startsWith(left)), [
        `${left} was left on the shadow's server by a run that was killed: drop database ${left};`,
      ]);
      assert((await listShadows(project)).includes(left), "nobody's database is dropped unasked");
    } finally {
      await project.sql(`drop database ${left}`);
    }
  },
);
