/** Runs seeds: data for a database that was just built. @module */

import { STATEMENTS } from "../database/channel.ts";
import type { LockSession } from "../database/session.ts";
import { callReading, type DatabaseState, toFailure } from "../database/state.ts";
import { ConfigurationError, MigrationFileError } from "../errors.ts";
import { sha256 } from "../planning/checksum.ts";
import { type Limits, toWireLimits, withLimits } from "../planning/limits.ts";
import { locateFailure } from "../planning/locate_failure.ts";
import type { MigrationFailure } from "../planning/plan.ts";
import { Refusals } from "../planning/refusals.ts";
import { normalizeText, type Section } from "../planning/sections.ts";
import { splitStatements } from "../planning/statements.ts";
import type { Statement } from "../planning/step.ts";
import { type ApiReadiness, awaitApi } from "./api_ready.ts";
import { createTeller } from "./concerns.ts";
import { type OperationContext, withLock } from "./context.ts";
import { keepLedger, refuseUnwritable } from "./ledger.ts";
import { performPatiently } from "./lock_attempts.ts";
import { readMigrationFile } from "./source.ts";
import { isPlain } from "./steps.ts";

/** Options of `seed`. */
export interface SeedOptions {
  /** Runs all seeds again, whether they were run or not. */
  readonly force?: boolean;
  /** Plan only: takes no lock and changes nothing. */
  readonly dryRun?: boolean;
  /** How long to wait for another run's lock, in milliseconds. 0 by default. */
  readonly waitMs?: number;
  /** Asked before seeds are run, with their paths. Without it nothing is asked. */
  readonly confirm?: (seeds: readonly string[]) => Promise<boolean>;
}

/** How one seed ended. */
export interface SeedRun {
  /** Its path, from `supabase/` on. */
  readonly name: string;
  /** It was run, and what it does is in the database. */
  readonly success: boolean;
  /** How long it ran, in milliseconds on the server's clock. */
  readonly executionTimeMs: number;
  /** What PostgreSQL said, where it failed. */
  readonly error: MigrationFailure | null;
}

/** What `seed` came to. */
export interface SeedResult extends ApiReadiness {
  /** Everything that was to be run was run. */
  readonly success: boolean;
  /** How each seed ended, in order. */
  readonly results: readonly SeedRun[];
  /** The seeds that were to be run. */
  readonly planned: readonly string[];
  /** Those that were run before, and are not run again. */
  readonly alreadyRun: readonly string[];
  /** Those of them that have another content now. */
  readonly changed: readonly string[];
  /** Where seeds were looked for. */
  readonly looked: string;
  /** Doubts, a sentence each; they were notices before. */
  readonly warnings: readonly string[];
  /** The plan was made and nothing else. */
  readonly dryRun: boolean;
  /** The run was asked to stop, and did so before all was done. */
  readonly interrupted: boolean;
}

interface Seed {
  readonly name: string;
  readonly hash: string;
  readonly section: Section;
  readonly statements: readonly Statement[];
  readonly limits?: Limits;
}

/** What is to be run. */
export interface SeedPlan {
  /** All seeds that there are. */
  readonly all: readonly Seed[];
  /** Those that were not run yet. */
  readonly due: readonly Seed[];
  /** Those that have another content than when they were run. */
  readonly changed: readonly string[];
  readonly inLedger: boolean;
  readonly looked: string;
  readonly warnings: readonly string[];
}

/**
 * Runs the seeds that were not run yet, each in one transaction with the record of it.
 *
 * One that was changed is not run again: its rows are there. Nor is its new hash noted, as the
 * Supabase CLI does: that would say that the new content is in the database.
 *
 * @param context What the operation works with.
 * @param options Which, and what to ask before.
 * @returns How it ended; a failed seed is a result, not an error.
 * @throws {SupamigrateError} The run could not begin, or could not go on.
 */
export async function seed(
  context: OperationContext,
  { force = false, dryRun = false, waitMs = 0, confirm }: SeedOptions = {},
): Promise<SeedResult> {
  const tell = createTeller(context);
  return await withLock<SeedPlan, SeedResult>(context, {
    waitMs,
    dryRun,
    plan: async (state) => {
      const plan = await prepareSeeds(context, state);
      const chosen = force ? { ...plan, due: plan.all, changed: [] } : plan;
      const warnings = [
        ...plan.warnings,
        ...chosen.changed.map((name) =>
          `${name} was changed since it was run, and is not run again: --force does that`
        ),
      ];
      tell(warnings);
      return { ...chosen, warnings };
    },
    unlessNeeded: (plan) =>
      dryRun || plan.due.length === 0
        ? {
          ...describe(plan),
          success: true,
          results: [],
          apiReady: null,
          dryRun,
          interrupted: false,
        }
        : undefined,
    confirm: confirm && (({ due }) => confirm(due.map(({ name }) => name))),
    run: async (session, plan) => ({
      ...await runSeeds(context, session, plan),
      ...await awaitApi(context, session),
    }),
  });
}

/**
 * Reads the seeds, and finds out which were run.
 *
 * @param context What the operation works with.
 * @param state The state.
 * @returns What is to be run.
 * @throws {MigrationFileError} Seeds cannot be sent: the first reason, and with it all others.
 */
export async function prepareSeeds(
  context: OperationContext,
  state: DatabaseState,
): Promise<SeedPlan> {
  if (context.folder === null) {
    throw new ConfigurationError("Seeds are files: there are none where migrations are a record");
  }
  const { findSeeds } = await import("../adoption/seeds.ts");
  const { files, looked, warnings } = await findSeeds(context.folder);
  const refusals = new Refusals();
  const all: Seed[] = [];
  for (const { name, path } of files) {
    const seed = await refusals.attempt(() => readSeed(context, name, path));
    if (seed !== undefined) all.push(seed);
  }
  refusals.throwAny();
  const ledger = keepLedger(context.ledger, state, { migrations: [], secrets: [] });
  const inLedger = ledger.names !== null && state.ledger.exists;
  if (inLedger && all.length > 0) refuseUnwritable(ledger, state.ledger);
  const known = all.length === 0
    ? {}
    : await callReading(await context.connect(), STATEMENTS.readSeeds) as Record<string, string>;
  return {
    all,
    due: all.filter(({ name }) => known[name] === undefined),
    changed: all.filter(({ name, hash }) => (known[name] ?? hash) !== hash)
      .map(({ name }) => name),
    inLedger,
    looked,
    warnings,
  };
}

async function readSeed(context: OperationContext, name: string, path: string): Promise<Seed> {
  const text = readMigrationFile(path, name);
  const section = { sql: normalizeText(text), line: 1 };
  const { statements, steps, limits = {} } = await splitStatements(section, name, context.can);
  if (!isPlain(steps)) {
    throw new MigrationFileError("The seed needs more than one transaction", { file: name }, {
      hint: "Put what needs a commit, or runs outside a transaction, into a migration.",
    });
  }
  // Of the file as it is: the Supabase CLI has the same.
  return { name, hash: sha256(text), section, statements, ...withLimits(limits) };
}

/**
 * Runs seeds, in order, and stops at the first failure.
 *
 * @param context What the operation works with.
 * @param session The lock.
 * @param plan What to run.
 * @returns How it ended.
 */
export async function runSeeds(
  context: OperationContext,
  session: LockSession,
  plan: SeedPlan,
): Promise<SeedResult> {
  const results: SeedRun[] = [];
  let interrupted = false;
  for (const [index, { name, hash, section, statements, limits }] of plan.due.entries()) {
    if (context.signal?.aborted) {
      interrupted = true;
      break;
    }
    context.onProgress({
      type: "started",
      action: "seed",
      migrations: [name],
      index,
      total: plan.due.length,
    });
    const migration = {
      name,
      checksum: hash,
      // A seed is run where its data can be had again.
      statements: statements.map(({ line, sql }) => [line, sql]),
      in_ledger: plan.inLedger,
      limits: toWireLimits(context.limits, limits),
    };
    const { item, ...outcome } = await performPatiently(
      context,
      session,
      migration,
      (attempt) => session.perform("seed", { migration, ...attempt }),
    );
    if (outcome.interrupted) {
      interrupted = true;
      break;
    }
    const { success, execution_time_ms: executionTimeMs } = item;
    const error = toFailure(item.error, session.lastBlockers);
    results.push({
      name,
      success,
      executionTimeMs,
      error: error === null ? null : locateFailure(error, statements, section),
    });
    context.onProgress({
      type: "finished",
      action: "seed",
      migration: name,
      success,
      executionTimeMs,
    });
    if (!success) break;
  }
  return {
    ...describe(plan),
    success: !interrupted && results.every(({ success }) => success),
    results,
    apiReady: null,
    dryRun: false,
    interrupted,
  };
}

function describe(
  { all, due, changed, looked, warnings }: SeedPlan,
): Pick<SeedResult, "planned" | "alreadyRun" | "changed" | "looked" | "warnings"> {
  const planned = due.map(({ name }) => name);
  const alreadyRun = all.map(({ name }) => name).filter((name) => !planned.includes(name));
  return { planned, alreadyRun, changed, looked, warnings };
}
