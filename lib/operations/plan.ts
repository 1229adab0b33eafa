/** Makes a plan to be reviewed, and run later as it is. @module */

import { readState, refuseBreaches } from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import { findDestruction } from "../planning/destructive.ts";
import { readReplaced, replaceFile } from "../replace_file.ts";
import type { TransactionMode } from "./apply.ts";
import { type Concern, createTeller } from "./concerns.ts";
import { noteHolder, type OperationContext } from "./context.ts";
import {
  checkPlan,
  describePlan,
  type PlanDescription,
  type PlanFile,
  type PlanFileStatement,
  sealPlan,
} from "./plan_file.ts";
import type { PlannedMigration } from "./prepare.ts";
import { findLast, makeReadyPlan, type PlanningOptions, toStateOptions } from "./ready_plan.ts";
import { loadAllFit } from "./refusals.ts";

/** Options of `plan`: those that `migrate` is to run with. */
export interface PlanOptions extends PlanningOptions {
  /** What is to be committed together: `each` migration by default. */
  readonly transaction?: TransactionMode;
  /** Measures on a shadow which locks the statements take, and works out for how long. */
  readonly locks?: boolean;
  /**
   * Asked whether the plan may say yes to what `migrate` would ask about: migrations that hold what
   * can only be a key, and the like, and applied versions that are to be undone. Asked only where
   * there is something. Without it nobody says yes: `migrate` asks.
   */
  readonly accept?: (
    concerns: readonly Concern[],
    undone: readonly PlannedMigration[],
  ) => Promise<boolean>;
}

/**
 * Plans what `migrate` would do, without a lock and without changing anything.
 *
 * @param context What the operation works with.
 * @param options What to plan.
 * @returns The plan, to be written down.
 * @throws {SupamigrateError} What keeps `migrate` from beginning as well.
 */
export async function plan(
  context: OperationContext,
  options: PlanOptions = {},
): Promise<PlanFile> {
  const files = await loadAllFit(context);
  const to = findLast(options.to, files);
  const settings = { ...options, ...(to === undefined ? {} : { to }) };
  const wanted = toStateOptions(settings, files);
  const state = await readState(await context.connect(), context.target, wanted);
  refuseBreaches(state);
  const ready = await makeReadyPlan(context, files, state, { lint: "tell", ...settings });
  createTeller(context)(ready.warnings);
  const undone = ready.planned.filter(({ undo }) => undo !== null);
  const accepted = ready.concerns.length + undone.length > 0 && options.accept !== undefined &&
    await options.accept(ready.concerns, undone);
  const locks = options.locks
    ? await (await import("./locks.ts")).measureLocks(context, ready.planned, options.transaction)
    : null;
  const description = describePlan(context, files, state, { ...settings, ready });
  return noteHolder(
    context,
    state.lock,
    sealPlan(
      { ...await markDestructive(description), locks },
      context.tenure.toolVersion,
      accepted,
    ),
  );
}

async function markDestructive(description: PlanDescription): Promise<PlanDescription> {
  const mark = (statements: readonly PlanFileStatement[]) =>
    Promise.all(statements.map(async (statement) => {
      const destroys = await findDestruction(statement.sql);
      return destroys === undefined ? statement : { ...statement, destroys };
    }));
  return {
    ...description,
    migrations: await Promise.all(description.migrations.map(async (migration) => ({
      ...migration,
      undo: migration.undo && await mark(migration.undo),
      steps: await Promise.all(
        migration.steps.map(async (step) => ({ ...step, statements: await mark(step.statements) })),
      ),
    }))),
  };
}

/**
 * Reads a plan that was written down.
 *
 * @param path The file.
 * @returns The plan.
 * @throws {ConfigurationError} It cannot be read, is no plan, or was edited.
 */
export async function readPlanFile(path: string): Promise<PlanFile> {
  const { readFile } = await import("node:fs/promises");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigurationError(`Cannot read the plan "${path}": ${(cause as Error).message}`, {
      hint: "Make one: supamigrate plan --out FILE.",
      cause,
    });
  }
  return checkPlan(parsePlan(text));
}

/** What is no JSON is no plan. */
function parsePlan(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return undefined;
  }
}

/**
 * Writes a plan down: whoever reads it meanwhile finds the old one or the new one.
 *
 * @param path The file. One that is no plan is not overwritten.
 * @param plan The plan.
 * @throws {ConfigurationError} The file cannot be written, or is something else.
 */
export async function writePlanFile(path: string, plan: PlanFile): Promise<void> {
  await refuseToOverwrite(path);
  await replaceFile(path, `${JSON.stringify(plan, null, 2)}\n`, "Name another file with --out.");
}

/**
 * Refuses to write a plan over something else.
 *
 * @param path The file.
 * @throws {ConfigurationError} It is there, and no plan.
 */
export async function refuseToOverwrite(path: string): Promise<void> {
  const text = await readReplaced(path, "Name another file with --out.");
  if (text === undefined) return;
  const found = parsePlan(text);
  if (typeof found === "object" && found !== null && "format" in found && "digest" in found) return;
  throw new ConfigurationError(`"${path}" is there, and is no plan of supamigrate`, {
    hint: "Name another file with --out, or move that one away.",
  });
}
