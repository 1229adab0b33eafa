import assert from "node:assert/strict";

import { adviseOnMissing } from "../lib/embedded/platform/missing.ts";
import { Workspace } from "./support/cli.ts";

const CASES: readonly [code: string, message: string, advice: RegExp | undefined][] = [
  ["3F000", 'schema "cron" does not exist', /extension pg_cron: "create extension if not exists/],
  ["42P01", 'relation "net.http_request_queue" does not exist', /extension pg_net/],
  ["42883", "function pgmq.create(unknown) does not exist", /extension pgmq/],
  ["42883", "function vault.unknown() does not exist", /extension supabase_vault/],
  ["42704", 'type "vector" does not exist', /extension vector/],
  ["42704", 'type "extensions.vector" does not exist', /extension vector/],
  ["42704", 'type "geography" does not exist', /extension postgis: the embedded database has none/],
  [
    "42883",
    "function storage.unknown(text) does not exist",
    /what the embedded database has of storage/,
  ],
  ["42P01", 'relation "auth.unknown" does not exist', /what the embedded database has of auth/],
  [
    "42704",
    'collation "de-x-icu" for encoding "UTF8" does not exist',
    /collation de-x-icu comes from ICU or the operating system/,
  ],
  [
    "42704",
    'collation "pg_catalog.de_DE" for encoding "UTF8" does not exist',
    /collation de_DE comes from/,
  ],
  // The project's own.
  ["42704", 'collation "public.german" for encoding "UTF8" does not exist', undefined],
  ["42P01", 'relation "notes" does not exist', undefined],
  ["42P01", 'relation "auth" does not exist', undefined],
  ["42883", "function storage(text) does not exist", undefined],
  ["42704", 'type "mood" does not exist', undefined],
  ["42501", "permission denied for schema auth", undefined],
];

Deno.test("what is missing of the platform is told from the project's own", () => {
  for (const [code, message, advice] of CASES) {
    const given = adviseOnMissing({ code, message });
    if (advice === undefined) assert.equal(given, undefined, message);
    else assert.match(given ?? "", advice, message);
  }
});

Deno.test("where the shadow lacks a collation that servers have, a shadow on a server is advised", async () => {
  await using workspace = await Workspace.create({
    "001_names.sql": `create table names (name text collate "de-x-icu");`,
  });
  const verify = await workspace.run(["verify"]);
  assert.match(verify.stdout, /collation "de-x-icu" .* does not exist \(42704\)\n/);
  assert.match(
    verify.stdout,
    /run it on a project; a shadow on a server has it, such as --shadow p/,
  );
  await Deno.writeTextFile(
    `${workspace.path}/schema.sql`,
    `create domain word as text collate "de-x-icu";`,
  );
  await Deno.remove(`${workspace.path}/migrations/001_names.sql`);
  const diff = await workspace.run(["diff", "words", "--schema", "schema.sql", "--dry-run"]);
  assert.match(diff.stderr, /--shadow postgresql:/);
});

Deno.test("an extension that the embedded database has not is not the file's mistake", async () => {
  await using workspace = await Workspace.create({
    "001_places.sql": "create extension postgis with schema extensions;",
  });
  const { code, stdout } = await workspace.run(["migrate"]);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /💡 The embedded database has no extension postgis: docs\/embedded\.md says/,
  );
  assert.doesNotMatch(stdout, /Mend the file/);
});
