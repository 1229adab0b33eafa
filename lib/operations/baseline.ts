/** Records migrations as applied, without running them. @module */

import { comparisonBy, findMigration } from "../planning/order.ts";
import { findLastBatch, isApplied, type Migration } from "../planning/plan.ts";
import type { Abilities } from "../planning/session_settings.ts";
import { type OperationContext, withLock } from "./context.ts";
import { type Concern, createTeller, describeSecrets, toConcerns } from "./concerns.ts";
import {
  describeLeftOut,
  keepLedger,
  type Ledger,
  listStatements,
  refuseUnwritable,
} from "./ledger.ts";
import { findStored } from "./secrets.ts";
import { findUnvouched } from "./vouched.ts";

/** What `baseline` came to. */
export interface BaselineResult {
  /** The last migration that is recorded. */
  readonly upTo: string;
  /** What was recorded as applied, in order. */
  readonly recorded: readonly string[];
  /** The batch they were recorded in, or null where there was nothing to record. */
  readonly batchNumber: number | null;
  /** Doubts about what was stored, a sentence each; they were notices before that. */
  readonly warnings: readonly string[];
}

/** Options of `baseline`. */
export interface BaselineOptions {
  /** Asked before rollback SQL is stored that holds what can only be a key. */
  readonly confirmConcerns?: (concerns: readonly Concern[]) => Promise<boolean>;
}

/**
 * Records everything up to a migration as applied, without running it: for a database that has
 * it already. What is applied stays as it is, where the audit log says so too.
 *
 * @param context What the operation works with.
 * @param name The last migration: its name, or a unique beginning of it.
 * @param options What to ask before.
 * @returns What was recorded.
 * @throws {ConfigurationError} There is no such migration.
 */
export async function baseline(
  context: OperationContext,
  name: string,
  { confirmConcerns }: BaselineOptions = {},
): Promise<BaselineResult> {
  const files = await context.load();
  const { migrations, secrets, order } = files;
  const compare = comparisonBy(order);
  const tell = createTeller(context);
  const upTo = findMigration(name, migrations.map((migration) => migration.name));
  return await withLock<BaselinePlan, BaselineResult>(context, {
    plan: async (state) => {
      const { history } = state;
      const unvouched = new Set(findUnvouched(state, order));
      const applied = new Set(
        history.filter(isApplied).map((entry) => entry.name).filter((name) => !unvouched.has(name)),
      );
      const missing = migrations.filter((migration) =>
        compare(migration.name, upTo) <= 0 && !applied.has(migration.name)
      );
      const ledger = keepLedger(context.ledger, state, files);
      if (missing.length > 0) refuseUnwritable(ledger, state.ledger);
      const stored = findStored(secrets, missing);
      const warnings = [
        ...missing.filter(({ name }) => unvouched.has(name)).map(({ name }) =>
          `The history is not what the audit log says of ${name}: it is recorded anew`
        ),
        ...describeSecrets(stored),
        ...describeLeftOut(ledger, missing.map(({ name }) => name)),
      ];
      tell(warnings);
      const concerns = toConcerns(stored.filter(({ certain }) => certain));
      const batch = findLastBatch(history) + 1;
      const records = await Promise.all(
        missing.map((migration) => toRecord(migration, batch, ledger, context.can)),
      );
      return { batch, missing, records, warnings, concerns };
    },
    unlessNeeded: ({ missing, warnings }) =>
      missing.length === 0 ? { upTo, recorded: [], batchNumber: null, warnings } : undefined,
    confirm: confirmConcerns &&
      (async ({ concerns }) => concerns.length === 0 || await confirmConcerns(concerns)),
    run: async (session, { batch, missing, records, warnings }) => {
      await session.perform("baseline", { migrations: records });
      const recorded = missing.map((migration) => migration.name);
      return { upTo, recorded, batchNumber: batch, warnings };
    },
  });
}

interface BaselinePlan {
  readonly batch: number;
  readonly missing: readonly Migration[];
  readonly records: readonly Record<string, unknown>[];
  readonly warnings: readonly string[];
  readonly concerns: readonly Concern[];
}

/**
 * @param migration A migration.
 * @param batch The batch to record it in.
 * @param ledger The Supabase CLI's ledger.
 * @param can What migrations can do on the way to the database.
 * @returns It in the form of `supamigrate.record_as_applied`.
 */
export async function toRecord(
  migration: Migration,
  batch: number,
  ledger: Ledger,
  can: Abilities,
): Promise<Record<string, unknown>> {
  const statements = ledger.names?.versions.has(migration.name)
    ? await listStatements(migration, can)
    : undefined;
  return {
    name: migration.name,
    checksum: migration.checksum,
    statements_checksum: migration.statementsChecksum,
    batch,
    rollback_sql: migration.rollback?.sql ?? null,
    ...ledger.record(migration.name, statements),
  };
}
