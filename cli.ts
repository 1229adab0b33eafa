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
import {
  confirmFresh,
  confirmUndo,
  confirmUninstall,
  confirmUnlock,
} from "./lib/output/confirm.ts";
import {
  EXIT_CODES,
  formatAnnotation,
  formatError,
  toExitCode,
  toJsonError,
} from "./lib/output/errors.ts";
import { Reporter } from "./lib/output/terminal.ts";
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
 * Runs an action with a migrator, and ends with its exit code.
 *
 * @param flags The global flags.
 * @param work What to do; returns the exit code.
 * @param needs Whether the command makes sense for a project alone.
 */
async function run(
  flags: GlobalFlags,
  work: (run: Run) => Promise<number>,
  needs: { project?: boolean } = {},
): Promise<void> {
  let redact = createRedactor(
    Object.entries(process.env)
      .filter(([name]) => /KEY|TOKEN|DATABASE_URL|DB_URL/.test(name)).map(([, value]) => value),
  );
  const style = { json: !!flags.json, quiet: !!flags.quiet, verbose: !!flags.verbose };
  const color = flags.color !== false && (process.env.NO_COLOR ?? "") === "";
  const makeReporter = () =>
    new Reporter(process.stdout, process.stderr, { ...style, color }, redact);
  let reporter = makeReporter();
  let folder = flags.dir ?? "migrations";
  try {
    const settings = await resolveSettings(process.env, {
      ...(flags.dir === undefined ? {} : { dir: flags.dir }),
      ...(flags.embedded === undefined ? {} : { embedded: flags.embedded }),
      ...(flags.envFile === undefined ? {} : { envFile: flags.envFile }),
      needsProject: needs.project ?? false,
    });
    folder = settings.folder;
    redact = createRedactor(settings.secrets);
    reporter = makeReporter();
    await using migrator = createMigrator({
      ...settings.options,
      signal: stopping.signal,
      onProgress: (event) => reporter.onProgress(event),
    });
    if (settings.embeddedNote !== null) reporter.say(`🧪 ${settings.embeddedNote}\n`);
    process.exitCode = await work({ migrator, reporter });
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
