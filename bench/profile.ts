/**
 * Shows where the time of a run goes: in the client, in the API, and on the server function by function,
 * as PostgreSQL counts it, which costs some time itself. It prints tables, in milliseconds for each migration.
 *
 *     deno task bench:profile --migrations 400 --transaction each --server 17
 *
 * @module
 */

import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import process from "node:process";
import { INSTALL_SQL } from "../lib/database/bootstrap.ts";
import { createMigrator, type MigrationSource } from "../mod.ts";
import { type Project, type Stack, startStack } from "../tests/support/stack.ts";
import { makeMigration } from "./contenders.ts";

/** What is profiled. */
export interface ProfileOptions {
  readonly migrations: number;
  readonly transaction: "each" | "batch";
  readonly major: Stack["major"];
}

/** How many functions are listed. */
const FUNCTIONS = 14;

/**
 * Profiles a run on a database that has a table already, where each migration is a call of its own.
 *
 * @param options What is run.
 * @param print Takes the lines of its tables, as Markdown.
 */
export async function profile(
  { migrations: count, transaction, major }: ProfileOptions,
  print: (line: string) => void,
): Promise<void> {
  await using stack = await startStack({ major });
  await using project = await stack.createProject({ setup: INSTALL_SQL });
  await project.sql("create table in_use ()");
  await project.sql("alter system set track_functions = 'all'");
  await project.sql("select pg_reload_conf()");
  const migrations: MigrationSource = Object.fromEntries(
    Array.from({ length: count }, (_, index) => {
      const { up, down } = makeMigration(index + 1);
      return [`${String(index + 1).padStart(5, "0")}_made.sql`, `${up}\n-- ROLLBACK\n${down}`];
    }),
  );
  await using migrator = createMigrator({
    supabaseUrl: project.url,
    serviceKey: project.serviceKey,
    migrations,
  });
  await migrator.status();

  const before = readProcessors(project);
  const began = performance.now();
  const { success } = await migrator.migrate({ transaction });
  const whole = performance.now() - began;
  if (!success) throw new Error("The run failed");
  const after = readProcessors(project);

  const each = (ms: number) => (ms / count).toFixed(2);
  print("");
  print(`${count} migrations, ${transaction}, PostgreSQL ${major}: ms for each of them`);
  print("");
  print("| | ms |\n| --- | ---: |");
  print(`| from the first to the last | ${each(whole)} |`);
  for (const [what, ms] of Object.entries(after)) {
    print(`| processor time of ${what} | ${each(ms - before[what]!)} |`);
  }
  const functions = await project.sql(`
    select funcname as name, calls::int as calls, self_time::float8 as ms
      from pg_stat_user_functions
     where schemaname = 'supamigrate' or funcname = 'exec_sql'
     order by self_time desc`);
  const sum = (some: typeof functions) => each(some.reduce((all, { ms }) => all + Number(ms), 0));
  print(`| the server, in all functions | ${sum(functions)} |`);
  print("");
  print("| function | calls | itself |\n| --- | ---: | ---: |");
  for (const { name, calls, ms } of functions.slice(0, FUNCTIONS)) {
    const what = name === "run_migration" ? `${name}, with the migration's own statements` : name;
    print(`| ${what} | ${calls} | ${each(Number(ms))} |`);
  }
  print(`| ${functions.length - FUNCTIONS} others | | ${sum(functions.slice(FUNCTIONS))} |`);
}

/** What processors have worked so far, in milliseconds; Linux says it of the API. */
function readProcessors({ postgrest }: Project): Record<string, number> {
  const fields = Deno.readTextFileSync(`/proc/${postgrest.pid}/stat`).split(") ")[1]!.split(" ");
  const { user, system } = process.cpuUsage();
  return {
    "the API": (Number(fields[11]) + Number(fields[12])) * 10,
    "the client, with the gateway of the tests": (user + system) / 1000,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      migrations: { type: "string", default: "400" },
      transaction: { type: "string", default: "each" },
      server: { type: "string", default: "17" },
    },
  });
  await profile({
    migrations: Number(values.migrations),
    transaction: values.transaction === "batch" ? "batch" : "each",
    major: values.server === "15" ? 15 : 17,
  }, console.log);
  Deno.exit();
}
