/** The first view of a page: where the project stands. @module */

import type { Part, ReportData, ReportEntry, ReportMigration } from "./data.ts";
import { type Content, type Html, markup } from "./html.ts";
import {
  badge,
  brief,
  code,
  count,
  duration,
  grid,
  list,
  migrationLink,
  time,
  type Tone,
} from "./parts.ts";
import { drawTimeline } from "./timeline.ts";

/** What pending migrations are pending for, in words. */
const REASONS: Readonly<Record<string, string>> = {
  not_executed: "not applied yet",
  checksum_mismatch: "changed since the last attempt",
  failed_previously: "failed at the last attempt",
  rolled_back: "rolled back",
};

/** Says why a migration is pending. */
export function explainReason(reason: string | null): string {
  return reason === null ? "" : REASONS[reason] ?? reason;
}

/** In a few words, and whether that is how it should be. */
export function describeState({ state, migrations }: ReportData): { tone: Tone; says: string } {
  if (!state.upToDate) return { tone: "warn", says: "Not up to date" };
  const gone = migrations.filter(({ state }) => state === "file is gone").length;
  if (gone === 0) return { tone: "good", says: "Up to date" };
  return {
    tone: "warn",
    says: `Nothing pending, ${count(gone, "file is gone", "files are gone")}`,
  };
}

/** The view. */
export function viewOverview(data: ReportData): Html {
  const { state, migrations, lint, doctor, drift } = data;
  const pending = migrations.filter(({ state }) => state === "pending");
  return markup`
    <div class="cards">
      ${stateCard(data, pending)}
      ${lockCard(data)}
      ${lastRunCard(data)}
      ${
    card(
      "Schema",
      "plain",
      count(data.schema.tables.filter(({ kind }) => kind.endsWith("table")).length, "table"),
      [
        markup`<a href="#diagram">Diagram</a> · <a href="#tables">Tables</a> · <a href="#policies">Policies</a>`,
      ],
    )
  }
      ${
    partCard(
      "Drift",
      drift,
      (found) => found.length === 0,
      "No difference",
      (found) => count(found.length, "difference"),
      "#drift",
    )
  }
      ${lintCard(data)}
      ${
    partCard(
      "Installation",
      doctor,
      (found) => found.length === 0,
      "Healthy",
      (found) => count(found.length, "finding"),
      "#doctor",
    )
  }
    </div>
    ${
    state.warnings.length > 0 && markup`
      <h2>Warnings</h2>${list(state.warnings.map(brief))}
    `
  }
    ${
    pending.length > 0 && grid(
      "Pending migrations",
      ["Migration", "Why", "#Statements", "Undone by", "Last error"],
      pending.map(({ name, reason, plan, rollback, error }) => [
        migrationLink(name),
        explainReason(reason),
        plan?.statements ?? "",
        rollback === null ? "nothing" : rollback.file === name ? "its own section" : rollback.file,
        error && brief(error.message),
      ]),
    )
  }
    ${drawTimeline(data.log)}
    ${drift.known && drift.value.length > 0 && viewDrift(drift.value)}
    ${lint.known && lint.value.length > 0 && viewLint(lint.value)}
    ${doctor.known && doctor.value.length > 0 && viewDoctor(doctor.value)}
  `;
}

function card(title: string, tone: Tone, value: Content, notes: readonly Content[] = []): Html {
  return markup`
    <section class="card ${tone}">
      <h2>${title}</h2>
      <p class="value">${value}</p>
      ${notes.map((note) => markup`<p>${note}</p>`)}
    </section>
  `;
}

function stateCard(data: ReportData, pending: readonly ReportMigration[]): Html {
  const { upToDate, executed, totalFiles, lastBatch } = data.state;
  const { tone, says } = describeState(data);
  const facts = `${executed} applied of ${count(totalFiles, "file")}, last batch ${lastBatch}`;
  if (upToDate) return card("State", tone, says, [facts]);
  const reasons = Map.groupBy(pending, ({ reason }) => explainReason(reason));
  return card(
    "State",
    pending.some(({ error }) => error !== null) ? "bad" : tone,
    pending.length === 0 ? says : `${pending.length} pending`,
    [...[...reasons].map(([reason, of]) => `${of.length} ${reason}`), facts],
  );
}

function lockCard({ state: { lock, running } }: ReportData): Html {
  if (lock === null) return card("Lock", "good", "Free");
  return card("Lock", "warn", "Held", [
    `by ${lock.holder ?? "another run"} for ${duration(lock.ageMs)}`,
    running !== null && `Running: ${running}`,
  ]);
}

/** Entries of one run have their batch and their actor in common. */
function lastRunCard({ log }: ReportData): Html {
  const [last] = log.filter(isRun);
  if (last === undefined) return card("Last run", "plain", "None yet");
  const entries = log.filter((entry) =>
    isRun(entry) && entry.action === last.action && entry.batch === last.batch
  );
  const failed = entries.some(({ result }) => result === "failed");
  const total = entries.reduce((sum, { executionTimeMs }) => sum + (executionTimeMs ?? 0), 0);
  const done = last.action === "rollback" ? "Rolled back" : "Succeeded";
  return card("Last run", failed ? "bad" : "good", failed ? "Failed" : done, [
    `${last.action} of ${count(entries.length, "migration")}, ${duration(total)}`,
    time(last.loggedAt),
    last.actor !== null && `by ${last.actor}`,
  ]);
}

function isRun({ action }: ReportEntry): boolean {
  return action === "apply" || action === "rollback";
}

function partCard<Value>(
  title: string,
  part: Part<Value>,
  isGood: (value: Value) => boolean,
  good: string,
  otherwise: (value: Value) => string,
  link: string,
): Html {
  if (!part.known) return card(title, "plain", "Not known", [brief(part.reason)]);
  return isGood(part.value)
    ? card(title, "good", good)
    : card(title, "bad", markup`<a href="${link}">${otherwise(part.value)}</a>`);
}

function lintCard({ lint }: ReportData): Html {
  if (!lint.known) return card("Files", "plain", "Not known", [brief(lint.reason)]);
  const of = (level: string) => lint.value.filter((one) => one.level === level).length;
  const [errors, warnings, infos] = [of("error"), of("warn"), of("info")];
  const tone = errors > 0 ? "bad" : warnings > 0 ? "warn" : "good";
  if (lint.value.length === 0) return card("Files", tone, "Nothing found");
  return card("Files", tone, markup`<a href="#lint">${count(errors, "error")}</a>`, [
    `${count(warnings, "warning")}, ${infos} worth knowing`,
  ]);
}

const MARKS = {
  added: "in the project alone",
  removed: "in the migrations alone",
  changed: "differs",
};

function viewDrift(differences: NonNullable<Known<ReportData["drift"]>>): Html {
  return markup`<div id="drift">${
    grid(
      "Not as the migrations make it",
      ["Object", "How", "Details"],
      differences.map((one) => [
        `${one.kind} ${one.name}`,
        MARKS[one.change],
        list(one.details),
      ]),
    )
  }</div>`;
}

type Known<P> = P extends { known: true; value: infer Value } ? Value : never;

const LEVELS = { error: "bad", warn: "warn", info: "plain" } as const;

function viewLint(findings: Known<ReportData["lint"]>): Html {
  return markup`<div id="lint">${
    grid(
      "What validate finds in the files",
      ["Level", "Where", "What", "What to do"],
      findings.map(({ level, file, line, message, code, reason, remedy }) => [
        badge(LEVELS[level], level),
        markup`<span class="nowrap">${migrationLink(file)}:${line}</span>`,
        markup`${message} <span class="muted">(${code})</span><p class="muted">${reason}</p>`,
        remedy,
      ]),
    )
  }</div>`;
}

function viewDoctor(problems: Known<ReportData["doctor"]>): Html {
  return markup`<div id="doctor">${
    grid(
      "What doctor finds",
      ["Problem", "How to mend it"],
      problems.map(({ problem, why, mend }) => [
        markup`<strong>${problem}</strong><p class="muted">${why}</p>`,
        markup`${mend.advice && markup`<p>${mend.advice}</p>`}${mend.sql && code(mend.sql)}${
          mend.command && markup`<p><code>${mend.command}</code></p>`
        }`,
      ]),
    )
  }</div>`;
}
