/** What is done and printed about the check after a run. @module */

import type { HealthResult } from "../operations/health.ts";
import type { MigrateResult } from "../operations/migrate.ts";
import type { RollbackRunResult } from "../operations/rollback.ts";
import type { Run } from "./actions.ts";
import { line } from "./neutral.ts";
import { formatRollback } from "./rollback.ts";

/** What the check came to, and what was done about it. */
export interface Examination {
  readonly result: HealthResult & { readonly rolledBack: RollbackRunResult | null };
  /** For people. */
  readonly text: readonly string[];
}

/**
 * Looks whether the application is well after a run, and rolls the run back where it is not.
 *
 * @param run The command.
 * @param check What to ask.
 * @param migrated What the run came to.
 * @param undoes Whether it is to be rolled back where the check fails.
 */
export async function examine(
  { migrator, reporter }: Run,
  check: string,
  { results, migrationsRun }: MigrateResult,
  undoes: boolean,
): Promise<Examination> {
  reporter.say(line`🩺 Checking: ${check}\n`);
  const health = await migrator.checkHealth(check);
  const without = { ...health, rolledBack: null };
  if (health.passed) return { result: without, text: ["🩺 The check passed"] };
  const failed = line`❌ The check failed: ${health.message}`;
  if (!undoes) {
    return {
      result: without,
      text: ["", failed, "💡 supamigrate rollback takes the last batch back"],
    };
  }
  // Exactly what this run has applied, and nothing that stood there before or came since.
  const applied = results.filter(({ success }) => success).map(({ name }) => name).toReversed();
  const isWhole = (planned: readonly { readonly name: string }[]) =>
    planned.length === applied.length &&
    planned.every(({ name }, index) => name === applied[index]);
  const isNew = results.every(({ reason }) => reason !== "checksum_mismatch");
  const steps = migrationsRun;
  if (!isNew || !isWhole((await migrator.rollback({ steps, dryRun: true })).planned)) {
    return {
      result: without,
      text: [
        "",
        failed,
        "⚠️  It was not rolled back: others than this run's migrations would be undone, or earlier " +
        "versions of its own",
      ],
    };
  }
  const rolledBack = await migrator.rollback({
    steps,
    confirm: (planned) => Promise.resolve(isWhole(planned)),
  });
  return {
    result: { ...health, rolledBack },
    text: ["", failed, "🔄 Rolling back what this run has applied", "", formatRollback(rolledBack)],
  };
}
