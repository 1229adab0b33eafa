/** What `bundle` does, and what it prints. @module */

import { bundle as makeBundle } from "../operations/bundle.ts";
import type { BundleResult } from "../operations/bundle.ts";
import type { MigratorOptions } from "../migrator.ts";
import { VERSION } from "../version.ts";
import type { Flag, GlobalFlags, Report, Run } from "./actions.ts";
import { EXIT_CODES } from "./errors.ts";
import { line } from "./neutral.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `bundle`. */
export interface BundleFlags extends GlobalFlags {
  out?: string;
  check?: Flag;
  dryRun?: Flag;
}

/**
 * Makes an edge function of the migrations.
 *
 * @param run What actions work with.
 * @param flags The flags.
 * @param options Which migrations.
 */
export async function bundle(
  { reporter }: Run,
  { out, check, dryRun }: BundleFlags,
  { migrations = "migrations", order }: Pick<MigratorOptions, "migrations" | "order">,
): Promise<Report<JsonDocuments["bundle"]>> {
  const result = await makeBundle(migrations, VERSION, {
    ...(out === undefined ? {} : { out }),
    ...(order === undefined ? {} : { order }),
    check: !!check || !!dryRun,
  });
  for (const message of result.warnings) reporter.onProgress({ type: "notice", message });
  const isStale = !!check && !result.upToDate;
  return {
    result: { success: !isStale, ...result },
    text: isStale
      ? line`❌ ${result.path} is not up to date: run supamigrate bundle`
      : format(result, !!dryRun),
    code: isStale ? EXIT_CODES.failed : EXIT_CODES.done,
  };
}

function format(
  { name, path, upToDate, bytes, migrations, needPgCron }: BundleResult,
  dryRun: boolean,
): string {
  const count = `${migrations.length} migration${migrations.length === 1 ? "" : "s"}`;
  const size = `${Math.ceil(bytes / 1024)} KB`;
  return [
    upToDate
      ? line`✅ ${path} is up to date: ${count}, ${size}`
      : dryRun
      ? line`📦 Would write ${path}: ${count}, ${size}`
      : line`📦 Wrote ${path}: ${count}, ${size}`,
    ...(needPgCron.length === 0 ? [] : [
      line`⚠️  ${needPgCron.join(", ")}: over the API this runs through pg_cron alone ` +
      "(create extension pg_cron)",
    ]),
    ...(dryRun ? [] : [line`💡 Deploy it: supabase functions deploy ${name} --no-verify-jwt`]),
  ].join("\n");
}
