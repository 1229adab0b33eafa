/** What `cancel` does and prints. @module */

import type { Activity, LockState } from "../database/state.ts";
import { formatDuration } from "../duration.ts";
import { createMigrator, type MigratorOptions } from "../migrator.ts";
import type { CancelResult } from "../operations/cancel.ts";
import type { Asking, GlobalFlags, Report, Run } from "./actions.ts";
import { formatActivity } from "./activity.ts";
import { EXIT_CODES } from "./errors.ts";
import { line } from "./neutral.ts";
import { ask, canAsk, isYes } from "./prompt.ts";
import type { Reporter } from "./terminal.ts";

/** What `cancel` does. */
export async function cancel(
  { migrator, reporter }: Run,
  flags: GlobalFlags & Asking,
): Promise<Report> {
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
  if (!isMeant) return false;
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
