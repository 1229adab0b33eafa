/** What statements make, as the model has it. @module */

import type { Place } from "./finding.ts";
import type { Column, ForeignKey, Index, Model, Policy, Relation, Routine } from "./model.ts";
import type { LintStatement } from "./statement.ts";
import { findAll, isOn, limitsOf, optionsOf, rolesOf, textsOf, type Tree, typeOf } from "./tree.ts";
import { collationOf } from "./type_changes.ts";

/**
 * The table or view that a statement makes.
 *
 * @param model What is known.
 * @param statement The statement.
 * @returns The relation; undefined where it is a temporary one, or none is made.
 */
export function toRelation(model: Model, statement: LintStatement): Relation | undefined {
  const { type, node } = statement;
  const base = node.base ?? node;
  const named: Tree = base.relation ?? node.view ?? node.into?.rel ?? node.intoClause?.rel;
  if (named === undefined || named.relpersistence === "t") return undefined;
  const { schema, name } = split(model.nameOf(named));
  const relation: Relation = {
    schema,
    name,
    kind: kindOf(type, node),
    place: statement.place,
    file: statement.file,
    columns: new Map(),
    hasRls: false,
    policies: new Map(),
    decided: new Set(),
    granted: new Map(),
    hasPrimaryKey: false,
    indexes: new Map(),
    foreignKeys: [],
    isInvoker: isOn(optionsOf(node.options), "security_invoker"),
    isLike: node.inhRelations !== undefined || node.ofTypename !== undefined ||
      findAll(node.tableElts, "TableLikeClause").length > 0,
    notNull: new Set(),
    unknown: new Set(model.unknownLater),
  };
  for (const { ColumnDef, Constraint } of base.tableElts ?? []) {
    if (ColumnDef !== undefined) addColumn(model, relation, ColumnDef, statement);
    if (Constraint !== undefined) addConstraint(model, relation, Constraint, statement);
  }
  return relation;
}

function addForeignKey(
  model: Model,
  relation: Relation,
  { conname, pktable }: Tree,
  columns: readonly string[],
  { place }: LintStatement,
): void {
  const key: ForeignKey = {
    name: conname ?? `${relation.name}_${columns.join("_")}_fkey`,
    columns,
    to: model.nameOf(pktable),
    place,
  };
  relation.foreignKeys = [...relation.foreignKeys, key];
}

function split(full: string): { schema: string; name: string } {
  const dot = full.indexOf(".");
  return { schema: full.slice(0, dot), name: full.slice(dot + 1) };
}

function kindOf(type: string, node: Tree): Relation["kind"] {
  if (type === "ViewStmt") return "view";
  if (type === "CreateForeignTableStmt") return "foreign table";
  if (node.objtype === "OBJECT_MATVIEW") return "materialized view";
  return node.partbound === undefined ? "table" : "partition";
}

/** A column as its definition has it. */
export function toColumn(name: string, { typeName, collClause }: Tree): Column {
  return {
    name,
    type: typeOf(typeName),
    limits: limitsOf(typeName),
    collation: collationOf(collClause),
  };
}

/** Adds a column with what is written behind it. */
export function addColumn(
  model: Model,
  relation: Relation,
  definition: Tree,
  statement: LintStatement,
): void {
  const column = toColumn(definition.colname, definition);
  if (!relation.columns.has(column.name)) relation.columns.set(column.name, column);
  for (const { Constraint } of definition.constraints ?? []) {
    addConstraint(model, relation, Constraint, statement, [column.name]);
  }
}

/** Adds a constraint: of a column where one is named, else of the table. */
export function addConstraint(
  model: Model,
  relation: Relation,
  constraint: Tree,
  statement: LintStatement,
  of?: readonly string[],
): void {
  switch (constraint.contype) {
    case "CONSTR_PRIMARY":
    case "CONSTR_UNIQUE": {
      const columns = of ?? textsOf(constraint.keys);
      if (constraint.contype === "CONSTR_PRIMARY") relation.hasPrimaryKey = true;
      if (constraint.indexname !== undefined) break; // It is there already.
      const name = constraint.conname ??
        (constraint.contype === "CONSTR_PRIMARY"
          ? `${relation.name}_pkey`
          : `${relation.name}_${columns.join("_")}_key`);
      relation.indexes.set(name, {
        name,
        columns,
        definition: `unique btree ${columns}`,
        findsAll: true,
        place: statement.place,
      });
      break;
    }
    case "CONSTR_EXCLUSION": {
      const columns = findAll(constraint.exclusions, "IndexElem").map(({ name = "" }) => name);
      const name = constraint.conname ?? `exclude (${columns})`;
      const definition = `exclude ${name}`;
      relation.indexes.set(name, {
        name,
        columns,
        definition,
        findsAll: constraint.where_clause === undefined,
        place: statement.place,
      });
      break;
    }
    case "CONSTR_FOREIGN":
      addForeignKey(model, relation, constraint, of ?? textsOf(constraint.fk_attrs), statement);
      break;
    case "CONSTR_CHECK": {
      const column = findColumn(constraint.raw_expr);
      if (column !== undefined) relation.notNull.add(column);
      break;
    }
  }
}

/**
 * The index that a statement makes.
 *
 * @param statement The statement.
 */
export function toIndex({ node, place, sql }: LintStatement): Index {
  const { idxname, indexParams, whereClause, unique, accessMethod = "btree" } = node;
  const columns: string[] = [];
  for (const { IndexElem: { name } } of indexParams ?? []) {
    if (name === undefined) break;
    columns.push(name);
  }
  // What is plain text to it: the same index may be written in two ways, and is not found then.
  const parts = sql.slice(sql.indexOf("(")).replace(/\s+/g, " ").toLowerCase();
  return {
    name: idxname ?? `(${parts})`,
    columns,
    definition: whereClause === undefined && columns.length === indexParams?.length &&
        accessMethod === "btree" && !hasDetails(indexParams) &&
        node.indexIncludingParams === undefined
      ? `${unique ? "unique " : ""}btree ${columns}`
      : `${unique ? "unique " : ""}${accessMethod} ${parts}`,
    findsAll: /^(?:btree|hash|gist|spgist)$/.test(accessMethod) &&
      (whereClause === undefined || columns.includes(findColumn(whereClause) ?? "")),
    place,
  };
}

function hasDetails(indexParams: Tree): boolean {
  return indexParams.some(({ IndexElem }: Tree) =>
    IndexElem.opclass !== undefined || IndexElem.collation !== undefined ||
    IndexElem.ordering === "SORTBY_DESC" ||
    IndexElem.nulls_ordering !== "SORTBY_NULLS_DEFAULT"
  );
}

/**
 * The function that a statement makes.
 *
 * @param model What is known.
 * @param statement The statement.
 */
export function toRoutine(model: Model, { node, place, file }: LintStatement): Routine {
  const { schema, name } = split(model.nameIn(node.funcname));
  const options = optionsOf(node.options);
  const sets = (node.options ?? []).flatMap(({ DefElem }: Tree) =>
    DefElem.defname === "set" ? [DefElem.arg.VariableSetStmt.name] : []
  );
  return {
    schema,
    name,
    takes: (node.parameters ?? [])
      .filter(({ FunctionParameter: { mode } }: Tree) =>
        mode !== "FUNC_PARAM_OUT" && mode !== "FUNC_PARAM_TABLE"
      )
      .map(({ FunctionParameter: { argType } }: Tree) => typeOf(argType)).join(","),
    place,
    file,
    isDefiner: options.get("security")?.Boolean?.boolval === true,
    hasSearchPath: sets.includes("search_path"),
    isTrigger: /^(?:event_)?trigger$/.test(typeOf(node.returnType)),
    closedTo: new Set(),
    openTo: new Set(),
    unknown: new Set(model.unknownLater),
  };
}

/** The policy that CREATE POLICY makes. */
export function toPolicy(node: Tree, place: Place): Policy {
  return {
    name: node.policy_name,
    command: node.cmd_name,
    roles: rolesOf(node.roles),
    isPermissive: !!node.permissive,
    place,
  };
}

/** A policy as ALTER POLICY leaves it. */
export function alterPolicy(policy: Policy, { node: { roles } }: LintStatement): Policy {
  return roles === undefined ? policy : { ...policy, roles: rolesOf(roles) };
}

/** The column of which a condition says that it is not null. */
function findColumn(expression: Tree): string | undefined {
  const test = expression?.NullTest;
  if (test?.nulltesttype !== "IS_NOT_NULL") return undefined;
  return textsOf(test.arg?.ColumnRef?.fields).at(-1);
}
