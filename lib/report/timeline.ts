/** How long migrations took, one after the other, as bars. @module */

import type { ReportEntry } from "./data.ts";
import { anchor, type Html, join, markup } from "./html.ts";
import { count, duration } from "./parts.ts";

/** How many bars are told apart at a glance. */
const MOST = 120;

const WIDTH = 1200;
const HEIGHT = 170;
const LEFT = 56;
const TOP = 12;
const BOTTOM = 30;
const PLOT = HEIGHT - TOP - BOTTOM;

/** How many of the last ones are set against those before them. */
const LATEST = 10;

/**
 * Draws the durations of what the log has. A table of the same entries is the log itself.
 *
 * @param log Its entries, newest first.
 */
export function drawTimeline(log: readonly ReportEntry[]): Html {
  const runs = log.filter(({ action, migration, executionTimeMs }) =>
    (action === "apply" || action === "rollback") && migration !== null && executionTimeMs !== null
  ).slice(0, MOST).reverse();
  if (runs.length === 0) return join([]);
  const longest = Math.max(10, ...runs.map(({ executionTimeMs }) => executionTimeMs!));
  // From 1 ms on, each step ten times as long as the one before: minutes beside milliseconds.
  const height = (ms: number) =>
    Math.max(3, PLOT * Math.log10(Math.max(1, ms)) / Math.log10(longest));
  const step = Math.min(36, (WIDTH - LEFT) / runs.length);
  const x = (index: number) => Math.round((LEFT + index * step) * 10) / 10;
  const bar = Math.max(2, Math.round(step * 7) / 10);
  const ticks = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000].filter((ms) => ms <= longest);
  const y = (ms: number) => Math.round(HEIGHT - BOTTOM - height(ms));
  return markup`
    <figure class="timeline">
      <figcaption><h2>Durations</h2><p>${describeTrend(runs)}</p></figcaption>
      <div class="scroll">
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="group" aria-label="Durations of the last ${
    count(runs.length, "run")
  }">
        ${
    ticks.map((ms) =>
      markup`<g class="tick"><path d="M${LEFT} ${y(ms)}H${WIDTH}"/><text x="${LEFT - 8}" y="${
        y(ms) + 4
      }" text-anchor="end">${duration(ms)}</text></g>`
    )
  }
        ${drawBatches(runs, x, step)}
        ${
    runs.map(({ migration, action, result, executionTimeMs, loggedAt, actor }, index) =>
      markup`
      <a href="#${anchor("migration", migration!)}" class="${
        result === "failed" ? "failed" : action
      }">
        <title>${
        [
          migration,
          `${action} ${result}, ${duration(executionTimeMs!)}`,
          `${loggedAt.slice(0, 16).replace("T", " ")}${actor === null ? "" : `, ${actor}`}`,
        ].join("\n")
      }</title>
        <rect x="${x(index)}" y="${TOP}" width="${bar}" height="${PLOT}" class="hit"/>
        <rect x="${x(index)}" y="${y(executionTimeMs!)}" width="${bar}" height="${
        Math.round(height(executionTimeMs!))
      }" rx="1.5"/>
      </a>`
    )
  }
      </svg>
      </div>
      <p class="legend"><span class="key apply">applied</span><span class="key rollback">rolled back</span>
      <span class="key failed">failed</span></p>
    </figure>
  `;
}

/** The batches under the bars, as far as there is room for their numbers. */
function drawBatches(
  runs: readonly ReportEntry[],
  x: (index: number) => number,
  step: number,
): Html[] {
  const found: { batch: number; from: number; to: number }[] = [];
  for (const [index, { batch }] of runs.entries()) {
    const last = found.at(-1);
    if (batch === null) continue;
    if (last?.batch === batch && last.to === index - 1) last.to = index;
    else found.push({ batch, from: index, to: index });
  }
  return found.map(({ batch, from, to }, index) => {
    const [left, right] = [x(from), x(to) + step * 0.7];
    const text = `${index === 0 ? "batch " : ""}${batch}`;
    return markup`<g class="batch"><path d="M${left} ${HEIGHT - BOTTOM + 6}H${right.toFixed(1)}"/>${
      right - left > text.length * 7 - 14 &&
      markup`<text x="${left}" y="${HEIGHT - 8}">${text}</text>`
    }</g>`;
  });
}

function describeTrend(runs: readonly ReportEntry[]): string {
  const applied = runs.filter(({ action, result }) => action === "apply" && result === "ok")
    .map(({ executionTimeMs }) => executionTimeMs!);
  const failed = runs.filter(({ result }) => result === "failed").length;
  const says = [`${count(runs.length, "run")} of migrations`];
  if (failed > 0) says.push(`${failed} failed`);
  if (applied.length > 0) says.push(`half of them took up to ${duration(median(applied))}`);
  if (applied.length >= 2 * LATEST) {
    says.push(
      `of the last ${LATEST}, up to ${
        duration(median(applied.slice(-LATEST)))
      }; of those before, ` +
        `up to ${duration(median(applied.slice(0, -LATEST)))}`,
    );
  }
  return says.join(", ");
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
}
