/**
 * Judges locks: whom they keep waiting, and for how long, by the sizes of the tables. Pure.
 *
 * @module
 */

/** What a statement has done to a table that was there. */
export interface TouchedTable {
  readonly schema: string;
  readonly name: string;
  /** `pg_class.relkind`. */
  readonly kind: string;
  /** Modes of locks as `pg_locks` has them, that were not held before. */
  readonly locks: readonly string[];
  /** All of it was written anew. */
  readonly rewritten: boolean;
  /** All of it was read. */
  readonly scanned: boolean;
  /** How many indexes were built. */
  readonly indexes: number;
}

/** A statement, and what it has done. */
export interface MeasuredStatement {
  readonly migration: string;
  /** The line that it starts on. */
  readonly line: number;
  readonly sql: string;
  /** Which transaction it is in: its locks are held to the end of that. */
  readonly transaction: number;
  readonly tables: readonly TouchedTable[];
}

/** How large a live table is. */
export interface TableSize {
  readonly schema: string;
  readonly name: string;
  /** How many rows the planner believes in; null where it knows of none. */
  readonly rows: number | null;
  readonly bytes: number;
  readonly index_bytes: number;
}

/** Whom a lock keeps waiting. */
export type Blocks = "reading and writing" | "writing" | "changes of its schema" | "nobody";

/** A lock of a statement on a table that is there. */
export interface TableLock {
  /** The table, as SQL writes it. */
  readonly table: string;
  /** The strongest lock that there is by then, such as `ACCESS EXCLUSIVE`. */
  readonly lock: string;
  /** The line of the statement that has taken it, where that is an earlier one of the transaction. */
  readonly since: number | null;
  /** Whom it keeps waiting. */
  readonly blocks: Blocks;
  /** All rows are written anew. */
  readonly rewrites: boolean;
  /** All rows are read. */
  readonly scans: boolean;
  /** How many indexes are built. */
  readonly buildsIndexes: number;
  /** Rows of the live table, as the planner believes; null where it does not know. */
  readonly rows: number | null;
  /** Size of the live table, without its indexes; null where there is none. */
  readonly bytes: number | null;
}

/** A statement with the locks that it takes. */
export interface StatementLocks {
  readonly migration: string;
  readonly line: number;
  readonly sql: string;
  readonly locks: readonly TableLock[];
  /** Whom the worst of them keeps waiting. */
  readonly blocks: Blocks;
  /** How long the statement may take, by the sizes of the live tables. */
  readonly takes: Magnitude;
  /** How long its locks may be held: to the end of the transaction. */
  readonly held: Magnitude;
}

/** An order of magnitude of time. */
export type Magnitude =
  | "under a second"
  | "seconds"
  | "tens of seconds"
  | "minutes"
  | "tens of minutes"
  | "hours";

/** What `migrate --dry-run --locks` found. */
export interface LockPlan {
  /** Statements that do something to tables that are there, the worst first. */
  readonly statements: readonly StatementLocks[];
  /** How the times are worked out. */
  readonly estimate: string;
  /** What was not measured, a sentence each. */
  readonly notMeasured: readonly string[];
}

/** What disks of small servers do with cold data, in bytes a second. */
const READS = 200_000_000;
const WRITES = 20_000_000;

const ESTIMATE =
  "By the sizes of the live tables, at 200 MB a second for reading and 20 MB for writing rows and " +
  "indexes: an order of magnitude, and no promise. Waiting for a lock comes on top.";

/** From the strongest on: what `pg_locks` calls it, and whom it keeps waiting. */
const LOCKS: readonly (readonly [mode: string, name: string, blocks: Blocks])[] = [
  ["AccessExclusiveLock", "ACCESS EXCLUSIVE", "reading and writing"],
  ["ExclusiveLock", "EXCLUSIVE", "writing"],
  ["ShareRowExclusiveLock", "SHARE ROW EXCLUSIVE", "writing"],
  ["ShareLock", "SHARE", "writing"],
  ["ShareUpdateExclusiveLock", "SHARE UPDATE EXCLUSIVE", "changes of its schema"],
  ["RowExclusiveLock", "ROW EXCLUSIVE", "nobody"],
  ["RowShareLock", "ROW SHARE", "nobody"],
  ["AccessShareLock", "ACCESS SHARE", "nobody"],
];

const SEVERITY: readonly Blocks[] = [
  "nobody",
  "changes of its schema",
  "writing",
  "reading and writing",
];

/**
 * Judges what was measured.
 *
 * @param measured What statements have done, in the order in which they run.
 * @param sizes The sizes of the live tables.
 * @param notMeasured What was not measured.
 * @returns The same, the worst first.
 */
export function estimateLocks(
  measured: readonly MeasuredStatement[],
  sizes: readonly TableSize[],
  notMeasured: readonly string[],
): LockPlan {
  const sizeOf = new Map(sizes.map((size) => [toPath(size), size]));
  const seconds = measured.map(({ sql, tables }) =>
    tables.reduce((sum, table) => sum + estimateSeconds(sql, table, sizeOf.get(toPath(table))), 0)
  );
  const taken = new Map<string, TakenLock>();
  const judged = measured.map((statement, index) => {
    const { migration, line, sql, tables, transaction } = statement;
    const locks = tables
      .map((table) => judge(statement, table, sizeOf.get(toPath(table)), taken))
      .sort((a, b) => SEVERITY.indexOf(b.blocks) - SEVERITY.indexOf(a.blocks));
    const blocks = locks[0]?.blocks ?? "nobody";
    const held = seconds.slice(index).filter((_, later) =>
      measured[index + later]!.transaction === transaction
    ).reduce((sum, one) => sum + one, 0);
    return {
      held,
      statement: {
        migration,
        line,
        sql,
        locks,
        blocks,
        takes: toMagnitude(seconds[index]!),
        held: toMagnitude(held),
      },
    };
  });
  // Equally bad ones stay in order.
  judged.sort((a, b) =>
    SEVERITY.indexOf(b.statement.blocks) - SEVERITY.indexOf(a.statement.blocks) || b.held - a.held
  );
  return { statements: judged.map(({ statement }) => statement), estimate: ESTIMATE, notMeasured };
}

/** It gives the table new files as well, and writes nothing into them. */
const EMPTIES = /^truncate\b/i;
const CHANGES_ROWS = /^(?:update|delete|merge|with)\b/i;

/** Which lock a transaction has on a table: its place in the list, and the line that it is from. */
interface TakenLock {
  readonly strength: number;
  readonly line: number;
}

function judge(
  { sql, line, transaction }: MeasuredStatement,
  table: TouchedTable,
  size: TableSize | undefined,
  taken: Map<string, TakenLock>,
): TableLock {
  const key = `${transaction} ${toPath(table)}`;
  const added = LOCKS.findIndex(([mode]) => table.locks.includes(mode));
  let held = taken.get(key);
  if (held === undefined || (added !== -1 && added < held.strength)) {
    held = { strength: added === -1 ? LOCKS.length - 1 : added, line };
    taken.set(key, held);
  }
  const [, lock, blocks] = LOCKS[held.strength]!;
  return {
    table: toPath(table),
    lock,
    since: held.line === line ? null : held.line,
    blocks,
    rewrites: table.rewritten && !EMPTIES.test(sql),
    scans: table.scanned,
    buildsIndexes: table.rewritten ? 0 : table.indexes,
    rows: size?.rows ?? null,
    bytes: size?.bytes ?? null,
  };
}

function estimateSeconds(sql: string, table: TouchedTable, size: TableSize | undefined): number {
  if (size === undefined) return 0;
  const { bytes, index_bytes: indexBytes } = size;
  if (table.rewritten) return EMPTIES.test(sql) ? 0 : bytes / READS + (bytes + indexBytes) / WRITES;
  const read = table.scanned || table.indexes > 0 ? bytes / READS : 0;
  // An index has some of the columns of each row.
  const built = table.indexes * bytes / 4 / WRITES;
  const changed = table.scanned && CHANGES_ROWS.test(sql) ? (bytes + indexBytes) / WRITES : 0;
  return read + built + changed;
}

function toMagnitude(seconds: number): Magnitude {
  if (seconds < 1) return "under a second";
  if (seconds < 10) return "seconds";
  if (seconds < 60) return "tens of seconds";
  if (seconds < 600) return "minutes";
  return seconds < 3600 ? "tens of minutes" : "hours";
}

function toPath({ schema, name }: { schema: string; name: string }): string {
  return [schema, name].map((part) =>
    /^[a-z_][a-z0-9_$]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`
  ).join(".");
}
