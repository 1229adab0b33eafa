/** Which tables the statements of a migration are about. Pure. @module */

import type { ParsedStatement } from "../planning/parser.ts";

/** A table that a statement is about. */
export interface TouchedTable {
  readonly schema: string;
  readonly name: string;
  /** What the statement does to it; `renamed` is said of its name before. */
  readonly how: "made" | "changed" | "dropped" | "renamed";
  /** Its schema and name after that, where it was renamed. */
  readonly to?: { readonly schema: string; readonly name: string };
}

type Node = ParsedStatement["node"];

/**
 * Finds the tables and views that a statement makes, changes or drops. What a statement puts together
 * while it runs is not seen.
 *
 * @param statement The statement.
 */
export function findTouched(
  { type, node }: Pick<ParsedStatement, "type" | "node">,
): TouchedTable[] {
  const changed = (relation: Node) => inRange(relation, "changed");
  switch (type) {
    case "CreateStmt":
    case "CreateForeignTableStmt":
      return inRange((node.base ?? node).relation, "made");
    case "CreateTableAsStmt":
      return inRange(node.into?.rel, "made");
    case "ViewStmt":
      return inRange(node.view, "made");
    case "AlterTableStmt":
      return node.objtype === "OBJECT_INDEX" ? [] : changed(node.relation);
    case "IndexStmt":
    case "CreateTrigStmt":
    case "RuleStmt":
      return changed(node.relation);
    case "CreatePolicyStmt":
    case "AlterPolicyStmt":
      return changed(node.table);
    case "GrantStmt":
      return node.objtype === "OBJECT_TABLE" && node.targtype === "ACL_TARGET_OBJECT"
        ? node.objects.flatMap(({ RangeVar }: Node) => changed(RangeVar))
        : [];
    case "CommentStmt":
      return inComment(node);
    case "RenameStmt":
      return inRename(node);
    case "AlterObjectSchemaStmt":
      return TABLES.has(node.objectType)
        ? inRange(node.relation, "renamed").map((table) => ({
          ...table,
          to: { schema: node.newschema, name: table.name },
        }))
        : [];
    case "DropStmt":
      return inDrop(node);
    default:
      return [];
  }
}

const TABLES = new Set(["OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"]);

/** What belongs to a table and is named behind it. */
const PARTS = new Set(["OBJECT_POLICY", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_TABCONSTRAINT"]);

function inRange(range: Node, how: TouchedTable["how"]): TouchedTable[] {
  if (range?.relname === undefined || range.relpersistence === "t") return [];
  return [{ schema: range.schemaname ?? "public", name: range.relname, how }];
}

function inNames(names: readonly string[], how: TouchedTable["how"]): TouchedTable[] {
  const [name, schema = "public"] = names.toReversed();
  return name === undefined ? [] : [{ schema, name, how }];
}

function textsOf(list: Node): string[] {
  return (list?.List?.items ?? []).map(({ String: text }: Node) => text?.sval ?? "");
}

function inComment({ objtype, object }: Node): TouchedTable[] {
  if (TABLES.has(objtype)) return inNames(textsOf(object), "changed");
  return objtype === "OBJECT_COLUMN" || PARTS.has(objtype)
    ? inNames(textsOf(object).slice(0, -1), "changed")
    : [];
}

function inRename({ renameType, relation, newname }: Node): TouchedTable[] {
  if (TABLES.has(renameType)) {
    return inRange(relation, "renamed")
      .map((table) => ({ ...table, to: { schema: table.schema, name: newname } }));
  }
  return renameType === "OBJECT_COLUMN" || PARTS.has(renameType)
    ? inRange(relation, "changed")
    : [];
}

function inDrop({ removeType, objects }: Node): TouchedTable[] {
  const names: string[][] = (objects ?? []).map(textsOf);
  if (TABLES.has(removeType)) return names.flatMap((name) => inNames(name, "dropped"));
  return PARTS.has(removeType)
    ? names.flatMap((name) => inNames(name.slice(0, -1), "changed"))
    : [];
}
