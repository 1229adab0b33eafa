import assert from "node:assert/strict";
import type { MigratorOptions } from "../../mod.ts";
import { type AnyProject, testOnEveryDatabase, testOnOneServer } from "../support/projects.ts";
import everyKindSql from "../testdata/types/every_kind.sql" with { type: "text" };

const EXPECTED = new URL("../testdata/types/every_kind.ts", import.meta.url);
const SCHEMAS = ["public", "api", "Other Schema"];

/** Writes the expected text anew. */
const UPDATE = Deno.env.get("UPDATE_SNAPSHOTS") === "1";

async function makeEveryKind(project: AnyProject, options: Partial<MigratorOptions> = {}) {
  const migrator = project.migrator({ "1_every_kind.sql": everyKindSql }, options);
  const { results } = await migrator.migrate();
  assert.equal(results[0]?.error, null);
  return migrator;
}

testOnEveryDatabase("types() writes every kind of thing", async (project) => {
  const migrator = await makeEveryKind(project);
  const { requests } = project;
  const made = await migrator.types({ schemas: SCHEMAS, postgrestVersion: "12.0.2" });
  assert.equal(project.requests - requests, 1);
  assert.deepEqual(made.schemas, ["Other Schema", "api", "public"]);
  if (UPDATE) await Deno.writeTextFile(EXPECTED, made.text);
  else assert.equal(made.text, await Deno.readTextFile(EXPECTED));
  const again = await migrator.types({ schemas: SCHEMAS.toReversed(), postgrestVersion: "12.0.2" });
  assert.equal(again.text, made.text);
  await assert.rejects(
    migrator.types({ schemas: ["public", "nowhere", "other schema"] }),
    { name: "ConfigurationError", message: "There is no schema nowhere, other schema" },
  );
});

testOnEveryDatabase("types() writes the schemas that the API shows", async (project) => {
  const migrator = project.migrator({
    "1_a.sql": "create schema api; create table api.a (id int);",
  });
  await migrator.migrate();
  assert.deepEqual((await migrator.types()).schemas, ["public"]);
  const show = (schemas: string) =>
    project.sql(`do $$ begin execute format(
      'alter role authenticator in database %I set pgrst.db_schemas = %L',
      current_database(), '${schemas}'); end $$`);
  try {
    await show("api, gone");
    const { schemas, text } = await migrator.types();
    assert.deepEqual(schemas, ["api"]);
    assert.match(text, /Extract<keyof Database, "api">/);
    await show('"public", api');
    assert.deepEqual((await migrator.types()).schemas, ["api", "public"]);
    assert.deepEqual((await migrator.types({ schemas: ["public"] })).schemas, ["public"]);
  } finally {
    await project.sql(`do $$ begin execute format(
      'alter role authenticator in database %I reset pgrst.db_schemas', current_database()); end $$`);
  }
});

testOnOneServer("types() are the same over a direct connection", async (project) => {
  const options = { via: "direct", databaseUrl: project.databaseUrl } as const;
  await using migrator = await makeEveryKind(project, options);
  const { text, postgrestVersion } = await migrator.types({ schemas: SCHEMAS });
  assert.equal(postgrestVersion, "12.0.2");
  assert.equal(text, await Deno.readTextFile(EXPECTED));
});

testOnEveryDatabase("types() of an empty schema have nothing in them", async (project) => {
  const migrator = project.migrator({ "1_a.sql": "create schema empty;" });
  await migrator.migrate();
  const { text } = await migrator.types({ schemas: ["empty"] });
  for (const kind of ["Tables", "Views", "Functions", "Enums", "CompositeTypes"]) {
    assert(text.includes(`    ${kind}: {\n      [_ in never]: never\n    }\n`), kind);
  }
  assert.match(
    text,
    /export const Constants = \{\n {2}empty: \{\n {4}Enums: \{\},\n {2}\},\n\} as const\n$/,
  );
});
