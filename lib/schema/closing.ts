/** Has plans close what is closed, whatever the project grants by default that they are applied to. @module */

import { buildFactBase, type Fact, type FactBase, type StableId } from "./facts.ts";

/** The roles that Supabase granted everything in `public` until 30 October 2026. */
const API_ROLES = ["anon", "authenticated"];

/** What default privileges are for, as `pg_default_acl` calls it, by kinds of objects. */
const DEFAULTS_FOR: Readonly<Record<string, string>> = {
  table: "r",
  foreignTable: "r",
  view: "r",
  materializedView: "r",
  sequence: "S",
  function: "f",
  procedure: "f",
  aggregate: "f",
};

/**
 * Writes out in two schemas what nobody has to say where nothing is granted by default: that `anon` and
 * `authenticated` have nothing on an object. A plan between the two revokes it from what is made then;
 * and as if everything was granted by default, it revokes all before it grants a part.
 *
 * @param source The schema as it is.
 * @param desired The schema as it is to be.
 * @param isMeant Whether something is to be planned at all.
 * @returns Both, for a planner alone.
 */
export function writeOutClosed(
  source: FactBase,
  desired: FactBase,
  isMeant: (id: StableId) => boolean,
): [FactBase, FactBase] {
  const schemas = findOpenSchemas(desired);
  const closed = desired.facts().filter(({ id }) =>
    "schema" in id && schemas.has(id.schema ?? "") && id.kind in DEFAULTS_FOR && isMeant(id) &&
    !isOfExtension(id, desired) && !isOpenToAll(id, desired)
  ).flatMap(({ id }) =>
    API_ROLES.map((grantee): StableId => ({ kind: "acl", target: id, grantee }))
  )
    .filter((id) => !desired.has(id))
    .map((id) => toFact(id, []));
  const defaults = [...schemas].flatMap((schema) =>
    [...new Set(Object.values(DEFAULTS_FOR))].flatMap((objtype) =>
      API_ROLES.map((grantee): StableId => ({
        kind: "defaultPrivilege",
        role: "postgres",
        schema,
        objtype,
        grantee,
      }))
    )
  )
    // Where one of the schemas has it, it is the application's own.
    .filter((id) => !source.has(id) && !desired.has(id))
    .map((id) => toFact(id, ["ALL"]));
  const wasThere = ({ id }: Fact) => "target" in id && source.has(id.target) && !source.has(id);
  return [
    add(source, [...closed.filter(wasThere), ...defaults]),
    columnsLast(add(desired, [...closed, ...defaults]), source),
  ];
}

/** What is revoked on a table is revoked on its columns, too: what is granted on these comes behind it. */
function columnsLast(desired: FactBase, source: FactBase): FactBase {
  const edges = desired.facts().flatMap(({ id }) => {
    if (id.kind !== "acl" || id.column === undefined || source.has(id.target)) return [];
    const onTable: StableId = { kind: "acl", target: id.target, grantee: id.grantee };
    return desired.has(onTable) ? [{ from: id, to: onTable, kind: "depends" as const }] : [];
  });
  return edges.length === 0
    ? desired
    : buildFactBase([...desired.facts()], [...desired.edges, ...edges], desired.source);
}

function toFact(id: StableId, privileges: readonly string[]): Fact {
  const payload = { privileges: [...privileges], grantable: [] };
  return "target" in id ? { id, parent: id.target, payload } : { id, payload };
}

function add(facts: FactBase, others: readonly Fact[]): FactBase {
  return buildFactBase([...facts.facts(), ...others], [...facts.edges], facts.source);
}

/** What comes with an extension has what the extension grants. */
function isOfExtension(id: StableId, facts: FactBase): boolean {
  return facts.outgoingEdges(id).some(({ kind }) => kind === "memberOfExtension");
}

/** What PUBLIC may call, these roles may call. */
function isOpenToAll(id: StableId, facts: FactBase): boolean {
  return DEFAULTS_FOR[id.kind] === "f" &&
    has("EXECUTE", facts.get({ kind: "acl", target: id, grantee: "PUBLIC" }));
}

/** The schemas that the API's roles may use: nothing in any other can be reached. */
function findOpenSchemas(facts: FactBase): Set<string> {
  return new Set(
    facts.facts().flatMap((fact) => {
      const { id } = fact;
      return id.kind === "acl" && id.target.kind === "schema" && has("USAGE", fact) &&
          ["PUBLIC", ...API_ROLES].includes(id.grantee)
        ? [id.target.name]
        : [];
    }),
  );
}

function has(privilege: string, acl: Fact | undefined): boolean {
  const privileges = acl?.payload.privileges;
  return Array.isArray(privileges) && privileges.includes(privilege);
}
