/** Applies what is pending. @module */

import { ConfigurationError } from "../errors.ts";
import { findMigration } from "../planning/order.ts";
import type { LeftOut } from "../planning/discovery.ts";
import { type Migration, type MigrationPlan, planMigrations } from "../planning/plan.ts";
import { applyAll, type ApplyResult, type RefreshedRecord, type TransactionMode } from "./apply.ts";
import { type PlannedMigration, prepare } from "./prepare.ts";
import { type OperationContext, withLock } from "./context.ts";
import { describeLeftOut, keepLedger, type Ledger, refuseUnwritable } from "./ledger.ts";
import { adviseOnFailure, describeChanges, type OutOfOrder, reviewOrder } from "./plan_notes.ts";
import { loadAllFit } from "./refusals.ts";
import type { AppliedElsewhere } from "./other_histories.ts";
import { describeUndoneInPart } from "./steps.ts";
import { refuseUnvouched } from "./vouched.ts";
import { type Concern, createTeller, reviewPlan } from "./concerns.ts";

/** Options of `migrate`. */
export interface MigrateOptions {
  /** The last migration to apply: its name, or a unique beginning of it. All by default. */
  readonly to?: string;
  /** Plan only: takes no lock and changes nothing. */
  readonly dryRun?: boolean;
  /**
   * What is committed together: `each` migration (default), a `batch` in one call with a
   * savepoint for each migration, or `all` of the run or nothing of it.
   */
  readonly transaction?: TransactionMode;
  /** How long to wait for another run's lock, in milliseconds. 0 by default. */
  readonly waitMs?: number;
  /**
   * What to do with a migration that was applied and has another content now: run it again
   * (`rerun`, default), undo the old version and apply the new one in one transaction
   * (`redo`), or refuse (`error`).
   */
  readonly onChange?: "rerun" | "redo" | "error";
  /**
   * What to do with a migration that was never applied and comes before some that are: apply it
   * and say so (`warn`, default), say nothing (`apply`), or refuse (`refuse`).
   */
  readonly outOfOrder?: OutOfOrder;
  /** Asked before `redo` undoes the versions of these migrations. Without it nothing is asked. */
  readonly confirmUndo?: (planned: readonly PlannedMigration[]) => Promise<boolean>;
  /**
   * Asked before migrations are sent that hold what can only be a key, that change what Supabase
   * keeps to itself, or that another tool has applied already. Without it nothing is asked; `warnings` name these, and everything
   * else that is doubtful.
   */
  readonly confirmConcerns?: (concerns: readonly Concern[]) => Promise<boolean>;
}

/** What a run of `migrate` came to. */
export interface MigrateResult extends ApplyResult {
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

/** Where no other tool has been at work. */
const NOWHERE: AppliedElsewhere = { warnings: [], concerns: [] };

/** A plan that can be sent: every file is read, parsed and found fit by then. */
interface ReadyPlan {
  readonly plan: MigrationPlan;
  readonly planned: readonly PlannedMigration[];
  readonly ledger: Ledger;
  readonly warnings: readonly string[];
  /** What is to be asked about. */
  readonly concerns: readonly Concern[];
}

/**
 * Applies what is pending, in order, and stops at the first failure.
 *
 * @param context What the operation works with.
 * @param options What to apply, and how.
 * @returns How it ended; a failed migration is a result, not an error.
 * @throws {SupamigrateError} The run could not begin, or could not go on.
 */
export async function migrate(
  context: OperationContext,
  options: MigrateOptions = {},
): Promise<MigrateResult> {
  const { confirmUndo, confirmConcerns } = options;
  const redo = options.onChange === "redo";
  const files = await loadAllFit(context);
  const { migrations, order, leftOut } = files;
  const tell = createTeller(context);
  const names = migrations.map(({ name }) => name);
  const to = options.to === undefined ? undefined : findMigration(options.to, names);

  return await withLock<ReadyPlan, MigrateResult>(context, {
    ...(options.waitMs === undefined ? {} : { waitMs: options.waitMs }),
    ...(redo
      ? { undoneByFile: Object.fromEntries(migrations.map((m) => [m.name, m.checksum])) }
      : {}),
    plan: async (state) => {
      const plan = planMigrations(migrations, state.history, { order, to });
      refuseChanges(plan, options.onChange);
      const late = reviewOrder(plan, options.outOfOrder);
      const planned = await prepare(plan.pending, state, redo ? state : null, context);
      refuseUnvouched(state, order);
      const ledger = keepLedger(context.ledger, state, files);
      if (planned.length > 0) refuseUnwritable(ledger, state.ledger);
      const { warnings: doubts, concerns } = reviewPlan(files, plan, planned);
      const elsewhere = state.otherHistories.length === 0
        ? NOWHERE
        : await (await import("./other_histories.ts")).findAppliedElsewhere(
          state.otherHistories,
          plan.pending,
          migrations,
          await context.connect(),
        );
      const warnings = [
        ...elsewhere.warnings,
        ...late,
        ...describeChanges(plan, redo, state.history, order),
        ...describeUndoneInPart(state.history).map(({ says }) => says),
        ...doubts,
        ...describeLeftOut(ledger, planned.map(({ name }) => name)),
      ];
      tell(warnings);
      return {
        plan,
        planned,
        ledger,
        warnings,
        concerns: [...elsewhere.concerns, ...concerns],
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
    run: async (session, { plan, planned, ledger, warnings }) => {
      const refresh = toRefresh(plan);
      if (planned.length === 0) await session.perform("refresh", { refresh });
      const result = await applyAll(
        context,
        session,
        { ...plan, planned, refresh, ledger },
        options.transaction,
      );
      const refreshed = planned.length === 0 || result.results.length > 0;
      const names = (migrations: readonly Migration[]) =>
        refreshed ? migrations.map(({ name }) => name) : [];
      return {
        ...result,
        planned,
        warnings,
        rollbacksRefreshed: names(plan.changedRollbacks),
        checksumsRefreshed: names(plan.reworded),
        leftOut,
        advice: adviseOnFailure(result.results, files, plan, redo),
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

function refuseChanges(plan: MigrationPlan, onChange: MigrateOptions["onChange"]): void {
  if (onChange !== "error") return;
  const changed = plan.pending.filter(({ applied }) => applied !== null);
  if (changed.length === 0) return;
  throw new ConfigurationError(
    `Applied migrations were changed: ${changed.map(({ migration }) => migration.name).join(", ")}`,
    {
      hint: "Put the change into a new migration; or run with --on-change rerun or redo.",
    },
  );
}
