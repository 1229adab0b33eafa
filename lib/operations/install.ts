/** Puts `exec_sql` and the tracking schema into a project, or takes them out. @module */

import {
  FIND_HISTORIES_SQL,
  INSPECT_SQL,
  INSTALL_SQL,
  READ_VERSION_SQL,
  SHOW_DOOR_SQL,
  UNINSTALL_SQL,
} from "../database/bootstrap.ts";
import { CallError, type Channel, isConnectionTrouble } from "../database/channel.ts";
import { withLiteral } from "../database/literal.ts";
import { type ForeignTable, readState, SCHEMA_VERSION } from "../database/state.ts";
import { ConfigurationError, UnknownOutcomeError, UnreachableError } from "../errors.ts";
import { describeHistories } from "./other_histories.ts";
import type { ApiContext } from "./context.ts";

/** A function named `exec_sql` that is in the project. */
export interface FoundFunction {
  /** Its name and parameters. */
  readonly signature: string;
  /** How to name it in a statement. */
  readonly identity: string;
  /** Who owns it. */
  readonly owner: string;
  /** What it is written in. */
  readonly language: string;
  /** Whether it runs with its owner's rights. */
  readonly securityDefiner: boolean;
  /** Whether it is supamigrate's. */
  readonly ours: boolean;
  /** What its parameters are called. */
  readonly argumentNames: readonly string[];
  /** Which of the API's roles may call it. */
  readonly callers: readonly string[];
}

/** Options of `install`. */
export interface InstallOptions {
  /**
   * Drops functions named `exec_sql` that are not supamigrate's. By default they are left alone
   * where that is safe, and end the installation where it is not.
   */
  readonly replace?: boolean;
  /**
   * A schema in which there is to be an `exec_sql` as well, which hands on to the one in `public`:
   * for projects whose API shows that schema and not `public`.
   */
  readonly schema?: string;
}

/** What `install` came to. */
export interface InstallResult {
  /** How the SQL got there. */
  readonly via: string;
  /** What was there before. */
  readonly found: readonly FoundFunction[];
  /** Which of them were dropped. */
  readonly replaced: readonly string[];
  /** The version of the tracking schema before, or null where there was none. */
  readonly previousVersion: number | null;
  /** The version now. */
  readonly version: number;
  /** Histories of other tools, where nothing is applied by this one: a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Installs or upgrades, in one transaction, and shows that the API answers.
 *
 * @param channel The way to run SQL.
 * @param context The project, to check the installation through its API; null leaves that out.
 * @param options What may be dropped.
 * @returns What was found, and what was done.
 * @throws {ConfigurationError} There is another `exec_sql` in the way, or a newer installation.
 */
export async function install(
  channel: Channel,
  context: ApiContext | null,
  options: InstallOptions = {},
): Promise<InstallResult> {
  const before = await inspect(channel);
  const { found, version: previousVersion } = before;
  if (previousVersion !== null && previousVersion > SCHEMA_VERSION) {
    throw new ConfigurationError(
      `The project's tracking schema has version ${previousVersion}, and this tool knows ${SCHEMA_VERSION}`,
      { hint: "A newer supamigrate has been used on this project: use that one." },
    );
  }
  const foreign = found.filter(({ ours }) => !ours);
  const inTheWay = foreign.filter((candidate) => isOpen(candidate) || isAmbiguous(candidate));
  if (inTheWay.length > 0 && !options.replace) {
    throw new ConfigurationError(
      `The project has an exec_sql of its own:\n${inTheWay.map(describeFunction).join("\n")}`,
      {
        hint:
          "If nothing else uses it, run install --replace: it is dropped, and supamigrate's, which " +
          "service_role alone may call, takes its place. Nothing was changed.",
      },
    );
  }

  const replaced = options.replace ? foreign : [];
  const drops = replaced.map(({ identity }) => `drop function if exists ${identity};\n`).join("");
  await runUntilDone("installed", channel, drops + INSTALL_SQL, async () => {
    const { found, version, installedAt } = await inspect(channel);
    return version === SCHEMA_VERSION && found.some(({ ours }) => ours) &&
      installedAt !== before.installedAt;
  });
  if (options.schema !== undefined) {
    await channel.run(withLiteral(SHOW_DOOR_SQL, { schema: options.schema }));
  }
  if (context !== null) await waitForApi(context, channel, options.schema !== undefined);
  const tables = await readRow(channel, FIND_HISTORIES_SQL, "found") as ForeignTable[];
  return {
    via: channel.name,
    found,
    replaced: replaced.map(({ signature }) => signature),
    previousVersion,
    version: SCHEMA_VERSION,
    warnings: describeHistories(tables),
  };
}

/** How often what may be repeated is tried. */
const MOST_ATTEMPTS = 3;

/** Runs SQL that may be run again, until the database shows that it was done. */
async function runUntilDone(
  what: "installed" | "uninstalled",
  channel: Channel,
  sql: string,
  isDone: () => Promise<boolean>,
): Promise<void> {
  let reason = "the answers are not those of the database";
  let refusal: UnreachableError | undefined;
  let isCertain = true;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    try {
      await channel.run(sql);
    } catch (error) {
      // Without exec_sql, through which it ran, it can only be done, or somebody else has done it.
      if (!(error instanceof UnreachableError || isMissing(error))) throw error;
      reason = error.message;
      if (isSaidByDatabase(error)) refusal = error;
      else isCertain = false; // it may be under way
    }
    try {
      if (await isDone()) return;
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      reason = error.message;
    }
  }
  if (refusal !== undefined && isCertain) throw refusal;
  throw new UnknownOutcomeError(`It is unknown whether supamigrate was ${what}: ${reason}`, {
    hint: "Running the command again is safe.",
  });
}

/** Whether the database has answered that it could not do it, so that it was not done. */
function isSaidByDatabase(error: unknown): error is UnreachableError {
  const { cause } = error as Error;
  return error instanceof UnreachableError && cause instanceof CallError &&
    /^[0-9A-Z]{5}$/.test(cause.code) && !isConnectionTrouble(cause.code);
}

/** Whether a call found no `exec_sql`. */
function isMissing(error: unknown): error is ConfigurationError {
  const cause = error instanceof ConfigurationError ? error.cause : undefined;
  return cause instanceof CallError && ["PGRST202", "42883"].includes(cause.code);
}

interface Inspection {
  readonly found: FoundFunction[];
  /** The version of the tracking schema, and when it was put there; null where there is none. */
  readonly version: number | null;
  readonly installedAt: string | null;
}

async function inspect(channel: Channel): Promise<Inspection> {
  const report = await readRow(channel, INSPECT_SQL, "found");
  const installation = report.has_tracking_schema
    ? await readRow(channel, READ_VERSION_SQL, undefined)
    : {};
  return {
    version: installation.schema_version ?? null,
    installedAt: installation.installed_at ?? null,
    // deno-lint-ignore no-explicit-any -- see above
    found: report.functions.map((row: any): FoundFunction => ({
      signature: row.signature,
      identity: row.identity,
      owner: row.owner,
      language: row.language,
      securityDefiner: row.security_definer,
      ours: row.ours,
      argumentNames: row.argument_names,
      callers: row.callers,
    })),
  };
}

/** Reads a row, or a column of it. What is no such row is no answer, and asked for again. */
async function readRow(
  channel: Channel,
  sql: string,
  column: string | undefined,
  // deno-lint-ignore no-explicit-any -- the shapes are those of sql/inspect.sql and bootstrap.ts
): Promise<any> {
  for (let attempt = 1;; attempt++) {
    try {
      const [row] = await channel.run(sql);
      const value = column === undefined ? row : row?.[column];
      if (value !== undefined && value !== null) return value;
      throw new UnreachableError(`An answer through ${channel.name} is not that of the database`);
    } catch (error) {
      if (!(error instanceof UnreachableError) || attempt === MOST_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250 * attempt));
    }
  }
}

/** Whether more than service_role may call it. */
function isOpen({ callers }: FoundFunction): boolean {
  return callers.some((role) => role !== "service_role");
}

/** Whether PostgREST, which goes by the names of parameters, could take it for ours. */
function isAmbiguous({ argumentNames, identity }: FoundFunction): boolean {
  return argumentNames.includes("sql_query") || /\(text,\s*jsonb\)$/.test(identity);
}

function describeFunction(
  candidate: FoundFunction,
): string {
  const { signature, owner, language, securityDefiner, callers } = candidate;
  return `  ${signature}, ${language}, ${
    securityDefiner ? "security definer" : "security invoker"
  }, ` +
    `owned by ${owner}, callable by ${callers.length === 0 ? "no API role" : callers.join(", ")}` +
    (isOpen(candidate) && securityDefiner
      ? "\n  ⚠️  Anybody with the public key can run any SQL through it"
      : "");
}

/** PostgREST learns of new functions, and of dropped ones, by a notification, a moment later. */
async function waitForApi(
  context: ApiContext,
  { name }: Channel,
  elsewhere: boolean,
): Promise<void> {
  const unknownYet = ["PGRST202", "PGRST203", ...(elsewhere ? ["PGRST106"] : [])];
  const deadline = performance.now() + 15_000;
  for (;;) {
    try {
      await readState(await context.connect(), context.target);
      return;
    } catch (error) {
      const passes = error instanceof ConfigurationError &&
        unknownYet.includes((error.cause as { code?: string })?.code ?? "");
      if (!passes) throw error;
      if (performance.now() > deadline) {
        throw new ConfigurationError(
          `supamigrate was installed over ${name}, and ${context.target.url} does not show it: ` +
            error.message,
          {
            hint:
              "Check that both lead to the same database. If they do not, uninstall takes it out " +
              "of the other one again. If they do, have the API read its schema anew: " +
              "notify pgrst, 'reload schema';",
            cause: error.cause,
          },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

/** Options of `uninstall`. */
export interface UninstallOptions {
  /** Asked before anything is taken out. Without it nothing is asked. */
  readonly confirm?: () => Promise<boolean>;
}

/** What `uninstall` came to. */
export interface UninstallResult {
  /** There was something to take out, and it is gone. */
  readonly removed: boolean;
  /** How many safety copies stay, in the schema `supamigrate_backup`. */
  readonly copiesLeft: number;
}

/**
 * Takes `exec_sql`, the history and the log out of a project. What the migrations made stays.
 *
 * @param channel The way to run SQL.
 * @param options What to ask before.
 * @returns Whether there was anything to take out.
 * @throws {ConfigurationError} The answer was no.
 */
export async function uninstall(
  channel: Channel,
  options: UninstallOptions = {},
): Promise<UninstallResult> {
  if (await isGone(channel)) return { removed: false, copiesLeft: 0 };
  if (options.confirm !== undefined && !await options.confirm()) {
    throw new ConfigurationError("Not confirmed: nothing was changed");
  }
  const copiesLeft = await readRow(channel, COUNT_COPIES_SQL, "copies");
  await runUntilDone("uninstalled", channel, UNINSTALL_SQL, async () => {
    try {
      return await isGone(channel);
    } catch (error) {
      if (isMissing(error)) return true; // it went through exec_sql, which is gone
      throw error;
    }
  });
  return { removed: true, copiesLeft };
}

/** The tables that are kept in the schema of safety copies. One row, `copies`. */
const COUNT_COPIES_SQL = "select count(*)::integer as copies from pg_catalog.pg_class " +
  "where relnamespace = pg_catalog.to_regnamespace('supamigrate_backup') and relkind = 'r'";

async function isGone(channel: Channel): Promise<boolean> {
  const { found, version } = await inspect(channel);
  return version === null && !found.some(({ ours }) => ours);
}
