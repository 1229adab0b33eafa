/**
 * What holds rows or is of them, and may have been renamed or moved: schemas, tables and columns; types,
 * what they have, and collations; sequences, which have a value. A catalogue does not tell: the old name
 * is gone and a new one there, as if the one had been dropped and the other made, with all its rows.
 *
 * @module
 */

import type { Fact } from "./facts.ts";
import type { Catalogue } from "./catalogue.ts";
import { compareSchemas, keyOf } from "./compare.ts";

/** Something that may have another name now. */
export interface PossibleRename {
  /** What it is; `value` is one of an enum, `attribute` one of a composite type. */
  readonly kind: "schema" | Movable["kind"] | "column" | "attribute" | "value";
  /** What it was called, such as `public.notes.body`, as a person writes it. */
  readonly from: string;
  /** What it may be called now. */
  readonly to: string;
  /** What renames it, without a semicolon at its end. */
  readonly sql: string;
  /** What takes that back. */
  readonly undo: string;
}

/** What is in a schema under a name. */
type Movable = { kind: typeof MOVABLE[number]; schema: string; name: string };

const MOVABLE = ["type", "domain", "collation", "table", "sequence"] as const;

/**
 * Finds what may have been renamed: a schema whose tables another one has, half of them at least; a table
 * whose columns another one has, of another name or in another schema, and a type in the same way; a
 * column or an attribute where there is a new one; a value of an enum where a new one has its place.
 * Schemas come first, then types, and then those that are most alike.
 *
 * @param from The schema as it was.
 * @param to The schema as it is.
 * @returns The candidates; one object may be part of several.
 */
export function findRenames(from: Catalogue, to: Catalogue): PossibleRename[] {
  const removed: Fact[] = [];
  const added: Fact[] = [];
  const values: PossibleRename[] = [];
  for (const delta of compareSchemas(from, to)) {
    if (delta.verb === "remove") removed.push(delta.fact);
    if (delta.verb === "add") added.push(delta.fact);
    if (delta.verb === "set" && delta.id.kind === "type" && delta.attr === "values") {
      values.push(...pairValues(delta.id, delta.from as string[], delta.to as string[]));
    }
  }
  const rate = (
    kind: Fact["id"]["kind"],
    likenessOf: (before: Fact, after: Fact) => number,
  ) =>
    pair(removed, added, kind).filter(isNearby)
      .map((one) => ({ ...one, likeness: likenessOf(one.before, one.after) }));
  const schemas = pair(removed, added, "schema").map((one) => ({
    ...one,
    // A schema without tables has no rows to lose.
    likeness: share(listTables(from, one.before), listTables(to, one.after)) ?? 0,
  }));
  const types = [
    ...rate("type", (before, after) => alikeTypes(from, before, to, after)),
    ...rate("domain", alike("baseType")),
    ...rate("collation", alike("provider", "locale", "lcCollate")),
  ];
  const tables = rate(
    "table",
    (before, after) => share(listParts(from, before), listParts(to, after)) ?? 1,
  );
  const isAlike = ({ likeness }: { likeness: number }) => likeness >= 0.5;
  const others = [
    ...tables.filter(isAlike),
    // What belongs to a table is to be called as the table is first.
    ...rate("sequence", alike("ownedBy", "dataType")).filter(isAlike),
    ...rate("column", alike("type")),
    ...rate("typeAttribute", alike("type")),
  ];
  const byLikeness = <Alike extends { likeness: number }>(pairs: Alike[]) =>
    pairs.sort((a, b) => b.likeness - a.likeness);
  const isThere = (schema: string) => from.facts.has({ kind: "schema", name: schema });
  return [
    ...[...byLikeness(schemas.filter(isAlike)), ...byLikeness(types.filter(isAlike))]
      .map((one) => toRename(one, isThere)),
    ...values,
    ...byLikeness(others).map((one) => toRename(one, isThere)),
  ];
}

/** 1 where two facts have the same of all that is named, else 0. */
const alike = (...names: string[]) => ({ payload }: Fact, { payload: other }: Fact): number =>
  names.every((name) => JSON.stringify(payload[name]) === JSON.stringify(other[name])) ? 1 : 0;

function alikeTypes(from: Catalogue, before: Fact, to: Catalogue, after: Fact): number {
  if (before.payload.variant !== after.payload.variant) return 0;
  if (before.payload.variant === "enum") {
    return share(before.payload.values as string[], after.payload.values as string[]) ?? 1;
  }
  if (before.payload.variant === "range") return alike("subtype")(before, after);
  return share(listParts(from, before), listParts(to, after)) ?? 1;
}

/** Values that are gone, and new ones between the same others; first those that are at the same place. */
function pairValues(
  { schema, name }: { schema: string; name: string },
  before: readonly string[],
  after: readonly string[],
): PossibleRename[] {
  const place = (value: string, values: readonly string[], others: readonly string[]) => {
    const kept = values.slice(0, values.indexOf(value)).map((one) => others.includes(one));
    const last = kept.lastIndexOf(true);
    return { gap: kept.filter(Boolean).length, at: kept.length - last };
  };
  const type = quoted(schema, name);
  const rename = (one: string, other: string) =>
    `ALTER TYPE ${type} RENAME VALUE ${literal(one)} TO ${literal(other)}`;
  const gone = before.filter((value) => !after.includes(value));
  const made = after.filter((value) => !before.includes(value));
  return gone.flatMap((one) =>
    made.map((other) => ({
      one,
      other,
      from: place(one, before, after),
      to: place(other, after, before),
    }))
  )
    .filter(({ from, to }) => from.gap === to.gap)
    .sort((a, b) => Math.abs(a.from.at - a.to.at) - Math.abs(b.from.at - b.to.at))
    .map(({ one, other }) => ({
      kind: "value" as const,
      from: `${schema}.${name}.${one}`,
      to: `${schema}.${name}.${other}`,
      sql: rename(one, other),
      undo: rename(other, one),
    }));
}

interface Pair {
  readonly before: Fact;
  readonly after: Fact;
}

function pair(removed: readonly Fact[], added: readonly Fact[], kind: string): Pair[] {
  const ofKind = (facts: readonly Fact[]) => facts.filter(({ id }) => id.kind === kind);
  return ofKind(removed).flatMap((before) => ofKind(added).map((after) => ({ before, after })));
}

/** Whether both are part of the same; what is in a schema may have gone to another under its name. */
function isNearby({ before, after }: Pair): boolean {
  return keyOf(before.parent!) === keyOf(after.parent!) ||
    isMovable(before.id) && isMovable(after.id) && before.id.name === after.id.name;
}

const isMovable = (id: Fact["id"]): id is Movable => MOVABLE.some((kind) => kind === id.kind);

const listTables = ({ facts }: Catalogue, schema: Fact) =>
  facts.childrenOf(schema.id).flatMap(({ id }) => id.kind === "table" ? [id.name] : []);

/** A table's columns and a type's attributes. */
const listParts = ({ facts }: Catalogue, whole: Fact) =>
  facts.childrenOf(whole.id).flatMap(({ id, payload }) =>
    id.kind === "column" || id.kind === "typeAttribute" ? [`${id.name} ${payload.type}`] : []
  );

/** Which part of them both have; undefined where there are none. */
function share(before: readonly string[], after: readonly string[]): number | undefined {
  const most = Math.max(before.length, after.length);
  return most === 0 ? undefined : before.filter((one) => after.includes(one)).length / most;
}

function toRename(
  { before: { id }, after: { id: other } }: Pair,
  isThere: (schema: string) => boolean,
): PossibleRename {
  if (id.kind === "schema" && other.kind === "schema") {
    const rename = (before: string, after: string) =>
      `ALTER SCHEMA ${quoted(before)} RENAME TO ${quoted(after)}`;
    return {
      kind: "schema",
      from: id.name,
      to: other.name,
      sql: rename(id.name, other.name),
      undo: rename(other.name, id.name),
    };
  }
  if (isMovable(id) && isMovable(other)) {
    const rename = (one: Movable, { schema, name }: Movable) =>
      `ALTER ${id.kind.toUpperCase()} ${quoted(one.schema, one.name)} ` +
      (one.schema === schema ? `RENAME TO ${quoted(name)}` : `SET SCHEMA ${quoted(schema)}`);
    return {
      kind: id.kind,
      from: `${id.schema}.${id.name}`,
      to: `${other.schema}.${other.name}`,
      sql: [
        ...isThere(other.schema) ? [] : [`CREATE SCHEMA ${quoted(other.schema)}`],
        rename(id, other),
      ]
        .join(";\n"),
      undo: [
        rename(other, id),
        ...isThere(other.schema) ? [] : [`DROP SCHEMA ${quoted(other.schema)}`],
      ]
        .join(";\n"),
    };
  }
  if (id.kind === "typeAttribute" && other.kind === "typeAttribute") {
    const rename = (before: string, after: string) =>
      `ALTER TYPE ${quoted(id.schema, id.type)} RENAME ATTRIBUTE ` +
      `${quoted(before)} TO ${quoted(after)} CASCADE`;
    return {
      kind: "attribute",
      from: `${id.schema}.${id.type}.${id.name}`,
      to: `${id.schema}.${id.type}.${other.name}`,
      sql: rename(id.name, other.name),
      undo: rename(other.name, id.name),
    };
  }
  if (id.kind !== "column" || other.kind !== "column") throw new TypeError(`No rename: ${id.kind}`);
  const table = quoted(id.schema, id.table);
  const rename = (before: string, after: string) =>
    `ALTER TABLE ${table} RENAME COLUMN ${quoted(before)} TO ${quoted(after)}`;
  return {
    kind: "column",
    from: `${id.schema}.${id.table}.${id.name}`,
    to: `${other.schema}.${other.table}.${other.name}`,
    sql: rename(id.name, other.name),
    undo: rename(other.name, id.name),
  };
}

function literal(text: string): string {
  const quotes = text.replaceAll("'", "''");
  return text.includes("\\") ? `E'${quotes.replaceAll("\\", "\\\\")}'` : `'${quotes}'`;
}

function quoted(...names: string[]): string {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`).join(".");
}
