/** Records in the Supabase CLI's ledger what is applied and not in it. @module */

import { ConfigurationError } from "../errors.ts";
import { compareLedger, type LedgerDifference } from "../planning/ledger.ts";
import { type OperationContext, withLock } from "./context.ts";
import { keepLedger, listStatements, refuseUnwritable } from "./ledger.ts";

/** Options of `repairLedger`. */
export interface RepairLedgerOptions {
  /** Shown the differences before anything is changed; false leaves them. */
  readonly confirm?: (difference: LedgerDifference) => Promise<boolean>;
}

/** What `repairLedger` came to. */
export interface RepairLedgerResult {
  /** How the two differed. */
  readonly difference: LedgerDifference;
  /** The versions that were recorded in the ledger. */
  readonly recorded: readonly string[];
}

/**
 * Records in the Supabase CLI's ledger what is applied. Never the other way round; and what is in the
 * ledger alone is kept, as the CLI may have applied it since.
 *
 * @param context What the operation works with.
 * @param options What to ask before.
 * @returns What was changed.
 * @throws {ConfigurationError} There is no ledger, or it cannot be written.
 */
export async function repairLedger(
  context: OperationContext,
  { confirm }: RepairLedgerOptions = {},
): Promise<RepairLedgerResult> {
  const files = await context.load();
  const byName = new Map(files.migrations.map((migration) => [migration.name, migration]));
  return await withLock<LedgerRepair, RepairLedgerResult>(context, {
    plan: async (state) => {
      const ledger = keepLedger(context.ledger, state, files);
      if (ledger.names === null) {
        throw new ConfigurationError(
          context.ledger === "none"
            ? "The Supabase CLI's ledger is left alone, as --ledger none or MIGRATION_LEDGER says"
            : "There is no ledger of the Supabase CLI: supabase_migrations.schema_migrations",
          context.ledger === "none" ? {} : { hint: "--ledger supabase makes it." },
        );
      }
      refuseUnwritable(ledger, state.ledger);
      const difference = compareLedger(ledger.names, state.history, state.ledger.versions);
      const migrations = [];
      for (const { file } of difference.onlyHere) {
        const migration = byName.get(file);
        const statements = migration === undefined
          ? undefined
          : await listStatements(migration, context.can);
        const part = ledger.record(file, statements);
        // Of a file that is gone, nobody knows the statements any more.
        migrations.push({ ledger: { statements: null, ...part.ledger } });
      }
      return { difference, migrations };
    },
    unlessNeeded: ({ difference }) =>
      difference.onlyHere.length === 0 ? { difference, recorded: [] } : undefined,
    confirm: confirm && (({ difference }) => confirm(difference)),
    run: async (session, { difference, migrations }) => {
      await session.perform("ledger", { migrations });
      return { difference, recorded: difference.onlyHere.map(({ version }) => version) };
    },
  });
}

interface LedgerRepair {
  readonly difference: LedgerDifference;
  readonly migrations: readonly Record<string, unknown>[];
}
