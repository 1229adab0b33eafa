/** Takes migrations up, down and up again on a shadow, and compares what is there each time. @module */

import { explaining } from "../database/explain.ts";
import { readState } from "../database/state.ts";
import { ConfigurationError, InterruptedError } from "../errors.ts";
import { findMigration } from "../planning/order.ts";
import { type Migration, planMigrations } from "../planning/plan.ts";
import { readCatalogue } from "../schema/catalogue.ts";
import type { OperationContext } from "./context.ts";
import { loadAllFit } from "./refusals.ts";
import { openRoundTrips, type RoundTripProblem } from "./round_trip.ts";
import { saysHowToUndo } from "./prepare_rollback.ts";
import { findApplied } from "./shadow.ts";

/** Options of `verify`. */
export interface VerifyOptions {
  /** Which migrations: names, or unique beginnings of them. All that are pending by default. */
  readonly names?: readonly string[];
  /** All migrations, those that are applied among them. */
  readonly all?: boolean;
  /** Make rows in the tables that are there before, and see whether they keep their values. */
  readonly data?: boolean;
  /** A migration without rollback SQL is a failure too. */
  readonly strict?: boolean;
}

/** What became of a migration on the shadow. */
export interface VerifiedMigration {
  /** Its name. */
  readonly name: string;
  /** Whether its rollback restores what was there before; null where it has none. */
  readonly isReversible: boolean | null;
  /** What is wrong with it, in order. */
  readonly problems: readonly RoundTripProblem[];
  /** What the answer does not cover, a sentence each. */
  readonly remarks: readonly string[];
}

/** What `verify` found. */
export interface VerifyResult {
  /** Nothing is wrong; with `strict`, each migration has rollback SQL as well. */
  readonly success: boolean;
  /** What became of each migration, in order. */
  readonly migrations: readonly VerifiedMigration[];
  /** Migrations that come after one that cannot be applied. */
  readonly notTried: readonly string[];
  /** What makes the answer less than certain, a sentence each. */
  readonly doubts: readonly string[];
}

/**
 * Verifies on a shadow that migrations can be undone: up, down and up again, each on all that comes
 * before it. Changes nothing.
 *
 * @param context What the operation works with.
 * @param options Which migrations, and what is asked of them.
 * @returns What is wrong with each.
 * @throws {ConfigurationError} A name is unknown, or a migration that comes before cannot be applied
 * to the shadow.
 * @throws {MigrationFileError} Files cannot be read as migrations.
 */
export async function verify(
  context: OperationContext,
  options: VerifyOptions = {},
): Promise<VerifyResult> {
  const files = await loadAllFit(context);
  const channel = explaining(await context.connect());
  const state = await readState(channel, context.target);
  const { migrations: applied, doubts } = findApplied(files, state);
  const { pending } = planMigrations(files.migrations, state.history, { order: files.order });
  const sequence = [
    ...applied,
    ...files.migrations.filter((migration) => !applied.includes(migration)),
  ];
  const chosen = choose(sequence, pending.map(({ migration }) => migration), options);
  if (chosen.length === 0) return { success: true, migrations: [], notTried: [], doubts };

  const verified: VerifiedMigration[] = [];
  // What the embedded database has, migrations have made.
  const live = context.target.kind === "embedded"
    ? undefined
    : await readCatalogue((sql) => channel.run(sql));
  await using trips = await openRoundTrips(context, sequence, {
    live,
    applied,
    compares: true,
    data: options.data ?? false,
  });
  for (const [index, migration] of chosen.entries()) {
    if (context.signal?.aborted) throw new InterruptedError("Interrupted: nothing was changed");
    const { name } = migration;
    context.onProgress({
      type: "preparing",
      what: `${index + 1}/${chosen.length} ${name}: up, down and up again`,
    });
    const { problems, remarks } = await trips.take(migration);
    const failed = problems.some(({ code }) => code === "up-fails");
    verified.push({
      name,
      isReversible: saysHowToUndo(migration) ? problems.length === 0 : null,
      problems,
      remarks,
    });
    if (failed) break;
  }
  return {
    success: verified.every(({ problems, isReversible }) =>
      problems.length === 0 && !(options.strict && isReversible === null)
    ),
    migrations: verified,
    notTried: chosen.slice(verified.length).map(({ name }) => name),
    doubts,
  };
}

function choose(
  sequence: readonly Migration[],
  pending: readonly Migration[],
  { names = [], all = false }: VerifyOptions,
): readonly Migration[] {
  if (all && names.length > 0) {
    throw new ConfigurationError("Names of migrations and all of them exclude each other", {
      hint: "Leave out --all, or the names.",
    });
  }
  if (all) return sequence;
  const known = sequence.map(({ name }) => name);
  const chosen = names.length === 0
    ? pending.map(({ name }) => name)
    : names.map((name) => findMigration(name, known));
  return sequence.filter(({ name }) => chosen.includes(name));
}
