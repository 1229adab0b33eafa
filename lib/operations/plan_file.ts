/**
 * A plan that was written down, so that what was reviewed is what runs: what it says, and how what
 * would be planned now differs from it.
 *
 * @module
 */

import type { DatabaseState } from "../database/state.ts";
import { nameSome } from "../doctor/check.ts";
import { ConfigurationError } from "../errors.ts";
import { sha256 } from "../planning/checksum.ts";
import type { OrderBy } from "../planning/order.ts";
import type { HistoryEntry, MigrationStatus, PendingReason } from "../planning/plan.ts";
import type { TransactionMode } from "./apply.ts";
import type { Concern } from "./concerns.ts";
import type { OperationContext } from "./context.ts";
import type { PlanningOptions, ReadyPlan } from "./ready_plan.ts";
import type { LoadedMigrations } from "./source.ts";

/** What plans are written as; another number is another shape. */
export const PLAN_FORMAT = 1;

/** A plan as it is written down: plain data, without keys. */
export interface PlanFile {
  /** The shape of all this. */
  readonly format: number;
  /** The version of the tool that has made it. */
  readonly toolVersion: string;
  /** Whose plan it is. */
  readonly project: { readonly kind: "project" | "local" | "embedded"; readonly name: string };
  /** What it was made with. */
  readonly options: PlanFileOptions;
  /** All migrations of the folder, in order, and what is in them. */
  readonly files: readonly FileDigest[];
  /** SHA-256 of what the history says of each migration, by name. */
  readonly history: Readonly<Record<string, string>>;
  /** What is to be run, in order. */
  readonly migrations: readonly PlanFileMigration[];
  /** Applied migrations of which records alone are brought up to date. */
  readonly refreshed: {
    /** Their stored rollback SQL. */
    readonly rollbacks: readonly string[];
    /** Their checksums: comments or white space alone were changed. */
    readonly checksums: readonly string[];
  };
  /** What is doubtful, a sentence each. */
  readonly warnings: readonly string[];
  /** What has to be said yes to before it is run. */
  readonly concerns: readonly Concern[];
  /** Somebody has said yes to all of it, undoing applied versions included, when it was made. */
  readonly accepted: boolean;
  /** What lint has to say; null where nobody has asked. */
  readonly findings: null;
  /** The locks that the statements take; null where nobody has measured them. */
  readonly locks: null;
  /** SHA-256 of all the rest. It shows that something was edited; it is no signature. */
  readonly digest: string;
}

/** What a plan was made with. */
export interface PlanFileOptions {
  /** The last migration to apply, by its full name; null for all. */
  readonly to: string | null;
  /** What is committed together. */
  readonly transaction: TransactionMode;
  /** What is done with applied migrations that were changed. */
  readonly onChange: NonNullable<PlanningOptions["onChange"]>;
  /** What is done with migrations that come before some that are applied. */
  readonly outOfOrder: NonNullable<PlanningOptions["outOfOrder"]>;
  /** What decides the order. */
  readonly order: OrderBy;
  /** How many migrations make a batch. */
  readonly batchSize: number;
  /** Whether the Supabase CLI's ledger is kept in step. */
  readonly ledger: boolean;
}

/** What is in a migration's files. */
export interface FileDigest {
  /** The migration's name. */
  readonly name: string;
  /** SHA-256 of its forward part. */
  readonly checksum: string;
  /** SHA-256 of what undoes it; null where nothing does. */
  readonly rollbackChecksum: string | null;
}

/** A migration that is to be run. */
export interface PlanFileMigration {
  /** Its name. */
  readonly name: string;
  /** Why it is pending. */
  readonly reason: PendingReason;
  /** What is sent, as it is committed. */
  readonly steps: readonly PlanFileStep[];
  /** How many of these are done already. */
  readonly stepsDone: number;
  /** What undoes the applied version before it, with `onChange: "redo"`; null otherwise. */
  readonly undo: readonly PlanFileStatement[] | null;
  /** What would undo it, and where that stands; null where nothing does. */
  readonly rollback: { readonly file: string; readonly line: number; readonly sql: string } | null;
  /** What the user should know of it, a sentence each. */
  readonly notices: readonly string[];
}

/** Statements that are committed together. */
export interface PlanFileStep {
  /** What runs outside a transaction, such as CREATE INDEX CONCURRENTLY; null for all else. */
  readonly outside: string | null;
  /** Settings of the steps before that are made again. */
  readonly settings: readonly PlanFileStatement[];
  /** Its statements. */
  readonly statements: readonly PlanFileStatement[];
}

/** A statement that is sent. */
export interface PlanFileStatement {
  /** The line of the file that it starts on, from 1. */
  readonly line: number;
  /** Its text, without what looks like a key. */
  readonly sql: string;
  /** What it destroys, such as "drops the table notes"; left out where that is nothing. */
  readonly destroys?: string;
}

/** What {@linkcode describePlan} is given beside the state. */
export interface PlanParts extends PlanningOptions {
  readonly transaction?: TransactionMode | undefined;
  readonly ready: ReadyPlan;
}

/** Everything but what is added when it is written down. */
export type PlanDescription = Omit<PlanFile, "toolVersion" | "accepted" | "digest">;

/**
 * Writes down what would run.
 *
 * @param context What the operation works with.
 * @param files The files.
 * @param state The state that the plan was made of.
 * @param parts The plan, and what it was made with.
 * @returns The plan as data, without keys.
 */
export async function describePlan(
  context: OperationContext,
  files: LoadedMigrations,
  state: DatabaseState,
  { ready, to, transaction = "each", onChange = "rerun", outOfOrder = "warn" }: PlanParts,
): Promise<PlanDescription> {
  const { kind, name } = context.target;
  const sources = new Map(files.migrations.map((migration) => [migration.name, migration]));
  return context.hide<PlanDescription>({
    format: PLAN_FORMAT,
    project: { kind, name },
    options: {
      to: to ?? null,
      transaction,
      onChange,
      outOfOrder,
      order: files.order,
      batchSize: context.batchSize,
      ledger: ready.ledger.names !== null,
    },
    files: digestFiles(files),
    history: await digestHistory(state),
    migrations: ready.planned.map((planned) => {
      const { rollback } = sources.get(planned.name)!;
      return {
        name: planned.name,
        reason: planned.reason,
        steps: planned.steps.map((step) => ({
          outside: step.outside?.name ?? null,
          settings: step.settings.map(copy),
          statements: step.statements.map(copy),
        })),
        stepsDone: planned.stepsDone,
        undo: planned.undo?.map(copy) ?? null,
        rollback: rollback && { file: rollback.file, line: rollback.line, sql: rollback.sql },
        notices: planned.notices,
      };
    }),
    refreshed: {
      rollbacks: ready.plan.changedRollbacks.map(({ name }) => name),
      checksums: ready.plan.reworded.map(({ name }) => name),
    },
    warnings: ready.warnings,
    concerns: ready.concerns,
    findings: null,
    locks: null,
  });
}

function copy({ line, sql }: PlanFileStatement): PlanFileStatement {
  return { line, sql };
}

function digestFiles({ migrations }: Pick<LoadedMigrations, "migrations">): FileDigest[] {
  return migrations.map(({ name, checksum, rollback }) => ({
    name,
    checksum,
    rollbackChecksum: rollback?.checksum ?? null,
  }));
}

/** Each change of the history shows in a row of it: the lock's generation would say no more. */
async function digestHistory(
  { history, unrecorded }: Pick<DatabaseState, "history" | "unrecorded">,
): Promise<Record<string, string>> {
  const digests = await Promise.all(
    history.map(async (entry): Promise<[string, string]> => [entry.name, await digestEntry(entry)]),
  );
  const lost = unrecorded.map((name): [string, string] => [name, "unrecorded"]);
  return Object.fromEntries([...digests, ...lost].sort(([a], [b]) => a < b ? -1 : 1));
}

function digestEntry(entry: HistoryEntry): Promise<string> {
  const { executionTimeMs: _, error: __, executedAt, ...others } = entry;
  // The zone that a time is written in is the session's.
  return sha256(toCanonical({ ...others, executedAt: new Date(executedAt).toISOString() }));
}

/**
 * Makes a plan whole: says who has made it, and gives it its digest.
 *
 * @param description What would run.
 * @param toolVersion The version of this tool.
 * @param accepted Whether somebody has said yes to what is to be asked about.
 */
export async function sealPlan(
  description: PlanDescription,
  toolVersion: string,
  accepted: boolean,
): Promise<PlanFile> {
  const plan = { ...description, toolVersion, accepted };
  return { ...plan, digest: await digestPlan(plan) };
}

function digestPlan(plan: Omit<PlanFile, "digest">): Promise<string> {
  return sha256(toCanonical(plan));
}

/** JSON in which neither the order of the keys nor the white space says anything. */
function toCanonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, item: unknown) =>
      typeof item === "object" && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => a < b ? -1 : 1))
        : item,
  );
}

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
  ): Promise<void>;
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
  ): Promise<void>;
}

/**
 * Takes a plan that was written down.
 *
 * @param given The plan, as it was read.
 * @returns The plan, to be compared with what is there.
 * @throws {ConfigurationError} It is none, was edited, or has a format that is not known.
 */
export async function openPlan(given: PlanFile): Promise<GivenPlan> {
  const plan = await checkPlan(given);
  return {
    accepted: plan.accepted,
    takeOver: (asked) => takeOver(plan.options, asked),
    async refuseMoved(context, files, state) {
      refuseDifferences(await findMoved(plan, context, files, state));
    },
    async refuseOther(context, files, state, parts) {
      refuseDifferences(findOther(plan, await describePlan(context, files, state, parts)));
    },
  };
}

/**
 * Checks that something is a plan, as this version writes it, and that nobody has edited it.
 *
 * @param given What was read.
 * @returns The plan.
 * @throws {ConfigurationError} It is none, was edited, or has a format that is not known.
 */
export async function checkPlan(given: unknown): Promise<PlanFile> {
  if (!isPlan(given)) {
    throw new ConfigurationError("This is no plan of supamigrate", { hint: MAKE_ANEW });
  }
  const { digest, ...plan } = given;
  if (plan.format !== PLAN_FORMAT) {
    throw new ConfigurationError(
      `The plan was made by supamigrate ${plan.toolVersion}, in format ${plan.format}, and this ` +
        `version knows format ${PLAN_FORMAT}`,
      { hint: `Run it with the version that has made it. Or make it anew: ${COMMAND}.` },
    );
  }
  if (digest !== await digestPlan(plan)) {
    throw new ConfigurationError("The plan was edited: its digest is that of another text", {
      hint: `Take it back as it was. Or make it anew: ${COMMAND}. Nothing was changed.`,
    });
  }
  if (!isWhole(given)) {
    throw new ConfigurationError("The plan is not as supamigrate writes it", { hint: MAKE_ANEW });
  }
  return given;
}

const COMMAND = "supamigrate plan --out FILE";
const MAKE_ANEW = `Make one: ${COMMAND}. Nothing was changed.`;

/** What every format has. */
function isPlan(given: unknown): given is PlanFile {
  if (!isRecord(given)) return false;
  return typeof given.format === "number" && typeof given.toolVersion === "string" &&
    typeof given.digest === "string";
}

/** Whoever edits a plan can give it a digest that fits. */
function isWhole({ project, options, files, history, migrations, concerns }: PlanFile): boolean {
  return [project, options, history].every(isRecord) &&
    [files, migrations, concerns].every((list) => Array.isArray(list) && list.every(isRecord));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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

async function findMoved(
  plan: PlanFile,
  context: OperationContext,
  files: LoadedMigrations,
  state: DatabaseState,
): Promise<string[]> {
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
    ...compareHistories(plan.history, await digestHistory(state), state.history),
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
      undo: undo?.map(copy) ?? null,
      steps: steps.map(({ outside, settings, statements }) => ({
        outside,
        settings: settings.map(copy),
        statements: statements.map(copy),
      })),
    })),
  };
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

/** Whether what is sent of a migration is one transaction. */
export function isOneStep({ steps }: Pick<PlanFileMigration, "steps">): boolean {
  return steps.length === 1 && steps[0]!.outside === null;
}
