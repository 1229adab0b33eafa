/** What `migrate` does and prints. @module */

import { adviseOnMissing } from "../embedded/platform/missing.ts";
import { ConfigurationError } from "../errors.ts";
import type { MigrateOptions, MigrateResult } from "../operations/migrate.ts";
import type { PlannedMigration } from "../operations/prepare.ts";
import { shorten } from "../shorten.ts";
import type { SafetyCopyMode } from "../safety_copy_modes.ts";
import type { MigrationFailure, StepCount } from "../planning/plan.ts";
import { describeDone } from "../planning/step_count.ts";
import {
  annotateFailures,
  type Asking,
  type CancelFlags,
  type Flag,
  type GlobalFlags,
  guardConcerns,
  guardCopies,
  readCancelFlags,
  type Report,
  type Run,
  toResultCode,
  waiting,
} from "./actions.ts";
import { type Around, around, type AroundFlags } from "./around.ts";
import { confirmUndo } from "./confirm.ts";
import { EXIT_CODES } from "./errors.ts";
import { formatKept } from "./kept.ts";
import { leaveOutStatements } from "./documents.ts";
import { line } from "./neutral.ts";
import {
  formatFailure,
  formatLeftOut,
  formatMessages,
  formatMs,
  formatNotices,
  formatOutcomes,
  formatStatements,
  formatSteps,
  formatTarget,
  LISTED,
  type ShownSteps,
} from "./text.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `migrate`. */
export interface MigrateFlags extends GlobalFlags, Asking, AroundFlags, CancelFlags {
  to?: string;
  plan?: string;
  dryRun?: Flag;
  locks?: Flag;
  transaction?: NonNullable<MigrateOptions["transaction"]>;
  onChange?: NonNullable<MigrateOptions["onChange"]>;
  outOfOrder?: NonNullable<MigrateOptions["outOfOrder"]>;
  onDrift?: NonNullable<MigrateOptions["onDrift"]>;
  drift?: Flag;
  strict?: Flag;
  safetyCopy?: SafetyCopyMode;
  check?: string;
  rollbackOnFailedCheck?: Flag;
}

/** What `migrate` does, with what is to happen around it. */
export async function migrate(
  run: Run,
  flags: MigrateFlags,
): Promise<Report<JsonDocuments["migrate"]>> {
  return await around(run, flags, "migrate", (given) => migrateOnly(run, flags, given));
}

async function migrateOnly(
  run: Run,
  flags: MigrateFlags,
  given: Around,
): Promise<Report<JsonDocuments["migrate"]>> {
  const { migrator, reporter, projects } = run;
  const wait = waiting(flags);
  const { to, transaction, onChange, outOfOrder, onDrift } = flags;
  const check = flags.check ?? run.around.check;
  if (flags.rollbackOnFailedCheck && check === undefined) {
    throw new ConfigurationError("--rollback-on-failed-check needs a check", {
      hint: "Say --check URL, or --check with a query.",
    });
  }
  const plan = flags.plan === undefined
    ? undefined
    : await (await import("../operations/plan.ts")).readPlanFile(flags.plan);
  if (flags.locks && !flags.dryRun) {
    throw new ConfigurationError("Locks are measured for a dry run alone", {
      hint: "Ask for both: supamigrate migrate --dry-run --locks.",
    });
  }
  reporter.say(formatTarget(migrator.target, run.namedBy));
  if (!flags.yes && !flags.dryRun) await projects.confirm();
  const ending = await readCancelFlags(reporter, flags);
  reporter.say("🚀 Starting database migration...\n");
  const result = await migrator.migrate({
    ...wait,
    ...ending,
    ...(plan === undefined ? {} : { plan }),
    ...(to === undefined ? {} : { to }),
    dryRun: !!flags.dryRun,
    ...(transaction === undefined ? {} : { transaction }),
    ...(onChange === undefined ? {} : { onChange }),
    ...(outOfOrder === undefined ? {} : { outOfOrder }),
    ...(onDrift === undefined ? {} : { onDrift }),
    lint: flags.strict ? "refuse" : "tell",
    ...(flags.yes ? {} : {
      confirmUndo: (planned) => confirmUndo(migrator.target, reporter, planned),
    }),
    ...guardConcerns(run, flags),
    ...guardCopies(run, flags),
    ...given,
  });
  if (result.success && !result.dryRun) await projects.remember();
  annotateFailures(reporter, result.results);
  const health = check !== undefined && result.success && result.migrationsRun > 0
    ? await (await import("./health.ts")).examine(run, check, result, !!flags.rollbackOnFailedCheck)
    : undefined;
  const locks = flags.locks ? await migrator.measureLocks(result.planned, transaction) : undefined;
  const compared = flags.drift && result.success && !result.dryRun
    ? await (await import("./drift.ts")).drift(run, flags)
    : undefined;
  return {
    result: {
      target: { ...migrator.target, namedBy: run.namedBy },
      ...leaveOutStatements(result, flags),
      ...(locks === undefined ? {} : { locks }),
      ...(health === undefined ? {} : { check: health.result }),
      ...(compared === undefined ? {} : { drift: compared.result }),
    },
    text: [
      result.dryRun
        ? formatPlannedMigrations(result.planned, !!flags.verbose)
        : formatMigrate(result, reporter.isBrief),
      ...(locks === undefined
        ? []
        : (await import("./locks.ts")).formatLocks(locks, !!flags.verbose)),
      ...formatLeftOut(result.leftOut, !!flags.verbose),
      ...(compared === undefined ? [] : [compared.text]),
      ...health?.text ?? [],
    ].join("\n"),
    code: health !== undefined && !health.result.passed
      ? EXIT_CODES.failed
      : compared?.code || toResultCode(result),
  };
}

/** What `migrate` came to. */
export function formatMigrate(result: MigrateResult, isBrief = false): string {
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
      ...formatOutcomes(result.results, (item) => {
        const { name, success, undone, error } = item;
        const ending = success
          ? line`  ✅ ${name}`
          : undone
          ? line`  ↩️  ${name} - undone with the run`
          : line`  ❌ ${name} - ${shorten(error?.message ?? "", LISTED)}`;
        return [ending, ...formatKept(item.kept), ...formatMessages(item)];
      }, isBrief),
      "",
    );
    for (const { name, error, steps } of result.results) {
      if (error === null) continue;
      lines.push(...formatFailure(name, error), ...advise(error, steps, result));
    }
  } else if (result.results.length > 0) {
    lines.push(
      "📋 Migration Details:",
      ...formatOutcomes(result.results, (item) => [
        line`  ✅ ${item.name} - ${item.reason} (${formatMs(item.executionTimeMs)})`,
        ...formatKept(item.kept),
        ...formatMessages(item),
      ], isBrief),
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

function adviseOnLocks({ blockedBy = [], attempts = 1 }: MigrationFailure): string {
  const tried = attempts === 1 ? "" : ` in ${attempts} attempts`;
  return blockedBy.length === 0
    ? `It could not get its locks${tried}: run it again when others have ended their transactions, ` +
      "or give it more time with --lock-timeout and --lock-retries"
    : `It could not get its locks${tried}: have the sessions above end their transactions, then run ` +
      "it again; --lock-timeout and --lock-retries give it more time";
}

function advise(
  error: MigrationFailure,
  steps: StepCount,
  { advice, isFirstRun }: Pick<MigrateResult, "advice" | "isFirstRun">,
): string[] {
  const tip = advice ??
    (error.code === "55P04"
      ? "A new enum value can be used in the next transaction only: take BEGIN and COMMIT out, or put " +
        '"-- supamigrate: commit" between the two'
      : error.code === "55P03"
      ? adviseOnLocks(error)
      : error.code === "57014"
      ? "It was cancelled, by supamigrate cancel, by somebody else or by a statement_timeout: run it again"
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
    steps.batch !== undefined
      ? `${describeDone(steps)} are done and stay so: the next run goes on behind them.`
      : steps.done === 0
      ? "Nothing of this migration is left in the database."
      : `${steps.done} of its ${steps.total} steps ${
        steps.done === 1 ? "is done and stays so" : "are done and stay so"
      }: the next run goes on behind ${steps.done === 1 ? "it" : "them"}.`,
    line`💡 ${
      tip ??
        (steps.batch === undefined
          ? 'Mend the file and run "supamigrate migrate" again'
          : 'See to what is in its way, leave the statement as it is, and run "supamigrate migrate" again')
    }`,
  ];
}

/** A migration as far as it is shown before it is run. */
type ShownMigration =
  & Pick<PlannedMigration, "name" | "reason" | "undo" | "notices">
  & ShownSteps;

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
