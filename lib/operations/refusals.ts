/** Tells everything that is wrong with the files, in one run. @module */

import { type DatabaseState, readState } from "../database/state.ts";
import { type MigrationFileError, SupamigrateError } from "../errors.ts";
import { planMigrations } from "../planning/plan.ts";
import type { PendingMigration } from "../planning/plan.ts";
import { Refusals } from "../planning/refusals.ts";
import { prepare } from "./prepare.ts";
import type { OperationContext } from "./context.ts";

/** A reason why a file cannot be sent, and where it stands. */
export type FileRefusal = Pick<MigrationFileError, "message" | "position" | "hint">;

/**
 * Reads the migrations for an operation that needs all of them to be fit.
 *
 * @param context What the operation works with.
 * @returns The migrations in order.
 * @throws {MigrationFileError} Files are not fit: the first reason, and with it all others, those of
 * pending migrations that cannot be sent among them.
 */
export async function loadAllFit(
  context: OperationContext,
): ReturnType<OperationContext["load"]> {
  const refusals = new Refusals();
  const loaded = await context.load(refusals);
  if (refusals.all.length === 0) return loaded;
  try {
    const state = await readState(await context.connect(), context.target);
    const { pending } = planMigrations(loaded.migrations, state.history, { order: loaded.order });
    await collectRefusals(pending, state, context, refusals);
  } catch (error) {
    // Which migrations are pending cannot be told; what is known is reason enough.
    if (!(error instanceof SupamigrateError)) throw error;
  }
  refusals.throwAny();
  return loaded;
}

/**
 * Finds what keeps migrations from being sent.
 *
 * @param pending The migrations.
 * @param state The state that the plan is made of.
 * @param context What the operation works with.
 * @param refusals Takes what is found.
 */
export async function collectRefusals(
  pending: readonly PendingMigration[],
  state: DatabaseState,
  context: Pick<OperationContext, "can" | "split">,
  refusals: Refusals,
): Promise<void> {
  await refusals.attempt(() => prepare(pending, state, null, context));
}

/** Says where, as data. */
export function toFileRefusals(refusals: Refusals): FileRefusal[] {
  return refusals.all.map(({ message, position, hint }) => ({
    message,
    position,
    ...(hint === undefined ? {} : { hint }),
  }));
}
