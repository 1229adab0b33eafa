/** What `rollback` does and prints. @module */

import type { PlannedRollback } from "../operations/prepare_rollback.ts";
import type { RollbackResult, RollbackRunResult } from "../operations/rollback.ts";
import { shorten } from "../shorten.ts";
import type { SafetyCopyMode } from "../safety_copy_modes.ts";
import {
  annotateFailures,
  type Asking,
  type CancelFlags,
  type Flag,
  type GlobalFlags,
  guardCopies,
  readCancelFlags,
  type Report,
  type Run,
  toResultCode,
  waiting,
} from "./actions.ts";
import { type Around, around, type AroundFlags } from "./around.ts";
import { confirmUndo } from "./confirm.ts";
import { leaveOutStatements } from "./documents.ts";
import { line } from "./neutral.ts";
import { formatKept, formatPutBack } from "./kept.ts";
import { formatFailure, formatMessages, formatOutcomes, formatSteps, LISTED } from "./text.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `rollback`. */
export interface RollbackFlags extends GlobalFlags, Asking, AroundFlags, CancelFlags {
  steps?: number;
  dryRun?: Flag;
  safetyCopy?: SafetyCopyMode;
}

/** What `rollback` does, with what is to happen around it. */
export async function rollback(
  run: Run,
  flags: RollbackFlags,
  target?: string,
): Promise<Report<JsonDocuments["rollback"]>> {
  return await around(run, flags, "rollback", (given) => rollbackOnly(run, flags, given, target));
}

async function rollbackOnly(
  run: Run,
  flags: RollbackFlags,
  given: Around,
  target?: string,
): Promise<Report<JsonDocuments["rollback"]>> {
  const { migrator, reporter, projects } = run;
  const wait = waiting(flags);
  const ending = await readCancelFlags(reporter, flags);
  reporter.say(`${formatRollbackStart(target, flags.steps)}\n`);
  const result = await migrator.rollback({
    ...wait,
    ...ending,
    ...(target === undefined ? {} : { target }),
    ...(flags.steps === undefined ? {} : { steps: flags.steps }),
    dryRun: !!flags.dryRun,
    ...(flags.yes ? {} : {
      confirm: (planned) => confirmUndo(migrator.target, reporter, planned),
    }),
    ...guardCopies(run, flags),
    ...given,
  });
  annotateFailures(reporter, result.results);
  // Where nothing was undone, nobody was asked about the project.
  if (result.success && result.migrationsRolledBack > 0) await projects.remember();
  return {
    result: leaveOutStatements(result, flags),
    text: result.dryRun
      ? formatPlannedRollbacks(result.planned, !!flags.verbose)
      : formatRollback(result, reporter.isBrief),
    code: toResultCode(result),
  };
}

/** What `rollback` says before it begins. */
export function formatRollbackStart(target: string | undefined, steps: number | undefined): string {
  if (target !== undefined) return line`🔄 Rolling back to: ${target}`;
  if (steps === undefined) return "🔄 Rolling back the last batch";
  return `🔄 Rolling back ${steps} migration${steps === 1 ? "" : "s"}`;
}

/** What `rollback` came to. */
export function formatRollback(result: RollbackRunResult, isBrief = false): string {
  if (result.planned.length === 0) return "✅ Nothing to roll back";
  const lines: string[] = [];
  if (result.success) {
    lines.push(
      "📋 Rollback Details:",
      ...formatOutcomes(result.results, (item) => [
        line`  ✅ ${item.name}${formatSource(item)}`,
        ...formatPutBack(item.putBack),
        ...formatKept(item.kept),
        ...formatMessages(item),
      ], isBrief),
      "",
      result.results.some(({ putBack }) => putBack.some(({ reason }) => reason !== null))
        ? "⚠️  Rollback completed, but not everything that was kept is back: see above"
        : "✅ Rollback completed successfully!",
      `📉 Migrations rolled back: ${result.migrationsRolledBack}`,
    );
  } else {
    lines.push(...formatUndone(result.results, result.planned.length, isBrief));
  }
  if (result.interrupted) {
    lines.push(
      `⏹️  Interrupted: ${result.migrationsRolledBack} of ${result.planned.length} migrations were rolled back`,
    );
  }
  return lines.join("\n");
}

/** What a rollback that did not come to its end has undone, and what failed. */
export function formatUndone(
  results: readonly RollbackResult[],
  planned: number,
  isBrief = false,
): string[] {
  const failed = results.find(({ error }) => error !== null);
  const undone = results.filter(({ success }) => success).length;
  const lines = failed === undefined ? [] : ["❌ Rollback failed!"];
  lines.push(
    `📉 Migrations rolled back: ${undone} of ${planned}`,
    "",
    "📋 Rollback Details:",
    ...formatOutcomes(results, (item) => [
      item.success
        ? line`  ✅ ${item.name}${formatSource(item)}`
        : line`  ❌ ${item.name}${formatSource(item)} - ${
          shorten(item.error?.message ?? "", LISTED)
        }`,
    ], isBrief),
    "",
  );
  if (failed !== undefined) {
    lines.push(
      ...formatFailure(failed.name, failed.error!),
      "",
      failed.steps.done === 0
        ? "This migration is still applied, and everything before it."
        : `${failed.steps.done} of the ${failed.steps.total} steps that undo it are done; everything ` +
          "before it is still applied.",
      "💡 Mend its ROLLBACK section and run the command again" +
        (failed.error!.code === NOT_NULL_VIOLATION
          ? ". Rows that were kept come back behind ADD COLUMN: set NOT NULL in a statement of its own"
          : ""),
    );
  }
  return lines;
}

/** What PostgreSQL says of a column that is added NOT NULL where there are rows. */
const NOT_NULL_VIOLATION = "23502";

function formatSource({ source, sourceReason }: { source: string; sourceReason: string }): string {
  return source === "file" ? "" : ` (stored rollback SQL: ${sourceReason})`;
}

/** What `rollback --dry-run` found. */
export function formatPlannedRollbacks(
  planned: readonly PlannedRollback[],
  verbose: boolean,
): string {
  if (planned.length === 0) return "✅ Nothing to roll back";
  const lines = ["📋 Would be rolled back, in this order:"];
  for (const step of planned) {
    lines.push(
      line`  📄 ${step.name}${formatSource(step)}`,
      ...formatSteps(step, verbose),
    );
  }
  lines.push("", "🔍 Dry run: nothing was changed");
  return lines.join("\n");
}
