/** What a call may have come to, told from what was there before and is there after it. */

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { Sql } from "../../support/session.ts";
import type { FuzzCall } from "./calls.ts";
import { readHistory, readNewLog, readNewValues, type Tracking } from "./tracking.ts";

/** The answer to a call. */
export type Outcome =
  | { readonly error: { readonly code: string; readonly message: string } }
  | { readonly result: unknown };

/** A call with what was there before and after it. */
export interface Observation {
  readonly call: FuzzCall;
  readonly outcome: Outcome;
  readonly before: Tracking;
  readonly after: Tracking;
}

type Json = Record<string, unknown>;

const STATUSES = {
  acquire: ["acquired", "held", "moved"],
  perform: ["done", "lost", "stale", "unstaged"],
  settle: ["done", "not_done", "lost"],
  stage: ["staged", "lost"],
  unlock: ["unlocked", "moved"],
} as const;

/**
 * Errors that are an answer: values that cannot be read (22), rows that cannot be (23), limits of
 * the server (54), JSON that PostgREST cannot read, and what supamigrate raises itself (SM).
 */
const CLEAN_ERROR = /^(22...|23...|54...|SM...|PGRST102)$/;

/**
 * Says what became of a call, in a word or two.
 *
 * @throws {AssertionError} It came to something that no call may come to.
 */
export async function judge(
  seen: Observation,
  sql: Sql,
  valuesOf: ReadonlyMap<string, string>,
): Promise<string> {
  const { call: { name, params }, outcome, before, after } = seen;
  checkAlways(before, after);
  if ("error" in outcome) {
    assert.match(outcome.error.code, CLEAN_ERROR, outcome.error.message);
    assertSame(before, after, "a call that failed");
    return `${name}: ${outcome.error.code}`;
  }

  const { result } = outcome;
  if (name === "state") {
    const { history, rollbacks } = result as { history: Json[]; rollbacks: Json };
    const names = history.map((row) => String(row.name));
    assert.deepEqual(names.sort(), Object.keys(before.history).sort());
    const rows = await readHistory(sql, Object.keys(rollbacks));
    for (const [name, rollback] of Object.entries(rollbacks)) {
      assert.equal(rollback, rows.get(name)?.rollback_sql);
    }
    assertSame(before, after, "reading the state");
    return name;
  }
  if (name === "readLog") {
    assert.ok((result as Json[]).length <= Object.keys(before.log).length);
    assertSame(before, after, "reading the log");
    return name;
  }
  if (
    name === "watch" || name === "cancel" || name === "cancelAsked" || name === "cancelBlockers"
  ) {
    assertSame(before, after, "watching what runs, of which there is nothing to cancel");
    return name;
  }
  if (
    name === "surveyDrop" || name === "surveyCopies" || name === "readCopies" || name === "ask" ||
    name === "readSeeds" ||
    name === "readHistories"
  ) {
    assertSame(before, after, "looking at what there is");
    return name;
  }

  const { status, sequence } = result as { status: string; sequence?: number };
  assert.ok((STATUSES[name] as readonly string[]).includes(status), `status "${status}"`);
  const call = asObject(params);
  const repeated = field(call, "operation") !== undefined &&
    Object.keys(before.operations).includes(uuid(call.operation) ?? "");
  if (
    ["held", "moved", "lost", "stale", "unstaged"].includes(status) ||
    (status === "done" && repeated)
  ) {
    assertSame(before, after, `"${status}"`);
    return `${name}: ${status}${repeated ? " before" : ""}`;
  }
  if (status === "acquired") checkAcquired(call, before, after);
  else if (status === "unlocked") checkUnlocked(call, before, after);
  else if (status === "staged") {
    checkHolds(call, before);
    assert.equal(after.lock.sequence, before.lock.sequence);
    assertSameBut(before, after, ["lock"]);
  } else if (status === "not_done") {
    checkHolds(call, before);
    const raised = Number(text(call.sequence)) === before.lock.sequence ? 1 : 0;
    assert.equal(after.lock.sequence, before.lock.sequence + raised);
    assert.equal(sequence, after.lock.sequence);
    assertSameBut(before, after, ["lock"]);
  } else {
    const failed = await checkDone(seen, call, sql, valuesOf);
    return `${name}: ${String(call.action)}${failed ? ", failed" : ""}`;
  }
  return `${name}: ${status}`;
}

/** What holds whatever was called. */
function checkAlways(before: Tracking, after: Tracking): void {
  assert.equal(after.trips, 0, "a value was run as SQL");
  assert.equal(after.lockRows, 1);
  assert.equal(after.installation, before.installation);
  const [from, to] = [before.lock, after.lock];
  assert.ok(to.generation >= from.generation, "the generation went down");
  assert.ok(
    to.generation > from.generation || to.sequence >= from.sequence,
    "the sequence went down",
  );
  if (to.is_locked) {
    assert.ok(to.token !== null && (to.lease_ms ?? 0) > 0, "a lock with no token or no lease");
  }
  for (const table of ["log", "operations"] as const) {
    for (const [key, digest] of Object.entries(before[table])) {
      assert.equal(after[table][key], digest, `a row of the ${table} was changed`);
    }
  }
}

function checkAcquired(call: Json, before: Tracking, after: Tracking): void {
  const again = before.lock.is_locked && before.lock.token === uuid(call.token);
  if (again) return assertSame(before, after, "acquired again");
  assert.ok(!before.lock.is_locked || mayExpire(before), "a lock that is held was acquired");
  assert.equal(Number(text(call.generation)), before.lock.generation);
  assert.equal(Number(text(call.sequence)), before.lock.sequence);
  const { expired: _, ...lock } = after.lock;
  assert.deepEqual(lock, {
    is_locked: true,
    locked_by: storedText(call, "holder", 255, lock.locked_by),
    process_id: storedText(call, "process_id", 100, lock.process_id),
    token: uuid(call.token),
    generation: before.lock.generation + 1,
    sequence: 0,
    lease_ms: Number(text(call.lease_ms)),
  });
  const taken = before.lock.is_locked ? 1 : 0;
  assert.equal(Object.keys(after.log).length, Object.keys(before.log).length + taken);
  assertSameBut(before, after, ["lock", "log"]);
}

function checkUnlocked(call: Json, before: Tracking, after: Tracking): void {
  assert.ok(before.lock.is_locked);
  assert.equal(Number(text(call.generation)), before.lock.generation);
  assertFreed(before, after);
  assert.equal(Object.keys(after.log).length, Object.keys(before.log).length + 1);
  assertSameBut(before, after, ["lock", "log"]);
}

/** Looks at everything that an operation may have changed. Returns whether a migration failed. */
async function checkDone(
  { outcome, before, after }: Observation,
  call: Json,
  sql: Sql,
  valuesOf: ReadonlyMap<string, string>,
): Promise<boolean> {
  checkHolds(call, before);
  assert.equal(Number(text(call.sequence)), before.lock.sequence);
  assert.deepEqual(
    Object.keys(after.operations).filter((id) => !(id in before.operations)),
    [uuid(call.operation)],
  );
  if (call.action === "release") assertFreed(before, after);
  else {
    assert.equal(after.lock.generation, before.lock.generation);
    assert.equal(after.lock.sequence, before.lock.sequence + 1);
  }

  const { reply } = (outcome as { result: Json }).result as { reply: Json };
  const results = (reply.results ?? []) as { success: boolean; error?: Json }[];
  const undone = text(call.atomic) === "true" && results.some(({ success }) => !success);
  const migrations = list(call.action === "revert" ? [call.migration] : call.migrations);
  const lasting = results.map(({ success }) => success && !undone);

  const expectedValues = migrations
    .filter((_, index) => lasting[index])
    .flatMap((migration) => [...list(migration.undo), ...list(migration.statements)])
    .flatMap((statement) => valuesOf.get(String((statement as unknown as unknown[])[1])) ?? []);
  assert.equal(after.values, before.values + expectedValues.length, "the number of values");
  assert.deepEqual(await readNewValues(sql, expectedValues.length), expectedValues);

  const entries = await readNewLog(
    sql,
    Object.keys(after.log).length - Object.keys(before.log).length,
  );
  for (const entry of entries) {
    assert.equal(entry.actor, storedText(call, "holder", Infinity, entry.actor));
    assert.equal(
      entry.tool_version,
      storedText(call, "tool_version", Infinity, entry.tool_version),
    );
    assert.equal(entry.operation_id, uuid(call.operation));
  }
  await checkHistory(call, before, after, migrations, lasting, sql);

  const failures = results.filter(({ success }) => !success);
  for (const { error } of failures) {
    assert.match(String(error?.code), /^[0-9A-Z]{5}$/);
    assert.equal(typeof error?.message, "string");
  }
  return failures.length > 0;
}

/** Of the history only rows of the call's migrations have changed, to what the call says. */
async function checkHistory(
  call: Json,
  before: Tracking,
  after: Tracking,
  migrations: readonly Json[],
  lasting: readonly boolean[],
  sql: Sql,
): Promise<void> {
  const named = [...migrations, ...list(call.refresh), ...list([call.migration])]
    .map(({ name }) => name);
  // What is no text is stored as PostgreSQL writes it.
  const otherNames = named.some((name) => typeof name !== "string") ? /^[[{\dtf-]/ : /^(?!)/;
  const all = new Set([...Object.keys(before.history), ...Object.keys(after.history)]);
  if (call.action !== "drop") {
    for (const name of all) {
      if (named.includes(name) || otherNames.test(name)) continue;
      assert.equal(after.history[name], before.history[name], `the row of ${name} was changed`);
    }
  }

  let stored: readonly Json[] = [];
  if (call.action === "apply") stored = migrations.filter((_, index) => lasting[index]);
  if (call.action === "baseline") stored = migrations;
  if (call.action === "repair" && call.mark === "applied") stored = list([call.migration]);
  // Of several of one name the last one counts.
  const last = new Map(stored.map((migration) => [migration.name, migration]));
  const names = [...last.keys()].filter((name) => typeof name === "string");
  const rows = await readHistory(sql, names);
  for (const name of names) {
    const [migration, row] = [last.get(name), rows.get(name)];
    assert.ok(row, `no row of ${name}`);
    for (
      const [column, field] of [
        ["applied_checksum", "checksum"],
        ["rollback_sql", "rollback_sql"],
      ] as const
    ) {
      const given = migration?.[field];
      if (typeof given === "string") assert.equal(row[column], given);
    }
  }
}

function checkHolds(call: Json, { lock }: Tracking): void {
  assert.ok(lock.is_locked);
  assert.equal(uuid(call.token), lock.token);
  assert.equal(Number(text(call.generation)), lock.generation);
}

function assertFreed(before: Tracking, after: Tracking): void {
  assert.equal(after.lock.is_locked, false);
  assert.equal(after.lock.generation, before.lock.generation + 1);
  assert.equal(after.lock.sequence, 0);
}

function assertSame(before: Tracking, after: Tracking, what: string): void {
  const timeless = ({ lock: { expired: _, ...lock }, ...rest }: Tracking) => ({ lock, ...rest });
  assert.ok(isDeepStrictEqual(timeless(after), timeless(before)), `${what} changed something`);
}

function assertSameBut(before: Tracking, after: Tracking, tables: (keyof Tracking)[]): void {
  const changed = Object.fromEntries(tables.map((table) => [table, after[table]]));
  assertSame({ ...before, ...changed }, after, "a call changed other tables, and");
}

/** Short leases run out between one look and the next. */
function mayExpire({ lock }: Tracking): boolean {
  return lock.expired || (lock.lease_ms ?? 0) < 10_000;
}

/** What PostgreSQL's `->>` makes of a value, where that is plain. */
function text(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const { rawJSON } = (value ?? {}) as { rawJSON?: string };
  return rawJSON;
}

/** What a text of the call is stored as, in so many characters; others are stored as they may. */
function storedText(call: Json, name: string, most: number, found: unknown): unknown {
  const value = field(call, name);
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") return found;
  return [...value].slice(0, most).join("");
}

function field(call: Json, name: string): unknown {
  return Object.hasOwn(call, name) ? call[name] : undefined;
}

function asObject(params: unknown): Json {
  return typeof params === "object" && params !== null ? params as Json : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? Array.from(value, asObject) : [];
}

/** As PostgreSQL writes it, which reads it in several forms. */
function uuid(value: unknown): string | undefined {
  const digits = text(value)?.replaceAll(/[{}-]/g, "").toLowerCase();
  return digits?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
