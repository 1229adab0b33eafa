/**
 * The command line of supamigrate: the command tree, and all that touches the console, the
 * environment, signals and the exit code. What commands do is in `lib/output/actions.ts`.
 *
 * @module
 */

import process from "node:process";
import { Command, EnumType, ValidationError } from "@cliffy/command";
import { CompletionsCommand } from "@cliffy/command/completions";
import { HelpCommand } from "@cliffy/command/help";
import * as actions from "./lib/output/actions.ts";
import type { Asking, Flag, GlobalFlags, MigrateFlags, Report, Run } from "./lib/output/actions.ts";
import { EXIT_CODES, formatError, toExitCode, toJsonError } from "./lib/output/errors.ts";
import { Reporter } from "./lib/output/terminal.ts";
import { createRedactor } from "./lib/redact.ts";
import { resolveSettings } from "./lib/settings.ts";
import {
  ConfigurationError,
  createMigrator,
  installScript,
  MigrationFileError,
  VERSION,
} from "./mod.ts";

const DESCRIPTION = `
Schema migrations for Supabase over HTTPS alone, with rollback.

Without SUPABASE_URL the commands work on an embedded database in .supamigrate/db.

Exit codes:
  0    done
  1    a migration or rollback failed, --check found work, or doctor found something
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
  DATABASE_URL            a direct connection, for install, uninstall and doctor
  SUPABASE_ACCESS_TOKEN   the Management API, for the same`;

const stopping = new AbortController();

/**
 * Runs an action with a migrator, prints what it came to, and sets the exit code.
 *
 * @param flags The global flags.
 * @param action The action.
 * @param needsProject Whether the command makes sense for a project alone.
 */
async function run(
  flags: GlobalFlags,
  action: (run: Run) => Promise<Report>,
  needsProject = false,
): Promise<void> {
  const style = {
    json: !!flags.json,
    quiet: !!flags.quiet,
    verbose: !!flags.verbose,
    color: flags.color !== false && (process.env.NO_COLOR ?? "") === "",
  };
  let reporter = new Reporter(process.stdout, process.stderr, style);
  try {
    const settings = await resolveSettings(process.env, { ...flags, needsProject });
    reporter = new Reporter(process.stdout, process.stderr, {
      ...style,
      redact: createRedactor(settings.secrets),
      ...(process.env.GITHUB_ACTIONS === "true" ? { annotate: settings.folder } : {}),
    });
    await using migrator = createMigrator({
      ...settings.options,
      signal: stopping.signal,
      onProgress: (event) => reporter.onProgress(event),
    });
    if (settings.embeddedNote !== null) reporter.say(`🧪 ${settings.embeddedNote}\n`);
    const { result, text, code = EXIT_CODES.done } = await action({ migrator, reporter });
    if (code === EXIT_CODES.done) reporter.say(text);
    else reporter.sayFailure(text);
    reporter.document(result);
    process.exitCode = code;
  } catch (error) {
    process.exitCode = toExitCode(error);
    reporter.document(toJsonError(error));
    reporter.warn(formatError(error));
    if (error instanceof MigrationFileError) reporter.annotate(error.message, error.position);
  }
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
    .action((flags: MigrateFlags) => run(flags, (it) => actions.migrate(it, flags)))
    .command("status", "Show what is applied and what is pending.")
    .option("--check", "Exit with 1 unless up to date.")
    .action((flags: GlobalFlags & { check?: Flag }) =>
      run(flags, (it) => actions.status(it, flags))
    )
    .command(
      "rollback [target:string]",
      "Undo the last batch, or everything after a batch or a migration.",
    )
    .option("--steps <number:integer>", "Undo this many migrations.")
    .option("--dry-run", "Show what would run, and change nothing.")
    .option("--wait <seconds:number>", "Wait this long for another run.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking & { steps?: number; dryRun?: Flag }, target?: string) =>
      run(flags, (it) => actions.rollback(it, flags, target))
    )
    .command("create <name:string> [description:string]", "Make a new migration file.")
    .alias("new")
    .action((flags: GlobalFlags, name: string, description?: string) =>
      // No database is opened, whichever it would be.
      run({ ...flags, embedded: true }, (it) => actions.create(it, name, description))
    )
    .command("fresh", "Undo everything, then apply everything. Destroys all data.")
    .option("--drop-schema", "Empty the application's schemas instead of running rollback SQL.")
    .option("--wait <seconds:number>", "Wait this long for another run.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking & { dropSchema?: Flag }) =>
      run(flags, (it) => actions.fresh(it, flags))
    )
    .command(
      "baseline <name:string>",
      "Record everything up to a migration as applied, without running it.",
    )
    .action((flags: GlobalFlags, name: string) => run(flags, (it) => actions.baseline(it, name)))
    .command("repair <name:string>", "Mend one row of the history.")
    .option("--mark <state:mark>", "What to record the migration as.", { required: true })
    .action((flags: GlobalFlags & { mark: "applied" | "pending" }, name: string) =>
      run(flags, (it) => actions.repair(it, flags, name))
    )
    .command("history", "Show who did what, and when.")
    .option("--limit <number:integer>", "How many entries.", { default: 50 })
    .action((flags: GlobalFlags & { limit: number }) =>
      run(flags, (it) => actions.history(it, flags))
    )
    .command("doctor", "Examine the installation, and say how to mend what is wrong.")
    .action((flags: GlobalFlags) => run(flags, actions.doctor))
    .command("unlock", "Release a lock that was left behind.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking) => run(flags, (it) => actions.unlock(it, flags)))
    .command("install", "Put exec_sql and the tracking schema into a project.")
    .option("--print", "Print the SQL, to paste into the SQL editor.")
    .option("--replace", "Drop other functions that are called exec_sql.")
    .action(async (flags: GlobalFlags & { print?: Flag; replace?: Flag }) => {
      if (flags.print) process.stdout.write(await installScript());
      else await run(flags, (it) => actions.install(it, flags), true);
    })
    .command("uninstall", "Take exec_sql and the tracking schema out again.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking) => run(flags, (it) => actions.uninstall(it, flags), true))
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
    const hint = `See ${error.cmd?.getPath() ?? "supamigrate"} --help`;
    process.stderr.write(`❌ ${error.message}\n💡 ${hint}\n`);
    if (process.argv.includes("--json")) {
      const usage = new ConfigurationError(error.message, { hint });
      process.stdout.write(`${JSON.stringify(toJsonError(usage), null, 2)}\n`);
    }
    process.exitCode = EXIT_CODES.usage;
  }
  process.exit();
}
