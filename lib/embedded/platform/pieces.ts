/**
 * What a Supabase project has besides PostgreSQL, and what of it the embedded database has: the one
 * list that code, notices and docs/embedded.md go by.
 *
 * @module
 */

/**
 * How much of a piece there is: all of it; what it is given is kept, and nothing more is done with
 * it; or its names alone, so that what refers to them can be made.
 */
export type Standing = "real" | "kept" | "named";

/** A piece of the platform. */
export interface Piece {
  /** The extension, or the schema. */
  readonly name: string;
  /** Which of the two. */
  readonly kind: "extension" | "schema";
  /** How much of it there is. */
  readonly standing: Standing;
  /** What becomes of what it is given here; left out for what is real. */
  readonly here?: string;
  /** Where calling its functions counts as using it: their schema. */
  readonly schema?: string;
}

/** Extensions that PGlite carries, and those that are packages beside it. */
const REAL = [
  "amcheck",
  "autoinc",
  "bloom",
  "btree_gin",
  "btree_gist",
  "citext",
  "cube",
  "dict_int",
  "dict_xsyn",
  "earthdistance",
  "file_fdw",
  "fuzzystrmatch",
  "hstore",
  "insert_username",
  "intarray",
  "isn",
  "lo",
  "ltree",
  "moddatetime",
  "pageinspect",
  "pg_buffercache",
  "pg_freespacemap",
  "pg_hashids",
  "pg_surgery",
  "pg_trgm",
  "pg_visibility",
  "pg_walinspect",
  "pgcrypto",
  "pgjwt",
  "pgmq",
  "pgtap",
  "refint",
  "seg",
  "tablefunc",
  "tcn",
  "tsm_system_rows",
  "tsm_system_time",
  "unaccent",
  "uuid-ossp",
  "vector",
] as const;

const STAND_INS: readonly Omit<Piece, "kind">[] = [
  {
    name: "pg_cron",
    standing: "kept",
    here: "jobs are kept in cron.job, and nothing runs them",
    schema: "cron",
  },
  {
    name: "pg_net",
    standing: "kept",
    here: "requests are kept in net.http_request_queue, and nothing sends them",
    schema: "net",
  },
  {
    name: "supabase_vault",
    standing: "kept",
    here: "secrets are kept in vault.secrets, in the clear",
    schema: "vault",
  },
  {
    name: "pgsodium",
    standing: "kept",
    here: "keys are kept in pgsodium.key, and nothing is encrypted with them",
    schema: "pgsodium",
  },
  {
    name: "http",
    standing: "named",
    here: "calling it fails, as nothing is sent",
  },
  { name: "pg_graphql", standing: "named", here: "no query is answered" },
  { name: "pg_jsonschema", standing: "named", here: "every document counts as valid" },
  { name: "pg_stat_statements", standing: "named", here: "its views are empty" },
  {
    name: "wrappers",
    standing: "named",
    here: "foreign tables can be made, and reading one fails",
  },
  {
    name: "postgres_fdw",
    standing: "named",
    here: "foreign tables can be made, and reading one fails",
  },
  { name: "dblink", standing: "named", here: "calling it fails, as nothing is connected to" },
  { name: "hypopg", standing: "named", here: "no index is planned with" },
  { name: "index_advisor", standing: "named", here: "it has no advice" },
  { name: "plpgsql_check", standing: "named", here: "it finds nothing" },
  { name: "pg_tle", standing: "named", here: "what it is given is not installed", schema: "pgtle" },
  { name: "plv8", standing: "named", here: "functions can be made, and calling one fails" },
  { name: "pg_prewarm", standing: "named", here: "it is empty" },
  { name: "pg_repack", standing: "named", here: "it is empty" },
  { name: "pg_stat_monitor", standing: "named", here: "it is empty" },
  { name: "pgaudit", standing: "named", here: "nothing is audited" },
  { name: "pgrowlocks", standing: "named", here: "it is empty" },
  { name: "pgstattuple", standing: "named", here: "it is empty" },
  { name: "sslinfo", standing: "named", here: "it is empty" },
];

const SCHEMAS: readonly Piece[] = [
  { name: "auth", kind: "schema", standing: "kept", here: "users are rows, and nobody signs in" },
  {
    name: "storage",
    kind: "schema",
    standing: "kept",
    here: "buckets and objects are rows, without files",
  },
  {
    name: "realtime",
    kind: "schema",
    standing: "kept",
    here: "messages are kept in realtime.messages, and nobody receives them",
  },
  {
    name: "supabase_functions",
    kind: "schema",
    standing: "kept",
    here: "database webhooks are kept in supabase_functions.hooks, and nothing calls them",
    schema: "supabase_functions",
  },
  { name: "graphql_public", kind: "schema", standing: "named", here: "no query is answered" },
  { name: "pgbouncer", kind: "schema", standing: "named", here: "it is empty" },
];

/** All pieces. */
export const PIECES: readonly Piece[] = [
  ...REAL.map((name): Piece => ({
    name,
    kind: "extension",
    standing: "real",
    ...(name === "pgmq" ? { schema: "pgmq" } : {}),
  })),
  ...STAND_INS.map((piece): Piece => ({ kind: "extension", ...piece })),
  ...SCHEMAS,
];

/** The name of an extension that there is in full. */
export type RealExtension = typeof REAL[number];

/**
 * Finds a piece that is an extension.
 *
 * @param name The extension's name.
 * @returns The piece, or undefined where the embedded database has no such extension.
 */
export function findExtension(name: string): Piece | undefined {
  return PIECES.find((piece) => piece.kind === "extension" && piece.name === name);
}
