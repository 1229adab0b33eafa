/** Makes a backup before a run: with pg_dump, or the project's own. @module */

import { chmod, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { parseDatabaseUrl } from "../database/database_url.ts";
import { findBackup } from "../database/project_backups.ts";
import { formatBytes } from "../bytes.ts";
import { ConfigurationError } from "../errors.ts";
import type { Run } from "./actions.ts";
import { runProgram } from "./programs.ts";

/** A backup that is there. */
export interface Backup {
  /** A file of pg_dump, or the project's own. */
  readonly kind: "file" | "project";
  /** The file; null for the project's own. */
  readonly path: string | null;
  /** What it is, for people. */
  readonly description: string;
  /** How to restore it. */
  readonly restore: string;
}

/** Where they are kept, in the project's folder. */
const FOLDER = ".supamigrate/backups";

/** The platform's own, which a new project has, and `postgres` may not read as a whole. */
const LEFT_OUT = [
  "_analytics",
  "_realtime",
  "_supavisor",
  "cron",
  "extensions",
  "graphql",
  "graphql_public",
  "net",
  "pgbouncer",
  "pgsodium",
  "pgsodium_masks",
  "pgtle",
  "realtime",
  "supabase_functions",
  "vault",
];

/** What of the dump is not to be restored over what there is: Supabase's, what is kept, and what is in no schema. */
const STAYING: ReadonlySet<string> = new Set([
  ...LEFT_OUT,
  "-",
  "auth",
  "storage",
  "supabase_migrations",
  "supamigrate_backup",
]);

/**
 * Makes a backup: a dump over DATABASE_URL, or where that is not set, the project's own through the
 * Management API.
 *
 * @param run The command.
 * @returns The backup, whose file was read once more.
 * @throws {ConfigurationError} There is none, and cannot be made.
 */
export async function makeBackup(run: Run): Promise<Backup> {
  const { options: { databaseUrl, accessToken, managementApiUrl }, migrator, root } = run;
  if (databaseUrl !== undefined) return await dump(run, databaseUrl, root);
  if (accessToken !== undefined && migrator.target.kind !== "embedded") {
    const { description, restore } = await findBackup({
      target: migrator.target,
      accessToken,
      apiUrl: managementApiUrl,
    });
    return { kind: "project", path: null, description, restore };
  }
  throw new ConfigurationError("There is no way to make a backup", {
    hint: migrator.target.kind === "embedded"
      ? "The embedded database is a folder: copy it while nothing runs. Nothing was changed."
      : "Set DATABASE_URL, over which pg_dump makes one, or SUPABASE_ACCESS_TOKEN, which tells of " +
        "the project's own. Nothing was changed.",
  });
}

async function dump(
  { reporter, migrator }: Run,
  databaseUrl: string,
  root: string,
): Promise<Backup> {
  const address = parseDatabaseUrl(databaseUrl);
  if (address.poolsTransactions) {
    throw new ConfigurationError(
      "DATABASE_URL leads to the pooler in transaction mode (port 6543)",
      {
        hint: "pg_dump needs a session: take port 5432. Nothing was changed.",
      },
    );
  }
  const folder = root === "." ? FOLDER : `${root}/${FOLDER}`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(`${folder}/.gitignore`, "*\n");
  const time = new Date().toISOString().replace(/[-:]|\..*/g, "");
  const path = `${folder}/${migrator.target.name.replace(/[^\w.-]/g, "_")}-${time}.dump`;
  // Made before, so that nobody else can ever read it.
  await writeFile(path, "", { mode: 0o600, flag: "wx" });
  try {
    await runDump(databaseUrl, path, (table) => {
      reporter.onProgress({ type: "preparing", what: `a backup: ${table}` });
    });
    const { tables, entries } = await verify(path);
    await writeFile(`${path}.list`, entries.join("\n") + "\n", { mode: 0o600 });
    await chmod(path, 0o600);
    const { size } = await stat(path);
    return {
      kind: "file",
      path,
      description: `${path} (${formatBytes(size)}, rows of ${tables} tables)`,
      restore: `pg_restore --clean --if-exists --single-transaction --use-list=${path}.list ` +
        `--dbname="$DATABASE_URL" ${path}`,
    };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function runDump(
  databaseUrl: string,
  path: string,
  onTable: (table: string) => void,
): Promise<void> {
  const { url, password } = withoutPassword(databaseUrl);
  const ended = await runProgram({
    command: "pg_dump",
    args: [
      "--format=custom",
      `--file=${path}`,
      "--no-password",
      "--verbose",
      ...LEFT_OUT.map((name) => `--exclude-schema=${name}`),
      `--dbname=${url}`,
    ],
    env: password === null ? {} : { PGPASSWORD: password },
    onLine: (line) => {
      const [, table] = /dumping contents of table "?([^"]+)"?/.exec(line) ?? [];
      if (table !== undefined) onTable(table);
    },
  });
  if (ended === undefined) {
    throw new ConfigurationError("Cannot make a backup: there is no pg_dump on the PATH", {
      hint: "Install PostgreSQL's client of the server's version or a later one (Debian: " +
        "postgresql-client; macOS: libpq). Nothing was changed.",
    });
  }
  if (ended.code === 0) return;
  const said = ended.said.join("\n");
  const [, server, own] = /server version: ([\d.]+)[^;]*; pg_dump version: ([\d.]+)/.exec(said) ??
    [];
  if (server !== undefined) {
    throw new ConfigurationError(
      `Cannot make a backup: pg_dump is version ${own}, and the server ${server}`,
      {
        hint: `Install PostgreSQL's client ${server.split(".")[0]} or later (Debian: ` +
          `postgresql-client-${
            server.split(".")[0]
          }), and have it first on the PATH. Nothing was changed.`,
      },
    );
  }
  const reason = ended.said.findLast((line) => /error/i.test(line)) ?? ended.said.at(-1) ?? "";
  throw new ConfigurationError(
    `Cannot make a backup: pg_dump ended with ${ended.code ?? "a signal"}: ${
      reason.replace(/^pg_dump: (error: )?/, "")
    }`,
    { hint: "Nothing was changed." },
  );
}

/** An entry of the table of contents that is in a schema: what it is, and in which one. */
const ENTRY =
  /^\d+; \d+ \d+ (DEFAULT ACL|EVENT TRIGGER|EXTENSION|FK CONSTRAINT|CHECK CONSTRAINT|INDEX ATTACH|MATERIALIZED VIEW DATA|MATERIALIZED VIEW|OPERATOR CLASS|OPERATOR FAMILY|PUBLICATION TABLE|ROW SECURITY|SEQUENCE OWNED BY|SEQUENCE SET|TABLE ATTACH|TABLE DATA|TEXT SEARCH \w+|[A-Z]+) (\S+) /;

/**
 * Reads the table of contents: how many tables have rows in it, and what of it is to be restored over
 * what there is: what is in the application's schemas, and the history.
 */
async function verify(path: string): Promise<{ tables: number; entries: string[] }> {
  let tables = 0;
  const entries: string[] = [];
  const ended = await runProgram({
    command: "pg_restore",
    args: ["--list", path],
    onLine: (line) => {
      const [, kind, schema] = ENTRY.exec(line) ?? [];
      if (kind === "TABLE DATA") tables++;
      // Default privileges of the platform's roles are not the owner's to set.
      if (schema === undefined || kind === "DEFAULT ACL" || STAYING.has(schema)) return;
      entries.push(line);
    },
  });
  if (ended?.code === 0) return { tables, entries };
  throw new ConfigurationError(
    ended === undefined
      ? "Cannot verify the backup: there is no pg_restore on the PATH"
      : `Cannot verify the backup: pg_restore does not read it: ${ended.said.at(-1) ?? ""}`,
    { hint: "It comes with pg_dump, and has to be of the same version. Nothing was changed." },
  );
}

/** Arguments of programs can be read by everybody on the machine. */
function withoutPassword(databaseUrl: string): { url: string; password: string | null } {
  const [whole, scheme, user, password] =
    /^(\w+:\/\/)([^:@/?#]*)(?::([^@/?#]*))?@/.exec(databaseUrl) ??
      [];
  if (whole === undefined) return { url: databaseUrl, password: null };
  return {
    url: `${scheme}${user}@${databaseUrl.slice(whole.length)}`,
    password: password === undefined ? null : decodeURIComponent(password),
  };
}
