/**
 * Schema migrations for a Supabase project over HTTPS alone, with rollback, a lock that cannot
 * be stolen, and exactly-once application. Without a project the same operations run on an
 * embedded database.
 *
 * @example
 * ```ts
 * import { createMigrator } from "@supamigrate/supamigrate";
 *
 * await using migrator = createMigrator({
 *   embedded: true, // or: supabaseUrl, serviceKey
 *   migrations: {
 *     "001_notes.sql": "create table notes (id uuid primary key);\n-- ROLLBACK\ndrop table notes;",
 *   },
 * });
 * const { success, migrationsRun } = await migrator.migrate();
 * ```
 *
 * @module
 */

export {
  createMigrator,
  installScript,
  type Migrator,
  type MigratorOptions,
} from "./lib/migrator.ts";
export { VERSION } from "./lib/version.ts";

export {
  type CompletedStep,
  ConfigurationError,
  type ErrorDetails,
  type FilePosition,
  InterruptedError,
  LockHeldError,
  LockLostError,
  MigrationFileError,
  SupamigrateError,
  UnknownOutcomeError,
  UnreachableError,
} from "./lib/errors.ts";

export type { WayOptions } from "./lib/ways.ts";
export type { RpcClient } from "./lib/database/api.ts";
export type {
  Activity,
  ActivityProgress,
  Blocker,
  LockState,
  WrittenTable,
} from "./lib/database/state.ts";
export type { Target } from "./lib/database/target.ts";
export type { FailurePlace } from "./lib/planning/plan.ts";
export type { ProgressEvent } from "./lib/operations/progress.ts";
export type { Finding, Remedy } from "./lib/doctor/check.ts";
export type { DoctorResult } from "./lib/operations/doctor.ts";
export type {
  AdoptedMigration,
  AdoptOptions,
  AdoptPlan,
  AdoptResult,
} from "./lib/operations/adopt.ts";
export type { FoundHistory } from "./lib/adoption/histories.ts";
export type { ToolName } from "./lib/adoption/history.ts";
export type {
  DropBackupsOptions,
  DropBackupsResult,
  SafetyCopy,
} from "./lib/operations/backups.ts";
export type {
  CopySurvey,
  KeptRows,
  PutBack,
  SafetyCopyMode,
  SafetyCopyOptions,
} from "./lib/operations/safety_copies.ts";
export type { HealthOptions, HealthResult } from "./lib/operations/health.ts";
export type { BaselineOptions, BaselineResult } from "./lib/operations/baseline.ts";
export type { CancelBlockers } from "./lib/operations/cancel_blockers.ts";
export type { CancelOptions, CancelResult } from "./lib/operations/cancel.ts";
export type { CreateOptions, CreateResult } from "./lib/operations/create.ts";
export type { Renamed } from "./lib/operations/capture.ts";
export type { DiffOptions, DiffResult } from "./lib/operations/diff.ts";
export type { PullOptions, PullResult, WrittenMigration } from "./lib/operations/pull.ts";
export type { FreshOptions, FreshResult, OutsideObject } from "./lib/operations/fresh.ts";
export type {
  FoundFunction,
  InstallOptions,
  InstallResult,
  UninstallOptions,
  UninstallResult,
} from "./lib/operations/install.ts";
export type { ApiReadiness } from "./lib/operations/api_ready.ts";
export type { ApplyResult, MigrationResult, TransactionMode } from "./lib/operations/apply.ts";
export type { PlannedMigration } from "./lib/operations/prepare.ts";
export type { MigrationMessage, MigrationMessages } from "./lib/operations/messages.ts";
export type { FileRefusal } from "./lib/operations/refusals.ts";
export type { MigrateOptions, MigrateResult } from "./lib/operations/migrate.ts";
export type { PlanningOptions } from "./lib/operations/ready_plan.ts";
export type { PlanOptions } from "./lib/operations/plan.ts";
export type {
  FileDigest,
  PlanFile,
  PlanFileMigration,
  PlanFileOptions,
  PlanFileStatement,
  PlanFileStep,
} from "./lib/operations/plan_file.ts";
export type { HistoryOptions, LogEntry } from "./lib/operations/history.ts";
export type { RecordedAs, RepairChange, RepairOptions } from "./lib/operations/repair.ts";
export type { UnlockOptions, UnlockResult } from "./lib/operations/unlock.ts";
export type { PlannedRollback } from "./lib/operations/prepare_rollback.ts";
export type {
  RollbackOptions,
  RollbackResult,
  RollbackRunResult,
} from "./lib/operations/rollback.ts";
export type { RepairLedgerOptions, RepairLedgerResult } from "./lib/operations/repair_ledger.ts";
export type { SeedOptions, SeedResult, SeedRun } from "./lib/operations/seed.ts";
export type { VerifiedMigration, VerifyOptions, VerifyResult } from "./lib/operations/verify.ts";
export type { RowLoss } from "./lib/schema/rows.ts";
export type { LeftObject, RoundTripProblem } from "./lib/operations/round_trip.ts";
export type {
  Blocks,
  LockPlan,
  Magnitude,
  StatementLocks,
  TableLock,
} from "./lib/planning/locks.ts";
export type { Limits } from "./lib/planning/limits.ts";
export type { LedgerDifference, LedgerEntry, LedgerMode } from "./lib/planning/ledger.ts";
export type { Concern, MigrationReserved } from "./lib/operations/concerns.ts";
export type { MigrationSource } from "./lib/operations/source.ts";
export type { ReportOptions, ReportResult } from "./lib/operations/report.ts";
export type { Part, ReportData } from "./lib/report/data.ts";
export type { ReportSchema, ReportTable } from "./lib/report/schema.ts";
export type { TypesOptions, TypesResult } from "./lib/operations/types.ts";
export type { SquashOptions, SquashPlan, SquashResult } from "./lib/operations/squash.ts";
export type { AppliedMigration, StatusResult } from "./lib/operations/status.ts";
export type { ValidateOptions, ValidateResult } from "./lib/operations/validate.ts";
export type { Finding as LintFinding, Level as LintLevel } from "./lib/lint/finding.ts";
export type { OnDrift, OutOfOrder } from "./lib/operations/plan_notes.ts";
export type { Layout, LeftOut } from "./lib/planning/discovery.ts";
export type { OrderBy } from "./lib/planning/order.ts";
export type {
  BatchProgress,
  MigrationFailure,
  MigrationStatus,
  PendingReason,
  Rename,
  StepCount,
} from "./lib/planning/plan.ts";
export type { Batch } from "./lib/planning/step.ts";
export type { Statement, Step } from "./lib/planning/step.ts";
