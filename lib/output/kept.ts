/** What is printed of rows that were kept before they were destroyed, and what is asked. @module */

import { formatBytes } from "../bytes.ts";
import { formatCount } from "../count.ts";
import type { CopySurvey, KeptRows, PutBack } from "../operations/safety_copies.ts";
import { line } from "./neutral.ts";
import { ask, isYes } from "./prompt.ts";
import type { Reporter } from "./terminal.ts";

/** How many tables a question names. */
const NAMED = 10;

/**
 * Asks whether more may be kept than goes without asking.
 *
 * @param reporter Asks.
 * @param survey What it would come to.
 * @returns Whether the answer was yes.
 */
export async function confirmCopies(
  reporter: Reporter,
  { tables, bytes }: CopySurvey,
): Promise<boolean> {
  const names = tables.slice(0, NAMED).map((table) =>
    line`  🛟 ${table.name}, ${formatBytes(table.bytes)}`
  );
  if (tables.length > NAMED) names.push(`  … and ${tables.length - NAMED} more`);
  reporter.warn(
    `⚠️  What the migrations destroy is kept in the database before, up to ${
      formatBytes(bytes)
    }:\n${names.join("\n")}\n`,
  );
  return isYes(
    await ask(reporter, "Copy that, and go on? (yes/no; --safety-copy never copies nothing): "),
  );
}

/** What a migration's result says of rows that were kept. */
export function formatKept(kept: readonly KeptRows[]): string[] {
  return kept.map(({ rows, relation, copy, kind }) =>
    line`     🛟 ${kind === "values" ? "old values of " : ""}${formatCount(rows)} ${
      rows === 1 ? "row" : "rows"
    } of ${relation} kept in supamigrate_backup.${copy}`
  );
}

/** What a rollback's result says of rows that were kept. */
export function formatPutBack(results: readonly PutBack[]): string[] {
  return results.map(({ rows, relation, copy, putBack, reason }) =>
    reason === null
      ? line`     🛟 ${formatCount(putBack)} ${
        putBack === 1 ? "row" : "rows"
      } of ${relation} put back`
      : line`     ⚠️  ${putBack} of ${rows} ${
        rows === 1 ? "row" : "rows"
      } of ${relation} put back: ${reason}` +
        (reason === "the copy is gone"
          ? ""
          : line`. ${
            nameOthers(rows, putBack)
          } in supamigrate_backup.${copy}: supamigrate backups ` +
            line`show ${copy} says how to have ${rows - putBack === 1 ? "it" : "them"} back`)
  );
}

function nameOthers(rows: number, putBack: number): string {
  const isOne = rows - putBack === 1;
  if (putBack === rows) return "Its values are";
  if (putBack === 0) return isOne ? "It is" : "All are";
  return isOne ? "The other is" : "The others are";
}
