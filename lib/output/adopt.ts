/** What `adopt` asks, does and prints. @module */

import { ConfigurationError } from "../errors.ts";
import { TOOLS } from "../adoption/histories.ts";
import type { ToolName } from "../adoption/history.ts";
import type { AdoptedMigration, AdoptPlan, AdoptResult } from "../operations/adopt.ts";
import {
  type Asking,
  type Flag,
  type GlobalFlags,
  guardConcerns,
  type Report,
  type Run,
} from "./actions.ts";
import { line } from "./neutral.ts";
import { ask, isYes } from "./prompt.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `adopt`. */
export interface AdoptFlags extends GlobalFlags, Asking {
  from?: string;
  files?: string;
  dryRun?: Flag;
}

/** How many migrations a list names, unless everything is asked for. */
const SHOWN = 20;

/** What `adopt` does. */
export async function adopt(
  run: Run,
  flags: AdoptFlags,
  named?: string,
): Promise<Report<JsonDocuments["adopt"]>> {
  const { migrator, reporter, projects } = run;
  const from = readTool(flags.from, named);
  if (!flags.yes && !flags.dryRun) await projects.confirm();
  const result = await migrator.adopt({
    ...(from === undefined ? {} : { from }),
    ...(flags.files === undefined ? {} : { files: flags.files }),
    dryRun: !!flags.dryRun,
    ...(flags.yes ? {} : {
      confirm: async (plan) => {
        reporter.warn(`${formatPlan(plan, !!flags.verbose)}\n`);
        return isYes(
          await ask(reporter, "Record these as applied, without running them? (yes/no): "),
        );
      },
    }),
    ...guardConcerns(run, flags),
  });
  if (!result.dryRun) await projects.remember();
  return { result, text: formatAdopt(result, !!flags.verbose) };
}

function readTool(from: string | undefined, named: string | undefined): ToolName | undefined {
  if (from !== undefined && named !== undefined && from !== named) {
    throw new ConfigurationError(`Two tools are named: "${named}" and "${from}"`);
  }
  const given = from ?? named;
  if (given === undefined) return undefined;
  const tool = TOOLS.find((tool) => tool === given.toLowerCase().replaceAll("_", "-"));
  if (tool !== undefined) return tool;
  throw new ConfigurationError(`No tool is known as "${given}"`, {
    hint: `It is one of ${TOOLS.join(", ")}.`,
  });
}

/** What was found, and what would be recorded. */
export function formatPlan(plan: AdoptPlan, verbose: boolean): string {
  const { history, adopted, alreadyRecorded, pending } = plan;
  if (history === null) {
    return "✅ Nothing to adopt: the database has no history of another tool that is known";
  }
  const { title, table, rows } = history;
  const lines = [line`🔎 Found the history of ${title}: ${table}, ${rows} ${plural("row", rows)}`];
  if (alreadyRecorded > 0) lines.push(`📌 On record already: ${alreadyRecorded}`);
  lines.push("");
  if (adopted.length === 0) {
    lines.push("✅ Nothing to adopt");
  } else {
    lines.push("📋 Applied by it, and to be recorded without running:");
    lines.push(...list(adopted, verbose, formatAdopted));
  }
  if (pending.length > 0) {
    lines.push("", "⏳ Not applied by it; the next migrate runs these:");
    lines.push(...list(pending, verbose, (name) => line`  📄 ${name}`));
  }
  return lines.join("\n");
}

/** What `adopt` came to. */
export function formatAdopt(result: AdoptResult, verbose: boolean): string {
  const plan = formatPlan(result, verbose);
  if (result.dryRun) return `${plan}\n\n🔍 Dry run: nothing was changed`;
  if (result.batchNumber === null) return plan;
  return [
    "📋 Recorded as applied, without running:",
    ...list(result.adopted, verbose, formatAdopted),
    "",
    line`✅ Adopted from ${result.history!.title}!`,
    `📊 Batch: ${result.batchNumber}`,
    `📈 Migrations recorded: ${result.adopted.length}`,
    ...(result.pending.length === 0
      ? []
      : ["", '💡 Run "supamigrate status" to see what is pending']),
  ].join("\n");
}

function formatAdopted({ name, appliedAt, saysTheSame }: AdoptedMigration): string {
  const when = appliedAt === null ? "" : ` (${appliedAt.slice(0, 19).replace("T", " ")})`;
  return line`  📌 ${name}${when}${saysTheSame === false ? " - differs from what was run" : ""}`;
}

function list<Item>(
  items: readonly Item[],
  verbose: boolean,
  format: (item: Item) => string,
): string[] {
  const shown = verbose ? items : items.slice(0, SHOWN);
  const left = items.length - shown.length;
  return [
    ...shown.map(format),
    ...(left === 0 ? [] : [`  … and ${left} more (--verbose shows all)`]),
  ];
}

function plural(word: string, count: number | null): string {
  return count === 1 ? word : `${word}s`;
}
