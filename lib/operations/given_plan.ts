/** A plan that is to be run: how what would be planned now differs from it. @module */

import type { DatabaseState } from "../database/state.ts";
import { nameSome } from "../doctor/check.ts";
import { ConfigurationError } from "../errors.ts";
import type { HistoryEntry, MigrationStatus } from "../planning/plan.ts";
import type { TransactionMode } from "./apply.ts";
import type { OperationContext } from "./context.ts";
import {
  checkPlan,
  COMMAND,
  describePlan,
  digestFiles,
  digestHistory,
  type FileDigest,
  type PlanDescription,
  type PlanFile,
  type PlanFileOptions,
  type PlanFileStatement,
  type PlanParts,
  toCanonical,
} from "./plan_file.ts";
import type { PlanningOptions } from "./ready_plan.ts";
import type { LoadedMigrations } from "./source.ts";

/** What a run is asked to do beside its plan. */
type Asked = PlanningOptions & { readonly transaction?: TransactionMode | undefined };

/** A plan that is to be run. */
export interface GivenPlan {
  /** What is to be asked about was accepted when the plan was made. */
  readonly accepted: boolean;
  /**
   * What the plan was made with, and what else the run is asked to do.
   *
   * @param asked What the run is asked to do, with full names.
   * @throws {ConfigurationError} That is something else.
   */
  takeOver<Given extends Asked>(asked: Given): Given;
  /**
   * Compares what a plan is made of, before one is made: what has changed may be a reason why none
   * can be made.
   *
   * @throws {ConfigurationError} Something has changed.
   */
  refuseMoved(
    context: OperationContext,
    files: LoadedMigrations,
    state: DatabaseState,
  ): void;
  /**
   * Compares what would run now.
   *
   * @throws {ConfigurationError} It is something else.
   */
  refuseOther(
    context: OperationContext,
    files: LoadedMigrations,
    state: DatabaseState,
    parts: PlanParts,
  ): void;
}

/**
 * Takes a plan that was written down.
 *
 * @param given The plan, as it was read.
 * @returns The plan, to be compared with what is there.
 * @throws {ConfigurationError} It is none, was edited, or has a format that is not known.
 */
export function openPlan(given: PlanFile): GivenPlan {
  const plan = checkPlan(given);
  return {
    accepted: plan.accepted,
    takeOver: (asked) => takeOver(plan.options, asked),
    refuseMoved(context, files, state) {
      refuseDifferences(findMoved(plan, context, files, state));
    },
    refuseOther(context, files, state, parts) {
      refuseDifferences(findOther(plan, describePlan(context, files, state, parts)));
    },
  };
}

function takeOver<Given extends Asked>(options: PlanFileOptions, asked: Given): Given {
  const { to, transaction, onChange, outOfOrder } = options;
  for (const name of ["to", "transaction", "onChange", "outOfOrder"] as const) {
    if (asked[name] === undefined || asked[name] === options[name]) continue;
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new ConfigurationError(
      `The plan was made ${options[name] === null ? "without" : "with"} --${flag}${
        options[name] === null ? "" : ` ${options[name]}`
      }, and this run asks for ${asked[name]}`,
      { hint: `Leave --${flag} out: the plan says it. Or make another plan: ${COMMAND}.` },
    );
  }
  return { ...asked, ...(to === null ? {} : { to }), transaction, onChange, outOfOrder };
}

function refuseDifferences(differences: readonly string[]): void {
  if (differences.length === 0) return;
  throw new ConfigurationError(
    differences.length === 1
      ? `The plan no longer fits: ${differences[0]}`
      : `The plan no longer fits:\n${differences.map((one) => `- ${one}`).join("\n")}`,
    {
      hint: "Look at what has changed, and make the plan anew: " +
        `${COMMAND}. Nothing was changed.`,
    },
  );
}

function findMoved(
  plan: PlanFile,
  context: OperationContext,
  files: LoadedMigrations,
  state: DatabaseState,
): string[] {
  const { kind, name } = context.target;
  const there = plan.project;
  // The path of the embedded database depends on where a command is started.
  if (there.kind !== kind || (kind !== "embedded" && there.name !== name)) {
    return [`it is for ${describeProject(there)}, and this is ${describeProject(context.target)}`];
  }
  const { order, batchSize } = plan.options;
  return [
    ...(order === files.order ? [] : [
      `it goes by ${order}, and the order is by ${files.order} now (--order ${order})`,
    ]),
    ...(batchSize === context.batchSize ? [] : [
      `it was made for batches of ${batchSize}, and MIGRATION_BATCH_SIZE is ${context.batchSize} now`,
    ]),
    ...compareFiles(plan.files, digestFiles(files)),
    ...compareHistories(plan.history, digestHistory(state), state.history),
  ];
}

function describeProject({ kind, name }: PlanFile["project"]): string {
  return kind === "embedded" ? "the embedded database" : name;
}

function compareFiles(planned: readonly FileDigest[], found: readonly FileDigest[]): string[] {
  const before = new Map(planned.map((file) => [file.name, file]));
  const names = new Set(found.map(({ name }) => name));
  const say = (which: readonly string[], what: string) =>
    which.length === 0 ? [] : [`${nameSome(which)} ${which.length === 1 ? "was" : "were"} ${what}`];
  const known = found.filter(({ name }) => before.has(name));
  const namesOf = (list: readonly FileDigest[]) => list.map(({ name }) => name);
  return [
    ...say(
      namesOf(known.filter(({ name, checksum }) => before.get(name)!.checksum !== checksum)),
      "edited",
    ),
    ...say(
      namesOf(
        known.filter(({ name, checksum, rollbackChecksum }) =>
          before.get(name)!.checksum === checksum &&
          before.get(name)!.rollbackChecksum !== rollbackChecksum
        ),
      ),
      "edited in what undoes it",
    ),
    ...say(namesOf(found.filter(({ name }) => !before.has(name))), "added to the folder"),
    ...say(namesOf(planned.filter(({ name }) => !names.has(name))), "taken out of the folder"),
  ];
}

const SINCE: Readonly<Record<MigrationStatus, string>> = {
  completed: "was applied since",
  failed: "was tried and has failed since",
  rolled_back: "was rolled back since",
};

function compareHistories(
  planned: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
  history: readonly HistoryEntry[],
): string[] {
  const statuses = new Map(history.map(({ name, status }) => [name, status]));
  const moved = Object.keys(found).filter((name) =>
    !Object.hasOwn(planned, name) || planned[name] !== found[name]
  );
  const gone = Object.keys(planned).filter((name) => !Object.hasOwn(found, name));
  const differences = [
    ...moved.map((name) => {
      const status = statuses.get(name);
      return `${name} ${status === undefined ? "is not in the history any more" : SINCE[status]}`;
    }),
    ...gone.map((name) => `${name} is not in the history any more`),
  ];
  const left = differences.length - MOST_DIFFERENCES;
  return left > 0
    ? [...differences.slice(0, MOST_DIFFERENCES), `the history differs in ${left} more`]
    : differences;
}

/** How many differences of the history are named. */
const MOST_DIFFERENCES = 10;

/** What a review can see, and the rest of the tool may word differently from version to version. */
function toComparable(
  { migrations, warnings: _, findings: __, locks: ___, ...plan }: PlanDescription,
) {
  return {
    ...plan,
    project: plan.project.kind,
    migrations: migrations.map(({ notices: _, undo, steps, ...migration }) => ({
      ...migration,
      undo: undo?.map(unmarked) ?? null,
      steps: steps.map(({ outside, batch, settings, statements }) => ({
        outside,
        ...(batch === undefined ? {} : { batch }),
        settings: settings.map(unmarked),
        statements: statements.map(unmarked),
      })),
    })),
  };
}

function unmarked({ destroys: _, ...statement }: PlanFileStatement): PlanFileStatement {
  return statement;
}

function findOther(
  { digest: _, toolVersion, accepted: __, ...plan }: PlanFile,
  now: PlanDescription,
): string[] {
  const [planned, found] = [toComparable(plan), toComparable(now)];
  if (toCanonical(planned) === toCanonical(found)) return [];
  const differences: string[] = [];
  if (planned.options.ledger !== found.options.ledger) {
    differences.push(
      `it ${
        planned.options.ledger ? "keeps" : "does not keep"
      } the Supabase CLI's ledger in step, ` +
        `and this run ${found.options.ledger ? "does" : "does not"}`,
    );
  }
  const before = new Map(planned.migrations.map((one) => [one.name, toCanonical(one)]));
  const after = new Map(found.migrations.map((one) => [one.name, toCanonical(one)]));
  const changed = [...after].filter(([name, text]) => before.get(name) !== text)
    .map(([name]) => name);
  const gone = [...before.keys()].filter((name) => !after.has(name));
  if (changed.length > 0) {
    differences.push(
      `${nameSome(changed)} would be sent in another way than it says: over another way to the ` +
        `database, or by another version than ${toolVersion}`,
    );
  }
  if (gone.length > 0) differences.push(`${nameSome(gone)} would not be run`);
  if (toCanonical(planned.concerns) !== toCanonical(found.concerns)) {
    const known = new Set(planned.concerns.map(toCanonical));
    const added = found.concerns.filter((concern) => !known.has(toCanonical(concern)));
    differences.push(
      ...added.map(({ file, line, says }) => `it does not know that ${file}:${line} ${says}`),
    );
  }
  if (differences.length === 0) differences.push("it says something else than what would run");
  return differences;
}
