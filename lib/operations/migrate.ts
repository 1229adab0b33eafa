/** Applies what is pending. @module */

import type { LeftOut } from "../planning/discovery.ts";
import type { Migration, MigrationPlan } from "../planning/plan.ts";
import { type ApiReadiness, awaitApi } from "./api_ready.ts";
import { applyAll, type ApplyResult, type RefreshedRecord, type TransactionMode } from "./apply.ts";
import { type Concern, createTeller } from "./concerns.ts";
import { type CancelBlockers, withCancelBlockers } from "./cancel_blockers.ts";
import { type OperationContext, withLock } from "./context.ts";
import { adviseOnFailure } from "./plan_notes.ts";
import type { PlanFile } from "./plan_file.ts";
import type { PlannedMigration } from "./prepare.ts";
import {
  findLast,
  makeReadyPlan,
  type PlanningOptions,
  type ReadyPlan,
  toStateOptions,
} from "./ready_plan.ts";
import { loadAllFit } from "./refusals.ts";
import { planCopies, type SafetyCopyOptions } from "./safety_copies.ts";

/** Options of `migrate`. */
export interface MigrateOptions extends PlanningOptions, SafetyCopyOptions {
  /**
   * Runs this plan, which `plan` has made, and nothing else: refuses where files, project, history or
   * tool have come to differ. What the other options say has to be what the plan says; what it was
   * made with counts, and what was accepted in it is not asked about again.
   */
  readonly plan?: PlanFile;
  /** Plan only: takes no lock and changes nothing. */
  readonly dryRun?: boolean;
  /**
   * What is committed together: `each` migration (default), a `batch` in one call with a
   * savepoint for each migration, or `all` of the run or nothing of it. In a database without tables,
   * where nobody can be kept waiting, `each` commits together what takes up to a second together.
   */
  readonly transaction?: TransactionMode;
  /** How long to wait for another run's lock, in milliseconds. 0 by default. */
  readonly waitMs?: number;
  /** Ends sessions of these roles that keep a step waiting for longer. Nobody's by default. */
  readonly cancelBlockers?: CancelBlockers;
  /** Asked before `redo` undoes the versions of these migrations. Without it nothing is asked. */
  readonly confirmUndo?: (planned: readonly PlannedMigration[]) => Promise<boolean>;
  /**
   * Done once before anything is changed, where there is something to do: a backup, or what else has
   * to come first. What it throws ends the run.
   */
  readonly before?: (planned: readonly PlannedMigration[]) => Promise<void>;
  /** What is noted beside each migration in the audit log, such as where a backup is. */
  readonly note?: () => string | undefined;
  /**
   * Asked before migrations are sent that hold what can only be a key, that change what Supabase
   * keeps to itself, or that another tool has applied already. Without it nothing is asked; `warnings`
   * name these, and everything else that is doubtful.
   */
  readonly confirmConcerns?: (concerns: readonly Concern[]) => Promise<boolean>;
}

/** What a run of `migrate` came to. */
export interface MigrateResult extends ApplyResult, ApiReadiness {
  /** What was planned, in order. */
  readonly planned: readonly PlannedMigration[];
  /** Migrations of which only the stored rollback SQL was brought up to date. */
  readonly rollbacksRefreshed: readonly string[];
  /**
   * Applied migrations of which comments or white space alone were changed: nothing was run, their
   * checksums were brought up to date.
   */
  readonly checksumsRefreshed: readonly string[];
  /** What is in the folder and is no migration. */
  readonly leftOut: readonly LeftOut[];
  /** What to do about a failure, where that is not to mend the file; or null. */
  readonly advice: string | null;
  /** Doubts about the files, a sentence each; they were notices before anything was sent. */
  readonly warnings: readonly string[];
  /** The plan was made and nothing else. */
  readonly dryRun: boolean;
  /** Nothing was applied before this run, as far as the history knows. */
  readonly isFirstRun: boolean;
}

/** Where all was said yes to before. */
const NO_QUESTIONS: Pick<MigrateOptions, "confirmUndo" | "confirmConcerns"> = {};

/**
 * Applies what is pending, in order, and stops at the first failure.
 *
 * @param operation What the operation works with.
 * @param options What to apply, and how.
 * @returns How it ended; a failed migration is a result, not an error.
 * @throws {SupamigrateError} The run could not begin, or could not go on.
 */
export async function migrate(
  operation: OperationContext,
  options: MigrateOptions = {},
): Promise<MigrateResult> {
  const context = withCancelBlockers(operation, options.cancelBlockers);
  const given = options.plan === undefined
    ? null
    : await (await import("./given_plan.ts")).openPlan(options.plan);
  const { confirmUndo, confirmConcerns } = given?.accepted ? NO_QUESTIONS : options;
  const files = await loadAllFit(context);
  const { leftOut } = files;
  const to = findLast(options.to, files);
  const asked = { ...options, ...(to === undefined ? {} : { to }) };
  const settings = given?.takeOver(asked) ?? asked;
  const tell = createTeller(context);

  return await withLock<ReadyPlan, MigrateResult>(context, {
    ...(options.waitMs === undefined ? {} : { waitMs: options.waitMs }),
    wanted: toStateOptions(settings, files),
    plan: async (state) => {
      given?.refuseMoved(context, files, state);
      const ready = await makeReadyPlan(context, files, state, settings);
      given?.refuseOther(context, files, state, { ...settings, ready });
      tell(ready.warnings);
      const copies = await planCopies(context, ready.planned, options);
      tell(copies.warnings);
      return {
        ...ready,
        planned: copies.planned,
        warnings: [...ready.warnings, ...copies.warnings],
      };
    },
    dryRun: options.dryRun,
    unlessNeeded: ({ plan, planned, warnings }) =>
      options.dryRun || (planned.length === 0 && toRefresh(plan).length === 0)
        ? {
          success: true,
          batchNumber: null,
          migrationsRun: 0,
          migrationsFailed: 0,
          results: [],
          apiReady: null,
          planned,
          rollbacksRefreshed: [],
          checksumsRefreshed: [],
          leftOut,
          advice: null,
          warnings,
          dryRun: options.dryRun ?? false,
          isFirstRun: plan.lastBatch === 0,
          interrupted: false,
        }
        : undefined,
    confirm: (confirmUndo ?? confirmConcerns) && (async ({ planned, concerns }) => {
      const undone = planned.filter(({ undo }) => undo !== null);
      if (undone.length > 0 && confirmUndo && !await confirmUndo(undone)) return false;
      return concerns.length === 0 || !confirmConcerns || await confirmConcerns(concerns);
    }),
    before: options.before && (({ planned }) => options.before!(planned)),
    run: async (session, { plan, planned, ledger, warnings, isQuiet }) => {
      session.note(options.note?.());
      const refresh = toRefresh(plan);
      if (planned.length === 0) await session.perform("refresh", { refresh });
      const result = await applyAll(
        context,
        session,
        { ...plan, planned, refresh, ledger, isQuiet },
        settings.transaction,
      );
      const { apiReady } = await awaitApi(context, session);
      const refreshed = planned.length === 0 || result.results.length > 0;
      const names = (migrations: readonly Migration[]) =>
        refreshed ? migrations.map(({ name }) => name) : [];
      return {
        ...result,
        apiReady,
        planned,
        warnings,
        rollbacksRefreshed: names(plan.changedRollbacks),
        checksumsRefreshed: names(plan.reworded),
        leftOut,
        advice: adviseOnFailure(result.results, files, plan, settings.onChange === "redo"),
        dryRun: false,
        isFirstRun: plan.lastBatch === 0,
      };
    },
  });
}

function toRefresh({ changedRollbacks, reworded }: MigrationPlan): RefreshedRecord[] {
  return [
    ...changedRollbacks.map(({ name, rollback }) => ({
      name,
      rollback_sql: rollback?.sql ?? null,
    })),
    ...reworded.map(({ name, rollback, checksum, statementsChecksum }) => ({
      name,
      rollback_sql: rollback?.sql ?? null,
      checksum,
      statements_checksum: statementsChecksum,
    })),
  ];
}
