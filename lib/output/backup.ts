/** Makes a backup before a run: with pg_dump, or the project's own. @module */

import { chmod, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { parseDatabaseUrl } from "../database/database_url.ts";
import { openDirectChannel } from "../database/direct.ts";
import forgetDefaultsSql from "../../sql/forget_default_privileges.sql" with { type: "text" };
import restoreSql from "../../sql/restore.sql" with { type: "text" };
import restoreEndSql from "../../sql/restore_end.sql" with { type: "text" };
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

/** Schemas of which nothing is to be restored over what there is: Supabase's, and what is kept. */
const STAYING: ReadonlySet<string> = new Set([
  "pg_catalog",
  ...LEFT_OUT,
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
  const name = `${migrator.target.name.replace(/[^\w.-]/g, "_")}-${time}`;
  const path = `${folder}/${name}.dump`;
  // Made before, so that nobody else can ever read it.
  await writeFile(path, "", { mode: 0o600, flag: "wx" });
  try {
    await runDump(databaseUrl, path, (table) => {
      reporter.onProgress({ type: "preparing", what: `a backup: ${table}` });
    });
    const contents = await verify(path, takeApart(databaseUrl).user, await readOwners(databaseUrl));
    for (const [extension, text] of Object.entries(writeRestore(name, contents))) {
      await writeFile(`${folder}/${name}.${extension}`, text, { mode: 0o600 });
    }
    await chmod(path, 0o600);
    const { size } = await stat(path);
    return {
      kind: "file",
      path,
      description: `${path} (${formatBytes(size)}, rows of ${contents.tables} tables)`,
      restore: `sh '${folder.replaceAll("'", "'\\''")}/${name}.sh'`,
    };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/**
 * Writes how a dump is restored: a script, the entries that it restores, and the SQL before and after them.
 * What is made anew would have the default privileges, which may open it to everybody.
 */
function writeRestore(name: string, { entries, schemas }: Contents): Record<string, string> {
  const literal = JSON.stringify(["public", ...schemas]).replaceAll("'", "''");
  return {
    list: [...entries, ""].join("\n"),
    "before.sql": [
      "begin;",
      "set local client_min_messages = warning;",
      "set local search_path = pg_catalog;",
      `set local supamigrate.restored = '${literal}';`,
      ...schemas.map((schema) => `create schema if not exists "${schema.replaceAll('"', '""')}";`),
      "",
      restoreSql,
      "-- The dump sets them again, last of all.",
      forgetDefaultsSql,
    ].join("\n"),
    "after.sql": restoreEndSql,
    sh: `#!/bin/sh
# Puts the application's part of ${name}.dump back, and the history: all of it, or nothing.
# DATABASE_URL says where. ${name}.list says what: a line that is taken out is not restored.
set -eu
: "\${DATABASE_URL:?is not set: it says where to restore to}"
backup=$(dirname -- "$0")/${name}
# A server before 17 does not know the setting that a later pg_restore begins with.
said=$(
  { pg_restore --clean --if-exists --use-list="$backup.list" --file=- "$backup.dump" &&
      cat "$backup.after.sql"; } |
    sed '1,30{/^SET transaction_timeout = 0;$/d;}' |
    psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 \\
      --file="$backup.before.sql" --file=- --dbname="$DATABASE_URL"
) || true
case "$said" in
*restored) echo "Restored." ;;
*)
  echo "Nothing was restored, for the reason above. Where what was made since refers to what is in the" \\
    "backup, it has to go before: supamigrate rollback takes migrations back." >&2
  exit 1
  ;;
esac
`,
  };
}

async function runDump(
  databaseUrl: string,
  path: string,
  onTable: (table: string) => void,
): Promise<void> {
  const { url, password } = takeApart(databaseUrl);
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

/** What pg_dump calls by several words. */
const KINDS = [
  "ACCESS METHOD",
  "BLOB METADATA",
  "CHECK CONSTRAINT",
  "DEFAULT ACL",
  "EVENT TRIGGER",
  "FK CONSTRAINT",
  "FOREIGN DATA WRAPPER",
  "FOREIGN TABLE",
  "INDEX ATTACH",
  "LARGE OBJECTS",
  "MATERIALIZED VIEW DATA",
  "MATERIALIZED VIEW",
  "OPERATOR CLASS",
  "OPERATOR FAMILY",
  "PROCEDURAL LANGUAGE",
  "PUBLICATION TABLES IN SCHEMA",
  "PUBLICATION TABLE",
  "ROW SECURITY",
  "SECURITY LABEL",
  "SEQUENCE OWNED BY",
  "SEQUENCE SET",
  "SHELL TYPE",
  "STATISTICS DATA",
  "SUBSCRIPTION TABLE",
  "TABLE ATTACH",
  "TABLE DATA",
  "TEXT SEARCH \\w+",
  "USER MAPPING",
];

/** An entry of the table of contents: what it is, in which schema ("-" for none), its name and its owner. */
const ENTRY = new RegExp(`^\\d+; \\d+ \\d+ (${KINDS.join("|")}|[A-Z]+) (\\S+) (.*) (\\S+)$`);

/** What a dump has. */
interface Contents {
  /** How many tables have rows in it. */
  readonly tables: number;
  /** What of it is to be restored over what there is: what is in the application's schemas, and the history. */
  readonly entries: readonly string[];
  /** The schemas that are to be there before. */
  readonly schemas: readonly string[];
}

/** The roles whose objects this one may drop. */
async function readOwners(databaseUrl: string): Promise<ReadonlySet<string>> {
  const database = openDirectChannel(databaseUrl, 30_000);
  try {
    const rows = await database.run(
      "select rolname::text as name from pg_roles where pg_has_role(oid, 'usage')",
    );
    return new Set(rows.map(({ name }) => String(name)));
  } finally {
    await database.close();
  }
}

/** Reads the table of contents. */
async function verify(
  path: string,
  user: string,
  owners: ReadonlySet<string>,
): Promise<Contents> {
  let tables = 0;
  const entries: string[] = [];
  const schemas: string[] = [];
  const listeners: string[] = [];
  await readDump(["--list", path], (line) => {
    const [, kind, schema = "", name = "", owner = ""] = ENTRY.exec(line) ?? [];
    if (kind === "TABLE DATA") tables++;
    if (kind === "EVENT TRIGGER") listeners.push(line);
    if (kind === "DEFAULT ACL") {
      // Those of the platform's roles are not this one's to set.
      if (owner === user) entries.push(line);
    } else if (schema === "-") {
      // Schemas are not dropped, as what is not in the dump stays; who may use them is in it.
      const [, own] = /^(?:SCHEMA )?(.*)$/s.exec(name) ?? [];
      if (!["SCHEMA", "ACL"].includes(kind!) || STAYING.has(own!)) return;
      if (kind === "SCHEMA") schemas.push(own!);
      else if (name.startsWith("SCHEMA ")) entries.push(line);
    } else if (
      // What is somebody else's is not this one's to drop and make anew: it stays as it is.
      kind !== undefined && !STAYING.has(schema) && owners.has(owner) &&
      // Schemas are not dropped, and neither is what publications take of them as a whole.
      kind !== "PUBLICATION TABLES IN SCHEMA"
    ) {
      entries.push(line);
    }
  });
  const heard = listeners.length === 0 ? [] : await findListening(path, listeners);
  const stays = (entry: string) =>
    heard.some(({ schema, name }) =>
      [` FUNCTION ${schema} ${name}() `, ` ${schema} FUNCTION ${name}() `].some((part) =>
        entry.includes(part)
      )
    );
  return { tables, schemas, entries: entries.filter((entry) => !stays(entry)) };
}

/** The functions of event triggers, which are often somebody else's to drop: both stay as they are. */
async function findListening(
  path: string,
  entries: readonly string[],
): Promise<{ schema: string; name: string }[]> {
  const found: { schema: string; name: string }[] = [];
  await writeFile(`${path}.list`, entries.join("\n"), { mode: 0o600 });
  try {
    await readDump([`--use-list=${path}.list`, "--file=-", path], (line) => {
      const [, schema = "", name = ""] =
        /EXECUTE FUNCTION ("(?:[^"]|"")+"|\w+)\.("(?:[^"]|"")+"|\w+)\(\);$/.exec(line) ?? [];
      if (name !== "") found.push({ schema: unquote(schema), name: unquote(name) });
    });
  } finally {
    await rm(`${path}.list`, { force: true });
  }
  return found;
}

const unquote = (name: string) => name.replace(/^"(.*)"$/s, "$1").replaceAll('""', '"');

async function readDump(args: readonly string[], onLine: (line: string) => void): Promise<void> {
  const ended = await runProgram({ command: "pg_restore", args, onLine });
  if (ended?.code === 0) return;
  throw new ConfigurationError(
    ended === undefined
      ? "Cannot verify the backup: there is no pg_restore on the PATH"
      : `Cannot verify the backup: pg_restore does not read it: ${ended.said.at(-1) ?? ""}`,
    { hint: "It comes with pg_dump, and has to be of the same version. Nothing was changed." },
  );
}

/** What programs are given: arguments can be read by everybody on the machine, so a password is none. */
function takeApart(databaseUrl: string): { url: string; user: string; password: string | null } {
  const [whole, scheme = "", user = "", password] =
    /^(\w+:\/\/)([^:@/?#]*)(?::([^@/?#]*))?@/.exec(databaseUrl) ?? [];
  return {
    url: whole === undefined ? databaseUrl : `${scheme}${user}@${databaseUrl.slice(whole.length)}`,
    // A pooler takes it with the project's reference behind it.
    user: decodeURIComponent(user).split(".")[0] || "postgres",
    password: password === undefined ? null : decodeURIComponent(password),
  };
}
