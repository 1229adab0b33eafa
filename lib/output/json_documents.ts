/**
 * What each command writes with `--json`. `deno task docs:json` makes `docs/json` of it, which says the
 * same to programs; tests hold what is written against that.
 *
 * @module
 */

import type { Target } from "../database/target.ts";
import type { AdoptResult } from "../operations/adopt.ts";
import type { DropBackupsResult, SafetyCopy } from "../operations/backups.ts";
import type { BaselineResult } from "../operations/baseline.ts";
import type { BundleResult } from "../operations/bundle.ts";
import type { CancelResult } from "../operations/cancel.ts";
import type { CreateResult } from "../operations/create.ts";
import type { DiffResult } from "../operations/diff.ts";
import type { DoctorResult } from "../operations/doctor.ts";
import type { DriftResult } from "../operations/drift.ts";
import type { FreshResult } from "../operations/fresh.ts";
import type { HealthResult } from "../operations/health.ts";
import type { LogEntry } from "../operations/history.ts";
import type { ImportResult } from "../operations/import.ts";
import type { InitResult } from "../operations/init.ts";
import type { InstallResult, UninstallResult } from "../operations/install.ts";
import type { MigrateResult } from "../operations/migrate.ts";
import type { PlanFile } from "../operations/plan_file.ts";
import type { PlannedMigration } from "../operations/prepare.ts";
import type { PlannedRollback } from "../operations/prepare_rollback.ts";
import type { PullResult } from "../operations/pull.ts";
import type { RepairChange } from "../operations/repair.ts";
import type { RepairLedgerResult } from "../operations/repair_ledger.ts";
import type { RollbackRunResult } from "../operations/rollback.ts";
import type { SeedResult } from "../operations/seed.ts";
import type { SquashResult } from "../operations/squash.ts";
import type { StatusResult } from "../operations/status.ts";
import type { TypesResult } from "../operations/types.ts";
import type { UnlockResult } from "../operations/unlock.ts";
import type { ValidateResult } from "../operations/validate.ts";
import type { VerifyResult } from "../operations/verify.ts";
import type { LockPlan } from "../planning/locks.ts";
import type { ReportReference, ReportTable } from "../report/schema.ts";
import type { Backup } from "./backup.ts";
import type { JsonError } from "./errors.ts";

/** Which project a command has spoken to. */
export interface TargetDocument extends Target {
  /** Which setting names the project, and where it stands; null for the embedded database. */
  readonly namedBy: string | null;
}

/** A planned migration or rollback without its statements, which are in the files. */
export type Shortened<Planned> = Omit<Planned, "statements" | "undo"> & {
  /** How many statements there are. */
  readonly statementCount: number;
};

/** The backup of `--backup`. */
interface WithBackup {
  /** The backup that was made before. */
  readonly backup?: Backup;
}

/** What `--check` came to. */
export type CheckDocument = HealthResult & {
  /** The rollback of `--rollback-on-failed-check`; null where there was none. */
  readonly rolledBack: RollbackRunResult | null;
};

/** A run of `migrate`, with the statements of what was planned for `--dry-run` and `--verbose`. */
export type MigrateDocument =
  & Omit<MigrateResult, "planned">
  & WithBackup
  & {
    readonly target: TargetDocument;
    /** What was to be applied, in order. */
    readonly planned: readonly (PlannedMigration | Shortened<PlannedMigration>)[];
    /** With `--locks`. */
    readonly locks?: LockPlan;
    /** With `--check`. */
    readonly check?: CheckDocument;
    /** With `--drift`. */
    readonly drift?: DriftResult;
  };

/** The same without what surrounds a run. */
type MigratedDocument = Pick<MigrateDocument, "planned"> & Omit<MigrateResult, "planned">;

/** The documents by command. */
export interface JsonDocuments {
  readonly adopt: AdoptResult;
  /** A list, what `drop` has dropped, or what `show` shows, with the SQL that puts it back. */
  readonly backups:
    | readonly SafetyCopy[]
    | DropBackupsResult
    | SafetyCopy & { readonly sql: string };
  readonly baseline: BaselineResult;
  readonly bundle: BundleResult & { readonly success: boolean };
  readonly cancel: CancelResult;
  readonly create: CreateResult;
  readonly diff: DiffResult;
  readonly doctor: DoctorResult;
  readonly drift: DriftResult;
  readonly fresh: Omit<FreshResult, "migrated"> & WithBackup & {
    /** What was applied; null where the run did not come to that. */
    readonly migrated: MigratedDocument | null;
  };
  /** The newest entry first. */
  readonly history: readonly LogEntry[];
  readonly import: ImportResult;
  readonly init: Omit<InitResult, "edits"> & {
    /** The files that were written, or would be. */
    readonly edits: readonly Omit<InitResult["edits"][number], "text">[];
  };
  /** What was done; with `--print`, the SQL that does it. */
  readonly install: InstallResult | { readonly success: boolean; readonly sql: string };
  readonly migrate: MigrateDocument;
  readonly plan: PlanFile;
  readonly pull: PullResult;
  /** What was recorded; with `--ledger`, how the Supabase CLI's ledger was mended. */
  readonly repair: RepairChange | RepairLedgerResult;
  readonly report: {
    readonly success: boolean;
    /** The page's file. */
    readonly path: string;
    readonly bytes: number;
    readonly upToDate: boolean;
    /** How many migrations are pending. */
    readonly pending: number;
    /** How many tables and views there are. */
    readonly tables: number;
    /** How many differences `--drift` has found; null where nobody looked, or it is not known. */
    readonly drift: number | null;
  };
  readonly rollback: Omit<RollbackRunResult, "planned"> & WithBackup & {
    /** What was to be undone, in order; with statements for `--dry-run` and `--verbose`. */
    readonly planned: readonly (PlannedRollback | Shortened<PlannedRollback>)[];
  };
  readonly seed: SeedResult;
  readonly squash: SquashResult;
  /** Where the project stands; with `--diagram`, a table and what refers to it. */
  readonly status:
    | Omit<StatusResult, "applied"> & {
      readonly target: TargetDocument;
      /** With `--all`: what is applied, in the order of application. */
      readonly applied?: StatusResult["applied"];
    }
    | ReportTable & {
      readonly referredBy:
        readonly (Omit<ReportReference, "target"> & { readonly table: string })[];
    };
  readonly types:
    | TypesResult
    | Omit<TypesResult, "text"> & {
      readonly success: boolean;
      /** The file of `--out`. */
      readonly path: string;
      readonly upToDate: boolean;
      readonly written: boolean;
    };
  readonly uninstall: UninstallResult;
  readonly unlock: UnlockResult;
  readonly validate: ValidateResult & {
    /** Nothing is wrong with the files. */
    readonly valid: boolean;
  };
  readonly verify: VerifyResult;
}

/** What a command writes where it ends with an error. */
export type ErrorDocument = JsonError;
