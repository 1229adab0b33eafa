/** Turns environment variables, `.env` files and flags into options. Used by the CLI. @module */

import type { AroundSettings } from "./around_settings.ts";
import { type Via, VIAS } from "./database/channel.ts";
import { projectReference } from "./database/target.ts";
import { dropEmpty, readEnvFiles } from "./env_files.ts";
import { ConfigurationError } from "./errors.ts";
import type { MigratorOptions } from "./migrator.ts";
import { SAFETY_COPY_MODES } from "./safety_copy_modes.ts";
import { LEDGER_MODES, type LedgerMode } from "./planning/ledger.ts";
import { MOST_RETRIES, readCount, readTime, withLimits } from "./planning/limits.ts";
import type { OrderBy } from "./planning/order.ts";
import { findProjectFolder } from "./project_folder.ts";
import { type Environment, findSecrets, findUrlName, readServiceKey } from "./setting_names.ts";

/** The flags that every command has. */
export interface GlobalFlags {
  /** The folder of the migrations. */
  readonly dir?: string;
  /** The embedded database, or its folder. */
  readonly embedded?: string | true;
  /** The way to the project's database. */
  readonly via?: Via;
  /** What decides the order of the migrations. */
  readonly order?: OrderBy;
  /** What is said of the Supabase CLI's ledger. */
  readonly ledger?: LedgerMode | true;
  /** A file with settings, instead of `.env.local` and `.env`; `-` is standard input. */
  readonly envFile?: string;
  /** How long a statement waits for a lock at a time. */
  readonly lockTimeout?: string;
  /** How often a step that could not get its locks is tried again. */
  readonly lockRetries?: number;
  /** How long a statement may run. */
  readonly statementTimeout?: string;
  /** The server for shadows; `false` where there are to be none. */
  readonly shadow?: string | boolean | undefined;
  /** `http://` serves for hosts of a private network as well. */
  readonly allowHttp?: boolean | undefined;
  /** The command makes no sense without a project, unless `embedded` says otherwise. */
  readonly needsProject?: boolean;
}

/** The options that settings come to, and what has to be said about them. */
export interface Settings {
  /** The options of `createMigrator`. */
  readonly options: MigratorOptions;
  /** The folder of the migrations. */
  readonly folder: string;
  /** The way to the project's folder: `.`, or `../..` where a command was started below it. */
  readonly root: string;
  /** What happens around a run: commands before and after it, a log, a check. */
  readonly around: AroundSettings;
  /** Which setting names the project, and where it stands; null for the embedded database. */
  readonly namedBy: string | null;
  /** Why the embedded database is used, where nobody asked for it. */
  readonly embeddedNote: string | null;
}

/** Where the embedded database is kept by default, in the project's folder. */
const DEFAULT_EMBEDDED_PATH = ".supamigrate/db";

/** What a setting that is on or off may be. */
const YES_OR_NO = ["true", "false"] as const;

/**
 * Resolves settings: flags, then environment variables, then `.env.local`, then `.env`. Files and
 * folders that no flag names are those of the project that the working directory is in.
 *
 * @param environment The environment variables.
 * @param flags The command's flags.
 * @param hide Told the secrets as soon as they are known, before anything can be refused.
 * @returns The options for `createMigrator`.
 * @throws {ConfigurationError} A setting is missing, contradictory or out of range.
 */
export async function resolveSettings(
  environment: Environment,
  flags: GlobalFlags,
  hide: (secrets: readonly string[]) => void = () => {},
): Promise<Settings> {
  const root = await findProjectFolder();
  const inRoot = (path: string) => root === "." ? path : `${root}/${path}`;
  const files = await readEnvFiles(flags.envFile, inRoot);
  const sources = [{ where: "the environment", values: dropEmpty(environment) }, ...files];
  for (const { values } of sources) hide(findSecrets(values));
  const values: Record<string, string> = Object.assign(
    {},
    ...sources.map((source) => source.values).toReversed(),
  );
  const whereIs = (name: string) => sources.find(({ values }) => name in values)!.where;
  const emptyPath = files.find(({ isEmpty }) => isEmpty)?.where ?? null;
  const urlName = findUrlName(values);
  const url = urlName === undefined ? undefined : values[urlName];
  const key = readServiceKey(values);
  const accessToken = values.SUPABASE_ACCESS_TOKEN;
  const databaseUrl = values.DATABASE_URL ?? values.SUPABASE_DB_URL;
  const via = flags.via ?? readChoice(values, "MIGRATION_VIA", VIAS);
  const order = flags.order ?? readChoice(values, "MIGRATION_ORDER", ["number", "name"] as const);
  if (flags.ledger === true) {
    throw new ConfigurationError(
      "--ledger says supabase or none; alone it is for repair without a migration",
    );
  }
  const ledger = flags.ledger ?? readChoice(values, "MIGRATION_LEDGER", LEDGER_MODES);
  const folder = flags.dir ?? inRoot(await defaultFolder(inRoot));
  const around = readAround(values);
  const shared = {
    migrations: folder,
    ...(order === undefined ? {} : { order }),
    ...(ledger === undefined ? {} : { ledger }),
    holder: await describeHolder(values),
    processId: `migration-${Date.now()}`,
    ...readLimits(values, flags),
    ...numberSetting(values, "MIGRATION_LOCK_TIMEOUT", "lockTimeoutMs"),
    ...numberSetting(values, "MIGRATION_BATCH_SIZE", "batchSize"),
    ...numberSetting(values, "MIGRATION_REQUEST_TIMEOUT", "requestTimeoutMs"),
    ...numberSetting(values, "MIGRATION_GIVE_UP_AFTER", "giveUpAfterMs"),
    ...readSafetyCopies(values),
    ...readApiReady(values),
    ...readShadow(values, flags),
  };

  if (flags.embedded !== undefined && flags.via !== undefined) {
    throw new ConfigurationError("--via leads to a project, and --embedded to no project");
  }
  // Whoever chooses a way means a project: what is missing for it is told later.
  if (flags.embedded !== undefined || (url === undefined && via === undefined)) {
    const path = typeof flags.embedded === "string"
      ? flags.embedded
      : inRoot(DEFAULT_EMBEDDED_PATH);
    if (flags.embedded === undefined) refuseToGuess(values, key, emptyPath, flags.needsProject);
    return {
      folder,
      root,
      around,
      namedBy: null,
      options: { ...shared, embedded: path },
      embeddedNote: flags.embedded === undefined
        ? `SUPABASE_URL is not set: using the embedded database in ${path}`
        : null,
    };
  }
  if (
    urlName !== undefined && urlName !== "SUPABASE_URL" && via === undefined &&
    key === undefined && accessToken === undefined && databaseUrl === undefined
  ) throw keyMissing(urlName, url!, whereIs(urlName));
  const naming = via === "direct"
    ? (["DATABASE_URL", "SUPABASE_DB_URL"].find((name) => name in values))
    : urlName;
  return {
    folder,
    root,
    around,
    namedBy: naming === undefined ? null : `${naming} in ${whereIs(naming)}`,
    options: {
      ...shared,
      ...(flags.allowHttp || readChoice(values, "MIGRATION_ALLOW_HTTP", YES_OR_NO) === "true"
        ? { allowHttp: true }
        : {}),
      ...(url === undefined ? {} : { supabaseUrl: url }),
      ...(via === undefined ? {} : { via }),
      ...(key === undefined ? {} : { serviceKey: key }),
      ...(accessToken === undefined ? {} : { accessToken }),
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
    },
    embeddedNote: null,
  };
}

/** A password is no matter for a command line: the setting may have one. */
function readShadow(values: Environment, flags: GlobalFlags): { shadowUrl?: string } {
  const url = typeof flags.shadow === "string" ? flags.shadow : values.MIGRATION_SHADOW;
  return url === undefined ? {} : { shadowUrl: url };
}

/** A forgotten variable must not pass for a deployment. */
function refuseToGuess(
  values: Environment,
  key: string | undefined,
  emptyPath: string | null,
  needsProject = false,
): void {
  const hint = "Set SUPABASE_URL, or say --embedded to use the embedded database.";
  if (emptyPath !== null) {
    throw new ConfigurationError(`There are no settings in "${emptyPath}"`, { hint });
  }
  if (values.CI !== undefined && values.CI !== "false") {
    throw new ConfigurationError("SUPABASE_URL is not set, and this is CI", { hint });
  }
  if (needsProject) throw new ConfigurationError("SUPABASE_URL is not set", { hint });
  if (key !== undefined) {
    throw new ConfigurationError("A service key is set, and SUPABASE_URL is not", { hint });
  }
}

/** The project of a website's settings may not be meant, and no other database is guessed at. */
function keyMissing(name: string, url: string, where: string): ConfigurationError {
  const host = URL.canParse(url) ? ` "${projectReference(new URL(url)) ?? new URL(url).host}"` : "";
  return new ConfigurationError(
    `${name} in ${where} names the project${host}, and no service key is set`,
    {
      hint: "Set SUPABASE_SERVICE_KEY, in the environment or in .env.local, to work on that " +
        "project, or say --embedded to use the embedded database.",
    },
  );
}

/** What flags choose among, for where the flag would have to stand in every command. */
function readChoice<Choice extends string>(
  values: Environment,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const value = values[name];
  const chosen = choices.find((known) => known === value);
  if (value !== undefined && chosen === undefined) {
    throw new ConfigurationError(
      `${name} has to be ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}, not "${value}"`,
    );
  }
  return chosen;
}

async function defaultFolder(inRoot: (path: string) => string): Promise<string> {
  const { exists } = await import("@std/fs");
  for (const folder of ["migrations", "supabase/migrations"]) {
    if (await exists(inRoot(folder))) return folder;
  }
  return "migrations";
}

async function describeHolder(values: Environment): Promise<string> {
  if (values.GITHUB_ACTIONS === "true") {
    return `${values.GITHUB_ACTOR ?? "github"}, run ${values.GITHUB_RUN_ID ?? "?"} of ` +
      `${values.GITHUB_REPOSITORY ?? "GitHub Actions"}`;
  }
  const { hostname } = await import("node:os");
  return `${values.USER ?? values.USERNAME ?? "somebody"}@${hostname()}`;
}

function readAround(values: Environment): AroundSettings {
  const names = {
    before: "MIGRATION_BEFORE",
    after: "MIGRATION_AFTER",
    check: "MIGRATION_CHECK",
    log: "MIGRATION_LOG",
  };
  return Object.fromEntries(
    Object.entries(names).flatMap(([key, name]) =>
      values[name] === undefined ? [] : [[key, values[name]]]
    ),
  );
}

function readSafetyCopies(
  values: Environment,
): Pick<MigratorOptions, "safetyCopy" | "safetyCopyMaxBytes"> {
  const safetyCopy = readChoice(values, "MIGRATION_SAFETY_COPY", SAFETY_COPY_MODES);
  const most = values.MIGRATION_SAFETY_COPY_MAX;
  const [, number, unit] = /^(\d{1,9}) ?(MB|GB|TB)$/i.exec(most ?? "") ?? [];
  if (most !== undefined && unit === undefined) {
    throw new ConfigurationError(
      `MIGRATION_SAFETY_COPY_MAX has to be a size such as 500MB or 1GB, not "${most}"`,
    );
  }
  const power = { MB: 20, GB: 30, TB: 40 }[unit?.toUpperCase() ?? ""];
  return {
    ...(safetyCopy === undefined ? {} : { safetyCopy }),
    ...(power === undefined ? {} : { safetyCopyMaxBytes: Number(number) * 2 ** power }),
  };
}

function readApiReady(
  { MIGRATION_API_READY: text }: Environment,
): Pick<MigratorOptions, "apiReadyMs"> {
  if (text === undefined) return {};
  const ms = readTime(text);
  if (ms !== undefined) return { apiReadyMs: ms };
  throw new ConfigurationError(
    `MIGRATION_API_READY has to be a time such as 500ms or 10s, not "${text}"`,
    { hint: "The unit has to be there: ms, s or min. 0 is not to wait." },
  );
}

/** `MIGRATION_LOCK_TIMEOUT` is the lease of the tool's own lock. */
function readLimits(
  values: Environment,
  { lockTimeout, lockRetries, statementTimeout }: GlobalFlags,
): Pick<MigratorOptions, "limits"> {
  const time = (flag: string | undefined, name: string, setting: string) => {
    const text = flag ?? values[setting];
    if (text === undefined) return undefined;
    const ms = readTime(text);
    if (ms !== undefined) return ms;
    throw new ConfigurationError(
      `${flag === undefined ? setting : name} has to be a time such as 500ms, 2s or 10min, not ` +
        `"${text}"`,
      { hint: "The unit has to be there: ms, s, min or h. 0 is without end." },
    );
  };
  const given = lockRetries === undefined ? values.MIGRATION_LOCK_RETRIES : String(lockRetries);
  const retries = given === undefined ? undefined : readCount(given);
  if (given !== undefined && retries === undefined) {
    throw new ConfigurationError(
      `${lockRetries === undefined ? "MIGRATION_LOCK_RETRIES" : "--lock-retries"} has to be a ` +
        `whole number from 0 to ${MOST_RETRIES}, not "${given}"`,
    );
  }
  const lockTimeoutMs = time(lockTimeout, "--lock-timeout", "MIGRATION_TABLE_LOCK_TIMEOUT");
  const statementTimeoutMs = time(
    statementTimeout,
    "--statement-timeout",
    "MIGRATION_STATEMENT_TIMEOUT",
  );
  return withLimits({
    ...(lockTimeoutMs === undefined ? {} : { lockTimeoutMs }),
    ...(retries === undefined ? {} : { lockRetries: retries }),
    ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
  });
}

function numberSetting<Option extends string>(
  values: Environment,
  name: string,
  option: Option,
): Partial<Record<Option, number>> {
  const value = values[name];
  if (value === undefined) return {};
  if (!/^[1-9]\d{0,9}$/.test(value)) {
    throw new ConfigurationError(`${name} has to be a whole number from 1 on, not "${value}"`);
  }
  return { [option]: Number(value) } as Record<Option, number>;
}
