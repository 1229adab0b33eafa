/**
 * Schemas, tables and columns that may have been renamed or moved. A catalogue does not tell: the old
 * name is gone and a new one there, as if the one had been dropped and the other made, with all its rows.
 *
 * @module
 */

import type { Fact } from "./facts.ts";
import type { Catalogue } from "./catalogue.ts";
import { compareSchemas, keyOf } from "./compare.ts";

/** A schema, table or column that may have another name now. */
export interface PossibleRename {
  /** What it is. */
  readonly kind: "schema" | "table" | "column";
  /** What it was called, such as `public.notes.body`, as a person writes it. */
  readonly from: string;
  /** What it may be called now. */
  readonly to: string;
  /** What renames it, without a semicolon at its end. */
  readonly sql: string;
  /** What takes that back. */
  readonly undo: string;
}

/**
 * Finds what may have been renamed: a schema whose tables another one has, half of them at least; a table
 * whose columns another one has, of another name or in another schema; a column where its table has a new
 * one. Schemas come first, and then those that are most alike.
 *
 * @param from The schema as it was.
 * @param to The schema as it is.
 * @returns The candidates; one object may be part of several.
 */
export function findRenames(from: Catalogue, to: Catalogue): PossibleRename[] {
  const removed: Fact[] = [];
  const added: Fact[] = [];
  for (const delta of compareSchemas(from, to)) {
    if (delta.verb === "remove") removed.push(delta.fact);
    if (delta.verb === "add") added.push(delta.fact);
  }
  const schemas = pair(removed, added, "schema").map((one) => ({
    ...one,
    // A schema without tables has no rows to lose.
    likeness: share(listTables(from, one.before), listTables(to, one.after)) ?? 0,
  })).filter(({ likeness }) => likeness >= 0.5);
  const tables = pair(removed, added, "table").filter(isNearby).map((one) => ({
    ...one,
    likeness: share(listColumns(from, one.before), listColumns(to, one.after)) ?? 1,
  })).filter(({ likeness }) => likeness >= 0.5);
  const columns = pair(removed, added, "column").filter(isNearby)
    .map((one) => ({
      ...one,
      likeness: one.before.payload.type === one.after.payload.type ? 1 : 0,
    }));
  const byLikeness = <Alike extends { likeness: number }>(pairs: Alike[]) =>
    pairs.sort((a, b) => b.likeness - a.likeness);
  const isThere = (schema: string) => from.facts.has({ kind: "schema", name: schema });
  return [...byLikeness(schemas), ...byLikeness([...tables, ...columns])]
    .map((one) => toRename(one, isThere));
}

interface Pair {
  readonly before: Fact;
  readonly after: Fact;
}

function pair(removed: readonly Fact[], added: readonly Fact[], kind: string): Pair[] {
  const ofKind = (facts: readonly Fact[]) => facts.filter(({ id }) => id.kind === kind);
  return ofKind(removed).flatMap((before) => ofKind(added).map((after) => ({ before, after })));
}

/** Whether both are part of the same; a table may have gone to another schema under its name. */
function isNearby({ before, after }: Pair): boolean {
  return keyOf(before.parent!) === keyOf(after.parent!) ||
    before.id.kind === "table" && after.id.kind === "table" && before.id.name === after.id.name;
}

const listTables = ({ facts }: Catalogue, schema: Fact) =>
  facts.childrenOf(schema.id).flatMap(({ id }) => id.kind === "table" ? [id.name] : []);

const listColumns = ({ facts }: Catalogue, table: Fact) =>
  facts.childrenOf(table.id).flatMap(({ id, payload }) =>
    id.kind === "column" ? [`${id.name} ${payload.type}`] : []
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
  if (id.kind === "table" && other.kind === "table") {
    const rename = (one: typeof id, { schema, name }: typeof id) =>
      `ALTER TABLE ${quoted(one.schema, one.name)} ` +
      (one.schema === schema ? `RENAME TO ${quoted(name)}` : `SET SCHEMA ${quoted(schema)}`);
    return {
      kind: "table",
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

function quoted(...names: string[]): string {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`).join(".");
}
