/**
 * What statements make that nothing else is to be known of than that it is there, by a name that
 * says its kind. What is dropped, renamed or moved is known no longer, and what might go with it.
 *
 * @module
 */

import type { Model } from "./model.ts";
import type { LintStatement } from "./statement.ts";
import { findAll, optionsOf, rolesOf, textsOf, type Tree, typeOf } from "./tree.ts";

/** Something that is there: what it is called, and every name on which it depends. */
export interface MadeObject {
  /** Such as `trigger t of public.notes`. */
  readonly title: string;
  /** Such as `t`, `public`, `notes`. */
  readonly names: readonly string[];
}

/** Kinds that DefineStmt makes. */
const DEFINED: Readonly<Record<string, string>> = {
  OBJECT_AGGREGATE: "aggregate",
  OBJECT_COLLATION: "collation",
  OBJECT_OPERATOR: "operator",
  OBJECT_TSCONFIGURATION: "text search configuration",
  OBJECT_TSDICTIONARY: "text search dictionary",
  OBJECT_TSPARSER: "text search parser",
  OBJECT_TSTEMPLATE: "text search template",
};

const CONSTRAINT = /^CONSTR_(?:CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUSION)$/;

/**
 * The objects that a statement makes.
 *
 * @param statement The statement; what is there already is no matter to IF NOT EXISTS and OR REPLACE.
 * @param model What is known.
 */
export function objectsMadeBy({ type, node }: LintStatement, model: Model): MadeObject[] {
  const called = (kind: string, full: string): MadeObject[] => [
    { title: `${kind} ${full}`, names: full.split(".") },
  ];
  const on = (kind: string, name: string): MadeObject[] => {
    const table = model.nameOf(node.relation);
    return [{ title: `${kind} ${name} of ${table}`, names: [name, ...table.split(".")] }];
  };
  switch (type) {
    case "CreateSchemaStmt":
      return called("schema", node.schemaname ?? rolesOf([node.authrole])[0]);
    case "CreateExtensionStmt":
      return called("extension", node.extname);
    case "CreateSeqStmt":
      return isTemporary(node.sequence) ? [] : called("sequence", model.nameOf(node.sequence));
    case "CompositeTypeStmt":
      return called("type", model.nameOf(node.typevar));
    case "CreateRangeStmt":
      return called("type", model.nameIn(node.typeName));
    case "CreateEnumStmt":
      return textsOf(node.vals).flatMap((value) => valueOf(node, value, model));
    case "AlterEnumStmt":
      return valueOf(node, node.newVal, model);
    case "CreateTrigStmt":
      return on("trigger", node.trigname);
    case "RuleStmt":
      return on("rule", node.rulename);
    case "IndexStmt": {
      if (node.idxname === undefined || isTemporary(node.relation)) return [];
      const [table] = on("", "");
      const name = model.nameOf({ ...node.relation, relname: node.idxname });
      return [{ title: `index ${name}`, names: [node.idxname, ...table!.names] }];
    }
    case "CreateStmt":
    case "AlterTableStmt":
      return isTemporary(node.relation) || model.temporary.has(model.nameOf(node.relation))
        ? []
        : constraintsOf({ type, node }).flatMap(({ conname }) => on("constraint", conname));
    case "CreateEventTrigStmt":
      return called("event trigger", node.trigname);
    case "CreatePublicationStmt":
      return called("publication", node.pubname);
    case "CreateRoleStmt":
      return called("role", node.role);
    case "CreateForeignServerStmt":
      return called("server", node.servername);
    case "CreateFdwStmt":
      return called("foreign data wrapper", node.fdwname);
    case "CreateUserMappingStmt": {
      const [role] = rolesOf([node.user]);
      return [{
        title: `user mapping of ${role} for ${node.servername}`,
        names: [role!, node.servername],
      }];
    }
    case "CreateStatsStmt":
      return node.defnames === undefined ? [] : called("statistics", model.nameIn(node.defnames));
    case "CreateConversionStmt":
      return called("conversion", model.nameIn(node.conversion_name));
    case "CreateCastStmt":
      return toCast(node);
    case "DefineStmt": {
      const kind = DEFINED[node.kind];
      if (kind === undefined) return [];
      const takes = node.kind === "OBJECT_OPERATOR"
        ? ["leftarg", "rightarg"].map((side) =>
          typeOf(optionsOf(node.definition).get(side)?.TypeName)
        )
        : findAll(node.args, "FunctionParameter").map(({ argType }) => typeOf(argType));
      const full = model.nameIn(node.defnames);
      const title = `${kind} ${full}${takes.length === 0 ? "" : `(${takes.join(",")})`}`;
      return [{ title, names: [...full.split("."), ...takes] }];
    }
    default:
      return [];
  }
}

const isTemporary = (relation: Tree) => relation?.relpersistence === "t";

/** Constraints that have a name. */
function constraintsOf({ type, node }: { type: string; node: Tree }): Tree[] {
  const within = type === "CreateStmt"
    ? node.tableElts
    : node.cmds.map(({ AlterTableCmd: { subtype, missing_ok: isOk, def } }: Tree) =>
      /^AT_Add(?:Column|Constraint)$/.test(subtype) && !isOk ? def : undefined
    );
  return findAll(within, "Constraint").filter(({ contype, conname }) =>
    conname !== undefined && CONSTRAINT.test(contype)
  );
}

function valueOf({ typeName }: Tree, value: string, model: Model): MadeObject[] {
  const type = model.nameIn(typeName);
  return [{ title: `value '${value}' of ${type}`, names: [value, ...type.split(".")] }];
}

function toCast({ sourcetype, targettype }: Tree): MadeObject[] {
  const [from, to] = [typeOf(sourcetype), typeOf(targettype)];
  return [{ title: `cast (${from} as ${to})`, names: [...from.split("."), ...to.split(".")] }];
}

/**
 * Takes in what a statement makes, drops, renames or moves.
 *
 * @param model What is known.
 * @param statement The statement.
 */
export function learnObjects(model: Model, statement: LintStatement): void {
  const { type, node } = statement;
  if (/^(?:Drop\w*|RenameStmt|AlterObjectSchemaStmt)$/.test(type)) forgetNamed(model, node);
  if (type === "AlterEnumStmt" && node.oldVal !== undefined) {
    for (const { title } of valueOf(node, node.oldVal, model)) model.made.delete(title);
  }
  if (type === "AlterTableStmt") {
    for (const { AlterTableCmd: { subtype, behavior } } of node.cmds) {
      if (!/^AT_Drop/.test(subtype)) continue;
      // Indexes, constraints and sequences go along.
      forgetNamed(model, { relation: node.relation, behavior });
    }
  }
  // Whether a block makes it is not known.
  if (statement.isInBlock) return;
  for (const made of objectsMadeBy(statement, model)) model.made.set(made.title, made.names);
}

/** Forgets what has a name of those that a statement says; by CASCADE, all. */
function forgetNamed(model: Model, node: Tree): void {
  if (node.behavior === "DROP_CASCADE" || node.roles !== undefined) return model.made.clear();
  const said = new Set<string>([
    ...findAll(node, "sval"),
    node.relation?.relname,
    node.subname,
    node.servername,
  ]);
  for (const [title, names] of model.made) {
    // A sequence may belong to a table's column, whatever it is called.
    if (names.some((name) => said.has(name)) || title.startsWith("sequence ")) {
      model.made.delete(title);
    }
  }
}
