/** What is going on in a database, in words. Pure functions. @module */

import { formatCount } from "../count.ts";
import type { Activity, ActivityProgress, Blocker } from "../database/state.ts";
import { formatDuration } from "../duration.ts";
import type { ProgressEvent } from "../operations/progress.ts";
import { shorten } from "../shorten.ts";
import { line } from "./neutral.ts";

/** How many sessions are named. */
const NAMED = 3;

/** A session in one line: `pid 4711 (app_user, psql), idle in transaction for 12 min: update …`. */
export function formatBlocker({ pid, user, application, state, ageMs, query }: Blocker): string {
  const who = [user, application].filter((it) => it !== null).join(", ");
  const since = ageMs === null ? "" : ` for ${formatDuration(ageMs)}`;
  const what = query === null || query === "" ? "" : `: ${shorten(toLine(query), 80)}`;
  return line`pid ${pid}${who === "" ? "" : ` (${who})`}, ${
    state ?? "state unknown"
  }${since}${what}`;
}

/** Those that are in the way, one line each. */
export function formatBlockers(blockers: readonly Blocker[]): string[] {
  const more = blockers.length - NAMED;
  return [
    ...blockers.slice(0, NAMED).map(formatBlocker),
    ...(more > 0 ? [`… and ${more} more`] : []),
  ];
}

/** How far a statement has come: `building index: scanning table, 42 %`. */
export function formatProgress({ phase, relation, done, total, unit }: ActivityProgress): string {
  const amount = total === null
    ? done === 0 ? "" : `, ${format(done, unit)} so far`
    : `, ${Math.min(100, Math.floor(100 * done / total))} % of ${format(total, unit)}`;
  return line`${relation === null ? "" : `${relation}: `}${phase}${amount}`;
}

/** What is going on, in one line; `steps` stands behind its name. */
export function formatActivity(activity: Activity, steps = ""): string {
  const { running, statement, progress, blockedBy: [blocker], blocking } = activity;
  return [
    line`${running}` + steps,
    statement !== undefined && statement.total > 1
      ? ` (statement ${statement.number} of ${statement.total})`
      : "",
    blocker === undefined
      ? progress === undefined ? "" : ` - ${formatProgress(progress)}`
      : line`, waits for ${formatBlocker(blocker)}`,
    blocking === undefined
      ? ""
      : `; ${blocking.sessions} ${blocking.sessions === 1 ? "waits" : "wait"} behind it`,
  ].join("");
}

/** What a step that could not get its locks is told with. */
export function formatRetry(
  { migration, attempt, attempts, pauseMs, blockedBy }: ProgressEvent & { type: "retrying" },
): string {
  const blockers = formatBlockers(blockedBy);
  return [
    line`🔒 ${migration} could not get its locks (attempt ${attempt} of ${attempts}), and was undone; ` +
    `the next attempt comes in ${formatPause(pauseMs)}`,
    ...blockers.map((text) => `   in its way: ${text}`),
  ].join("\n");
}

/** How far a step is that is committed in ranges: `41 % of about 1,000,000 rows of public.orders`. */
export function formatRange({ batch, leftMs, lagMs }: ProgressEvent & { type: "range" }): string {
  const { passed, total, table, affected } = batch;
  const far = total === null || total <= 0 || passed > total
    ? `${formatCount(passed)} rows of ${table}`
    : `${Math.floor(100 * passed / total)} % of about ${formatCount(total)} rows of ${table}`;
  return line`${far}, ${formatCount(affected)} changed` +
    (leftMs === null || leftMs < 1000 ? "" : `, about ${formatDuration(leftMs)} left`) +
    (lagMs === null ? "" : `; waits for replicas, which are ${formatDuration(lagMs)} behind`);
}

function formatPause(ms: number): string {
  return ms < 2000 ? `${ms} ms` : formatDuration(ms);
}

function format(amount: number, unit: ActivityProgress["unit"]): string {
  const count = formatCount(amount);
  switch (unit) {
    case "rows":
      return `${count} rows`;
    case "bytes":
      return `${formatCount(Math.round(amount / 1_048_576))} MB`;
    case "blocks":
      // Of 8 kB, on every server that Supabase runs.
      return `${formatCount(Math.ceil(amount / 128))} MB`;
  }
}

function toLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** What is going on beyond its name, a line each. */
export function formatDetails({ statement, progress, blockedBy, blocking }: Activity): string[] {
  return [
    ...(statement === undefined ? [] : [`statement ${statement.number} of ${statement.total}`]),
    ...(progress === undefined ? [] : [formatProgress(progress)]),
    ...formatBlockers(blockedBy).map((text) => `waits for ${text}`),
    ...(blocking === undefined ? [] : [
      `${blocking.sessions} ${blocking.sessions === 1 ? "session waits" : "sessions wait"} for it`,
    ]),
  ].map((text) => `     ${text}`);
}
