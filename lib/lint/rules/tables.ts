/** Keys, indexes and types of tables. @module */

import type { Index, Relation } from "../model.ts";
import type { Rule, Tell } from "../rule.ts";
import type { LintStatement } from "../statement.ts";
import { addedColumns, optionsOf, type Tree, typeOf } from "../tree.ts";

/** Makes a rule about the columns that are added. */
function eachColumn(
  check: (column: Tree, statement: LintStatement, tell: Tell) => void,
): NonNullable<Rule["look"]> {
  return (statement, _, tell) => {
    if (statement.node.relation?.relpersistence === "t") return;
    for (const column of addedColumns(statement)) {
      // A table of a type names columns without theirs.
      if (column.typeName !== undefined) check(column, statement, tell);
    }
  };
}

const isPrimary = (column: Tree) =>
  (column.constraints ?? []).some(({ Constraint }: Tree) =>
    Constraint.contype === "CONSTR_PRIMARY"
  );

export const TABLE_RULES: readonly Rule[] = [
  {
    code: "foreign-key-without-index",
    title: "The columns of a foreign key have an index",
    level: "warn",
    reason: "Deleting or changing a row of the other table reads all of this one, and so do joins",
    remedy: "Write: create index on … (…); with the columns of the key first.",
    conclude(model, tell) {
      for (const relation of model.relations.values()) {
        if (relation.unknown.has("indexes")) continue;
        for (const { columns, place } of relation.foreignKeys) {
          if (columns.some((name) => !relation.columns.has(name)) && !relation.isLike) continue;
          if (isIndexed(relation, columns)) continue;
          tell(
            place,
            `${
              columns.join(", ")
            } of ${relation.schema}.${relation.name} is a foreign key without an index`,
          );
        }
      }
    },
  },
  {
    code: "table-without-primary-key",
    title: "A table has a primary key",
    level: "warn",
    reason:
      "A row cannot be told from its double: Realtime and logical replication refuse UPDATE and " +
      "DELETE, and the dashboard cannot edit it",
    remedy: "Write: id bigint generated always as identity primary key.",
    conclude(model, tell) {
      for (const relation of model.relations.values()) {
        const { schema, name, kind, hasPrimaryKey, isLike, place, unknown } = relation;
        if (kind !== "table" || hasPrimaryKey || isLike || unknown.has("indexes")) continue;
        tell(place, `The table ${schema}.${name} has no primary key`);
      }
    },
  },
  {
    code: "index-duplicate",
    title: "No two indexes are the same",
    level: "warn",
    reason: "Each of them is written with every row, and only one is read",
    remedy: "Leave one of them out. A primary key and a UNIQUE have an index already.",
    conclude(model, tell) {
      for (const { schema, name, indexes } of model.relations.values()) {
        const seen = new Map<string, Index>();
        for (const index of indexes.values()) {
          // What is unique serves as what is not.
          const other = seen.get(index.definition) ?? seen.get(`unique ${index.definition}`);
          if (other !== undefined) {
            tell(
              index.place,
              `The index ${index.name} of ${schema}.${name} is the same as ${other.name}`,
            );
          }
          seen.set(index.definition, index);
        }
      }
    },
  },
  {
    code: "integer-primary-key",
    title: "A key that counts is bigint",
    level: "info",
    reason:
      "After 2,147,483,647 rows nothing can be added, and changing the type then writes the " +
      "table anew",
    remedy: "Write: id bigint generated always as identity primary key.",
    look: eachColumn((column, statement, tell) => {
      const type = typeOf(column.typeName);
      const counts = (column.constraints ?? []).some(({ Constraint }: Tree) =>
        Constraint.contype === "CONSTR_IDENTITY"
      );
      if (!/^(?:small)?serial[24]?$/.test(type) && !(/^int[24]$/.test(type) && counts)) return;
      if (!isPrimary(column)) return;
      tell(statement, `The key ${column.colname} is ${type}`, column.colname);
    }),
  },
  {
    code: "serial-column",
    title: "A column that counts is an identity, not serial",
    level: "info",
    reason: "Its sequence is an object of its own, with rights of its own: INSERT by anon or " +
      "authenticated fails without USAGE on it",
    remedy: "Write: bigint generated always as identity.",
    look: eachColumn((column, statement, tell) => {
      const type = typeOf(column.typeName);
      if (/^(?:small|big)?serial[248]?$/.test(type)) {
        tell(statement, `The column ${column.colname} is ${type}`, column.colname);
      }
    }),
  },
  {
    code: "timestamp-without-zone",
    title: "A time has a time zone",
    level: "warn",
    reason:
      "What it means depends on the zone that a session happens to have: it is wrong by hours " +
      "wherever two of them differ",
    remedy: "Write timestamptz.",
    look: eachColumn((column, statement, tell) => {
      if (typeOf(column.typeName).replace("[]", "") !== "timestamp") return;
      tell(
        statement,
        `The column ${column.colname} is a timestamp without time zone`,
        column.colname,
      );
    }),
  },
  {
    code: "type-unfit",
    title: "No column is char(n), money or timetz",
    level: "info",
    reason: "char(n) is filled with blanks, money depends on a setting of the server, and timetz " +
      "knows no day on which its zone would hold",
    remedy: "Write text, numeric or bigint (of cents), timestamptz.",
    look: eachColumn((column, statement, tell) => {
      const type = typeOf(column.typeName).replace("[]", "");
      if (!["bpchar", "money", "timetz"].includes(type)) return;
      tell(
        statement,
        `The column ${column.colname} is ${type === "bpchar" ? "char(n)" : type}`,
        column.colname,
      );
    }),
  },
  {
    code: "json-instead-of-jsonb",
    title: "JSON is kept as jsonb",
    level: "info",
    reason: "json is text that is read anew each time; it has no index, no = and no distinct",
    remedy: "Write jsonb, unless the very text matters.",
    look: eachColumn((column, statement, tell) => {
      if (typeOf(column.typeName).replace("[]", "") !== "json") return;
      tell(statement, `The column ${column.colname} is json`, column.colname);
    }),
  },
  {
    code: "password-column",
    title: "No table that the API shows keeps passwords or secrets",
    level: "warn",
    reason:
      "Whoever may read a row reads it; Supabase's auth keeps passwords, the vault keeps secrets",
    remedy:
      "Leave it to Supabase's auth or the vault; or keep it in a schema that the API does not show.",
    look(statement, model, tell) {
      for (const { colname } of addedColumns(statement)) {
        if (!SENSITIVE.test(colname)) continue;
        if (!model.shows(model.nameOf(statement.node.relation))) return;
        tell(statement, `The column ${colname} is in a schema that the API shows`, colname);
      }
    },
  },
  {
    code: "unlogged-table",
    title: "No table is UNLOGGED",
    level: "info",
    reason: "After a crash it is empty, it is in no backup that was made since, and on no replica",
    remedy: "Leave UNLOGGED out, unless it is a cache.",
    look({ type, node, place }, model, tell) {
      if (type !== "CreateStmt" || node.relation.relpersistence !== "u") return;
      tell(place, `The table ${model.nameOf(node.relation)} is UNLOGGED`, "unlogged");
    },
  },
  {
    code: "index-method-without-options",
    title: "An index of vectors says how many lists it has",
    level: "info",
    reason:
      "ivfflat has 100 lists otherwise, whatever the table holds; made on an empty table it finds " +
      "the wrong rows",
    remedy: "Use hnsw, or make it when the table has its rows: with (lists = rows / 1000).",
    look({ type, node, place }, _, tell) {
      if (type !== "IndexStmt" || node.accessMethod !== "ivfflat") return;
      if (optionsOf(node.options).has("lists")) return;
      tell(place, "An index by ivfflat has no lists", "ivfflat");
    },
  },
];

const SENSITIVE =
  /^(?:password|passwd|pwd|password_(?:hash|digest)|hashed_password|encrypted_password|secret(?:_key)?|private_key|api_secret|access_token|refresh_token|ssn|social_security(?:_number)?|credit_card(?:_number)?|card_number|cvv|cvc)$/i;

/** Whether an index of all rows begins with the columns, in any order. */
function isIndexed({ indexes }: Relation, columns: readonly string[]): boolean {
  return [...indexes.values()].some((index) => {
    if (!index.findsAll) return false;
    const first = index.columns.slice(0, columns.length);
    return columns.every((name) => first.includes(name));
  });
}
