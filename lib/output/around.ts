/** What happens around a run: a backup and a hook before it, a hook and a line in a log after it. @module */

import { appendFile } from "node:fs/promises";
import type { AroundSettings } from "../around_settings.ts";
import { ConfigurationError, SupamigrateError } from "../errors.ts";
import type { Flag, Report, Run } from "./actions.ts";
import type { Backup } from "./backup.ts";
import { toExitCode, toJsonError } from "./errors.ts";
import { line } from "./neutral.ts";

/** The flags of commands that have something around them. */
export interface AroundFlags {
  backup?: Flag;
  before?: string;
  after?: string;
  dryRun?: Flag;
}

/** What an operation is given. */
export interface Around {
  /** Makes the backup, and runs the hook. */
  readonly before?: (planned: readonly unknown[]) => Promise<void>;
  /** What the audit log is to note. */
  readonly note?: () => string | undefined;
}

/**
 * Runs a command with what is to happen around it.
 *
 * @param run The command.
 * @param flags Its flags.
 * @param name Its name.
 * @param work The command itself.
 * @returns What it came to, with the backup.
 * @throws {ConfigurationError} There is no backup, or the hook before the run has failed.
 */
export async function around<Result extends object>(
  run: Run,
  flags: AroundFlags,
  name: string,
  work: (around: Around) => Promise<Report<Result>>,
): Promise<Report<Result>> {
  const started = performance.now();
  const { before, after, log }: AroundSettings = {
    ...run.around,
    ...(flags.before === undefined ? {} : { before: flags.before }),
    ...(flags.after === undefined ? {} : { after: flags.after }),
  };
  let backup: Backup | undefined;
  let hasBegun = false;
  const given: Around = !flags.backup && before === undefined && after === undefined ? {} : {
    before: async (planned) => {
      if (flags.backup) {
        const { makeBackup } = await import("./backup.ts");
        backup = await makeBackup(run);
      }
      if (before !== undefined) {
        const failure = await runHook(run, before, { command: name, ...toProject(run), planned });
        if (failure !== null) {
          throw new ConfigurationError(`The command before the run ${failure}: ${before}`, {
            hint: "Nothing was changed. Mend what it tells of, or leave it out.",
          });
        }
      }
      hasBegun = true;
    },
    note: () => backup && `backup: ${backup.path ?? backup.description}`,
  };
  const finish = async (result: unknown, code: number) => {
    if (log !== undefined && !flags.dryRun) {
      await writeLog(run, log, { command: name, ...summarize(run, result, code, started) });
    }
    if (after === undefined || !hasBegun) return;
    const given = { command: name, ...toProject(run), exitCode: code, result };
    const failure = await runHook(run, after, given);
    if (failure !== null) {
      run.reporter.warn(line`⚠️  The command after the run ${failure}: ${after}`);
    }
  };
  try {
    const report = await work(given);
    const { code = 0 } = report;
    const result = backup === undefined ? report.result : { ...report.result, backup };
    await finish(result, code);
    return { ...report, result, text: [report.text, ...tellBackup(backup)].join("\n") };
  } catch (error) {
    await finish(toJsonError(error), toExitCode(error));
    if (backup !== undefined && error instanceof SupamigrateError) {
      const hint = [error.hint, ...tellBackup(backup)].filter(Boolean).join("\n");
      Object.defineProperty(error, "hint", { value: hint, enumerable: true });
    }
    throw error;
  }
}

function tellBackup(backup: Backup | undefined): string[] {
  if (backup === undefined) return [];
  return [
    line`💾 Backup: ${backup.description}`,
    line`💾 To restore it: ${backup.restore}`,
  ];
}

function toProject({ migrator: { target } }: Run): { project: { kind: string; name: string } } {
  return { project: { kind: target.kind, name: target.name } };
}

/** Runs a hook with JSON on its standard input; says how it failed, or null. */
async function runHook(run: Run, command: string, input: unknown): Promise<string | null> {
  const { runProgram } = await import("./programs.ts");
  const ended = await runProgram({
    command,
    input: run.reporter.clean(JSON.stringify(input)),
    // Standard output is for the result.
    onLine: (text) => run.reporter.passOn("err", text),
  });
  if (ended?.code === 0) return null;
  return ended === undefined || ended.code === null
    ? "was ended by a signal"
    : `has failed with exit code ${ended.code}`;
}

/** What is read of a result, whatever the command. */
interface AnyResult {
  readonly success?: boolean;
  readonly batchNumber?: number | null;
  readonly migrationsRun?: number;
  readonly migrationsRolledBack?: number;
  readonly results?: readonly {
    readonly name: string;
    readonly error: { readonly code: string; readonly message: string } | null;
  }[];
  readonly error?: { readonly type: string; readonly message: string };
}

/** What a log has of a run: no SQL. */
function summarize(run: Run, given: unknown, exitCode: number, started: number) {
  const result = Object(given) as AnyResult;
  const failed = result.results?.find(({ error }) => error !== null);
  return {
    time: new Date().toISOString(),
    ...toProject(run),
    success: result.success ?? exitCode === 0,
    exitCode,
    durationMs: Math.round(performance.now() - started),
    batch: result.batchNumber ?? undefined,
    migrationsRun: result.migrationsRun,
    migrationsRolledBack: result.migrationsRolledBack,
    ...(failed === undefined ? {} : {
      failed: {
        migration: failed.name,
        code: failed.error!.code,
        message: failed.error!.message,
      },
    }),
    ...(result.error === undefined
      ? {}
      : { error: { type: result.error.type, message: result.error.message } }),
  };
}

async function writeLog(run: Run, log: string, entry: unknown): Promise<void> {
  const text = run.reporter.clean(JSON.stringify(entry));
  if (log === "stderr") return run.reporter.passOn("err", text);
  try {
    await appendFile(log, `${text}\n`);
  } catch (error) {
    run.reporter.warn(line`⚠️  The run is not in the log ${log}: ${(error as Error).message}`);
  }
}
