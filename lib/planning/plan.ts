/** Decides what to run, and why. Pure: no network, no file system, no clock. @module */

import { ConfigurationError } from "../errors.ts";
import { compareMigrations, findMigration } from "./order.ts";
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
  /** The batch it was last tried in. */
  readonly batch: number;
  /** When, as an ISO 8601 time of the server. */
  readonly executedAt: string;
  /** How long it ran, in milliseconds. */
  readonly executionTimeMs: number;
  /** SHA-256 of the forward part that was tried last. */
  readonly checksum: string;
  /** SHA-256 of the forward part whose effect is in the database, or null. */
  readonly appliedChecksum: string | null;
  /** How the last attempt ended. */
  readonly status: MigrationStatus;
  /** SHA-256 of the stored rollback SQL, or null where there is none. */
  readonly rollbackChecksum: string | null;
  /** The audit log says the same: which version is applied, and which rollback SQL is stored. */
  readonly vouched: boolean;
  /** What the last attempt failed with, or null. */
  readonly error: MigrationFailure | null;
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

/** What there is to do. */
export interface MigrationPlan {
  /** What would run, in order. */
  readonly pending: readonly PendingMigration[];
  /** Applied migrations of which the rollback section alone was changed. */
  readonly changedRollbacks: readonly Migration[];
  /** Applied migrations whose file is gone, in order. */
  readonly missing: readonly string[];
  /** The highest batch that is in the database; 0 where nothing is. */
  readonly lastBatch: number;
}

/**
 * Compares files with history.
 *
 * @param migrations The migrations in order.
 * @param history The history rows, in any order.
 * @param to The last migration to run, by its full name; all where it is left out.
 * @returns What there is to do.
 */
export function planMigrations(
  migrations: readonly Migration[],
  history: readonly HistoryEntry[],
  to?: string,
): MigrationPlan {
  const known = new Map(history.map((entry) => [entry.name, entry]));
  const pending: PendingMigration[] = [];
  const changedRollbacks: Migration[] = [];
  for (const migration of migrations) {
    if (to !== undefined && compareMigrations(migration.name, to) > 0) break;
    const entry = known.get(migration.name);
    const reason = findReason(migration, entry);
    if (reason !== null) {
      pending.push({ migration, reason, applied: isApplied(entry) ? entry : null });
    } else if ((migration.rollback?.checksum ?? null) !== entry!.rollbackChecksum) {
      changedRollbacks.push(migration);
    }
  }
  const files = new Set(migrations.map(({ name }) => name));
  return {
    pending,
    changedRollbacks,
    missing: history
      .filter((entry) => isApplied(entry) && !files.has(entry.name))
      .map(({ name }) => name)
      .sort(compareMigrations),
    lastBatch: findLastBatch(history),
  };
}

/** Why a migration is pending, or null where what the file says is in the database. */
function findReason(migration: Migration, entry: HistoryEntry | undefined): PendingReason | null {
  if (entry === undefined) return "not_executed";
  if (entry.appliedChecksum === migration.checksum) return null;
  if (entry.status === "rolled_back") return "rolled_back";
  if (entry.status === "failed" && entry.checksum === migration.checksum) {
    return "failed_previously";
  }
  return "checksum_mismatch";
}

/** Whether some version of a migration is in the database. */
export function isApplied(entry: HistoryEntry | undefined): entry is HistoryEntry {
  return entry !== undefined && entry.appliedChecksum !== null;
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
 * applied (by batch, and in a batch by name).
 *
 * @param history The history rows, in any order.
 * @param target What was asked for.
 * @returns The migrations to undo, last first.
 * @throws {ConfigurationError} The target is not known.
 */
export function planRollback(
  history: readonly HistoryEntry[],
  target: RollbackTarget,
): RollbackPlan {
  const applied = history.filter(isApplied).sort(compareApplied).reverse();
  const lastBatch = findLastBatch(history);
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
          hint: "deno task migrate:history shows the batches.",
        },
      );
    }
  }
  const name = findMigration(target.target, names, "applied migration");
  const index = applied.findIndex((entry) => entry.name === name);
  return { to: name, entries: applied.slice(0, index) };
}

function compareApplied(a: HistoryEntry, b: HistoryEntry): number {
  return a.batch - b.batch || compareMigrations(a.name, b.name);
}
