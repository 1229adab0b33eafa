/**
 * Measures what rows cost: a file of megabytes of them, with each tool; and the copy that is kept of rows
 * before they are destroyed, beside the `CREATE TABLE AS` that it comes to. It prints tables.
 *
 *     deno task bench:rows --megabytes 40 --rows 600000 --server 17
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { INSTALL_SQL } from "../lib/database/bootstrap.ts";
import { createMigrator, type SafetyCopyMode } from "../mod.ts";
import { type Project, startStack } from "../tests/support/stack.ts";
import { type BenchMigration, CONTENDERS } from "./contenders.ts";
import { measure, median, readMemory } from "./measure.ts";

/** How often each copy is made. */
const ROUNDS = 3;

/** How many rows a statement inserts. */
const PER_STATEMENT = 1000;

/** A table and rows for it, in statements of a thousand. */
function makeRows(megabytes: number): BenchMigration {
  const parts = ["create table seeded (id int primary key, title text, body text);\n"];
  let size = 0;
  for (let id = 1; size < megabytes * 1_000_000; id++) {
    const first = id % PER_STATEMENT === 1;
    const row = `${first ? "insert into seeded values\n" : ",\n"}` +
      `  (${id}, 'row ${id}', '${"it is text as seeds have it, ".repeat(6)}')`;
    parts.push(row, id % PER_STATEMENT === 0 ? ";\n" : "");
    size += row.length;
  }
  const sql = parts.join("");
  return { number: 1, up: sql.endsWith(";\n") ? sql : `${sql};\n`, down: "drop table seeded;\n" };
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Destroys something in a table of its own, and says how long that took. */
async function destroy(
  project: Project,
  { name, rows, sql, safetyCopy }: {
    readonly name: string;
    readonly rows: number;
    readonly sql: string;
    readonly safetyCopy: SafetyCopyMode;
  },
): Promise<number> {
  await makeTable(project, name, rows);
  await using migrator = createMigrator({
    supabaseUrl: project.url,
    serviceKey: project.serviceKey,
    migrations: { [`${name}.sql`]: sql },
    apiReadyMs: 0,
  });
  return await time(async () => {
    const { success } = await migrator.migrate({ safetyCopy });
    if (!success) throw new Error(`${name} failed`);
  });
}

async function makeTable({ sql }: Project, name: string, rows: number): Promise<void> {
  await sql(`
    create table public.${name} as
      select g as id, md5(g::text) as a, repeat('x', 100) as b, now() as t,
             jsonb_build_object('k', g) as j
        from generate_series(1, ${rows}) g`);
  await sql(`alter table public.${name} owner to postgres`);
  await sql(`alter table public.${name} add primary key (id)`);
  await sql(`vacuum analyze public.${name}`);
  await sql("checkpoint");
}

/** Looks at how much memory of its own, without what all share, a process of the server has at most. */
function watchServer({ sql }: Project): AsyncDisposable & { bytes: number } {
  let isOver = false;
  const watched = { bytes: 0, [Symbol.asyncDispose]: () => (isOver = true, looking) };
  const looking = (async () => {
    while (!isOver) {
      const processes = await sql(
        "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      );
      for (const { pid } of processes) {
        watched.bytes = Math.max(watched.bytes, readMemory(Number(pid), "RssAnon")?.own ?? 0);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return watched;
}

const { values } = parseArgs({
  options: {
    megabytes: { type: "string", default: "40" },
    rows: { type: "string", default: "600000" },
    server: { type: "string", default: "17" },
  },
});
const print = (cells: readonly unknown[]) => console.log(`| ${cells.join(" | ")} |`);
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const megabytes = (bytes: number | null) => bytes === null ? "" : `${(bytes / 1e6).toFixed(0)} MB`;

await using stack = await startStack({ major: values.server === "15" ? 15 : 17 });
const seed = makeRows(Number(values.megabytes));
print([`a file of ${(seed.up.length / 1e6).toFixed(0)} MB`, "time", "memory", "of the server"]);
print(["---", "---", "---", "---"]);
for (const contender of CONTENDERS) {
  await using project = await stack.createProject({ setup: INSTALL_SQL });
  const folder = await mkdtemp(join(tmpdir(), "supamigrate-bench-"));
  try {
    await contender.write(folder, [seed]);
    await using server = watchServer(project);
    const { ms, bytes } = await measure(await contender.command(folder, project));
    print([contender.name, seconds(ms), megabytes(bytes), megabytes(server.bytes)]);
  } catch (error) {
    print([contender.name, `fails: ${(error as Error).message.split("\n").at(-1)}`, "", ""]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const rows = Number(values.rows);
await using project = await stack.createProject({ setup: INSTALL_SQL });
const cases: Record<string, number[]> = {
  plain: [],
  drop: [],
  kept: [],
  column: [],
  keptColumn: [],
};
for (let round = 0; round < ROUNDS; round++) {
  const run = (name: string, sql: (table: string) => string, safetyCopy: SafetyCopyMode) => {
    const table = `${name.toLowerCase()}_${round}`;
    return destroy(project, { name: table, rows, sql: sql(table), safetyCopy });
  };
  const drop = (table: string) => `drop table ${table};`;
  const dropColumn = (table: string) => `alter table ${table} drop column b;`;
  await makeTable(project, `plain_${round}`, rows);
  cases.plain!.push(
    await time(() =>
      project.sql(`create table public.copy_${round} as table public.plain_${round}`)
    ),
  );
  cases.drop!.push(await run("drop", drop, "never"));
  cases.kept!.push(await run("kept", drop, "always"));
  cases.column!.push(await run("column", dropColumn, "never"));
  cases.keptColumn!.push(await run("keptColumn", dropColumn, "always"));
}
const of = (name: string) => median(cases[name]!);
print([`${rows} rows`, "without a copy", "with one", "the copy"]);
print(["---", "---", "---", "---"]);
print(["create table as", "", "", seconds(of("plain"))]);
print(["drop table", seconds(of("drop")), seconds(of("kept")), seconds(of("kept") - of("drop"))]);
print([
  "drop column",
  seconds(of("column")),
  seconds(of("keptColumn")),
  seconds(of("keptColumn") - of("column")),
]);
