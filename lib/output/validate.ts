/** What `validate` does and prints. @module */

import type { Finding, Level } from "../lint/finding.ts";
import type { ValidateResult } from "../operations/validate.ts";
import { VERSION } from "../version.ts";
import type { Flag, GlobalFlags, Report, Run } from "./actions.ts";
import { EXIT_CODES } from "./errors.ts";
import { indent, line } from "./neutral.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `validate`. */
export interface ValidateFlags extends GlobalFlags {
  format: "text" | "json" | "github" | "sarif";
  strict?: Flag;
}

/** How many findings a text shows, unless everything is asked for. */
const SHOWN = 100;

const SIGNS: Readonly<Record<Level, string>> = { error: "❌", warn: "⚠️ ", info: "ℹ️ " };

/** What `validate` does. */
export async function validate(
  { migrator, reporter, folder }: Run,
  flags: ValidateFlags,
  names: readonly string[],
): Promise<Report<JsonDocuments["validate"] | object>> {
  const result = await migrator.validate({
    shadow: flags.shadow !== false,
    ...(names.length === 0 ? {} : { names }),
  });
  for (const { level, code, message, file, line, column } of result.findings) {
    if (level === "info" && !flags.verbose) continue;
    reporter.annotate(
      `${message} (${code})`,
      { file, line, ...(column === undefined ? {} : { column }) },
      level === "error" ? "error" : level === "warn" ? "warning" : "notice",
      ...(flags.format === "github" ? [folder] : []),
    );
  }
  const isValid = result.errors === 0 && (!flags.strict || result.warnings === 0);
  return {
    result: flags.format === "sarif"
      ? (await import("./sarif.ts")).toSarif(result.findings, folder, VERSION)
      : { valid: isValid, ...result },
    text: flags.format === "github"
      ? summarize(result, !!flags.verbose)
      : formatFindings(result, flags),
    code: isValid ? EXIT_CODES.done : EXIT_CODES.failed,
  };
}

/** Whoever wants errors alone gets those, and warnings where they count as such. */
function formatFindings(
  result: ValidateResult,
  { verbose = false, quiet, strict }: ValidateFlags,
): string {
  const isTold = ({ level }: Finding) =>
    verbose || level === "error" || (level === "warn" && (!quiet || !!strict));
  const told = result.findings.filter(isTold);
  const shown = verbose ? told : told.slice(0, SHOWN);
  const left = told.length - shown.length;
  const explained = new Set<string>();
  const lines = shown.flatMap((finding) => {
    const isFirst = !explained.has(finding.code);
    explained.add(finding.code);
    return [...formatFinding(finding, isFirst), ""];
  });
  return [
    ...lines,
    ...(left > 0 ? [`… and ${left} more (--verbose shows all)`, ""] : []),
    summarize(result, !!verbose),
    ...(shown.length === 0 ? [] : [
      "💡 What is meant to be so is accepted by a comment above its statement: " +
      "-- supamigrate: allow CODE reason",
    ]),
  ].join("\n");
}

/** Why and what to do is said the first time. */
function formatFinding(
  { level, code, file, line: number, column, message, reason, remedy }: Finding,
  isFirst: boolean,
): string[] {
  const where = [file, number, column].filter((it) => it !== undefined).join(":");
  return [
    line`${SIGNS[level]} ${message} [${code}]`,
    line`   at ${where}`,
    ...(isFirst ? [`   ${indent(reason, 3)}`, `   💡 ${indent(remedy, 6)}`] : []),
  ];
}

function summarize({ files, errors, warnings, infos }: ValidateResult, verbose: boolean): string {
  const counted = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;
  const looked = counted(files, "migration");
  const more = infos === 0 || verbose ? "" : `; ${infos} more worth knowing (--verbose)`;
  if (errors === 0 && warnings === 0) return `✅ ${looked} looked at, nothing wrong${more}`;
  const found = [
    ...(errors === 0 ? [] : [counted(errors, "error")]),
    ...(warnings === 0 ? [] : [counted(warnings, "warning")]),
  ].join(" and ");
  return `${errors === 0 ? "⚠️ " : "❌"} ${looked} looked at: ${found}${more}`;
}
