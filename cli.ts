/**
 * The command line of supamigrate. Each action reads its flags, makes a migrator, calls one
 * function and prints what it returns.
 *
 * @module
 */

import process from "node:process";
import { Command, EnumType, ValidationError } from "@cliffy/command";
import { CompletionsCommand } from "@cliffy/command/completions";
import { HelpCommand } from "@cliffy/command/help";
import { confirmDestruction, confirmUndo, confirmUnlock } from "./lib/output/confirm.ts";
import {
  EXIT_CODES,
  formatAnnotation,
  formatError,
  toExitCode,
  toJsonError,
} from "./lib/output/errors.ts";
import { Reporter } from "./lib/output/terminal.ts";
import * as records from "./lib/output/records.ts";
import * as text from "./lib/output/text.ts";
import { createRedactor } from "./lib/redact.ts";
import { resolveSettings } from "./lib/settings.ts";
import {
  createMigrator,
  installScript,
  type MigrateOptions,
  MigrationFileError,
  type Migrator,
  VERSION,
} from "./mod.ts";

type Flag = boolean | undefined;

interface GlobalFlags {
  dir?: string;
  embedded?: string | true;
  envFile?: string;
  json?: Flag;
  verbose?: Flag;
  quiet?: Flag;
  color?: boolean;
}

interface Asking {
  yes?: Flag;
  wait?: number;
}

interface MigrateFlags extends GlobalFlags, Asking {
  to?: string;
  dryRun?: Flag;
  transaction: NonNullable<MigrateOptions["transaction"]>;
  onChange: NonNullable<MigrateOptions["onChange"]>;
}

/** What an action works with. */
interface Run {
  migrator: Migrator;
  reporter: Reporter;
  /** The folder of the migrations. */
  folder: string;
}

/** What an action came to. */
interface Report {
  /** For programs. */
  result: unknown;
  /** For people. */
  text: string;
  /** 0 where it is left out. */
  code?: number;
}

const DESCRIPTION = `
Schema migrations for Supabase over HTTPS alone, with rollback.

Without SUPABASE_URL the commands work on an embedded database in .supamigrate/db.

Exit codes:
  0    done
  1    a migration or rollback failed, or --check found work
  2    wrong usage or configuration; nothing was changed
  3    another run holds the lock, or took it
  4    the server cannot be reached, or the outcome is unknown
  130  interrupted

Settings, from the environment, then from .env:
  SUPABASE_URL            https://….supabase.co
  SUPABASE_SERVICE_KEY    the service role's key, or a secret key; also as
                          SUPABASE_SERVICE_ROLE_KEY, SUPABASE_SECRET_KEY or
                          SUPABASE_SECRET_KEYS
  MIGRATION_LOCK_TIMEOUT  lease of the lock in milliseconds (300000)
  MIGRATION_BATCH_SIZE    migrations in a batch (50)
  DATABASE_URL            a direct connection, for install and uninstall
  SUPABASE_ACCESS_TOKEN   the Management API, for install and uninstall`;

const stopping = new AbortController();

/**
 * Runs an action with a migrator, prints what it came to, and sets the exit code.
 *
 * @param flags The global flags.
 * @param work The action.
 * @param needsProject Whether the command makes sense for a project alone.
 */
async function run(
  flags: GlobalFlags,
  work: (run: Run) => Promise<Report>,
  needsProject = false,
): Promise<void> {
  const style = {
    json: !!flags.json,
    quiet: !!flags.quiet,
    verbose: !!flags.verbose,
    color: flags.color !== false && (process.env.NO_COLOR ?? "") === "",
  };
  const makeReporter = (secrets: readonly string[]) =>
    new Reporter(process.stdout, process.stderr, style, createRedactor(secrets));
  let reporter = makeReporter([]);
  let folder = flags.dir ?? "migrations";
  try {
    const settings = await resolveSettings(process.env, { ...flags, needsProject });
    folder = settings.folder;
    reporter = makeReporter(settings.secrets);
    await using migrator = createMigrator({
      ...settings.options,
      signal: stopping.signal,
      onProgress: (event) => reporter.onProgress(event),
    });
    if (settings.embeddedNote !== null) reporter.say(`🧪 ${settings.embeddedNote}\n`);
    const { result, text, code = EXIT_CODES.done } = await work({ migrator, reporter, folder });
    if (code === EXIT_CODES.done) reporter.say(text);
    else reporter.sayFailure(text);
    reporter.document(result);
    process.exitCode = code;
  } catch (error) {
    process.exitCode = toExitCode(error);
    reporter.document(toJsonError(error));
    reporter.warn(formatError(error));
    if (error instanceof MigrationFileError) {
      annotate(reporter, error.message, error.position, folder);
    }
  }
}

/** Shows an error at the line of its file in a pull request. */
function annotate(
  reporter: Reporter,
  message: string,
  position: MigrationFileError["position"],
  folder: string,
): void {
  if (process.env.GITHUB_ACTIONS === "true") {
    reporter.warn(formatAnnotation(message, position, folder));
  }
}

/** Seconds of `--wait` as milliseconds. */
function waiting({ wait = 0 }: Asking): { waitMs: number } {
  if (!(wait >= 0 && wait <= 86_400)) {
    throw new ValidationError(`--wait has to be a number of seconds from 0 to 86400, not ${wait}`);
  }
  return { waitMs: wait * 1000 };
}

function toResultCode(result: { success: boolean; interrupted: boolean }): number {
  if (result.interrupted) return EXIT_CODES.interrupted;
  return result.success ? EXIT_CODES.done : EXIT_CODES.failed;
}

async function migrate(flags: MigrateFlags): Promise<void> {
  const wait = waiting(flags);
  await run(flags, async ({ migrator, reporter, folder }) => {
    reporter.say("🚀 Starting database migration...\n");
    const result = await migrator.migrate({
      ...wait,
      ...(flags.to === undefined ? {} : { to: flags.to }),
      dryRun: !!flags.dryRun,
      transaction: flags.transaction,
      onChange: flags.onChange,
      ...(flags.yes ? {} : {
        confirmUndo: (planned) => confirmUndo(migrator.target, reporter, planned),
      }),
    });
    for (const warning of result.warnings) reporter.warn(`⚠️  ${warning}`);
    for (const { name, error } of result.results) {
      if (error !== null) {
        const { line } = error;
        const position = { file: name, ...(line === undefined ? {} : { line }) };
        annotate(reporter, `${error.message} (${error.code})`, position, folder);
      }
    }
    return {
      result,
      text: result.dryRun
        ? text.formatPlannedMigrations(result.planned, !!flags.verbose)
        : text.formatMigrate(result),
      code: toResultCode(result),
    };
  });
}

async function status(flags: GlobalFlags & { check?: Flag }): Promise<void> {
  await run(flags, async ({ migrator, reporter }) => {
    const result = await migrator.status();
    for (const warning of result.warnings) reporter.warn(`⚠️  ${warning}`);
    reporter.say(text.formatStatus(result, !!flags.verbose));
    // Said already: with --quiet and --check the exit code is all that is wanted.
    return { result, text: "", code: flags.check && !result.upToDate ? EXIT_CODES.failed : 0 };
  });
}

async function rollback(
  flags: GlobalFlags & Asking & { steps?: number; dryRun?: Flag },
  target?: string,
): Promise<void> {
  const wait = waiting(flags);
  await run(flags, async ({ migrator, reporter }) => {
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
    return {
      result,
      text: result.dryRun
        ? text.formatPlannedRollbacks(result.planned, !!flags.verbose)
        : text.formatRollback(result),
      code: toResultCode(result),
    };
  });
}

async function fresh(flags: GlobalFlags & Asking & { dropSchema?: Flag }): Promise<void> {
  const wait = waiting(flags);
  await run(flags, async ({ migrator, reporter }) => {
    reporter.say("🔥 Fresh migration (WARNING: This will reset the database)\n");
    const result = await migrator.fresh({
      ...wait,
      dropSchema: !!flags.dropSchema,
      ...(flags.yes ? {} : {
        confirm: () =>
          confirmDestruction(
            migrator.target,
            "This will DESTROY all data and rebuild the database.",
          ),
      }),
    });
    return { result, text: text.formatFresh(result), code: toResultCode(result) };
  });
}

async function create(flags: GlobalFlags, name: string, description?: string): Promise<void> {
  if (name.startsWith("-")) throw new ValidationError(`Unknown option "${name}".`);
  // No database is opened, whichever it would be.
  await run({ ...flags, embedded: true }, async ({ migrator, reporter }) => {
    reporter.say(`📝 Creating new migration: ${name}\n`);
    const result = await migrator.create(name, description === undefined ? {} : { description });
    return { result, text: records.formatCreate(result) };
  });
}

async function baseline(flags: GlobalFlags, name: string): Promise<void> {
  await run(flags, async ({ migrator }) => {
    const result = await migrator.baseline(name);
    return { result, text: records.formatBaseline(result) };
  });
}

async function repair(
  flags: GlobalFlags & { mark: "applied" | "pending" },
  name: string,
): Promise<void> {
  await run(flags, async ({ migrator, reporter }) => {
    const result = await migrator.repair(name, {
      mark: flags.mark,
      confirm: (change) => {
        reporter.say(records.formatRepair(change));
        return Promise.resolve(true);
      },
    });
    return { result, text: `✅ ${result.name} is on record as ${flags.mark}` };
  });
}

async function history(flags: GlobalFlags & { limit: number }): Promise<void> {
  await run(flags, async ({ migrator }) => {
    const result = await migrator.history({ limit: flags.limit });
    return { result, text: records.formatHistory(result) };
  });
}

async function unlock(flags: GlobalFlags & Asking): Promise<void> {
  await run(flags, async ({ migrator }) => {
    const result = await migrator.unlock(flags.yes ? {} : { confirm: confirmUnlock });
    return { result, text: records.formatUnlock(result) };
  });
}

async function install(flags: GlobalFlags & { print?: Flag; replace?: Flag }): Promise<void> {
  if (flags.print) {
    process.stdout.write(await installScript());
    return;
  }
  await run(flags, async ({ migrator }) => {
    const result = await migrator.install({ replace: !!flags.replace });
    return { result, text: records.formatInstall(result) };
  }, true);
}

async function uninstall(flags: GlobalFlags & Asking): Promise<void> {
  await run(flags, async ({ migrator }) => {
    const result = await migrator.uninstall(
      flags.yes ? {} : {
        confirm: () =>
          confirmDestruction(
            migrator.target,
            "This will delete exec_sql, the migration history and the audit log.",
          ),
      },
    );
    return { result, text: records.formatUninstall(result) };
  }, true);
}

/** The command tree. */
function makeCli() {
  return new Command()
    .name("supamigrate")
    .version(VERSION)
    .description(DESCRIPTION)
    .help({ colors: "auto" })
    .noExit() // has to precede the first command
    .globalType("transaction", new EnumType(["each", "batch", "all"]))
    .globalType("change", new EnumType(["rerun", "redo", "error"]))
    .globalType("mark", new EnumType(["applied", "pending"]))
    .globalOption(
      "--dir <path:string>",
      "Folder of the migrations (migrations, else supabase/migrations).",
    )
    .globalOption("--embedded [path:string]", "Use the embedded database (.supamigrate/db).")
    .globalOption("--env-file <path:string>", "Read settings from this file instead of .env.")
    .globalOption("--json", "Write one JSON document to standard output.")
    .globalOption("-v, --verbose", "Say more.")
    .globalOption("-q, --quiet", "Say nothing but errors.")
    .globalOption("--no-color", "Use no colours.")
    .action(function ({ embedded }: GlobalFlags) {
      if (typeof embedded === "string") {
        // The next word counts as the path.
        throw new ValidationError(
          `No command is given: write "--embedded=PATH", or "${embedded} --embedded".`,
        );
      }
      this.showHelp();
    })
    .command("migrate, up", "Apply what is pending.")
    .option("--to <name:string>", "Stop after this migration.")
    .option("--dry-run", "Show what would run, and change nothing.")
    .option("--transaction <mode:transaction>", "What is committed together.", { default: "each" })
    .option("--wait <seconds:number>", "Wait this long for another run.")
    .option("--on-change <way:change>", "What to do with an applied migration that was changed.", {
      default: "rerun",
    })
    .option("-y, --yes", "Do not ask.")
    .action((flags: MigrateFlags) => migrate(flags))
    .command("status", "Show what is applied and what is pending.")
    .option("--check", "Exit with 1 unless up to date.")
    .action((flags: GlobalFlags & { check?: Flag }) => status(flags))
    .command(
      "rollback [target:string]",
      "Undo the last batch, or everything after a batch or a migration.",
    )
    .option("--steps <number:integer>", "Undo this many migrations.")
    .option("--dry-run", "Show what would run, and change nothing.")
    .option("--wait <seconds:number>", "Wait this long for another run.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking & { steps?: number; dryRun?: Flag }, target?: string) =>
      rollback(flags, target)
    )
    .command("create <name:string> [description:string]", "Make a new migration file.")
    .alias("new")
    .action((flags: GlobalFlags, name: string, description?: string) =>
      create(flags, name, description)
    )
    .command("fresh", "Undo everything, then apply everything. Destroys all data.")
    .option("--drop-schema", "Empty the application's schemas instead of running rollback SQL.")
    .option("--wait <seconds:number>", "Wait this long for another run.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking & { dropSchema?: Flag }) => fresh(flags))
    .command(
      "baseline <name:string>",
      "Record everything up to a migration as applied, without running it.",
    )
    .action((flags: GlobalFlags, name: string) => baseline(flags, name))
    .command("repair <name:string>", "Mend one row of the history.")
    .option("--mark <state:mark>", "What to record the migration as.", { required: true })
    .action((flags: GlobalFlags & { mark: "applied" | "pending" }, name: string) =>
      repair(flags, name)
    )
    .command("history", "Show who did what, and when.")
    .option("--limit <number:integer>", "How many entries.", { default: 50 })
    .action((flags: GlobalFlags & { limit: number }) => history(flags))
    .command("unlock", "Release a lock that was left behind.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking) => unlock(flags))
    .command("install", "Put exec_sql and the tracking schema into a project.")
    .option("--print", "Print the SQL, to paste into the SQL editor.")
    .option("--replace", "Drop other functions that are called exec_sql.")
    .action((flags: GlobalFlags & { print?: Flag; replace?: Flag }) => install(flags))
    .command("uninstall", "Take exec_sql and the tracking schema out again.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking) => uninstall(flags))
    .command("completions", new CompletionsCommand())
    .command("help", new HelpCommand().global())
    .reset();
}

/** Ctrl-C: the first one finishes the step in flight, the second one does not wait. */
function stopOnSignals(): void {
  const stop = () => {
    if (stopping.signal.aborted) process.exit(EXIT_CODES.interrupted);
    process.stderr.write(
      "\n⏹️  Interrupted: finishing the step in flight. Press Ctrl-C again to leave it.\n",
    );
    stopping.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

if (import.meta.main) {
  stopOnSignals();
  // `status | head -1` closes the pipe: that is no failure of ours.
  process.stdout.on("error", (error: Error & { code?: string }) => {
    if (error.code !== "EPIPE") throw error;
  });
  try {
    await makeCli().parse(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    const path = error.cmd?.getPath() ?? "supamigrate";
    process.stderr.write(`❌ ${error.message}\n💡 See ${path} --help\n`);
    process.exitCode = EXIT_CODES.usage;
  }
  process.exit();
}
