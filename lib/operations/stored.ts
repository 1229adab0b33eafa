/** Rollback SQL that was stored when a migration was applied. @module */

import type { DatabaseState } from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import type { HistoryEntry } from "../planning/plan.ts";

/** What is known of stored rollback SQL. */
export type StoredRollbacks = Pick<DatabaseState, "storedRollbacks" | "logIsIntact">;

/**
 * Stored rollback SQL is data of a table, which others may have changed: it is run only where the
 * audit log says that it is what was stored, and the log itself is as it was written.
 *
 * @param entries The history rows of which the stored rollback SQL would be run.
 * @param stored What the log says.
 * @throws {ConfigurationError} It says something else; all such migrations are named.
 */
export function refuseUnproven(
  entries: readonly HistoryEntry[],
  { logIsIntact }: StoredRollbacks,
): void {
  const unproven = entries.filter(({ vouched }) => !vouched || !logIsIntact);
  if (unproven.length === 0) return;
  throw new ConfigurationError(
    `Refused to run the stored rollback SQL of ${
      unproven.map(({ name }) => name).join(", ")
    }: the audit log ${
      logIsIntact ? "does not say that it is what was stored" : "was changed by somebody"
    }`,
    {
      hint: "Put the file back as it was when it was applied: then its ROLLBACK section is used. " +
        "supamigrate doctor says what was changed.",
    },
  );
}
