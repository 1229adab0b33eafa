/** The SQL that makes a database what a new Supabase project is. @module */

import authSql from "../../../sql/embedded/auth.sql" with { type: "text" };
import extensionsSql from "../../../sql/embedded/extensions.sql" with { type: "text" };
import functionsSql from "../../../sql/embedded/functions.sql" with { type: "text" };
import graphqlSql from "../../../sql/embedded/graphql.sql" with { type: "text" };
import managedSql from "../../../sql/embedded/managed.sql" with { type: "text" };
import realtimeSql from "../../../sql/embedded/realtime.sql" with { type: "text" };
import rolesSql from "../../../sql/embedded/roles.sql" with { type: "text" };
import storageSql from "../../../sql/embedded/storage.sql" with { type: "text" };

/**
 * Makes the roles, schemas and extensions. Run by the superuser, in one transaction; run again, it
 * adds what is missing.
 */
export const PLATFORM_SQL: string = [
  rolesSql,
  extensionsSql,
  authSql,
  storageSql,
  realtimeSql,
  functionsSql,
  graphqlSql,
  managedSql,
].join("\n");
