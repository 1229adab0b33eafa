/** The command `squash`: what it asks, does and prints. @module */

import type { SquashPlan, SquashResult } from "../operations/squash.ts";
import type { Asking, Flag, GlobalFlags, Report, Run } from "./actions.ts";
import { line } from "./neutral.ts";
import { ask, isYes } from "./prompt.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `squash`. */
export interface SquashFlags extends GlobalFlags, Asking {
  to?: string;
  flatten?: Flag;
  dryRun?: Flag;
}

/** How many migrations a list names, unless everything is asked for. */
const SHOWN = 20;

/** What `squash` does. */
export async function squash(
  run: Run,
  flags: SquashFlags,
  name: string,
): Promise<Report<JsonDocuments["squash"]>> {
  const { migrator, reporter, projects } = run;
  if (!flags.yes && !flags.dryRun) await projects.confirm();
  reporter.say("🔎 Proving that one migration makes what many have made...\n");
  const result = await migrator.squash(name, {
    ...(flags.to === undefined ? {} : { to: flags.to }),
    flatten: !!flags.flatten,
    dryRun: !!flags.dryRun,
    ...(flags.yes ? {} : {
      confirm: async (plan) => {
        reporter.warn(`${formatPlan(plan, !!flags.verbose)}\n`);
        return isYes(await ask(reporter, "Do this? (yes/no): "));
      },
    }),
  });
  if (!result.dryRun) await projects.remember();
  return { result, text: formatSquash(result, !!flags.verbose) };
}

function formatPlan(plan: SquashPlan, verbose: boolean): string {
  const { name, squashed, movesFiles, rewritten } = plan;
  const shown = verbose ? squashed : squashed.slice(0, SHOWN);
  const left = squashed.length - shown.length;
  return [
    line`📦 ${name} stands for ${squashed.length} migrations:`,
    ...shown.map((file) => line`  📄 ${file}`),
    ...(left > 0 ? [`  … and ${left} more (--verbose shows all)`] : []),
    "",
    ...(movesFiles
      ? [
        "🔬 Proved on two shadows: it makes the same schema and puts the same rows there",
        "📁 The old files are moved to the folder squashed, which is left out",
      ]
      : []),
    rewritten.length === 0
      ? "📋 The history of this project has none of them: it stays as it is"
      : `📋 ${rewritten.length} of them are on record here: the new one takes their place, and ` +
        "nothing is run",
  ].join("\n");
}

function formatSquash(result: SquashResult, verbose: boolean): string {
  const { name, path, movedTo, rewritten, dryRun } = result;
  if (dryRun) return `${formatPlan(result, verbose)}\n\n🔍 Dry run: nothing was changed`;
  if (path === null && rewritten.length === 0) {
    return line`✅ Nothing to do: the history of this project has none of what ${name} stands for`;
  }
  return [
    "✅ Squashed!",
    ...(path === null ? [] : [line`📄 File: ${name}`, line`📍 Path: ${path}`]),
    ...(movedTo === null ? [] : [line`📁 The old files: ${movedTo}`]),
    `📋 Rows of the history replaced: ${rewritten.length}`,
    "",
    line`💡 Other projects that have the old ones: supamigrate squash ${name}`,
  ].join("\n");
}
