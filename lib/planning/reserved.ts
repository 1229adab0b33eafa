/**
 * What Supabase keeps to itself, and what cuts the API off. Over a direct connection supautils
 * refuses the former; where the API's connections are without it, PostgreSQL lets it through.
 *
 * @module
 */

import type { ParsedStatement } from "./parser.ts";

/** A statement that changes what Supabase keeps to itself, or that cuts the API off. */
export interface ReservedChange {
  /** What it does, such as "drops the role anon, which Supabase keeps to itself". */
  readonly says: string;
  /** The tool could not go on after it, so that the migration is undone. */
  readonly isUndone: boolean;
}

/** Roles of which `postgres` may change the settings, and what they are members of. */
const API_ROLES = ["anon", "authenticated", "authenticator", "service_role"];

const SERVICE_ROLES = [
  "dashboard_user",
  "pgbouncer",
  "supabase_admin",
  "supabase_auth_admin",
  "supabase_etl_admin",
  "supabase_read_only_user",
  "supabase_realtime_admin",
  "supabase_replication_admin",
  "supabase_storage_admin",
];

const RESERVED_ROLES = new Set([...API_ROLES, ...SERVICE_ROLES]);

/**
 * Whether a role is the platform's.
 *
 * @param name The role.
 */
export function isReservedRole(name: string): boolean {
  return RESERVED_ROLES.has(name) || /^(?:supabase_|pg_)/.test(name);
}

/** Roles that nobody may be made a member of. */
const RESERVED_MEMBERSHIPS = new Set([
  ...SERVICE_ROLES,
  "authenticator",
  "pg_execute_server_program",
  "pg_read_server_files",
  "pg_write_server_files",
]);

/** Whom the platform itself logs in as, and whom migrations run as. */
const OWNER = "postgres";

/** The database that every project has. */
const DATABASE = "postgres";

type Tree = ParsedStatement["node"];

/**
 * Finds what a statement changes of what Supabase keeps to itself, and how it would cut the API off.
 *
 * @param statement The statement.
 * @returns What it changes, without repetitions.
 */
export function findReserved(
  { type, node }: Pick<ParsedStatement, "type" | "node">,
): ReservedChange[] {
  const found = new Map<string, ReservedChange>();
  for (const change of find(type, node)) found.set(change.says, change);
  return [...found.values()];
}

function* find(type: string, node: Tree): Iterable<ReservedChange> {
  switch (type) {
    case "CreateRoleStmt":
      yield* roles([node.role], RESERVED_ROLES, (role) => `makes the role ${role}`);
      yield* memberships(listOption(node.options, "addroleto"));
      break;
    case "AlterRoleStmt":
      yield* roles([nameOf(node.role)], RESERVED_ROLES, (role) => `changes the role ${role}`);
      yield* roles([nameOf(node.role)], [OWNER], (role) => `changes the role ${role}`);
      break;
    case "AlterRoleSetStmt":
      yield* roles([nameOf(node.role)], SERVICE_ROLES, (role) => `sets settings of ${role}`);
      if (hidesPublic(node)) {
        yield { says: "takes public out of the schemas that the API shows", isUndone: false };
      }
      break;
    case "DropRoleStmt":
      yield* roles(namesOf(node.roles), RESERVED_ROLES, (role) => `drops the role ${role}`);
      break;
    case "RenameStmt":
      if (node.renameType !== "OBJECT_ROLE") break;
      yield* roles(
        [node.subname, node.newname],
        RESERVED_ROLES,
        () => `renames the role ${node.subname} to ${node.newname}`,
      );
      break;
    case "GrantRoleStmt":
      yield* changeMembers(node);
      break;
    case "GrantStmt":
      if (!node.is_grant) yield* revoke(node);
      break;
    case "DropOwnedStmt":
      for (const role of namesOf(node.roles)) {
        if (role === "service_role" || role === OWNER) {
          yield { says: `takes exec_sql away, with all that ${role} has`, isUndone: true };
        }
      }
      break;
    case "AlterDatabaseStmt":
      if (node.dbname === DATABASE && closesDatabase(node.options)) {
        yield { says: `closes the database ${DATABASE} to all connections`, isUndone: false };
      }
      break;
  }
}

function* roles(
  names: readonly string[],
  reserved: Iterable<string>,
  describe: (role: string) => string,
): Iterable<ReservedChange> {
  const known = new Set(reserved);
  for (const name of names) {
    if (!known.has(name)) continue;
    yield { says: `${describe(name)}, which Supabase keeps to itself`, isUndone: false };
  }
}

function* memberships(granted: readonly string[]): Iterable<ReservedChange> {
  for (const role of granted) {
    if (!RESERVED_MEMBERSHIPS.has(role)) continue;
    yield { says: `grants ${role}, which Supabase grants to nobody`, isUndone: false };
  }
}

function* changeMembers(node: Tree): Iterable<ReservedChange> {
  // deno-lint-ignore no-explicit-any -- see ParsedStatement
  const granted: string[] = node.granted_roles.map(({ AccessPriv }: any) => AccessPriv.priv_name);
  const members = namesOf(node.grantee_roles);
  if (node.is_grant) yield* memberships(granted);
  yield* roles(members, SERVICE_ROLES, (role) => `changes what ${role} is a member of`);
  if (node.is_grant || !members.includes("authenticator")) return;
  // The rights to pass it on and to inherit from it are not needed.
  if (node.opt?.some(isSpare)) return;
  for (const role of granted) {
    if (!API_ROLES.includes(role)) continue;
    yield {
      says: `takes ${role} from authenticator, so that the API can no longer act as it`,
      isUndone: false,
    };
  }
}

// deno-lint-ignore no-explicit-any -- see ParsedStatement
function isSpare({ DefElem }: any): boolean {
  return DefElem?.defname !== "set";
}

function* revoke(node: Tree): Iterable<ReservedChange> {
  if (node.grant_option) return; // the right to pass it on alone
  const from = namesOf(node.grantees);
  if (node.objtype === "OBJECT_DATABASE" && takes(node, "connect")) {
    const closes = ["public", "authenticator"].find((role) => from.includes(role));
    if (closes !== undefined && stringsOf(node.objects).includes(DATABASE)) {
      yield {
        says: `takes from ${closes} the right to connect, which the API needs`,
        isUndone: false,
      };
    }
  }
  if (!from.includes("service_role")) return;
  const isTaken = node.objtype === "OBJECT_SCHEMA"
    ? takes(node, "usage") && stringsOf(node.objects).includes("public")
    : ["OBJECT_FUNCTION", "OBJECT_ROUTINE"].includes(node.objtype) && takes(node, "execute") &&
      (node.targtype === "ACL_TARGET_ALL_IN_SCHEMA"
        ? stringsOf(node.objects).includes("public")
        : node.objects.some(isExecSql));
  if (isTaken) yield { says: "takes exec_sql from service_role", isUndone: true };
}

/** Whether a privilege is among those that are revoked; all are where none is named. */
function takes({ privileges }: Tree, privilege: string): boolean {
  // deno-lint-ignore no-explicit-any -- see ParsedStatement
  return privileges?.some(({ AccessPriv }: any) => AccessPriv.priv_name === privilege) ?? true;
}

// deno-lint-ignore no-explicit-any -- see ParsedStatement
function isExecSql({ ObjectWithArgs }: any): boolean {
  return /^(?:public\.)?exec_sql$/.test(stringsOf(ObjectWithArgs?.objname).join("."));
}

/** `ALTER ROLE … SET pgrst.db_schemas`: whoever it is for, authenticator logs in with it. */
function hidesPublic({ role, setstmt }: Tree): boolean {
  const isForApi = role === undefined || nameOf(role) === "authenticator";
  if (!isForApi || setstmt?.name !== "pgrst.db_schemas" || setstmt.kind !== "VAR_SET_VALUE") {
    return false;
  }
  // deno-lint-ignore no-explicit-any -- see ParsedStatement
  const list = setstmt.args.map(({ A_Const }: any) => A_Const?.sval?.sval ?? "").join(",");
  return !list.split(",").map((name: string) => name.trim()).includes("public");
}

// deno-lint-ignore no-explicit-any -- see ParsedStatement
function closesDatabase(options: any[] | undefined): boolean {
  return options?.some(({ DefElem: { defname, arg } }) => {
    if (defname === "connection_limit") return arg?.Integer !== undefined && !arg.Integer.ival;
    return defname === "allow_connections" &&
      /^(?:false|off|0)$/i.test(arg?.String?.sval ?? String(arg?.Boolean?.boolval ?? ""));
  }) ?? false;
}

/** A role by its name; PUBLIC as `public`; the one that runs it as none. */
// deno-lint-ignore no-explicit-any -- see ParsedStatement
function nameOf(spec: any): string {
  const { roletype, rolename = "" } = spec?.RoleSpec ?? spec ?? {};
  if (roletype === "ROLESPEC_PUBLIC") return "public";
  return roletype === "ROLESPEC_CSTRING" ? rolename : OWNER;
}

// deno-lint-ignore no-explicit-any -- see ParsedStatement
function namesOf(specs: any[] | undefined): string[] {
  return (specs ?? []).map(nameOf);
}

// deno-lint-ignore no-explicit-any -- see ParsedStatement
function listOption(options: any[] | undefined, name: string): string[] {
  const option = options?.find(({ DefElem }) => DefElem?.defname === name);
  return namesOf(option?.DefElem.arg?.List?.items);
}

// deno-lint-ignore no-explicit-any -- see ParsedStatement
function stringsOf(nodes: any[] | undefined): string[] {
  return (nodes ?? []).map(({ String }) => String?.sval ?? "");
}
