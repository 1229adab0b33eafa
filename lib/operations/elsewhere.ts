/** What others have applied of the files that a run would apply. @module */

import type { DatabaseState } from "../database/state.ts";
import type { Migration, PendingMigration } from "../planning/plan.ts";
import type { OperationContext } from "./context.ts";
import { findAppliedByCli, type Ledger } from "./ledger.ts";
import type { AppliedElsewhere } from "./other_histories.ts";

/**
 * Finds what another tool has applied: by its history, where there is none of this tool; and by the
 * Supabase CLI's ledger, where that is kept in step.
 *
 * @param context What the operation works with.
 * @param state The state.
 * @param ledger What is written into the ledger.
 * @param pending What would be run.
 * @param files All files in order.
 * @returns What to tell, and what to ask about.
 */
export async function findElsewhere(
  context: OperationContext,
  state: DatabaseState,
  ledger: Ledger,
  pending: readonly PendingMigration[],
  files: readonly Migration[],
): Promise<AppliedElsewhere> {
  const { warnings, concerns }: AppliedElsewhere = state.otherHistories.length === 0
    ? { warnings: [], concerns: [] }
    : await (await import("./other_histories.ts")).findAppliedElsewhere(
      state.otherHistories,
      pending,
      files,
      await context.connect(),
    );
  const known = new Set(concerns.map(({ file }) => file));
  const byCli = findAppliedByCli(ledger, state.ledger, pending)
    .filter(({ file }) => !known.has(file));
  return {
    warnings: [
      ...warnings,
      ...byCli.map(({ file, says }) =>
        `${file} ${says}: supamigrate adopt records it without running it`
      ),
    ],
    concerns: [...concerns, ...byCli],
  };
}
