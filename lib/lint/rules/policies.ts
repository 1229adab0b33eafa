/** Policies. @module */

import { alterPolicy, toPolicy } from "../made.ts";
import type { Model, Policy } from "../model.ts";
import type { Rule, Tell } from "../rule.ts";
import type { LintStatement } from "../statement.ts";
import { calledName, findAll, isAlwaysTrue, rolesOf, textsOf, type Tree } from "../tree.ts";

/** Whom a policy is for who is not the application itself. */
const CLIENTS = ["anon", "authenticated", "public"];

/** A value that is the same for all rows of a query. */
const PER_QUERY = /^(?:auth\.(?:uid|jwt|role|email)|(?:pg_catalog\.)?current_setting)$/;

/** Makes a rule about the expressions of policies. */
function look(
  check: (
    policy: { node: Tree; statement: LintStatement; expressions: Tree[] },
    tell: Tell,
  ) => void,
): NonNullable<Rule["look"]> {
  return (statement, _, tell) => {
    const { type, node } = statement;
    if (type !== "CreatePolicyStmt" && type !== "AlterPolicyStmt") return;
    const expressions = [node.qual, node.with_check].filter((it) => it !== undefined);
    check({ node, statement, expressions }, tell);
  };
}

/** The policy that a statement makes or alters, as it is then; where files do not say all, undefined. */
function policyOf(statement: LintStatement, model: Model): Policy | undefined {
  const { type, node, place } = statement;
  if (type === "AlterPolicyStmt") {
    const before = model.find(node.table)?.policies.get(node.policy_name);
    return before && alterPolicy(before, statement);
  }
  return type === "CreatePolicyStmt" ? toPolicy(node, place) : undefined;
}

export const POLICY_RULES: readonly Rule[] = [
  {
    code: "policy-always-true",
    title: "A policy for writing has a condition",
    level: "warn",
    reason: "Whoever has the public key may then write every row, where rights are granted",
    remedy: "Say whose rows they are, such as: using ((select auth.uid()) = user_id).",
    look(statement, model, tell) {
      const policy = policyOf(statement, model);
      if (policy === undefined || !policy.isPermissive || policy.command === "select") return;
      const roles = policy.roles.filter((role) => CLIENTS.includes(role));
      if (roles.length === 0) return;
      const { qual, with_check: check } = statement.node;
      const isFor = (...commands: string[]) => commands.includes(policy.command);
      const may = isFor("update", "delete") && isAlwaysTrue(qual)
        ? policy.command
        // Whoever sees no row by USING changes none, whatever WITH CHECK says; to add one, nothing
        // else is asked.
        : isFor("all") && isAlwaysTrue(qual)
        ? "write"
        : isFor("all", "insert") && isAlwaysTrue(check)
        ? "insert"
        : undefined;
      if (may === undefined) return;
      tell(statement, `The policy "${policy.name}" lets ${roles.join(", ")} ${may} every row`);
    },
  },
  {
    code: "policy-on-user-metadata",
    title: "No policy trusts what users write about themselves",
    level: "error",
    reason:
      "user_metadata is written by the user: supabase.auth.updateUser() makes anybody an admin",
    remedy: "Use app_metadata, which only the server writes, or a table of roles.",
    look: look(({ node, statement, expressions }, tell) => {
      const named = findAll(expressions, "A_Const").map((constant) => constant.sval?.sval ?? "");
      const columns = findAll(expressions, "ColumnRef").flatMap(({ fields }) => textsOf(fields));
      const word = [...named, ...columns].find((text) =>
        /^\{?(?:raw_)?user_meta_?data\b/.test(text)
      );
      if (word === undefined) return;
      tell(
        statement,
        `The policy "${node.policy_name}" trusts ${word.replaceAll(/[{}]/g, "")}`,
        /user_metadata/.test(word) ? "user_metadata" : word,
      );
    }),
  },
  {
    code: "policy-function-per-row",
    title: "auth.uid() and the like are called once in a query",
    level: "warn",
    reason: "A bare call is made for every row; around it a SELECT makes it once: on big tables " +
      "that is the difference between milliseconds and seconds",
    remedy: "Write (select auth.uid()) instead of auth.uid().",
    look: look(({ node, statement, expressions }, tell) => {
      const called = new Set(barePerQuery(expressions));
      for (const name of called) {
        tell(statement, `The policy "${node.policy_name}" calls ${name}() for every row`, name);
      }
    }),
  },
  {
    code: "policy-without-role",
    title: "A policy says whom it is for",
    level: "info",
    reason:
      "Without TO it is for every role, and is worked out for anon too, where it can only say no",
    remedy: "Write to authenticated, or to anon, authenticated.",
    look(statement, _, tell) {
      const { type, node, sql } = statement;
      if (type !== "CreatePolicyStmt" || !node.permissive) return;
      const [role] = rolesOf(node.roles);
      if (role !== "public" || /\bto\s+public\b/i.test(sql)) return;
      tell(statement, `The policy "${node.policy_name}" has no TO: it is for every role`);
    },
  },
  {
    code: "policy-for-service-role",
    title: "No policy is written for service_role",
    level: "info",
    reason: "service_role passes row level security by: the policy does nothing",
    remedy: "Leave it out.",
    look(statement, _, tell) {
      const { type, node } = statement;
      if (type !== "CreatePolicyStmt" && type !== "AlterPolicyStmt") return;
      const roles = rolesOf(node.roles);
      if (roles.length === 0 || !roles.every((role) => role === "service_role")) return;
      tell(statement, `The policy "${node.policy_name}" is for service_role alone`);
    },
  },
  {
    code: "policy-checks-role",
    title: "A policy names its role behind TO, not by auth.role()",
    level: "info",
    reason:
      "auth.role() is deprecated, and is asked for every row; people who signed in anonymously " +
      "are authenticated to it as well",
    remedy: "Write to authenticated, and leave the comparison out.",
    look: look(({ node, statement, expressions }, tell) => {
      for (const call of findAll(expressions, "FuncCall")) {
        if (calledName(call) !== "auth.role") continue;
        tell(statement, `The policy "${node.policy_name}" asks for auth.role()`, "auth.role");
        return;
      }
    }),
  },
  {
    code: "policy-clause-unfit",
    title: "A policy has the clauses that its command can have",
    level: "error",
    reason:
      "PostgreSQL refuses it: an INSERT has no row to see before, SELECT and DELETE write none",
    remedy: "WITH CHECK alone for INSERT, USING alone for SELECT and DELETE.",
    look(statement, model, tell) {
      const { node } = statement;
      const { command = "", name } = policyOf(statement, model) ?? {};
      if (command === "insert" && node.qual !== undefined) {
        tell(statement, `The policy "${name}" for INSERT has USING`, "using");
      } else if (["select", "delete"].includes(command) && node.with_check !== undefined) {
        tell(
          statement,
          `The policy "${name}" for ${command.toUpperCase()} has WITH CHECK`,
          "check",
        );
      }
    },
  },
  {
    code: "policy-recursive",
    title: "A policy for reading does not read its own table",
    level: "error",
    reason: "To read it the policy has to be worked out again: every query fails with 42P17 " +
      "(infinite recursion detected in policy)",
    remedy:
      "Read the table in a SECURITY DEFINER function in a schema that the API does not show, " +
      "and call that.",
    look(statement, model, tell) {
      const { node } = statement;
      if (!["all", "select"].includes(policyOf(statement, model)?.command ?? "")) return;
      const own = model.nameOf(node.table);
      for (const select of findAll(node.qual, "SelectStmt")) {
        if (!findAll(select.fromClause, "RangeVar").some((it) => model.nameOf(it) === own)) {
          continue;
        }
        tell(statement, `The policy "${node.policy_name}" of ${own} reads ${own} itself`, "select");
        return;
      }
    },
  },
  {
    code: "policy-fixed-user",
    title: "No policy names one user",
    level: "warn",
    reason: "The id is of one project: in every other, and in tests, nobody has it",
    remedy: "Put who may into a table, or into app_metadata, and ask that.",
    look: look(({ node, statement, expressions }, tell) => {
      for (const constant of findAll(expressions, "A_Const")) {
        const text = constant.sval?.sval ?? "";
        if (!UUID.test(text) || /^0{8}-/.test(text)) continue;
        tell(statement, `The policy "${node.policy_name}" names ${text}`, text);
        return;
      }
    }),
  },
  {
    code: "policies-several-permissive",
    title: "One permissive policy for each command and role",
    level: "info",
    reason: "All of them are worked out for every row, and one that says yes is enough",
    remedy: "Make one of them, with OR; or make the one that is to narrow the others restrictive.",
    conclude(model, tell) {
      for (const { schema, name, policies } of model.relations.values()) {
        const seen = new Map<string, Policy>();
        const told = new Set<Policy>();
        for (const policy of policies.values()) {
          if (!policy.isPermissive) continue;
          for (const key of keysOf(policy)) {
            const other = seen.get(key);
            if (other !== undefined && !told.has(policy)) {
              told.add(policy);
              tell(
                policy.place,
                `"${policy.name}" and "${other.name}" of ${schema}.${name} are both for ${key}`,
              );
            }
            seen.set(key, policy);
          }
        }
      }
    },
  },
];

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

function* keysOf({ command, roles }: Policy): Iterable<string> {
  const commands = command === "all" ? ["select", "insert", "update", "delete"] : [command];
  for (const role of roles) for (const one of commands) yield `${one} by ${role}`;
}

/** Calls that stand in no SELECT of their own. What reads a table is worked out for every row. */
function* barePerQuery(tree: Tree): Iterable<string> {
  for (const call of findAll(tree, "FuncCall", ["SubLink"])) {
    const name = calledName(call);
    if (PER_QUERY.test(name)) yield name.replace("pg_catalog.", "");
  }
  for (const { subselect } of findAll(tree, "SubLink", ["SubLink"])) {
    if (subselect.SelectStmt?.fromClause !== undefined) yield* barePerQuery(subselect);
  }
}
