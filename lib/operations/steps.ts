/** Migrations of several steps: which are done, and how each is sent. @module */

import type { LockSession } from "../database/session.ts";
import { MigrationFileError } from "../errors.ts";
import { toFailure } from "../database/state.ts";
import { sha256 } from "../planning/checksum.ts";
import { type Limits, toWireLimits } from "../planning/limits.ts";
import type {
  BatchProgress,
  HistoryEntry,
  MigrationFailure,
  Purpose,
  StepCount,
} from "../planning/plan.ts";
import type { Statement, Step } from "../planning/step.ts";
import { describeDone } from "../planning/step_count.ts";
import type { OperationContext } from "./context.ts";
import { type KeptRows, type PutBack, toKept, toPutBack } from "./safety_copies.ts";
import { LockAttempts } from "./lock_attempts.ts";
import type { Ranges } from "./ranges.ts";

/** What is to be run of a migration, or what undoes it. */
export interface PlannedSteps {
  /** All its steps. */
  readonly steps: readonly Step[];
  /** How many of them are done already. */
  readonly stepsDone: number;
  /** SHA-256 of each step, where there are several or one is outside a transaction; else null. */
  readonly digests: readonly string[] | null;
  /** How far the next step is, where it is committed in ranges and has begun. */
  readonly batchDone?: BatchProgress;
}

/**
 * Finds out where a migration goes on.
 *
 * @param name The migration.
 * @param steps Its steps.
 * @param entry Its history row, where there is one.
 * @param purpose What is to be done with it.
 * @returns The steps, and how many of them are done.
 * @throws {MigrationFileError} What is done is not what the file says now.
 */
export function planSteps(
  name: string,
  steps: readonly Step[],
  entry: HistoryEntry | undefined,
  purpose: Purpose,
): PlannedSteps {
  // What the audit log does not vouch for is refused as a whole, and says nothing here.
  const progress = entry?.vouched ? entry.progress : null;
  if (isPlain(steps) && progress === null) return { steps, stepsDone: 0, digests: null };
  const digests = steps.map(digestStep);
  // What is applied in part can be undone, whatever its rollback section says of parts.
  if (progress === null || (purpose === "revert" && progress.purpose === "apply")) {
    return { steps, stepsDone: 0, digests };
  }
  if (progress.purpose !== purpose) {
    throw new MigrationFileError(
      `${name} is undone in part: ${progress.digests.length} of the ${progress.steps} steps of its ` +
        "rollback are done",
      { file: name },
      { hint: `Go on with supamigrate rollback. ${BY_HAND(name)}` },
    );
  }
  const changed = progress.digests.findIndex((digest, index) => digest !== digests[index]);
  const begun = progress.outside?.digest ?? progress.batch?.digest;
  if (changed !== -1 || (begun !== undefined && begun !== digests[progress.digests.length])) {
    const number = changed === -1 ? progress.digests.length + 1 : changed + 1;
    throw new MigrationFileError(
      `${progress.digests.length} of the ${progress.steps} steps of ${name} are done, and the text ` +
        `of step ${number}${changed === -1 ? ", which has begun," : ""} was changed since`,
      { file: name },
      { hint: `Put its text back as it was; what comes behind it may change. ${BY_HAND(name)}` },
    );
  }
  return {
    steps,
    stepsDone: progress.digests.length,
    digests,
    ...(progress.batch === undefined ? {} : { batchDone: progress.batch }),
  };
}

const BY_HAND = (name: string) =>
  "Or see to the database by hand, and record what is there: supamigrate repair " +
  `${name} --mark applied, or --mark pending.`;

function digestStep({ settings, statements, batch }: Step): string {
  const texts = [settings, statements].map((list) => list.map(({ sql }) => sql));
  // How many rows a range has may change while it is under way.
  return sha256(
    JSON.stringify(batch === undefined ? texts : [...texts, [batch.target, batch.key]]),
  );
}

/**
 * How many steps of a migration are done that is applied in part.
 *
 * @param entry Its history row, where there is one.
 * @returns The numbers; null where it is not applied in part.
 */
export function toStepCount(
  entry: HistoryEntry | undefined,
): StepCount | null {
  const progress = entry?.progress;
  return progress?.purpose === "apply"
    ? {
      done: progress.digests.length,
      total: progress.steps,
      ...(progress.batch === undefined ? {} : { batch: progress.batch }),
    }
    : null;
}

/**
 * Finds the migrations that a rollback has undone in part.
 *
 * @param history The history rows.
 * @returns Their names, each with a sentence.
 */
export function describeUndoneInPart(
  history: readonly HistoryEntry[],
): { readonly name: string; readonly says: string }[] {
  return history.flatMap(({ name, progress }) =>
    progress?.purpose !== "revert" ? [] : [{
      name,
      says:
        `${name} is undone in part (${progress.digests.length} of the ${progress.steps} steps ` +
        "of its rollback are done): run supamigrate rollback again",
    }]
  );
}

/** Whether steps are one transaction. */
export function isPlain(steps: readonly Step[]): boolean {
  return steps.length === 1 && steps[0]!.outside === null && steps[0]!.batch === undefined;
}

/** Whether a migration is one transaction, which can share a call with others. */
export function isOneTransaction({ digests }: PlannedSteps): boolean {
  return digests === null;
}

/** Statements as `[[line, sql], …]`, with what is to be kept before one. */
export function toPairs(statements: readonly Statement[]): unknown[][] {
  return statements.map(({ line, sql, destroyed }) =>
    destroyed === undefined ? [line, sql] : [line, sql, destroyed]
  );
}

/** Everything that a step sends, in order: the number of a failed statement counts from here. */
export function listSent({ steps }: PlannedSteps, number: number): readonly Statement[] {
  const step = steps[number - 1];
  return step === undefined ? [] : [...step.settings, ...step.statements];
}

/** How the steps of a migration ended. */
export interface StepsOutcome {
  /** All steps are done. */
  readonly success: boolean;
  /** The run was asked to stop, and did so between two steps. */
  readonly interrupted: boolean;
  /** How many steps are done. */
  readonly stepsDone: number;
  /** How far the step behind these is, where it is committed in ranges and some are done. */
  readonly batch: BatchProgress | null;
  /** How long those of this run took, in milliseconds on the server's clock. */
  readonly executionTimeMs: number;
  /** What PostgreSQL said, where one failed. */
  readonly error: MigrationFailure | null;
  /** Others could call exec_sql in between: that was taken back. */
  readonly closedDoor: boolean;
  /** What was kept before it was destroyed. */
  readonly kept: readonly KeptRows[];
  /** What was put back. */
  readonly putBack: readonly PutBack[];
}

/**
 * Sends the steps of a migration that are not done yet, each as an operation of its own.
 *
 * @param context What the operation works with.
 * @param session The lock.
 * @param purpose What is done with it.
 * @param planned The steps.
 * @param migration The migration in the form of `supamigrate.run_migration`, without statements.
 * @param onStep Told which step begins.
 * @returns How it ended.
 */
export async function performSteps(
  context: OperationContext,
  session: LockSession,
  purpose: Purpose,
  planned: PlannedSteps & { readonly limits?: Limits },
  migration: Readonly<Record<string, unknown>>,
  onStep: (number: number) => void,
): Promise<StepsOutcome> {
  const { steps, digests } = planned;
  const limits = toWireLimits(context.limits, planned.limits);
  // Where the steps that are left were deleted, an empty one says that it is done as a whole.
  const total = Math.max(steps.length, planned.stepsDone + 1);
  let [stepsDone, executionTimeMs, closedDoor] = [planned.stepsDone, 0, false];
  let ranges: Ranges | undefined;
  let batch = planned.batchDone ?? null;
  const kept = new Map<number, KeptRows>();
  const putBack: PutBack[] = [];
  const attempts = new LockAttempts(context);
  while (stepsDone < total) {
    if (context.signal?.aborted) {
      return {
        success: false,
        interrupted: true,
        stepsDone,
        batch,
        executionTimeMs,
        error: null,
        closedDoor,
        kept: [...kept.values()],
        putBack,
      };
    }
    const number = stepsDone + 1;
    const step = steps[stepsDone];
    if (step?.batch === undefined) {
      onStep(number);
    } else if (ranges === undefined) {
      onStep(number);
      const done = stepsDone === planned.stepsDone ? planned.batchDone : undefined;
      const module = await import("./ranges.ts");
      ranges = new module.Ranges(context, String(migration.name), step.batch, done);
    }
    const sent = {
      ...migration,
      limits,
      step: {
        number,
        total,
        digests: (digests ?? []).slice(0, number),
        ...(ranges === undefined ? {} : { batch: ranges.call }),
      },
      statements: toPairs(listSent(planned, number)),
    };
    let reply;
    if (step?.outside) {
      const { runOutside } = await import("./outside_transaction.ts");
      reply = await runOutside(context, session, purpose, sent, step);
    } else {
      const payload = purpose === "apply" ? { atomic: false, migrations: [sent] } : {
        migration: sent,
      };
      reply = await session.perform(purpose, { ...payload, ...attempts.call }, {
        purpose,
        migration: sent,
      });
      if (await attempts.goOn(sent, reply.results[0], session.lastBlockers)) continue;
    }
    const item = reply.results[0];
    executionTimeMs += item.execution_time_ms;
    closedDoor ||= item.closed_door ?? false;
    if (!item.success) {
      return {
        success: false,
        interrupted: false,
        stepsDone,
        batch,
        executionTimeMs,
        error: toFailure(item.error, session.lastBlockers),
        closedDoor,
        kept: [...kept.values()],
        putBack,
      };
    }
    for (const copy of toKept(item.kept)) {
      // Ranges of one batch have a copy together.
      const rows = (kept.get(copy.id)?.rows ?? 0) + copy.rows;
      kept.set(copy.id, { ...copy, rows });
    }
    if (ranges !== undefined) {
      if (!await ranges.goOn(session, item.range, item.execution_time_ms)) {
        batch = ranges.done;
        attempts.startAnew();
        continue;
      }
      ranges = undefined;
    }
    [stepsDone, batch] = [number, null];
    putBack.push(...toPutBack(item.put_back));
    attempts.startAnew();
  }
  return {
    success: true,
    interrupted: false,
    stepsDone,
    batch: null,
    executionTimeMs,
    error: null,
    closedDoor,
    kept: [...kept.values()],
    putBack,
  };
}

/**
 * Says how far a migration came in a run that was asked to stop.
 *
 * @param context Who is told.
 * @param name The migration.
 * @param done How many of its steps are done.
 * @param total How many there are.
 * @param batch How far the step behind these is, where it is committed in ranges.
 */
export function tellDone(
  context: OperationContext,
  name: string,
  done: number,
  total: number,
  batch: BatchProgress | null = null,
): void {
  if (done === 0 && batch === null) return;
  context.onProgress({
    type: "notice",
    message: `${describeDone({ done, total, ...(batch === null ? {} : { batch }) })} of ${name} ` +
      "are done; the next run goes on behind them",
  });
}
