/** What `migrate`, `status`, `rollback` and `fresh` print. Pure functions. @module */

import type { Target } from "../database/target.ts";
import { formatDuration } from "../duration.ts";
import { adviseOnMissing } from "../embedded/platform/missing.ts";
import { shorten } from "../shorten.ts";
import type { FreshResult } from "../operations/fresh.ts";
import type { PlannedMigration } from "../operations/prepare.ts";
import { type MigrationMessages, saysSkipped } from "../operations/messages.ts";
import type { MigrateResult } from "../operations/migrate.ts";
import type { PlannedRollback, RollbackResult, RollbackRunResult } from "../operations/rollback.ts";
import type { PlannedSteps } from "../operations/steps.ts";
import type { StatusResult } from "../operations/status.ts";
import type { LeftOut } from "../planning/discovery.ts";
import type { MigrationFailure } from "../planning/plan.ts";
import type { Statement } from "../planning/steps.ts";
import { formatPosition, formatRefusal } from "./errors.ts";
import { formatLedgerDifference } from "./ledger.ts";
import { indent, line } from "./neutral.ts";

/** How many statements of a migration a dry run shows, unless everything is asked for. */
const SHOWN_STATEMENTS = 20;

/** `1,234ms`. */
export function formatMs(ms: number): string {
  return `${ms.toLocaleString("en-US")}ms`;
}

/** Which project a command speaks to; nothing for the embedded database, which is told otherwise. */
export function formatTarget(target: Target, namedBy: string | null): string {
  if (namedBy === null || target.kind === "embedded") return "";
  return line`🌐 Project ${target.name} (${namedBy})\n`;
}

/** What PostgreSQL said of a failure, beyond the message, and where it was. */
export function formatFailure(name: string, error: MigrationFailure): string[] {
  const place = error.part === "end"
    ? "in the checks at its end, after all statements"
    : error.statement === undefined
    ? `when its connection ended${
      error.line === undefined ? "" : `, perhaps by line ${error.line}`
    }`
    : `in statement ${error.statement}${
      error.part === "undo" ? " of the stored rollback SQL" : ""
    }, line ${error.line}`;
  const { line: number, place: found } = error;
  const position = number === undefined || found === undefined
    ? []
    : formatPosition({ file: name, line: number, ...found }, found.occurrences);
  return [
    line`🔎 ${name}`,
    line`   SQLSTATE ${error.code} ${place}`,
    line`   ${error.message}`,
    ...position,
    ...(error.detail === undefined ? [] : [line`   Detail: ${error.detail}`]),
    ...(error.hint === undefined ? [] : [line`   Hint: ${error.hint}`]),
    ...(error.context === undefined ? [] : [line`   Where: ${error.context}`]),
  ];
}

/** What `migrate` came to. */
export function formatMigrate(result: MigrateResult): string {
  const lines: string[] = [];
  for (const name of result.rollbacksRefreshed) {
    lines.push(line`♻️  ${name}: the stored rollback SQL was brought up to date`);
  }
  for (const name of result.checksumsRefreshed) {
    lines.push(
      line`♻️  ${name}: comments or white space alone were changed, so nothing was run; its checksum was brought up to date`,
    );
  }
  if (lines.length > 0) lines.push("");

  if (result.migrationsFailed > 0) {
    lines.push(
      "❌ Migration failed!",
      `📈 Successful: ${result.migrationsRun}`,
      `📉 Failed: ${result.migrationsFailed}`,
      "",
      "📋 Migration Results:",
      ...result.results.flatMap((item) => {
        const { name, success, undone, error } = item;
        const ending = success
          ? line`  ✅ ${name}`
          : undone
          ? line`  ↩️  ${name} - undone with the run`
          : line`  ❌ ${name} - ${error?.message}`;
        return [ending, ...formatMessages(item)];
      }),
      "",
    );
    for (const { name, error, steps } of result.results) {
      if (error === null) continue;
      lines.push(...formatFailure(name, error), ...advise(error, steps, result));
    }
  } else if (result.results.length > 0) {
    lines.push(
      "📋 Migration Details:",
      ...result.results.flatMap((item) => [
        line`  ✅ ${item.name} - ${item.reason} (${formatMs(item.executionTimeMs)})`,
        ...formatMessages(item),
      ]),
      "",
    );
    if (result.success) {
      lines.push(
        "✅ Migration completed successfully!",
        `📊 Batch: ${result.batchNumber}`,
        `📈 Migrations run: ${result.migrationsRun}`,
      );
    }
  } else if (result.success) {
    lines.push("✅ Nothing to migrate: the database is up to date");
  }
  if (result.interrupted) {
    lines.push(
      `⏹️  Interrupted: ${result.migrationsRun} of ${result.planned.length} migrations were applied`,
      '💡 Run "supamigrate migrate" to apply the others',
    );
  }
  lines.push(...result.results.flatMap(formatNotices));
  return lines.join("\n");
}

/** duplicate_table, duplicate_object, duplicate_function, duplicate_schema, duplicate_column. */
const EXISTS_ALREADY: ReadonlySet<string> = new Set(["42P07", "42710", "42723", "42P06", "42701"]);

function advise(
  error: MigrationFailure,
  steps: { readonly done: number; readonly total: number },
  { advice, isFirstRun }: Pick<MigrateResult, "advice" | "isFirstRun">,
): string[] {
  const tip = advice ??
    (error.code === "55P04"
      ? "A new enum value can be used in the next transaction only: take BEGIN and COMMIT out, or put " +
        '"-- supamigrate: commit" between the two'
      : error.code === "55P03"
      ? "Another session holds a lock on the table: run it again when that has ended, or set a longer " +
        "lock_timeout in the migration"
      : error.code === "57014"
      ? "It was cancelled, by somebody or by a statement_timeout: run it again"
      : error.code === "40P01" || error.code === "40001"
      ? "It met with other sessions' work: run it again"
      : error.code === "2D000"
      ? "What it calls or runs cannot commit inside a transaction: leave COMMIT and ROLLBACK out of " +
        "the procedure or the block, or create the procedure in the file that calls it, which then " +
        "runs it outside a transaction"
      : EXISTS_ALREADY.has(error.code) && isFirstRun
      ? "If the database had this before its first migration here, record what it has: " +
        "supamigrate baseline NAME, with the last migration that is in it. Otherwise mend the file"
      : adviseOnMissing(error));
  return [
    "",
    steps.done === 0
      ? "Nothing of this migration is left in the database."
      : `${steps.done} of its ${steps.total} steps ${
        steps.done === 1 ? "is" : "are"
      } done and stay so: the next run goes on behind them.`,
    line`💡 ${tip ?? 'Mend the file and run "supamigrate migrate" again'}`,
  ];
}

function formatNotices(
  { name, notices }: { name: string; notices: readonly string[] },
): string[] {
  return notices.map((notice) => line`ℹ️  ${name}: ${notice}`);
}

/** A migration as far as it is shown before it is run. */
type ShownMigration =
  & Pick<PlannedMigration, "name" | "reason" | "undo" | "notices">
  & ShownSteps;

/** What is shown of steps. */
interface ShownSteps extends Pick<PlannedSteps, "stepsDone"> {
  readonly steps: readonly {
    readonly statements: readonly Statement[];
    readonly outside: unknown;
  }[];
}

/** What `migrate --dry-run` or `plan` found. */
export function formatPlannedMigrations(
  planned: readonly ShownMigration[],
  verbose: boolean,
  ending = "🔍 Dry run: nothing was changed",
): string {
  if (planned.length === 0) return "✅ Nothing to migrate: the database is up to date";
  const blocks = planned.map((migration) => [
    line`  📄 ${migration.name} (${migration.reason})`,
    migration.undo === null ? [] : [
      "     undo the applied version:",
      formatStatements(migration.undo, verbose),
      "     apply the new one:",
    ],
    formatSteps(migration, verbose),
    formatNotices(migration).map((notice) => `     ${notice}`),
  ]);
  return [
    "📋 Would be applied, in this order:",
    ...blocks.map((block) => block.flat(2).join("\n")),
    "",
    ending,
  ].join("\n");
}

/** The statements of a migration, by steps where it has several. */
function formatSteps({ steps, stepsDone }: ShownSteps, verbose: boolean): string[] {
  if (steps.length === 1 && steps[0]!.outside === null) {
    return formatStatements(steps[0]!.statements, verbose);
  }
  return steps.flatMap(({ statements, outside }, index) => [
    `     step ${index + 1} of ${steps.length}${outside === null ? "" : ", outside a transaction"}${
      index < stepsDone ? " (done already)" : ""
    }:`,
    ...formatStatements(statements, verbose),
  ]);
}

function formatStatements(statements: readonly Statement[], verbose: boolean): string[] {
  const shown = verbose ? statements : statements.slice(0, SHOWN_STATEMENTS);
  const lines = shown.map((statement) => {
    const text = verbose ? indent(statement.sql, 12) : firstLine(statement.sql);
    return `     ${String(statement.line).padStart(5)}  ${text}`;
  });
  const left = statements.length - shown.length;
  if (left > 0) lines.push(`            … and ${left} more (--verbose shows all)`);
  return lines;
}

function firstLine(sql: string): string {
  const first = sql.split("\n", 1)[0]!;
  return first === sql || first.length > 100 ? shorten(first, 100) : `${first} …`;
}

/** What `status` reports. */
export function formatStatus(status: StatusResult, verbose: boolean): string {
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
      );
    }
  }
  if (status.pending.length > 0) {
    lines.push("", "⏳ Pending Migrations:");
    for (const { name, reason, error, steps } of status.pending) {
      const done = steps === null ? "" : `, ${steps.done} of ${steps.total} steps done`;
      lines.push(line`  📄 ${name} (${reason}${done})`);
      if (error !== null) lines.push(line`     last failed with: ${error.message} (${error.code})`);
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

/** How many of what was left out one line names. */
const NAMED = 5;

/**
 * What is in the folder and is no migration: in one line what somebody could have meant for one,
 * or everything with the reason.
 */
export function formatLeftOut(leftOut: readonly LeftOut[], verbose: boolean): string[] {
  if (verbose) {
    if (leftOut.length === 0) return [];
    return ["🙈 Left out:", ...leftOut.map(({ name, reason }) => line`  📄 ${name} (${reason})`)];
  }
  const names = leftOut.filter(({ notable }) => notable).map(({ name }) => name);
  if (names.length === 0) return [];
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
  return [line`🙈 Left out: ${names.slice(0, NAMED).join(", ")}${more} (--verbose says why)`];
}

/** What `rollback` says before it begins. */
export function formatRollbackStart(target: string | undefined, steps: number | undefined): string {
  if (target !== undefined) return line`🔄 Rolling back to: ${target}`;
  if (steps === undefined) return "🔄 Rolling back the last batch";
  return `🔄 Rolling back ${steps} migration${steps === 1 ? "" : "s"}`;
}

/** What `rollback` came to. */
export function formatRollback(result: RollbackRunResult): string {
  if (result.planned.length === 0) return "✅ Nothing to roll back";
  const lines: string[] = [];
  if (result.success) {
    lines.push(
      "📋 Rollback Details:",
      ...result.results.flatMap((item) => [
        line`  ✅ ${item.name}${formatSource(item)}`,
        ...formatMessages(item),
      ]),
      "",
      "✅ Rollback completed successfully!",
      `📉 Migrations rolled back: ${result.migrationsRolledBack}`,
    );
  } else {
    lines.push(...formatUndone(result.results, result.planned.length));
  }
  if (result.interrupted) {
    lines.push(
      `⏹️  Interrupted: ${result.migrationsRolledBack} of ${result.planned.length} migrations were rolled back`,
    );
  }
  return lines.join("\n");
}

function formatUndone(results: readonly RollbackResult[], planned: number): string[] {
  const failed = results.find(({ error }) => error !== null);
  const undone = results.filter(({ success }) => success).length;
  const lines = failed === undefined ? [] : ["❌ Rollback failed!"];
  lines.push(
    `📉 Migrations rolled back: ${undone} of ${planned}`,
    "",
    "📋 Rollback Details:",
    ...results.map((item) =>
      item.success
        ? line`  ✅ ${item.name}${formatSource(item)}`
        : line`  ❌ ${item.name}${formatSource(item)} - ${item.error?.message}`
    ),
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
      "💡 Mend its ROLLBACK section and run the command again",
    );
  }
  return lines;
}

/** What the server said while a migration ran. */
function formatMessages({ messages, messagesLeftOut }: MigrationMessages): string[] {
  const shown = messages.filter((message) => !saysSkipped(message));
  const lines = shown.map(({ severity, message, line: number }) =>
    line`     ${severity === "WARNING" ? "⚠️ " : "💬"} ${severity}: ${message}` +
    (number === undefined ? "" : ` (line ${number})`)
  );
  // Where what was skipped has found room, all that was left out was skipped as well.
  const isAll = messagesLeftOut === 0 || shown.length < messages.length;
  return isAll ? lines : [...lines, `     … and ${messagesLeftOut} more`];
}

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

/** How `fresh` ended; what it does was said while it ran. */
export function formatFresh(result: FreshResult): string {
  const { migrated } = result;
  if (migrated === null) {
    return result.interrupted
      ? `⏹️  Interrupted: ${result.rolledBack.length} migrations were rolled back, nothing was applied`
      : formatUndone(result.rolledBack, result.rolledBack.length).join("\n");
  }
  if (!migrated.success) {
    return [formatMigrate(migrated), ...adviseAfterDrop(result.dropped, migrated)].join("\n");
  }
  return [
    "✅ Migration completed successfully!",
    `📊 Batch: ${migrated.batchNumber ?? 0}`,
    `📈 Migrations run: ${migrated.migrationsRun}`,
    ...migrated.results.flatMap((item) =>
      item.messages.length === 0 ? [] : [line`  ✅ ${item.name}`, ...formatMessages(item)]
    ),
    ...migrated.results.flatMap(formatNotices),
  ].join("\n");
}

/** What was dropped stays dropped, whatever became of the migrations. */
function adviseAfterDrop(dropped: readonly string[], migrated: MigrateResult): string[] {
  if (dropped.length === 0) return [];
  return [
    "",
    "The application's schemas were emptied before that. Since then " +
    `${migrated.migrationsRun} of ${migrated.planned.length} migrations were applied.`,
    "💡 Where it failed on something that was there before, such as what a DO block makes, drop " +
    'that in the SQL editor and run "supamigrate migrate", which applies the rest',
  ];
}
