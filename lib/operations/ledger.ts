/** Keeps the Supabase CLI's ledger in step with the history, where there is one. @module */

import { nameSome } from "../doctor/check.ts";
import type { DatabaseState, LedgerState } from "../database/state.ts";
import { ConfigurationError, MigrationFileError } from "../errors.ts";
import { type LedgerMode, type LedgerNames, toLedgerNames } from "../planning/ledger.ts";
import { isApplied, type Migration, type PendingMigration } from "../planning/plan.ts";
import type { Abilities } from "../planning/session_settings.ts";
import { splitStatements } from "../planning/statements.ts";
import type { Concern } from "./concerns.ts";
import type { MigrationSecret } from "./secrets.ts";

/** What goes along with a migration, in the form of `supamigrate.write_ledger`. */
export interface LedgerPart {
  readonly ledger?: {
    readonly version?: string;
    readonly name?: string;
    readonly statements?: readonly string[] | null;
    readonly remove?: readonly string[];
    readonly create?: true;
  };
}

/** What is to be written into the ledger. */
export interface Ledger {
  /** What takes part; null where no ledger is kept. */
  readonly names: LedgerNames | null;
  /**
   * Records a migration.
   *
   * @param name The migration.
   * @param statements Its statements, where the call does not bring them.
   */
  record(name: string, statements?: readonly string[]): LedgerPart;
  /** Takes migrations out. */
  remove(...names: readonly string[]): LedgerPart;
}

/** Where no ledger is kept. */
const NO_LEDGER: Ledger = { names: null, record: () => ({}), remove: () => ({}) };

/**
 * Finds out what to write into the ledger: all that changes the history beside it.
 *
 * @param mode What the user says of it.
 * @param state The state.
 * @param files The files, and what in them looks like a key: the statements of such are left out.
 * @returns The ledger.
 */
export function keepLedger(
  mode: LedgerMode | undefined,
  { ledger, history }: Pick<DatabaseState, "ledger" | "history">,
  { migrations, secrets }: {
    readonly migrations: readonly Migration[];
    readonly secrets: readonly MigrationSecret[];
  },
): Ledger {
  if (mode === "none" || !(ledger.exists || mode === "supabase")) return NO_LEDGER;
  const names = toLedgerNames([
    ...migrations.map(({ name }) => name),
    ...history.filter(isApplied).map(({ name }) => name),
  ]);
  const withKeys = new Set(
    secrets.filter(({ certain, part }) => certain && part === "forward")
      .map(({ migration }) => migration),
  );
  const create = mode === "supabase" ? { create: true } as const : {};
  return {
    names,
    record: (name, statements) => {
      const version = names.versions.get(name);
      if (version === undefined) return {};
      return {
        ledger: {
          ...version,
          ...create,
          ...(withKeys.has(name) ? { statements: null } : statements ? { statements } : {}),
        },
      };
    },
    remove: (...removed) => {
      const remove = removed.flatMap((name) => names.versions.get(name)?.version ?? []);
      return remove.length === 0 ? {} : { ledger: { remove } };
    },
  };
}

/**
 * Refuses to begin where the ledger could not be written.
 *
 * @param ledger What is to be written.
 * @param state The ledger as it is.
 * @throws {ConfigurationError} It cannot be read and written.
 */
export function refuseUnwritable({ names }: Ledger, { exists, problem }: LedgerState): void {
  if (names === null || problem === null) return;
  throw new ConfigurationError(`Cannot keep the Supabase CLI's ledger in step: ${problem}`, {
    hint: exists
      ? "Mend that in the SQL editor; or leave the ledger alone with --ledger none, and " +
        "mend it later with supamigrate repair --ledger."
      : "Let the Supabase CLI make it, or leave it out with --ledger none.",
  });
}

/**
 * Says which of the migrations that are about to be recorded take no part in the ledger.
 *
 * @param ledger The ledger.
 * @param recorded The migrations.
 * @returns A sentence, or none.
 */
export function describeLeftOut({ names }: Ledger, recorded: readonly string[]): string[] {
  const leftOut = recorded.filter((name) => names?.leftOut.includes(name));
  if (leftOut.length === 0) return [];
  return [
    `Not in the Supabase CLI's ledger, which knows migrations by the digits of <digits>_name.sql, ` +
    `each once: ${leftOut.slice(0, 5).join(", ")}${
      leftOut.length > 5 ? ` and ${leftOut.length - 5} more` : ""
    }`,
  ];
}

/**
 * Finds what the Supabase CLI has applied since this tool was at work: what is undone here is taken
 * out of the ledger, and what stands there all the same would be run twice.
 *
 * @param ledger The ledger.
 * @param state The ledger as it is.
 * @param pending What would be run.
 */
export function findAppliedByCli(
  { names }: Ledger,
  { versions }: LedgerState,
  pending: readonly PendingMigration[],
): Concern[] {
  return pending.filter(({ applied, migration: { name } }) => {
    const version = names?.versions.get(name)?.version;
    return applied === null && version !== undefined && version in versions;
  }).map(({ migration: { name } }) => ({
    file: name,
    line: 1,
    about: "applied elsewhere",
    says: "is in the Supabase CLI's ledger, and not applied by supamigrate",
  }));
}

/**
 * Says which files the Supabase CLI would undo as soon as it has applied them: it knows no sections.
 *
 * @param ledger The ledger.
 * @param migrations The migrations that are about to be recorded.
 * @returns A sentence, or none.
 */
export function describeRollbackSections(
  { names }: Ledger,
  migrations: readonly Migration[],
): string[] {
  const found = migrations.filter(({ name, rollback }) =>
    names?.versions.has(name) && rollback?.file === name
  ).map(({ name }) => name);
  if (found.length === 0) return [];
  return [
    `${nameSome(found)} ${found.length === 1 ? "has" : "have"} a ROLLBACK section, which the ` +
    "Supabase CLI runs with the rest where it applies the file, as in db reset and on branches: " +
    "put what undoes it into a file of the same name in a folder rollback/ beside it",
  ];
}

/**
 * The statements of a migration that is recorded without being run, as the ledger has them.
 *
 * @param migration The migration.
 * @param can What migrations can do on the way to the database.
 * @returns Its statements; where it could not be sent, its text as a whole.
 */
export async function listStatements(
  { forward, name }: Migration,
  can: Abilities,
): Promise<string[]> {
  try {
    const { statements } = await splitStatements(forward, name, can);
    return statements.map(({ sql }) => sql);
  } catch (error) {
    if (!(error instanceof MigrationFileError)) throw error;
    return [forward.sql.trim()];
  }
}
