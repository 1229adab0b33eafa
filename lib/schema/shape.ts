/** What a live project has that its migrations do not make, as SQL for a shadow. @module */

import forgetDefaultsSql from "../../sql/forget_default_privileges.sql" with { type: "text" };
import { OBJECT_TYPES } from "./describe.ts";
import type { StableId } from "./facts.ts";
import type { Catalogue } from "./catalogue.ts";
import { PLATFORM_SCHEMAS } from "./scope.ts";

/**
 * What `public` grants the API's roles by default: what it is now; or, where migrations change that
 * themselves, what it may have been when the project was made. Supabase granted everything until 30
 * October 2026, and tables no more since; some take the rest away before they begin.
 */
export type Defaults = "as they are" | "all" | "functions" | "none";

/** What default privileges may have been, of a project whose migrations change them. */
export const FORMER_DEFAULTS: readonly Defaults[] = ["all", "functions", "none"];

/** What decides a shape. */
export interface ShapeOptions {
  /** The default privileges. */
  readonly defaults: Defaults;
  /** The major version of the shadow. */
  readonly shadowMajor: number;
}

/**
 * Writes a project's shape: the default privileges of `postgres` and who may use `public`, which
 * projects were made with differently over the years.
 *
 * @param catalogue The project's schema.
 * @param options What the migrations see to.
 * @returns The SQL, for `postgres`.
 */
export function writeShape(
  { facts, major }: Catalogue,
  { defaults, shadowMajor }: ShapeOptions,
): string {
  const isAsNow = defaults === "as they are";
  const lines = isAsNow ? [forgetDefaultsSql] : writeFormerDefaults(defaults);
  for (const { id, payload } of facts.facts()) {
    const grants = writeGrants(payload, major < MAINTAINING && shadowMajor >= MAINTAINING);
    if (id.kind === "defaultPrivilege" && isAsNow && isOfShadow(id)) {
      const alter = `alter default privileges for role postgres in schema ${quote(id.schema)}`;
      const on = OBJECT_TYPES[id.objtype];
      if (on === undefined) continue;
      const grantee = role(id.grantee);
      lines.push(`${alter} revoke all on ${on} from ${grantee};`);
      lines.push(
        ...grants.map(({ privileges, option }) =>
          `${alter} grant ${privileges} on ${on} to ${grantee}${option};`
        ),
      );
    }
    if (id.kind === "acl" && id.target.kind === "schema" && id.target.name === "public") {
      const grantee = role(id.grantee);
      if (!isKnownRole(id.grantee)) continue;
      lines.push(`revoke all on schema public from ${grantee};`);
      lines.push(
        ...grants.map(({ privileges, option }) =>
          `grant ${privileges} on schema public to ${grantee}${option};`
        ),
      );
    }
  }
  return lines.join("\n");
}

function writeFormerDefaults(defaults: Exclude<Defaults, "as they are">): string[] {
  return ["tables", "sequences", "functions"].map((kind) => {
    const isGranted = defaults === "all" || defaults === kind;
    return `alter default privileges for role postgres in schema public ` +
      `${isGranted ? "grant" : "revoke"} all on ${kind} ${isGranted ? "to" : "from"} ` +
      "anon, authenticated, service_role;";
  });
}

/** Roles that every shadow has. */
const ROLES = ["PUBLIC", "postgres", "anon", "authenticated", "service_role", "supabase_admin"];

function isKnownRole(name: string): boolean {
  return ROLES.includes(name);
}

/**
 * What the application's own schemas and roles have is made by migrations, and so is what counts in all
 * schemas: no project is made with that.
 */
function isOfShadow(
  id: Extract<StableId, { kind: "defaultPrivilege" }>,
): id is typeof id & { readonly schema: string } {
  if (id.role !== "postgres" || id.schema === null || !isKnownRole(id.grantee)) return false;
  return id.schema === "public" ||
    ["graphql_public", "storage", "realtime", "auth", "extensions"].includes(id.schema) &&
      PLATFORM_SCHEMAS.includes(id.schema);
}

/** The first version that knows MAINTAIN. */
const MAINTAINING = 17;

function writeGrants(payload: Readonly<Record<string, unknown>>, addsMaintain: boolean) {
  const list = (value: unknown) => Array.isArray(value) ? value.map(String) : [];
  const grantable = list(payload.grantable);
  // A server that does not know MAINTAIN gives all the others where it gives all.
  const all = list(payload.privileges);
  const privileges = addsMaintain && all.includes("TRIGGER") && all.includes("TRUNCATE") &&
      all.length === 7
    ? [...all, "MAINTAIN"]
    : all;
  const plain = privileges.filter((privilege) => !grantable.includes(privilege));
  return [
    ...(plain.length > 0 ? [{ privileges: plain.join(", "), option: "" }] : []),
    ...(grantable.length > 0
      ? [{ privileges: grantable.join(", "), option: " with grant option" }]
      : []),
  ];
}

function role(name: string): string {
  return name === "PUBLIC" ? "public" : quote(name);
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
