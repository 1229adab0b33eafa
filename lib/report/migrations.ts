/** The view of migrations: each opens with its SQL and all that is known of it. @module */

import type { ReportData, ReportMigration, ReportSql } from "./data.ts";
import { shortenSaid } from "../shorten.ts";
import { anchor, type Html, markup } from "./html.ts";
import { explainReason } from "./overview.ts";
import {
  badge,
  brief,
  code,
  count,
  duration,
  grid,
  list,
  tableLink,
  time,
  type Tone,
} from "./parts.ts";

const TONES: Readonly<Record<ReportMigration["state"], Tone>> = {
  applied: "good",
  pending: "warn",
  "file is gone": "bad",
  unfit: "bad",
};

/** The view. */
export function viewMigrations(data: ReportData): Html {
  return markup`
    <p class="lead">${
    count(data.migrations.length, "migration")
  }, in the order in which they are applied.</p>
    <div class="items">${data.migrations.map((migration) => viewMigration(migration, data))}</div>
  `;
}

function viewMigration(migration: ReportMigration, data: ReportData): Html {
  const { name, state, reason, batch, executedAt, executionTimeMs, error, sql, rollback } =
    migration;
  const tone = error !== null ? "bad" : TONES[state];
  const why = error !== null ? "failed" : state;
  return markup`
    <details id="${anchor("migration", name)}" data-item class="item">
      <summary>
        <span class="name">${name}</span>
        ${badge(tone, why)}
        <span class="facts">${batch !== null && markup`<span>batch ${batch}</span>`}${
    executionTimeMs !== null && markup`<span>${duration(executionTimeMs)}</span>`
  }${executedAt !== null && markup`<span>${time(executedAt)}</span>`}</span>
      </summary>
      <div class="body">
        ${reason !== null && markup`<p>Pending: ${explainReason(reason)}.</p>`}
        ${error !== null && viewError(migration)}
        ${viewTables(migration)}
        ${viewPlan(migration, data)}
        ${viewFindings(migration, data)}
        ${viewEntries(migration, data)}
        ${sql === null ? markup`<p>There is no file of that name.</p>` : viewSql("SQL", sql, true)}
        ${
    rollback === null
      ? markup`<p class="muted">Nothing in the files undoes it.</p>`
      : viewSql(`Rollback, ${rollback.file} from line ${rollback.line}`, rollback, false)
  }
      </div>
    </details>
  `;
}

/** Where errors are as a whole. */
const ALL_SAID = "supamigrate history --json has all of it";

function viewError({ error }: ReportMigration): Html {
  const { code, message, detail, hint, line } = error!;
  return markup`
    <div class="note bad"><strong>${
    shortenSaid(message, ALL_SAID)
  }</strong> <span class="muted">(${code}${line !== undefined && `, line ${line}`})</span>${
    detail && markup`<p>${shortenSaid(detail, ALL_SAID)}</p>`
  }${hint && markup`<p>${shortenSaid(hint, ALL_SAID)}</p>`}</div>
  `;
}

function viewTables({ tables }: ReportMigration): Html | false {
  if (tables.length === 0) return false;
  const made = tables.filter((table) => table.made);
  const changed = tables.filter((table) => !table.made);
  const links = (of: typeof tables) =>
    of.map(({ id }, index) => markup`${index > 0 && ", "}${tableLink(id)}`);
  return markup`
    ${made.length > 0 && markup`<p>Makes ${links(made)}.</p>`}
    ${changed.length > 0 && markup`<p>Changes ${links(changed)}.</p>`}
  `;
}

function viewPlan({ name, plan }: ReportMigration, { locks }: ReportData): Html | false {
  if (plan === null) return false;
  const { statements, steps, stepsDone, destroys, notices } = plan;
  const own = locks.known ? locks.value.filter(({ migration }) => migration === name) : [];
  return markup`
    <h3>What migrate would do</h3>
    ${
    list([
      `${count(statements, "statement")} in ${count(steps.length, "step")}${
        stepsDone > 0 ? `, ${stepsDone} of them done` : ""
      }`,
      ...steps.flatMap(({ outside }) =>
        outside === null ? [] : [`${outside} runs outside a transaction`]
      ),
      ...destroys.map(({ line, what }) => markup`${badge("bad", "destroys")} line ${line} ${what}`),
      ...notices,
    ])
  }
    ${
    own.length > 0 &&
    grid(
      "Locks on tables that are there",
      ["#Line", "Statement", "Tables", "Keeps waiting"],
      own.map(
        ({ line, sql, locks, blocks, held }) => [
          line,
          markup`<code>${sql}</code>`,
          locks.map(({ table, lock }, index) => `${index > 0 ? "; " : ""}${table}: ${lock}`),
          blocks === "nobody" ? "nobody" : `${blocks}, for ${held}`,
        ],
      ),
      "part",
    )
  }
  `;
}

function viewFindings({ name, rollback }: ReportMigration, { lint }: ReportData): Html | false {
  if (!lint.known) return false;
  const own = lint.value.filter(({ file }) => file === name || file === rollback?.file);
  return own.length > 0 && markup`
    <h3>What validate finds</h3>
    ${
    list(
      own.map(({ level, line, message, code }) => `Line ${line}: ${message} (${level}, ${code})`),
    )
  }
  `;
}

function viewEntries({ name }: ReportMigration, { log }: ReportData): Html | false {
  const own = log.filter(({ migration }) => migration === name);
  return own.length > 0 &&
    grid(
      "In the audit log",
      ["#Entry", "When", "What", "Result", "#Took", "Who"],
      own.map((entry) => [
        entry.id,
        time(entry.loggedAt),
        entry.action,
        entry.message === null ? entry.result : brief(entry.message),
        entry.executionTimeMs !== null && duration(entry.executionTimeMs),
        entry.actor,
      ]),
      "part",
    );
}

/** A browser takes its time for more than this, and a reader too. */
const MOST = 400_000;

function viewSql(title: string, { text }: ReportSql, open: boolean): Html {
  const cut = text.length > MOST;
  return markup`
    <details class="source"${open && " open"}>
      <summary><h3>${title}</h3></summary>
      ${code((cut ? text.slice(0, MOST).replace(/[^\n]*$/, "") : text).replace(/^\s*\n|\s+$/g, ""))}
      ${cut && markup`<p class="note warn">The rest of it is in the file.</p>`}
    </details>
  `;
}
