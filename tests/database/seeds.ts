import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type AnyProject, testOnEveryDatabase } from "../support/projects.ts";

const MIGRATION = "create table public.rows (n int);\n-- ROLLBACK\ndrop table public.rows;\n";

/** A test with a project of the Supabase CLI: paths in `supabase` and their content. */
function testWithFiles(
  name: string,
  files: Record<string, string>,
  body: (project: AnyProject, folder: string) => Promise<void>,
): void {
  testOnEveryDatabase(name, async (project) => {
    const folder = await Deno.makeTempDir({ prefix: "supamigrate-seeds-" });
    try {
      await Deno.mkdir(`${folder}/supabase/migrations`, { recursive: true });
      await Deno.mkdir(`${folder}/supabase/seeds`);
      for (
        const [path, text] of Object.entries({ "migrations/001_rows.sql": MIGRATION, ...files })
      ) {
        await Deno.writeTextFile(`${folder}/supabase/${path}`, text);
      }
      await body(project, `${folder}/supabase/migrations`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

const read = async (project: AnyProject): Promise<unknown[]> =>
  (await project.sql("select n from public.rows order by n")).map(({ n }) => n);

const SEED = { "seed.sql": "insert into public.rows values (1);\n" };

testWithFiles("seed() runs supabase/seed.sql once", SEED, async (project, folder) => {
  const migrator = project.migrator(folder);
  await migrator.migrate();
  const planned = await migrator.seed({ dryRun: true });
  assert.deepEqual([planned.planned, planned.results], [["supabase/seed.sql"], []]);
  assert.deepEqual(await read(project), []);
  const result = await migrator.seed();
  assert.deepEqual(result.results.map(({ name, success }) => [name, success]), [
    ["supabase/seed.sql", true],
  ]);
  const { results, alreadyRun } = await migrator.seed();
  assert.deepEqual([results, alreadyRun], [[], ["supabase/seed.sql"]]);
  assert.deepEqual(await read(project), [1]);
  const hash = createHash("sha256").update(SEED["seed.sql"]).digest("hex");
  const entry = (await project.records()).log.at(-1)!;
  assert.deepEqual([entry.action, entry.migration_name, entry.checksum], [
    "seed",
    "supabase/seed.sql",
    hash,
  ]);
});

testWithFiles(
  "a seed that was changed is named and not run again, unless that is forced",
  SEED,
  async (project, folder) => {
    const migrator = project.migrator(folder);
    await migrator.migrate();
    await migrator.seed();
    await Deno.writeTextFile(`${folder}/../seed.sql`, "insert into public.rows values (2);");
    for (let times = 0; times < 2; times++) {
      const { changed, results, warnings } = await migrator.seed();
      assert.deepEqual([changed, results], [["supabase/seed.sql"], []]);
      assert.match(warnings.join(), /was changed since it was run, and is not run again/);
    }
    assert.deepEqual(await read(project), [1]);
    await migrator.seed({ force: true });
    assert.deepEqual(await read(project), [1, 2]);
    assert.deepEqual((await migrator.seed()).changed, []);
  },
);

testWithFiles("the seeds are those that config.toml names, in its order", {
  "config.toml":
    '[db.seed]\nsql_paths = ["./seeds/*.sql", "last.sql", "seeds/1_a.sql", "no.sql"]\n',
  "seeds/2_b.sql": "insert into public.rows select max(n) * 10 from public.rows;",
  "seeds/1_a.sql": "insert into public.rows values (1);",
  "last.sql": "insert into public.rows select max(n) + 5 from public.rows;",
}, async (project, folder) => {
  const migrator = project.migrator(folder);
  await migrator.migrate();
  const { results, warnings } = await migrator.seed();
  assert.deepEqual(results.map(({ name }) => name), [
    "supabase/seeds/1_a.sql",
    "supabase/seeds/2_b.sql",
    "supabase/last.sql",
  ]);
  assert.deepEqual(await read(project), [1, 10, 15]);
  assert.deepEqual(warnings, ["No seed is called supabase/no.sql, which config.toml names"]);
});

testWithFiles("seeds that are turned off are not run", {
  ...SEED,
  "config.toml": "[db.seed]\nenabled = false\n",
}, async (project, folder) => {
  const { planned, looked } = await project.migrator(folder).seed();
  assert.deepEqual(planned, []);
  assert.match(looked, /^Seeds are turned off in .*config\.toml$/);
});

testWithFiles(
  "where there is no seed, seed() says where it looked",
  {},
  async (project, folder) => {
    const { success, planned, looked, warnings } = await project.migrator(folder).seed();
    assert.deepEqual([success, planned, warnings], [true, [], []]);
    assert.match(looked, /^Looked for .*supabase.seed\.sql$/);
  },
);

testWithFiles("a config.toml that cannot be read changes nothing", {
  ...SEED,
  "config.toml": "[db.seed\n",
}, async (project, folder) => {
  await assert.rejects(project.migrator(folder).seed(), {
    name: "ConfigurationError",
    message: /^Cannot read ".*config\.toml": Invalid TOML/,
  });
});

testWithFiles("a seed that fails leaves nothing, and says where", {
  "seed.sql": "insert into public.rows values (1);\n\ninsert into public.rowz values (2);\n",
}, async (project, folder) => {
  const migrator = project.migrator(folder);
  await migrator.migrate();
  const { success, results } = await migrator.seed();
  assert.deepEqual([success, results[0]?.error?.code, results[0]?.error?.line], [
    false,
    "42P01",
    3,
  ]);
  assert.deepEqual(results[0]?.error?.place?.column, 13);
  assert.deepEqual(await read(project), []);
  assert.deepEqual((await migrator.seed({ dryRun: true })).planned, ["supabase/seed.sql"]);
});

testWithFiles("a seed that cannot be one transaction is refused", {
  "seed.sql": "vacuum public.rows;",
}, async (project, folder) => {
  await assert.rejects(project.migrator(folder).seed(), { name: "MigrationFileError" });
});

testWithFiles(
  "fresh() runs the seeds again where that is asked for",
  SEED,
  async (project, folder) => {
    const migrator = project.migrator(folder);
    await migrator.migrate();
    await migrator.seed();
    const { success, seeded } = await migrator.fresh({ seed: true });
    assert.deepEqual([success, seeded?.results.length], [true, 1]);
    assert.deepEqual(await read(project), [1]);
    assert.equal((await migrator.fresh()).seeded, null);
    assert.deepEqual(await read(project), []);
    assert.equal((await migrator.seed()).results.length, 1);
    const dropped = await migrator.fresh({ dropSchema: true, seed: true });
    assert.deepEqual([dropped.success, await read(project)], [true, [1]]);
  },
);

testWithFiles("the Supabase CLI knows of seeds, and what it has run counts", {
  ...SEED,
  "config.toml": '[db.seed]\nsql_paths = ["seed.sql", "theirs.sql"]\n',
  "theirs.sql": "insert into public.rows values (2);",
}, async (project, folder) => {
  const migrator = project.migrator(folder, { ledger: "supabase" });
  await migrator.migrate();
  const theirs = createHash("sha256").update("insert into public.rows values (2);").digest("hex");
  const hash = createHash("sha256").update(SEED["seed.sql"]).digest("hex");
  await project.sql(`
    create table supabase_migrations.seed_files (path text not null primary key, hash text not null);
    insert into supabase_migrations.seed_files values ('supabase/theirs.sql', '${theirs}');
    alter table supabase_migrations.seed_files owner to postgres`);
  await migrator.seed();
  assert.deepEqual(await read(project), [1]);
  const known = () =>
    project.sql("select path, hash from supabase_migrations.seed_files order by 1");
  assert.deepEqual(await known(), [
    { path: "supabase/seed.sql", hash },
    { path: "supabase/theirs.sql", hash: theirs },
  ]);
  await migrator.rollback({ target: "0" });
  assert.deepEqual(await known(), [{ path: "supabase/theirs.sql", hash: theirs }]);
});
