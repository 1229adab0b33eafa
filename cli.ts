/**
 * The command line of supamigrate: the command tree, and all that touches the console, the
 * environment, signals and the exit code. What a command does is in its file in `lib/output`.
 *
 * @module
 */

import process from "node:process";
import { format } from "node:util";
import { type ArgumentValue, Command, EnumType, ValidationError } from "@cliffy/command";
import { CompletionsCommand } from "@cliffy/command/completions";
import { HelpCommand } from "@cliffy/command/help";
import { VIAS } from "./lib/database/channel.ts";
import { ConfigurationError } from "./lib/errors.ts";
import type { Asking, Flag, GlobalFlags } from "./lib/output/actions.ts";
import type { AdoptFlags } from "./lib/output/adopt.ts";
import type { BackupsFlags } from "./lib/output/backups.ts";
import type { BundleFlags } from "./lib/output/bundle.ts";
import { DESCRIPTION } from "./lib/output/description.ts";
import type { DiffFlags } from "./lib/output/diff.ts";
import { EXIT_CODES } from "./lib/output/errors.ts";
import type { FreshFlags } from "./lib/output/fresh.ts";
import type { ImportFlags } from "./lib/output/importing.ts";
import type { InitFlags } from "./lib/output/init.ts";
import type { InstallFlags } from "./lib/output/install.ts";
import { SHARED } from "./lib/output/options.ts";
import type { PlanFlags } from "./lib/output/plan.ts";
import type { MigrateFlags } from "./lib/output/migrate.ts";
import type { PullFlags } from "./lib/output/pull.ts";
import type { RepairFlags } from "./lib/output/records.ts";
import type { ReportFlags } from "./lib/output/report.ts";
import { checkRuntime } from "./lib/output/runtime.ts";
import { Shell } from "./lib/output/shell.ts";
import type { StatusFlags } from "./lib/output/status.ts";
import type { RollbackFlags } from "./lib/output/rollback.ts";
import type { SquashFlags } from "./lib/output/squash.ts";
import type { ValidateFlags } from "./lib/output/validate.ts";
import type { VerifyFlags } from "./lib/output/verify.ts";
import type { TypesFlags } from "./lib/output/types.ts";
import { LEDGER_MODES } from "./lib/planning/ledger.ts";
import { holdsKey } from "./lib/redact.ts";
import { SAFETY_COPY_MODES } from "./lib/safety_copy_modes.ts";
import { findSecrets } from "./lib/setting_names.ts";
import { VERSION } from "./lib/version.ts";

const stopping = new AbortController();

const shell = new Shell(process, stopping.signal);
const { reporter } = shell;
const run: Shell["run"] = (...given) => shell.run(...given);
const report: Shell["report"] = (...given) => shell.report(...given);

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
    .globalType("findings", new EnumType(["text", "json", "github", "sarif"]))
    .globalType("planFormat", new EnumType(["text", "json", "markdown"]))
    .globalType("copies", new EnumType(SAFETY_COPY_MODES))
    .globalType("late", new EnumType(["apply", "warn", "refuse"]))
    .globalType("drift", new EnumType(["warn", "error", "ignore"]))
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
    .globalOption(
      "--lock-timeout <time:string>",
      "How long a statement waits for a lock before its step is undone (2s).",
    )
    .globalOption(
      "--lock-retries <number:integer>",
      "How often such a step is tried again, after pauses that grow (5).",
    )
    .globalOption("--statement-timeout <time:string>", "How long a statement may run (no limit).")
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
    .option(...SHARED.dryRun)
    .option(...SHARED.yes)
    .action((flags: InitFlags) =>
      report(flags, async () => {
        const { init } = await import("./lib/output/init.ts");
        return await init(reporter, flags, VERSION);
      })
    )
    .command("migrate, up", "Apply what is pending.")
    .option(...SHARED.to)
    .option("--plan <path:string>", "Run this plan; refuse where anything differs from it.")
    .option(...SHARED.dryRun)
    .option("--locks", "With --dry-run: the locks that it takes, and for how long.")
    .option(...SHARED.shadow)
    .option(...SHARED.transaction)
    .option(...SHARED.wait)
    .option(...SHARED.onChange)
    .option(...SHARED.outOfOrder)
    .option(...SHARED.cancelBlockers)
    .option(...SHARED.cancelRoles)
    .option(
      "--on-drift <way:drift>",
      "What to do where others have changed the schema since the last run (warn).",
    )
    .option("--drift", "After the run: compare the schema with what the migrations make.")
    .option("--strict", "Refuse what validate --strict would, before anything is sent.")
    .option(...SHARED.safetyCopy)
    .option(...SHARED.backup)
    .option(...SHARED.before)
    .option(...SHARED.after)
    .option("--check <what:string>", "Ask this URL, or run this query, after: 1 where it fails.")
    .option("--rollback-on-failed-check", "Take the run back where the check fails.")
    .option(...SHARED.yes)
    .action((flags: MigrateFlags) =>
      run(flags, async (it) => (await import("./lib/output/migrate.ts")).migrate(it, flags))
    )
    .command("plan", "Show what migrate would do, and write it down to be run as it is.")
    .option("--out <path:string>", "Write the plan to this file, for migrate --plan.")
    .option(...SHARED.to)
    .option(...SHARED.transaction)
    .option(...SHARED.onChange)
    .option(...SHARED.outOfOrder)
    .option("--locks", "Measure the locks that it takes, and for how long.")
    .option(...SHARED.shadow)
    .option("--format <kind:planFormat>", "How it is written to standard output (text).")
    .option("-y, --yes", "Say yes in the plan to what migrate would ask about.")
    .action((flags: PlanFlags) => {
      const { format } = flags;
      const json = flags.json || format === "json";
      return run({ ...flags, json, quiet: flags.quiet || format === "markdown" }, async (it) => {
        const { plan } = await import("./lib/output/plan.ts");
        return await plan(it, flags);
      });
    })
    .command("status", "Show what is applied and what is pending.")
    .option("--check", "Exit with 1 unless up to date.")
    .option("--all", "List the migrations that are applied, too.")
    .option("--diagram <table:string>", "Show a table instead, and what it has to do with others.")
    .action((flags: StatusFlags) =>
      run(flags, async (it) => (await import("./lib/output/status.ts")).status(it, flags))
    )
    .command(
      "rollback [target:word]",
      "Undo the last batch, or everything after a batch or a migration.",
    )
    .option("--steps <number:integer>", "Undo this many migrations.")
    .option(...SHARED.cancelBlockers)
    .option(...SHARED.cancelRoles)
    .option(...SHARED.dryRun)
    .option(...SHARED.wait)
    .option(...SHARED.safetyCopy)
    .option(...SHARED.backup)
    .option(...SHARED.before)
    .option(...SHARED.after)
    .option(...SHARED.yes)
    .action((flags: RollbackFlags, target?: string) =>
      run(
        flags,
        async (it) => (await import("./lib/output/rollback.ts")).rollback(it, flags, target),
      )
    )
    .command("create <name:word> [description:word]", "Make a new migration file.")
    .alias("new")
    .action(({ via: _, ...flags }: GlobalFlags, name: string, description?: string) =>
      // No database is opened, whichever it would be.
      run({ ...flags, embedded: true }, async (it) =>
        (await import("./lib/output/create.ts")).create(it, name, description))
    )
    .command(
      "validate [names...:word]",
      "Look at all migration files, and tell what is wrong with them. Sends nothing.",
    )
    .option("--format <form:findings>", "text, json, github (annotations) or sarif.", {
      default: "text",
    })
    .option("--strict", "Exit with 1 for warnings too.")
    .option(...SHARED.shadow)
    .option("--no-shadow", "Do not run them on a shadow database: quicker, and it knows less.")
    .action(({ via: _, ...flags }: ValidateFlags, ...names: string[]) =>
      // No database is opened, whichever it would be.
      run(
        { ...flags, json: flags.json || ["json", "sarif"].includes(flags.format), embedded: true },
        async (it) => (await import("./lib/output/validate.ts")).validate(it, flags, names),
      )
    )
    .command("bundle", "Make an edge function of the migrations, with everything in one file.")
    .option("--out <folder:string>", "The function's folder (supabase/functions/migrate).")
    .option("--check", "Write nothing; exit with 1 unless what is there is up to date.")
    .option(...SHARED.dryRun)
    .action(({ via: _, ...flags }: BundleFlags) =>
      run({ ...flags, embedded: true }, async (it) => {
        const { bundle } = await import("./lib/output/bundle.ts");
        return await bundle(it, flags, it.options);
      })
    )
    .command("import", "Write another tool's migration files as ours.")
    .option("--from <path:string>", "Folder of the other tool's files.", { required: true })
    .option("--format <name:string>", "Which tool's they are (found out by the folder).")
    .option(...SHARED.dryRun)
    .option("--no-prove", "Do not compare on the embedded database what both make.")
    .option(...SHARED.yes)
    .action(({ via: _, ...flags }: ImportFlags & { via?: unknown }) =>
      // Only files are written: no database is opened but two in memory.
      run({ ...flags, embedded: true }, async (it) => {
        const { importFiles } = await import("./lib/output/importing.ts");
        return await importFiles(it, flags);
      })
    )
    .command("types", "Write TypeScript types of the project's schemas, for supabase-js.")
    .option("--out <path:string>", "Write them to this file instead of standard output.")
    .option(
      "--schema <names:string>",
      "Which schemas, with commas (those the API shows, or public).",
    )
    .option("--check", "Write nothing; exit with 1 unless the file is up to date.")
    .action((flags: TypesFlags) => {
      const quiet = flags.quiet || flags.out === undefined;
      return run({ ...flags, quiet }, async (it) => {
        const { types } = await import("./lib/output/types.ts");
        return await types(it, flags);
      });
    })
    .command("fresh", "Undo everything, then apply everything. Destroys all data.")
    .option("--drop-schema", "Empty the application's schemas instead of running rollback SQL.")
    .option("--seed", "Run the seeds after that.")
    .option(...SHARED.backup)
    .option(...SHARED.wait)
    .option(...SHARED.yes)
    .action((flags: FreshFlags) =>
      run(flags, async (it) => (await import("./lib/output/fresh.ts")).fresh(it, flags))
    )
    .command(
      "seed",
      "Run the Supabase CLI's seeds, each once.",
    )
    .option("--force", "Run all seeds again.")
    .option(...SHARED.dryRun)
    .option(...SHARED.wait)
    .option(...SHARED.yes)
    .action((flags: GlobalFlags & Asking & { force?: Flag; dryRun?: Flag }) =>
      run(flags, async (it) => (await import("./lib/output/seed.ts")).seed(it, flags))
    )
    .command(
      "baseline <name:word>",
      "Record everything up to a migration as applied, without running it.",
    )
    .option(...SHARED.yes)
    .action((flags: GlobalFlags & Asking, name: string) =>
      run(flags, async (it) => (await import("./lib/output/records.ts")).baseline(it, flags, name))
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
    .option(...SHARED.dryRun)
    .option(...SHARED.yes)
    .action((flags: AdoptFlags, tool?: string) =>
      run(flags, async (it) => (await import("./lib/output/adopt.ts")).adopt(it, flags, tool))
    )
    .command(
      "repair [name:word]",
      "Mend one row of the history; or with --ledger alone, the Supabase CLI's.",
    )
    .option("--mark <state:mark>", "What to record the migration as.")
    .option("--renamed <name:string>", "The name that its file has now.")
    .option(...SHARED.yes)
    .action(({ ledger, ...flags }: RepairFlags, name?: string) =>
      ledger === true && (name ?? flags.mark ?? flags.renamed) === undefined
        ? run(flags, async (it) => (await import("./lib/output/ledger.ts")).repairLedger(it, flags))
        : run(
          ledger === undefined ? flags : { ...flags, ledger },
          async (it) => (await import("./lib/output/records.ts")).repair(it, flags, name),
        )
    )
    .command("drift", "Show what in the project is not as its migrations make it.")
    .option(...SHARED.shadow)
    .action((flags: GlobalFlags) =>
      run(flags, async (it) => (await import("./lib/output/drift.ts")).drift(it, flags))
    )
    .command("verify [names...:word]", "Take migrations up, down and up again on a shadow.")
    .option("--all", "All migrations, those that are applied among them.")
    .option("--data", "Make rows in the tables before, and see whether they keep their values.")
    .option("--strict", "Fail where a migration has no rollback SQL.")
    .option(...SHARED.shadow)
    .action((flags: VerifyFlags, ...names: string[]) =>
      run(flags, async (it) => (await import("./lib/output/verify.ts")).verify(it, flags, names))
    )
    .command("pull <name:word>", "Write what was done by hand as a migration, and record it.")
    .option(...SHARED.shadow)
    .option("--schema <names:string>", "In these schemas alone, with commas.")
    .option(...SHARED.include)
    .option(...SHARED.exclude)
    .option(...SHARED.rename)
    .option(...SHARED.noRenames)
    .option(...SHARED.dryRun)
    .option(...SHARED.yes)
    .action((flags: PullFlags, name: string) =>
      run(flags, async (it) => (await import("./lib/output/pull.ts")).pull(it, flags, name))
    )
    .command("diff <name:word>", "Write the migration that leads to a schema in SQL files.")
    .option("--schema <path:string>", "The file or folder that declares it.", { required: true })
    .option(...SHARED.shadow)
    .option(...SHARED.include)
    .option(...SHARED.exclude)
    .option(...SHARED.rename)
    .option(...SHARED.noRenames)
    .option(...SHARED.dryRun)
    .option(...SHARED.yes)
    .action(({ via: _, ...flags }: DiffFlags & { via?: unknown }, name: string) =>
      // No project is asked: the two databases are in memory.
      run({ ...flags, embedded: true }, async (it) => {
        const { diff } = await import("./lib/output/diff.ts");
        return await diff(it, flags, name);
      })
    )
    .command("squash <name:word>", "Put one migration in the place of many.")
    .option("--to <name:string>", "Up to this migration (the last one).")
    .option("--flatten", "Write out the schema that they make, instead of all their statements.")
    .option(...SHARED.shadow)
    .option(...SHARED.dryRun)
    .option(...SHARED.yes)
    .action((flags: SquashFlags, name: string) =>
      run(flags, async (it) => (await import("./lib/output/squash.ts")).squash(it, flags, name))
    )
    .command(
      "backups [action:word] [names...:word]",
      "List what migrations have destroyed and is kept; show NAME, drop NAME.",
    )
    .option("--older-than <age:string>", "With drop: all that are older, such as 30d.")
    .option(...SHARED.yes)
    .action((flags: BackupsFlags, action?: string, ...names: string[]) =>
      run(flags, async (it) => {
        const { backups } = await import("./lib/output/backups.ts");
        return await backups(it, flags, action, names);
      })
    )
    .command("history", "Show who did what, and when.")
    .option("--limit <number:integer>", "How many entries.", { default: 50 })
    .action((flags: GlobalFlags & { limit: number }) =>
      run(flags, async (it) => (await import("./lib/output/history.ts")).history(it, flags))
    )
    .command("report", "Make a page to look at: state, migrations, diagram, policies, log.")
    .option("--out <path:string>", "Write it to this file.", { default: "migrations-report.html" })
    .option("--open", "Show it in the browser.")
    .option("--drift", "Look for what is not as the migrations make it, too.")
    .option(...SHARED.shadow)
    .option(
      "--no-shadow",
      "Do not run what is pending on a shadow database: quicker, and it knows less.",
    )
    .action((flags: ReportFlags) =>
      run(flags, async (it) => (await import("./lib/output/report.ts")).report(it, flags))
    )
    .command("doctor", "Examine the installation, and say how to mend what is wrong.")
    .action((flags: GlobalFlags) =>
      run(flags, async (it) => (await import("./lib/output/doctor.ts")).doctor(it))
    )
    .command("cancel", "End the statement that a run is at, which then fails.")
    .option(...SHARED.yes)
    .action((flags: GlobalFlags & Asking) =>
      run(flags, async (it) => (await import("./lib/output/cancel.ts")).cancel(it, flags))
    )
    .command("unlock", "Release a lock that was left behind.")
    .option(...SHARED.yes)
    .action((flags: GlobalFlags & Asking) =>
      run(flags, async (it) => (await import("./lib/output/records.ts")).unlock(it, flags))
    )
    .command("install", "Put exec_sql and the tracking schema into a project.")
    .option("--print", "Print the SQL, to paste into the SQL editor.")
    .option("--replace", "Drop other functions that are called exec_sql.")
    .option(
      "--schema <name:string>",
      "Have exec_sql in this schema too, for an API without public.",
    )
    .option(...SHARED.yes)
    .action((flags: InstallFlags) =>
      flags.print
        ? report(
          flags,
          async () => (await import("./lib/output/install.ts")).printSql(reporter, flags),
        )
        : run(
          flags,
          async (it) => (await import("./lib/output/install.ts")).install(it, flags),
          true,
        )
    )
    .command("uninstall", "Take exec_sql and the tracking schema out again.")
    .option(...SHARED.yes)
    .action((flags: GlobalFlags & Asking) =>
      run(flags, async (it) => (await import("./lib/output/install.ts")).uninstall(it, flags), true)
    )
    .command("completions", new CompletionsCommand())
    .command("help", new HelpCommand().global())
    .reset();
}

/** Help and the version go without the other options, which cliffy refuses beside them. */
function keepAsked(args: readonly string[], cli: ReturnType<typeof makeCli>): string[] {
  const asked = args.find((arg) => ["-h", "--help", "-V", "--version"].includes(arg));
  if (asked === undefined) return [...args];
  const path: string[] = [];
  let commands = cli.getCommands();
  for (const arg of args) {
    const command = commands.find((one) => one.getName() === arg || one.getAliases().includes(arg));
    if (command === undefined) continue;
    path.push(arg);
    commands = command.getCommands();
  }
  return [...path, asked];
}

/** Ctrl-C: the first one finishes the step in flight, the second one asks, and the third one goes. */
function stopOnSignals(): void {
  let times = 0;
  const leave = () => process.exit(EXIT_CODES.interrupted);
  const stop = (signal: string) => {
    times++;
    if (times === 1) {
      reporter.finish(
        "\n⏹️  Interrupted: finishing the step in flight. Press Ctrl-C again to leave it.",
      );
      stopping.abort();
    } else if (times === 2) {
      shell.leaveRunning(signal === "SIGINT").then((isCancelled) => isCancelled || leave(), leave);
    } else {
      leave();
    }
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
    shell.fail(error);
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

/**
 * V8 compiles WebAssembly, which the parser and the embedded database are, a second time, and better,
 * while it runs: for a command that takes longer than it saves, and as much memory again. Deno takes
 * no flags by then; the tasks in deno.json have it.
 */
function compileOnce(): void {
  if (process.versions.deno !== undefined || process.versions.bun !== undefined) return;
  process.getBuiltinModule("node:v8").setFlagsFromString("--liftoff-only");
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
    compileOnce();
    reporter.hide(findSecrets(process.env));
    refuseKeys(args);
    const cli = makeCli();
    const words = keepAsked(args, cli);
    // The version alone names no command.
    if (!words.some((word) => ["-V", "--version"].includes(word))) await shell.learnNames();
    await cli.parse(words);
  } catch (error) {
    if (error instanceof ValidationError) await shell.failUsage(error);
    else shell.fail(error);
  }
  process.exit();
}
