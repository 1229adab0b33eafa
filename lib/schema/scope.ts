/** What of a database's schema is the application's, and what the platform keeps to itself. @module */

import type { Policy, Predicate } from "@supabase/pg-delta/policy";

/** Schemas that the platform, its extensions and this tool keep: see `supamigrate.is_platform_schema`. */
export const PLATFORM_SCHEMAS: readonly string[] = [
  "_analytics",
  "_realtime",
  "_supavisor",
  "auth",
  "cron",
  "dbdev",
  "etl",
  "extensions",
  "graphql",
  "graphql_public",
  "information_schema",
  "net",
  "pgbouncer",
  "pgmq",
  "pgmq_public",
  "pgsodium",
  "pgsodium_masks",
  "pgtle",
  "realtime",
  "repack",
  "storage",
  "supabase_functions",
  "supabase_migrations",
  "supamigrate",
  "supamigrate_backup",
  "supamigrate_shadow",
  "tiger",
  "tiger_data",
  "topology",
  "vault",
];

/** Roles that a project is made with. `postgres` owns what is the application's. */
const PLATFORM_ROLES = [
  "anon",
  "authenticated",
  "authenticator",
  "cli_login_postgres",
  "dashboard_user",
  "pgbouncer",
  "pgsodium_keyholder",
  "pgsodium_keyiduser",
  "pgsodium_keymaker",
  "pgtle_admin",
  "service_role",
  "supabase_admin",
  "supabase_auth_admin",
  "supabase_etl_admin",
  "supabase_functions_admin",
  "supabase_privileged_role",
  "supabase_read_only_user",
  "supabase_realtime_admin",
  "supabase_replication_admin",
  "supabase_storage_admin",
  "supabase_superuser",
];

/** Extensions that a project is made with. */
const PLATFORM_EXTENSIONS = [
  "pg_graphql",
  "pg_stat_statements",
  "pgcrypto",
  "pgjwt",
  "pgsodium",
  "plpgsql",
  "supabase_vault",
  "uuid-ossp",
];

/** Publications that a project is made with; what `supabase_realtime` has in it is the application's. */
const PLATFORM_PUBLICATIONS = ["supabase_realtime", "supabase_realtime_messages_publication"];

/** Where policies are the application's, though the tables are the platform's. */
const OPEN_TO_POLICIES = ["storage", "realtime"];

const platformSchema: Predicate = { schema: [...PLATFORM_SCHEMAS] };

const isIn = (field: string, names: readonly string[]): Predicate => ({
  idField: { field, glob: [...names] },
});

/** Why something is left out is asked of nobody: without a word here, each rule is hashed for each object. */
const AUDIT = { reasonCode: "platform", classification: "acknowledged" } as const;

const exclude = (...all: Predicate[]) => ({
  match: { all },
  action: "exclude" as const,
  audit: AUDIT,
});
const include = (...all: Predicate[]) => ({ match: { all }, action: "include" as const });

/** See `sql/api_ready.sql`. */
const ANNOUNCEMENTS = "supamigrate_schema_*";

/** What pg-delta is told to look at. The first rule that fits decides. */
export const SCOPE: Policy = {
  id: "supamigrate",
  assumedRoles: [...PLATFORM_ROLES, "postgres"],
  assumedSchemas: [...PLATFORM_SCHEMAS],
  assumedPublications: ["supabase_realtime"],
  defaultOwner: "postgres",
  filter: [
    exclude({ kind: ["acl", "comment"] }, { target: { kind: "function", name: "exec_sql" } }),
    exclude({ kind: "function" }, { name: "exec_sql" }),
    // What a run has for as long as it waits for the API.
    exclude({ kind: ["acl", "comment"] }, { target: { kind: "view", name: ANNOUNCEMENTS } }),
    exclude({ kind: "view" }, { name: ANNOUNCEMENTS }),
    exclude({ kind: "extension" }, { name: PLATFORM_EXTENSIONS }),
    // `postgres` does not own extensions, and cannot comment on them.
    exclude({ kind: ["comment", "securityLabel"] }, { target: { kind: "extension" } }),
    include({ kind: "extension" }),
    exclude({ kind: "publication" }, { name: PLATFORM_PUBLICATIONS }),
    exclude({ kind: ["comment", "securityLabel"] }, {
      target: { kind: "publication", name: PLATFORM_PUBLICATIONS },
    }),
    include({ kind: "trigger" }, platformSchema, {
      not: { edgeTo: { kind: "function", schema: [...PLATFORM_SCHEMAS] } },
    }),
    include({ kind: "policy" }, { schema: OPEN_TO_POLICIES }),
    include({ kind: "comment" }, { target: { kind: "policy", schema: OPEN_TO_POLICIES } }),
    exclude(platformSchema),
    exclude({ kind: "schema" }, { name: [...PLATFORM_SCHEMAS] }),
    exclude({ kind: ["acl", "comment", "securityLabel"] }, {
      any: [
        { target: { schema: [...PLATFORM_SCHEMAS] } },
        { target: { kind: "schema", name: [...PLATFORM_SCHEMAS] } },
        // Only a superuser may grant these.
        { target: { kind: "fdw" } },
      ],
    }),
    // Older projects have some of the platform's that belong to `postgres`.
    exclude({ kind: "eventTrigger" }, {
      edgeTo: { kind: "function", schema: [...PLATFORM_SCHEMAS] },
    }),
    exclude({ kind: ["comment", "securityLabel"] }, { target: { kind: "eventTrigger" } }),
    exclude({ kind: ["eventTrigger", "publication", "subscription", "fdw", "server"] }, {
      owner: PLATFORM_ROLES,
    }),
    exclude({ kind: "defaultPrivilege" }, isIn("role", PLATFORM_ROLES)),
    exclude({ kind: "role" }, { name: [...PLATFORM_ROLES, "postgres"] }),
    // Whoever makes a role becomes its administrator.
    exclude({ kind: "membership" }, isIn("member", ["postgres"])),
    exclude(
      { kind: "membership" },
      isIn("member", PLATFORM_ROLES),
      isIn("role", [...PLATFORM_ROLES, "postgres", "pg_*"]),
    ),
  ],
};

/**
 * Whether something is the application's, that pg-delta does not see.
 *
 * @param schema The schema that it is in; null where it is in none.
 * @param kind What it is.
 */
export function isInScope(schema: string | null, kind: string): boolean {
  return kind === "bucket" || schema === null || !PLATFORM_SCHEMAS.includes(schema);
}
