/** What the commands about the history and the lock do and print. @module */

import { formatDuration } from "../duration.ts";
import { ConfigurationError } from "../errors.ts";
import type { BaselineResult } from "../operations/baseline.ts";
import type { LogEntry } from "../operations/history.ts";
import type { RepairChange } from "../operations/repair.ts";
import type { UnlockResult } from "../operations/unlock.ts";
import { type Asking, type GlobalFlags, guardConcerns, type Report, type Run } from "./actions.ts";
import { confirmUnlock } from "./confirm.ts";
import { line } from "./neutral.ts";
import { formatMs } from "./text.ts";

/** What `baseline` does. */
export async function baseline(
  run: Run,
  flags: GlobalFlags & Asking,
  name: string,
): Promise<Report> {
  const { migrator, projects } = run;
  if (!flags.yes) await projects.confirm();
  const result = await migrator.baseline(name, guardConcerns(run, flags));
  await projects.remember();
  return { result, text: formatBaseline(result) };
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

/** The flags of `repair`. */
export interface RepairFlags extends GlobalFlags, Asking {
  mark?: "applied" | "pending";
  renamed?: string;
}

/** What `repair` does. */
export async function repair(
  { migrator, reporter, projects }: Run,
  flags: RepairFlags,
  name?: string,
): Promise<Report> {
  if (name === undefined) {
    throw new ConfigurationError("No migration is named to be repaired", {
      hint: "Name one, with --mark or --renamed; or say --ledger, for the Supabase CLI's ledger.",
    });
  }
  if (!flags.yes) await projects.confirm();
  const result = await migrator.repair(name, {
    ...(flags.mark === undefined ? {} : { mark: flags.mark }),
    ...(flags.renamed === undefined ? {} : { renamed: flags.renamed }),
    confirm: (change) => {
      reporter.say(formatRepair(change));
      return Promise.resolve(true);
    },
  });
  await projects.remember();
  return {
    result,
    text: line`✅ ${result.name} is on record as ${result.renamedTo ?? flags.mark}`,
  };
}

/** What `repair` is about to change, or has changed. */
export function formatRepair({ name, before, after, renamedTo }: RepairChange): string {
  if (renamedTo !== undefined) return line`🔧 ${name} → ${renamedTo} (${after})`;
  return line`🔧 ${name}: ${before} → ${after}`;
}

/** What `history` does. */
export async function history(
  { migrator }: Run,
  flags: GlobalFlags & { limit: number },
): Promise<Report> {
  const result = await migrator.history({ limit: flags.limit });
  return { result, text: formatHistory(result) };
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

/** What `unlock` does. */
export async function unlock(
  { migrator, reporter }: Run,
  flags: GlobalFlags & Asking,
): Promise<Report> {
  const result = await migrator.unlock(
    flags.yes ? {} : { confirm: (lock) => confirmUnlock(reporter, lock) },
  );
  return { result, text: formatUnlock(result) };
}

/** What `unlock` did. */
export function formatUnlock({ released, lock }: UnlockResult): string {
  return released
    ? line`🔓 Lock released. ${lock.holder} had held it for ${formatDuration(lock.ageMs ?? 0)}`
    : "✅ The lock is free: there is nothing to release";
}
