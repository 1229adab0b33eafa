/** The command `diff`: what it asks, does and prints. @module */

import type { DiffResult } from "../operations/diff.ts";
import type { Report, Run } from "./actions.ts";
import { line } from "./neutral.ts";
import { ask, isYes } from "./prompt.ts";
import {
  type CaptureFlags,
  formatTexts,
  formatWritten,
  readRenames,
  readSelection,
} from "./pull.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `diff`. */
export interface DiffFlags extends CaptureFlags {
  schema: string;
}

/** What `diff` does. */
export async function diff(
  run: Run,
  flags: DiffFlags,
  name: string,
): Promise<Report<JsonDocuments["diff"]>> {
  const { migrator, reporter, folder } = run;
  const renames = await readRenames(flags, reporter);
  reporter.say(line`🔎 Comparing ${flags.schema} with what the migrations make...\n`);
  const result = await migrator.diff(name, {
    ...readSelection(flags),
    ...renames,
    schema: flags.schema,
    dryRun: !!flags.dryRun,
    ...(flags.yes ? {} : {
      confirm: async (plan) => {
        reporter.warn(`${formatWritten(plan, !!flags.verbose)}\n`);
        return isYes(await ask(reporter, line`Write ${plan.name} to ${folder}? (yes/no): `));
      },
    }),
  });
  return { result, text: formatDiff(result, flags) };
}

function formatDiff(result: DiffResult, { schema, verbose }: DiffFlags): string {
  const { name, path, dryRun } = result;
  if (name === null) return line`✅ Nothing to write: the migrations make what ${schema} declares`;
  if (path === null) {
    return [
      formatWritten(result, false),
      "",
      ...formatTexts(result),
      "",
      ...(dryRun ? ["🔍 Dry run: nothing was written"] : []),
    ].join("\n");
  }
  return [
    ...(verbose ? [formatWritten(result, true), ""] : []),
    "✅ Migration file created!",
    line`📄 File: ${name}`,
    line`📍 Path: ${path}`,
    ...(result.rollbackText === null ? [] : [line`🔄 Rollback: rollback/${name}`]),
    "",
    "💡 Read it, and apply it: supamigrate migrate",
  ].join("\n");
}
