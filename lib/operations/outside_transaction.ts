/** Runs a step outside a transaction: the client's half of `sql/outside_transaction.sql`. @module */

import { CallError, type Channel, type OutsideSession } from "../database/channel.ts";
import { explainCallError } from "../database/explain.ts";
import type { LockSession } from "../database/session.ts";
import { UnknownOutcomeError } from "../errors.ts";
import type { Purpose } from "../planning/plan.ts";
import type { Step } from "../planning/step.ts";
import type { OperationContext } from "./context.ts";

/** What the client knows of an attempt that has ended. */
type Outcome =
  | { readonly ended: true }
  | { readonly failure: Record<string, unknown> }
  /** The connection is gone: what came of it is for the catalog to say. */
  | { readonly lost: true };

/** How often an attempt is looked at, which renews the lock as well. */
const POLL_MS = 1000;

/**
 * Runs the one statement of a step, and goes on until its end is proven and on record.
 *
 * @param context What the operation works with.
 * @param session The lock.
 * @param purpose What is done with the migration.
 * @param sent The migration with its step, in the form of `supamigrate.run_migration`.
 * @param step The step.
 * @returns The reply, with `results` as an apply has them.
 * @throws {UnknownOutcomeError} Nobody could say whether a statement has run that must not run twice.
 */
export async function runOutside(
  context: OperationContext,
  session: LockSession,
  purpose: Purpose,
  sent: {
    readonly name?: unknown;
    readonly step: Record<string, unknown>;
    readonly limits: Readonly<Record<string, number>>;
  },
  { settings, statements: [statement], outside }: Step,
  // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.advance
): Promise<any> {
  const database = await context.connect();
  const way = database.openSession === undefined ? "pg_cron" : "connection";
  const label = `${sent.name} line ${statement!.line}`;
  const migration = {
    ...sent,
    step: {
      ...sent.step,
      outside,
      settings: settings.map(({ sql }) => sql),
      statement: statement!.sql,
      line: statement!.line,
    },
  };
  let connection: OutsideSession | undefined;
  let attempt: Promise<Outcome> | undefined;
  let outcome: Outcome | undefined;
  try {
    for (;;) {
      if (outcome !== undefined && "lost" in outcome) {
        await connection?.close();
        connection = undefined;
      }
      connection ??= await open(context, database, label);
      const reply = await session.perform("advance", {
        purpose,
        migration,
        way,
        connection: connection?.identity ?? null,
        ...(outcome ?? (attempt === undefined ? {} : { waiting: true })),
      });
      if (outcome !== undefined) attempt = outcome = undefined;
      switch (reply.status) {
        case "done":
          return reply;
        case "unknown":
          await session.release();
          throw new UnknownOutcomeError(
            `It is unknown whether ${
              outside!.name
            } of ${sent.name} has run: its connection was lost`,
            {
              hint:
                "It must not run twice, so it is not run again. Look at what it has done, then " +
                `record that: supamigrate repair ${sent.name} --mark applied, or --mark pending.`,
            },
          );
        case "run":
          attempt = runOn(
            connection!,
            [...toSettings(sent.limits), ...settings.map(({ sql }) => sql)],
            reply.statement,
          );
          break;
        case "running":
          tell(context, label, reply.activity);
      }
      outcome = await waitFor(attempt, POLL_MS);
    }
  } finally {
    await connection?.close();
  }
}

/** Opens a session; again where the server cannot be had for a while. */
async function open(
  context: OperationContext,
  database: Channel,
  label: string,
): Promise<OutsideSession | undefined> {
  const started = performance.now();
  for (;;) {
    try {
      return await database.openSession?.(label);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      const isOver = performance.now() - started > context.giveUpAfterMs;
      if (error.isRefusal || isOver) throw explainCallError(error, database);
      await waitFor(undefined, POLL_MS);
    }
  }
}

/** While it waits for locks such a statement keeps nobody waiting: it has its time for that. */
function toSettings({ statement_timeout }: Readonly<Record<string, number>>): string[] {
  return statement_timeout === undefined ? [] : [`set statement_timeout = ${statement_timeout}`];
}

function runOn(
  connection: OutsideSession,
  settings: readonly string[],
  statement: string,
): Promise<Outcome> {
  return connection.run(settings, statement).then(
    (): Outcome => ({ ended: true }),
    (error): Outcome => {
      if (!(error instanceof CallError)) throw error;
      const { code, message, detail, hint } = error;
      if (!error.isAnswer) return { lost: true };
      return {
        failure: {
          code,
          message,
          ...(detail === "" ? {} : { detail }),
          ...(hint === "" ? {} : { hint }),
        },
      };
    },
  );
}

function tell(
  context: OperationContext,
  label: string,
  // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.find_attempt
  activity: any,
): void {
  const { phase, done, total } = activity?.progress ?? {};
  const share = total ? ` ${Math.floor(100 * done / total)} %` : "";
  context.onProgress({
    type: "waiting",
    for: "answer",
    holder: null,
    activity: {
      running: `${label}${phase ? ` (${phase}${share})` : ""}`,
      runningMs: activity?.running_ms ?? null,
      blockedBy: [],
    },
  });
}

/** Waits for an attempt, but not for longer than that. */
async function waitFor(
  attempt: Promise<Outcome> | undefined,
  ms: number,
): Promise<Outcome | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome | undefined>();
  const timer = setTimeout(resolve, ms, undefined);
  attempt?.then(resolve, reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
