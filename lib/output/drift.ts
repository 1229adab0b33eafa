/** The command `drift`: what it prints. @module */

import type { DriftResult } from "../operations/drift.ts";
import type { GlobalFlags, Report, Run } from "./actions.ts";
import { EXIT_CODES } from "./errors.ts";
import { block, line } from "./neutral.ts";
import type { JsonDocuments } from "./json_documents.ts";

const MARKS = { added: "+", removed: "-", changed: "~" } as const;

/** What `drift` does. */
export async function drift(
  { migrator, reporter }: Run,
  flags: GlobalFlags,
): Promise<Report<JsonDocuments["drift"]>> {
  reporter.say("🔎 Comparing the project with what its migrations make...\n");
  const result = await migrator.drift();
  return {
    result,
    text: formatDrift(result, !!flags.verbose),
    code: result.inSync ? EXIT_CODES.done : EXIT_CODES.failed,
  };
}

function formatDrift(result: DriftResult, verbose: boolean): string {
  const { inSync, migrations, differences, sql, unwritable, doubts } = result;
  const lines = doubts.map((doubt) => line`⚠️  ${doubt}`);
  if (inSync) {
    return [...lines, `✅ No difference: ${migrations} migrations make what is there`].join("\n");
  }
  for (const { change, kind, name, details } of differences) {
    lines.push(line`  ${MARKS[change]} ${kind} ${name}`);
    for (const detail of details) lines.push(line`      ${detail}`);
  }
  for (const { what, reason } of unwritable) lines.push(line`  ! ${what}: ${reason}`);
  if (verbose) lines.push("", ...sql.map((statement) => block(`${statement};`)));
  const count = differences.length;
  lines.push(
    "",
    `❌ ${count} ${count === 1 ? "object is" : "objects are"} not as the migrations make ` +
      (count === 1 ? "it" : "them"),
    "   + is in the project alone, - in the migrations alone, ~ in both and not the same",
    "💡 Take what was done into a migration: supamigrate pull NAME" +
      (verbose ? "" : "\n   The statements: supamigrate drift --verbose"),
  );
  return lines.join("\n");
}
