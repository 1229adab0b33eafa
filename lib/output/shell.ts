/** Runs commands: from flags to a migrator, and from what it came to, or failed with, to output. @module */

import type { ValidationError } from "@cliffy/command";
import { ConfigurationError, MigrationFileError } from "../errors.ts";
import type { MigratorOptions } from "../migrator.ts";
import type { GlobalFlags, Report, Run } from "./actions.ts";
import { explainDenied } from "./denied.ts";
import { EXIT_CODES, formatError, toExitCode, toJsonError } from "./errors.ts";
import { line } from "./neutral.ts";
import { choosePaint } from "./paint.ts";
import { findTasks, nameCommandsAs } from "./started_as.ts";
import { Reporter, type ReportStyle } from "./terminal.ts";

/** What is used of the process, which `cli.ts` hands over. */
export type ProcessParts =
  & Pick<NodeJS.Process, "argv" | "cwd" | "env" | "stderr" | "stdout" | "versions">
  & { exitCode?: number | string | null | undefined };

/** Where commands run. */
export class Shell {
  /** The only way to standard output and standard error. */
  readonly reporter: Reporter;

  readonly #process: ProcessParts;
  readonly #signal: AbortSignal;
  /** What the migrator of the command was made of. */
  #running: MigratorOptions | undefined;

  /**
   * @param process The process.
   * @param signal Stops what a migrator does.
   */
  constructor(process: ProcessParts, signal: AbortSignal) {
    this.#process = process;
    this.#signal = signal;
    this.reporter = new Reporter(process.stdout, process.stderr, {
      json: process.argv.includes("--json"),
      quiet: false,
      verbose: false,
      color: choosePaint(process.env, !process.argv.includes("--no-color")),
    });
  }

  /** Finds out how hints are to name commands. */
  async learnNames(): Promise<void> {
    const { argv, env, versions } = this.#process;
    this.reporter.nameCommands(nameCommandsAs({
      isDeno: versions.deno !== undefined,
      script: argv[1] ?? "",
      environment: env,
      tasks: await findTasks(this.#process.cwd()),
    }));
  }

  /**
   * Runs an action with a migrator, prints what it came to, and sets the exit code.
   *
   * @param flags The global flags.
   * @param action The action.
   * @param needsProject Whether the command makes sense for a project alone.
   */
  async run(
    flags: GlobalFlags,
    action: (run: Run) => Promise<Report>,
    needsProject = false,
  ): Promise<void> {
    const { reporter } = this;
    const { env } = this.#process;
    await this.report(flags, async () => {
      const { resolveSettings } = await import("../settings.ts");
      const settings = await resolveSettings(
        env,
        { ...flags, needsProject },
        (secrets) => reporter.hide(secrets),
      );
      if (env.GITHUB_ACTIONS === "true") {
        reporter.restyle({ ...this.#styleOf(flags), annotate: settings.folder });
      }
      const options: MigratorOptions = {
        ...settings.options,
        signal: this.#signal,
        onProgress: (event) => reporter.onProgress(event),
      };
      this.#running = options;
      const { createMigrator } = await import("../migrator.ts");
      await using migrator = createMigrator(options);
      if (settings.embeddedNote !== null) reporter.say(line`🧪 ${settings.embeddedNote}\n`);
      const { ProjectMemory } = await import("./known_projects.ts");
      const projects = new ProjectMemory(
        settings.folder,
        migrator.target,
        reporter,
        !!flags.verbose,
        settings.root,
      );
      const { folder, root, around, namedBy } = settings;
      return await action({
        migrator,
        reporter,
        projects,
        options,
        folder,
        root,
        around,
        namedBy,
      });
    });
  }

  #styleOf(flags: GlobalFlags): ReportStyle {
    return {
      json: !!flags.json,
      quiet: !!flags.quiet,
      verbose: !!flags.verbose,
      color: choosePaint(this.#process.env, flags.color),
    };
  }

  /**
   * Runs what needs no database, prints what it came to, and sets the exit code.
   *
   * @param flags The global flags.
   * @param work What is done.
   */
  async report(flags: GlobalFlags, work: () => Promise<Report>): Promise<void> {
    const { reporter } = this;
    reporter.restyle(this.#styleOf(flags));
    try {
      const { result, text, code = EXIT_CODES.done } = await work();
      if (code === EXIT_CODES.done) reporter.say(text);
      else reporter.sayFailure(text);
      reporter.document(result);
      this.#process.exitCode = code;
    } catch (error) {
      this.fail(error);
    }
  }

  /**
   * Says what goes on in the database when this process is left, and asks whether to cancel it.
   *
   * @param mayAsk There may be somebody to ask.
   * @returns Whether it was cancelled, so that the command comes to its end.
   */
  async leaveRunning(mayAsk: boolean): Promise<boolean> {
    const { reporter } = this;
    const { activity } = reporter;
    if (activity === undefined || this.#running === undefined) return false;
    const { cancelAfterAsking } = await import("./cancel.ts");
    return await cancelAfterAsking(reporter, this.#running, activity, mayAsk);
  }

  /** Reports what ended the command, and sets the exit code. */
  fail(thrown: unknown): void {
    const { reporter } = this;
    const error = explainDenied(thrown);
    this.#process.exitCode = toExitCode(error);
    reporter.document(toJsonError(error));
    reporter.warn(formatError(error));
    if (!(error instanceof MigrationFileError)) return;
    for (const { message, position } of [error, ...error.others]) {
      reporter.annotate(message, position);
    }
  }

  /** Says what is wrong with the command line, and where to read what is right. */
  async failUsage(error: ValidationError): Promise<void> {
    const { explainUsage } = await import("./usage.ts");
    // What `help` does not find is a command of the one that it belongs to.
    const cmd = error.cmd?.getName() === "help" ? error.cmd.getParent() : error.cmd;
    const name = (cmd?.getPath() ?? "").split(" ").slice(1).join(" ");
    const message = explainUsage(error.message, {
      name,
      commands: cmd?.getCommands().flatMap((one) => [one.getName(), ...one.getAliases()]) ?? [],
      options: cmd?.getOptions().flatMap(({ flags }) => flags) ?? [],
    });
    const hint = name === "" ? "See supamigrate help" : `See supamigrate ${name} --help`;
    this.#process.exitCode = EXIT_CODES.usage;
    this.reporter.document(toJsonError(new ConfigurationError(message, { hint })));
    this.reporter.warn(line`❌ ${message}\n💡 ${hint}`);
  }
}
