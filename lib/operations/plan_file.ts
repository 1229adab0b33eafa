/**
 * A plan that is written down, so that what was reviewed is what runs. `given_plan.ts` compares it
 * with what would run.
 *
 * @module
 */

import type { Finding } from "../lint/finding.ts";
import type { LockPlan } from "../planning/locks.ts";
import type { DatabaseState } from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import { sha256 } from "../planning/checksum.ts";
import type { OrderBy } from "../planning/order.ts";
import type { HistoryEntry, PendingReason } from "../planning/plan.ts";
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
  /** What the rules of `validate` find; null where they were not asked. */
  readonly findings: readonly Finding[] | null;
  /** The locks that the statements take; null where nobody has measured them. */
  readonly locks: LockPlan | null;
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
  /** How its statement is committed in ranges of a table's key; left out where it is not. */
  readonly batch?: { readonly table: string; readonly key: string; readonly rows: number };
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
export function describePlan(
  context: OperationContext,
  files: LoadedMigrations,
  state: DatabaseState,
  { ready, to, transaction = "each", onChange = "rerun", outOfOrder = "warn" }: PlanParts,
): PlanDescription {
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
    history: digestHistory(state),
    migrations: ready.planned.map((planned) => {
      const { rollback } = sources.get(planned.name)!;
      return {
        name: planned.name,
        reason: planned.reason,
        steps: planned.steps.map((step) => ({
          outside: step.outside?.name ?? null,
          ...(step.batch === undefined ? {} : {
            batch: { table: step.batch.table, key: step.batch.key, rows: step.batch.rows },
          }),
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
    findings: ready.findings,
    locks: null,
  });
}

function copy({ line, sql }: PlanFileStatement): PlanFileStatement {
  return { line, sql };
}

export function digestFiles({ migrations }: Pick<LoadedMigrations, "migrations">): FileDigest[] {
  return migrations.map(({ name, checksum, rollback }) => ({
    name,
    checksum,
    rollbackChecksum: rollback?.checksum ?? null,
  }));
}

/** Each change of the history shows in a row of it: the lock's generation would say no more. */
export function digestHistory(
  { history, unrecorded }: Pick<DatabaseState, "history" | "unrecorded">,
): Record<string, string> {
  const digests = history.map((entry): [string, string] => [entry.name, digestEntry(entry)]);
  const lost = unrecorded.map((name): [string, string] => [name, "unrecorded"]);
  return Object.fromEntries([...digests, ...lost].sort(([a], [b]) => a < b ? -1 : 1));
}

function digestEntry(entry: HistoryEntry): string {
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
export function sealPlan(
  description: PlanDescription,
  toolVersion: string,
  accepted: boolean,
): PlanFile {
  const plan = { ...description, toolVersion, accepted };
  return { ...plan, digest: digestPlan(plan) };
}

function digestPlan(plan: Omit<PlanFile, "digest">): string {
  return sha256(toCanonical(plan));
}

/** JSON in which neither the order of the keys nor the white space says anything. */
export function toCanonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, item: unknown) =>
      typeof item === "object" && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => a < b ? -1 : 1))
        : item,
  );
}

/**
 * Checks that something is a plan, as this version writes it, and that nobody has edited it.
 *
 * @param given What was read.
 * @returns The plan.
 * @throws {ConfigurationError} It is none, was edited, or has a format that is not known.
 */
export function checkPlan(given: unknown): PlanFile {
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
  if (digest !== digestPlan(plan)) {
    throw new ConfigurationError("The plan was edited: its digest is that of another text", {
      hint: `Take it back as it was. Or make it anew: ${COMMAND}. Nothing was changed.`,
    });
  }
  if (!isWhole(given)) {
    throw new ConfigurationError("The plan is not as supamigrate writes it", { hint: MAKE_ANEW });
  }
  return given;
}

/** What makes a plan. */
export const COMMAND = "supamigrate plan --out FILE";
const MAKE_ANEW = `Make one: ${COMMAND}. Nothing was changed.`;

/** What every format has. */
function isPlan(given: unknown): given is PlanFile {
  if (!isRecord(given)) return false;
  return typeof given.format === "number" && typeof given.toolVersion === "string" &&
    typeof given.digest === "string";
}

/** Whoever edits a plan can give it a digest that fits. */
function isWhole({ project, options, files, history, migrations, concerns }: PlanFile): boolean {
  return [project, options, history].every(isRecord) && isListOf(files, isRecord) &&
    isListOf(concerns, isRecord) && isListOf(migrations, isMigration);
}

function isMigration(given: unknown): boolean {
  return isRecord(given) && typeof given.name === "string" &&
    (given.undo === null || isListOf(given.undo, isRecord)) &&
    isListOf(
      given.steps,
      (step) =>
        isRecord(step) && isListOf(step.settings, isRecord) && isListOf(step.statements, isRecord),
    );
}

function isListOf(given: unknown, check: (item: unknown) => boolean): boolean {
  return Array.isArray(given) && given.every(check);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
