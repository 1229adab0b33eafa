/** What a rollback will run, before anything is run: from the files, or from what was stored. @module */

import type { DatabaseState, UndoneByFile } from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import { holdsStatements } from "../planning/lexer.ts";
import { type Limits, readLimits, withLimits } from "../planning/limits.ts";
import type { HistoryEntry, Migration, RollbackTarget } from "../planning/plan.ts";
import { Refusals } from "../planning/refusals.ts";
import type { Unkept } from "../planning/statements.ts";
import type { Statement } from "../planning/step.ts";
import { locateReserved, type MigrationReserved } from "./concerns.ts";
import type { OperationContext } from "./context.ts";
import type { Ledger } from "./ledger.ts";
import { withPgCron } from "./prepare.ts";
import { type PlannedSteps, planSteps } from "./steps.ts";
import { refuseUnproven, type StoredRollbacks } from "./stored.ts";

/** A migration with the statements that would undo it. */
export interface PlannedRollback extends PlannedSteps {
  /** The migration's name. */
  readonly name: string;
  /** The batch that it was applied in. */
  readonly batch: number;
  /** The file's rollback part, or the one that was stored when the migration was applied. */
  readonly source: "file" | "stored";
  /** Why the stored one is used. */
  readonly sourceReason:
    | "the file's"
    | "the file is gone"
    | "the file was changed"
    | "the file has none";
  /** The statements with their lines. */
  readonly statements: readonly Statement[];
  /** What they change of what Supabase keeps to itself. */
  readonly reserved: readonly MigrationReserved[];
  /** What they may destroy that cannot be kept before. */
  readonly unkept: readonly Unkept[];
  /** The limits that its file says; left out where it says none. */
  readonly limits?: Limits;
}

/** What a rollback will run, and what it was found with. */
export interface RollbackPlan {
  readonly to: string | null;
  readonly planned: PlannedRollback[];
  readonly ledger: Ledger;
}

/** How stored rollback SQL is named where a file would be. */
export function nameStored(name: string): string {
  return `stored rollback of ${name}`;
}

/** What is to be undone, as the planner takes it. */
export function toTarget(
  { target, steps }: { readonly target?: string; readonly steps?: number },
): RollbackTarget {
  if (target !== undefined && steps !== undefined) {
    throw new ConfigurationError("A target and a number of steps exclude each other");
  }
  if (target !== undefined) return { kind: "to", target };
  if (steps === undefined) return { kind: "last batch" };
  if (!Number.isSafeInteger(steps) || steps < 1) {
    throw new ConfigurationError(
      `The number of steps has to be a whole number from 1 on, not ${steps}`,
    );
  }
  return { kind: "steps", steps };
}

/**
 * Whether a migration says what undoes it; one that does nothing is undone by nothing.
 *
 * @param migration The migration.
 */
export function saysHowToUndo({ rollback, forward }: Migration): boolean {
  return rollback !== null || !holdsStatements(forward.sql);
}

/**
 * Which migrations need no stored rollback SQL, as long as the file is what was applied.
 *
 * @param migrations The files.
 * @returns Their checksums by name.
 */
export function findUndoneByFile(migrations: readonly Migration[]): UndoneByFile {
  return Object.fromEntries(
    migrations.filter(saysHowToUndo).map(({ name, checksum }) => [name, checksum]),
  );
}

/**
 * Finds what undoes each migration: the file's rollback part where the file says what was
 * applied, the stored one otherwise.
 *
 * @param entries The history rows to undo, last first.
 * @param migrations The files.
 * @param stored The stored rollback SQL, and what the log says of it.
 * @param context What the way to the database allows, and what splits sections.
 * @returns The migrations with the statements that undo them.
 * @throws {ConfigurationError} Some have none, or one that is not as it was stored; all of them
 * are named.
 */
export async function prepareRollbacks(
  entries: readonly HistoryEntry[],
  migrations: readonly Migration[],
  stored: StoredRollbacks & Pick<DatabaseState, "hasPgCron">,
  { can: way, split }: Pick<OperationContext, "can" | "split">,
): Promise<PlannedRollback[]> {
  const can = withPgCron(way, stored.hasPgCron);
  const { storedRollbacks } = stored;
  const files = new Map(migrations.map((migration) => [migration.name, migration]));
  const sourceOf = (entry: HistoryEntry): PlannedRollback["sourceReason"] => {
    const file = files.get(entry.name);
    if (file === undefined) return "the file is gone";
    if (file.checksum !== (entry.appliedChecksum ?? entry.checksum)) return "the file was changed";
    return saysHowToUndo(file) ? "the file's" : "the file has none";
  };

  const fromStored = entries.filter((entry) => sourceOf(entry) !== "the file's");
  const missing = fromStored.filter(({ name }) => storedRollbacks[name] === undefined);
  if (missing.length > 0) {
    throw new ConfigurationError(
      `Nothing was rolled back: there is no rollback SQL for ${
        missing.map(({ name }) => name).join(", ")
      }`,
      {
        hint: "Add a ROLLBACK section to each of these files (or a file of its name in rollback/ " +
          "beside it, which the Supabase CLI does not read) and run migrate, which stores it; " +
          "then roll back.",
      },
    );
  }
  refuseUnproven(fromStored, stored);
  const planned: PlannedRollback[] = [];
  const refusals = new Refusals();
  for (const entry of entries) {
    const sourceReason = sourceOf(entry);
    const section = sourceReason === "the file's"
      ? files.get(entry.name)!.rollback ?? { sql: "", line: 1, file: entry.name }
      : {
        sql: storedRollbacks[entry.name]!,
        line: 1,
        file: nameStored(entry.name),
      };
    const undoing = await refusals.attempt(() => split(section, section.file, can));
    const { head = "" } = files.get(entry.name) ?? {};
    const limits = await refusals.attempt(() => readLimits({ sql: head, line: 1 }, entry.name));
    if (undoing === undefined) continue;
    planned.push({
      name: entry.name,
      batch: entry.batch,
      source: sourceReason === "the file's" ? "file" : "stored",
      sourceReason,
      statements: undoing.statements,
      ...planSteps(entry.name, undoing.steps, entry, "revert"),
      reserved: locateReserved(section.file, undoing),
      unkept: undoing.unkept,
      ...withLimits({ ...limits, ...undoing.limits }),
    });
  }
  refusals.throwAny();
  return planned;
}
