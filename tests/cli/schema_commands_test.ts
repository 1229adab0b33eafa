/** What `drift`, `pull` and `diff` print. */

import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";
import { startStack } from "../support/stack.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const WORDS = "  -- The body is longer than what is shown of a text in one line.\n".repeat(3);

const makeFunction = (result: number) =>
  `create or replace function public.count_notes() returns int language plpgsql
  set search_path = '' as $$
begin
${WORDS}  return ${result};
end $$;`;

const MIGRATIONS = {
  "001_notes.sql": `create table public.notes (id int primary key, "My Text" text);
create type public.mood as enum ('calm');
${makeFunction(1)}
revoke execute on function public.count_notes() from public, anon, authenticated;
-- ROLLBACK
drop function public.count_notes(); drop type public.mood; drop table public.notes;`,
};

Deno.test("drift shows where a long text differs, and statements as a block; pull keeps quotes, and --quiet says nothing", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_KEY: project.serviceKey,
  });
  const migrated = await workspace.run(["migrate", "--quiet"]);
  assert.deepEqual(migrated, { code: 0, stdout: "", stderr: "" });
  await project.sql(`set role postgres;
    alter table public.notes drop column "My Text";
    create function public."Say it"() returns int language sql set search_path = '' as 'select 1';
    grant execute on function public."Say it"() to anon;
    ${makeFunction(2)}
    reset role;`);

  const drift = await workspace.run(["drift", "--verbose"]);
  assert.equal(drift.code, 1, drift.stderr);
  assert.match(drift.stdout, / def: ….{0,30}return 1; end .* → ….{0,30}return 2; end /);
  assert.match(drift.stdout, /\n {4}CREATE OR REPLACE FUNCTION .*\n {5}RETURNS integer\n/);
  assert.match(drift.stdout, /\n {4}begin\n {6}-- The body/);

  const pull = ["pull", "by_hand", "--dry-run", "--no-renames"];
  const shown = await workspace.run(pull);
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stderr, /loses them: ALTER TABLE public\.notes DROP COLUMN "My Text"\n/);
  assert.match(shown.stderr, /Everybody may call public\."Say it", as it is there/);
  assert.match(shown.stdout, /\n\n {4}-- Migration: by_hand\n {4}-- Description: /);
  assert.match(shown.stdout, /\n\n {4}-- =+\n {4}-- FORWARD MIGRATION\n/);
  assert.deepEqual(await workspace.run([...pull, "--quiet"]), { code: 0, stdout: "", stderr: "" });

  // There are warnings of 001, which are no errors.
  await workspace.write("002_open.sql", "grant select on auth.users to anon;\nselect 1;");
  const strict = await workspace.run(["validate", "--quiet"]);
  assert.equal(strict.code, 1);
  assert.match(strict.stdout, /grant-on-managed/);
  assert.doesNotMatch(strict.stdout, /⚠️/);
});

Deno.test("diff --dry-run shows the file as a block, and --quiet nothing", async () => {
  await using workspace = await Workspace.create(MIGRATIONS);
  await Deno.writeTextFile(
    `${workspace.path}/schema.sql`,
    `create table public.notes (id int primary key);
insert into public.notes values (1);`,
  );
  const diff = ["diff", "declared", "--schema", "schema.sql", "--no-renames", "--dry-run"];
  const { code, stdout, stderr } = await workspace.run(diff);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /\n\n {4}-- Migration: declared\n {4}-- Description: /);
  assert.match(stderr, /schema\.sql:2 changes rows/);
  assert.doesNotMatch(stdout, /[ \t]\n/);
  assert.deepEqual(await workspace.run([...diff, "--quiet"]), { code: 0, stdout: "", stderr: "" });
});
