import assert from "node:assert/strict";
import type { Migrator, MigratorOptions } from "../../mod.ts";
import {
  listeningProject,
  type ServerProject,
  testOnEveryDatabase,
  testOnOneServer,
} from "../support/projects.ts";
import { injectFault } from "./requests.ts";

const FILES = {
  "1_stars.sql": `create table stars (id int primary key);
grant select on stars to service_role;
-- ROLLBACK
drop table stars;`,
  "2_films.sql": `create table films (id int primary key, star_id int references stars);
grant select on films to service_role;
-- ROLLBACK
drop table films;`,
};

/** A migrator that waits for the API, and what it has to say. */
function waiting(
  project: Pick<ServerProject, "migrator">,
  migrations: Record<string, string> = FILES,
  options: Partial<MigratorOptions> = {},
): { readonly migrator: Migrator; readonly notices: string[] } {
  const notices: string[] = [];
  const migrator = project.migrator(migrations, {
    apiReadyMs: 10_000,
    onProgress: (event) => void (event.type === "notice" && notices.push(event.message)),
    ...options,
  });
  return { migrator, notices };
}

/** The names in the way of which nothing may be left. */
async function readAnnouncements(project: Pick<ServerProject, "sql">): Promise<unknown[]> {
  return await project.sql(
    "select relname from pg_class where relname like 'supamigrate_schema_%'",
  );
}

/** What the API says of films with their stars, which it has to know the foreign key for. */
async function embedStars(project: ServerProject): Promise<number> {
  const { status } = await project.client(project.serviceKey).from("films").select("*, stars(*)");
  return status;
}

for (const via of ["api", "direct"] as const) {
  testOnOneServer(
    `a run ends when the API serves the schema that it leaves (${via})`,
    async (project) => {
      const { migrator, notices } = waiting(
        project,
        FILES,
        via === "api" ? {} : {
          via,
          databaseUrl: project.databaseUrl,
          supabaseUrl: project.url,
          serviceKey: project.serviceKey,
        },
      );
      await using _ = migrator;
      assert.equal((await migrator.migrate()).apiReady, true);
      assert.equal(await embedStars(project), 200);
      assert.deepEqual(await readAnnouncements(project), []);
      assert.deepEqual((await migrator.status()).warnings, []);

      assert.equal((await migrator.rollback({ target: "1_stars.sql" })).apiReady, true);
      assert.equal(await embedStars(project), 400);
      const fresh = await migrator.fresh();
      assert.deepEqual([fresh.apiReady, fresh.migrated?.apiReady], [true, true]);
      assert.equal(await embedStars(project), 200);
      assert.deepEqual(await readAnnouncements(project), []);
      assert.deepEqual(notices, []);
    },
    listeningProject,
  );
}

testOnOneServer("an API that has not taken the schema up in time is told of", async (project) => {
  const { migrator, notices } = waiting(project, FILES, { apiReadyMs: 1000 });
  using _ = project.gateway.intercept(async (request, forward) =>
    new URL(request.url).pathname.startsWith("/rest/v1/supamigrate_schema_")
      ? Response.json({}, { status: 404 })
      : await forward(request)
  );
  const result = await migrator.migrate();

  assert.deepEqual([result.success, result.apiReady], [true, false]);
  assert.deepEqual(notices, [
    "The API has not taken up the new schema within 1 s, and may go on serving the old one: " +
    "see docs/production.md",
  ]);
  assert.deepEqual(await readAnnouncements(project), []);
}, listeningProject);

testOnOneServer("an API that does not listen is not waited for", async (project) => {
  const { migrator, notices } = waiting(project);
  const started = performance.now();
  const result = await migrator.migrate();

  assert.deepEqual([result.success, result.apiReady], [true, false]);
  assert.match(
    notices.join(),
    /^The API goes on serving the schema as it was: nothing of it listens/,
  );
  assert.ok(performance.now() - started < 5000);
  assert.deepEqual(await readAnnouncements(project), []);
});

testOnEveryDatabase("what changes rows alone asks the API nothing", async (project) => {
  const { "1_stars.sql": stars } = FILES;
  await project.migrator({ "1_stars.sql": stars }).migrate();
  const { migrator, notices } = waiting(project, {
    "1_stars.sql": stars,
    "2_rows.sql": "insert into stars values (1);\ninsert into stars values (2);",
  });
  const before = project.requests;
  const result = await migrator.migrate();

  assert.deepEqual([result.success, result.apiReady], [true, null]);
  assert.equal(project.requests - before, 4, "state, lock, step and release");
  assert.deepEqual(notices, []);
});

testOnOneServer("what a dead run has left goes with the next one", async (project) => {
  const { migrator } = waiting(project);
  await migrator.migrate();
  await project.sql(`set role postgres;
    create view supamigrate_schema_1 as select 1 as supamigrate where false;
    comment on view supamigrate_schema_1 is 'supamigrate: …';
    create view supamigrate_schema_of_mine as select 1 as mine;
    reset role`);
  assert.deepEqual((await migrator.status()).warnings, [
    "The schema was changed since the last run, not by supamigrate: public.supamigrate_schema_of_mine " +
    "(supamigrate drift shows it, pull takes it into a migration)",
  ]);
  await project.migrator({ ...FILES, "3_more.sql": "select 1;" }).migrate();
  assert.deepEqual(await readAnnouncements(project), [{ relname: "supamigrate_schema_of_mine" }]);
});

testOnOneServer(
  "where no view can be made it cannot be told, and the run succeeds",
  async (project) => {
    await project.sql(`create function no_views() returns event_trigger language plpgsql
      as 'begin raise ''no views here''; end';
    create event trigger no_views on ddl_command_start when tag in ('CREATE VIEW')
      execute function no_views()`);
    const { migrator, notices } = waiting(project);
    const { success, apiReady } = await migrator.migrate();
    await project.sql("drop event trigger no_views; drop function no_views()");

    assert.deepEqual({ success, apiReady, notices }, {
      success: true,
      apiReady: null,
      notices: [],
    });
  },
  listeningProject,
);

testOnOneServer("a lost answer about the API is no failure of the run", async (project) => {
  const { migrator } = waiting(project);
  using _ = injectFault(project, ["announce"], async (request, forward) => {
    await forward(request);
    return Response.json({}, { status: 503 });
  });
  const { success, apiReady } = await migrator.migrate();
  assert.deepEqual({ success, apiReady }, { success: true, apiReady: true });
  assert.deepEqual(await readAnnouncements(project), []);
}, listeningProject);
