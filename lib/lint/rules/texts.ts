/** Names, and what is of one environment alone. @module */

import { blankComments } from "../../planning/lexer.ts";
import { findLongNames } from "../../planning/long_names.ts";
import type { Model, Relation } from "../model.ts";
import type { Rule } from "../rule.ts";
import type { LintStatement } from "../statement.ts";
import { addedColumns, findAll, stringOf, textsOf, type Tree } from "../tree.ts";

/** A rule about what the texts of a file hold; comments are none. */
function lookFor(
  pattern: RegExp,
  describe: (found: string) => string,
): NonNullable<Rule["look"]> {
  return (statement, _, tell) => {
    // A comment on an object is for people.
    if (statement.isInBlock || statement.type === "CommentStmt" || !pattern.test(statement.sql)) {
      return;
    }
    for (const text of textsIn(statement)) {
      const found = pattern.exec(text)?.[0];
      if (found === undefined) continue;
      tell(statement, describe(found), found);
      return;
    }
  };
}

function* textsIn({ node }: LintStatement): Iterable<string> {
  for (const kind of ["sval", "String"]) {
    for (const { sval = "" } of findAll(node, kind)) {
      yield blankComments(String(sval));
    }
  }
}

/** What dumps set, and what is about the migration itself. */
const USUAL = new Set([
  "search_path",
  "role",
  "check_function_bodies",
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
  "transaction_timeout",
  "client_encoding",
  "standard_conforming_strings",
  "xmloption",
  "client_min_messages",
  "row_security",
  "default_tablespace",
  "default_table_access_method",
  "default_toast_compression",
  "session_replication_role",
  "timezone",
  "maintenance_work_mem",
  "safeupdate.enabled",
]);

export const TEXT_RULES: readonly Rule[] = [
  {
    code: "identifier-too-long",
    title: "A name has 63 bytes at most",
    level: "warn",
    reason:
      "PostgreSQL keeps the first 63 without an error: two names may become one, and code that " +
      "looks for the whole name finds nothing",
    remedy: "Shorten it.",
    inRollback: true,
    look(statement, _, tell) {
      if (statement.isInBlock) return;
      const { place: { line }, sql } = statement;
      for (const { name, length } of findLongNames([{ line, sql }])) {
        tell(statement, `The name "${name}" has ${length} bytes`, name);
      }
    },
  },
  {
    code: "name-needs-quotes",
    title: "The names of tables and columns need no quotes",
    level: "info",
    reason:
      "Whoever writes it without quotes finds nothing: userId is userid then, which is another name",
    remedy: "Write it in small letters, with underscores: user_id.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "CreateStmt" && type !== "ViewStmt" && type !== "AlterTableStmt") return;
      const names = addedColumns(statement).map(({ colname }) => colname);
      const own = (node.relation ?? node.view)?.relname;
      if (type !== "AlterTableStmt" && own !== undefined) names.unshift(own);
      const found = names.filter((name: string) =>
        !/^[\p{Ll}\p{Lo}_][\p{Ll}\p{Lo}\d_$]*$/u.test(name)
      );
      if (found.length === 0) return;
      tell(
        statement,
        `${found.map((name: string) => `"${name}"`).join(", ")} of ${
          model.nameOf(node.relation ?? node.view)
        } needs quotes`,
        found[0],
      );
    },
  },
  {
    code: "project-url",
    title: "No migration names one project",
    level: "warn",
    reason: "Every other project (staging, a branch, a developer's own) then calls that one",
    remedy: "Keep the address in a table of settings or in the vault, and read it there.",
    look: lookFor(
      /\bhttps?:\/\/(?:db\.)?[a-z]{20}\.(?:functions\.)?supabase\.(?:co|in|red|net)\b/i,
      (found) => `The migration names the project ${found}`,
    ),
  },
  {
    code: "local-url",
    title: "No migration names a machine of one's own",
    level: "warn",
    reason: "It is there on one machine, and in one container alone",
    remedy: "Keep the address in a table of settings or in the vault, and read it there.",
    look: lookFor(
      /\bhttps?:\/\/(?:localhost|127\.0\.0\.1|host\.docker\.internal|kong|0\.0\.0\.0)(?::\d+)?/i,
      (found) => `The migration names ${found}`,
    ),
  },
  {
    code: "fixed-user-id",
    title: "No migration writes rows of one user",
    level: "warn",
    reason:
      "The id is of one project: in every other the foreign key to auth.users refuses it (23503)",
    remedy: "Put such rows into a seed, or find the user by something that all projects have.",
    look(statement, model, tell) {
      const { node } = statement;
      if (node.relation?.schemaname === "auth") return;
      for (const [column, value] of writtenValues(statement, model)) {
        if (!USER_COLUMN.test(column) && !refersToUsers(model.find(node.relation), column)) {
          continue;
        }
        const text = stringOf(value) ?? "";
        if (!UUID.test(text) || /^0{8}-0{4}/.test(text)) continue;
        tell(statement, `The row for ${model.nameOf(node.relation)} is of the user ${text}`, text);
        return;
      }
    },
  },
  {
    code: "session-setting-stays",
    title: "Settings are those of the migration",
    level: "info",
    reason:
      "SET without LOCAL is put back at the end of the migration: what comes later does not have it",
    remedy: "Write SET LOCAL; or, where it is to stay, alter role … set …, alter database … set …",
    passesOver: `what dumps set, and what is about the migration itself: ${[...USUAL].join(", ")}`,
    look({ type, node, place }, _, tell) {
      if (type !== "VariableSetStmt" || node.is_local || node.kind !== "VAR_SET_VALUE") return;
      if (USUAL.has(node.name)) return;
      tell(place, `${node.name} is set to the end of the migration`);
    },
  },
  {
    code: "timeout-ends-connection",
    title: "No time-out ends the connection",
    level: "warn",
    reason:
      "transaction_timeout and idle_in_transaction_session_timeout end the connection, not the " +
      "statement: what became of the migration is then to be found out",
    remedy:
      "Set statement_timeout or lock_timeout, which end the statement and are reported as that.",
    look({ type, node, place }, _, tell) {
      if (type !== "VariableSetStmt" || node.kind !== "VAR_SET_VALUE") return;
      if (!/^(?:transaction|idle_in_transaction_session)_timeout$/.test(node.name)) return;
      const value = node.args?.[0]?.A_Const ?? {};
      if (/^0?$/.test(String(value.sval?.sval ?? value.ival?.ival ?? ""))) return;
      tell(place, `${node.name} is set`);
    },
  },
  {
    code: "cron-schedule-unnamed",
    title: "A job of pg_cron has a name",
    level: "warn",
    reason:
      "Without one each application of the migration adds another job, and no rollback finds it",
    remedy: "Write: cron.schedule('name', '* * * * *', 'command').",
    look: (statement, _, tell) => {
      if (statement.type !== "SelectStmt") return;
      for (const call of findAll(statement.node, "FuncCall")) {
        if (textsOf(call.funcname).join(".") !== "cron.schedule") continue;
        if ((call.args ?? []).length === 2) {
          tell(statement, "A job of pg_cron has no name", "schedule");
        }
      }
    },
  },
];

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/** What INSERT and UPDATE put into columns, as far as they say it, by the column's name. */
function* writtenValues({ type, node }: LintStatement, model: Model): Iterable<[string, Tree]> {
  if (type === "UpdateStmt") {
    for (const { ResTarget: { name, val } } of node.targetList ?? []) yield [name, val];
  }
  if (type !== "InsertStmt") return;
  const names: string[] = node.cols?.map(({ ResTarget }: Tree) => ResTarget.name) ??
    [...model.find(node.relation)?.columns.keys() ?? []];
  const { valuesLists = [], targetList = [] } = node.selectStmt?.SelectStmt ?? {};
  const rows: Tree[][] = [
    ...valuesLists.map(({ List }: Tree) => List.items),
    targetList.map(({ ResTarget }: Tree) => ResTarget.val),
  ];
  for (const row of rows) {
    for (const [index, value] of row.entries()) {
      const name = names[index];
      if (name !== undefined) yield [name, value];
    }
  }
}

function refersToUsers(relation: Relation | undefined, column: string): boolean {
  return relation?.foreignKeys.some(({ columns, to }) =>
    to === "auth.users" && `${columns}` === column
  ) ?? false;
}

const USER_COLUMN = /^(?:user_id|auth_user_id|auth_id|owner_id|profile_id|created_by)$/i;
