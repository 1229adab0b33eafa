/** What `cancel` does and prints. @module */

import type { Activity, LockState } from "../database/state.ts";
import { formatDuration } from "../duration.ts";
import { ConfigurationError } from "../errors.ts";
import { createMigrator, type MigratorOptions } from "../migrator.ts";
import type { CancelResult } from "../operations/cancel.ts";
import { type CancelBlockers, checkCancelBlockers } from "../operations/cancel_blockers.ts";
import type { Asking, CancelFlags, Flag, GlobalFlags, Report, Run } from "./actions.ts";
import { formatActivity } from "./activity.ts";
import { EXIT_CODES } from "./errors.ts";
import { line } from "./neutral.ts";
import { ask, canAsk, isYes } from "./prompt.ts";
import type { Reporter } from "./terminal.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** What `cancel` does. */
export async function cancel(
  { migrator, reporter }: Run,
  flags: GlobalFlags & Asking,
): Promise<Report<JsonDocuments["cancel"]>> {
  const result = await migrator.cancel(
    flags.yes ? {} : { confirm: (...running) => confirmCancel(reporter, ...running) },
  );
  return {
    result,
    text: formatCancel(result),
    code: result.ended ? EXIT_CODES.done : EXIT_CODES.failed,
  };
}

/** Asks whether what runs may be cancelled. */
async function confirmCancel(
  reporter: Reporter,
  activity: Activity,
  { holder }: LockState,
): Promise<boolean> {
  return isYes(
    await ask(
      reporter,
      `⚙️  ${formatActivity(activity)}, for ${formatDuration(activity.runningMs ?? 0)}` +
        line`, a run of ${holder ?? "nobody known"}.\n` +
        "Its step is undone, and the run fails. Cancel it? (yes/no): ",
    ),
  );
}

/**
 * Whose sessions a command may end, after somebody has said yes to it.
 *
 * @param reporter Asks.
 * @param flags The command's flags.
 * @throws {ConfigurationError} One flag makes no sense without the other, or the answer was no.
 */
export async function readCancelBlockers(
  reporter: Reporter,
  { cancelBlockers, cancelRoles, yes, dryRun }: CancelFlags & Asking & { dryRun?: Flag },
): Promise<{ cancelBlockers?: CancelBlockers }> {
  if (cancelBlockers === undefined && cancelRoles === undefined) return {};
  if (cancelBlockers === undefined || cancelRoles === undefined) {
    throw new ConfigurationError("--cancel-blockers and --cancel-roles belong together", {
      hint: "The one says after how many seconds, the other whose sessions are ended.",
    });
  }
  const roles = cancelRoles.split(",").map((name) => name.trim()).filter((name) => name !== "");
  const given = checkCancelBlockers({ afterMs: cancelBlockers * 1000, roles });
  if (yes || dryRun) return { cancelBlockers: given };
  const question =
    line`⚠️  Sessions of ${
      roles.join(", ")
    } that keep a migration waiting for ${cancelBlockers} s ` +
    "have their statement cancelled, or are ended where they idle in a transaction. " +
    "Go on? (yes/no): ";
  if (!isYes(await ask(reporter, question))) {
    throw new ConfigurationError("Not confirmed: nothing was changed");
  }
  return { cancelBlockers: given };
}

/**
 * What the second Ctrl-C does.
 *
 * @param reporter Says and asks it.
 * @param options What the migrator was made of: what runs occupies its own way to the database.
 * @param activity What was seen running last.
 * @param mayAsk There may be somebody to ask.
 * @returns Whether it was cancelled.
 */
export async function cancelAfterAsking(
  reporter: Reporter,
  options: MigratorOptions,
  activity: Activity,
  mayAsk: boolean,
): Promise<boolean> {
  const says = line`⏹️  ${activity.running} is still running in the database`;
  if (!mayAsk || !await canAsk()) {
    reporter.warn(`${says}, and goes on there\n💡 supamigrate cancel ends it`);
    return false;
  }
  reporter.hold(true);
  const isMeant = isYes(await ask(reporter, `${says}. Cancel it there? (yes/no): `));
  reporter.hold(false);
  if (!isMeant) {
    reporter.warn(
      "⏳ It goes on there, and its run keeps the lock\n💡 supamigrate status shows how far it is, " +
        "and migrate --wait SECONDS waits for it",
    );
    return false;
  }
  const { signal: _, ...others } = options;
  await using migrator = createMigrator(others);
  reporter.warn(formatCancel(await migrator.cancel()));
  return true;
}

/** What `cancel` did. */
export function formatCancel({ cancelled, ended, activity, lock }: CancelResult): string {
  if (activity === null) {
    return lock.isLocked
      ? line`✅ Nothing is running at this moment, and ${lock.holder} holds the lock\n` +
        "💡 supamigrate unlock takes it from that run, which then stops"
      : "✅ Nothing is running";
  }
  if (!cancelled) return line`✅ ${activity.running} had ended before it could be cancelled`;
  return ended
    ? line`🛑 Cancelled: ${activity.running}. Its step is undone, and its run fails`
    : line`⏳ ${activity.running} was told to stop, and is still being undone\n` +
      "💡 supamigrate status shows when it has ended";
}
