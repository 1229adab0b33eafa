/**
 * Tables and columns that may have been renamed. A schema does not tell: the old name is gone and a
 * new one there, as if the one had been dropped and the other made, with all its rows.
 *
 * @module
 */

import type { Fact } from "./facts.ts";
import type { Catalogue } from "./catalogue.ts";
import { compareSchemas, keyOf } from "./compare.ts";

/** A table or column that may have another name now. */
export interface PossibleRename {
  /** What it is. */
  readonly kind: "table" | "column";
  /** What it was called, such as `public.notes.body`, as a person writes it. */
  readonly from: string;
  /** What it may be called now. */
  readonly to: string;
  /** The statement that renames it. */
  readonly sql: string;
  /** The statement that takes that back. */
  readonly undo: string;
}

/**
 * Finds what may have been renamed: a table whose columns another one has, half of them at least; a
 * column where its table has a new one. Those that are most alike come first.
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
  const tables = pair(removed, added, "table").map((one) => ({
    ...one,
    likeness: compareColumns(from, one.before, to, one.after),
  })).filter(({ likeness }) => likeness >= 0.5);
  const columns = pair(removed, added, "column")
    .map((one) => ({
      ...one,
      likeness: one.before.payload.type === one.after.payload.type ? 1 : 0,
    }));
  return [...tables, ...columns].sort((a, b) => b.likeness - a.likeness).map(toRename);
}

interface Pair {
  readonly before: Fact;
  readonly after: Fact;
}

function pair(removed: readonly Fact[], added: readonly Fact[], kind: string): Pair[] {
  const ofKind = (facts: readonly Fact[]) => facts.filter(({ id }) => id.kind === kind);
  return ofKind(removed).flatMap((before) =>
    ofKind(added).filter((after) => keyOf(after.parent!) === keyOf(before.parent!))
      .map((after) => ({ before, after }))
  );
}

/** Which part of the columns both tables have. */
function compareColumns(from: Catalogue, before: Fact, to: Catalogue, after: Fact): number {
  const list = ({ facts }: Catalogue, table: Fact) =>
    new Set(
      facts.childrenOf(table.id).flatMap(({ id, payload }) =>
        id.kind === "column" ? [`${id.name} ${payload.type}`] : []
      ),
    );
  const [old, new_] = [list(from, before), list(to, after)];
  const most = Math.max(old.size, new_.size);
  return most === 0 ? 1 : [...old].filter((column) => new_.has(column)).length / most;
}

function toRename({ before: { id }, after: { id: other } }: Pair): PossibleRename {
  if (id.kind === "table" && other.kind === "table") {
    const rename = (one: typeof id, name: string) =>
      `ALTER TABLE ${quoted(one.schema, one.name)} RENAME TO ${quoted(name)}`;
    return {
      kind: "table",
      from: `${id.schema}.${id.name}`,
      to: `${other.schema}.${other.name}`,
      sql: rename(id, other.name),
      undo: rename(other, id.name),
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
