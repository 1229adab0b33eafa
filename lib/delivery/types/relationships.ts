/** The foreign keys that PostgREST follows, those of views among them. Pure. @module */

import type { ForeignKey, Relation, TypeFacts } from "./facts.ts";
import { compare } from "./writing.ts";

/** A way from one relation to another. */
export interface Relationship {
  readonly foreignKeyName: string;
  readonly columns: readonly string[];
  readonly isOneToOne: boolean;
  readonly referencedRelation: string;
  readonly referencedColumns: readonly string[];
}

/** One end of a foreign key, or of what it is in a view. */
interface End {
  readonly relation: Relation;
  readonly columns: readonly string[];
}

/**
 * Finds the relationships of all relations, within their schemas.
 *
 * @param facts What the database has.
 * @returns The relationships by the number of the relation, in order.
 */
export function findRelationships(facts: TypeFacts): Map<number, Relationship[]> {
  const relations = new Map(facts.relations.map((relation) => [relation.id, relation]));
  const shown = findShownColumns(facts, relations);
  const found = new Map<number, Relationship[]>();
  for (const foreignKey of facts.foreign_keys) {
    const { name, relation, columns, referenced, referenced_columns } = foreignKey;
    for (const from of findEnds(relation, columns, relations, shown)) {
      for (const to of findEnds(referenced, referenced_columns, relations, shown)) {
        if (from.relation.schema !== to.relation.schema) continue;
        const known = found.get(from.relation.id) ?? [];
        found.set(from.relation.id, known);
        known.push({
          foreignKeyName: name,
          columns: from.columns,
          isOneToOne: foreignKey.is_one_to_one,
          referencedRelation: to.relation.name,
          referencedColumns: to.columns,
        });
      }
    }
  }
  for (const known of found.values()) known.sort(inOrder);
  return found;
}

function inOrder(a: Relationship, b: Relationship): number {
  return compare(a.foreignKeyName, b.foreignKeyName) ||
    compare(a.referencedRelation, b.referencedRelation) ||
    compare(JSON.stringify(a.referencedColumns), JSON.stringify(b.referencedColumns)) ||
    compare(JSON.stringify(a.columns), JSON.stringify(b.columns));
}

/** The names that the columns of relations have in each view. */
type ShownColumns = ReadonlyMap<number, ReadonlyMap<number, ReadonlyMap<number, string[]>>>;

/** By relation, then by view, then by column. */
function findShownColumns(
  { origins }: TypeFacts,
  relations: ReadonlyMap<number, Relation>,
): ShownColumns {
  const shown = new Map<number, Map<number, Map<number, string[]>>>();
  for (const { view, view_column, relation, column } of origins) {
    const name = relations.get(view)?.columns.find(({ number }) => number === view_column)?.name;
    if (name === undefined) continue;
    const views = shown.get(relation) ?? new Map<number, Map<number, string[]>>();
    const columns = views.get(view) ?? new Map<number, string[]>();
    shown.set(relation, views.set(view, columns.set(column, [...columns.get(column) ?? [], name])));
  }
  return shown;
}

/** The relation itself, and each view that has all the columns, in each way in which it has them. */
function findEnds(
  id: number,
  columns: ForeignKey["columns"],
  relations: ReadonlyMap<number, Relation>,
  shown: ShownColumns,
): End[] {
  const ends: End[] = [];
  const own = relations.get(id);
  const names = columns.map((wanted) => own?.columns.find(({ number }) => number === wanted)?.name);
  if (own !== undefined && names.every((name) => name !== undefined)) {
    ends.push({ relation: own, columns: names });
  }
  for (const [view, known] of shown.get(id) ?? []) {
    for (const combination of combine(columns.map((column) => known.get(column) ?? []))) {
      ends.push({ relation: relations.get(view)!, columns: combination });
    }
  }
  return ends;
}

/** One of each list, in all ways; none where a list is empty. */
function combine(lists: readonly (readonly string[])[]): string[][] {
  return lists.reduce<string[][]>(
    (combined, list) => combined.flatMap((before) => list.map((next) => [...before, next])),
    [[]],
  );
}
