/** Reads the parse trees of PostgreSQL's parser. @module */

import type { ParsedStatement } from "../planning/parser.ts";

/** A tree, or a part of one. */
export type Tree = ParsedStatement["node"];

/**
 * Finds the parts of a tree that are of a kind, in order.
 *
 * @param tree The tree.
 * @param kind The kind, such as `FuncCall`, or several.
 * @param except Parts of these kinds are not looked into.
 */
export function findAll(
  tree: Tree,
  kind: string | readonly string[],
  except: readonly string[] = [],
): Tree[] {
  const found: Tree[] = [];
  const kinds = typeof kind === "string" ? [kind] : kind;
  // Trees are as deep as an expression is long: a call for each level would be too many.
  const waiting: Tree[] = [tree];
  while (waiting.length > 0) {
    const part = waiting.pop();
    if (typeof part !== "object" || part === null) continue;
    if (Array.isArray(part)) {
      for (let index = part.length - 1; index >= 0; index--) waiting.push(part[index]);
      continue;
    }
    const keys = Object.keys(part);
    for (let index = keys.length - 1; index >= 0; index--) {
      const key = keys[index]!;
      if (except.includes(key)) continue;
      if (kinds.includes(key)) found.push(part[key]);
      waiting.push(part[key]);
    }
  }
  return found;
}

/** The columns that CREATE TABLE or ALTER TABLE adds. */
export function addedColumns(
  { type, node }: { readonly type: string; readonly node: Tree },
): Tree[] {
  if (type === "CreateStmt") {
    return (node.tableElts ?? []).flatMap(({ ColumnDef }: Tree) => ColumnDef ?? []);
  }
  if (type !== "AlterTableStmt") return [];
  return node.cmds.flatMap(({ AlterTableCmd: { subtype, def } }: Tree) =>
    subtype === "AT_AddColumn" ? [def.ColumnDef] : []
  );
}

/** The constraints that CREATE TABLE or ALTER TABLE adds, those of columns among them. */
export function addedConstraints(
  statement: { readonly type: string; readonly node: Tree },
): Tree[] {
  const { type, node } = statement;
  const own = type === "CreateStmt"
    ? node.tableElts ?? []
    : type === "AlterTableStmt"
    ? node.cmds.flatMap(({ AlterTableCmd: { subtype, def } }: Tree) =>
      subtype === "AT_AddConstraint" ? [def] : []
    )
    : [];
  return [
    ...own.flatMap(({ Constraint }: Tree) => Constraint ?? []),
    ...addedColumns(statement).flatMap(({ constraints }) =>
      (constraints ?? []).map(({ Constraint }: Tree) => Constraint)
    ),
  ];
}

/** The texts of a list of names. */
export function textsOf(nodes: Tree): string[] {
  return (nodes ?? []).map((node: Tree) => node?.String?.sval ?? "");
}

/** The options of a statement by name. */
export function optionsOf(nodes: Tree): Map<string, Tree> {
  return new Map(
    (nodes ?? []).map(({ DefElem }: Tree) => [DefElem.defname, DefElem.arg ?? null]),
  );
}

/** Whether an option is there and says yes: `security_invoker`, `security_invoker = on`. */
export function isOn(options: Map<string, Tree>, name: string): boolean {
  if (!options.has(name)) return false;
  const value = options.get(name);
  if (value === null) return true;
  const text = value.String?.sval ?? value.TypeName?.names?.at(-1)?.String?.sval ??
    String(value.Boolean?.boolval ?? value.Integer?.ival ?? "");
  return /^(?:on|true|yes|1)$/i.test(text);
}

/** Roles by name, PUBLIC as `public`. */
export function rolesOf(specs: Tree): string[] {
  return (specs ?? []).map((spec: Tree) => {
    const { roletype, rolename = "" } = spec.RoleSpec ?? spec;
    return roletype === "ROLESPEC_PUBLIC"
      ? "public"
      : roletype === "ROLESPEC_CSTRING"
      ? rolename
      : "postgres";
  });
}

/** A type's name without `pg_catalog`, such as `int4`, `text[]`; `notes.id%type` of a column's. */
export function typeOf(name: Tree): string {
  const names = textsOf(name?.names).filter((part, index) => index > 0 || part !== "pg_catalog");
  return names.join(".") + (name?.pct_type ? "%type" : "") +
    (name?.arrayBounds === undefined ? "" : "[]");
}

/** What limits a type, such as `[5, 2]` of numeric(5, 2); undefined where it is no number. */
export function limitsOf(name: Tree): readonly number[] | undefined {
  const limits: Tree[] = (name?.typmods ?? []).map((limit: Tree) => limit.A_Const?.ival);
  return limits.includes(undefined) ? undefined : limits.map(({ ival = 0 }) => ival);
}

/** A type as it is written, such as `numeric(5,2)`. */
export function describeType(name: Tree): string {
  const type = typeOf(name);
  const limits = limitsOf(name) ?? [];
  // The first limit of an interval is which fields it has.
  const shown = type.startsWith("interval") ? limits.slice(1) : limits;
  return shown.length === 0
    ? type
    : type.replace(/(?:\[\])?$/, (brackets) => `(${shown})${brackets}`);
}

/** The constant in an expression, casts aside: a string, or undefined where it is something else. */
export function stringOf(node: Tree): string | undefined {
  if (node?.TypeCast !== undefined) return stringOf(node.TypeCast.arg);
  return node?.A_Const === undefined || node.A_Const.isnull
    ? undefined
    : node.A_Const.sval === undefined
    ? undefined
    : node.A_Const.sval.sval ?? "";
}

/**
 * Whether an expression is the constant TRUE, a comparison of two constants such as `1 = 1`, or put
 * together of such ones: `… or true`, `(select true)`.
 */
export function isAlwaysTrue(node: Tree): boolean {
  const { boolop, args = [] } = node?.BoolExpr ?? {};
  if (boolop === "OR_EXPR") return args.some(isAlwaysTrue);
  if (boolop === "AND_EXPR") return args.every(isAlwaysTrue);
  const query = node?.SubLink?.subselect?.SelectStmt;
  if (query?.targetList?.length === 1 && query.fromClause === undefined) {
    return query.whereClause === undefined && isAlwaysTrue(query.targetList[0].ResTarget.val);
  }
  if (node?.A_Const?.boolval !== undefined) return node.A_Const.boolval.boolval === true;
  if (node?.TypeCast !== undefined && /^bool$/.test(typeOf(node.TypeCast.typeName))) {
    return /^(?:t|true)$/.test(stringOf(node.TypeCast.arg) ?? "");
  }
  const { A_Expr: comparison } = node ?? {};
  return comparison?.kind === "AEXPR_OP" && textsOf(comparison.name).at(-1) === "=" &&
    comparison.lexpr?.A_Const !== undefined &&
    JSON.stringify({ ...comparison.lexpr.A_Const, location: 0 }) ===
      JSON.stringify({ ...comparison.rexpr?.A_Const, location: 0 });
}

/** The name of a function that is called, such as `auth.uid`. */
export function calledName({ funcname }: Tree): string {
  return textsOf(funcname).filter((part, index) => index > 0 || part !== "pg_catalog").join(".");
}
