/** Undoes everything, then applies everything. @module */

import { ConfigurationError, SupamigrateError } from "../errors.ts";
import { type HistoryEntry, planMigrations, planRollback } from "../planning/plan.ts";
import { type OperationContext, toSteps, withLock } from "./context.ts";
import { applyAll, type PlannedMigration, prepare } from "./apply.ts";
import type { MigrateResult } from "./migrate.ts";
import { type Concern, createTeller, reviewPlan } from "./concerns.ts";
import {
  findUndoneByFile,
  type PlannedRollback,
  prepareRollbacks,
  revertAll,
  type RollbackResult,
} from "./rollback.ts";
import { refuseUnvouched } from "./vouched.ts";

/** Options of `fresh`. */
export interface FreshOptions {
  /**
   * Empties the application's schemas instead of running rollback SQL: for projects where some
   * is missing. Supabase's own schemas are left alone.
   */
  readonly dropSchema?: boolean;
  /** How long to wait for another run's lock, in milliseconds. 0 by default. */
  readonly waitMs?: number;
  /** Asked before anything is undone. Without it nothing is asked. */
  readonly confirm?: (planned: readonly PlannedRollback[]) => Promise<boolean>;
  /** Asked before migrations are sent of which something is doubtful, as by `migrate`. */
  readonly confirmConcerns?: (concerns: readonly Concern[]) => Promise<boolean>;
}

/** What `fresh` came to. */
export interface FreshResult {
  /** Everything was undone, and everything was applied. */
  readonly success: boolean;
  /** How each undo ended, in order; empty with `dropSchema`. */
  readonly rolledBack: readonly RollbackResult[];
  /** What `dropSchema` dropped; empty without it. */
  readonly dropped: readonly string[];
  /** How the migrations ended, or null where the undoing failed or was interrupted. */
  readonly migrated: MigrateResult | null;
  /** The run was asked to stop, and did so before all was done. */
  readonly interrupted: boolean;
}

interface FreshPlan {
  readonly undo: readonly PlannedRollback[];
  readonly planned: readonly PlannedMigration[];
  readonly pending: ReturnType<typeof planMigrations>["pending"];
  readonly warnings: readonly string[];
  readonly concerns: readonly Concern[];
}

/**
 * Rebuilds the database: rolls everything back and applies everything, under one lock.
 *
 * @param context What the operation works with.
 * @param options How to undo.
 * @returns How it ended.
 * @throws {ConfigurationError} A migration has no rollback SQL; all such are named.
 * @throws {SupamigrateError} The run could not begin, or could not go on.
 */
export async function fresh(
  context: OperationContext,
  options: FreshOptions = {},
): Promise<FreshResult> {
  const { migrations, secrets } = await context.load();
  const { confirm, confirmConcerns } = options;
  const tell = createTeller(context);
  return await withLock<FreshPlan, FreshResult>(context, {
    ...(options.waitMs === undefined ? {} : { waitMs: options.waitMs }),
    undoneByFile: findUndoneByFile(migrations),
    plan: async (state) => {
      const { history } = state;
      const undo = options.dropSchema ? [] : await prepareRollbacks(
        planRollback(history, { kind: "to", target: "0" }).entries,
        migrations,
        state,
        context.can,
      )
        .catch(suggestDropSchema);
      const plan = planMigrations(migrations, history.map(asRolledBack));
      const planned = await prepare(plan.pending, null, context.can);
      // What is emptied is empty, whatever the history says.
      if (!options.dropSchema) refuseUnvouched(state);
      const { warnings, concerns } = reviewPlan(migrations, secrets, plan, [...undo, ...planned]);
      tell(warnings);
      return { undo, pending: plan.pending, planned, warnings, concerns };
    },
    confirm: (confirm ?? confirmConcerns) && (async ({ undo, concerns }) => {
      if (confirm && !await confirm(undo)) return false;
      return concerns.length === 0 || !confirmConcerns || await confirmConcerns(concerns);
    }),
    run: async (session, { undo, pending, planned, warnings }) => {
      context.onProgress({ type: "phase", phase: options.dropSchema ? "drop" : "rollback" });
      let rolledBack: readonly RollbackResult[] = [];
      let dropped: readonly string[] = [];
      let interrupted = false;
      if (options.dropSchema) {
        dropped = (await session.perform("drop")).dropped;
      } else {
        ({ results: rolledBack, interrupted } = await revertAll(context, session, undo));
      }
      if (interrupted || rolledBack.some(({ success }) => !success)) {
        return { success: false, rolledBack, dropped, migrated: null, interrupted };
      }

      context.onProgress({ type: "phase", phase: "migrate" });
      try {
        const applied = await applyAll(context, session, {
          pending,
          planned,
          lastBatch: 0,
          refresh: [],
        });
        return {
          success: applied.success,
          rolledBack,
          dropped,
          migrated: { ...applied, planned, rollbacksRefreshed: [], warnings, dryRun: false },
          interrupted: applied.interrupted,
        };
      } catch (error) {
        if (error instanceof SupamigrateError) {
          error.completed = [
            ...toSteps("rollback", rolledBack),
            ...dropped.map((name) => ({ action: "drop", name }) as const),
            ...error.completed,
          ];
        }
        throw error;
      }
    },
  });
}

function asRolledBack(entry: HistoryEntry): HistoryEntry {
  return { ...entry, status: "rolled_back", appliedChecksum: null };
}

function suggestDropSchema(error: unknown): never {
  if (error instanceof ConfigurationError && /no rollback SQL/.test(error.message)) {
    throw new ConfigurationError(error.message, {
      hint: "Add a ROLLBACK section to each of these files; or use fresh --drop-schema, which " +
        "empties the application's schemas instead.",
    });
  }
  throw error;
}
