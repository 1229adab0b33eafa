/** What `migrate --dry-run --locks` prints. @module */

import { formatCount } from "../count.ts";
import type { Blocks, LockPlan, StatementLocks, TableLock } from "../planning/locks.ts";
import { line } from "./neutral.ts";
import { shorten } from "../shorten.ts";

const MARKS: Readonly<Record<Blocks, string>> = {
  "reading and writing": "🔴",
  writing: "🟠",
  "changes of its schema": "🟡",
  nobody: "⚪",
};

/**
 * Shows the locks of a dry run.
 *
 * @param plan What was measured.
 * @param verbose Whether to show the statements that keep nobody waiting and read no whole table.
 */
export function formatLocks(
  { statements, estimate, notMeasured }: LockPlan,
  verbose: boolean,
): string[] {
  const matters = ({ locks }: StatementLocks) =>
    locks.some((lock) => isWork(lock) || (lock.blocks !== "nobody" && lock.since === null));
  const shown = verbose ? statements : statements.filter(matters);
  const others = statements.length - shown.length;
  const notes = notMeasured.map((note) => line`⚠️  ${note}`);
  if (shown.length === 0) {
    return ["", "🔓 Locks: nobody is kept waiting for a table that is there", ...notes];
  }
  return [
    "",
    "🔒 Locks on tables that are there, the worst first, as measured on a shadow:",
    ...shown.flatMap(formatStatement),
    ...(others === 0 ? [] : [
      `  … and ${others} more that ${
        others === 1 ? "keeps" : "keep"
      } nobody else waiting (--verbose)`,
    ]),
    "",
    `ℹ️  ${estimate}`,
    ...notes,
  ];
}

function formatStatement(
  { migration, line: number, sql, locks, blocks, takes, held }: StatementLocks,
): string[] {
  const text = shorten(sql.replace(/\s+/g, " "), 100);
  const first = line`  ${MARKS[blocks]} ${migration} line ${number}: ${text}`;
  const work = locks.some(isWork) ? `; it takes ${takes} itself` : "";
  const time = blocks === "nobody" ? `takes ${takes}` : `blocks ${blocks} for ${held}${work}`;
  return [first, ...locks.map(formatLock), `       ${time}`];
}

function isWork({ rewrites, scans, buildsIndexes }: TableLock): boolean {
  return rewrites || scans || buildsIndexes > 0;
}

function formatLock(
  { table, lock, since, rewrites, scans, buildsIndexes, rows, bytes }: TableLock,
): string {
  const work = [
    since === null ? lock : `${lock} since line ${since}`,
    ...(rewrites ? ["all rows are written anew"] : scans ? ["all rows are read"] : []),
    ...(buildsIndexes === 0
      ? []
      : [buildsIndexes === 1 ? "an index is built" : `${buildsIndexes} indexes are built`]),
  ];
  const size = bytes === null
    ? ""
    : ` (${rows === null ? "rows not counted yet" : `${formatCount(rows)} rows`}, ${
      formatBytes(bytes)
    })`;
  return line`       ${table}${size}: ${work.join(", ")}`;
}

function formatBytes(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Math.round(bytes / 1024 ** unit)} ${units[unit]}`;
}
