/** Decides what to run, and why. Pure: no network, no file system, no clock. @module */

import { ConfigurationError } from "../errors.ts";
import { comparisonBy, findMigration, isNumbered, type OrderBy } from "./order.ts";
import { pairRenamed } from "./renames.ts";
import type { Section } from "./sections.ts";

/** A migration as its file says it. */
export interface Migration {
  /** The file's name, which is the migration's identity. */
  readonly name: string;
  /** What is applied. */
  readonly forward: Section;
  /** What undoes it, where the file says so. */
  readonly rollback: RollbackSection | null;
  /** SHA-256 of the forward part. */
  readonly checksum: string;
  /** SHA-256 of its statements, without the comments and the white space between them. */
  readonly statementsChecksum: string;
  /** It is what `create` made, and nobody has written anything into it. */
  readonly isTemplate: boolean;
  /** Comments before its first banner that speak to this tool, such as allowances. */
  readonly head?: string;
}

/** The rollback part of a migration, and the file that it stands in. */
export interface RollbackSection extends Section {
  /** `X.sql`, or `X.down.sql` beside it. */
  readonly file: string;
  /** SHA-256 of the text. */
  readonly checksum: string;
}

/** Why a migration is pending. */
export type PendingReason =
  | "not_executed"
  | "checksum_mismatch"
  | "failed_previously"
  | "rolled_back";

/** How the last attempt at a migration ended. */
export type MigrationStatus = "completed" | "failed" | "rolled_back";

/** What PostgreSQL said of a failed migration, and where. */
export interface MigrationFailure {
  /** SQLSTATE. */
  readonly code: string;
  /** PostgreSQL's message. */
  readonly message: string;
  /** Its DETAIL. */
  readonly detail?: string;
  /** Its HINT. */
  readonly hint?: string;
  /** Where inside a function or `DO` block. */
  readonly context?: string;
  /** Which part failed: undoing the old version, the statements, or the checks at the end. */
  readonly part?: "undo" | "statements" | "end";
  /** Which statement of that part, from 1. */
  readonly statement?: number;
  /** The line of the file, from 1: that of the mistake where it can be told, else the statement's. */
  readonly line?: number;
  /** The name that the message is about, where it is known. */
  readonly place?: FailurePlace;
}

/**
 * Where in a file the name stands that an error is about. It is a thing of its own: PostgreSQL's
 * errors have a `column` too, which is the name of a table's column.
 */
export interface FailurePlace {
  /** The column of the line, in characters from 1. */
  readonly column: number;
  /** The text of the line. */
  readonly excerpt: string;
  /** How often the statement has that name, where it is more than once: this is the first. */
  readonly occurrences?: number;
}

/** One row of the history: what is in the database, and how the last attempt ended. */
export interface HistoryEntry {
  /** The migration's name. */
  readonly name: string;
  /** The batch it was applied in first since it was last undone, or else last tried in. */
  readonly batch: number;
  /** When, as an ISO 8601 time of the server. */
  readonly executedAt: string;
  /** How long it ran, in milliseconds. */
  readonly executionTimeMs: number;
  /** SHA-256 of the forward part that was tried last. */
  readonly checksum: string;
  /** SHA-256 of the forward part whose effect is in the database, or null. */
  readonly appliedChecksum: string | null;
  /** SHA-256 of the statements of that version, or null where it was not noted. */
  readonly statementsChecksum: string | null;
  /**
   * Where in the order of application it stands, counted from its first application since it was
   * last undone; null where the audit log does not know.
   */
  readonly position: number | null;
  /** How the last attempt ended. */
  readonly status: MigrationStatus;
  /** SHA-256 of the stored rollback SQL, or null where there is none. */
  readonly rollbackChecksum: string | null;
  /** The audit log says the same: which version is applied, and which rollback SQL is stored. */
  readonly vouched: boolean;
  /** What the last attempt failed with, or null. */
  readonly error: MigrationFailure | null;
  /** What is done of a migration of several steps that is not done as a whole, or null. */
  readonly progress: StepProgress | null;
}

/** Which of the two is done with a migration. */
export type Purpose = "apply" | "revert";

/** What is done of a migration of several steps. */
export interface StepProgress {
  /** Whether it is being applied or undone. */
  readonly purpose: Purpose;
  /** How many steps there are. */
  readonly steps: number;
  /** SHA-256 of each step that is done, in order. */
  readonly digests: readonly string[];
  /** A step outside a transaction that has begun, and whose end nobody has seen yet. */
  readonly outside?: { readonly digest: string };
}

/** A migration that is to be run. */
export interface PendingMigration {
  /** The migration. */
  readonly migration: Migration;
  /** Why it is pending. */
  readonly reason: PendingReason;
  /** The version in the database before, where there is one. */
  readonly applied: HistoryEntry | null;
}

/** A file that has another name than the migration that it is. */
export interface Rename {
  /** The name in the history. */
  readonly from: string;
  /** The name of the file. */
  readonly to: string;
}

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
    .map(({ name }) => name).sort(compare).at(-1) ?? null;
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
 * @param migration The file.
 * @param entry What is in the database.
 */
export function saysTheSame(
  { checksum, statementsChecksum }: Pick<Migration, "checksum" | "statementsChecksum">,
  entry: Pick<HistoryEntry, "appliedChecksum" | "statementsChecksum">,
): boolean {
  return entry.appliedChecksum === checksum ||
    (entry.appliedChecksum !== null && entry.statementsChecksum === statementsChecksum);
}

/** Whether some version of a migration is in the database. */
export function isApplied(entry: HistoryEntry | undefined): entry is HistoryEntry {
  return entry !== undefined && entry.appliedChecksum !== null;
}

/** Whether anything of a migration is in the database: a version of it, or some of its steps. */
function isPresent(entry: HistoryEntry): boolean {
  return entry.appliedChecksum !== null || entry.progress !== null;
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
