/** Undoes everything, then applies everything. @module */

import { ConfigurationError, SupamigrateError } from "../errors.ts";
import { STATEMENTS } from "../database/channel.ts";
import { callReading } from "../database/state.ts";
import { type CreatedObject, findCreatedObjects } from "../planning/outside_objects.ts";
import {
  type HistoryEntry,
  isApplied,
  type Migration,
  type MigrationPlan,
  planMigrations,
  planRollback,
} from "../planning/plan.ts";
import { type OperationContext, toSteps, withLock } from "./context.ts";
import { type ApiReadiness, awaitApi } from "./api_ready.ts";
import { applyAll } from "./apply.ts";
import { keepLedger, type Ledger, refuseUnwritable } from "./ledger.ts";
import { type PlannedMigration, prepare } from "./prepare.ts";
import type { MigrateResult } from "./migrate.ts";
import { findElsewhere } from "./elsewhere.ts";
import { type Concern, createTeller, reviewPlan } from "./concerns.ts";
import { findUndoneByFile, type PlannedRollback, prepareRollbacks } from "./prepare_rollback.ts";
import { revertAll, type RollbackResult } from "./rollback.ts";
import { withoutCopies } from "./safety_copies.ts";
import type { SeedPlan, SeedResult } from "./seed.ts";
import { adviseOnFailure } from "./plan_notes.ts";
import { refuseUnvouched } from "./vouched.ts";

/** Options of `fresh`. */
export interface FreshOptions {
  /**
   * Empties the application's schemas instead of running rollback SQL: for projects where some
   * is missing. Supabase's own schemas are left alone.
   */
  readonly dropSchema?: boolean;
  /** Runs the seeds after everything is applied. */
  readonly seed?: boolean;
  /** How long to wait for another run's lock, in milliseconds. 0 by default. */
  readonly waitMs?: number;
  /** Done once before anything is changed, as by `migrate`. */
  readonly before?: (planned: readonly PlannedMigration[]) => Promise<void>;
  /** What is noted beside each migration in the audit log, such as where a backup is. */
  readonly note?: () => string | undefined;
  /** Asked before anything is undone. Without it nothing is asked. */
  readonly confirm?: (planned: readonly PlannedRollback[]) => Promise<boolean>;
  /**
   * Asked, with `dropSchema`, before what the migrations made outside of the application's schemas
   * is removed as well: they could not be applied again beside it. Without it nothing is asked.
   */
  readonly confirmRemoval?: (objects: readonly OutsideObject[]) => Promise<boolean>;
  /** Asked before migrations are sent of which something is doubtful, as by `migrate`. */
  readonly confirmConcerns?: (concerns: readonly Concern[]) => Promise<boolean>;
}

/** Something that a migration made outside of the application's schemas, such as a role. */
export interface OutsideObject {
  /** What it is, such as `role reporting`. */
  readonly description: string;
  /** The migration that would fail on it. */
  readonly migration: string;
}

/** What `fresh` came to. */
export interface FreshResult extends ApiReadiness {
  /** Everything was undone, and everything was applied. */
  readonly success: boolean;
  /** How each undo ended, in order; empty with `dropSchema`. */
  readonly rolledBack: readonly RollbackResult[];
  /** What `dropSchema` dropped; empty without it. */
  readonly dropped: readonly string[];
  /** What `dropSchema` left alone in `public`, and which schemas, each with the reason. */
  readonly kept: readonly string[];
  /** How the migrations ended, or null where the undoing failed or was interrupted. */
  readonly migrated: MigrateResult | null;
  /** How the seeds ended, or null where none were asked for, or it did not come to them. */
  readonly seeded: SeedResult | null;
  /** The run was asked to stop, and did so before all was done. */
  readonly interrupted: boolean;
}

interface FreshPlan {
  readonly drop: DropPlan | null;
  readonly undo: readonly PlannedRollback[];
  readonly planned: readonly PlannedMigration[];
  readonly plan: MigrationPlan;
  readonly ledger: Ledger;
  readonly seeds: SeedPlan | null;
  readonly warnings: readonly string[];
  readonly concerns: readonly Concern[];
}

/** What a drop comes to, beside the application's schemas. */
interface DropPlan {
  /** What the migrations create by name. */
  readonly created: readonly CreatedObject[];
  /** What is removed of it. */
  readonly remove: readonly OutsideObject[];
  /** What stays, and why. */
  readonly kept: readonly string[];
}

/**
 * Rebuilds the database: rolls everything back and applies everything, under one lock.
 *
 * @param context What the operation works with.
 * @param options How to undo.
 * @returns How it ended.
 * @throws {ConfigurationError} A migration has no rollback SQL, or something that cannot be removed
 * would keep the migrations from being applied again; all such are named.
 * @throws {SupamigrateError} The run could not begin, or could not go on.
 */
export async function fresh(
  context: OperationContext,
  options: FreshOptions = {},
): Promise<FreshResult> {
  const files = await context.load();
  const { migrations, order } = files;
  const { confirm, confirmRemoval, confirmConcerns } = options;
  const tell = createTeller(context);
  const { prepareSeeds, runSeeds } = await import("./seed.ts");
  return await withLock<FreshPlan, FreshResult>(context, {
    ...(options.waitMs === undefined ? {} : { waitMs: options.waitMs }),
    wanted: { undoneByFile: findUndoneByFile(migrations) },
    plan: async (state) => {
      const { history } = state;
      // All data goes, as it was asked for: nothing of it is kept.
      const undo = options.dropSchema ? [] : (await prepareRollbacks(
        planRollback(history, { kind: "to", target: "0" }, order).entries,
        migrations,
        state,
        context,
      )
        .catch(suggestDropSchema)).map(withoutCopies);
      const plan = planMigrations(migrations, history.map(asRolledBack), { order });
      const planned = (await prepare(
        plan.pending,
        { ...state, history: [] },
        null,
        context,
      )).map(withoutCopies);
      // What is emptied is empty, whatever the history says.
      if (!options.dropSchema) refuseUnvouched(state, order);
      const doubts = reviewPlan(files, plan, [...undo, ...planned]);
      const ledger = keepLedger(context.ledger, state, files);
      refuseUnwritable(ledger, state.ledger);
      // What others have applied is not undone, and would be run over it.
      const undone = new Set(history.filter(isApplied).map(({ name }) => name));
      const others = options.dropSchema ? [] : plan.pending
        .filter(({ migration: { name } }) => !undone.has(name));
      const elsewhere = await findElsewhere(context, state, ledger, others, migrations);
      const gone = options.dropSchema && state.otherHistories.length > 0
        ? (await import("./other_histories.ts")).describeDropped(state.otherHistories)
        : [];
      const warnings = [...gone, ...elsewhere.warnings, ...doubts.warnings];
      const concerns = [...elsewhere.concerns, ...doubts.concerns];
      const drop = options.dropSchema ? await planDrop(context, migrations, history) : null;
      tell([
        ...warnings,
        ...(drop === null || drop.kept.length === 0
          ? []
          : [`What is not the application's is left alone: ${drop.kept.join("; ")}`]),
      ]);
      // All that could be wrong with the seeds is to be known before anything is undone.
      const seeds = options.seed ? await prepareSeeds(context, state) : null;
      return { drop, undo, plan, planned, ledger, seeds, warnings, concerns };
    },
    confirm: (confirm ?? confirmRemoval ?? confirmConcerns) && (async (plan) => {
      const { drop, undo, concerns } = plan;
      const remove = drop?.remove ?? [];
      if (remove.length > 0 && confirmRemoval && !await confirmRemoval(remove)) return false;
      if (confirm && !await confirm(undo)) return false;
      return concerns.length === 0 || !confirmConcerns || await confirmConcerns(concerns);
    }),
    before: options.before && (({ planned }) => options.before!(planned)),
    run: async (session, { drop, undo, plan, planned, ledger, seeds, warnings }) => {
      session.note(options.note?.());
      context.onProgress({ type: "phase", phase: drop === null ? "rollback" : "drop" });
      let rolledBack: readonly RollbackResult[] = [];
      let dropped: readonly string[] = [];
      let interrupted = false;
      if (drop === null) {
        ({ results: rolledBack, interrupted } = await revertAll(
          context,
          session,
          undo,
          migrations,
          ledger,
          { keeps_nothing: true },
        ));
      } else {
        dropped = (await session.perform("drop", {
          created: drop.created,
          remove: drop.remove.map(({ description }) => description),
          // Of what has a file nothing is left, whoever applied it.
          ...ledger.remove(...ledger.names?.versions.keys() ?? []),
        })).dropped;
      }
      const kept = drop?.kept ?? [];
      if (interrupted || rolledBack.some(({ success }) => !success)) {
        return {
          success: false,
          rolledBack,
          dropped,
          kept,
          migrated: null,
          seeded: null,
          interrupted,
          ...await awaitApi(context, session),
        };
      }

      context.onProgress({ type: "phase", phase: "migrate" });
      try {
        const applied = await applyAll(context, session, {
          pending: plan.pending,
          planned,
          lastBatch: 0,
          refresh: [],
          ledger,
          isQuiet: true, // whoever has read tables here does no more
        });
        const seeded = seeds !== null && applied.success
          ? await runSeeds(context, session, { ...seeds, due: seeds.all, changed: [] })
          : null;
        const { apiReady } = await awaitApi(context, session);
        return {
          success: applied.success && (seeded?.success ?? true),
          rolledBack,
          dropped,
          kept,
          migrated: {
            ...applied,
            apiReady,
            planned,
            rollbacksRefreshed: [],
            checksumsRefreshed: [],
            leftOut: files.leftOut,
            advice: adviseOnFailure(applied.results, files, plan, false),
            warnings,
            dryRun: false,
            isFirstRun: false,
          },
          seeded,
          apiReady,
          interrupted: applied.interrupted || (seeded?.interrupted ?? false),
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

interface DropSurvey {
  readonly kept: readonly { readonly description: string; readonly reason: string }[];
  readonly lost: readonly { readonly description: string; readonly reason: string }[];
  readonly outside: readonly {
    readonly number: number;
    readonly description: string;
    readonly obstacle: string | null;
  }[];
}

/** Finds out before anything is dropped whether the migrations can be applied again afterwards. */
async function planDrop(
  context: OperationContext,
  migrations: readonly Migration[],
  history: readonly HistoryEntry[],
): Promise<DropPlan> {
  const applied = new Set(history.filter(isApplied).map(({ name }) => name));
  const created = await findCreatedObjects(migrations, applied);
  const survey = await callReading(
    await context.connect(),
    STATEMENTS.surveyDrop,
    { created },
  ) as DropSurvey;
  if (survey.lost.length > 0) {
    throw new ConfigurationError(
      `Nothing was dropped: with its schema would go ${
        survey.lost.map(({ description, reason }) => `${description} (${reason})`).join("; ")
      }`,
      {
        hint: "Move the function to the schema public, or drop the event trigger in the SQL " +
          "editor, then run this again.",
      },
    );
  }
  const found = survey.outside.map(({ number, description, obstacle }) => ({
    description,
    obstacle,
    migration: created[number - 1]!.migration,
  }));
  const obstacles = found.filter(({ obstacle }) => obstacle !== null);
  if (obstacles.length > 0) {
    throw new ConfigurationError(
      `Nothing was dropped: the migrations could not be applied again beside ${
        obstacles.map(({ description, obstacle, migration }) =>
          `${description}, which ${migration} creates (it cannot be removed: ${obstacle})`
        ).join("; ")
      }`,
      {
        hint: "Remove it yourself, or write the migration so that it can be applied where it is " +
          "there already (IF NOT EXISTS, ON CONFLICT DO NOTHING), then run this again.",
      },
    );
  }
  return {
    created,
    remove: found.map(({ description, migration }) => ({ description, migration })),
    kept: survey.kept.map(({ description, reason }) => `${description} (${reason})`),
  };
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
