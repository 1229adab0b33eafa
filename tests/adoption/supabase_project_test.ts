import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createMigrator } from "../../mod.ts";
import { startStack } from "../support/stack.ts";
import { runSupabaseCli } from "../support/supabase_cli.ts";

// A project of the Supabase CLI, as it stands in a repository: adopted, migrated, rolled back, and
// understood by the CLI all the time.

const PROJECT = fileURLToPath(new URL("../testdata/supabase_project/", import.meta.url));

/** What the CLI has applied when this tool comes along. */
const LAST = "20240301100000";

/** A file that the CLI cannot run, as a new value of an enum has to be committed before it is used. */
const VIEWER = "20240401100000_enum_viewer.sql";

const CONFIG =
  `project_id = "own"\n[db]\nmajor_version = 17\n[db.seed]\nsql_paths = ["./seed.sql"]\n`;
const SEED = "insert into public.organizations (name, slug) values ('Acme', 'acme');\n";

Deno.test("a project of the Supabase CLI is adopted, migrated and rolled back, and the CLI understands it", async () => {
  await using stack = await startStack({ major: 17 });
  await using project = await stack.createProject({ installed: true });
  const root = await Deno.makeTempDir({ prefix: "own-project-" });
  await using _ = {
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
  const folder = `${root}/supabase/migrations`;
  await Deno.mkdir(`${folder}/rollback`, { recursive: true });
  await Deno.writeTextFile(`${root}/supabase/config.toml`, CONFIG);
  await Deno.writeTextFile(`${root}/supabase/seed.sql`, SEED);
  // Policies on storage.objects take supautils, which the tests' servers have not.
  const names = [...Deno.readDirSync(PROJECT)].map(({ name }) => name).sort()
    .filter((name) => !name.endsWith("_storage.sql"));
  const copy = (name: string) => Deno.copyFile(`${PROJECT}${name}`, `${folder}/${name}`);
  await using migrator = createMigrator({
    supabaseUrl: project.url,
    serviceKey: project.serviceKey,
    migrations: folder,
  });
  const theirs = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runSupabaseCli(args, {
      cwd: root,
      databaseUrl: project.databaseUrl,
    });
    assert.equal(code, 0, stderr);
    return `${stdout}${stderr}`;
  };
  /** What `supabase migration list` shows: versions of files and of the database. */
  const list = async (): Promise<string[][]> =>
    [...(await theirs("migration", "list")).matchAll(/`(\d+)` *\| *`(\d+| )`/g)]
      .map(([, local = "", remote = ""]) => [local, remote]);

  const pushed = names.filter((name) => name < `${LAST}_z`);
  for (const name of pushed) await copy(name);
  await theirs("db", "push", "--yes");
  for (const name of names.filter((name) => name > `${LAST}_z`)) await copy(name);
  const viewer = await Promise.all(
    [VIEWER, "20240401100001_viewer.sql"].map((name) => Deno.readTextFile(`${PROJECT}${name}`)),
  );
  await Deno.writeTextFile(`${folder}/${VIEWER}`, viewer.join(""));
  await Deno.writeTextFile(`${folder}/20240401100001_viewer.sql`, "select 1;\n");

  /** The files that `migrate` asks about: the CLI has applied them. */
  const ask = async (): Promise<string[]> => {
    let asked: string[] = [];
    const confirmConcerns = (concerns: readonly { readonly file: string }[]) => {
      asked = concerns.map(({ file }) => file);
      return Promise.resolve(false);
    };
    await assert.rejects(migrator.migrate({ confirmConcerns }), /Not confirmed/);
    return asked;
  };
  assert.deepEqual(await ask(), pushed);
  assert.deepEqual((await migrator.adopt()).adopted.map(({ name }) => name), pushed);
  assert.equal((await migrator.migrate()).success, true);
  const versions = names.map((name) => name.slice(0, LAST.length));
  assert.deepEqual(await list(), versions.map((version) => [version, version]));

  await Deno.writeTextFile(`${folder}/rollback/${names.at(-1)}`, "drop table public.plans;\n");
  assert.equal((await migrator.rollback({ steps: 1 })).success, true);
  const again = [
    ...(await theirs("db", "push", "--yes")).matchAll(/Applying migration (\S+)\.\.\./g),
  ];
  assert.deepEqual(again.map(([, name]) => name), names.slice(-1));
  assert.deepEqual(await ask(), names.slice(-1));
  await migrator.adopt();
  assert.equal((await migrator.seed()).success, true);
  assert.match(
    await theirs("db", "push", "--include-seed", "--dry-run"),
    /Remote database is up to date/,
  );
  const { upToDate, ledger } = await migrator.status();
  assert.deepEqual([upToDate, ledger], [true, { onlyHere: [], onlyThere: [] }]);
});
