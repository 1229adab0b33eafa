/** What cannot run inside a transaction, and how it can be known whether it has run. @module */

import { blankComments } from "./lexer.ts";
import type { ParsedStatement } from "./parser.ts";

/** A statement that runs outside a transaction. */
export interface OutsideStatement {
  /** What to call it in a message. */
  readonly name: string;
  /**
   * How its end is known where nobody has seen it: by what `observe` in `sql/outside_transaction.sql` finds of
   * this kind. `again` may run any number of times; `once` leaves no trace, and never runs twice.
   */
  readonly kind:
    | "create index"
    | "drop index"
    | "reindex"
    | "detach partition"
    | "create named"
    | "drop named"
    | "again"
    | "once";
  /** What is looked for. Names of relations are as they stand in SQL. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** False where it depends on the database whether it can run in a transaction. */
  readonly isCertain: boolean;
}

type Node = ParsedStatement["node"];
type Statement = Pick<ParsedStatement, "type" | "node">;

/**
 * Tells what a statement is that PostgreSQL refuses inside a transaction.
 *
 * @param statement The statement.
 * @param committing The names of procedures that commit.
 * @returns What it is; null where it can run in a transaction.
 */
export function findOutside(
  { type, node }: Statement,
  committing: ReadonlySet<string> = new Set(),
): OutsideStatement | null {
  const outside = (
    name: string,
    kind: OutsideStatement["kind"],
    facts: OutsideStatement["facts"] = {},
    isCertain = true,
  ): OutsideStatement => ({ name, kind, facts, isCertain });
  const createNamed = (name: string, catalog: string, object: string) =>
    outside(name, "create named", { catalog, name: object });
  const dropNamed = (name: string, catalog: string, object: string, isCertain = true) =>
    outside(name, "drop named", { catalog, name: object }, isCertain);

  switch (type) {
    case "IndexStmt":
      return node.concurrent
        ? outside("CREATE INDEX CONCURRENTLY", "create index", {
          table: toName(node.relation),
          name: node.idxname ?? null,
          method: node.accessMethod,
          unique: node.unique ?? false,
          keys: node.indexParams.length,
          columns: node.indexParams.length + (node.indexIncludingParams?.length ?? 0),
          partial: node.whereClause !== undefined,
        })
        : null;
    case "DropStmt":
      return node.concurrent
        ? outside("DROP INDEX CONCURRENTLY", "drop index", {
          name: toQuoted(node.objects[0].List.items),
        })
        : null;
    case "ReindexStmt":
      if (node.relation === undefined) return outside("This REINDEX", "again");
      return hasOption(node.params, "concurrently")
        ? outside("REINDEX CONCURRENTLY", "reindex", { name: toName(node.relation) })
        : null;
    case "AlterTableStmt": {
      const partition = node.cmds?.map(detachedConcurrently).find((found: Node) => found);
      return partition
        ? outside("DETACH PARTITION … CONCURRENTLY", "detach partition", {
          table: toName(node.relation),
          partition: toName(partition),
        })
        : null;
    }
    case "VacuumStmt":
      return node.is_vacuumcmd ? outside("VACUUM", "again") : null;
    case "ClusterStmt":
      return node.relation === undefined ? outside("CLUSTER without a table", "again") : null;
    case "AlterSystemStmt":
      return outside("ALTER SYSTEM", "again");
    case "CreatedbStmt":
      return createNamed("CREATE DATABASE", "pg_database", node.dbname);
    case "DropdbStmt":
      return dropNamed("DROP DATABASE", "pg_database", node.dbname);
    case "CreateTableSpaceStmt":
      return createNamed("CREATE TABLESPACE", "pg_tablespace", node.tablespacename);
    case "DropTableSpaceStmt":
      return dropNamed("DROP TABLESPACE", "pg_tablespace", node.tablespacename);
    case "CreateSubscriptionStmt":
      return isOff(node.options, "connect") || isOff(node.options, "create_slot")
        ? null
        : createNamed("CREATE SUBSCRIPTION", "pg_subscription", node.subname);
    case "DropSubscriptionStmt":
      return dropNamed("DROP SUBSCRIPTION", "pg_subscription", node.subname, false);
    case "AlterSubscriptionStmt":
      return node.kind === "ALTER_SUBSCRIPTION_REFRESH"
        ? outside("ALTER SUBSCRIPTION … REFRESH", "again")
        : null;
    case "AlterDatabaseStmt":
      return hasOption(node.options, "tablespace")
        ? outside("ALTER DATABASE … SET TABLESPACE", "again")
        : null;
    case "SelectStmt": {
      const slot = findSlot(node);
      return slot === null
        ? null
        : createNamed("pg_create_logical_replication_slot", "pg_replication_slots", slot);
    }
    case "DoStmt":
      return commits(readOption(node.args, "as"))
        ? outside("A DO block that commits", "once")
        : null;
    case "CallStmt": {
      const name = node.funccall.funcname.at(-1).String.sval;
      return committing.has(name) ? outside("CALL of a procedure that commits", "once") : null;
    }
  }
  return null;
}

/**
 * The procedure that a statement creates, where its body commits.
 *
 * @param statement The statement.
 * @returns Its name; null where it creates no such procedure.
 */
export function findCommittingProcedure({ type, node }: Statement): string | null {
  if (type !== "CreateFunctionStmt" || !node.is_procedure) return null;
  const body = node.options?.find(({ DefElem }: Node) => DefElem.defname === "as")?.DefElem.arg;
  return commits(body?.List?.items[0]?.String?.sval) ? node.funcname.at(-1).String.sval : null;
}

function commits(body: string | undefined): boolean {
  return body !== undefined &&
    /(?:^|[;\s])(?:commit|rollback)(?:\s+and\s+(?:no\s+)?chain)?\s*;/i
      .test(blankComments(body).replace(/'(?:[^']|'')*'/g, "''"));
}

/** The name of a slot that is made by a plain SELECT of one function. */
function findSlot(node: Node): string | null {
  const { funcname = [], args = [] } = node.targetList?.[0]?.ResTarget?.val?.FuncCall ??
    node.fromClause?.[0]?.RangeFunction?.functions?.[0]?.List?.items?.[0]?.FuncCall ?? {};
  return /^pg_(?:create|copy)_logical_replication_slot$/.test(funcname.at(-1)?.String?.sval ?? "")
    ? args[funcname.at(-1).String.sval.includes("copy") ? 1 : 0]?.A_Const?.sval?.sval ?? ""
    : null;
}

function detachedConcurrently({ AlterTableCmd }: Node): Node {
  const isConcurrent = AlterTableCmd?.subtype === "AT_DetachPartition" &&
    AlterTableCmd.def?.PartitionCmd?.concurrent === true;
  return isConcurrent ? AlterTableCmd.def.PartitionCmd.name : undefined;
}

function hasOption(options: readonly Node[] | undefined, name: string): boolean {
  return options?.some(({ DefElem }) =>
    DefElem?.defname === name && !/^(?:off|false|0)$/i.test(readValue(DefElem.arg) ?? "on")
  ) ?? false;
}

function isOff(options: readonly Node[] | undefined, name: string): boolean {
  return /^(?:off|false|0)$/i.test(readOption(options, name) ?? "on");
}

function readOption(options: readonly Node[] | undefined, name: string): string | undefined {
  return readValue(options?.find(({ DefElem }) => DefElem?.defname === name)?.DefElem.arg);
}

function readValue(arg: Node): string | undefined {
  if (arg === undefined) return undefined;
  const value = arg.String?.sval ?? arg.Integer?.ival ?? arg.Boolean?.boolval ??
    arg.TypeName?.names.at(-1).String.sval;
  // A zero and a false are left out of the tree.
  return value === undefined ? "0" : String(value);
}

function toName({ schemaname, relname }: Node): string {
  return [schemaname, relname].filter((part) => part !== undefined).map(quote).join(".");
}

function toQuoted(parts: readonly Node[]): string {
  return parts.map(({ String: { sval } }) => quote(sval)).join(".");
}

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
