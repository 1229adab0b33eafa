/** Extensions that are SQL of this project's own, in the form that `create extension` reads. @module */

import dblinkSql from "../../../sql/embedded/extensions/dblink.sql" with { type: "text" };
import httpSql from "../../../sql/embedded/extensions/http.sql" with { type: "text" };
import hypopgSql from "../../../sql/embedded/extensions/hypopg.sql" with { type: "text" };
import indexAdvisorSql from "../../../sql/embedded/extensions/index_advisor.sql" with {
  type: "text",
};
import pgCronSql from "../../../sql/embedded/extensions/pg_cron.sql" with { type: "text" };
import pgGraphqlSql from "../../../sql/embedded/extensions/pg_graphql.sql" with { type: "text" };
import pgJsonschemaSql from "../../../sql/embedded/extensions/pg_jsonschema.sql" with {
  type: "text",
};
import pgNetSql from "../../../sql/embedded/extensions/pg_net.sql" with { type: "text" };
import pgStatStatementsSql from "../../../sql/embedded/extensions/pg_stat_statements.sql" with {
  type: "text",
};
import pgTleSql from "../../../sql/embedded/extensions/pg_tle.sql" with { type: "text" };
import pgsodiumSql from "../../../sql/embedded/extensions/pgsodium.sql" with { type: "text" };
import plpgsqlCheckSql from "../../../sql/embedded/extensions/plpgsql_check.sql" with {
  type: "text",
};
import plv8Sql from "../../../sql/embedded/extensions/plv8.sql" with { type: "text" };
import postgresFdwSql from "../../../sql/embedded/extensions/postgres_fdw.sql" with {
  type: "text",
};
import supabaseVaultSql from "../../../sql/embedded/extensions/supabase_vault.sql" with {
  type: "text",
};
import wrappersSql from "../../../sql/embedded/extensions/wrappers.sql" with { type: "text" };
import type { ArchivedFile } from "./tar.ts";

/** An extension that is a script. */
export interface Script {
  readonly name: string;
  /** Which version it says it is. */
  readonly version: string;
  readonly sql: string;
  /** The extension that has to be there before. */
  readonly requires?: string;
}

/** For extensions whose functions nothing calls in a migration. */
const EMPTY = "-- Only the name is there.\n";

/** All of them; the list in pieces.ts says what they come to. */
export const STAND_IN_SCRIPTS: readonly Script[] = [
  { name: "dblink", version: "1.2", sql: dblinkSql },
  { name: "http", version: "1.6", sql: httpSql },
  { name: "hypopg", version: "1.4.1", sql: hypopgSql },
  { name: "index_advisor", version: "0.2.0", sql: indexAdvisorSql, requires: "hypopg" },
  { name: "pg_cron", version: "1.6.4", sql: pgCronSql },
  { name: "pg_graphql", version: "1.5.11", sql: pgGraphqlSql },
  { name: "pg_jsonschema", version: "0.3.3", sql: pgJsonschemaSql },
  { name: "pg_net", version: "0.19.5", sql: pgNetSql },
  { name: "pg_prewarm", version: "1.2", sql: EMPTY },
  { name: "pg_repack", version: "1.5.2", sql: EMPTY },
  { name: "pg_stat_monitor", version: "2.1", sql: EMPTY },
  { name: "pg_stat_statements", version: "1.11", sql: pgStatStatementsSql },
  { name: "pg_tle", version: "1.4.0", sql: pgTleSql },
  { name: "pgaudit", version: "17.0", sql: EMPTY },
  { name: "pgrowlocks", version: "1.2", sql: EMPTY },
  { name: "pgsodium", version: "3.1.8", sql: pgsodiumSql },
  { name: "pgstattuple", version: "1.5", sql: EMPTY },
  { name: "plpgsql_check", version: "2.7", sql: plpgsqlCheckSql },
  { name: "plv8", version: "3.1.10", sql: plv8Sql },
  { name: "postgres_fdw", version: "1.2", sql: postgresFdwSql },
  { name: "sslinfo", version: "1.2", sql: EMPTY },
  { name: "supabase_vault", version: "0.3.1", sql: supabaseVaultSql },
  { name: "wrappers", version: "0.5.4", sql: wrappersSql },
];

/**
 * What `create extension` looks for.
 *
 * @param script The extension.
 * @returns The control file and the script.
 */
export function scriptFiles({ name, version, sql, requires }: Script): ArchivedFile[] {
  const control = [
    `default_version = '${version}'`,
    `comment = 'what supamigrate has of ${name} on its embedded database'`,
    // Whichever schema is asked for, as supautils has it.
    "relocatable = false",
    // For `postgres`, which is no superuser; the script runs as one.
    "trusted = true",
    ...(requires === undefined ? [] : [`requires = '${requires}'`]),
    "",
  ];
  return [
    extensionFile(`${name}.control`, control.join("\n")),
    extensionFile(`${name}--${version}.sql`, sql),
  ];
}

/**
 * A text file in the folder of the extensions.
 *
 * @param name Its name.
 * @param text What it says.
 */
export function extensionFile(name: string, text: string): ArchivedFile {
  return { path: `share/postgresql/extension/${name}`, data: new TextEncoder().encode(text) };
}
