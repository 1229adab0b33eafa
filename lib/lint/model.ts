/**
 * What the statements so far have made, as far as files say it. What is not in it may be there all
 * the same: rules find fault with what they know alone.
 *
 * @module
 */

import type { Place } from "./finding.ts";
import type { LintStatement } from "./statement.ts";
import { textsOf, type Tree } from "./tree.ts";

/** Who acts over the API. */
export const API_ROLES: readonly string[] = ["anon", "authenticated", "service_role", "public"];

/** A column. */
export interface Column {
  readonly name: string;
  /** Its type, such as `int4`; an empty text where it is not known. */
  readonly type: string;
  /** What limits its type, such as 20 in varchar(20); undefined where that is not known. */
  readonly limits: readonly number[] | undefined;
  /** Its collation, where it is not its type's. */
  readonly collation: string | undefined;
}

/** A policy. */
export interface Policy {
  readonly name: string;
  /** `select`, `insert`, `update`, `delete` or `all`. */
  readonly command: string;
  readonly roles: readonly string[];
  readonly isPermissive: boolean;
  readonly place: Place;
}

/** An index, or what makes one: its columns as far as they are plain, in order. */
export interface Index {
  readonly name: string;
  readonly columns: readonly string[];
  /** Two indexes of which it is the same do the same. */
  readonly definition: string;
  /** It finds all rows that have a value of its columns. */
  readonly findsAll: boolean;
  readonly place: Place;
}

/** A foreign key. */
export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  /** The table that it refers to. */
  readonly to: string;
  readonly place: Place;
}

/** A table, a view and what else has rows. */
export interface Relation {
  readonly schema: string;
  readonly name: string;
  readonly kind: "table" | "partition" | "view" | "materialized view" | "foreign table";
  /** Where it was made. */
  readonly place: Place;
  /** The file that has made it. */
  readonly file: number;
  readonly columns: Map<string, Column>;
  /** Row level security is on. */
  hasRls: boolean;
  readonly policies: Map<string, Policy>;
  /** API roles of which a statement says what they may do with it. */
  readonly decided: Set<string>;
  /** What API roles were granted. */
  readonly granted: Map<string, Set<string>>;
  hasPrimaryKey: boolean;
  readonly indexes: Map<string, Index>;
  foreignKeys: readonly ForeignKey[];
  /** Of a view: it runs with the rights of who asks. */
  isInvoker: boolean;
  /** Its definition is another table's, which has the primary key. */
  readonly isLike: boolean;
  /** Constraints that were checked: `column is not null`, by the column. */
  readonly notNull: Set<string>;
}

/** A function. */
export interface Routine {
  readonly schema: string;
  readonly name: string;
  /** The types of what it takes, with commas between them. */
  readonly takes: string;
  readonly place: Place;
  readonly file: number;
  isDefiner: boolean;
  hasSearchPath: boolean;
  readonly isTrigger: boolean;
  /** Roles from which EXECUTE was taken, and not given back. */
  readonly closedTo: Set<string>;
  /** Roles to which EXECUTE was granted. */
  readonly openTo: Set<string>;
}

/** What the rules know. */
export class Model {
  /** Schemas that the API shows. */
  readonly exposed: ReadonlySet<string>;
  readonly relations = new Map<string, Relation>();
  readonly routines = new Map<string, Routine>();
  readonly types = new Map<string, { readonly place: Place; readonly file: number }>();
  /** What else is there, by its title: the names on which it depends. */
  readonly made = new Map<string, readonly string[]>();
  /** API roles whose rights on later tables a schema's default privileges decide. */
  readonly decidedLater = new Map<string, Set<string>>();
  /** Roles from which default privileges take EXECUTE on later functions. */
  readonly closedLater = new Map<string, Set<string>>();
  /** Constraints that this transaction has added NOT VALID, behind their table. */
  readonly notValid = new Set<string>();
  /** Temporary tables of this file. */
  readonly temporary = new Set<string>();
  /** Triggers that are off, behind their table. */
  readonly disabledTriggers = new Map<string, { readonly place: Place }>();
  /** Triggers on Supabase's table of users and what belongs to it, by name and table. */
  readonly authTriggers = new Map<
    string,
    { readonly name: string; readonly table: string; readonly calls: string; readonly place: Place }
  >();
  /** SQL that is put together while it runs turns row level security on. */
  hasDynamicRls = false;
  /** SQL that is put together while it runs grants or revokes. */
  hasDynamicGrants = false;
  /** SQL that is put together while it runs makes policies. */
  hasDynamicPolicies = false;
  /** Where names without a schema are made. */
  searchPath = "public";

  /** The same before SET LOCAL. */
  pathBefore: string | undefined;

  /** @param exposed Schemas that the API shows. */
  constructor(exposed: readonly string[]) {
    this.exposed = new Set(exposed);
  }

  /** A new file begins. */
  begin(): void {
    this.searchPath = "public";
    this.pathBefore = undefined;
    this.notValid.clear();
    this.temporary.clear();
  }

  /** The full name of what a tree names by schema and name. */
  nameOf({ schemaname = this.searchPath, relname = "" }: Tree): string {
    return `${schemaname}.${relname}`;
  }

  /** The full name of what a tree names by a list of texts. */
  nameIn(names: Tree): string {
    return this.qualify(textsOf(names));
  }

  /** The full name of what parts name. */
  qualify(parts: readonly string[]): string {
    return parts.length === 1 ? `${this.searchPath}.${parts[0]}` : parts.slice(-2).join(".");
  }

  /** What a tree names, where a statement has made it. */
  find(relation: Tree): Relation | undefined {
    return relation === undefined ? undefined : this.relations.get(this.nameOf(relation));
  }

  /** Whether the API shows a schema. */
  shows(name: string): boolean {
    return this.exposed.has(name.split(".", 1)[0]!);
  }

  /** All functions of a name, whatever they take. */
  routinesOf(name: string): Routine[] {
    const found: Routine[] = [];
    for (const [key, routine] of this.routines) {
      if (key.startsWith(`${name}(`)) found.push(routine);
    }
    return found;
  }

  /** Takes in what a block drops that it puts together while it runs: it may be any of a kind. */
  forget(text: string): void {
    if (/\bdrop\b/i.test(text)) this.made.clear();
    if (/\bdrop\s+schema\b/i.test(text)) {
      for (const known of [this.relations, this.routines, this.types]) known.clear();
    }
    if (/\bdrop\s+(?:materialized\s+)?(?:table|view)\b/i.test(text)) this.relations.clear();
    if (/\bdrop\s+(?:function|procedure|routine)\b/i.test(text)) this.routines.clear();
    if (/\bdrop\s+(?:type|domain)\b/i.test(text)) this.types.clear();
    if (/\bdrop\s+policy\b/i.test(text)) {
      for (const { policies } of this.relations.values()) policies.clear();
    }
    if (/\bdrop\s+(?:index|constraint)\b/i.test(text)) {
      for (const { indexes } of this.relations.values()) indexes.clear();
    }
  }

  /** Takes in what is put together while it runs: what it may be about is no longer known. */
  learnDynamic(text: string): void {
    if (/\brow\s+level\s+security\b/i.test(text)) this.hasDynamicRls = true;
    if (/\b(?:grant|revoke)\b/i.test(text)) this.hasDynamicGrants = true;
    if (/\bcreate\s+policy\b/i.test(text)) this.hasDynamicPolicies = true;
  }
}

/** Whether a relation was made by the same file as a statement: then it holds nothing yet. */
export function isNew(relation: Relation | undefined, { file }: LintStatement): boolean {
  return relation?.file === file;
}
