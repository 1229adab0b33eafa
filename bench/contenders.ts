/** The tools that are measured, each with the files that it wants and the command that it has. @module */

import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findSupabaseCli } from "../tests/support/supabase_cli.ts";
import { findToolsFolder } from "../tests/support/tools.ts";
import type { BenchCommand } from "./measure.ts";

/** Where a project is reached. */
export interface Reach {
  /** The address for a direct connection. */
  readonly databaseUrl: string;
  /** The API's address, and its key. */
  readonly url: string;
  readonly serviceKey: string;
}

/** A migration of the bench. */
export interface BenchMigration {
  readonly number: number;
  readonly up: string;
  readonly down: string;
}

/** A tool. */
export interface Contender {
  readonly name: string;
  /** Writes migrations into a folder of its own. */
  write(folder: string, migrations: readonly BenchMigration[]): Promise<void>;
  /** The command that applies what is pending. */
  command(folder: string, reach: Reach): Promise<BenchCommand>;
  /** Whether it knows what is applied; psql runs everything. */
  readonly hasHistory: boolean;
}

const CLI = fileURLToPath(new URL("../cli.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

/**
 * Makes a migration: a table, an index on it, and a row.
 *
 * @param number Which one, from 1.
 */
export function makeMigration(number: number): BenchMigration {
  const table = `bench_${number}`;
  return {
    number,
    up: `create table ${table} (id bigint primary key, name text not null);
create index ${table}_name on ${table} (name);
insert into ${table} values (${number}, 'row');
`,
    down: `drop table ${table};\n`,
  };
}

/** 14 digits, as most of the tools want them. */
function stamp(number: number): string {
  return String(20260101000000 + number);
}

/** Writes a file for each migration, into a folder below. */
async function writeEach(
  folder: string,
  below: string,
  migrations: readonly BenchMigration[],
  text: (migration: BenchMigration) => string,
): Promise<void> {
  const path = join(folder, below);
  await mkdir(path, { recursive: true });
  for (const migration of migrations) {
    await writeFile(join(path, `${stamp(migration.number)}_bench.sql`), text(migration));
  }
}

function ours(name: string, options: readonly string[]): Contender {
  return {
    name,
    hasHistory: true,
    write: (folder, migrations) =>
      writeEach(folder, "migrations", migrations, ({ up, down }) => `${up}-- ROLLBACK\n${down}`),
    command: (folder, { url, serviceKey, databaseUrl }) =>
      Promise.resolve({
        program: Deno.execPath(),
        args: [
          "run",
          "--v8-flags=--liftoff-only", // as the tasks in deno.json
          "--allow-all",
          "--no-check",
          "--config",
          CONFIG,
          CLI,
          "migrate",
          ...options,
        ],
        cwd: folder,
        env: options.includes("direct")
          ? { DATABASE_URL: databaseUrl, CI: "true" }
          : { SUPABASE_URL: url, SUPABASE_SERVICE_KEY: serviceKey, CI: "true" },
      }),
  };
}

/** All of them, the floor first. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: "psql, one transaction",
    hasHistory: false,
    async write(folder, migrations) {
      await writeFile(join(folder, "all.sql"), migrations.map(({ up }) => up).join(""));
    },
    command: (folder, { databaseUrl }) =>
      Promise.resolve({
        program: "psql",
        args: ["-qX1", "-v", "ON_ERROR_STOP=1", "-f", "all.sql", databaseUrl],
        cwd: folder,
      }),
  },
  {
    name: "dbmate",
    hasHistory: true,
    write: (folder, migrations) =>
      writeEach(
        folder,
        "db/migrations",
        migrations,
        ({ up, down }) => `-- migrate:up\n${up}\n-- migrate:down\n${down}`,
      ),
    async command(folder, { databaseUrl }) {
      const url = `${databaseUrl}?sslmode=disable`;
      return {
        program: join(await findToolsFolder(), ".bin", "dbmate"),
        args: ["--no-dump-schema", "--url", url, "migrate"],
        cwd: folder,
      };
    },
  },
  {
    name: "node-pg-migrate",
    hasHistory: true,
    async write(folder, migrations) {
      await writeEach(
        folder,
        "migrations",
        migrations,
        ({ up, down }) => `-- Up Migration\n${up}\n-- Down Migration\n${down}`,
      );
      await symlink(await findToolsFolder(), join(folder, "node_modules")).catch(() => {});
    },
    async command(folder, { databaseUrl }) {
      return {
        program: join(await findToolsFolder(), ".bin", "node-pg-migrate"),
        args: ["up", "--no-check-order"],
        cwd: folder,
        env: { DATABASE_URL: databaseUrl },
      };
    },
  },
  {
    name: "Supabase CLI",
    hasHistory: true,
    write: (folder, migrations) =>
      writeEach(folder, "supabase/migrations", migrations, ({ up }) => up),
    async command(folder, { databaseUrl }) {
      return {
        program: await findSupabaseCli(),
        args: ["db", "push", "--yes", "--db-url", `${databaseUrl}?sslmode=disable`],
        cwd: folder,
        env: { SUPABASE_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" },
      };
    },
  },
  ours("supamigrate", []),
  ours("supamigrate, batch", ["--transaction", "batch"]),
  ours("supamigrate, direct", ["--via", "direct"]),
];
