/** What PostgreSQL's types are in TypeScript, as PostgREST writes their values. Pure. @module */

import type { DatabaseType, Relation, TypeFacts } from "./facts.ts";
import { choice, group, indent, join, type Layout, line, softline } from "./layout.ts";
import { literal, union } from "./writing.ts";

/** Types that are known by their names, those of extensions among them. */
const KNOWN: ReadonlyMap<string, string> = new Map([
  ["bool", "boolean"],
  ...["int2", "int4", "int8", "float4", "float8", "numeric"].map((name) =>
    [name, "number"] as const
  ),
  ...[
    "bpchar",
    "bytea",
    "citext",
    "date",
    "interval",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "uuid",
    "varchar",
    "vector",
  ].map((name) => [name, "string"] as const),
  ["json", "Json"],
  ["jsonb", "Json"],
  ["record", "Record<string, unknown>"],
  ["void", "undefined"],
]);

/** What is not known, which includes null. */
export const UNKNOWN = "unknown";

/** The types of a database, and what they are called. */
export class TypeNames {
  readonly #types: ReadonlyMap<number, DatabaseType>;
  readonly #relations: ReadonlyMap<number, Relation>;
  readonly #schemas: ReadonlySet<string>;

  /** @param facts What the database has. */
  constructor({ types, relations, schemas }: TypeFacts) {
    this.#types = new Map(types.map((type) => [type.id, type]));
    this.#relations = new Map(relations.map((relation) => [relation.id, relation]));
    this.#schemas = new Set(schemas);
  }

  /** The name in PostgreSQL. */
  nameOf(id: number): string {
    return this.#types.get(id)?.name ?? UNKNOWN;
  }

  /** The relation or composite type of which a type is a row, and its name. */
  rowOf(id: number): { readonly relation: number; readonly name: string } | null {
    const type = this.#types.get(id);
    return type === undefined || type.row_of === null
      ? null
      : { relation: type.row_of, name: this.#relations.get(type.row_of)?.name ?? type.name };
  }

  /** The type. */
  toType(id: number): Layout {
    return this.#describe(id, false);
  }

  /** The type, or null. */
  toNullable(id: number): Layout {
    return this.#describe(id, true);
  }

  #describe(id: number, isNullable: boolean): Layout {
    const type = this.#types.get(id);
    const types = type === undefined ? [UNKNOWN] : this.#toUnion(type);
    return union(isNullable && types[0] !== UNKNOWN ? [...types, "null"] : types);
  }

  /** The type as one of several; nearly always it is one alone. */
  #toUnion(type: DatabaseType): Layout[] {
    const { schema, name, element, labels, attributes, row_of } = type;
    if (element !== null) return [this.#toArray(element)];
    const isShown = this.#schemas.has(schema);
    const within = (kind: string) => `Database[${literal(schema)}]["${kind}"][${literal(name)}]`;
    if (labels !== null) return isShown ? [within("Enums")] : labels.map(literal);
    if (attributes !== null) return [isShown ? within("CompositeTypes") : UNKNOWN];
    if (row_of === null) return [KNOWN.get(name) ?? UNKNOWN];
    const kind = this.#relations.get(row_of)?.kind;
    if (kind === "r" || kind === "p") return [`${within("Tables")}["Row"]`];
    return [kind === "v" ? `${within("Views")}["Row"]` : UNKNOWN];
  }

  #toArray(element: number): Layout {
    const type = this.#types.get(element);
    const types = type === undefined ? [UNKNOWN] : this.#toUnion(type);
    if (types.length === 1) return [types[0]!, "[]"];
    const alternatives = [choice("| ", ""), join([line, "| "], types)];
    return ["(", group(indent(softline, alternatives), softline), ")[]"];
  }
}
