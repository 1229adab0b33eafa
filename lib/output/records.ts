/** What the other commands print. Pure functions. @module */

import { formatDuration } from "../duration.ts";
import type { BaselineResult } from "../operations/baseline.ts";
import type { CreateResult } from "../operations/create.ts";
import type { InstallResult } from "../operations/install.ts";
import type { LogEntry, RepairChange, UnlockResult } from "../operations/records.ts";
import { line } from "./neutral.ts";
import { formatMs } from "./text.ts";

/** The file that `create` made. */
export function formatCreate({ name, path, rollbackPath }: CreateResult): string {
  return [
    "✅ Migration file created!",
    line`📄 File: ${name}`,
    line`📍 Path: ${path}`,
    ...(rollbackPath === null ? [] : [line`🔄 Rollback: ${rollbackPath}`]),
    "",
    "💡 Edit the file to add your migration SQL",
    ...(rollbackPath === null
      ? []
      : ["💡 What undoes it goes into the other one: the Supabase CLI would run it with the rest"]),
  ].join("\n");
}

/** What `baseline` recorded. */
export function formatBaseline({ upTo, recorded, batchNumber }: BaselineResult): string {
  if (recorded.length === 0) return line`✅ Everything up to ${upTo} is on record already`;
  return [
    "📋 Recorded as applied, without running:",
    ...recorded.map((name) => line`  📌 ${name}`),
    "",
    "✅ Baseline recorded!",
    `📊 Batch: ${batchNumber}`,
    `📈 Migrations recorded: ${recorded.length}`,
  ].join("\n");
}

/** What `repair` is about to change, or has changed. */
export function formatRepair({ name, before, after, renamedTo }: RepairChange): string {
  if (renamedTo !== undefined) return line`🔧 ${name} → ${renamedTo} (${after})`;
  return line`🔧 ${name}: ${before} → ${after}`;
}

/** What `unlock` did. */
export function formatUnlock({ released, lock }: UnlockResult): string {
  return released
    ? line`🔓 Lock released. ${lock.holder} had held it for ${formatDuration(lock.ageMs ?? 0)}`
    : "✅ The lock is free: there is nothing to release";
}

/** The audit log. */
export function formatHistory(entries: readonly LogEntry[]): string {
  if (entries.length === 0) return "📜 Nothing has been done in this project yet";
  const lines = ["📜 Migration History, newest first", ""];
  for (const entry of entries) {
    const facts = [
      entry.details?.step === undefined
        ? ""
        : `step ${entry.details.step} of ${entry.details.steps}`,
      entry.batch === null ? "" : `batch ${entry.batch}`,
      entry.details?.adopted_from === undefined ? "" : `adopted from ${entry.details.adopted_from}`,
      entry.executionTimeMs === null ? "" : formatMs(entry.executionTimeMs),
      entry.result === "failed" ? `${entry.details?.message} (${entry.details?.code})` : "",
    ].filter((fact) => fact !== "");
    lines.push(
      line`  ${entry.result === "ok" ? "✅" : "❌"} ${
        entry.loggedAt.slice(0, 19).replace("T", " ")
      }  ${[entry.action, entry.migration].filter(Boolean).join(" ")}${
        facts.length === 0 ? "" : ` - ${facts.join(", ")}`
      }`,
      line`     by ${entry.actor ?? "?"}, supamigrate ${entry.toolVersion ?? "?"}`,
    );
  }
  return lines.join("\n");
}

/** What `install` did. */
export function formatInstall(result: InstallResult): string {
  const { via, previousVersion, version, replaced, warnings } = result;
  return [
    ...replaced.map((signature) => line`🗑️  Dropped ${signature}`),
    describeInstalled(previousVersion, version, via),
    ...warnings.map((warning) => line`⚠️  ${warning}`),
    "",
    warnings.length > 0
      ? '💡 Run "supamigrate adopt --dry-run" to see what would be taken over'
      : '💡 Run "supamigrate migrate" to execute pending migrations',
  ].join("\n");
}

function describeInstalled(before: number | null, now: number, via: string): string {
  if (before === null) {
    return `✅ Installed over ${via}: exec_sql for service_role alone, tracking schema version ${now}`;
  }
  return before === now
    ? `✅ Renewed over ${via}: tracking schema version ${now}, history unchanged`
    : `✅ Upgraded over ${via}: tracking schema version ${before} → ${now}`;
}

/** What `uninstall` did. */
export function formatUninstall({ removed }: { readonly removed: boolean }): string {
  return removed
    ? "✅ Uninstalled: exec_sql, the history and the log are gone; your tables are not"
    : "✅ There is nothing to take out";
}
