/** The SQL that makes a database of any PostgreSQL server what a new Supabase project is. @module */

import authSql from "../../sql/embedded/auth.sql" with { type: "text" };
import vaultSql from "../../sql/embedded/extensions/supabase_vault.sql" with { type: "text" };
import functionsSql from "../../sql/embedded/functions.sql" with { type: "text" };
import graphqlSql from "../../sql/embedded/graphql.sql" with { type: "text" };
import managedSql from "../../sql/embedded/managed.sql" with { type: "text" };
import publicSql from "../../sql/embedded/public.sql" with { type: "text" };
import realtimeSql from "../../sql/embedded/realtime.sql" with { type: "text" };
import storageSql from "../../sql/embedded/storage.sql" with { type: "text" };
import extensionsSql from "../../sql/shadow/extensions.sql" with { type: "text" };
import rolesSql from "../../sql/shadow/roles.sql" with { type: "text" };

/** Memberships in the services' roles, which `sql/shadow/roles.sql` gives to roles that are new. */
const MEMBERSHIP = /^grant supabase_\w+ to postgres;$/gm;

/** Makes the roles that are missing, in any database. */
export const SERVER_ROLES_SQL: string = rolesSql;

/** Makes the rest, in the shadow's database, where no extension of the server brings the vault. */
export function writeServerPlatform(hasVault: boolean): string {
  return [
    extensionsSql,
    ...(hasVault ? [] : [vaultSql]),
    authSql,
    storageSql,
    realtimeSql,
    functionsSql,
    graphqlSql,
    managedSql,
    publicSql,
  ].join("\n").replace(MEMBERSHIP, "")
    // Everything is that of supabase_admin, as in a project, whoever is connected.
    .replaceAll(/^reset role;$/gm, "set role supabase_admin;")
    .replace(/^/, "set role supabase_admin;\n");
}
