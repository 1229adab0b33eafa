/** The view of the audit log: who did what, and when. @module */

import type { ReportData, ReportEntry } from "./data.ts";
import { type Html, markup } from "./html.ts";
import { badge, brief, count, duration, grid, migrationLink, time } from "./parts.ts";

/** The view. */
export function viewLog({ log, logIsCut, migrations }: ReportData): Html {
  if (log.length === 0) return markup`<p class="lead">The audit log has no entries yet.</p>`;
  const known = new Set(migrations.map(({ name }) => name));
  return markup`
    <p class="lead">${
    logIsCut
      ? `The newest ${count(log.length, "entry", "entries")}`
      : count(log.length, "entry", "entries")
  } of the audit log, newest first.</p>
    ${
    grid(
      "Audit log",
      ["#Entry", "When", "What", "Migration", "#Batch", "Result", "#Took", "Who", "With"],
      log.map((entry) => [
        entry.id,
        time(entry.loggedAt),
        entry.action,
        entry.migration !== null && known.has(entry.migration)
          ? migrationLink(entry.migration)
          : entry.migration,
        entry.batch,
        viewResult(entry),
        entry.executionTimeMs !== null && duration(entry.executionTimeMs),
        entry.actor,
        entry.toolVersion,
      ]),
    )
  }
  `;
}

function viewResult({ result, message }: ReportEntry): Html {
  if (result === "ok") return badge("good", "ok");
  return markup`${badge("bad", "failed")} ${brief(message ?? "")}`;
}
