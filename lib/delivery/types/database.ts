/** Writes the types of a database's schemas as TypeScript, as supabase-js takes them. Pure. @module */

import type { Column, Relation, TypeFacts } from "./facts.ts";
import { FunctionTypes } from "./functions.ts";
import { formatHelpers } from "./helpers.ts";
import { hardline, indent, join, type Layout, print } from "./layout.ts";
import { TypeNames } from "./names.ts";
import { findRelationships, type Relationship } from "./relationships.ts";
import {
  compare,
  dictionary,
  key,
  list,
  literal,
  objectOrNull,
  property,
  tall,
  union,
} from "./writing.ts";

/**
 * Writes the types.
 *
 * @param facts What the database has.
 * @param postgrestVersion The version of its API; null where it is not known.
 * @returns A module of TypeScript.
 */
export function formatDatabaseTypes(facts: TypeFacts, postgrestVersion: string | null): string {
  const schemas = facts.schemas.toSorted(compare);
  const names = new TypeNames(facts);
  const relationships = findRelationships(facts);
  const database = tall([
    ...(postgrestVersion === null ? [] : [
      "// Allows to automatically instantiate createClient with right options",
      "// instead of createClient<Database, { PostgrestVersion: 'XX' }>(URL, KEY)",
      property(
        "__InternalSupabase",
        tall([property("PostgrestVersion", literal(postgrestVersion))]),
      ),
    ]),
    ...schemas.map((schema) => property(schema, formatSchema(schema, facts, names, relationships))),
  ]);
  return [
    "export type Json =\n  | string\n  | number\n  | boolean\n  | null\n" +
    "  | { [key: string]: Json | undefined }\n  | Json[]",
    `export type Database = ${print(database)}`,
    ...formatHelpers(schemas.includes("public") ? "public" : schemas[0] ?? "public"),
    `export const Constants = ${print(formatConstants(schemas, facts))} as const`,
  ].join("\n\n") + "\n";
}

function formatSchema(
  schema: string,
  facts: TypeFacts,
  names: TypeNames,
  relationships: ReadonlyMap<number, readonly Relationship[]>,
): Layout {
  const isHere = (one: { readonly schema: string }) => one.schema === schema;
  const relations = facts.relations.filter(isHere).toSorted((a, b) => compare(a.name, b.name));
  const toRow = ({ columns }: Relation) =>
    tall(
      columns.toSorted((a, b) => compare(a.name, b.name)).map((column) => toField(column, names)),
    );
  const functions = new FunctionTypes(
    names,
    schema,
    facts.functions.filter(isHere),
    relations,
    toRow,
  );
  const isView = ({ kind }: Relation) => kind === "v" || kind === "m";
  const toProperty = (relation: Relation) =>
    property(
      relation.name,
      formatRelation(relation, names, functions, relationships.get(relation.id) ?? []),
    );
  const types = facts.types.filter(isHere).toSorted((a, b) => compare(a.name, b.name));
  return tall([
    property("Tables", dictionary(relations.filter((one) => !isView(one)).map(toProperty))),
    property("Views", dictionary(relations.filter(isView).map(toProperty))),
    property("Functions", dictionary(functions.toProperties())),
    property(
      "Enums",
      dictionary(
        types.flatMap(({ name, labels }) =>
          labels === null ? [] : [property(name, union(labels.map(literal)))]
        ),
      ),
    ),
    property(
      "CompositeTypes",
      dictionary(types.flatMap(({ name, attributes }) =>
        attributes === null ? [] : [property(
          name,
          tall(attributes.map(({ name, type }) => property(name, names.toNullable(type)))),
        )]
      )),
    ),
  ]);
}

function toField(
  { name, type, nullable }: Column,
  names: TypeNames,
  isOptional = false,
): Layout {
  return property(name, nullable ? names.toNullable(type) : names.toType(type), isOptional);
}

function formatRelation(
  relation: Relation,
  names: TypeNames,
  functions: FunctionTypes,
  relationships: readonly Relationship[],
): Layout {
  const columns = relation.columns.toSorted((a, b) => compare(a.name, b.name));
  // To PostgreSQL as well a column comes before a function of the same name.
  const taken = new Set(columns.map(({ name }) => name));
  const row = tall([
    ...columns.map((column) => toField(column, names)),
    ...functions.fieldsOf(relation).filter(({ name }) => !taken.has(name)).map((field) =>
      property(
        field.name,
        functions.returnsObject(field)
          ? objectOrNull(functions.toReturned(field))
          : names.toNullable(field.returns),
      )
    ),
  ]);
  const isView = relation.kind === "v" || relation.kind === "m";
  const [insert, update] = isView ? [toViewInput, toViewInput] : [toInsert, toUpdate];
  const inputs = isView && !(relation.kind === "v" && relation.updatable) ? [] : [
    property("Insert", tall(columns.map((column) => insert(column, names)))),
    property("Update", tall(columns.map((column) => update(column, names)))),
  ];
  return tall([
    property("Row", row),
    ...inputs,
    property("Relationships", list(relationships.map(formatRelationship))),
  ]);
}

function toInsert(column: Column, names: TypeNames): Layout {
  if (column.identity === "a") return property(column.name, "never", true);
  const isOptional = column.nullable || column.identity !== "" || column.has_default;
  return toField(column, names, isOptional);
}

function toUpdate(column: Column, names: TypeNames): Layout {
  if (column.identity === "a") return property(column.name, "never", true);
  return toField(column, names, true);
}

function toViewInput({ updatable, ...column }: Column, names: TypeNames): Layout {
  if (!updatable) return property(column.name, "never", true);
  return property(column.name, names.toNullable(column.type), true);
}

function formatRelationship(relationship: Relationship): Layout {
  const { foreignKeyName, columns, isOneToOne, referencedRelation, referencedColumns } =
    relationship;
  return tall([
    property("foreignKeyName", literal(foreignKeyName)),
    property("columns", list(columns.map(literal))),
    property("isOneToOne", String(isOneToOne)),
    property("referencedRelation", literal(referencedRelation)),
    property("referencedColumns", list(referencedColumns.map(literal))),
  ]);
}

/** The values of enums, for programs. */
function formatConstants(schemas: readonly string[], { types }: TypeFacts): Layout {
  return toObject(schemas.map((schema) => {
    const enums = types.filter((type) => type.schema === schema && type.labels !== null)
      .toSorted((a, b) => compare(a.name, b.name))
      .map(({ name, labels }): Layout => [key(name), ": ", list(labels!.map(literal))]);
    return [key(schema), ": ", toObject([["Enums: ", toObject(enums)]])];
  }));
}

function toObject(entries: readonly Layout[]): Layout {
  if (entries.length === 0) return "{}";
  return ["{", indent(hardline, join([",", hardline], entries), ","), hardline, "}"];
}
