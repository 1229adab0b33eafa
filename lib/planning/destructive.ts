/**
 * Which statements take data with them, so that whoever reviews a plan sees them first. What a
 * function or a DO block does nobody can see from outside.
 *
 * @module
 */

import { type ParsedStatement, parseText } from "./parser.ts";

type Tree = ParsedStatement["node"];

/** What DROP removes that holds data, or that what holds data depends on. */
const DROPPED: Readonly<Record<string, string>> = {
  OBJECT_TABLE: "table",
  OBJECT_FOREIGN_TABLE: "foreign table",
  OBJECT_MATVIEW: "materialized view",
  OBJECT_SCHEMA: "schema",
  OBJECT_SEQUENCE: "sequence",
  OBJECT_TYPE: "type",
  OBJECT_DOMAIN: "domain",
  OBJECT_EXTENSION: "extension",
};

/**
 * Says what a statement destroys.
 *
 * @param sql The statement.
 * @returns What, such as "drops the table notes"; undefined where that is nothing, or cannot be seen.
 */
export async function findDestruction(sql: string): Promise<string | undefined> {
  // Where a statement is not even to be read without one of these words, no tree is needed.
  if (!MAY_DESTROY.test(sql)) return undefined;
  const [statement] = (await parseText(sql)).statements;
  return statement === undefined ? undefined : describe(statement);
}

const MAY_DESTROY = /\b(?:drop|truncate|delete|update|alter|merge)\b/i;

function describe({ type, node }: Pick<ParsedStatement, "type" | "node">): string | undefined {
  switch (type) {
    case "DropStmt":
      return describeDrop(node);
    case "DropOwnedStmt":
      return "drops what roles own";
    case "TruncateStmt":
      return `empties ${
        // deno-lint-ignore no-explicit-any -- see ParsedStatement
        node.relations.map(({ RangeVar }: any) => nameOf(RangeVar)).join(", ")}`;
    case "DeleteStmt":
      return `deletes ${node.whereClause ? "" : "all "}rows of ${nameOf(node.relation)}`;
    case "UpdateStmt":
      return node.whereClause ? undefined : `overwrites all rows of ${nameOf(node.relation)}`;
    case "MergeStmt":
      return `may delete or overwrite rows of ${nameOf(node.relation)}`;
    case "AlterTableStmt":
      return describeAlter(node);
    case "SelectStmt":
    case "InsertStmt":
      return describeWithin(node);
    default:
      return undefined;
  }
}

function describeDrop({ removeType, objects, behavior }: Tree): string | undefined {
  const what = DROPPED[removeType];
  const isCascade = behavior === "DROP_CASCADE";
  if (what === undefined && !isCascade) return undefined;
  const names = objects.map(toName).join(", ");
  const dropped = what === undefined ? "drops" : `drops the ${what}`;
  return `${dropped} ${names}${isCascade ? " and what depends on it" : ""}`;
}

/** Names come as a list, as the name of a type, or alone. */
function toName(object: Tree): string {
  const parts = object.List?.items ?? object.TypeName?.names ?? object.ObjectWithArgs?.objname ??
    [object];
  return parts.map((part: Tree) => part.String?.sval ?? "?").join(".");
}

function describeAlter({ relation, cmds }: Tree): string | undefined {
  const found = cmds.flatMap(({ AlterTableCmd: { subtype, name } }: Tree) => {
    if (subtype === "AT_DropColumn") return [`drops the column ${nameOf(relation)}.${name}`];
    if (subtype === "AT_AlterColumnType") {
      return [`changes the type of ${nameOf(relation)}.${name}`];
    }
    return [];
  });
  return found.length === 0 ? undefined : found.join(", ");
}

/** `with gone as (delete from …) select …` */
function describeWithin({ withClause }: Tree): string | undefined {
  for (const { CommonTableExpr } of withClause?.ctes ?? []) {
    const [[type, node]] = Object.entries(CommonTableExpr.ctequery) as [[string, Tree]];
    const found = type === "SelectStmt" ? undefined : describe({ type, node });
    if (found !== undefined) return found;
  }
  return undefined;
}

function nameOf({ schemaname, relname }: Tree): string {
  return schemaname === undefined ? relname : `${schemaname}.${relname}`;
}
