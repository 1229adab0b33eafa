/**
 * Which rows and objects a statement destroys, in the form in which `sql/safety_copies.sql` keeps them
 * before it: names as SQL writes them, and the statement's own text that chooses its rows.
 *
 * @module
 */

import type { ParsedStatement } from "./parser.ts";
import { findTokens, type Token } from "./tokens.ts";

/** What is destroyed. The shapes are those of `sql/safety_copies.sql`. */
export type Destroyed =
  | {
    readonly do: "drop";
    readonly type: string;
    readonly names: readonly string[];
    readonly cascade: boolean;
  }
  | {
    readonly do: "alter";
    readonly table: string;
    readonly drops: readonly string[];
    /** Columns that get another type; an empty one where their values are computed anew. */
    readonly types: readonly { readonly name: string; readonly type: string }[];
    /** Columns that count no further by themselves. */
    readonly identities: readonly string[];
    readonly cascade: boolean;
  }
  | {
    readonly do: "truncate";
    readonly tables: readonly { readonly name: string; readonly only: boolean }[];
    readonly cascade: boolean;
    readonly restart: boolean;
  }
  | DestroyedRows;

/** Rows that are deleted or overwritten. */
export interface DestroyedRows {
  /** `merge` is whatever may do both, or chooses rows in a way that cannot be repeated. */
  readonly do: "delete" | "update" | "merge";
  readonly table: string;
  readonly only: boolean;
  /** Of `merge`: whether it may delete rows. */
  readonly deletes?: boolean;
  /** The columns that are overwritten. */
  readonly columns?: readonly string[];
  /** What the statement's text calls the table. */
  readonly alias?: string;
  /** Its WITH clause, where it has one. */
  readonly with?: string;
  /** FROM and WHERE that choose the same rows; left out where that is all of them. */
  readonly from?: string;
  /** The functions that are called to choose them: what is volatile chooses others each time. */
  readonly functions?: readonly string[];
}

// deno-lint-ignore no-explicit-any -- see ParsedStatement
type Tree = any;

/** What DROP removes that holds rows or counts, or that columns may be of. */
const DROPPED: Readonly<Record<string, string>> = {
  OBJECT_TABLE: "table",
  OBJECT_FOREIGN_TABLE: "table",
  OBJECT_VIEW: "table",
  OBJECT_MATVIEW: "table",
  OBJECT_SEQUENCE: "sequence",
  OBJECT_SCHEMA: "schema",
  OBJECT_TYPE: "type",
  OBJECT_DOMAIN: "domain",
  OBJECT_EXTENSION: "extension",
};

/** What tables and columns may be made with: CASCADE takes them along. */
const MADE_WITH: Readonly<Record<string, string>> = {
  OBJECT_COLLATION: "collation",
  OBJECT_FUNCTION: "function",
  OBJECT_PROCEDURE: "function",
  OBJECT_ROUTINE: "function",
};

/** The same, of which nobody looks for what it takes along. */
const MADE_WITH_RARELY: readonly string[] = [
  "OBJECT_ACCESS_METHOD",
  "OBJECT_CAST",
  "OBJECT_LANGUAGE",
  "OBJECT_OPCLASS",
  "OBJECT_OPERATOR",
  "OBJECT_OPFAMILY",
];

const MAY_DESTROY = /\b(?:drop|truncate|delete|update|alter|merge)\b/i;

/**
 * Finds what a statement destroys.
 *
 * @param statement The statement with its tree.
 * @returns What is to be kept before it runs; nothing where it destroys nothing that can be kept.
 */
export function findDestroyed(
  { sql, type, node }: Pick<ParsedStatement, "type" | "node"> & { readonly sql: string },
): Destroyed[] {
  if (!MAY_DESTROY.test(sql)) return [];
  switch (type) {
    case "DropStmt":
      return findDropped(node);
    case "AlterTableStmt":
      return findAltered(node);
    case "TruncateStmt":
      return [{
        do: "truncate",
        tables: node.relations.map(({ RangeVar }: Tree) => ({
          name: nameOf(RangeVar),
          only: !RangeVar.inh,
        })),
        cascade: node.behavior === "DROP_CASCADE",
        restart: node.restart_seqs === true,
      }];
    case "DeleteStmt":
    case "UpdateStmt":
      return [...findWithin(node), findRows(type, node, sql)];
    default:
      return findChanged(type, node);
  }
}

/** What a statement changes that is part of another one, or has no text of its own. */
function findChanged(type: string, node: Tree): Destroyed[] {
  switch (type) {
    case "DeleteStmt":
    case "UpdateStmt":
    case "MergeStmt":
      return [...findWithin(node), toMerge(type, node)];
    case "SelectStmt":
      return findWithin(node);
    case "InsertStmt":
      return [...findWithin(node), ...findWithin(node.selectStmt?.SelectStmt ?? {})];
    case "CreateTableAsStmt":
      return findInner(node.query);
    case "ExplainStmt":
      return (node.options ?? []).some(({ DefElem: { defname, arg } }: Tree) =>
          defname === "analyze" && !/^(?:off|false|0)$/i.test(String(valueOf(arg)))
        )
        ? findInner(node.query)
        : [];
    default:
      return [];
  }
}

function valueOf(arg: Tree): unknown {
  return arg?.String?.sval ?? arg?.Boolean?.boolval ?? (arg?.Integer && (arg.Integer.ival ?? 0)) ??
    "on";
}

function findInner(query: Tree): Destroyed[] {
  const [inner] = Object.entries(query ?? {}) as [string, Tree][];
  return inner === undefined ? [] : findChanged(...inner);
}

function toMerge(
  type: string,
  { relation, targetList = [], mergeWhenClauses = [] }: Tree,
): Destroyed {
  const clauses = mergeWhenClauses.map(({ MergeWhenClause }: Tree) => MergeWhenClause);
  const deletes = type === "DeleteStmt" ||
    clauses.some(({ commandType }: Tree) => commandType === "CMD_DELETE");
  const updates = clauses.filter(({ commandType }: Tree) => commandType === "CMD_UPDATE");
  const columns = [targetList, ...updates.map(({ targetList }: Tree) => targetList)];
  return { do: "merge", ...toTable(relation), deletes, columns: columns.flatMap(namesOf) };
}

/** The columns that a list of `SET` writes. */
function namesOf(targetList: Tree): string[] {
  return targetList.map(({ ResTarget }: Tree) => ResTarget.name);
}

function findDropped({ removeType, objects, behavior }: Tree): Destroyed[] {
  const cascade = behavior === "DROP_CASCADE";
  const what = DROPPED[removeType] ?? (cascade ? MADE_WITH[removeType] : undefined);
  if (what === undefined) return [];
  return [{ do: "drop", type: what, names: objects.map(writeDropped), cascade }];
}

/** A function has its arguments behind its name, where the statement has them. */
function writeDropped(object: Tree): string {
  const { objname, objargs = [], args_unspecified: isNameAlone } = object.ObjectWithArgs ?? {};
  if (objname === undefined) return quoteAll(partsOf(object));
  const name = quoteAll(partsOf({ List: { items: objname } }));
  if (isNameAlone) return name;
  return `${name}(${objargs.map(({ TypeName }: Tree) => writeType(TypeName)).join(", ")})`;
}

/** Names come as a list, as the name of a type, or alone. */
function partsOf(object: Tree): string[] {
  const parts = object.List?.items ?? object.TypeName?.names ?? [object];
  return parts.map((part: Tree) => part.String?.sval ?? "");
}

function findAltered({ relation, cmds, objtype }: Tree): Destroyed[] {
  if (objtype !== undefined && objtype !== "OBJECT_TABLE") return [];
  const commands = cmds.map(({ AlterTableCmd }: Tree) => AlterTableCmd);
  const drops = commands.filter(({ subtype }: Tree) => subtype === "AT_DropColumn");
  const types = commands.filter(({ subtype }: Tree) => subtype === "AT_AlterColumnType");
  const identities = commands.filter(({ subtype }: Tree) => subtype === "AT_DropIdentity");
  if (drops.length + types.length + identities.length === 0) return [];
  return [{
    do: "alter",
    table: nameOf(relation),
    drops: drops.map(({ name }: Tree) => name),
    types: types.map(({ name, def }: Tree) => ({
      name,
      type: def.ColumnDef.raw_default === undefined ? writeType(def.ColumnDef.typeName) : "",
    })),
    identities: identities.map(({ name }: Tree) => name),
    cascade: drops.some(({ behavior }: Tree) => behavior === "DROP_CASCADE"),
  }];
}

/** A type with its modifiers, where these are numbers: enough to tell what is wider. */
function writeType({ names, typmods = [], arrayBounds = [] }: Tree): string {
  const modifiers = typmods.map(({ A_Const }: Tree) => A_Const?.ival?.ival ?? "?");
  return quoteAll(names.map(({ String }: Tree) => String.sval)) +
    (modifiers.length === 0 ? "" : `(${modifiers.join(",")})`) + "[]".repeat(arrayBounds.length);
}

/** `with gone as (delete from …) select …` */
function findWithin({ withClause }: Tree): Destroyed[] {
  return (withClause?.ctes ?? []).flatMap(({ CommonTableExpr }: Tree) =>
    findInner(CommonTableExpr.ctequery)
  );
}

function findRows(type: "DeleteStmt" | "UpdateStmt", node: Tree, sql: string): Destroyed {
  const { relation, targetList = [], withClause, whereClause } = node;
  const columns = type === "UpdateStmt" ? { columns: namesOf(targetList) } : {};
  const table = toTable(relation);
  const action = type === "DeleteStmt" ? "delete" : "update";
  const others = node.usingClause ?? node.fromClause ?? [];
  if (whereClause === undefined && others.length === 0) return { do: action, ...table, ...columns };
  const changes = (withClause?.ctes ?? []).some(({ CommonTableExpr }: Tree) =>
    !("SelectStmt" in CommonTableExpr.ctequery)
  );
  const choosing = [whereClause, others, withClause];
  const choice = changes || whereClause?.CurrentOfExpr !== undefined || choosesByChance(choosing)
    ? undefined
    : findChoice(type, sql);
  if (choice === undefined) return toMerge(type, node);
  const functions = [...new Set(findNodes(choosing, "FuncCall").map(nameOfCall))];
  const alias = quote(relation.alias?.aliasname ?? relation.relname);
  const named = `from ${table.only ? "only " : ""}${table.table}` +
    // With an alias the table's own name would be no name any more.
    (relation.alias === undefined ? "" : ` as ${alias}`);
  // A clause may end with a comment.
  const where = choice.where === undefined ? "" : ` where ${choice.where}\n`;
  return {
    do: action,
    ...table,
    ...columns,
    alias,
    ...(choice.with === undefined ? {} : { with: choice.with }),
    ...(functions.length === 0 ? {} : { functions }),
    from: choice.others === undefined
      ? `${named}${where}`
      : `${named} where exists (select from ${choice.others}\n${where})`,
  };
}

/** Whether another time it may be other rows: some of many, a sample, or what nobody else has locked. */
function choosesByChance(tree: Tree): boolean {
  return findNodes(tree, "SelectStmt").some(({ limitCount, limitOffset, lockingClause }) =>
    (limitCount ?? limitOffset ?? lockingClause) !== undefined
  ) || findNodes(tree, "RangeTableSample").length > 0;
}

/** All nodes of a kind in a tree. */
function findNodes(tree: Tree, kind: string): Tree[] {
  if (typeof tree !== "object" || tree === null) return [];
  if (Array.isArray(tree)) return tree.flatMap((item) => findNodes(item, kind));
  return Object.entries(tree).flatMap(([name, value]) =>
    name === kind ? [value, ...findNodes(value, kind)] : findNodes(value, kind)
  );
}

function nameOfCall({ funcname }: Tree): string {
  return funcname.at(-1).String?.sval ?? "";
}

/** The parts of a DELETE or UPDATE that choose its rows. */
interface Choice {
  readonly with?: string;
  readonly others?: string;
  readonly where?: string;
}

/** Reads the clauses out of the text: what stands in brackets is part of one. */
function findChoice(type: "DeleteStmt" | "UpdateStmt", sql: string): Choice | undefined {
  const tokens = findTokens(sql);
  const wordAt = ({ kind, start, end }: Token) =>
    kind === "word" ? sql.slice(start, end).toLowerCase() : "";
  let depth = 0;
  const outer = tokens.filter(({ start, end }) => {
    const text = sql.slice(start, end);
    if (text === ")" || text === "]") depth--;
    const isOuter = depth === 0;
    if (text === "(" || text === "[") depth++;
    return isOuter;
  });
  // Behind a dot any word is a name.
  const words = outer.map((token, index) => {
    const before = outer[index - 1];
    return before !== undefined && sql.slice(before.start, before.end) === "." ? "" : wordAt(token);
  });
  const verb = words.indexOf(type === "DeleteStmt" ? "delete" : "update");
  if (verb === -1) return undefined;
  const find = (word: string, from: number, unlessAfter?: string) =>
    words.findIndex((other, index) =>
      index > from && other === word &&
      (unlessAfter === undefined || words[index - 1] !== unlessAfter)
    );
  const end = (...marks: number[]) => {
    const next = Math.min(...marks.filter((mark) => mark !== -1), Infinity);
    return next === Infinity ? sql.length : outer[next]!.start;
  };
  const returning = find("returning", verb);
  const where = find("where", verb);
  const others = type === "DeleteStmt"
    ? find("using", verb)
    : find("from", find("set", verb), "distinct");
  const hasOthers = others !== -1 && (where === -1 || others < where) &&
    (returning === -1 || others < returning);
  return {
    ...(verb === 0 ? {} : { with: sql.slice(outer[0]!.start, outer[verb]!.start) }),
    ...(hasOthers ? { others: sql.slice(outer[others]!.end, end(where, returning)).trim() } : {}),
    ...(where === -1 ? {} : { where: sql.slice(outer[where]!.end, end(returning)).trim() }),
  };
}

function toTable(relation: Tree): { table: string; only: boolean } {
  return { table: nameOf(relation), only: !relation.inh };
}

function nameOf({ schemaname, relname }: Tree): string {
  return quoteAll(schemaname === undefined ? [relname] : [schemaname, relname]);
}

function quoteAll(parts: readonly string[]): string {
  return parts.map(quote).join(".");
}

/** A keyword may be a name as well. */
function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** What makes a DO block one that destroys something. */
const DESTROYS_WITHIN =
  /\b(?:drop\s+(?:table|schema|type|sequence|column|domain|extension)|truncate|delete\s+from|update\s+\S+\s+set)\b/i;

/**
 * Says what a statement may destroy that cannot be kept, as nobody can see it from outside.
 *
 * @param statement The statement with its tree.
 * @param made The tables that the same file makes: nothing of them is kept.
 * @returns A sentence; undefined where that is nothing.
 */
export function describeUnkept(
  { sql, type, node }: Pick<ParsedStatement, "type" | "node"> & { readonly sql: string },
  made: ReadonlySet<string>,
): string | undefined {
  if (type === "DoStmt" && DESTROYS_WITHIN.test(sql)) {
    return "what its DO block drops, deletes or overwrites is not kept";
  }
  if (type === "DropOwnedStmt") return "what DROP OWNED drops is not kept";
  if (
    type === "DropStmt" && node.behavior === "DROP_CASCADE" &&
    MADE_WITH_RARELY.includes(node.removeType)
  ) {
    return "tables and columns that CASCADE drops along are not kept";
  }
  if (type === "SelectStmt" && /\blo_unlink\s*\(/i.test(sql)) {
    return "the large objects that it removes are not kept";
  }
  if (type === "AlterTableStmt" && /^alter\s+type\b[^;]*\bdrop\s+attribute\b/i.test(sql)) {
    return "the attribute's values in columns of the type are not kept";
  }
  if (
    type === "InsertStmt" && node.onConflictClause?.action === "ONCONFLICT_UPDATE" &&
    !made.has(node.relation.relname)
  ) {
    return `what ON CONFLICT DO UPDATE overwrites in ${nameOf(node.relation)} is not kept`;
  }
  if (type === "PrepareStmt" && findInner(node.query).length > 0) {
    return "what it deletes or overwrites when it is executed is not kept";
  }
  return undefined;
}
