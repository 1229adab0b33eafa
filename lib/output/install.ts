/** What `install` and `uninstall` do and print. @module */

import type { InstallResult, UninstallResult } from "../operations/install.ts";
import type { Asking, Flag, GlobalFlags, Report, Run } from "./actions.ts";
import { confirmDestruction } from "./confirm.ts";
import { installScript } from "../migrator.ts";
import { line } from "./neutral.ts";
import type { Reporter } from "./terminal.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `install`. */
export interface InstallFlags extends GlobalFlags, Asking {
  print?: Flag;
  replace?: Flag;
  schema?: string;
}

/** What `install` does. */
export async function install(
  { migrator, projects }: Run,
  flags: InstallFlags,
): Promise<Report<JsonDocuments["install"]>> {
  if (!flags.yes) await projects.confirm();
  const result = await migrator.install({
    replace: !!flags.replace,
    ...(flags.schema === undefined ? {} : { schema: flags.schema }),
  });
  await projects.remember();
  return { result, text: formatInstall(result) };
}

/** What `install --print` does: the SQL is for a program, as it is. */
export async function printSql(
  reporter: Reporter,
  flags: InstallFlags,
): Promise<Report<JsonDocuments["install"]>> {
  const sql = await installScript(flags);
  if (!flags.json) reporter.passOn("out", sql.trimEnd());
  return { result: { success: true, sql }, text: "" };
}

/** What `install` did. */
export function formatInstall(result: InstallResult): string {
  const { via, previousVersion, version, replaced, warnings } = result;
  return [
    ...replaced.map((signature) => line`🗑️  Dropped ${signature}`),
    describeInstalled(previousVersion, version, via),
    ...warnings.map((warning) => line`⚠️  ${warning}`),
    "",
    warnings.length > 0
      ? '💡 Run "supamigrate adopt --dry-run" to see what would be taken over'
      : '💡 Run "supamigrate migrate" to execute pending migrations',
  ].join("\n");
}

function describeInstalled(before: number | null, now: number, via: string): string {
  if (before === null) {
    return `✅ Installed over ${via}: exec_sql for service_role alone, tracking schema version ${now}`;
  }
  return before === now
    ? `✅ Renewed over ${via}: tracking schema version ${now}, history unchanged`
    : `✅ Upgraded over ${via}: tracking schema version ${before} → ${now}`;
}

/** What `uninstall` does. */
export async function uninstall(
  { migrator, reporter }: Run,
  flags: GlobalFlags & Asking,
): Promise<Report<JsonDocuments["uninstall"]>> {
  const result = await migrator.uninstall(
    flags.yes ? {} : {
      confirm: () =>
        confirmDestruction(
          migrator.target,
          reporter,
          "This will delete exec_sql, the migration history and the audit log.",
        ),
    },
  );
  return { result, text: formatUninstall(result) };
}

/** What `uninstall` did. */
export function formatUninstall({ removed, copiesLeft }: UninstallResult): string {
  if (!removed) return "✅ There is nothing to take out";
  const gone = "✅ Uninstalled: exec_sql, the history and the log are gone; your tables are not";
  return copiesLeft === 0
    ? gone
    : `${gone}\n🛟 ${copiesLeft} safety ${
      copiesLeft === 1 ? "copy stays" : "copies stay"
    } in the schema supamigrate_backup, which nothing puts back by itself any more. Take what you ` +
      "need, then: drop schema supamigrate_backup cascade;";
}
