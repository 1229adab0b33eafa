/** What `status` does and prints. @module */

import { formatDuration } from "../duration.ts";
import { ConfigurationError } from "../errors.ts";
import { describeDone } from "../planning/step_count.ts";
import type { AppliedMigration, StatusResult } from "../operations/status.ts";
import { formatBlockers, formatDetails } from "./activity.ts";
import type { Flag, GlobalFlags, Report, Run } from "./actions.ts";
import { type Column, formatTable, type Screen } from "./columns.ts";
import { EXIT_CODES, formatRefusal } from "./errors.ts";
import { formatLedgerDifference } from "./ledger.ts";
import { line } from "./neutral.ts";
import { formatLeftOut, formatMs, formatTarget, formatTime } from "./text.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `status`. */
export interface StatusFlags extends GlobalFlags {
  check?: Flag;
  all?: Flag;
  diagram?: string;
}

/** What `status` does. */
export async function status(
  run: Run,
  flags: StatusFlags,
): Promise<Report<JsonDocuments["status"]>> {
  const { migrator, reporter, namedBy } = run;
  if (flags.diagram !== undefined) {
    const other = flags.check ? "--check" : flags.all ? "--all" : undefined;
    if (other !== undefined) {
      throw new ConfigurationError(`--diagram and ${other} exclude each other`, {
        hint:
          "The one shows a table, the other says where the project stands: ask for one of them.",
      });
    }
    const { showTable } = await import("./report.ts");
    return await showTable(run, flags.diagram);
  }
  reporter.say(formatTarget(migrator.target, namedBy));
  const result = await migrator.status();
  for (const message of result.warnings) reporter.onProgress({ type: "notice", message });
  reporter.say(formatStatus(result, {
    verbose: !!flags.verbose,
    all: !!flags.all,
    screen: reporter.screen,
  }));
  // There may be thousands.
  const { applied, ...others } = result;
  // Said already: with --quiet and --check the exit code is all that is wanted.
  return {
    result: {
      target: { ...migrator.target, namedBy },
      ...others,
      ...(flags.all ? { applied } : {}),
    },
    text: "",
    code: flags.check && !result.upToDate ? EXIT_CODES.failed : 0,
  };
}

const COLUMNS: readonly Column[] = [
  { title: "Name", mayBeCut: true },
  { title: "Batch", isNumber: true },
  { title: "When", leaveOut: 2 },
  { title: "Duration", isNumber: true, leaveOut: 3 },
  { title: "Rollback", leaveOut: 1 },
];

function formatApplied(applied: readonly AppliedMigration[], screen: Screen): string[] {
  const rows = applied.map(({ name, batch, executedAt, executionTimeMs, hasRollback }) => [
    name,
    String(batch),
    formatTime(executedAt),
    formatMs(executionTimeMs),
    hasRollback ? "yes" : "no",
  ]);
  return formatTable(COLUMNS, rows, screen, "  ");
}

/** How much `status` says, and how wide it may be. */
export interface StatusExtent {
  readonly verbose: boolean;
  /** The migrations that are applied, too. */
  readonly all: boolean;
  readonly screen: Screen;
}

/** What `status` reports. */
export function formatStatus(status: StatusResult, extent: StatusExtent): string {
  const { verbose } = extent;
  const lines = [
    "📊 Migration Status",
    "",
    `📁 Total migration files: ${status.totalFiles}`,
    `✅ Executed migrations: ${status.executed}`,
    `⏳ Pending migrations: ${status.pending.length}`,
    `🎯 Last batch: ${status.lastBatch}`,
    `🎉 Up to date: ${status.upToDate ? "Yes" : "No"}`,
  ];
  const { lock, activity } = status;
  if (lock.isLocked) {
    lines.push(line`🔒 Locked by: ${lock.holder} for ${formatDuration(lock.ageMs ?? 0)}`);
    if (activity === null && (lock.expiresInMs ?? 0) < 0) {
      lines.push("⌛ Its lease has ended: the next run takes the lock");
    }
    if (activity !== null) {
      lines.push(
        line`⚙️  Running: ${activity.running} for ${formatDuration(activity.runningMs ?? 0)}`,
        ...formatDetails(activity),
      );
    }
  }
  if (extent.all && status.applied.length > 0) {
    lines.push("", "✅ Applied Migrations:", ...formatApplied(status.applied, extent.screen));
  }
  if (status.pending.length > 0) {
    lines.push("", "⏳ Pending Migrations:");
    for (const { name, reason, error, steps } of status.pending) {
      const done = steps === null ? "" : `, ${describeDone(steps)} done`;
      lines.push(line`  📄 ${name} (${reason}${done})`);
      if (error !== null) {
        lines.push(
          line`     last failed with: ${error.message} (${error.code})`,
          ...formatBlockers(error.blockedBy ?? []).map((text) => `     in its way: ${text}`),
        );
      }
    }
  }
  if (status.refusals.length > 0) {
    lines.push(
      "",
      "⛔ Cannot be sent as they are:",
      ...status.refusals.flatMap(formatRefusal).map((text) => `  ${text}`),
    );
  }
  const list = (title: string, names: readonly string[]) => {
    if (names.length > 0) lines.push("", title, ...names.map((name) => line`  📄 ${name}`));
  };
  list("👻 Applied, but the file is gone:", status.missing);
  list("♻️  Rollback section changed (the next migrate stores it):", status.changedRollbacks);
  for (const { from, to } of status.renamed) lines.push("", line`🏷️  Renamed: ${from} → ${to}`);
  list("✏️  Comments changed (the next migrate stores the checksum):", status.reworded);
  const ledger = formatLedgerDifference(status.ledger);
  if (ledger.length > 0) lines.push("", ...ledger);
  const leftOut = formatLeftOut(status.leftOut, verbose);
  if (leftOut.length > 0) lines.push("", ...leftOut);
  if (status.unvouched.length > 0) {
    lines.push("", "💡 Migrations are refused until the history is what the audit log says");
  } else if (status.refusals.length > 0) {
    lines.push("", '💡 Mend these files and run "supamigrate migrate"');
  } else if (status.otherHistories.length > 0) {
    lines.push("", '💡 Run "supamigrate adopt --dry-run" to see what is applied already');
  } else if (!status.upToDate) {
    lines.push("", '💡 Run "supamigrate migrate" to execute pending migrations');
  }
  return lines.join("\n");
}
