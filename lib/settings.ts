/** Turns environment variables, `.env` files and flags into options. Used by the CLI. @module */

import { type Via, VIAS } from "./database/channel.ts";
import { projectReference } from "./database/target.ts";
import { ConfigurationError } from "./errors.ts";
import { findProjectFolder } from "./project_folder.ts";
import type { MigratorOptions } from "./migrator.ts";
import { LEDGER_MODES, type LedgerMode } from "./planning/ledger.ts";
import type { OrderBy } from "./planning/order.ts";

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
  /** `http://` serves for hosts of a private network as well. */
  readonly allowHttp?: boolean | undefined;
  /** The command makes no sense without a project, unless `embedded` says otherwise. */
  readonly needsProject?: boolean;
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The options that settings come to, and what has to be said about them. */
export interface Settings {
  /** The options of `createMigrator`. */
  readonly options: MigratorOptions;
  /** The folder of the migrations. */
  readonly folder: string;
  /** The way to the project's folder: `.`, or `../..` where a command was started below it. */
  readonly root: string;
  /** Which setting names the project, and where it stands; null for the embedded database. */
  readonly namedBy: string | null;
  /** Why the embedded database is used, where nobody asked for it. */
  readonly embeddedNote: string | null;
}

/** Where the embedded database is kept by default, in the project's folder. */
const DEFAULT_EMBEDDED_PATH = ".supamigrate/db";

/** The names that the service role's key goes by, the first one that is set counts. */
const KEY_NAMES = [
  "SUPABASE_SERVICE_KEY",
  "SUPABASE_SERVICE_ROLE_KEY",
  "SUPABASE_SECRET_KEY",
] as const;

/** What web frameworks call the project's URL where it is built into pages. */
const PUBLIC_URL_NAMES = [
  "NEXT_PUBLIC_SUPABASE_URL",
  "VITE_SUPABASE_URL",
  "PUBLIC_SUPABASE_URL",
  "EXPO_PUBLIC_SUPABASE_URL",
  "NUXT_PUBLIC_SUPABASE_URL",
  "REACT_APP_SUPABASE_URL",
] as const;

/** What a setting that is on or off may be. */
const YES_OR_NO = ["true", "false"] as const;

/** What else is secret, whether this tool uses it or not. */
const OTHER_SECRETS = [
  "SUPABASE_ACCESS_TOKEN",
  "SUPABASE_JWT_SECRET",
  "SUPABASE_DB_PASSWORD",
  "DATABASE_URL",
  "SUPABASE_DB_URL",
  "PGPASSWORD",
] as const;

/**
 * The settings that must never be printed.
 *
 * @param values Environment variables, and what stands in a file of settings.
 */
export function findSecrets(values: Environment): string[] {
  return [
    ...[...KEY_NAMES, ...OTHER_SECRETS].map((name) => values[name]),
    values.SUPABASE_SECRET_KEYS,
    ...Object.values(parseSecretKeys(values.SUPABASE_SECRET_KEYS)),
  ].filter((value): value is string => typeof value === "string" && value !== "");
}

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
  const shared = {
    migrations: folder,
    ...(order === undefined ? {} : { order }),
    ...(ledger === undefined ? {} : { ledger }),
    holder: await describeHolder(values),
    processId: `migration-${Date.now()}`,
    ...numberSetting(values, "MIGRATION_LOCK_TIMEOUT", "lockTimeoutMs"),
    ...numberSetting(values, "MIGRATION_BATCH_SIZE", "batchSize"),
    ...numberSetting(values, "MIGRATION_REQUEST_TIMEOUT", "requestTimeoutMs"),
    ...numberSetting(values, "MIGRATION_GIVE_UP_AFTER", "giveUpAfterMs"),
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

/**
 * The setting that names the project's URL. Those of the frameworks serve too, as far as they agree:
 * what is built into a web page is no secret, and no key is ever taken from there.
 */
function findUrlName(values: Environment): string | undefined {
  if (values.SUPABASE_URL !== undefined) return "SUPABASE_URL";
  const [first, ...others] = PUBLIC_URL_NAMES.filter((name) => values[name] !== undefined);
  if (first === undefined) return undefined;
  const address = (name: string) => values[name]!.trim().replace(/\/+$/, "").toLowerCase();
  const other = others.find((name) => address(name) !== address(first));
  if (other === undefined) return first;
  throw new ConfigurationError(`${first} and ${other} name different projects`, {
    hint: "Set SUPABASE_URL to the one that migrations are to go to.",
  });
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

/** Settings of one place. */
interface EnvFile {
  /** What a user calls the place: the file's path. */
  readonly where: string;
  readonly values: Record<string, string>;
  /** The file is there and sets nothing. */
  readonly isEmpty: boolean;
}

/** The file that was named, or those of the project that are there, the one that counts first. */
async function readEnvFiles(
  path: string | undefined,
  inRoot: (path: string) => string,
): Promise<EnvFile[]> {
  if (path === "-") {
    const values = dropEmpty(await parseSettings(await readStandardInput(), "on standard input"));
    if (Object.keys(values).length > 0) {
      return [{ where: "standard input", values, isEmpty: false }];
    }
    // Whoever pipes settings in means a project: an empty pipe must not choose another database.
    throw new ConfigurationError("There are no settings on standard input");
  }
  if (path !== undefined) return [await readEnvFile(path)];
  const files: EnvFile[] = [];
  for (const name of [".env.local", ".env"]) {
    try {
      files.push(await readEnvFile(inRoot(name)));
    } catch (error) {
      const { code } = (error as { cause?: { code?: string } }).cause ?? {};
      if (code !== "ENOENT") throw error;
    }
  }
  return files;
}

async function readEnvFile(path: string): Promise<EnvFile> {
  const { readFile } = await import("node:fs/promises");
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new ConfigurationError(
      `Cannot read the settings in "${path}": ${(error as Error).message}`,
      { cause: error },
    );
  }
  const settings = await parseSettings(bytes, `in "${path}"`);
  return {
    where: path,
    values: dropEmpty(settings),
    isEmpty: Object.keys(settings).length === 0,
  };
}

async function parseSettings(bytes: Uint8Array, where: string): Promise<Environment> {
  const { parseEnv } = await import("node:util");
  const text = decodeUtf8(bytes);
  // A text in UTF-16 has half of its bytes 0, and a mark that UTF-8 has not.
  if (text === undefined || text.includes("\0")) {
    throw new ConfigurationError(`The settings ${where} are not UTF-8`, {
      hint: "Save them as UTF-8: Notepad and PowerShell write UTF-16 unless they are told.",
    });
  }
  return parseEnv(text.replace(/^\uFEFF/, ""));
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

async function readStandardInput(): Promise<Uint8Array> {
  const { default: process } = await import("node:process");
  if (process.stdin.isTTY) {
    throw new ConfigurationError("--env-file - reads standard input, which is a terminal here", {
      hint: "Pipe the settings in: what is typed would be seen.",
    });
  }
  const { buffer } = await import("node:stream/consumers");
  return await buffer(process.stdin);
}

/** An empty variable is how many systems say "not set". */
function dropEmpty(values: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => (entry[1] ?? "") !== ""),
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

function readServiceKey(values: Environment): string | undefined {
  for (const name of KEY_NAMES) if (values[name] !== undefined) return values[name];
  const keys = values.SUPABASE_SECRET_KEYS;
  if (keys === undefined) return undefined;
  const named = parseSecretKeys(keys);
  const key = "default" in named ? named.default : Object.values(named)[0];
  if (typeof key === "string") return key;
  throw new ConfigurationError(
    'SUPABASE_SECRET_KEYS is not JSON such as {"default":"sb_secret_…"}',
  );
}

/** Keys by name; none where it is no such JSON. */
function parseSecretKeys(keys = ""): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(keys);
    return typeof parsed === "object" && parsed !== null ? parsed as Record<string, unknown> : {};
  } catch {
    return {};
  }
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
