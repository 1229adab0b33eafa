/** What the commands about the Supabase CLI's ledger do and print. @module */

import type { LedgerDifference } from "../planning/ledger.ts";
import type { Asking, GlobalFlags, Report, Run } from "./actions.ts";
import { line } from "./neutral.ts";
import { ask, isYes } from "./prompt.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** How many versions one line names. */
const NAMED = 10;

/**
 * How the ledger differs from the history, a line each.
 *
 * @param difference The difference; null where no ledger is kept.
 * @returns The lines, none where there is no difference.
 */
export function formatLedgerDifference(difference: LedgerDifference | null): string[] {
  if (difference === null) return [];
  const { onlyHere, onlyThere } = difference;
  const list = (title: string, names: readonly string[], hint: string) =>
    names.length === 0 ? [] : [
      line`📒 ${title}: ${names.slice(0, NAMED).join(", ")}${
        names.length > NAMED ? ` and ${names.length - NAMED} more` : ""
      } (${hint})`,
    ];
  return [
    ...list(
      "Applied, and not in the Supabase CLI's ledger",
      onlyHere.map(({ file }) => file),
      "supamigrate repair --ledger records them there",
    ),
    ...list(
      "In the Supabase CLI's ledger alone",
      onlyThere.map(({ version, name, file }) => file ?? `${version} ${name}`.trim()),
      "supamigrate adopt takes over what it has applied",
    ),
  ];
}

/** What `repair --ledger` does. */
export async function repairLedger(
  { migrator, reporter, projects }: Run,
  flags: GlobalFlags & Asking,
): Promise<Report<JsonDocuments["repair"]>> {
  if (!flags.yes) await projects.confirm();
  const result = await migrator.repairLedger({
    confirm: async (difference) => {
      for (const found of formatLedgerDifference(difference)) reporter.warn(found);
      return !!flags.yes || isYes(
        await ask(reporter, "Record these in the Supabase CLI's ledger? (yes/no): "),
      );
    },
  });
  await projects.remember();
  const { recorded, difference: { onlyThere } } = result;
  return {
    result,
    text: recorded.length > 0
      ? line`✅ Recorded in the Supabase CLI's ledger: ${recorded.join(", ")}`
      : [
        "✅ What is applied is in the Supabase CLI's ledger",
        ...formatLedgerDifference({ onlyHere: [], onlyThere }),
      ].join("\n"),
  };
}
