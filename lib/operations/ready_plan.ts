/** Makes the plan of `migrate`: the one that is run, shown by `--dry-run`, or written down. @module */

import type { DatabaseState, StateOptions } from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import type { Finding } from "../lint/finding.ts";
import { findMigration } from "../planning/order.ts";
import { type MigrationPlan, planMigrations } from "../planning/plan.ts";
import { type Concern, reviewPlan } from "./concerns.ts";
import type { OperationContext } from "./context.ts";
import { findElsewhere } from "./elsewhere.ts";
import {
  describeLeftOut,
  describeRollbackSections,
  keepLedger,
  type Ledger,
  refuseUnwritable,
} from "./ledger.ts";
import {
  describeChanges,
  type OnDrift,
  type OutOfOrder,
  reviewOrder,
  reviewSchema,
} from "./plan_notes.ts";
import { type PlannedMigration, prepare } from "./prepare.ts";
import type { LoadedMigrations } from "./source.ts";
import { describeUndoneInPart } from "./steps.ts";
import { refuseUnvouched } from "./vouched.ts";

/** What a plan depends on beside the files and the database. */
export interface PlanningOptions {
  /** The last migration to apply: its name, or a unique beginning of it. All by default. */
  readonly to?: string;
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
  /**
   * What to do where the schema was changed since the last run, by others than this tool: say so
   * (`warn`, default), refuse to run anything (`error`), or not look (`ignore`).
   */
  readonly onDrift?: OnDrift;
  /**
   * Whether pending migrations are looked at by the rules of `validate`: not at all (default), to tell
   * errors and how many warnings there are (`tell`), or to refuse both before anything is sent
   * (`refuse`).
   */
  readonly lint?: "tell" | "refuse";
}

/** A plan that can be sent: every file is read, parsed and found fit by then. */
export interface ReadyPlan {
  /** What there is to do. */
  readonly plan: MigrationPlan;
  /** What is to be run, with its statements. */
  readonly planned: readonly PlannedMigration[];
  /** What is written into the Supabase CLI's ledger. */
  readonly ledger: Ledger;
  /** What is doubtful, a sentence each. */
  readonly warnings: readonly string[];
  /** What the rules of `validate` find; null where they were not asked. */
  readonly findings: readonly Finding[] | null;
  /** What is to be asked about. */
  readonly concerns: readonly Concern[];
  /** Whether nobody can be kept waiting, as there are no tables yet. */
  readonly isQuiet: boolean;
}

/**
 * Finds the last migration that is to be applied.
 *
 * @param to What was asked for: its name, or a unique beginning of it.
 * @param files The files.
 * @returns Its full name; undefined where nothing was asked for.
 * @throws {ConfigurationError} There is no such migration, or there are several.
 */
export function findLast(
  to: string | undefined,
  { migrations }: Pick<LoadedMigrations, "migrations">,
): string | undefined {
  return to === undefined ? undefined : findMigration(to, migrations.map(({ name }) => name));
}

/**
 * What the state has to bring along: what undoes applied versions, and what was changed by hand.
 *
 * @param options What to do with those that were changed.
 * @param files The files.
 */
export function toStateOptions(
  { onChange, onDrift }: PlanningOptions,
  { migrations }: Pick<LoadedMigrations, "migrations">,
): StateOptions {
  return {
    schema: onDrift !== "ignore",
    ...(onChange === "redo"
      ? { undoneByFile: Object.fromEntries(migrations.map((m) => [m.name, m.checksum])) }
      : {}),
  };
}

/**
 * Makes the plan.
 *
 * @param context What the operation works with.
 * @param files The files.
 * @param state The state of the database.
 * @param options What else it depends on.
 * @returns The plan.
 * @throws {ConfigurationError} Something in it is to be refused.
 */
export async function makeReadyPlan(
  context: OperationContext,
  files: LoadedMigrations,
  state: DatabaseState,
  { to, onChange, outOfOrder, onDrift, lint: looks }: PlanningOptions,
): Promise<ReadyPlan> {
  const { migrations, order } = files;
  const redo = onChange === "redo";
  const plan = planMigrations(migrations, state.history, { order, to: findLast(to, files) });
  refuseChanges(plan, onChange);
  const late = reviewOrder(plan, outOfOrder);
  const byHand = reviewSchema(state, plan.pending, onDrift);
  const lint = looks === undefined || plan.pending.length === 0
    ? undefined
    : await context.lint?.();
  const looking = lint?.lintPending(plan.pending);
  const planned = await prepare(plan.pending, state, redo ? state : null, {
    can: context.can,
    split: looking?.split ?? context.split,
  });
  const findings = looking?.finish() ?? [];
  if (looks === "refuse") lint?.refuseFindings(findings);
  refuseUnvouched(state, order);
  const ledger = keepLedger(context.ledger, state, files);
  if (planned.length > 0) refuseUnwritable(ledger, state.ledger);
  const { warnings: doubts, concerns } = reviewPlan(files, plan, planned);
  const elsewhere = await findElsewhere(context, state, ledger, plan.pending, migrations);
  return {
    plan,
    planned,
    ledger,
    warnings: [
      ...elsewhere.warnings,
      ...late,
      ...byHand,
      ...describeChanges(plan, redo, state.history, order),
      ...describeUndoneInPart(state.history).map(({ says }) => says),
      ...doubts,
      ...lint?.describeFindings(findings) ?? [],
      ...describeLeftOut(ledger, planned.map(({ name }) => name)),
      ...describeRollbackSections(ledger, plan.pending.map(({ migration }) => migration)),
    ],
    findings: looks === undefined ? null : findings,
    concerns: [...elsewhere.concerns, ...concerns],
    isQuiet: !state.hasTables,
  };
}

function refuseChanges(plan: MigrationPlan, onChange: PlanningOptions["onChange"]): void {
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
