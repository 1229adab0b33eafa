import assert from "node:assert/strict";
import type { Migrator } from "../../mod.ts";
import { bareProject, type ServerProject, testOnOneServer } from "../support/projects.ts";

const migrations = { "1_a.sql": "create table a ();" };

/** Makes functions as the project's owner does. */
async function asOwner(project: ServerProject, sql: string): Promise<void> {
  await using owner = await project.connect();
  await owner.sql(sql);
}

const direct = (project: ServerProject): Migrator =>
  project.migrator(migrations, { databaseUrl: project.databaseUrl });

function foreign(parameters: string, closed: boolean): string {
  const types = parameters.replace(/\w+ (text|jsonb)( default '\S+')?/g, "$1");
  return `
    create function public.exec_sql(${parameters}) returns void
    language plpgsql security definer as $$ begin null; end $$;
    ${
    closed
      ? `revoke all on function public.exec_sql(${types}) from public, anon, authenticated;`
      : ""
  }
  `;
}

async function overloads(project: ServerProject): Promise<unknown[]> {
  const rows = await project.sql(`
    select pg_get_function_arguments(oid) as arguments from pg_proc
     where proname = 'exec_sql' order by 1
  `);
  return rows.map((row) => row.arguments);
}

const ours = "sql_query text, params jsonb DEFAULT '{}'::jsonb";

testOnOneServer("a foreign exec_sql is told from a missing one", async (project) => {
  await asOwner(project, foreign("query text", false));
  await project.reloadSchema();
  await assert.rejects(project.migrator(migrations).migrate(), {
    name: "ConfigurationError",
    message: /^The project has an exec_sql of its own, public\.exec_sql\(query\)/,
    hint: /supamigrate install/,
  });
}, bareProject);

testOnOneServer(
  "a foreign exec_sql that is closed and unlike ours is reported and kept",
  async (project) => {
    await asOwner(project, foreign("query text", true));
    const result = await direct(project).install();
    assert.deepEqual(
      result.found.map(({ signature, owner, language, securityDefiner, ours, callers }) => (
        { signature, owner, language, securityDefiner, ours, callers }
      )),
      [{
        signature: "public.exec_sql(query text)",
        owner: "postgres",
        language: "plpgsql",
        securityDefiner: true,
        ours: false,
        callers: ["service_role"],
      }],
    );
    assert.deepEqual(result.replaced, []);
    assert.deepEqual(await overloads(project), ["query text", ours]);
    assert.equal((await project.migrator(migrations).migrate()).success, true);
  },
  bareProject,
);

const inTheWay: [string, string, boolean, RegExp][] = [
  ["is open", "query text", false, /callable by anon, authenticated, service_role/],
  ["has our parameter's name", "sql_query text", true, /callable by service_role/],
  ["has our parameters' types", "query text, options jsonb", true, /exec_sql\(query text, options/],
  ["looks like ours", "sql_query text, params jsonb default '{}'", false, /params jsonb DEFAULT/],
];
for (const [which, parameters, closed, message] of inTheWay) {
  testOnOneServer(
    `a foreign exec_sql that ${which} is replaced only when told`,
    async (project) => {
      await asOwner(project, foreign(parameters, closed));
      const catalog = await project.catalog();
      await assert.rejects(direct(project).install(), {
        name: "ConfigurationError",
        message,
        hint: /install --replace/,
      });
      assert.deepEqual(await project.catalog(), catalog);

      const result = await direct(project).install({ replace: true });
      assert.equal(result.replaced.length, 1);
      assert.deepEqual(await overloads(project), [ours]);
      assert.equal((await project.migrator(migrations).migrate()).success, true);
      const { error } = await project.client(project.anonKey).rpc("exec_sql", {
        sql_query: "select",
      });
      assert.equal(error?.code, "42501");
    },
    bareProject,
  );
}

testOnOneServer("an open exec_sql that runs SQL is called what it is", async (project) => {
  await asOwner(project, foreign("query text", false));
  await assert.rejects(direct(project).install(), {
    message: /Anybody with the public key can run any SQL through it/,
  });
}, bareProject);

testOnOneServer("several foreign ones are all listed, and all replaced", async (project) => {
  await asOwner(
    project,
    foreign("query text", false) + foreign("sql_query text, more text", true),
  );
  await assert.rejects(direct(project).install(), {
    message: /exec_sql\(query text\)[^]*exec_sql\(sql_query text, more text\)/,
  });
  const result = await direct(project).install({ replace: true });
  assert.equal(result.replaced.length, 2);
  assert.deepEqual(await overloads(project), [ours]);
}, bareProject);

testOnOneServer(
  "a foreign one that something depends on stays, and so does all else",
  async (project) => {
    await asOwner(
      project,
      `create function public.exec_sql(query text) returns int language sql as 'select 1';
     create view public.depends as select public.exec_sql('');`,
    );
    const catalog = await project.catalog();
    await assert.rejects(direct(project).install({ replace: true }), {
      name: "ConfigurationError",
      message: /cannot drop function public.exec_sql\(text\) because other objects depend on it/,
    });
    assert.deepEqual(await project.catalog(), catalog);
  },
  bareProject,
);
