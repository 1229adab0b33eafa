/** Makes migrations ready to be sent: every file is split and found fit by then. @module */

import type { DatabaseState } from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import { type Limits, readLimits, withLimits } from "../planning/limits.ts";
import type { PendingMigration, PendingReason } from "../planning/plan.ts";
import { Refusals } from "../planning/refusals.ts";
import type { Abilities } from "../planning/session_settings.ts";
import type { SplitResult, Unkept } from "../planning/statements.ts";
import type { Statement } from "../planning/step.ts";
import { locateReserved, type MigrationReserved } from "./concerns.ts";
import type { OperationContext } from "./context.ts";
import { isOneTransaction, isPlain, type PlannedSteps, planSteps } from "./steps.ts";
import { refuseUnproven, type StoredRollbacks } from "./stored.ts";

/** A migration with the statements that would be sent. */
export interface PlannedMigration extends PlannedSteps {
  /** The migration's name. */
  readonly name: string;
  /** Why it is pending. */
  readonly reason: PendingReason;
  /** Its statements with their lines. */
  readonly statements: readonly Statement[];
  /** The statements that undo the version before it, with `onChange: "redo"`. */
  readonly undo: readonly Statement[] | null;
  /** What the user should know of it, a sentence each. */
  readonly notices: readonly string[];
  /** What it changes of what Supabase keeps to itself, and its undo before it. */
  readonly reserved: readonly MigrationReserved[];
  /** What it may destroy that cannot be kept before. */
  readonly unkept: readonly Unkept[];
  /** The limits that its file says; left out where it says none. */
  readonly limits?: Limits;
}

/**
 * Splits and checks everything that might be sent: the forward parts, the rollback parts (so
 * that a mistake in one shows now and not when it is needed), and what undoes old versions.
 *
 * @param pending What is to be applied.
 * @param state The state that the plan is made of.
 * @param stored What undoes old versions, where they are to be undone first.
 * @param context What the way to the database allows, and what splits sections.
 * @returns The migrations with their statements.
 * @throws {MigrationFileError} Files cannot be sent: the first reason, and with it all others.
 * @throws {ConfigurationError} An old version cannot be undone.
 */
export async function prepare(
  pending: readonly PendingMigration[],
  state: Pick<DatabaseState, "history" | "hasPgCron">,
  stored: StoredRollbacks | null,
  { can: way, split }: Pick<OperationContext, "can" | "split">,
): Promise<PlannedMigration[]> {
  let can = withPgCron(way, state.hasPgCron);
  const entries = new Map(state.history.map((entry) => [entry.name, entry]));
  if (stored !== null) {
    const undone = pending.flatMap(({ applied }) => applied === null ? [] : [applied]);
    refuseUnproven(undone.filter(({ name }) => name in stored.storedRollbacks), stored);
  }
  const planned: PlannedMigration[] = [];
  const refusals = new Refusals();
  for (const { migration, reason, applied } of pending) {
    const { name, forward, rollback, head = "" } = migration;
    const applying = await refusals.attempt(() => split(forward, name, can));
    can = withPgCron(
      can,
      applying?.statements.some(({ sql }) => CREATES_PG_CRON.test(sql)) ?? false,
    );
    if (rollback !== null) {
      await refusals.attempt(() => split(rollback, rollback.file, can));
    }
    let undoing: SplitResult | null = null;
    const undoFile = `stored rollback of ${name}`;
    if (stored !== null && applied !== null) {
      const sql = stored.storedRollbacks[name];
      if (sql === undefined) {
        throw new ConfigurationError(
          `Cannot undo the applied version of ${name}: it has no rollback SQL`,
          {
            hint: "Put the change into a new migration, or run with --on-change rerun.",
          },
        );
      }
      undoing = await refusals.attempt(() => split({ sql, line: 1 }, undoFile, can)) ??
        null;
    }
    const limits = await refusals.attempt(() => readLimits({ sql: head, line: 1 }, name));
    if (applying === undefined) continue;
    const { statements, notices } = applying;
    const steps = await refusals.attempt(() =>
      planSteps(name, applying.steps, entries.get(name), "apply")
    );
    if (steps === undefined) continue;
    if (undoing !== null && !(isOneTransaction(steps) && isPlain(undoing.steps))) {
      throw new ConfigurationError(
        `Cannot undo the applied version of ${name} and apply the new one in one transaction: ` +
          "one of them has several steps",
        { hint: "Roll it back with the old file, or put the change into a new migration." },
      );
    }
    planned.push({
      name,
      reason,
      statements,
      ...steps,
      undo: undoing?.statements ?? null,
      notices: statements.length === 0 ? [...notices, "It holds no statements"] : notices,
      unkept: [...undoing?.unkept ?? [], ...applying.unkept],
      reserved: [
        ...(undoing === null ? [] : locateReserved(undoFile, undoing)),
        ...locateReserved(name, applying),
      ],
      ...withLimits({ ...limits, ...applying.limits }),
    });
  }
  refusals.throwAny();
  return planned;
}

/** What enables the ways of pg_cron for what comes after it. */
const CREATES_PG_CRON = /^create\s+extension\s+(?:if\s+not\s+exists\s+)?"?pg_cron\b/i;

/**
 * What can be done where pg_cron is there.
 *
 * @param can What the way to the database allows by itself.
 * @param isThere Whether pg_cron is.
 */
export function withPgCron(can: Abilities, isThere: boolean): Abilities {
  return isThere && can.outside === null ? { ...can, outside: "pg_cron" } : can;
}
