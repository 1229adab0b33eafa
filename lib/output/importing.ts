/** The command `import`: what it asks, does and prints. @module */

import type { ImportPlan, ImportResult } from "../operations/import.ts";
import type { Asking, Flag, GlobalFlags, Report, Run } from "./actions.ts";
import { EXIT_CODES } from "./errors.ts";
import { count } from "../report/parts.ts";
import { line } from "./neutral.ts";
import { ask, isYes } from "./prompt.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `import`. */
export interface ImportFlags extends GlobalFlags, Asking {
  from: string;
  format?: string;
  dryRun?: Flag;
  prove?: boolean;
}

/** How many differences are shown. */
const SHOWN = 20;

/** What `import` does. */
export async function importFiles(
  { reporter, folder, options: { signal } }: Run,
  flags: ImportFlags,
): Promise<Report<JsonDocuments["import"]>> {
  const { importMigrations } = await import("../operations/import.ts");
  if (flags.prove !== false) reporter.say("🔬 Proving that both make the same...\n");
  const result = await importMigrations({
    from: flags.from,
    to: folder,
    ...(flags.format === undefined ? {} : { format: flags.format }),
    dryRun: !!flags.dryRun,
    prove: flags.prove !== false,
    ...(signal === undefined ? {} : { signal }),
    ...(flags.yes ? {} : {
      confirm: async (plan) => {
        reporter.warn(formatPlan(plan, folder));
        return isYes(await ask(reporter, line`\nWrite these files to ${folder}? (yes/no): `));
      },
    }),
  });
  const isDone = result.written || flags.dryRun === true;
  const isProved = result.proof?.same !== false;
  return {
    result,
    text: formatResult(result, {
      isShown: !flags.yes && result.written,
      dryRun: !!flags.dryRun,
      // Elsewhere the commands do not look by themselves.
      options: flags.dir === undefined ? "" : ` --dir ${quote(flags.dir)}`,
    }),
    code: isDone && isProved ? EXIT_CODES.done : EXIT_CODES.failed,
  };
}

function formatPlan({ tool, files, notConverted, proof }: ImportPlan, folder: string): string {
  const lines = [
    line`📦 ${tool}: ${files.length} ${files.length === 1 ? "file" : "files"} for ${folder}\n`,
  ];
  for (const { from, to, hasRollback, notes } of files) {
    lines.push(line`  📄 ${from.join(" + ")} → ${to}${hasRollback ? "" : " (no rollback)"}`);
    for (const note of notes) lines.push(line`     💡 ${note}`);
  }
  if (notConverted.length > 0) {
    lines.push("\n⚠️  No migration is made of");
    for (const { file, reason } of notConverted) lines.push(line`  📄 ${file}: ${reason}`);
  }
  if (proof !== null) {
    lines.push(
      proof.same
        ? line`\n🔬 Proved on the embedded database: both make the same ${
          count(proof.objects, "object")
        }`
        : "\n❌ Not proved on the embedded database:",
    );
    for (const difference of proof.differences.slice(0, SHOWN)) lines.push(line`  ${difference}`);
    if (proof.differences.length > SHOWN) {
      lines.push(`  … and ${proof.differences.length - SHOWN} more`);
    }
  }
  return lines.join("\n");
}

function quote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : JSON.stringify(text);
}

function formatResult(
  result: ImportResult,
  { isShown, dryRun, options }: { isShown: boolean; dryRun: boolean; options: string },
): string {
  const { written, files, folder, proof } = result;
  const lines = isShown ? [] : [formatPlan(result, folder), ""];
  if (written) {
    lines.push(
      line`✅ ${files.length} ${files.length === 1 ? "file is" : "files are"} in ${folder}`,
      line`💡 See what would run: supamigrate migrate --dry-run${options}`,
      line`💡 Where they are applied already, record that: supamigrate adopt --dry-run${options}`,
    );
  } else if (proof?.same === false) {
    lines.push("Nothing was written.\n💡 Write them all the same: add --no-prove");
  } else if (files.length === 0) {
    lines.push("Nothing was written: there is no SQL to write as a migration");
  } else if (dryRun) {
    lines.push("Nothing was written: this was a dry run");
  }
  return lines.join("\n");
}
