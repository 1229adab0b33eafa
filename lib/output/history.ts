/** What `history` does and prints. @module */

import type { LogEntry } from "../operations/history.ts";
import type { GlobalFlags, Report, Run } from "./actions.ts";
import { type Column, formatTable, type Screen } from "./columns.ts";
import { shorten } from "../shorten.ts";
import { line } from "./neutral.ts";
import { formatMs, formatTime, LISTED } from "./text.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** What `history` does. */
export async function history(
  { migrator, reporter }: Run,
  flags: GlobalFlags & { limit: number },
): Promise<Report<JsonDocuments["history"]>> {
  const result = await migrator.history({ limit: flags.limit });
  return { result, text: formatHistory(result, reporter.screen) };
}

const COLUMNS: readonly Column[] = [
  { title: "" },
  { title: "When" },
  { title: "What" },
  { title: "Name", mayBeCut: true },
  { title: "Batch", isNumber: true, leaveOut: 1 },
  { title: "Duration", isNumber: true, leaveOut: 3 },
  { title: "Rollback", leaveOut: 2 },
];

/** What an entry is about where it is stored with SQL that undoes it. */
const STORES_ROLLBACK: ReadonlySet<string> = new Set(["apply", "baseline", "adopt", "repair"]);

/** The audit log, in columns, below who did it. */
export function formatHistory(entries: readonly LogEntry[], screen: Screen): string {
  if (entries.length === 0) return "📜 Nothing has been done in this project yet";
  let before = "";
  const rows = entries.flatMap((entry) => {
    const by = line`by ${entry.actor ?? "?"}, supamigrate ${entry.toolVersion ?? "?"}`;
    const isNew = by !== before;
    before = by;
    return [
      ...(isNew ? [by] : []),
      toRow(entry),
      ...describe(entry).map((fact) => line`     ${fact}`),
    ];
  });
  return ["📜 Migration History, newest first", "", ...formatTable(COLUMNS, rows, screen)].join(
    "\n",
  );
}

function toRow(entry: LogEntry): string[] {
  const { result, loggedAt, action, migration, batch, executionTimeMs, rollbackChecksum } = entry;
  return [
    result === "ok" ? "✅" : "❌",
    formatTime(loggedAt),
    action,
    migration ?? "",
    batch === null ? "" : String(batch),
    executionTimeMs === null ? "" : formatMs(executionTimeMs),
    result === "ok" && STORES_ROLLBACK.has(action) ? rollbackChecksum === null ? "no" : "yes" : "",
  ];
}

/** What has no column. */
function describe({ result, details }: LogEntry): string[] {
  const facts = [
    ...(details?.step === undefined ? [] : [`step ${details.step} of ${details.steps}`]),
    ...(details?.adopted_from === undefined ? [] : [`adopted from ${details.adopted_from}`]),
    ...(result === "failed"
      ? [`${shorten(String(details?.message), LISTED)} (${details?.code})`]
      : []),
  ];
  return facts.length === 0 ? [] : [facts.join(", ")];
}
