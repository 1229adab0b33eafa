/**
 * Measures the commands that see the schema: on this repository's migrations, and on schemas of many
 * tables. It prints a table, in seconds.
 *
 *     deno task bench:schema --tables 100,300,1000 --server 17
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { performance } from "node:perf_hooks";
import { INSTALL_SQL } from "../lib/database/bootstrap.ts";
import { createRpcClient, openApiChannel } from "../lib/database/api.ts";
import { makeShadow } from "../lib/operations/shadow.ts";
import { loadMigrations } from "../lib/operations/source.ts";
import { readCatalogue } from "../lib/schema/catalogue.ts";
import { createMigrator, type MigrationSource } from "../mod.ts";
import { startStack } from "../tests/support/stack.ts";
import { measure } from "./measure.ts";
import { fileURLToPath } from "node:url";

const OUR_MIGRATIONS = fileURLToPath(new URL("../migrations", import.meta.url));
const CLI = fileURLToPath(new URL("../cli.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

/** A schema of many tables, each with a key, an index, a reference to the one before, and a policy. */
function makeTables(count: number): MigrationSource {
  const tables = Array.from({ length: count }, (_, index) => {
    const name = `app.table_${index}`;
    const before = index === 0 ? "" : ` references app.table_${index - 1}`;
    return `create table ${name} (
  id bigint primary key, name text not null, before bigint${before}, made timestamptz default now()
);
create index on ${name} (before);
alter table ${name} enable row level security;
create policy reading on ${name} for select to authenticated using (id > 0);`;
  });
  return { "1_tables.sql": `create schema app;\n${tables.join("\n")}\n` };
}

async function time<Result>(row: string[], work: () => Promise<Result>): Promise<Result> {
  const began = performance.now();
  const result = await work();
  row.push(((performance.now() - began) / 1000).toFixed(1));
  return result;
}

const { values } = parseArgs({
  options: {
    tables: { type: "string", default: "100,300,1000" },
    server: { type: "string", default: "17" },
  },
});
const print = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
const cases: [string, MigrationSource][] = [
  ["migrations/ of this repository", OUR_MIGRATIONS],
  ...values.tables.split(",").map((count): [string, MigrationSource] => [
    `${count} tables`,
    makeTables(Number(count)),
  ]),
];

await using stack = await startStack({
  major: values.server === "15" ? 15 : 17,
  supautils: true,
});
print(["seconds", "catalogue", "shadow with its migrations", "drift()", "again"]);
print(["---", "---", "---", "---", "---"]);
for (const [name, source] of cases) {
  await using project = await stack.createProject({ setup: INSTALL_SQL });
  await using migrator = createMigrator({
    supabaseUrl: project.url,
    serviceKey: project.serviceKey,
    migrations: source,
  });
  const { results } = await migrator.migrate();
  for (const { name, error } of results) {
    if (error !== null) throw new Error(`${name}: ${error.message}`);
  }
  const row: string[] = [name];
  const channel = openApiChannel({
    target: migrator.target,
    timeoutMs: 600_000,
    client: await createRpcClient(project.url, project.serviceKey),
  });
  const live = await time(row, () => readCatalogue((sql) => channel.run(sql)));
  await channel.close();
  const { migrations } = await loadMigrations(source);
  await using _shadow = await time(row, () => makeShadow({}, migrations, live));
  for (let turn = 0; turn < 2; turn++) {
    const { inSync } = await time(row, () => migrator.drift());
    if (!inSync) throw new Error(`${name}: drift() found something`);
  }
  print(row);
}

for (const args of [["validate", "--no-shadow"], ["validate"]]) {
  const { ms } = await measure({
    program: Deno.execPath(),
    // As the tasks in deno.json.
    args: [
      "run",
      "--v8-flags=--liftoff-only",
      "--allow-all",
      "--no-check",
      "--config",
      CONFIG,
      CLI,
      ...args,
    ],
    cwd: join(OUR_MIGRATIONS, ".."),
  });
  print([`\`supamigrate ${args.join(" ")}\`, as a command`, (ms / 1000).toFixed(1)]);
}
