/** The SQL that makes a database what a new Supabase project is. @module */

import authSql from "../../../sql/embedded/auth.sql" with { type: "text" };
import extensionsSql from "../../../sql/embedded/extensions.sql" with { type: "text" };
import functionsSql from "../../../sql/embedded/functions.sql" with { type: "text" };
import graphqlSql from "../../../sql/embedded/graphql.sql" with { type: "text" };
import statementsSql from "../../../sql/embedded/extensions/pg_stat_statements.sql" with {
  type: "text",
};
import vaultSql from "../../../sql/embedded/extensions/supabase_vault.sql" with { type: "text" };
import managedSql from "../../../sql/embedded/managed.sql" with { type: "text" };
import publicSql from "../../../sql/embedded/public.sql" with { type: "text" };
import realtimeSql from "../../../sql/embedded/realtime.sql" with { type: "text" };
import rolesSql from "../../../sql/embedded/roles.sql" with { type: "text" };
import storageSql from "../../../sql/embedded/storage.sql" with { type: "text" };

/**
 * Brings a database that an earlier version made up to date: adds what is missing. Run by the
 * superuser, in one transaction.
 */
export const UPGRADE_SQL: string = [
  rolesSql,
  extensionsSql,
  authSql,
  storageSql,
  realtimeSql,
  functionsSql,
  graphqlSql,
  managedSql,
].join("\n");

/** What has to be committed before that: a value of an enumeration cannot be used at once. */
export const BEFORE_UPGRADE_SQL = "alter type storage.buckettype add value if not exists 'VECTOR'";

/** Makes the roles, schemas and extensions of a new database. Run as the one before. */
export const PLATFORM_SQL = `${UPGRADE_SQL}\n${publicSql}`;

/** All that decides what a new database has: the above, and the stand-ins that it creates. */
export const PLATFORM_SOURCES: readonly string[] = [PLATFORM_SQL, vaultSql, statementsSql];
