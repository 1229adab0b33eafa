/** Puts the operations together for one project. @module */

import type { ApiChannel } from "./database/api.ts";
import type { Channel } from "./database/channel.ts";
import { explaining } from "./database/explain.ts";
import type { Target } from "./database/target.ts";
import { ConfigurationError } from "./errors.ts";
import type { ApiContext, OperationContext } from "./operations/context.ts";
import type { DoctorResult } from "./operations/doctor.ts";
import { API_READY_MS } from "./operations/api_ready.ts";
import type { CreateOptions, CreateResult } from "./operations/create.ts";
import type { FreshOptions, FreshResult } from "./operations/fresh.ts";
import { SecretHider } from "./operations/hide_secrets.ts";
import type {
  InstallOptions,
  InstallResult,
  UninstallOptions,
  UninstallResult,
} from "./operations/install.ts";
import type { HealthOptions, HealthResult } from "./operations/health.ts";
import type { RepairLedgerOptions, RepairLedgerResult } from "./operations/repair_ledger.ts";
import type { DropBackupsOptions, DropBackupsResult, SafetyCopy } from "./operations/backups.ts";
import type { SafetyCopyMode } from "./safety_copy_modes.ts";
import type { PlanOptions } from "./operations/plan.ts";
import type { PlanFile } from "./operations/plan_file.ts";
import type { MigrateOptions, MigrateResult } from "./operations/migrate.ts";
import type { DiffOptions, DiffResult } from "./operations/diff.ts";
import type { DriftResult } from "./operations/drift.ts";
import type { TransactionMode } from "./operations/apply.ts";
import type { PlannedMigration } from "./operations/prepare.ts";
import type { LockPlan } from "./planning/locks.ts";
import type { VerifyOptions, VerifyResult } from "./operations/verify.ts";
import type { CancelOptions, CancelResult } from "./operations/cancel.ts";
import type { AdoptOptions, AdoptResult } from "./operations/adopt.ts";
import type { BaselineOptions, BaselineResult } from "./operations/baseline.ts";
import type { ProgressEvent } from "./operations/progress.ts";
import type { HistoryOptions, LogEntry } from "./operations/history.ts";
import type { RepairChange, RepairOptions } from "./operations/repair.ts";
import type { UnlockOptions, UnlockResult } from "./operations/unlock.ts";
import type { PullOptions, PullResult } from "./operations/pull.ts";
import type { RollbackOptions, RollbackRunResult } from "./operations/rollback.ts";
import type { MigrationSource } from "./operations/source.ts";
import type { SeedOptions, SeedResult } from "./operations/seed.ts";
import type { ReportOptions, ReportResult } from "./operations/report.ts";
import type { TypesOptions, TypesResult } from "./operations/types.ts";
import type { SquashOptions, SquashResult } from "./operations/squash.ts";
import type { StatusResult } from "./operations/status.ts";
import type { ValidateOptions, ValidateResult } from "./operations/validate.ts";
import type { Layout } from "./planning/discovery.ts";
import type { LedgerMode } from "./planning/ledger.ts";
import { checkLimits, type Limits } from "./planning/limits.ts";
import type { OrderBy } from "./planning/order.ts";
import type { ReportSchema } from "./report/schema.ts";
import { findUnstorable } from "./storable.ts";
import { traced } from "./telemetry.ts";
import { VERSION } from "./version.ts";
import type { OpenShadow } from "./schema/shadow.ts";
import {
  findAbilities,
  findBestWay,
  openApi,
  openPastApi,
  reachesApi,
  resolveTarget,
  type WayOptions,
} from "./ways.ts";

/** Which database the migrations go to, where they come from, and how a run behaves. */
export interface MigratorOptions extends WayOptions {
  /** The folder of the migrations, or a record of file names to SQL. `"migrations"` by default. */
  readonly migrations?: MigrationSource;
  /**
   * How the migrations are laid out: `"supabase"` as the Supabase CLI reads `supabase/migrations`
   * (`<digits>_name.sql` alone, in the order of the names), or `"plain"`. A folder's path says it
   * where it is left out; a record is plain.
   */
  readonly layout?: Layout;
  /** What decides the order of the migrations; the layout by default. */
  readonly order?: OrderBy;
  /** Who runs this, for the lock and the audit log. `"supamigrate"` by default. */
  readonly holder?: string;
  /** Which process, for the lock. */
  readonly processId?: string;
  /** How long after its last step another run may take over, in milliseconds. 300,000 by default. */
  readonly lockTimeoutMs?: number;
  /**
   * The Supabase CLI's ledger, `supabase_migrations.schema_migrations`: kept in step with the history
   * where there is one by default, made where there is none (`"supabase"`), or left alone (`"none"`).
   */
  readonly ledger?: LedgerMode;
  /** How many migrations make a batch. 50 by default. */
  readonly batchSize?: number;
  /**
   * How long to wait for the answer to one request before asking what became of it, in
   * milliseconds. 130,000 by default: Supabase's gateway gives up after 125 s.
   */
  readonly requestTimeoutMs?: number;
  /** How long to go on asking a server that does not answer, in milliseconds. 60,000 by default. */
  readonly giveUpAfterMs?: number;
  /**
   * How long a run waits in the end until the API serves the schema that it leaves, in milliseconds,
   * where the API is known: `apiReady` of its result. 10,000 by default; 0 is not at all.
   */
  readonly apiReadyMs?: number;
  /** Whether rows are kept before they are destroyed, where an operation is not told. `"auto"` by default. */
  readonly safetyCopy?: SafetyCopyMode;
  /**
   * Up to how many bytes of tables the rows that are destroyed are kept of without asking.
   * 1,073,741,824 by default.
   */
  readonly safetyCopyMaxBytes?: number;
  /** How long statements may wait for locks, and may run. A file may say other limits. */
  readonly limits?: Limits;
  /**
   * A PostgreSQL server for shadows, `postgresql://superuser@host:5432`, instead of the embedded
   * database: each is a database that is made there, and dropped in the end.
   */
  readonly shadowUrl?: string;
  /** Told what happens while an operation runs. */
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Asks a running operation to stop between two steps. */
  readonly signal?: AbortSignal;
}

/** Migrations of one project. Close it when done, or hold it with `await using`. */
export interface Migrator extends AsyncDisposable {
  /** The project. */
  readonly target: Target;
  /** Applies what is pending. */
  migrate(options?: MigrateOptions): Promise<MigrateResult>;
  /** Plans what `migrate` would do, to be reviewed and run as it is: `migrate({ plan })`. */
  plan(options?: PlanOptions): Promise<PlanFile>;
  /** Looks whether the application is well: asks a URL, or runs a query. */
  checkHealth(check: string, options?: HealthOptions): Promise<HealthResult>;
  /** Reports where the database stands. */
  status(): Promise<StatusResult>;
  /** Undoes the last batch, or everything after a target. */
  rollback(options?: RollbackOptions): Promise<RollbackRunResult>;
  /** Makes a new migration file. */
  create(name: string, options?: CreateOptions): Promise<CreateResult>;
  /** Looks at all migration files, and tells all that is wrong with them. Nothing is sent. */
  validate(options?: ValidateOptions): Promise<ValidateResult>;
  /** Undoes everything, then applies everything. */
  fresh(options?: FreshOptions): Promise<FreshResult>;
  /** Runs the seeds that were not run yet. */
  seed(options?: SeedOptions): Promise<SeedResult>;
  /** Records everything up to a migration as applied, without running it. */
  baseline(name: string, options?: BaselineOptions): Promise<BaselineResult>;
  /** Records what another tool has applied, without running it. */
  adopt(options?: AdoptOptions): Promise<AdoptResult>;
  /** Mends one row of the history. */
  repair(name: string, options: RepairOptions): Promise<RepairChange>;
  /** Records in the Supabase CLI's ledger what is applied and not in it. */
  repairLedger(options?: RepairLedgerOptions): Promise<RepairLedgerResult>;
  /** Compares the schema with what the applied migrations make. Changes nothing. */
  drift(): Promise<DriftResult>;
  /** Measures on a shadow which locks planned migrations take, and works out for how long. */
  measureLocks(
    planned: readonly PlannedMigration[],
    transaction?: TransactionMode,
  ): Promise<LockPlan>;
  /** Takes migrations up, down and up again on a shadow. Changes nothing. */
  verify(options?: VerifyOptions): Promise<VerifyResult>;
  /** Writes what differs as a new migration file, and records it as applied. */
  pull(name: string, options?: PullOptions): Promise<PullResult>;
  /** Writes the migration between what the migrations make and what SQL files declare. */
  diff(name: string, options: DiffOptions): Promise<DiffResult>;
  /** Puts one migration in the place of many, in the folder and in the history. */
  squash(name: string, options?: SquashOptions): Promise<SquashResult>;
  /** Lists what was kept before it was destroyed, newest first. */
  backups(): Promise<SafetyCopy[]>;
  /** Drops such copies for good. */
  dropBackups(options: DropBackupsOptions): Promise<DropBackupsResult>;
  /** Reads the audit log, newest first. */
  history(options?: HistoryOptions): Promise<LogEntry[]>;
  /** Examines the installation, and says how to mend what is wrong. Changes nothing. */
  doctor(): Promise<DoctorResult>;
  /** Makes a page of the project to look at: state, migrations, schema, log. Changes nothing. */
  report(options?: ReportOptions): Promise<ReportResult>;
  /** Reads the application's tables and views, and what belongs to each. Changes nothing. */
  tables(): Promise<ReportSchema>;
  /** Makes TypeScript types of the project's schemas, for supabase-js. Changes nothing. */
  types(options?: TypesOptions): Promise<TypesResult>;
  /** Ends the statement that a run is at: its step is undone, and the run fails. */
  cancel(options?: CancelOptions): Promise<CancelResult>;
  /** Releases a lock that was left behind. */
  unlock(options?: UnlockOptions): Promise<UnlockResult>;
  /** Puts `exec_sql` and the tracking schema into the project, or upgrades them. */
  install(options?: InstallOptions): Promise<InstallResult>;
  /** Takes them out again; what the migrations made stays. */
  uninstall(options?: UninstallOptions): Promise<UninstallResult>;
  /** Ends all connections and closes the embedded database. */
  close(): Promise<void>;
}

/**
 * Makes a migrator for a project, or for the embedded database. Nothing is sent before the
 * first operation.
 *
 * @param options The project and the migrations.
 * @returns The migrator.
 * @throws {ConfigurationError} The URL or the key is not fit, a number is out of range, or the
 * holder cannot be stored.
 *
 * @example
 * ```ts
 * import { createMigrator } from "@supamigrate/supamigrate";
 *
 * await using migrator = createMigrator({
 *   embedded: true,
 *   migrations: { "001_notes.sql": "create table notes (id uuid primary key);" },
 * });
 * const result = await migrator.migrate();
 * if (!result.success) console.error(result.results.filter(({ success }) => !success));
 * ```
 */
export function createMigrator(options: MigratorOptions): Migrator {
  const target = resolveTarget(options);
  const lockTimeoutMs = positive("lockTimeoutMs", options.lockTimeoutMs ?? 300_000);
  const batchSize = positive("batchSize", options.batchSize ?? 50);
  const requestTimeoutMs = positive("requestTimeoutMs", options.requestTimeoutMs ?? 130_000);
  const giveUpAfterMs = positive("giveUpAfterMs", options.giveUpAfterMs ?? 60_000);
  const migrations = options.migrations ?? "migrations";
  const discovery = {
    ...(options.layout === undefined ? {} : { layout: options.layout }),
    ...(options.order === undefined ? {} : { order: options.order }),
  };

  // Whatever a migration holds that looks like a key is not given back, not even in an error.
  const hider = new SecretHider();
  const hiding = <Result>(work: Promise<Result>): Promise<Result> =>
    work.then((result) => hider.hideIn(result), (error) => {
      throw hider.hideInError(error);
    });

  const { via = "api" } = options;
  const shadowsOn = (url: string): OpenShadow => async () => {
    const { openServerShadow } = await import("./schema/server_shadow.ts");
    return await openServerShadow({
      url,
      target,
      databaseUrl: options.databaseUrl,
      notice: (message) => options.onProgress?.({ type: "notice", message }),
    });
  };
  let api: Promise<ApiChannel> | undefined;
  let pastApi: Promise<Channel> | undefined;
  const connectToApi = () =>
    api ??= openApi(options, target, requestTimeoutMs, (news) => options.onProgress?.(news));
  const context: OperationContext = {
    connect: () =>
      via === "api"
        ? connectToApi()
        : pastApi ??= openPastApi(via, options, target, requestTimeoutMs),
    ...(reachesApi(options) && options.embedded === undefined ? { api: connectToApi } : {}),
    apiReadyMs: options.apiReadyMs === 0
      ? 0
      : positive("apiReadyMs", options.apiReadyMs ?? API_READY_MS),
    can: findAbilities(options),
    target,
    load: async (refused) => {
      const { loadMigrations } = await import("./operations/source.ts");
      const loaded = await loadMigrations(migrations, discovery, refused);
      hider.learn(loaded.secrets);
      return loaded;
    },
    split: async (...given) => {
      const { splitStatements } = await import("./planning/statements.ts");
      return await splitStatements(...given);
    },
    lint: async () => {
      const lint = await import("./operations/lint_pending.ts");
      if (typeof migrations !== "string") return lint;
      const { findExposed } = await import("./adoption/exposed.ts");
      const shown = await findExposed(migrations) ?? undefined;
      return {
        ...lint,
        lintPending: (pending, exposed = shown) => lint.lintPending(pending, exposed),
      };
    },
    tenure: {
      holder: storable("holder", options.holder ?? "supamigrate"),
      processId: storable("processId", options.processId ?? `migration-${Date.now()}`),
      leaseMs: lockTimeoutMs,
      toolVersion: VERSION,
    },
    ledger: options.ledger,
    limits: checkLimits(options.limits),
    folder: typeof migrations === "string" ? migrations : null,
    batchSize,
    giveUpAfterMs,
    ...(options.safetyCopy === undefined ? {} : { safetyCopy: options.safetyCopy }),
    ...(options.safetyCopyMaxBytes === undefined
      ? {}
      : { safetyCopyMaxBytes: options.safetyCopyMaxBytes }),
    ...(options.shadowUrl === undefined ? {} : { openShadow: shadowsOn(options.shadowUrl) }),
    onProgress: (event) => options.onProgress?.(hider.hideIn(event)),
    hide: (value) => hider.hideIn(value),
    signal: options.signal,
  };

  const apiContext: ApiContext | null = reachesApi(options)
    ? { ...context, connect: connectToApi }
    : null;

  const folderForFiles = (): string => {
    if (typeof migrations === "string") return migrations;
    throw new ConfigurationError("Only a folder can be given a new migration");
  };

  /** For what concerns the installation itself: over the best way that there is. */
  const withChannel = async <Result>(
    work: (channel: Channel, context: ApiContext | null) => Promise<Result>,
  ): Promise<Result> => {
    const best = options.via === undefined ? findBestWay(options) : "chosen";
    if (best === "chosen" || best === "api") {
      return await work(explaining(await context.connect()), apiContext);
    }
    const channel = await openPastApi(best, options, target, requestTimeoutMs);
    try {
      return await work(explaining(channel), apiContext);
    } finally {
      await channel.close();
    }
  };

  const examine = (): Promise<DoctorResult> =>
    withChannel(async (channel, checked) => {
      const { doctor } = await import("./operations/doctor.ts");
      return doctor(channel, checked, options.via !== undefined, options.ledger);
    });

  const close = async (): Promise<void> => {
    const opened = [api, pastApi];
    api = pastApi = undefined;
    // What failed to open was reported to who asked for it.
    for (const channel of opened) await channel?.then((it) => it.close(), () => {});
  };

  return {
    target,
    migrate: async (given) => {
      const { migrate } = await import("./operations/migrate.ts");
      return await hiding(traced(context, "migrate", (it) => migrate(it, given)));
    },
    plan: async (given) => {
      const { plan } = await import("./operations/plan.ts");
      return await hiding(plan(context, given));
    },
    status: async () => {
      const { readStatus } = await import("./operations/status.ts");
      return await hiding(readStatus(context));
    },
    rollback: async (given) => {
      const { rollback } = await import("./operations/rollback.ts");
      return await hiding(traced(context, "rollback", (it) => rollback(it, given)));
    },
    create: async (name, given) => {
      const { createMigration } = await import("./operations/create.ts");
      return await createMigration(folderForFiles(), name, { ...discovery, ...given });
    },
    validate: async (given) => {
      const { validate } = await import("./operations/validate.ts");
      return await hiding(validate(context, given));
    },
    fresh: async (given) => {
      const { fresh } = await import("./operations/fresh.ts");
      return await hiding(traced(context, "fresh", (it) => fresh(it, given)));
    },
    seed: async (given) => {
      const { seed } = await import("./operations/seed.ts");
      return await hiding(seed(context, given));
    },
    baseline: async (name, given) => {
      const { baseline } = await import("./operations/baseline.ts");
      return await hiding(baseline(context, name, given));
    },
    adopt: async (given) => {
      const { adopt } = await import("./operations/adopt.ts");
      return await hiding(adopt(context, context.folder, given));
    },
    repair: async (name, given) => {
      const { repair } = await import("./operations/repair.ts");
      return await hiding(repair(context, name, given));
    },
    repairLedger: async (given) => {
      const { repairLedger } = await import("./operations/repair_ledger.ts");
      return await hiding(repairLedger(context, given));
    },
    drift: async () => {
      const { drift } = await import("./operations/drift.ts");
      return await hiding(drift(context));
    },
    measureLocks: async (planned, transaction) => {
      const { measureLocks } = await import("./operations/locks.ts");
      return await hiding(measureLocks(context, planned, transaction));
    },
    verify: async (given) => {
      const { verify } = await import("./operations/verify.ts");
      return await hiding(verify(context, given));
    },
    pull: async (name, given) => {
      const { pull } = await import("./operations/pull.ts");
      return await hiding(pull(context, { folder: folderForFiles(), ...discovery }, name, given));
    },
    diff: async (name, given) => {
      const { diff } = await import("./operations/diff.ts");
      return await hiding(diff(context, { folder: folderForFiles(), ...discovery }, name, given));
    },
    squash: async (name, given) => {
      const { squash } = await import("./operations/squash.ts");
      return await hiding(squash(context, { folder: folderForFiles(), ...discovery }, name, given));
    },
    checkHealth: async (check, given) => {
      const { checkHealth, LONGEST_CHECK_MS } = await import("./operations/health.ts");
      // What gets no answer any more cannot be told from what cannot be reached.
      const timeoutMs = Math.min(given?.timeoutMs ?? LONGEST_CHECK_MS, 0.8 * requestTimeoutMs);
      return await hiding(checkHealth(context, check, { timeoutMs }));
    },
    backups: async () => {
      const { readBackups } = await import("./operations/backups.ts");
      return await hiding(readBackups(context));
    },
    dropBackups: async (given) => {
      const { dropBackups } = await import("./operations/backups.ts");
      return await hiding(dropBackups(context, given));
    },
    history: async (given) => {
      const { readHistory } = await import("./operations/history.ts");
      return await hiding(readHistory(context, given));
    },
    report: async (given) => {
      const { report } = await import("./operations/report.ts");
      return await hiding(report(context, examine, given));
    },
    tables: async () => {
      const { readTables } = await import("./operations/tables.ts");
      return await hiding(readTables(context));
    },
    types: async (given) => {
      const { makeTypes } = await import("./operations/types.ts");
      return await makeTypes(context, given);
    },
    cancel: async (given) => {
      const { cancel } = await import("./operations/cancel.ts");
      return await hiding(cancel(context, given));
    },
    unlock: async (given) => {
      const { unlock } = await import("./operations/unlock.ts");
      return await hiding(unlock(context, given));
    },
    doctor: examine,
    install: (given) =>
      withChannel(async (channel, checked) => {
        const { install } = await import("./operations/install.ts");
        return install(channel, checked, given);
      }),
    uninstall: (given) =>
      withChannel(async (channel) => {
        const { uninstall } = await import("./operations/install.ts");
        return uninstall(channel, given);
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * The SQL that installs supamigrate, as one script for the SQL editor.
 *
 * @param options Where `exec_sql` is to be besides `public`, as for `install`.
 * @returns The script; it can be run again at any time.
 */
export async function installScript(
  { schema }: Pick<InstallOptions, "schema"> = {},
): Promise<string> {
  const { asScript, INSTALL_SCRIPT, INSTALL_SQL, SHOW_DOOR_SQL } = await import(
    "./database/bootstrap.ts"
  );
  if (schema === undefined) return INSTALL_SCRIPT;
  const { withLiteral } = await import("./database/literal.ts");
  return asScript(`${INSTALL_SQL}\n${withLiteral(SHOW_DOOR_SQL, { schema })};`);
}

function storable(name: string, text: string): string {
  const found = findUnstorable(text);
  if (found !== undefined) throw new ConfigurationError(`${name} holds ${found.what}`);
  return text;
}

function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > 2_147_483_647) {
    throw new ConfigurationError(
      `${name} has to be a whole number from 1 to 2147483647, not ${value}`,
    );
  }
  return value;
}
