/** Histories that the tools themselves make: they come from npm. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { createMigrator, type ToolName } from "../../mod.ts";
import { startStack } from "../support/stack.ts";
import { runSupabaseCli } from "../support/supabase_cli.ts";
import { openToolsFolder, type ToolsFolder } from "../support/tools.ts";

/** What programs do that use Drizzle. */
const DRIZZLE_PROGRAM = `
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
const db = drizzle(process.argv[2]);
await migrate(db, { migrationsFolder: "drizzle" });
await db.$client.end();
`;

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

/** What each tool runs: two files by it, and a third that it has not seen. */
interface Made {
  readonly folder: string;
  readonly files: readonly string[];
  readonly run: (databaseUrl: string, folder: ToolsFolder) => Promise<void>;
  readonly later: string;
}

const AB = ["create table a (id int);\n", "-- b\ncreate table b (id int);\n"] as const;

const TOOLS: Readonly<Partial<Record<ToolName, Made>>> = {
  supabase: {
    folder: "supabase/migrations",
    files: ["20240101000000_a.sql", "20240102000000_b.sql"],
    later: "20240103000000_c.sql",
    run: async (databaseUrl, { path: cwd }) => {
      const { code, stderr } = await runSupabaseCli(["db", "push", "--yes"], { cwd, databaseUrl });
      assert.equal(code, 0, stderr);
    },
  },
  dbmate: {
    folder: "dbmate",
    files: ["20240101000000_a.sql", "20240102000000_b.sql"],
    later: "20240103000000_c.sql",
    run: (url, { run }) =>
      run("dbmate", [
        "-u",
        `${url}?sslmode=disable`,
        "-d",
        "dbmate",
        "--no-dump-schema",
        "migrate",
      ]),
  },
  "node-pg-migrate": {
    folder: "pg",
    files: ["1704067200000_a.sql", "1704153600000_b.sql"],
    later: "1704240000000_c.sql",
    run: (DATABASE_URL, { run }) => run("node-pg-migrate", ["up", "-m", "pg"], { DATABASE_URL }),
  },
  drizzle: {
    folder: "drizzle",
    files: ["0000_a.sql", "0001_b.sql"],
    later: "0002_c.sql",
    run: async (url, { path: root, run }) => {
      await Deno.mkdir(join(root, "drizzle/meta"));
      const entries = ["0000_a", "0001_b"].map((tag, idx) => ({
        idx,
        version: "7",
        when: 1704067200000 + idx,
        tag,
        breakpoints: true,
      }));
      await Deno.writeTextFile(
        join(root, "drizzle/meta/_journal.json"),
        JSON.stringify({ version: "7", dialect: "postgresql", entries }),
      );
      await Deno.writeTextFile(join(root, "migrate.mjs"), DRIZZLE_PROGRAM);
      await run("node", ["migrate.mjs", url]);
    },
  },
};

Deno.test("adopt() takes over what dbmate, node-pg-migrate, Drizzle and the Supabase CLI have run", async (test) => {
  await using tools = await openToolsFolder();
  const root = tools.path;
  for (const [tool, made] of Object.entries(TOOLS)) {
    await test.step(tool, async () => {
      await using project = await stack.createProject({ installed: true });
      const folder = join(root, made.folder);
      await Deno.mkdir(folder, { recursive: true });
      for (const [index, name] of made.files.entries()) {
        const text = tool === "dbmate"
          ? `-- migrate:up\n${AB[index]}-- migrate:down\ndrop table ${index === 0 ? "a" : "b"};\n`
          : AB[index]!;
        await Deno.writeTextFile(join(folder, name), text);
      }
      await made.run(project.databaseUrl, tools);
      await Deno.writeTextFile(join(folder, made.later), "create table c (id int);\n");

      await using migrator = createMigrator({
        supabaseUrl: project.url,
        serviceKey: project.serviceKey,
        migrations: folder,
      });
      const result = await migrator.adopt();
      assert.equal(result.history?.tool, tool);
      assert.deepEqual(result.adopted.map(({ name }) => name), made.files);
      assert.deepEqual([result.withoutFile, result.warnings], [[], []]);
      assert.deepEqual(result.pending, [made.later]);
      assert.deepEqual(
        result.adopted.map(({ saysTheSame }) => saysTheSame),
        tool === "supabase" || tool === "drizzle" ? [true, true] : [null, null],
      );
      const run = await migrator.migrate();
      assert.deepEqual([run.success, run.migrationsRun], [true, 1]);
    });
  }
});

const OWN_PROJECT = {
  "20240105101500_init.sql": `-- Profiles
create table public.profiles (
  id uuid primary key, -- the user's
  name text not null default 'it''s; nobody'
);
alter table public.profiles enable row level security;
`,
  "20240105103000_function.sql": `create or replace function public.greet() returns text
language plpgsql as $$
begin
  -- a semicolon; inside
  return 'hello';
end;
$$;

do $$ begin perform 1; end $$;
`,
  "20240110090000_data.sql":
    "/* all of it; at once */ insert into public.profiles (id, name)\r\nvalues (gen_random_uuid(), e'a\\'b');\r\n\r\n;\r\n",
};

Deno.test("adopt() tells what the Supabase CLI has run from what was changed since", async () => {
  await using project = await stack.createProject({ installed: true });
  const root = await Deno.makeTempDir({ prefix: "own-project-" });
  try {
    const folder = join(root, "supabase/migrations");
    await Deno.mkdir(folder, { recursive: true });
    for (const [name, sql] of Object.entries(OWN_PROJECT)) {
      await Deno.writeTextFile(join(folder, name), sql);
    }
    const { code, stderr } = await runSupabaseCli(["db", "push", "--yes"], {
      cwd: root,
      databaseUrl: project.databaseUrl,
    });
    assert.equal(code, 0, stderr);
    await using migrator = createMigrator({
      supabaseUrl: project.url,
      serviceKey: project.serviceKey,
      migrations: folder,
    });
    const plan = await migrator.adopt({ dryRun: true });
    assert.deepEqual(plan.adopted.map(({ saysTheSame }) => saysTheSame), [true, true, true]);

    await Deno.writeTextFile(
      join(folder, "20240105103000_function.sql"),
      OWN_PROJECT["20240105103000_function.sql"].replace("hello", "goodbye"),
    );
    const result = await migrator.adopt();
    assert.deepEqual(result.adopted.map(({ saysTheSame }) => saysTheSame), [true, false, true]);
    assert.match(result.warnings[0]!, /^20240105103000_function\.sql does not say what/);
    assert.equal((await migrator.status()).upToDate, true);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
