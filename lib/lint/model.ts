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

/**
 * What SQL that is put together while it runs may have changed, so that it is not known any more:
 * `options` are those of views and functions, search_path and the like.
 */
export type Fact = "rls" | "grants" | "policies" | "indexes" | "options";

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
  readonly unknown: Set<Fact>;
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
  readonly unknown: Set<Fact>;
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
  /** What is not known of anything that comes later: an event trigger or the like is about it. */
  readonly unknownLater = new Set<Fact>();
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

  /**
   * Takes in SQL that is put together while it runs: what it may be about is not known any more of
   * anything that is there. What comes later it is not about.
   */
  learnDynamic(text: string): void {
    this.#forget(text);
    const facts = factsIn(text);
    for (const { unknown } of [...this.relations.values(), ...this.routines.values()]) {
      for (const fact of facts) unknown.add(fact);
    }
    if (/\bdefault\s+privileges\b/i.test(text)) this.unknownLater.add("grants");
  }

  /** Takes in SQL that an event trigger puts together: it is about what comes later. */
  learnEventTrigger(text: string): void {
    for (const fact of factsIn(text)) this.unknownLater.add(fact);
  }

  /** What is dropped, or has other names now, may be any of its kind. */
  #forget(text: string): void {
    if (/\bdrop\b/i.test(text)) this.made.clear();
    if (/\bdrop\s+schema\b|\brename\s+to\b|\bset\s+schema\b/i.test(text)) {
      for (const known of [this.relations, this.routines, this.types, this.made]) known.clear();
    }
    if (/\bdrop\s+(?:materialized\s+|foreign\s+)?(?:table|view)\b/i.test(text)) {
      this.relations.clear();
    }
    if (/\bdrop\s+(?:function|procedure|routine)\b/i.test(text)) this.routines.clear();
    if (/\bdrop\s+(?:type|domain)\b/i.test(text)) this.types.clear();
    if (/\bdrop\s+trigger\b/i.test(text)) this.authTriggers.clear();
    if (/\benable\s+(?:always\s+|replica\s+)?trigger\b/i.test(text)) this.disabledTriggers.clear();
    for (const { policies, indexes, columns } of this.relations.values()) {
      if (/\bdrop\s+policy\b/i.test(text)) policies.clear();
      if (/\bdrop\s+(?:index|constraint)\b/i.test(text)) indexes.clear();
      if (CHANGES_COLUMNS.test(text)) columns.clear();
    }
  }
}

const CHANGES_COLUMNS =
  /\b(?:drop|rename)\s+column\b|\bset\s+data\s+type\b|\balter\s+column\b[^;]*\btype\b/i;

/** What a text may be about. */
const FACTS: readonly (readonly [Fact, RegExp])[] = [
  ["rls", /\brow\s+level\s+security\b/i],
  ["grants", /\b(?:grant|revoke)\b/i],
  ["policies", /\bpolicy\b/i],
  ["indexes", /\b(?:index|constraint|primary\s+key|unique)\b/i],
  ["options", /\b(?:security_invoker|search_path|security\s+(?:definer|invoker))\b/i],
];

function factsIn(text: string): Fact[] {
  return FACTS.flatMap(([fact, about]) => about.test(text) ? [fact] : []);
}

/** Whether a relation was made by the same file as a statement: then it holds nothing yet. */
export function isNew(relation: Relation | undefined, { file }: LintStatement): boolean {
  return relation?.file === file;
}
