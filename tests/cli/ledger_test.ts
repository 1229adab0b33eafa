import assert from "node:assert/strict";
import { type CliResult, Workspace } from "../support/cli.ts";
import { startStack } from "../support/stack.ts";
import { runSupabaseCli } from "../support/supabase_cli.ts";

// One project from the Supabase CLI to this tool and back, with the CLI itself to say what it sees.

Deno.test("the Supabase CLI sees what was done, and the other way round", async (test) => {
  await using stack = await startStack({ major: 17 });
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create({}, {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_KEY: project.serviceKey,
  });
  const folder = `${workspace.path}/supabase/migrations`;
  await Deno.remove(`${workspace.path}/migrations`);
  await Deno.mkdir(`${folder}/rollback`, { recursive: true });
  const write = async (name: string, sql: string, undo: string) => {
    await Deno.writeTextFile(`${folder}/${name}`, sql);
    await Deno.writeTextFile(`${folder}/rollback/${name}`, undo);
  };
  const ours = (...args: string[]): Promise<CliResult> =>
    workspace.run([...args, "--dir", "supabase/migrations"]);
  const succeed = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await ours(...args);
    assert.equal(code, 0, stderr);
    return `${stdout}${stderr}`;
  };
  const theirs = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runSupabaseCli(args, {
      cwd: workspace.path,
      databaseUrl: project.databaseUrl,
    });
    assert.equal(code, 0, stderr);
    return `${stdout}${stderr}`;
  };
  /** What `supabase migration list` shows: versions of files and of the database. */
  const list = async (): Promise<string[][]> =>
    (await theirs("migration", "list")).split("\n")
      .filter((line) => /^\s*`?\d*`?\s*\|/.test(line))
      .map((line) =>
        line.replaceAll("`", "").split("|").slice(0, 2).map((version) => version.trim())
      );
  const upToDate = /Remote database is up to date/;

  await write(
    "20250101_a.sql",
    "create table a (n int);\ninsert into a values (1);\n",
    "drop table a;",
  );
  await theirs("db", "push", "--yes");

  await test.step("status names what the CLI alone has applied", async () => {
    assert.match(await succeed("status"), /In the Supabase CLI's ledger alone: 20250101_a\.sql/);
  });

  await write("20250102_b.sql", "create table b (n int);\n", "drop table b;");
  await write("20250103_c.sql", "create table c (n int);\n", "drop table c;");

  await test.step("baseline and migrate", async () => {
    await succeed("baseline", "20250101", "--yes");
    await succeed("migrate", "--yes");
    assert.deepEqual(await list(), [
      ["20250101", "20250101"],
      ["20250102", "20250102"],
      ["20250103", "20250103"],
    ]);
    assert.match(await theirs("db", "push", "--dry-run"), upToDate);
    assert.doesNotMatch(await succeed("status"), /ledger/);
  });

  await test.step("rollback, and the CLI applies it again by itself", async () => {
    await succeed("rollback", "--steps", "1", "--yes");
    assert.deepEqual((await list()).at(-1), ["20250103", ""]);
    await theirs("db", "push", "--yes");
    assert.match(
      await succeed("status"),
      /In the Supabase CLI's ledger alone: 20250103_c\.sql/,
    );
    assert.deepEqual(await project.sql("select from c"), []);
  });

  await test.step("repair: applied, pending and renamed", async () => {
    await succeed("repair", "20250103", "--mark", "applied", "--yes");
    for (const path of [folder, `${folder}/rollback`]) {
      await Deno.rename(`${path}/20250103_c.sql`, `${path}/20250104_cc.sql`);
    }
    await succeed("repair", "20250103_c.sql", "--renamed", "20250104", "--yes");
    assert.deepEqual((await list()).at(-1), ["20250104", "20250104"]);
    await succeed("repair", "20250104", "--mark", "pending", "--yes");
    assert.deepEqual((await list()).at(-1), ["20250104", ""]);
  });

  await test.step("repair --ledger mends what was taken out, and asks before", async () => {
    await project.sql(
      "delete from supabase_migrations.schema_migrations where version = '20250102'",
    );
    const asked = await ours("repair", "--ledger");
    assert.equal(asked.code, 2);
    assert.match(asked.stderr, /not in the Supabase CLI's ledger: 20250102_b\.sql[^]*no terminal/);
    const { stdout } = await ours("repair", "--ledger", "--yes", "--json");
    assert.deepEqual(JSON.parse(stdout).recorded, ["20250102"]);
    assert.deepEqual((await list())[1], ["20250102", "20250102"]);
  });

  await test.step("wrong usage changes nothing", async () => {
    for (
      const [args, says] of [
        [["migrate", "--ledger"], /--ledger says supabase or none/],
        [["repair", "--mark", "applied"], /No migration is named/],
        [["repair", "20250102", "--ledger"], /--ledger says supabase or none/],
        [["repair", "--ledger", "--mark", "pending"], /--ledger says supabase or none/],
      ] as const
    ) {
      const { code, stderr } = await ours(...args);
      assert.equal(code, 2, args.join(" "));
      assert.match(stderr, says);
    }
  });
});
