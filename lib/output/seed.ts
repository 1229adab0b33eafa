/** What `seed` does and prints. @module */

import type { SeedResult } from "../operations/seed.ts";
import {
  type Asking,
  type Flag,
  type GlobalFlags,
  type Report,
  type Run,
  waiting,
} from "./actions.ts";
import { EXIT_CODES } from "./errors.ts";
import { line } from "./neutral.ts";
import { ask, isYes } from "./prompt.ts";
import { formatFailure, formatMs } from "./text.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** What became of the seeds. */
export function formatSeeds(result: SeedResult): string {
  const { results, planned, alreadyRun, looked, dryRun, interrupted } = result;
  if (dryRun && planned.length > 0) {
    return ["🌱 Would run:", ...planned.map((name) => line`  📄 ${name}`)].join("\n");
  }
  if (planned.length === 0) {
    return alreadyRun.length > 0
      ? line`✅ Run before: ${alreadyRun.join(", ")}`
      : line`✅ There is no seed to run. ${looked}`;
  }
  return [
    ...results.flatMap(({ name, success, executionTimeMs, error }) =>
      error === null
        ? [line`  ${success ? "✅" : "❌"} ${name} (${formatMs(executionTimeMs)})`]
        : [line`  ❌ ${name}`, "", ...formatFailure(name, error)]
    ),
    "",
    interrupted
      ? `⏹️  Interrupted: ${results.length} of ${planned.length} seeds were run`
      : result.success
      ? `✅ Seeds run: ${results.length}`
      : "❌ Seeding failed: nothing of that seed is in the database",
  ].join("\n");
}

/** What `seed` does. */
export async function seed(
  { migrator, reporter, projects }: Run,
  flags: GlobalFlags & Asking & { force?: Flag; dryRun?: Flag },
): Promise<Report<JsonDocuments["seed"]>> {
  const wait = waiting(flags);
  if (!flags.yes && !flags.dryRun) await projects.confirm();
  reporter.say("🌱 Seeding...\n");
  const result = await migrator.seed({
    ...wait,
    force: !!flags.force,
    dryRun: !!flags.dryRun,
    // What was run before has left its rows, which --force does not take away.
    ...(flags.force && !flags.yes && migrator.target.kind !== "embedded"
      ? {
        confirm: async (seeds) => {
          reporter.say(seeds.map((name) => line`  📄 ${name}`).join("\n"));
          return isYes(
            await ask(reporter, "⚠️  Run these whether they were run or not? (yes/no): "),
          );
        },
      }
      : {}),
  });
  if (result.success && !result.dryRun) await projects.remember();
  return {
    result,
    text: formatSeeds(result),
    code: result.interrupted
      ? EXIT_CODES.interrupted
      : result.success
      ? EXIT_CODES.done
      : EXIT_CODES.failed,
  };
}
