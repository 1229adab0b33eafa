/** What `init` reads of its flags, asks and prints. @module */

import type { InitPlan } from "../delivery/init.ts";
import { ConfigurationError } from "../errors.ts";
import { init as initialize, type InitResult } from "../operations/init.ts";
import type { Asking, Flag, GlobalFlags, Report } from "./actions.ts";
import { line } from "./neutral.ts";
import { ask, canAsk, isYes } from "./prompt.ts";
import type { Reporter } from "./terminal.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `init`. */
export interface InitFlags extends GlobalFlags, Asking {
  dryRun?: Flag;
  workflow?: Flag;
}

/** What `init` does. */
export async function init(
  reporter: Reporter,
  flags: InitFlags,
  version: string,
): Promise<Report<JsonDocuments["init"]>> {
  const result = await initialize(".", {
    version,
    workflow: !!flags.workflow,
    dryRun: !!flags.dryRun,
    ...(flags.dir === undefined ? {} : { dir: flags.dir }),
    ...(flags.yes ? {} : { confirm: (plan) => confirmInit(reporter, plan) }),
  });
  const { edits, ...rest } = result;
  return {
    // What a file holds afterwards can be read there.
    result: { ...rest, edits: edits.map(({ text: _, ...edit }) => edit) },
    text: formatInit(result, !!flags.yes || !!flags.dryRun),
  };
}

async function confirmInit(reporter: Reporter, plan: InitPlan): Promise<boolean> {
  if (!await canAsk()) {
    throw new ConfigurationError("This writes files, and there is no terminal to ask on", {
      hint: "Look at it with --dry-run, then add --yes. Nothing was changed.",
    });
  }
  reporter.warn(`${formatPlan(plan, "Would be written:")}\n`);
  return isYes(await ask(reporter, "Write that? (yes/no): "));
}

const SIGNS = { make: "📁", create: "📄", extend: "✏️ " } as const;

function formatPlan({ edits, present, notes }: InitPlan, title: string): string {
  return [
    ...(edits.length === 0 ? [] : [
      `📋 ${title}`,
      ...edits.flatMap(({ path, action, adds }) => [
        line`  ${SIGNS[action]} ${path}`,
        ...adds.map((added) => line`       + ${added}`),
      ]),
    ]),
    ...(present.length === 0 ? [] : [line`✅ There already: ${present.join(", ")}`]),
    ...notes.map((note) => line`ℹ️  ${note}`),
  ].join("\n");
}

/** What `init` came to, with the plan where nobody was shown it. */
function formatInit(result: InitResult, withPlan: boolean): string {
  const { edits, root, dryRun, next } = result;
  const parts: string[] = [];
  if (root !== ".") parts.push(line`📂 The repository begins at ${root}`);
  if (withPlan || edits.length === 0) {
    parts.push(formatPlan(result, dryRun ? "Would be written:" : "Written:"));
  }
  if (dryRun) return [...parts, "", "🔍 Dry run: nothing was changed"].join("\n");
  parts.push(
    edits.length === 0 ? "✅ Nothing to do: everything is there" : "✅ Migrations can be run here",
    ...next.map((command, index) => line`💡 ${index === 0 ? "Next:" : "Then:"} ${command}`),
  );
  return parts.join("\n");
}
