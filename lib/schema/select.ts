/** Takes a part of what differs between two schemas, by the names of objects. @module */

import { buildFactBase, type Fact, type FactBase, type StableId } from "./facts.ts";
import type { Catalogue, Extra } from "./catalogue.ts";
import { keyOf } from "./compare.ts";

/** Which objects are meant. A `*` in a pattern is anything, a `?` one character. */
export interface Selection {
  /** Schemas; all where it is left out. */
  readonly schemas?: readonly string[];
  /** Patterns of `schema.name`, of which one has to fit; what is part of an object goes with it. */
  readonly include?: readonly string[];
  /** Patterns of which none may fit. */
  readonly exclude?: readonly string[];
}

/**
 * Makes the schema that has what is selected from one, and the rest from another.
 *
 * @param wanted Where the selected objects are as they are to be.
 * @param current Where the others are as they are to stay.
 * @param selection Which objects.
 * @returns The schema.
 */
export function selectFrom(
  wanted: Catalogue,
  current: Catalogue,
  selection: Selection,
): Catalogue {
  const isSelected = matcher(selection);
  const isMeant = (facts: FactBase) => (fact: Fact) => {
    const { schema, name } = placeOf(topOf(fact, facts).id);
    return isSelected(schema, name);
  };
  const [isOfWanted, isOfCurrent] = [isMeant(wanted.facts), isMeant(current.facts)];
  const taken = wanted.facts.facts().filter(isOfWanted);
  const kept = current.facts.facts().filter((fact) => !isOfCurrent(fact));
  const facts = new Map([...kept, ...taken].map((fact) => [keyOf(fact.id), fact]));
  const edges = [
    ...wanted.facts.edges.filter(({ from }) => isIn(wanted.facts, from, isOfWanted)),
    ...current.facts.edges.filter(({ from }) => !isIn(current.facts, from, isOfCurrent)),
  ];
  // What is taken needs what it is in, and what stays keeps it.
  for (const { parent } of [...facts.values()]) {
    if (parent === undefined || facts.has(keyOf(parent))) continue;
    const source = wanted.facts.has(parent) ? wanted.facts : current.facts;
    for (const fact of [source.get(parent)!, ...source.childrenOf(parent).filter(isAboutSchema)]) {
      facts.set(keyOf(fact.id), fact);
      edges.push(...source.outgoingEdges(fact.id));
    }
  }
  const extras = new Map<string, Extra>();
  const takeExtras = (source: Catalogue, selected: boolean) => {
    for (const [key, extra] of source.extras) {
      if (isSelected(extra.schema, nameInSchema(extra)) === selected) extras.set(key, extra);
    }
  };
  takeExtras(current, false);
  takeExtras(wanted, true);
  return {
    facts: buildFactBase([...facts.values()], edges, wanted.facts.source),
    extras,
    major: wanted.major,
    saysClosed: wanted.saysClosed,
  };
}

/** Whether nothing is selected, so that all is meant. */
export function isEverything({ schemas = [], include = [], exclude = [] }: Selection): boolean {
  return schemas.length + include.length + exclude.length === 0;
}

type IsSelected = (schema: string | null, name: string | null) => boolean;

function matcher({ schemas = [], include = [], exclude = [] }: Selection): IsSelected {
  const included = include.map(toPattern);
  const excluded = exclude.map(toPattern);
  return (schema, name) => {
    if (schemas.length > 0 && (schema === null || !schemas.includes(schema))) return false;
    const path = [schema, name].filter((part) => part !== null).join(".");
    return (included.length === 0 || included.some((pattern) => pattern.test(path))) &&
      !excluded.some((pattern) => pattern.test(path));
  };
}

/** `app` is all that is in it, and `app.notes` is its columns, too. */
function toPattern(glob: string): RegExp {
  const body = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${body}(?:\\..*)?$`, "s");
}

function isIn(facts: FactBase, id: StableId, isMeant: (fact: Fact) => boolean): boolean {
  const fact = facts.get(id);
  return fact !== undefined && isMeant(fact);
}

function isAboutSchema({ id }: Fact): boolean {
  return id.kind === "acl" || id.kind === "comment" || id.kind === "securityLabel";
}

/**
 * The object that a fact is part of: a table for its columns, indexes and policies.
 *
 * @param fact The fact.
 * @param facts All of them.
 */
export function topOf(fact: Fact, facts: FactBase): Fact {
  for (let top = fact;;) {
    // What is in a schema, or published, is an object of its own; a grant on a schema is not.
    const isWhole = top.parent === undefined || top.id.kind.startsWith("publication") ||
      top.parent.kind === "schema" && !("target" in top.id);
    const parent = isWhole ? undefined : facts.get(top.parent!);
    if (parent === undefined) return top;
    top = parent;
  }
}

function placeOf(id: StableId): { schema: string | null; name: string | null } {
  if ("target" in id) return placeOf(id.target);
  switch (id.kind) {
    case "schema":
      return { schema: id.name, name: null };
    case "publicationRel":
      return { schema: id.schema, name: id.table };
    case "publicationSchema":
    case "defaultPrivilege":
      return { schema: id.schema, name: null };
    case "membership":
    case "userMapping":
      return { schema: null, name: id.role };
    case "extensionIntent":
      return { schema: null, name: id.key };
    case "typeAttribute":
      return { schema: id.schema, name: id.type };
    default:
      return {
        schema: "schema" in id ? id.schema : null,
        name: "table" in id ? id.table : id.name,
      };
  }
}

/** What SQL calls `public.notes.body` is `notes.body` here. */
function nameInSchema({ schema, name }: Extra): string {
  const plain = name.replaceAll('"', "");
  return schema !== null && plain.startsWith(`${schema}.`) ? plain.slice(schema.length + 1) : plain;
}
