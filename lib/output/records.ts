/** What the commands about the history and the lock do and print. @module */

import { formatDuration } from "../duration.ts";
import { ConfigurationError } from "../errors.ts";
import type { BaselineResult } from "../operations/baseline.ts";
import type { RepairChange } from "../operations/repair.ts";
import type { UnlockResult } from "../operations/unlock.ts";
import { type Asking, type GlobalFlags, guardConcerns, type Report, type Run } from "./actions.ts";
import { confirmUnlock } from "./confirm.ts";
import { line } from "./neutral.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** What `baseline` does. */
export async function baseline(
  run: Run,
  flags: GlobalFlags & Asking,
  name: string,
): Promise<Report<JsonDocuments["baseline"]>> {
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
): Promise<Report<JsonDocuments["repair"]>> {
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

/** What `unlock` does. */
export async function unlock(
  { migrator, reporter }: Run,
  flags: GlobalFlags & Asking,
): Promise<Report<JsonDocuments["unlock"]>> {
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
