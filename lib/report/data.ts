/** What a page is made of: plain data, in the order in which it is shown. @module */

import type { TableChange } from "./changes.ts";
import type { ReportSchema } from "./schema.ts";

/** Everything that a page shows. */
export interface ReportData {
  /** When it was made, as an ISO 8601 time of this machine. */
  readonly madeAt: string;
  /** With which version of this tool. */
  readonly toolVersion: string;
  /** The project. */
  readonly project: {
    readonly kind: "project" | "local" | "embedded";
    readonly name: string;
    readonly url: string;
  };
  /** Where it stands. */
  readonly state: ReportState;
  /** The migrations: those with a file in order, then those without. */
  readonly migrations: readonly ReportMigration[];
  /** The newest entries of the audit log, newest first. */
  readonly log: readonly ReportEntry[];
  /** There are older ones. */
  readonly logIsCut: boolean;
  /** What `validate` finds in the files without running them. */
  readonly lint: Part<readonly ReportFinding[]>;
  /** What `doctor` finds in the project. */
  readonly doctor: Part<readonly ReportProblem[]>;
  /** What is not as the migrations make it. */
  readonly drift: Part<readonly ReportDifference[]>;
  /** The schema, with what pending migrations add. */
  readonly schema: ReportSchema;
  /** What pending migrations do to tables. */
  readonly changes: Part<readonly TableChange[]>;
  /** The statements of pending migrations that lock tables, the worst first. */
  readonly locks: Part<readonly ReportLock[]>;
}

/** What was found out, or why it was not. */
export type Part<Value> =
  | { readonly known: true; readonly value: Value }
  | { readonly known: false; readonly reason: string };

/** Where a project stands. */
export interface ReportState {
  /** Nothing is pending, and the audit log says so too. */
  readonly upToDate: boolean;
  readonly totalFiles: number;
  readonly executed: number;
  /** The last batch; 0 where nothing is applied. */
  readonly lastBatch: number;
  /** Who holds the lock, and for how long; null where nobody does. */
  readonly lock: { readonly holder: string | null; readonly ageMs: number } | null;
  /** What is running at this moment; null where nothing is. */
  readonly running: string | null;
  /** What is doubtful, or keeps files from being sent, a sentence each. */
  readonly warnings: readonly string[];
}

/** A migration. */
export interface ReportMigration {
  readonly name: string;
  /** What is the case with it. */
  readonly state: "applied" | "pending" | "file is gone" | "unfit";
  /** Why it is pending. */
  readonly reason: string | null;
  /** In which batch it was applied, or tried last. */
  readonly batch: number | null;
  readonly executedAt: string | null;
  readonly executionTimeMs: number | null;
  /** What the last attempt failed with. */
  readonly error: ReportError | null;
  /** What it does; null where there is no file. */
  readonly sql: ReportSql | null;
  /** What undoes it; null where nothing does. */
  readonly rollback: (ReportSql & { readonly file: string }) | null;
  /** What `migrate` would send; null where it is not pending, or not known. */
  readonly plan: ReportPlan | null;
  /** Tables that its statements are about, by `id`. */
  readonly tables: readonly { readonly id: string; readonly made: boolean }[];
}

/** A text of SQL. */
export interface ReportSql {
  readonly text: string;
  /** The line of the file that it starts on. */
  readonly line: number;
}

/** What PostgreSQL said. */
export interface ReportError {
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly line?: number;
}

/** What would be sent. */
export interface ReportPlan {
  readonly statements: number;
  /** What is committed together, in order: what runs outside a transaction has its name. */
  readonly steps: readonly { readonly statements: number; readonly outside: string | null }[];
  readonly stepsDone: number;
  /** What it destroys, and on which line. */
  readonly destroys: readonly { readonly line: number; readonly what: string }[];
  readonly notices: readonly string[];
}

/** An entry of the audit log. */
export interface ReportEntry {
  readonly id: number;
  readonly loggedAt: string;
  readonly action: string;
  readonly migration: string | null;
  readonly batch: number | null;
  readonly result: "ok" | "failed";
  readonly executionTimeMs: number | null;
  readonly actor: string | null;
  readonly toolVersion: string | null;
  /** What it failed with; null where it did not. */
  readonly message: string | null;
}

/** Something that `validate` finds. */
export interface ReportFinding {
  readonly code: string;
  readonly level: "error" | "warn" | "info";
  readonly file: string;
  readonly line: number;
  readonly message: string;
  readonly reason: string;
  readonly remedy: string;
}

/** Something that `doctor` finds. */
export interface ReportProblem {
  readonly check: string;
  readonly problem: string;
  readonly why: string;
  readonly mend: {
    readonly advice?: string;
    readonly sql?: string;
    readonly command?: string;
  };
}

/** An object that is not as the migrations make it. */
export interface ReportDifference {
  readonly change: "added" | "removed" | "changed";
  readonly kind: string;
  readonly name: string;
  readonly details: readonly string[];
}

/** A statement that locks tables. */
export interface ReportLock {
  readonly migration: string;
  readonly line: number;
  readonly sql: string;
  /** Whom it keeps waiting. */
  readonly blocks: string;
  /** For how long, by the order of magnitude. */
  readonly held: string;
  readonly locks: readonly { readonly table: string; readonly lock: string }[];
}
