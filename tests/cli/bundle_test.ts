import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";

const PATH = "supabase/functions/migrate/index.ts";
const NOTES = "create table notes (id int);\n-- ROLLBACK\ndrop table notes;";

Deno.test("bundle writes one file, says whether it is up to date, and leaves alone what is not its own", async () => {
  await using workspace = await Workspace.create({ "001_notes.sql": NOTES });
  const file = `${workspace.path}/${PATH}`;
  const exists = () => Deno.stat(file).then(() => true, () => false);

  const missing = await workspace.run(["bundle", "--check"]);
  assert.equal(missing.code, 1, missing.stderr);
  assert.equal(
    missing.stdout,
    `❌ ${PATH} is not up to date: run deno task migrate:bundle\n`,
  );
  const dry = await workspace.run(["bundle", "--dry-run"]);
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(
    dry.stdout,
    /^📦 Would write supabase\/functions\/migrate\/index\.ts: 1 migration, /,
  );
  assert.equal(await exists(), false, "nothing was written");

  const { code, stdout, stderr } = await workspace.run(["bundle"]);
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^📦 Wrote supabase\/functions\/migrate\/index\.ts: 1 migration, \d+ KB\n💡 Deploy it: supabase functions deploy migrate --no-verify-jwt\n$/,
  );
  assert.match(await Deno.readTextFile(file), /"name":"001_notes\.sql"/);
  assert.equal((await workspace.run(["bundle", "--check"])).code, 0);

  await workspace.write("002_more.sql", "create table more (id int);");
  const stale = await workspace.run(["bundle", "--check", "--json"]);
  assert.equal(stale.code, 1);
  const { success, upToDate, written, migrations } = JSON.parse(stale.stdout);
  assert.deepEqual({ success, upToDate, written, migrations }, {
    success: false,
    upToDate: false,
    written: false,
    migrations: ["001_notes.sql", "002_more.sql"],
  });

  await Deno.writeTextFile(file, "Deno.serve(() => new Response());\n");
  const foreign = await workspace.run(["bundle"]);
  assert.equal(foreign.code, 2);
  assert.match(foreign.stderr, /index\.ts" is there, and supamigrate has not made it\n/);
  assert.match(await Deno.readTextFile(file), /^Deno\.serve/);
});

Deno.test("bundle refuses files that cannot be run, with all places, and writes nothing", async () => {
  await using workspace = await Workspace.create({
    "001_notes.sql": `${NOTES}\ndrop tabel others;`,
    "002_typo.sql": "selec 1;",
  });
  const { code, stderr } = await workspace.run(["bundle"]);
  assert.equal(code, 2);
  assert.match(stderr, /2 mistakes in 2 files/);
  assert.match(stderr, /at 001_notes\.sql:4:/);
  assert.match(stderr, /at 002_typo\.sql:1:/);
  await assert.rejects(Deno.stat(`${workspace.path}/${PATH}`), Deno.errors.NotFound);
});
