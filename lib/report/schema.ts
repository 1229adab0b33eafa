/** What a page shows of a schema, as `sql/tables.sql` reads it. @module */

/** A schema. */
export interface ReportSchema {
  /** Who acts over the API, and whoever else a policy names. */
  readonly roles: readonly ReportRole[];
  /** The application's tables and views: those of `public` first, then by schema and name. */
  readonly tables: readonly ReportTable[];
}

/** A role. */
export interface ReportRole {
  readonly name: string;
  /** Policies do not hold for it. */
  readonly bypassesRls: boolean;
  /** The roles whose policies hold for it: it and those that it inherits from. */
  readonly is: readonly string[];
}

/** A table, a view and what else has rows. */
export interface ReportTable {
  /** Its name with its schema, as SQL writes it. */
  readonly id: string;
  readonly schema: string;
  readonly name: string;
  readonly kind:
    | "table"
    | "partitioned table"
    | "foreign table"
    | "view"
    | "materialized view";
  readonly owner: string;
  readonly comment: string | null;
  /** Row level security is on. */
  readonly rls: boolean;
  /** It holds for the owner too. */
  readonly forced: boolean;
  /** About how many rows it has; null where nobody has counted. */
  readonly rows: number | null;
  /** How large it is with its indexes; null for what stores nothing itself. */
  readonly bytes: number | null;
  /** The query of a view. */
  readonly definition: string | null;
  readonly columns: readonly ReportColumn[];
  readonly constraints: readonly ReportConstraint[];
  readonly references: readonly ReportReference[];
  readonly indexes: readonly ReportIndex[];
  readonly triggers: readonly ReportTrigger[];
  readonly policies: readonly ReportPolicy[];
  readonly grants: readonly ReportGrant[];
  /**
   * What each role may do by its grants, its own or inherited: `S`, `I`, `U` and `D` for selecting,
   * inserting, updating and deleting; in lower case for some of the columns alone.
   */
  readonly access: Readonly<Record<string, string>> | null;
}

/** A column. What is left out is not so. */
export interface ReportColumn {
  readonly name: string;
  readonly type: string;
  readonly required?: boolean;
  readonly default?: string;
  readonly generated?: string;
  readonly identity?: string;
  readonly comment?: string;
}

/** A constraint that is no foreign key. */
export interface ReportConstraint {
  readonly name: string;
  readonly kind: "primary key" | "unique" | "check" | "exclusion";
  readonly columns: readonly string[];
  readonly definition: string;
}

/** A foreign key. */
export interface ReportReference {
  readonly name: string;
  readonly columns: readonly string[];
  /** The `id` of the table that it leads to. */
  readonly target: string;
  readonly targetColumns: readonly string[];
  /** What becomes of a row when the other one is deleted; null where that is refused. */
  readonly onDelete: string | null;
  /** A row may lead nowhere. */
  readonly optional: boolean;
  /** No two rows lead to the same. */
  readonly unique: boolean;
}

/** An index. */
export interface ReportIndex {
  readonly name: string;
  readonly definition: string;
  readonly valid: boolean;
}

/** A trigger. */
export interface ReportTrigger {
  readonly name: string;
  readonly definition: string;
  readonly enabled: boolean;
}

/** A policy. */
export interface ReportPolicy {
  readonly name: string;
  readonly command: "select" | "insert" | "update" | "delete" | "all";
  readonly permissive: boolean;
  readonly roles: readonly string[];
  readonly using: string | null;
  readonly check: string | null;
}

/** What a role was granted. */
export interface ReportGrant {
  readonly grantee: string;
  readonly privileges: readonly string[];
  /** On these columns alone; null for the whole table. */
  readonly columns: readonly string[] | null;
}
