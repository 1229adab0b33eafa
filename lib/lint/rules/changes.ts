/** Renames and enums: what the running application does not know yet. @module */

import { isNew } from "../model.ts";
import type { Rule } from "../rule.ts";
import { textsOf } from "../tree.ts";

const OBJECTS: Readonly<Record<string, string>> = {
  OBJECT_VIEW: "view",
  OBJECT_MATVIEW: "materialized view",
  OBJECT_FUNCTION: "function",
  OBJECT_PROCEDURE: "procedure",
  OBJECT_ROUTINE: "function",
  OBJECT_SCHEMA: "schema",
  OBJECT_TYPE: "type",
};

export const CHANGE_RULES: readonly Rule[] = [
  {
    code: "table-renamed",
    title: "A table keeps its name",
    level: "warn",
    reason:
      "The application that is running asks for the old one until it is replaced, and gets 404",
    remedy: "Leave a view of the old name there (with security_invoker), and drop it later.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "RenameStmt" || node.renameType !== "OBJECT_TABLE") return;
      if (isNew(model.find(node.relation), statement)) return;
      tell(statement, `The table ${model.nameOf(node.relation)} becomes ${node.newname}`);
    },
  },
  {
    code: "column-renamed",
    title: "A column keeps its name",
    level: "warn",
    reason: "The application that is running asks for the old one until it is replaced, and fails",
    remedy: "Add a column, keep both alike by a trigger, and drop the old one later.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "RenameStmt" || node.renameType !== "OBJECT_COLUMN") return;
      if (isNew(model.find(node.relation), statement)) return;
      tell(
        statement,
        `The column ${node.subname} of ${model.nameOf(node.relation)} becomes ${node.newname}`,
        node.subname,
      );
    },
  },
  {
    code: "object-renamed",
    title: "A view, a function, a type and a schema keep their names",
    level: "warn",
    reason:
      "What is running asks for the old one until it is replaced; function bodies and policies " +
      "that are text are not rewritten",
    remedy: "Make a new one beside it, and drop the old one later.",
    look({ type, node, place }, model, tell) {
      const what = type === "RenameStmt" ? OBJECTS[node.renameType] : undefined;
      if (what === undefined) return;
      const name = node.relation !== undefined
        ? model.nameOf(node.relation)
        : node.object?.ObjectWithArgs !== undefined
        ? model.nameIn(node.object.ObjectWithArgs.objname)
        : textsOf(node.object?.List?.items).join(".") || node.subname;
      // The type that is to be replaced has a rule of its own.
      if (what === "type") return;
      tell(place, `The ${what} ${name} becomes ${node.newname}`);
    },
  },
  {
    code: "schema-moved",
    title: "A table, a view and a function keep their schema",
    level: "warn",
    reason: "What is running asks for it in the old one until it is replaced",
    remedy: "Leave a view or a function of the same name in the old schema, and drop it later.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "AlterObjectSchemaStmt" || node.objectType === "OBJECT_EXTENSION") return;
      if (node.relation === undefined && node.object?.ObjectWithArgs === undefined) return;
      if (isNew(model.find(node.relation), statement)) return;
      const name = node.relation === undefined
        ? model.nameIn(node.object.ObjectWithArgs.objname)
        : model.nameOf(node.relation);
      tell(statement, `${name} moves to the schema ${node.newschema}`);
    },
  },
  {
    code: "enum-replaced",
    title: "The values of an enum are added to, not replaced",
    level: "warn",
    reason:
      "A new type in its place writes every table anew that uses it, and fails on defaults, " +
      "indexes, policies and views that name the old one",
    remedy: "Write: alter type … add value …; and leave values that are no longer used.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "RenameStmt" || node.renameType !== "OBJECT_TYPE") return;
      const name = model.qualify(textsOf(node.object?.List?.items));
      if (model.types.get(name)?.file === statement.file) return;
      tell(statement, `The type ${name} becomes ${node.newname}: is another made in its place?`);
    },
  },
  {
    code: "enum-value-renamed",
    title: "The values of an enum keep their names",
    level: "warn",
    reason:
      "What is running writes and compares with the old one until it is replaced, and fails (22P02)",
    remedy: "Add a value, and change over.",
    look({ type, node, place }, model, tell) {
      if (type !== "AlterEnumStmt" || node.oldVal === undefined) return;
      tell(
        place,
        `The value '${node.oldVal}' of ${model.nameIn(node.typeName)} becomes '${node.newVal}'`,
      );
    },
  },
  {
    code: "enum-value-not-again",
    title: "A value of an enum is added IF NOT EXISTS",
    level: "info",
    reason:
      "It cannot be taken away: a rollback leaves it there, and applying the migration again fails",
    remedy: "Write: alter type … add value if not exists …",
    look({ type, node, place }, model, tell) {
      if (type !== "AlterEnumStmt" || node.oldVal !== undefined || node.skipIfNewValExists) return;
      tell(
        place,
        `The value '${node.newVal}' of ${model.nameIn(node.typeName)} cannot be added twice`,
      );
    },
  },
  {
    code: "enum-without-values",
    title: "An enum has a value",
    level: "warn",
    reason: "Nothing can be stored in a column of it",
    remedy: "Name its values.",
    look({ type, node, place }, model, tell) {
      if (type !== "CreateEnumStmt" || (node.vals ?? []).length > 0) return;
      tell(place, `The enum ${model.nameIn(node.typeName)} has no values`);
    },
  },
];
