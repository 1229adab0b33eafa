/** Decides what to run, and why. Pure: no network, no file system, no clock. @module */

import { ConfigurationError } from "../errors.ts";
import type {
  HistoryEntry,
  Migration,
  PendingMigration,
  PendingReason,
  Rename,
} from "./migration.ts";
import { comparisonBy, findMigration, isNumbered, type OrderBy } from "./order.ts";
import { pairRenamed } from "./renames.ts";

export type {
  BatchProgress,
  Blocker,
  FailurePlace,
  HistoryEntry,
  Migration,
  MigrationFailure,
  MigrationStatus,
  PendingMigration,
  PendingReason,
  Purpose,
  Rename,
  RollbackSection,
  StepCount,
  StepProgress,
} from "./migration.ts";

/** What there is to do. */
export interface MigrationPlan {
  /** What would run, in order. */
  readonly pending: readonly PendingMigration[];
  /** Applied migrations of which the rollback section alone was changed. */
  readonly changedRollbacks: readonly Migration[];
  /** Applied migrations of which comments or white space alone were changed: they stay applied. */
  readonly reworded: readonly Migration[];
  /** Files that are applied under another name, which is gone. */
  readonly renamed: readonly Rename[];
  /** Pending migrations that come before some that are applied, and the last one of those. */
  readonly outOfOrder: readonly string[];
  /** The last applied migration that has a number, in the order of the files. */
  readonly lastApplied: string | null;
  /** What `create` made and nobody has filled in. */
  readonly templates: readonly string[];
  /** Applied migrations whose file is gone, in order. */
  readonly missing: readonly string[];
  /** The highest batch that is in the database; 0 where nothing is. */
  readonly lastBatch: number;
}

/** Which migrations {@linkcode planMigrations} looks at. */
export interface PlanOptions {
  /** What decides the order. `"number"` by default. */
  readonly order?: OrderBy;
  /** The last migration to run, by its full name; all where it is left out. */
  readonly to?: string | undefined;
}

/**
 * Compares files with history.
 *
 * @param migrations The migrations in order.
 * @param history The history rows, in any order.
 * @param options Their order, and where to stop.
 * @returns What there is to do.
 */
export function planMigrations(
  migrations: readonly Migration[],
  history: readonly HistoryEntry[],
  { order = "number", to }: PlanOptions = {},
): MigrationPlan {
  const compare = comparisonBy(order);
  const known = new Map(history.map((entry) => [entry.name, entry]));
  const files = new Set(migrations.map(({ name }) => name));
  const gone = history.filter((entry) => isApplied(entry) && !files.has(entry.name));
  const renamed = pairRenamed(migrations.filter(({ name }) => !isApplied(known.get(name))), gone);
  const renamedTo = new Set(renamed.map(({ to }) => to));
  const renamedFrom = new Set(renamed.map(({ from }) => from));

  const pending: PendingMigration[] = [];
  const changedRollbacks: Migration[] = [];
  const reworded: Migration[] = [];
  const templates: string[] = [];
  for (const migration of migrations) {
    if (to !== undefined && compare(migration.name, to) > 0) break;
    if (renamedTo.has(migration.name)) continue;
    const entry = known.get(migration.name);
    const applied = isApplied(entry) ? entry : null;
    if (migration.isTemplate && applied === null) {
      templates.push(migration.name);
      continue;
    }
    const reason = findReason(migration, entry);
    if (reason !== null) {
      pending.push({ migration, reason, applied });
    } else if (applied!.appliedChecksum !== migration.checksum) {
      reworded.push(migration);
    } else if ((migration.rollback?.checksum ?? null) !== applied!.rollbackChecksum) {
      changedRollbacks.push(migration);
    }
  }
  const lastApplied = history.filter((entry) => isApplied(entry) && isNumbered(entry.name))
    .map(({ name }) => name)
    .reduce<string | null>((a, b) => a === null || compare(a, b) <= 0 ? b : a, null);
  return {
    pending,
    changedRollbacks,
    reworded,
    renamed,
    templates,
    lastApplied,
    outOfOrder: lastApplied === null ? [] : pending
      .filter(({ reason, migration: { name } }) =>
        reason === "not_executed" && compare(name, lastApplied) < 0
      )
      .map(({ migration: { name } }) => name),
    missing: gone.map(({ name }) => name).filter((name) => !renamedFrom.has(name)).sort(compare),
    lastBatch: findLastBatch(history),
  };
}

/** Why a migration is pending, or null where what the file says is in the database. */
function findReason(migration: Migration, entry: HistoryEntry | undefined): PendingReason | null {
  if (entry === undefined) return "not_executed";
  if (entry.progress?.purpose === "apply") return "failed_previously";
  if (isApplied(entry) && saysTheSame(migration, entry)) return null;
  if (entry.status === "rolled_back") return "rolled_back";
  if (entry.status === "failed" && entry.checksum === migration.checksum) {
    return "failed_previously";
  }
  return "checksum_mismatch";
}

/**
 * Whether a file says what is in the database, comments and white space aside.
 *
 * @param migration The file. What its statements come to is made when it is asked for.
 * @param entry What is in the database.
 */
export function saysTheSame(
  migration: Pick<Migration, "checksum" | "statementsChecksum">,
  entry: Pick<HistoryEntry, "appliedChecksum" | "statementsChecksum">,
): boolean {
  return entry.appliedChecksum === migration.checksum ||
    (entry.appliedChecksum !== null && entry.statementsChecksum === migration.statementsChecksum);
}

/** Whether some version of a migration is in the database. */
export function isApplied(entry: HistoryEntry | undefined): entry is HistoryEntry {
  return entry !== undefined && entry.appliedChecksum !== null;
}

/** Whether anything of a migration is in the database: a version of it, or some of its steps. */
function isPresent(entry: HistoryEntry): boolean {
  return entry.appliedChecksum !== null || entry.progress !== null;
}

/** The order in which migrations were applied; by name where the audit log does not know it. */
export function compareApplied(a: HistoryEntry, b: HistoryEntry): number {
  return (a.position ?? Infinity) - (b.position ?? Infinity) || (a.name < b.name ? -1 : 1);
}

/** The highest batch of which something is in the database, or 0. */
export function findLastBatch(history: readonly HistoryEntry[]): number {
  return history.filter(isApplied).reduce((last, { batch }) => Math.max(last, batch), 0);
}

/** What to undo. */
export type RollbackTarget =
  | { readonly kind: "last batch" }
  /** A batch number or a migration's name: everything after it. */
  | { readonly kind: "to"; readonly target: string }
  | { readonly kind: "steps"; readonly steps: number };

/** What a rollback would undo. */
export interface RollbackPlan {
  /** What the target came to: a batch number or a full name, or null for the others. */
  readonly to: string | null;
  /** The migrations to undo, last first. */
  readonly entries: readonly HistoryEntry[];
}

/**
 * Decides what a rollback undoes: migrations in the reverse of the order in which they were
 * first applied. Running a changed migration again moves it nowhere: what was built on it since is
 * undone before it.
 *
 * @param history The history rows, in any order.
 * @param target What was asked for.
 * @param order What decides the order of what the audit log does not know. `"number"` by default.
 * @returns The migrations to undo, last first.
 * @throws {ConfigurationError} The target is not known.
 */
export function planRollback(
  history: readonly HistoryEntry[],
  target: RollbackTarget,
  order: OrderBy = "number",
): RollbackPlan {
  const applied = inOrderOfApplication(history, order).reverse();
  const lastBatch = applied.reduce((last, { batch }) => Math.max(last, batch), 0);
  if (target.kind === "last batch") {
    return { to: null, entries: applied.filter(({ batch }) => batch === lastBatch) };
  }
  if (target.kind === "steps") return { to: null, entries: applied.slice(0, target.steps) };

  const names = applied.map(({ name }) => name).reverse();
  if (/^(0|[1-9]\d*)$/.test(target.target)) {
    const batch = Number(target.target);
    if (batch <= lastBatch) {
      return { to: target.target, entries: applied.filter((entry) => entry.batch > batch) };
    }
    if (!names.some((name) => name.startsWith(target.target))) {
      throw new ConfigurationError(
        `There is no batch ${target.target}: the last one is ${lastBatch}`,
        {
          hint: "supamigrate history shows the batches.",
        },
      );
    }
  }
  const name = findMigration(target.target, names, "applied migration");
  const index = applied.findIndex((entry) => entry.name === name);
  return { to: name, entries: applied.slice(0, index) };
}

/**
 * What is applied, or some steps of it, in the order in which it was first applied. What the audit log does not know
 * is older than all that it knows, and goes by batch, and in a batch by name.
 *
 * @param history The history rows, in any order.
 * @param order What decides the order of names.
 */
export function inOrderOfApplication(
  history: readonly HistoryEntry[],
  order: OrderBy,
): HistoryEntry[] {
  const compare = comparisonBy(order);
  // What has begun with a step outside a transaction has no entry yet, and is the last one.
  const place = ({ position, progress }: HistoryEntry) =>
    position ?? (progress === null ? 0 : Number.MAX_SAFE_INTEGER);
  return history.filter(isPresent).sort((a, b) =>
    place(a) - place(b) || a.batch - b.batch || compare(a.name, b.name)
  );
}
