/**
 * What the commands do: each calls one function of a migrator with what its flags say, and
 * returns what is to be printed.
 *
 * @module
 */

import type { Via } from "../database/channel.ts";
import { ConfigurationError } from "../errors.ts";
import type { Migrator, MigratorOptions } from "../migrator.ts";
import type { MigrateOptions } from "../operations/migrate.ts";
import type { Concern } from "../operations/concerns.ts";
import type { LedgerMode } from "../planning/ledger.ts";
import type { OrderBy } from "../planning/order.ts";
import {
  confirmConcerns,
  confirmDestruction,
  confirmRemoval,
  confirmUndo,
  confirmUnlock,
} from "./confirm.ts";
import { formatDoctor } from "./doctor.ts";
import { leaveOutStatements } from "./documents.ts";
import { EXIT_CODES } from "./errors.ts";
import type { ProjectMemory } from "./known_projects.ts";
import { line } from "./neutral.ts";
import * as records from "./records.ts";
import { formatSeeds } from "./seed.ts";
import type { Reporter } from "./terminal.ts";
import * as text from "./text.ts";

/** A flag without a value. */
export type Flag = boolean | undefined;

/** The flags that every command has. */
export interface GlobalFlags {
  dir?: string;
  embedded?: string | true;
  via?: Via;
  order?: OrderBy;
  ledger?: LedgerMode | true;
  envFile?: string;
  allowHttp?: Flag;
  json?: Flag;
  verbose?: Flag;
  quiet?: Flag;
  color?: boolean;
}

/** The flags of commands that may ask, or wait for another run. */
export interface Asking {
  yes?: Flag;
  wait?: number;
}

/** The flags of `migrate`. */
export interface MigrateFlags extends GlobalFlags, Asking {
  to?: string;
  dryRun?: Flag;
  locks?: Flag;
  transaction: NonNullable<MigrateOptions["transaction"]>;
  onChange: NonNullable<MigrateOptions["onChange"]>;
  outOfOrder: NonNullable<MigrateOptions["outOfOrder"]>;
}

/** The flags of `repair`. */
export interface RepairFlags extends GlobalFlags, Asking {
  mark?: "applied" | "pending";
  renamed?: string;
}

/** The flags of `install`. */
export interface InstallFlags extends GlobalFlags, Asking {
  print?: Flag;
  replace?: Flag;
  schema?: string;
}

/** What an action works with. */
export interface Run {
  migrator: Migrator;
  reporter: Reporter;
  /** Asked before a command changes another project than before, unless its name is typed anyway. */
  projects: ProjectMemory;
  /** What the migrator was made of. */
  options: MigratorOptions;
  /** The folder of the migrations. */
  folder: string;
  /** Which setting names the project, and where it stands; null for the embedded database. */
  namedBy: string | null;
}

/** What an action came to. */
export interface Report {
  /** For programs. */
  result: unknown;
  /** For people. */
  text: string;
  /** 0 where it is left out. */
  code?: number;
}

/** Seconds of `--wait` as milliseconds. */
export function waiting({ wait = 0 }: Asking): { waitMs: number } {
  if (!(wait >= 0 && wait <= 86_400)) {
    throw new ConfigurationError(
      `--wait has to be a number of seconds from 0 to 86400, not ${wait}`,
    );
  }
  return { waitMs: wait * 1000 };
}

/** Anything may go into the embedded database, which nobody else has, but not twice. */
export function guardConcerns({ migrator: { target }, reporter }: Run, { yes }: Asking) {
  if (yes) return {};
  return {
    confirmConcerns: (found: readonly Concern[]) => {
      const asked = target.kind !== "embedded"
        ? found
        : found.filter(({ about }) => about === "applied elsewhere");
      return confirmConcerns(target, reporter, asked);
    },
  };
}

function toResultCode(result: { success: boolean; interrupted: boolean }): number {
  if (result.interrupted) return EXIT_CODES.interrupted;
  return result.success ? EXIT_CODES.done : EXIT_CODES.failed;
}

/** What `migrate` does. */
export async function migrate(
  run: Run,
  flags: MigrateFlags,
): Promise<Report> {
  const { migrator, reporter, projects } = run;
  const wait = waiting(flags);
  if (flags.locks && !flags.dryRun) {
    throw new ConfigurationError("Locks are measured for a dry run alone", {
      hint: "Ask for both: supamigrate migrate --dry-run --locks.",
    });
  }
  reporter.say(text.formatTarget(migrator.target, run.namedBy));
  if (!flags.yes && !flags.dryRun) await projects.confirm();
  reporter.say("🚀 Starting database migration...\n");
  const result = await migrator.migrate({
    ...wait,
    ...(flags.to === undefined ? {} : { to: flags.to }),
    dryRun: !!flags.dryRun,
    transaction: flags.transaction,
    onChange: flags.onChange,
    outOfOrder: flags.outOfOrder,
    ...(flags.yes ? {} : {
      confirmUndo: (planned) => confirmUndo(migrator.target, reporter, planned),
    }),
    ...guardConcerns(run, flags),
  });
  if (result.success && !result.dryRun) await projects.remember();
  for (const { name, error } of result.results) {
    if (error !== null) {
      const { line, place } = error;
      const position = {
        file: name,
        ...(line === undefined ? {} : { line }),
        ...(place === undefined ? {} : { column: place.column }),
      };
      reporter.annotate(`${error.message} (${error.code})`, position);
    }
  }
  const locks = flags.locks
    ? await migrator.measureLocks(result.planned, flags.transaction)
    : undefined;
  return {
    result: {
      target: { ...migrator.target, namedBy: run.namedBy },
      ...leaveOutStatements(result, flags),
      ...(locks === undefined ? {} : { locks }),
    },
    text: [
      result.dryRun
        ? text.formatPlannedMigrations(result.planned, !!flags.verbose)
        : text.formatMigrate(result),
      ...(locks === undefined
        ? []
        : (await import("./locks.ts")).formatLocks(locks, !!flags.verbose)),
      ...text.formatLeftOut(result.leftOut, !!flags.verbose),
    ].join("\n"),
    code: toResultCode(result),
  };
}

/** What `status` does. */
export async function status(
  { migrator, reporter, namedBy }: Run,
  flags: GlobalFlags & { check?: Flag },
): Promise<Report> {
  reporter.say(text.formatTarget(migrator.target, namedBy));
  const result = await migrator.status();
  for (const warning of result.warnings) reporter.warn(line`⚠️  ${warning}`);
  reporter.say(text.formatStatus(result, !!flags.verbose));
  // Said already: with --quiet and --check the exit code is all that is wanted.
  return {
    result: { target: { ...migrator.target, namedBy }, ...result },
    text: "",
    code: flags.check && !result.upToDate ? EXIT_CODES.failed : 0,
  };
}

/** What `rollback` does. */
export async function rollback(
  { migrator, reporter, projects }: Run,
  flags: GlobalFlags & Asking & { steps?: number; dryRun?: Flag },
  target?: string,
): Promise<Report> {
  const wait = waiting(flags);
  reporter.say(`${text.formatRollbackStart(target, flags.steps)}\n`);
  const result = await migrator.rollback({
    ...wait,
    ...(target === undefined ? {} : { target }),
    ...(flags.steps === undefined ? {} : { steps: flags.steps }),
    dryRun: !!flags.dryRun,
    ...(flags.yes ? {} : {
      confirm: (planned) => confirmUndo(migrator.target, reporter, planned),
    }),
  });
  // Where nothing was undone, nobody was asked about the project.
  if (result.success && result.migrationsRolledBack > 0) await projects.remember();
  return {
    result: leaveOutStatements(result, flags),
    text: result.dryRun
      ? text.formatPlannedRollbacks(result.planned, !!flags.verbose)
      : text.formatRollback(result),
    code: toResultCode(result),
  };
}

/** What `fresh` does. */
export async function fresh(
  run: Run,
  flags: GlobalFlags & Asking & { dropSchema?: Flag; seed?: Flag },
): Promise<Report> {
  const { migrator, reporter, projects } = run;
  const wait = waiting(flags);
  reporter.say("🔥 Fresh migration (WARNING: This will reset the database)\n");
  const result = await migrator.fresh({
    ...wait,
    dropSchema: !!flags.dropSchema,
    seed: !!flags.seed,
    ...(flags.yes ? {} : {
      confirmRemoval: (objects) => confirmRemoval(reporter, objects),
      confirm: () =>
        confirmDestruction(
          migrator.target,
          reporter,
          "This will DESTROY all data and rebuild the database.",
        ),
    }),
    ...guardConcerns(run, flags),
  });
  if (result.success) await projects.remember();
  const { migrated, seeded } = result;
  return {
    result: { ...result, migrated: migrated && leaveOutStatements(migrated, flags) },
    text: [text.formatFresh(result), ...(seeded === null ? [] : ["", formatSeeds(seeded)])]
      .join("\n"),
    code: toResultCode(result),
  };
}

/** What `create` does. */
export async function create(
  { migrator, reporter }: Run,
  name: string,
  description?: string,
): Promise<Report> {
  // cliffy takes a mistyped option for the argument.
  if (name.startsWith("-")) throw new ConfigurationError(`Unknown option "${name}"`);
  reporter.say(line`📝 Creating new migration: ${name}\n`);
  const result = await migrator.create(name, description === undefined ? {} : { description });
  return { result, text: records.formatCreate(result) };
}

/** What `baseline` does. */
export async function baseline(
  run: Run,
  flags: GlobalFlags & Asking,
  name: string,
): Promise<Report> {
  const { migrator, projects } = run;
  if (!flags.yes) await projects.confirm();
  const result = await migrator.baseline(name, guardConcerns(run, flags));
  await projects.remember();
  return { result, text: records.formatBaseline(result) };
}

/** What `repair` does. */
export async function repair(
  { migrator, reporter, projects }: Run,
  flags: RepairFlags,
  name?: string,
): Promise<Report> {
  if (name === undefined) {
    throw new ConfigurationError("No migration is named to be repaired", {
      hint: "Name one, with --mark or --renamed; or say --ledger, for the Supabase CLI's ledger.",
    });
  }
  if (!flags.yes) await projects.confirm();
  const result = await migrator.repair(name, {
    ...(flags.mark === undefined ? {} : { mark: flags.mark }),
    ...(flags.renamed === undefined ? {} : { renamed: flags.renamed }),
    confirm: (change) => {
      reporter.say(records.formatRepair(change));
      return Promise.resolve(true);
    },
  });
  await projects.remember();
  return {
    result,
    text: line`✅ ${result.name} is on record as ${result.renamedTo ?? flags.mark}`,
  };
}

/** What `history` does. */
export async function history(
  { migrator }: Run,
  flags: GlobalFlags & { limit: number },
): Promise<Report> {
  const result = await migrator.history({ limit: flags.limit });
  return { result, text: records.formatHistory(result) };
}

/** What `doctor` does. */
export async function doctor({ migrator }: Run): Promise<Report> {
  const result = await migrator.doctor();
  return {
    result,
    text: formatDoctor(result),
    code: result.healthy ? EXIT_CODES.done : EXIT_CODES.failed,
  };
}

/** What `unlock` does. */
export async function unlock(
  { migrator, reporter }: Run,
  flags: GlobalFlags & Asking,
): Promise<Report> {
  const result = await migrator.unlock(
    flags.yes ? {} : { confirm: (lock) => confirmUnlock(reporter, lock) },
  );
  return { result, text: records.formatUnlock(result) };
}

/** What `install` does. */
export async function install(
  { migrator, projects }: Run,
  flags: InstallFlags,
): Promise<Report> {
  if (!flags.yes) await projects.confirm();
  const result = await migrator.install({
    replace: !!flags.replace,
    ...(flags.schema === undefined ? {} : { schema: flags.schema }),
  });
  await projects.remember();
  return { result, text: records.formatInstall(result) };
}

/** What `uninstall` does. */
export async function uninstall(
  { migrator, reporter }: Run,
  flags: GlobalFlags & Asking,
): Promise<Report> {
  const result = await migrator.uninstall(
    flags.yes ? {} : {
      confirm: () =>
        confirmDestruction(
          migrator.target,
          reporter,
          "This will delete exec_sql, the migration history and the audit log.",
        ),
    },
  );
  return { result, text: records.formatUninstall(result) };
}
