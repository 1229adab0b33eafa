/** What `sql/types.sql` finds. @module */

/** Everything that types are made of. Numbers are those of the catalogs. */
export interface TypeFacts {
  /** The schemas. */
  readonly schemas: readonly string[];
  /** Schemas that were asked for and are not there. */
  readonly missing: readonly string[];
  /** What PostgREST's sessions call themselves. */
  readonly api_sessions: readonly string[];
  readonly relations: readonly Relation[];
  readonly functions: readonly DatabaseFunction[];
  readonly types: readonly DatabaseType[];
  readonly foreign_keys: readonly ForeignKey[];
  /** Which columns of views are columns of which relations. */
  readonly origins: readonly Origin[];
}

/** A table (`r`, partitioned `p`, foreign `f`) or a view (`v`, materialized `m`). */
export interface Relation {
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: "r" | "p" | "f" | "v" | "m";
  readonly row_type: number;
  readonly updatable: boolean;
  readonly columns: readonly Column[];
}

/** A column. */
export interface Column {
  readonly name: string;
  readonly number: number;
  readonly type: number;
  readonly nullable: boolean;
  /** `a` for GENERATED ALWAYS, `d` for BY DEFAULT, empty for no identity. */
  readonly identity: "a" | "d" | "";
  readonly has_default: boolean;
  readonly updatable: boolean;
}

/** A function. */
export interface DatabaseFunction {
  readonly schema: string;
  readonly name: string;
  /** As PostgreSQL writes them. */
  readonly arguments: string;
  readonly result: string;
  readonly returns: number;
  readonly is_set: boolean;
  readonly rows: number;
  readonly args: readonly Argument[];
}

/** An argument: `i` in, `o` out, `b` both, `v` variadic, `t` a column of the table that it returns. */
export interface Argument {
  readonly name: string;
  readonly mode: "i" | "o" | "b" | "v" | "t";
  readonly type: number;
  readonly has_default: boolean;
}

/** A type. */
export interface DatabaseType {
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  /** Of what it is an array; null where it is none. */
  readonly element: number | null;
  /** The relation or composite type of which it is a row; null where it is none. */
  readonly row_of: number | null;
  /** The values of an enum; null where there are none. */
  readonly labels: readonly string[] | null;
  /** The fields of a composite type; null where there are none. */
  readonly attributes: readonly { readonly name: string; readonly type: number }[] | null;
}

/** A foreign key, with the numbers of its columns. */
export interface ForeignKey {
  readonly name: string;
  readonly relation: number;
  readonly columns: readonly number[];
  readonly referenced: number;
  readonly referenced_columns: readonly number[];
  readonly is_one_to_one: boolean;
}

/** A column of a view that is a column of a relation. */
export interface Origin {
  readonly view: number;
  readonly view_column: number;
  readonly relation: number;
  readonly column: number;
}
