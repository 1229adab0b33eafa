/** Whether what the history says can be relied on. @module */

import type { DatabaseState } from "../database/state.ts";
import { nameSome } from "../doctor/check.ts";
import { ConfigurationError } from "../errors.ts";
import { comparisonBy, type OrderBy } from "../planning/order.ts";

/** What is known of the history. */
export type RecordedHistory = Pick<DatabaseState, "history" | "unrecorded">;

/**
 * Finds the migrations of which the history says something else than the audit log: rows that were
 * put in, changed or taken out past the tool.
 *
 * @param state What is known of the history.
 * @param order What decides their order. `"number"` by default.
 * @returns Their names, in order.
 */
export function findUnvouched(
  { history, unrecorded }: RecordedHistory,
  order: OrderBy = "number",
): string[] {
  const changed = history.filter(({ vouched }) => !vouched).map(({ name }) => name);
  return [...changed, ...unrecorded].sort(comparisonBy(order));
}

/**
 * Refuses to go by a history that the audit log does not vouch for: a row that somebody has put in
 * hides a migration, and one that was taken out has it run again.
 *
 * @param state What is known of the history.
 * @param order What decides the order of the names.
 * @throws {ConfigurationError} The audit log says something else; all such migrations are named.
 */
export function refuseUnvouched(state: RecordedHistory, order: OrderBy): void {
  const unvouched = findUnvouched(state, order);
  if (unvouched.length === 0) return;
  throw new ConfigurationError(
    `The history is not what the audit log says of ${nameSome(unvouched)}`,
    {
      hint: "Somebody has changed it past the tool: supamigrate doctor says what. Find out " +
        "what is in the database, and record that with supamigrate repair NAME --mark " +
        "applied, or --mark pending.",
    },
  );
}
