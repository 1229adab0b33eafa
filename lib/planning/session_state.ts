/** What a statement leaves in its session, beyond the end of its transaction. @module */

import type { ParsedStatement } from "./parser.ts";

type Statement = Pick<ParsedStatement, "type" | "node">;

/**
 * Whether a statement sets what the session keeps: `SET`, `RESET`, and `set_config(…, false)` as
 * pg_dump writes it.
 *
 * @param statement The statement.
 */
export function isSessionSetting({ type, node }: Statement): boolean {
  if (type === "VariableSetStmt") {
    return !node.is_local && node.kind !== "VAR_SET_MULTI" && node.name !== "TRANSACTION SNAPSHOT";
  }
  if (type !== "SelectStmt" || node.fromClause || node.op !== "SETOP_NONE") return false;
  const targets: readonly ParsedStatement["node"][] = node.targetList ?? [];
  return targets.length > 0 && targets.every(({ ResTarget }) => {
    const { funcname = [], args = [] } = ResTarget?.val?.FuncCall ?? {};
    const isLocal = args[2]?.A_Const?.boolval;
    return funcname.at(-1)?.String?.sval === "set_config" &&
      isLocal !== undefined && isLocal.boolval !== true;
  });
}

/** Something that is gone with its session. */
export interface KeptForSession {
  /** What it is. */
  readonly what: string;
  /** What it is called. */
  readonly name: string;
}

/**
 * What a statement makes that only its session has.
 *
 * @param statement The statement.
 * @returns What it is; null where it makes nothing of that kind.
 */
export function findKeptForSession({ type, node }: Statement): KeptForSession | null {
  switch (type) {
    case "CreateStmt":
    case "CreateSeqStmt":
    case "ViewStmt":
    case "CreateTableAsStmt":
    case "SelectStmt": {
      const relation = node.relation ?? node.sequence ?? node.view ?? node.into?.rel ??
        node.intoClause?.rel;
      const ends = node.oncommit ?? (node.into ?? node.intoClause)?.onCommit;
      if (relation?.relpersistence !== "t" || ends === "ONCOMMIT_DROP") return null;
      const what = { CreateSeqStmt: "sequence", ViewStmt: "view" }[type as string] ?? "table";
      return { what: `temporary ${what}`, name: relation.relname };
    }
    case "PrepareStmt":
      return { what: "prepared statement", name: node.name };
    case "DeclareCursorStmt":
      return { what: "cursor", name: node.portalname };
  }
  return null;
}
