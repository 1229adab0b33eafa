/** Collects what a page shows of a project, and makes the page. @module */

import type { Channel } from "../database/channel.ts";
import { explaining } from "../database/explain.ts";
import { type DatabaseState, readState } from "../database/state.ts";
import { SupamigrateError } from "../errors.ts";
import type { Migration } from "../planning/plan.ts";
import { Refusals } from "../planning/refusals.ts";
import { findChanges, leaveOutDone, type TableChange } from "../report/changes.ts";
import type { Part, ReportData, ReportLock, ReportState } from "../report/data.ts";
import type { ReportSchema } from "../report/schema.ts";
import { readCatalogue } from "../schema/catalogue.ts";
import type { OperationContext } from "./context.ts";
import type { DoctorResult } from "./doctor.ts";
import { drift } from "./drift.ts";
import { readHistory } from "./history.ts";
import { measureOnShadow } from "./locks.ts";
import { plan } from "./plan.ts";
import { describeMigrations } from "./report_migrations.ts";
import { findApplied, makeShadow, type ShadowSource } from "./shadow.ts";
import type { LoadedMigrations } from "./source.ts";
import { readStatus, type StatusResult } from "./status.ts";
import { readSchema } from "./tables.ts";
import { validate } from "./validate.ts";

/** Options of `report`. */
export interface ReportOptions {
  /** Whether what is not as the migrations make it is looked for, which takes seconds. */
  readonly drift?: boolean;
  /**
   * Whether pending migrations are run on a shadow, to show what they make and which locks they take.
   * True by default; it takes seconds.
   */
  readonly shadow?: boolean;
  /** Takes secrets out of a text. What looks like a key in the migrations is taken out anyway. */
  readonly redact?: (text: string) => string;
}

/** What `report` made. */
export interface ReportResult {
  /** The page: one file of HTML that needs nothing else. */
  readonly html: string;
  /** What it shows. */
  readonly data: ReportData;
}

/** How many entries of the audit log are shown. */
const MOST_ENTRIES = 1000;

/**
 * Makes a page of a project: where it stands, its migrations, its schema, its log. Changes nothing.
 *
 * @param context What the operation works with.
 * @param examine What `doctor` does.
 * @param options What is looked at.
 * @returns The page, and the data that it shows.
 * @throws {SupamigrateError} The files or the project cannot be read.
 */
export async function report(
  context: OperationContext,
  examine: () => Promise<DoctorResult>,
  { drift = false, shadow = true, redact = (text) => text }: ReportOptions = {},
): Promise<ReportResult> {
  const { instance } = await import("@viz-js/viz");
  const [{ renderPage }, viz] = await Promise.all([import("../report/page.ts"), instance()]);
  const collected = await collect(context, examine, { drift, shadow });
  // All of it may hold what somebody has written into a migration or into the database.
  const { details } = context.hide({ details: collected });
  const data = mapTexts(details, redact) as ReportData;
  return { html: await renderPage(data, viz), data };
}

async function collect(
  context: OperationContext,
  examine: () => Promise<DoctorResult>,
  wanted: { readonly drift: boolean; readonly shadow: boolean },
): Promise<ReportData> {
  // What is doubtful is in the page.
  const quiet: OperationContext = { ...context, onProgress: () => {} };
  const say = (what: string) => context.onProgress({ type: "preparing", what });
  say("Reading the project");
  const refusals = new Refusals();
  const files = await context.load(refusals);
  const status = await readStatus(quiet);
  const channel = explaining(await context.connect());
  const state = await readState(channel, context.target);
  const log = await readHistory(quiet, { limit: MOST_ENTRIES + 1 });
  const live = await readSchema(channel);
  const planned = status.pending.length === 0 ? null : await attempt(() => plan(quiet));
  say("Looking at the files");
  const lint = await attempt(async () => (await validate(quiet, { shadow: false })).findings);
  const doctor = await attempt(async () => (await examine()).findings);
  if (wanted.drift) say("Comparing the project with what its migrations make");
  const drifted = wanted.drift
    ? await attempt(async () => (await findDrift(quiet)).differences)
    : unknown("Not looked for: supamigrate report --drift does");
  if (wanted.shadow && status.pending.length > 0) say("Running what is pending on a shadow");
  const future = await foresee(context, channel, files, state, status, wanted.shadow);
  const known = new Set(live.tables.map(({ id }) => id));
  const added = future.known ? future.value.after.tables.filter(({ id }) => !known.has(id)) : [];
  const tables = [...live.tables, ...added];
  return {
    madeAt: new Date().toISOString(),
    toolVersion: context.tenure.toolVersion,
    project: context.target,
    state: toState(status),
    migrations: await describeMigrations(
      files,
      refusals,
      state,
      status,
      planned?.known ? planned.value : null,
      tables,
    ),
    log: log.slice(0, MOST_ENTRIES).map(({ details, ...entry }) => ({
      ...entry,
      message: entry.result === "failed" ? String(details?.message ?? "failed") : null,
    })),
    logIsCut: log.length > MOST_ENTRIES,
    lint,
    doctor,
    drift: drifted,
    schema: {
      roles: live.roles.length > 0 || !future.known ? live.roles : future.value.after.roles,
      tables,
    },
    changes: future.known
      ? { known: true, value: leaveOutDone(future.value.changes, live, future.value.after) }
      : future,
    locks: future.known ? { known: true, value: future.value.locks } : future,
  };
}

const findDrift = drift;

function unknown(reason: string): { readonly known: false; readonly reason: string } {
  return { known: false, reason };
}

/** What cannot be found out is a gap in the page, and no reason to have none. */
async function attempt<Value>(work: () => Promise<Value>): Promise<Part<Value>> {
  try {
    return { known: true, value: await work() };
  } catch (error) {
    if (!(error instanceof SupamigrateError)) throw error;
    return unknown(error.message);
  }
}

interface Future {
  readonly after: ReportSchema;
  readonly changes: readonly TableChange[];
  readonly locks: readonly ReportLock[];
}

/** Finds what pending migrations do, on a shadow that has the applied ones. */
async function foresee(
  source: ShadowSource,
  channel: Channel,
  files: LoadedMigrations,
  state: DatabaseState,
  { pending }: StatusResult,
  isWanted: boolean,
): Promise<Part<Future>> {
  if (pending.length === 0) {
    return { known: true, value: { after: { roles: [], tables: [] }, changes: [], locks: [] } };
  }
  if (!isWanted) return unknown("pending migrations were not run on a shadow");
  const names = new Set(pending.map(({ name }) => name));
  const { migrations: applied } = findApplied(files, state);
  // What is applied in another version runs again, on what that one has made.
  const next: Migration[] = files.migrations.filter((migration) =>
    names.has(migration.name) && !applied.includes(migration)
  );
  return await attempt(async () => {
    const shape = readCatalogue((sql) => channel.run(sql));
    await using shadow = await makeShadow(source, applied, shape);
    const before = await readSchema(shadow.channel);
    const { statements } = await measureOnShadow(shadow, channel, applied, next);
    const after = await readSchema(shadow.channel);
    return { after, changes: findChanges(before, after), locks: statements };
  });
}

function toState(status: StatusResult): ReportState {
  const { lock, activity, missing, refusals, warnings } = status;
  return {
    upToDate: status.upToDate,
    totalFiles: status.totalFiles,
    executed: status.executed,
    lastBatch: status.lastBatch,
    lock: lock.isLocked ? { holder: lock.holder, ageMs: lock.ageMs ?? 0 } : null,
    running: activity?.running ?? null,
    warnings: [
      ...warnings,
      ...missing.map((name) => `${name} is applied, and its file is gone`),
      ...refusals.map(({ message, position: { file, line } }) =>
        `Cannot be sent as it is: ${file}${line === undefined ? "" : ` line ${line}`}: ${message}`
      ),
    ],
  };
}

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapTexts(item, map)]),
  );
}
