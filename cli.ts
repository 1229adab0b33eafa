/**
 * The command line of supamigrate: the command tree, and all that touches the console, the
 * environment, signals and the exit code. What commands do is in `lib/output/actions.ts`.
 *
 * @module
 */

import process from "node:process";
import { format } from "node:util";
import { type ArgumentValue, Command, EnumType, ValidationError } from "@cliffy/command";
import { CompletionsCommand } from "@cliffy/command/completions";
import { HelpCommand } from "@cliffy/command/help";
import { VIAS } from "./lib/database/channel.ts";
import type { AdoptFlags } from "./lib/output/adopt.ts";
import * as actions from "./lib/output/actions.ts";
import type {
  Asking,
  Flag,
  GlobalFlags,
  InstallFlags,
  MigrateFlags,
  RepairFlags,
  Report,
  Run,
} from "./lib/output/actions.ts";
import type { BundleFlags } from "./lib/output/bundle.ts";
import { explainDenied } from "./lib/output/denied.ts";
import { EXIT_CODES, formatError, toExitCode, toJsonError } from "./lib/output/errors.ts";
import { ProjectMemory } from "./lib/output/known_projects.ts";
import type { ImportFlags } from "./lib/output/importing.ts";
import type { InitFlags } from "./lib/output/init.ts";
import { line } from "./lib/output/neutral.ts";
import { checkRuntime } from "./lib/output/runtime.ts";
import { findTasks, type NameCommand, nameCommandsAs } from "./lib/output/started_as.ts";
import { Reporter, type ReportStyle } from "./lib/output/terminal.ts";
import { explainUsage } from "./lib/output/usage.ts";
import type { VerifyFlags } from "./lib/output/verify.ts";
import { holdsKey } from "./lib/redact.ts";
import { LEDGER_MODES } from "./lib/planning/ledger.ts";
import { findSecrets, resolveSettings } from "./lib/settings.ts";
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

Settings, from the environment, then .env.local, then .env, never from the command line:
  SUPABASE_URL               https://….supabase.co; also as NEXT_PUBLIC_SUPABASE_URL,
                             VITE_SUPABASE_URL and the like
  SUPABASE_SERVICE_KEY       the service role's key, or a secret key; also as
                             SUPABASE_SERVICE_ROLE_KEY, SUPABASE_SECRET_KEY or
                             SUPABASE_SECRET_KEYS
  MIGRATION_LOCK_TIMEOUT     lease of the lock in milliseconds (300000)
  MIGRATION_BATCH_SIZE       migrations in a batch (50)
  MIGRATION_REQUEST_TIMEOUT  milliseconds until a request counts as lost (130000)
  MIGRATION_GIVE_UP_AFTER    milliseconds to go on asking a silent server (60000)
  MIGRATION_VIA              api, direct or management, as --via
  MIGRATION_ORDER            number or name, as --order
  MIGRATION_LEDGER           supabase or none, as --ledger
  MIGRATION_ALLOW_HTTP       true, as --allow-http
  DATABASE_URL               for --via direct, and for install, uninstall and doctor
  SUPABASE_ACCESS_TOKEN      for --via management, and for the same`;

const stopping = new AbortController();

/** The only way to standard output and standard error. */
const reporter = new Reporter(process.stdout, process.stderr, {
  json: process.argv.includes("--json"),
  quiet: false,
  verbose: false,
  color: false,
}, (command) => (nameCommand ??= findNames())(command));

/** How hints name commands: found out when the first one is printed. */
let nameCommand: NameCommand | undefined;

function findNames(): NameCommand {
  return nameCommandsAs({
    isDeno: process.versions.deno !== undefined,
    script: process.argv[1] ?? "",
    environment: process.env,
    tasks: findTasks(process.cwd()),
  });
}

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
  const style = styleOf(flags);
  await report(flags, async () => {
    const settings = await resolveSettings(
      process.env,
      { ...flags, needsProject },
      (secrets) => reporter.hide(secrets),
    );
    if (process.env.GITHUB_ACTIONS === "true") {
      reporter.restyle({ ...style, annotate: settings.folder });
    }
    await using migrator = createMigrator({
      ...settings.options,
      signal: stopping.signal,
      onProgress: (event) => reporter.onProgress(event),
    });
    if (settings.embeddedNote !== null) reporter.say(line`🧪 ${settings.embeddedNote}\n`);
    const projects = new ProjectMemory(
      settings.folder,
      migrator.target,
      reporter,
      !!flags.verbose,
      settings.root,
    );
    const { options, folder, namedBy } = settings;
    return await action({ migrator, reporter, projects, options, folder, namedBy });
  });
}

function styleOf(flags: GlobalFlags): ReportStyle {
  return {
    json: !!flags.json,
    quiet: !!flags.quiet,
    verbose: !!flags.verbose,
    color: flags.color !== false && (process.env.NO_COLOR ?? "") === "",
  };
}

/**
 * Runs what needs no database, prints what it came to, and sets the exit code.
 *
 * @param flags The global flags.
 * @param work What is done.
 */
async function report(flags: GlobalFlags, work: () => Promise<Report>): Promise<void> {
  reporter.restyle(styleOf(flags));
  try {
    const { result, text, code = EXIT_CODES.done } = await work();
    if (code === EXIT_CODES.done) reporter.say(text);
    else reporter.sayFailure(text);
    reporter.document(result);
    process.exitCode = code;
  } catch (error) {
    fail(error);
  }
}

/** Reports what ended the command, and sets the exit code. */
function fail(thrown: unknown): void {
  const error = explainDenied(thrown);
  process.exitCode = toExitCode(error);
  reporter.document(toJsonError(error));
  reporter.warn(formatError(error));
  if (!(error instanceof MigrationFileError)) return;
  for (const { message, position } of [error, ...error.others]) {
    reporter.annotate(message, position);
  }
}

/** Says what is wrong with the command line, and where to read what is right. */
function failUsage(error: ValidationError): void {
  const { cmd } = error;
  const name = (cmd?.getPath() ?? "").split(" ").slice(1).join(" ");
  const message = explainUsage(error.message, {
    name,
    commands: cmd?.getCommands().flatMap((one) => [one.getName(), ...one.getAliases()]) ?? [],
    options: cmd?.getOptions().flatMap(({ flags }) => flags) ?? [],
  });
  const hint = name === "" ? "See supamigrate help" : `See supamigrate ${name} --help`;
  process.exitCode = EXIT_CODES.usage;
  reporter.document(toJsonError(new ConfigurationError(message, { hint })));
  reporter.warn(line`❌ ${message}\n💡 ${hint}`);
}

/** An argument that is no option: cliffy takes `--step` for one where an argument may stand. */
function parseWord({ value }: ArgumentValue): string {
  if (value.startsWith("-")) throw new ValidationError(`Unknown option "${value}"`);
  return value;
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
    .globalType("way", new EnumType(VIAS))
    .globalType("order", new EnumType(["number", "name"]))
    .globalType("word", parseWord)
    .globalType("ledger", new EnumType(LEDGER_MODES))
    .globalType("late", new EnumType(["apply", "warn", "refuse"]))
    .globalOption(
      "--dir <path:string>",
      "Folder of the migrations (migrations, else supabase/migrations).",
    )
    .globalOption("--embedded [path:string]", "Use the embedded database (.supamigrate/db).")
    .globalOption(
      "--via <way:way>",
      "The way to the project's database (api; install, uninstall and doctor: the best one).",
    )
    .globalOption(
      "--env-file <path:string>",
      "Read settings from this file instead of .env.local and .env; - is standard input.",
    )
    .globalOption(
      "--allow-http",
      "Take http:// for hosts of a private network too, such as containers.",
    )
    .globalOption(
      "--order <by:order>",
      "What decides the order (number; name in supabase/migrations).",
    )
    .globalOption(
      "--ledger [mode:ledger]",
      "The Supabase CLI's ledger, kept where it is: make it (supabase), or leave it (none).",
    )
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
    .command("init", "Set up a repository: folder, tasks or scripts, .gitignore, .env.example.")
    .option("--workflow", "Write a GitHub workflow that migrates, too.")
    .option("--dry-run", "Show what would be written, and change nothing.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: InitFlags) =>
      report(flags, async () => {
        const { init } = await import("./lib/output/init.ts");
        return await init(reporter, flags, VERSION);
      })
    )
    .command("migrate, up", "Apply what is pending.")
    .option("--to <name:string>", "Stop after this migration.")
    .option("--dry-run", "Show what would run, and change nothing.")
    .option("--locks", "With --dry-run: the locks that it takes, and for how long.")
    .option("--transaction <mode:transaction>", "What is committed together.", { default: "each" })
    .option("--wait <seconds:number>", "Wait this long for another run.")
    .option("--on-change <way:change>", "What to do with an applied migration that was changed.", {
      default: "rerun",
    })
    .option(
      "--out-of-order <way:late>",
      "What to do with a migration that comes before some that are applied.",
      { default: "warn" },
    )
    .option("-y, --yes", "Do not ask.")
    .action((flags: MigrateFlags) => run(flags, (it) => actions.migrate(it, flags)))
    .command("status", "Show what is applied and what is pending.")
    .option("--check", "Exit with 1 unless up to date.")
    .action((flags: GlobalFlags & { check?: Flag }) =>
      run(flags, (it) => actions.status(it, flags))
    )
    .command(
      "rollback [target:word]",
      "Undo the last batch, or everything after a batch or a migration.",
    )
    .option("--steps <number:integer>", "Undo this many migrations.")
    .option("--dry-run", "Show what would run, and change nothing.")
    .option("--wait <seconds:number>", "Wait this long for another run.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking & { steps?: number; dryRun?: Flag }, target?: string) =>
      run(flags, (it) => actions.rollback(it, flags, target))
    )
    .command("create <name:word> [description:word]", "Make a new migration file.")
    .alias("new")
    .action(({ via: _, ...flags }: GlobalFlags, name: string, description?: string) =>
      // No database is opened, whichever it would be.
      run({ ...flags, embedded: true }, (it) => actions.create(it, name, description))
    )
    .command("bundle", "Make an edge function of the migrations, with everything in one file.")
    .option("--out <folder:string>", "The function's folder (supabase/functions/migrate).")
    .option("--check", "Write nothing; exit with 1 unless what is there is up to date.")
    .option("--dry-run", "Show what would be written, and write nothing.")
    .action(({ via: _, ...flags }: BundleFlags) =>
      run({ ...flags, embedded: true }, async (it) => {
        const { bundle } = await import("./lib/output/bundle.ts");
        return await bundle(it, flags, it.options);
      })
    )
    .command("import", "Write another tool's migration files as ours.")
    .option("--from <path:string>", "Folder of the other tool's files.", { required: true })
    .option("--format <name:string>", "Which tool's they are (found out by the folder).")
    .option("--dry-run", "Show what would be written, and write nothing.")
    .option("--no-prove", "Do not compare on the embedded database what both make.")
    .option("-y, --yes", "Do not ask.")
    .action(({ via: _, ...flags }: ImportFlags & { via?: unknown }) =>
      // Only files are written: no database is opened but two in memory.
      run({ ...flags, embedded: true }, async (it) => {
        const { importFiles } = await import("./lib/output/importing.ts");
        return await importFiles(it, flags);
      })
    )
    .command("fresh", "Undo everything, then apply everything. Destroys all data.")
    .option("--drop-schema", "Empty the application's schemas instead of running rollback SQL.")
    .option("--seed", "Run the seeds after that.")
    .option("--wait <seconds:number>", "Wait this long for another run.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking & { dropSchema?: Flag; seed?: Flag }) =>
      run(flags, (it) => actions.fresh(it, flags))
    )
    .command(
      "seed",
      "Run the Supabase CLI's seeds, each once.",
    )
    .option("--force", "Run all seeds again.")
    .option("--dry-run", "Show what would run, and change nothing.")
    .option("--wait <seconds:number>", "Wait this long for another run.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking & { force?: Flag; dryRun?: Flag }) =>
      run(flags, async (it) => (await import("./lib/output/seed.ts")).seed(it, flags))
    )
    .command(
      "baseline <name:word>",
      "Record everything up to a migration as applied, without running it.",
    )
    .option("-y, --yes", "Do not ask.")
    .action((flags: GlobalFlags & Asking, name: string) =>
      run(flags, (it) => actions.baseline(it, flags, name))
    )
    .command(
      "adopt [tool:word]",
      "Record what another migration tool has applied, without running it.",
    )
    .option("--from <tool:string>", "Whose history it is, where there are several.")
    .option(
      "--files <path:string>",
      "Drizzle's own folder, with its journal, if it is another one.",
    )
    .option("--dry-run", "Show what would be recorded, and change nothing.")
    .option("-y, --yes", "Do not ask.")
    .action((flags: AdoptFlags, tool?: string) =>
      run(flags, async (it) => (await import("./lib/output/adopt.ts")).adopt(it, flags, tool))
    )
    .command(
      "repair [name:word]",
      "Mend one row of the history; or with --ledger alone, the Supabase CLI's.",
    )
    .option("--mark <state:mark>", "What to record the migration as.")
    .option("--renamed <name:string>", "The name that its file has now.")
    .option("-y, --yes", "Do not ask.")
    .action(({ ledger, ...flags }: RepairFlags, name?: string) =>
      ledger === true && (name ?? flags.mark ?? flags.renamed) === undefined
        ? run(flags, async (it) => (await import("./lib/output/ledger.ts")).repairLedger(it, flags))
        : run(
          ledger === undefined ? flags : { ...flags, ledger },
          (it) => actions.repair(it, flags, name),
        )
    )
    .command("drift", "Show what in the project is not as its migrations make it.")
    .action((flags: GlobalFlags) =>
      run(flags, async (it) => (await import("./lib/output/drift.ts")).drift(it, flags))
    )
    .command("verify [names...:word]", "Take migrations up, down and up again on a shadow.")
    .option("--all", "All migrations, those that are applied among them.")
    .option("--data", "Make rows in the tables before, and see whether they keep their values.")
    .option("--strict", "Fail where a migration has no rollback SQL.")
    .action((flags: VerifyFlags, ...names: string[]) =>
      run(flags, async (it) => (await import("./lib/output/verify.ts")).verify(it, flags, names))
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
    .option(
      "--schema <name:string>",
      "Have exec_sql in this schema too, for an API without public.",
    )
    .option("-y, --yes", "Do not ask.")
    .action(async (flags: InstallFlags) => {
      if (flags.print) reporter.passOn("out", (await installScript(flags)).trimEnd());
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
    reporter.warn(
      "\n⏹️  Interrupted: finishing the step in flight. Press Ctrl-C again to leave it.",
    );
    stopping.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

/** cliffy prints help to the console, and a library may print anything. */
function takeOverConsole(): void {
  const names = { out: ["log", "info", "debug"], err: ["warn", "error"] } as const;
  for (const stream of ["out", "err"] as const) {
    for (const name of names[stream]) {
      console[name] = (...values) => reporter.passOn(stream, format(...values));
    }
  }
}

/** What nobody caught is a defect, and its stack trace is reported as all else is. */
function reportDefects(): void {
  const end = (error: unknown) => {
    fail(error);
    process.exit();
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
  for (const stream of [process.stdout, process.stderr]) {
    // `status | head -1` closes the pipe: that is no failure of ours.
    stream.on("error", (error: Error & { code?: string }) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

function refuseKeys(args: readonly string[]): void {
  if (!args.some(holdsKey)) return;
  throw new ConfigurationError("A key or a password is on the command line", {
    hint: "Revoke it and make a new one: it is in the shell's history now, and other programs " +
      "could read it.\nKeys are taken from the environment, from .env or another --env-file, and " +
      "from standard input (--env-file -).",
  });
}

if (import.meta.main) {
  takeOverConsole();
  reportDefects();
  stopOnSignals();
  // `deno task` and some package managers pass on the `--` before options. All that follows it would
  // be no option to cliffy, so that `migrate -- --dry-run` applied.
  const args = process.argv.slice(2).filter((arg) => arg !== "--");
  try {
    checkRuntime(process.versions, import.meta.url.endsWith(".ts"));
    reporter.hide(findSecrets(process.env));
    refuseKeys(args);
    await makeCli().parse(args);
  } catch (error) {
    if (error instanceof ValidationError) failUsage(error);
    else fail(error);
  }
  process.exit();
}
