/** Row level security. @module */

import type { Model, Relation } from "../model.ts";
import type { Rule } from "../rule.ts";

function* tablesOf(model: Model): Iterable<Relation> {
  for (const relation of model.relations.values()) {
    if (relation.kind === "table" || relation.kind === "partition") yield relation;
  }
}

export const RLS_RULES: readonly Rule[] = [
  {
    code: "table-without-rls",
    title: "A table of an exposed schema has row level security",
    level: "error",
    reason:
      "Whoever has the public key reads and writes all of its rows, as far as rights are granted",
    remedy: "Write: alter table … enable row level security; and policies for what is allowed.",
    conclude(model, tell) {
      for (const { schema, name, hasRls, policies, place, unknown } of tablesOf(model)) {
        if (hasRls || policies.size > 0 || !model.exposed.has(schema)) continue;
        if (unknown.has("rls")) continue;
        tell(place, `The table ${schema}.${name} has no row level security`);
      }
    },
  },
  {
    code: "policy-without-rls",
    title: "A table with policies has row level security",
    level: "error",
    reason: "Policies do nothing while row level security is off: all rows are open",
    remedy: "Write: alter table … enable row level security;",
    conclude(model, tell) {
      for (const { schema, name, hasRls, policies, unknown } of tablesOf(model)) {
        if (hasRls || unknown.has("rls")) continue;
        for (const policy of policies.values()) {
          tell(
            policy.place,
            `The policy "${policy.name}" does nothing: ${schema}.${name} has no row level security`,
          );
          break;
        }
      }
    },
  },
  {
    code: "rls-disabled",
    title: "Row level security stays on",
    level: "error",
    reason:
      "From then on the policies do nothing, and all rows are open as far as rights are granted",
    remedy: "Leave it on, and write a policy that allows what is needed.",
    look({ type, node, place }, model, tell) {
      if (type !== "AlterTableStmt" || !model.shows(model.nameOf(node.relation))) return;
      for (const { AlterTableCmd } of node.cmds) {
        if (AlterTableCmd.subtype !== "AT_DisableRowSecurity") continue;
        tell(
          place,
          `Row level security of ${model.nameOf(node.relation)} is turned off`,
          "disable",
        );
      }
    },
  },
  {
    code: "rls-without-policy",
    title: "A table with row level security that the API may use has a policy",
    level: "info",
    reason: "Without one no row is seen or written by anon and authenticated, whatever is granted",
    remedy: "Write a policy, or take the grants away where the API has no part in it.",
    conclude(model, tell) {
      for (const table of tablesOf(model)) {
        const { schema, name, hasRls, policies, granted, place, unknown } = table;
        if (!hasRls || policies.size > 0 || !model.exposed.has(schema)) continue;
        if (unknown.has("policies") || unknown.has("grants")) continue;
        const has = ["anon", "authenticated"].filter((role) => (granted.get(role)?.size ?? 0) > 0);
        if (has.length === 0) continue;
        tell(place, `${schema}.${name} is granted to ${has.join(" and ")}, and has no policy`);
      }
    },
  },
];
