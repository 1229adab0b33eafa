/** How statements change what is known. @module */

import {
  addColumn,
  addConstraint,
  alterPolicy,
  toColumn,
  toIndex,
  toPolicy,
  toRelation,
  toRoutine,
} from "./made.ts";
import { API_ROLES, type Model, type Relation, type Routine } from "./model.ts";
import { learnObjects } from "./objects.ts";
import type { LintStatement } from "./statement.ts";
import { isOn, optionsOf, rolesOf, textsOf, type Tree, typeOf } from "./tree.ts";

/**
 * Takes in what a statement does.
 *
 * @param model What is known.
 * @param statement The statement.
 */
export function learn(model: Model, statement: LintStatement): void {
  const { type, node } = statement;
  learnObjects(model, statement);
  switch (type) {
    case "CreateStmt":
    case "CreateForeignTableStmt":
    case "CreateTableAsStmt":
    case "ViewStmt":
      learnRelation(model, statement);
      break;
    case "SelectStmt":
      if (node.intoClause !== undefined) learnRelation(model, statement);
      learnSearchPath(model, node);
      break;
    case "VariableSetStmt":
      if (node.name === "search_path") {
        if (node.is_local) model.pathBefore ??= model.searchPath;
        model.searchPath = firstSchema(node.args?.map((arg: Tree) => arg.A_Const?.sval?.sval));
      }
      break;
    case "TransactionStmt":
      // SET LOCAL ends with its transaction.
      if (/^TRANS_STMT_(?:COMMIT|ROLLBACK)$/.test(node.kind)) {
        model.searchPath = model.pathBefore ?? model.searchPath;
        model.pathBefore = undefined;
      }
      break;
    case "AlterTableStmt":
      learnTableChange(model, statement);
      break;
    case "CreatePolicyStmt":
      model.find(node.table)?.policies.set(node.policy_name, toPolicy(node, statement.place));
      break;
    case "AlterPolicyStmt": {
      const policies = model.find(node.table)?.policies;
      const policy = policies?.get(node.policy_name);
      if (policy !== undefined) policies!.set(policy.name, alterPolicy(policy, statement));
      break;
    }
    case "CreateTrigStmt":
      if (node.relation.schemaname === "auth") {
        const table = model.nameOf(node.relation);
        model.authTriggers.set(`${node.trigname} on ${table}`, {
          name: node.trigname,
          table,
          calls: model.nameIn(node.funcname),
          place: statement.place,
        });
      }
      break;
    case "IndexStmt":
      if (node.relation !== undefined) {
        const index = toIndex(statement);
        model.find(node.relation)?.indexes.set(index.name, index);
      }
      break;
    case "CreateFunctionStmt":
      learnRoutine(model, statement);
      break;
    case "AlterFunctionStmt":
      for (const routine of routinesIn(model, [{ ObjectWithArgs: node.func }])) {
        alterRoutine(routine, node.actions);
      }
      break;
    case "GrantStmt":
      learnGrant(model, node);
      break;
    case "AlterDefaultPrivilegesStmt":
      learnDefaults(model, node);
      break;
    case "CreateEnumStmt":
    case "CreateDomainStmt":
      model.types.set(model.nameIn(type === "CreateEnumStmt" ? node.typeName : node.domainname), {
        place: statement.place,
        file: statement.file,
      });
      break;
    case "DropStmt":
      learnDrop(model, node);
      break;
    case "RenameStmt":
      learnRename(model, node);
      break;
    case "AlterObjectSchemaStmt":
      if (node.relation !== undefined) {
        move(model, model.nameOf(node.relation), { schema: node.newschema });
      } else if (/^OBJECT_(?:TYPE|DOMAIN)$/.test(node.objectType)) {
        const name = model.nameIn(node.object?.List?.items);
        renameType(model, name, `${node.newschema}.${name.slice(name.indexOf(".") + 1)}`);
      }
      break;
  }
}

function learnRelation(model: Model, statement: LintStatement): void {
  const { relation: named, into, intoClause } = statement.node;
  const made = named ?? into?.rel ?? intoClause?.rel;
  if (made?.relpersistence === "t") model.temporary.add(model.nameOf(made));
  const relation = toRelation(model, statement);
  if (relation === undefined) return;
  const name = `${relation.schema}.${relation.name}`;
  const before = model.relations.get(name);
  if (before !== undefined) {
    if (!statement.node.replace) return; // IF NOT EXISTS, or it fails
    before.isInvoker = relation.isInvoker;
    before.unknown.delete("options");
    return;
  }
  for (const role of model.decidedLater.get(relation.schema) ?? []) relation.decided.add(role);
  for (const role of model.decidedLater.get("") ?? []) relation.decided.add(role);
  model.relations.set(name, relation);
}

/** `select set_config('search_path', '', false)`, as dumps have it. */
function learnSearchPath(model: Model, { targetList }: Tree): void {
  for (const { ResTarget } of targetList ?? []) {
    const call = ResTarget?.val?.FuncCall;
    if (call === undefined || textsOf(call.funcname).at(-1) !== "set_config") continue;
    const [name, value] = (call.args ?? []).map((arg: Tree) => arg.A_Const?.sval?.sval ?? "");
    if (name === "search_path") model.searchPath = firstSchema(value?.split(","));
  }
}

function firstSchema(schemas: (string | undefined)[] | undefined): string {
  const first = schemas?.map((name) => name?.trim().replaceAll('"', "") ?? "")
    .find((name) => name !== "" && !name.includes("$user"));
  return first ?? "public";
}

function learnTableChange(model: Model, statement: LintStatement): void {
  const { node } = statement;
  learnOpenEnds(model, statement);
  const relation = model.find(node.relation);
  if (relation === undefined) return;
  for (const { AlterTableCmd: { subtype, name, def } } of node.cmds) {
    switch (subtype) {
      case "AT_EnableRowSecurity":
      case "AT_DisableRowSecurity":
        relation.hasRls = subtype === "AT_EnableRowSecurity";
        relation.unknown.delete("rls");
        break;
      case "AT_AddColumn":
        addColumn(model, relation, def.ColumnDef, statement);
        break;
      case "AT_AlterColumnType":
        if (relation.columns.has(name)) {
          relation.columns.set(name, toColumn(name, def.ColumnDef));
        }
        break;
      case "AT_DropColumn":
        relation.columns.delete(name);
        for (const [key, { columns }] of relation.indexes) {
          if (columns.includes(name)) relation.indexes.delete(key);
        }
        relation.foreignKeys = relation.foreignKeys.filter(({ columns }) =>
          !columns.includes(name)
        );
        break;
      case "AT_AddConstraint":
        addConstraint(model, relation, def.Constraint, statement);
        break;
      case "AT_DropConstraint":
        if (name === `${relation.name}_pkey`) relation.hasPrimaryKey = false;
        relation.indexes.delete(name);
        relation.foreignKeys = relation.foreignKeys.filter((key) => key.name !== name);
        break;
      case "AT_SetRelOptions": {
        const options = optionsOf(def.List.items);
        if (options.has("security_invoker")) {
          relation.isInvoker = isOn(options, "security_invoker");
        }
        break;
      }
      case "AT_ResetRelOptions":
        if (optionsOf(def.List.items).has("security_invoker")) relation.isInvoker = false;
        break;
    }
  }
}

/** What is to be followed by something, of tables that may be known or not. */
function learnOpenEnds(model: Model, { node, place }: LintStatement): void {
  const table = model.nameOf(node.relation);
  for (const { AlterTableCmd: { subtype, name = "all", def } } of node.cmds) {
    if (subtype === "AT_AddConstraint" && def.Constraint.skip_validation) {
      model.notValid.add(`${table} ${def.Constraint.conname}`);
    } else if (/^AT_DisableTrig/.test(subtype)) {
      model.disabledTriggers.set(`${name} of ${table}`, { place });
    } else if (/^AT_Enable(?:Always|Replica)?Trig/.test(subtype)) {
      for (const key of model.disabledTriggers.keys()) {
        const isAll = /^AT_EnableTrig(?:All|User)$/.test(subtype) && key.endsWith(` of ${table}`);
        if (isAll || key === `${name} of ${table}`) model.disabledTriggers.delete(key);
      }
    }
  }
}

function learnRoutine(model: Model, statement: LintStatement): void {
  const routine = toRoutine(model, statement);
  const key = keyOf(routine);
  const before = model.routines.get(key);
  const closed = before === undefined
    ? [...model.closedLater.get(routine.schema) ?? [], ...model.closedLater.get("") ?? []]
    : before.closedTo;
  for (const role of closed) routine.closedTo.add(role);
  for (const role of before?.openTo ?? []) routine.openTo.add(role);
  if (before?.unknown.has("grants")) routine.unknown.add("grants");
  model.routines.set(key, routine);
}

function keyOf({ schema, name, takes }: Pick<Routine, "schema" | "name" | "takes">): string {
  return `${schema}.${name}(${takes})`;
}

function alterRoutine(routine: Routine, actions: Tree): void {
  const options = optionsOf(actions);
  const security = options.get("security")?.Boolean;
  if (security !== undefined) routine.isDefiner = security.boolval === true;
  const set = options.get("set")?.VariableSetStmt;
  if (set?.name === "search_path") routine.hasSearchPath = set.kind !== "VAR_RESET";
}

/** The functions that a list of objects names; all of a name where no types are. */
export function routinesIn(model: Model, objects: Tree): Routine[] {
  return (objects ?? []).flatMap(({ ObjectWithArgs: object }: Tree) => {
    if (object === undefined) return [];
    const name = model.nameIn(object.objname);
    const known = model.routinesOf(name);
    if (object.args_unspecified) return known;
    const takes: string[] = (object.objargs ?? []).map(({ TypeName }: Tree) => typeOf(TypeName));
    return known.filter((routine) => {
      const types = routine.takes === "" ? [] : routine.takes.split(",");
      return types.length === takes.length &&
        types.every((type, index) => areSameTypes(type, takes[index]!));
    });
  });
}

/** Whether two names may be of one type: `mood` and `public.mood`, `int4[]` and `_int4`. */
function areSameTypes(one: string, other: string): boolean {
  // That of a column is what the column has.
  if (one.endsWith("%type") || other.endsWith("%type")) return true;
  const [parts, others] = [one, other].map((type) =>
    type.replace(/(^|\.)_(\w+)$/, "$1$2[]").split(".").reverse()
  );
  return parts![0] === others![0] &&
    (parts!.length === 1 || others!.length === 1 || parts![1] === others![1]);
}

/** Functions that take a type know it by its new name. */
function renameType(model: Model, from: string, to: string): void {
  const names = [from, from.slice(from.indexOf(".") + 1)];
  for (const [key, routine] of model.routines) {
    const takes = routine.takes.split(",").map((type) =>
      names.includes(type.replace("[]", "")) ? to + (type.endsWith("[]") ? "[]" : "") : type
    ).join(",");
    if (takes === routine.takes) continue;
    model.routines.delete(key);
    model.routines.set(keyOf({ ...routine, takes }), { ...routine, takes });
  }
}

const ROUTINES = ["OBJECT_FUNCTION", "OBJECT_ROUTINE", "OBJECT_PROCEDURE"];

function learnGrant(model: Model, node: Tree): void {
  const roles = rolesOf(node.grantees);
  const privileges: string[] = (node.privileges ?? [{ AccessPriv: { priv_name: "all" } }])
    .map(({ AccessPriv }: Tree) => AccessPriv.priv_name ?? "all");
  if (node.grant_option && !node.is_grant) return;
  if (node.objtype === "OBJECT_TABLE") {
    const schemas = node.targtype === "ACL_TARGET_ALL_IN_SCHEMA" ? textsOf(node.objects) : null;
    const relations = schemas === null
      ? node.objects.flatMap(({ RangeVar }: Tree) => model.find(RangeVar) ?? [])
      : [...model.relations.values()].filter(({ schema }) => schemas.includes(schema));
    for (const relation of relations) {
      for (const role of roles) grantOn(relation, role, privileges, !!node.is_grant);
    }
  } else if (ROUTINES.includes(node.objtype)) {
    const schemas = node.targtype === "ACL_TARGET_ALL_IN_SCHEMA" ? textsOf(node.objects) : null;
    const routines = schemas === null
      ? routinesIn(model, node.objects)
      : [...model.routines.values()].filter(({ schema }) => schemas.includes(schema));
    for (const routine of routines) {
      for (const role of roles) {
        const [to, from] = node.is_grant
          ? [routine.openTo, routine.closedTo]
          : [routine.closedTo, routine.openTo];
        to.add(role);
        from.delete(role);
      }
    }
  }
}

function grantOn(
  relation: Relation,
  role: string,
  privileges: readonly string[],
  isGrant: boolean,
): void {
  if (API_ROLES.includes(role)) relation.decided.add(role);
  const has = relation.granted.get(role) ?? new Set();
  for (const privilege of privileges) {
    if (isGrant) has.add(privilege);
    else if (privilege === "all") has.clear();
    else has.delete(privilege);
  }
  relation.granted.set(role, has);
}

function learnDefaults(model: Model, { options, action }: Tree): void {
  const schemas = textsOf(optionsOf(options).get("schemas")?.List?.items);
  const roles = rolesOf(action.grantees);
  for (const schema of schemas.length === 0 ? [""] : schemas) {
    if (action.objtype === "OBJECT_TABLE") {
      const decided = model.decidedLater.get(schema) ?? new Set();
      for (const role of roles) if (API_ROLES.includes(role)) decided.add(role);
      model.decidedLater.set(schema, decided);
    } else if (ROUTINES.includes(action.objtype)) {
      const closed = model.closedLater.get(schema) ?? new Set();
      for (const role of roles) {
        if (action.is_grant) closed.delete(role);
        else closed.add(role);
      }
      model.closedLater.set(schema, closed);
    }
  }
}

function learnDrop(model: Model, { removeType, objects, behavior }: Tree): void {
  for (const object of objects ?? []) {
    const parts = textsOf(object.List?.items ?? object.TypeName?.names);
    switch (removeType) {
      case "OBJECT_TABLE":
      case "OBJECT_VIEW":
      case "OBJECT_MATVIEW":
      case "OBJECT_FOREIGN_TABLE":
        model.relations.delete(model.qualify(parts));
        break;
      case "OBJECT_POLICY":
        model.relations.get(model.qualify(parts.slice(0, -1)))?.policies.delete(parts.at(-1)!);
        break;
      case "OBJECT_TRIGGER":
        model.authTriggers.delete(
          `${parts.at(-1)} on ${model.qualify(parts.slice(0, -1))}`,
        );
        break;
      case "OBJECT_INDEX":
        for (const { indexes } of model.relations.values()) indexes.delete(parts.at(-1)!);
        break;
      case "OBJECT_TYPE":
      case "OBJECT_DOMAIN":
        model.types.delete(model.qualify(parts));
        break;
      case "OBJECT_SCHEMA":
        if (behavior === "DROP_CASCADE") dropSchema(model, object.String?.sval ?? "");
        break;
      default:
        if (!ROUTINES.includes(removeType)) break;
        for (const routine of routinesIn(model, [object])) model.routines.delete(keyOf(routine));
    }
  }
}

function dropSchema(model: Model, schema: string): void {
  for (const [key, relation] of model.relations) {
    if (relation.schema === schema) model.relations.delete(key);
  }
  for (const [key, routine] of model.routines) {
    if (routine.schema === schema) model.routines.delete(key);
  }
  for (const key of model.types.keys()) {
    if (key.startsWith(`${schema}.`)) model.types.delete(key);
  }
}

function learnRename(model: Model, node: Tree): void {
  switch (node.renameType) {
    case "OBJECT_TABLE":
    case "OBJECT_VIEW":
    case "OBJECT_MATVIEW":
      move(model, model.nameOf(node.relation), { name: node.newname });
      break;
    case "OBJECT_COLUMN": {
      const relation = model.find(node.relation);
      const column = relation?.columns.get(node.subname);
      if (relation === undefined || column === undefined) break;
      relation.columns.delete(node.subname);
      relation.columns.set(node.newname, { ...column, name: node.newname });
      // Its indexes and keys have the new name; which ones is no longer looked at.
      relation.foreignKeys = [];
      break;
    }
    case "OBJECT_TYPE":
    case "OBJECT_DOMAIN": {
      const name = model.nameIn(node.object?.List?.items);
      const renamed = `${name.split(".", 1)[0]}.${node.newname}`;
      renameType(model, name, renamed);
      const type = model.types.get(name);
      if (type === undefined) break;
      model.types.delete(name);
      model.types.set(renamed, type);
      break;
    }
    case "OBJECT_FUNCTION":
    case "OBJECT_PROCEDURE":
    case "OBJECT_ROUTINE":
      for (const routine of routinesIn(model, [node.object])) {
        model.routines.delete(keyOf(routine));
        const renamed = { ...routine, name: node.newname };
        model.routines.set(keyOf(renamed), renamed);
      }
      break;
    case "OBJECT_INDEX":
      for (const { indexes } of model.relations.values()) indexes.delete(node.relation.relname);
      break;
    case "OBJECT_TABCONSTRAINT": {
      const relation = model.find(node.relation);
      relation?.indexes.delete(node.subname);
      if (relation !== undefined) relation.foreignKeys = [];
      break;
    }
    case "OBJECT_SCHEMA":
      // What it holds has other names now, which nothing is said about any more.
      dropSchema(model, node.subname);
      break;
    case "OBJECT_POLICY": {
      const policies = model.find(node.relation)?.policies;
      const policy = policies?.get(node.subname);
      if (policy === undefined) break;
      policies!.delete(node.subname);
      policies!.set(node.newname, { ...policy, name: node.newname });
      break;
    }
  }
}

function move(model: Model, name: string, to: { name?: string; schema?: string }): void {
  const relation = model.relations.get(name);
  if (relation === undefined) return;
  model.relations.delete(name);
  const moved = { ...relation, ...to };
  renameType(model, name, `${moved.schema}.${moved.name}`);
  model.relations.set(`${moved.schema}.${moved.name}`, moved);
}
