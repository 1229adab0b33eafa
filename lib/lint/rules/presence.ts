/** What is there already, by the files alone. @module */

import { toRoutine } from "../made.ts";
import type { Model } from "../model.ts";
import { objectsMadeBy } from "../objects.ts";
import type { Rule } from "../rule.ts";
import type { LintStatement } from "../statement.ts";
import type { Tree } from "../tree.ts";

export const PRESENCE_RULES: readonly Rule[] = [
  {
    code: "made-twice",
    title: "What is there already is not made again",
    level: "error",
    reason:
      "PostgreSQL refuses it, on a new project at the latest: an earlier statement has made it",
    remedy: "Alter it; or write OR REPLACE, IF NOT EXISTS, or DROP … IF EXISTS before it.",
    look(statement, model, tell) {
      // In a block it is made where it is not there, as a rule.
      if (statement.isInBlock) return;
      const found = madeBefore(statement, model);
      if (found !== undefined) tell(statement, `The ${found} is made a second time`);
    },
  },
];

function madeBefore(statement: LintStatement, model: Model): string | undefined {
  const { type, node } = statement;
  switch (type) {
    case "CreateStmt":
    case "ViewStmt":
    case "CreateTableAsStmt": {
      if (node.if_not_exists || node.replace) return undefined;
      const named = node.relation ?? node.view ?? node.into.rel;
      if (named.relpersistence === "t") return undefined;
      const before = model.find(named);
      return before && `${before.kind} ${before.schema}.${before.name}`;
    }
    case "CreateFunctionStmt": {
      if (node.replace) return undefined;
      const { schema, name, takes } = toRoutine(model, statement);
      const key = `${schema}.${name}(${takes})`;
      return model.routines.has(key) ? `function ${key}` : undefined;
    }
    case "CreatePolicyStmt": {
      const before = model.find(node.table)?.policies.get(node.policy_name);
      return before && `policy "${before.name}" of ${model.nameOf(node.table)}`;
    }
    case "CreateEnumStmt":
    case "CreateDomainStmt": {
      const name = model.nameIn(type === "CreateEnumStmt" ? node.typeName : node.domainname);
      return model.types.has(name) ? `type ${name}` : undefined;
    }
    case "AlterTableStmt": {
      // What the same statement drops is gone by then, whatever stands first.
      if (node.cmds.some(({ AlterTableCmd }: Tree) => /^AT_Drop/.test(AlterTableCmd.subtype))) {
        return undefined;
      }
      const known = model.find(node.relation)?.columns;
      const column = node.cmds.find(({ AlterTableCmd: { subtype, missing_ok: isOk, def } }: Tree) =>
        subtype === "AT_AddColumn" && !isOk && known?.has(def.ColumnDef.colname)
      )?.AlterTableCmd.def.ColumnDef.colname;
      return column === undefined
        ? findMade(statement, model)
        : `column ${column} of ${model.nameOf(node.relation)}`;
    }
    default:
      return node.if_not_exists || node.replace || node.skipIfNewValExists
        ? undefined
        : findMade(statement, model);
  }
}

function findMade(statement: LintStatement, model: Model): string | undefined {
  return objectsMadeBy(statement, model).find(({ title }) => model.made.has(title))?.title;
}
