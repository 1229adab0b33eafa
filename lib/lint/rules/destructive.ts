/** What takes data away. What the same migration has made holds none. @module */

import { isNew, type Model } from "../model.ts";
import type { Rule } from "../rule.ts";
import type { LintStatement } from "../statement.ts";
import { textsOf, type Tree } from "../tree.ts";

const HOLDS_ROWS = ["OBJECT_TABLE", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"];

/** Whether a name is what the statement's own file has made, or a temporary table. */
function isOwn(name: string, statement: LintStatement, model: Model): boolean {
  return isNew(model.relations.get(name), statement) || model.temporary.has(name);
}

export const DESTRUCTIVE_RULES: readonly Rule[] = [
  {
    code: "drop-table",
    title: "A migration drops no table",
    level: "warn",
    reason:
      "Its rows are gone, and a rollback brings none of them back; what still reads it fails at once",
    remedy: "Stop using it first, rename it for a while, and drop it in a later migration.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "DropStmt" || node.removeType !== "OBJECT_TABLE") return;
      for (const object of node.objects) {
        const name = model.nameIn(object.List.items);
        if (!isOwn(name, statement, model)) tell(statement, `The table ${name} is dropped`);
      }
    },
  },
  {
    code: "drop-column",
    title: "A migration drops no column",
    level: "warn",
    reason:
      "Its values are gone, and a rollback brings none of them back; what still names it fails at once",
    remedy:
      "Stop using it first, and drop it in a later migration than the one that went with that.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "AlterTableStmt" || isOwn(model.nameOf(node.relation), statement, model)) return;
      if (node.objtype !== "OBJECT_TABLE") return;
      for (const { AlterTableCmd: { subtype, name } } of node.cmds) {
        if (subtype !== "AT_DropColumn") continue;
        tell(statement, `The column ${name} of ${model.nameOf(node.relation)} is dropped`, name);
      }
    },
  },
  {
    code: "drop-cascade",
    title: "A migration drops nothing by CASCADE",
    level: "warn",
    reason:
      "What goes along is not in the file: views, policies, foreign keys and functions that " +
      "somebody else has made since",
    remedy: "Name what is to go, and leave CASCADE out: PostgreSQL says what is in the way.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type === "DropStmt" && node.behavior === "DROP_CASCADE") {
        const isTable = HOLDS_ROWS.includes(node.removeType);
        const names = node.objects.map((object: Tree) =>
          textsOf(
            object.List?.items ?? object.TypeName?.names ?? object.ObjectWithArgs?.objname ??
              [object],
          )
        );
        if (isTable && names.every((it: string[]) => isOwn(model.qualify(it), statement, model))) {
          return;
        }
        tell(
          statement,
          `DROP … CASCADE: what depends on ${
            names.map((it: string[]) => it.join(".")).join(", ")
          } is dropped too`,
          "cascade",
        );
      } else if (
        type === "AlterTableStmt" && !isOwn(model.nameOf(node.relation), statement, model)
      ) {
        for (const { AlterTableCmd: { subtype, name, behavior } } of node.cmds) {
          if (!/^AT_Drop(?:Column|Constraint)$/.test(subtype) || behavior !== "DROP_CASCADE") {
            continue;
          }
          tell(statement, `DROP … CASCADE: what depends on ${name} is dropped too`, "cascade");
        }
      }
    },
  },
  {
    code: "drop-schema",
    title: "A migration drops no schema",
    level: "warn",
    reason: "With CASCADE everything in it is gone, in other environments as well",
    remedy: "Drop what is in it by name, and the schema without CASCADE.",
    look({ type, node, place }, _, tell) {
      if (type !== "DropStmt" || node.removeType !== "OBJECT_SCHEMA") return;
      if (node.behavior !== "DROP_CASCADE") return;
      tell(
        place,
        `The schema ${textsOf(node.objects).join(", ")} is dropped with all that is in it`,
      );
    },
  },
  {
    code: "truncate",
    title: "A migration truncates no table",
    level: "warn",
    reason: "All rows are gone, and a rollback brings none of them back",
    remedy: "Delete the rows that are meant by their ids.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "TruncateStmt") return;
      for (const { RangeVar } of node.relations) {
        const name = model.nameOf(RangeVar);
        if (!isOwn(name, statement, model)) tell(statement, `All rows of ${name} are deleted`);
      }
    },
  },
  {
    code: "delete-without-where",
    title: "DELETE has a WHERE",
    level: "warn",
    reason:
      "All rows are gone. Over the API PostgreSQL refuses it (21000), where safeupdate cannot be turned off",
    remedy: "Say which rows; where true, if all are meant.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "DeleteStmt" || node.whereClause !== undefined) return;
      const name = model.nameOf(node.relation);
      if (!isOwn(name, statement, model)) tell(statement, `All rows of ${name} are deleted`);
    },
  },
  {
    code: "update-without-where",
    title: "UPDATE has a WHERE",
    level: "warn",
    reason:
      "Every row is written anew, which locks all of them and doubles the table's size. Over the " +
      "API PostgreSQL refuses it (21000), where safeupdate cannot be turned off",
    remedy: "Say which rows, such as: where new_column is null; where true, if all are meant.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "UpdateStmt" || node.whereClause !== undefined) return;
      const name = model.nameOf(node.relation);
      if (!isOwn(name, statement, model)) tell(statement, `All rows of ${name} are written anew`);
    },
  },
  {
    code: "insert-without-columns",
    title: "INSERT names its columns",
    level: "info",
    reason: "It fails, or fills the wrong ones, once the table has another column",
    remedy: "Write: insert into … (a, b) values (…);",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "InsertStmt" || node.cols !== undefined || node.selectStmt === undefined) return;
      const name = model.nameOf(node.relation);
      if (model.temporary.has(name)) return;
      tell(statement, `The INSERT into ${name} names no columns`);
    },
  },
  {
    code: "bucket-deleted",
    title: "A migration deletes no bucket and no object of storage",
    level: "warn",
    reason: "The rows go and the files stay, where nobody finds them; newer projects refuse it",
    remedy: "Delete them by the storage API.",
    look({ type, node, place }, _, tell) {
      if (type !== "DeleteStmt" || node.relation.schemaname !== "storage") return;
      tell(place, `Rows of storage.${node.relation.relname} are deleted, and no files`);
    },
  },
];
