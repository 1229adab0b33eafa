/** Differences between two schemas in words: which object, and what about it. @module */

import { type Delta, encodeId as keyOf, type Fact, type StableId } from "./facts.ts";
import type { Extra } from "./catalogue.ts";

/** A difference between two schemas. */
export interface SchemaDifference {
  /** What is there in the second schema alone, in the first alone, or in both and not the same. */
  readonly change: "added" | "removed" | "changed";
  /** What it is, such as `table` or `policy`. */
  readonly kind: string;
  /** Its name, as SQL writes it. */
  readonly name: string;
  /** The schema that it is in; null where it is in none. */
  readonly schema: string | null;
  /** What was changed, a line each. */
  readonly details: readonly string[];
  /** Identities of all that is part of it, which statements are about. */
  readonly keys: readonly string[];
}

/**
 * Says what deltas mean, one difference an object.
 *
 * @param deltas What differs.
 * @returns The differences, by schema and name.
 */
export function describeDeltas(deltas: readonly Delta[]): SchemaDifference[] {
  const whole = new Map<string, { fact: Fact; change: "added" | "removed" }>();
  for (const delta of deltas) {
    if (delta.verb !== "add" && delta.verb !== "remove") continue;
    const change = delta.verb === "add" ? "added" : "removed";
    whole.set(keyOf(delta.fact.id), { fact: delta.fact, change });
  }
  const found = new Map<string, Draft>();
  const draft = (id: StableId, change: Draft["change"]): Draft => {
    const key = keyOf(id);
    const known = found.get(key) ?? { id, change, details: [], keys: [key] };
    found.set(key, known);
    return known;
  };
  for (const [key, { fact, change }] of whole) {
    const top = topOf(fact, whole);
    draft(top.id, change).keys.push(key);
  }
  for (const delta of deltas) {
    if (delta.verb === "set") {
      const { details } = draft(delta.id, "changed");
      details.push(`${words(delta.attr)}: ${showChange(delta.from, delta.to)}`);
    } else if ((delta.verb === "link" || delta.verb === "unlink") && delta.edge.kind === "owner") {
      const { from, to } = delta.edge;
      if (whole.has(keyOf(from)) || to.kind !== "role") continue;
      draft(from, "changed").details.push(
        delta.verb === "link" ? `owner is ${to.name}` : `owner was ${to.name}`,
      );
    }
  }
  return [...found.values()].map(({ id, change, details, keys }) => ({
    change,
    ...nameOf(id),
    details,
    keys: [...new Set(keys)],
  })).sort(byName);
}

/**
 * Says what differs of what pg-delta does not see.
 *
 * @param pairs What each schema has.
 * @returns The differences.
 */
export function describeExtras(
  pairs: readonly { before: Extra | undefined; after: Extra | undefined }[],
): SchemaDifference[] {
  return pairs.map(({ before, after }) => {
    const { kind, name, schema } = (before ?? after)!;
    return {
      change: before === undefined ? "added" : after === undefined ? "removed" : "changed",
      kind,
      name,
      schema,
      details: before === undefined || after === undefined
        ? []
        : [showChange(before.definition, after.definition)],
      keys: [`${kind} ${name}`],
    };
  });
}

interface Draft {
  readonly id: StableId;
  readonly change: SchemaDifference["change"];
  readonly details: string[];
  readonly keys: string[];
}

function byName(a: SchemaDifference, b: SchemaDifference): number {
  const [left, right] = [a, b].map(({ schema, name, kind }) => `${schema ?? ""} ${name} ${kind}`);
  return left! < right! ? -1 : left === right ? 0 : 1;
}

/** What it came or went with. */
function topOf(fact: Fact, whole: ReadonlyMap<string, { fact: Fact }>): Fact {
  for (let top = fact;;) {
    const parent = top.parent === undefined ? undefined : whole.get(keyOf(top.parent))?.fact;
    if (parent === undefined) return top;
    top = parent;
  }
}

/** `notNull` is "not null". */
function words(attribute: string): string {
  return attribute.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

/** Longer texts are in the statements. */
const LONGEST = 60;

/** How much of what both have is shown in front of where they part. */
const BEFORE = 20;

/** What was, and what is; of longer texts the place where they differ. */
function showChange(from: unknown, to: unknown): string {
  const [before, after] = [[...toLine(from)], [...toLine(to)]];
  if (before.join("") === after.join("")) return "white space alone";
  let first = 0;
  while (first < before.length && before[first] === after[first]) first++;
  const start = Math.max(before.length, after.length) <= LONGEST ? 0 : Math.max(0, first - BEFORE);
  return `${cut(before, start)} → ${cut(after, start)}`;
}

function cut(text: readonly string[], start: number): string {
  const end = start + LONGEST;
  return (start > 0 ? "…" : "") + text.slice(start, end).join("") + (end < text.length ? "…" : "");
}

function toLine(value: unknown): string {
  if (value === undefined || value === null) return "none";
  const text = typeof value === "string"
    ? value
    : Array.isArray(value)
    ? value.join(", ")
    : JSON.stringify(value);
  return text.replace(/\s+/g, " ").trim();
}

/** What SQL calls the kinds whose words are not their names. */
const KINDS: Readonly<Record<string, string>> = {
  acl: "privileges",
  materializedView: "materialized view",
  foreignTable: "foreign table",
  eventTrigger: "event trigger",
  defaultPrivilege: "default privileges",
  fdw: "foreign data wrapper",
  userMapping: "user mapping",
  typeAttribute: "attribute",
  publicationRel: "published table",
  publicationSchema: "published schema",
  securityLabel: "security label",
  extensionIntent: "extension's setting",
};

/**
 * Names an object for people.
 *
 * @param id Which one.
 * @returns What it is, its name and its schema.
 */
export function nameOf(id: StableId): { kind: string; name: string; schema: string | null } {
  const kind = KINDS[id.kind] ?? id.kind;
  const schema = schemaOf(id);
  switch (id.kind) {
    case "comment":
    case "securityLabel":
    case "acl": {
      const target = nameOf(id.target);
      const of = `${target.kind} ${target.name}`;
      if (id.kind !== "acl") return { kind, name: `on ${of}`, schema };
      const column = id.column === undefined ? "" : `, column ${quote(id.column)}`;
      return { kind, name: `of ${id.grantee} on ${of}${column}`, schema };
    }
    case "membership":
      return { kind, name: `of ${quote(id.member)} in ${quote(id.role)}`, schema };
    case "userMapping":
      return { kind, name: `of ${quote(id.role)} on ${quote(id.server)}`, schema };
    case "typeAttribute":
      return { kind, name: path(id.schema, id.type, id.name), schema };
    case "publicationRel":
      return { kind, name: `${path(id.schema, id.table)} in ${quote(id.publication)}`, schema };
    case "publicationSchema":
      return { kind, name: `${quote(id.schema)} in ${quote(id.publication)}`, schema };
    case "defaultPrivilege": {
      const where = id.schema === null ? "" : ` in ${quote(id.schema)}`;
      const what = OBJECT_TYPES[id.objtype] ?? id.objtype;
      return { kind, name: `of ${id.grantee} on ${what}${where} for ${quote(id.role)}`, schema };
    }
    case "extensionIntent":
      return { kind, name: `${id.ext} ${id.intentKind} ${id.key}`, schema };
    case "column":
    case "default":
      return { kind, name: path(id.schema, id.table, id.name), schema };
    case "constraint":
    case "trigger":
    case "rule":
    case "policy":
      return { kind, name: `${quote(id.name)} on ${path(id.schema, id.table)}`, schema };
    case "function":
    case "procedure":
    case "aggregate":
      return { kind, name: `${path(id.schema, id.name)}(${id.args.join(", ")})`, schema };
    default:
      return { kind, name: "schema" in id ? path(id.schema, id.name) : quote(id.name), schema };
  }
}

/** What default privileges are for, by the letters of `pg_default_acl`. */
export const OBJECT_TYPES: Readonly<Record<string, string>> = {
  r: "tables",
  S: "sequences",
  f: "functions",
  T: "types",
  n: "schemas",
};

function schemaOf(id: StableId): string | null {
  if ("target" in id) return schemaOf(id.target);
  if (id.kind === "schema") return id.name;
  return "schema" in id ? id.schema : null;
}

/** A name as SQL writes it: with dots, and quotes where it needs them. */
export function path(...names: string[]): string {
  return names.map(quote).join(".");
}

function quote(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
