/** Examines an installation, and says how to mend what is wrong with it. @module */

import { FACTS_SQL, INSTALL_SQL } from "../database/bootstrap.ts";
import { CallError, type Channel } from "../database/channel.ts";
import { callReading, SCHEMA_VERSION } from "../database/state.ts";
import { ACCESS_CHECKS } from "../doctor/access.ts";
import type { Check, Finding } from "../doctor/check.ts";
import { CODE_CHECKS, findAlteredFunctions } from "../doctor/code.ts";
import type {
  ApiProblem,
  CatalogFacts,
  Facts,
  LockFacts,
  LogFacts,
  OtherDoor,
  SessionFacts,
} from "../doctor/facts.ts";
import { RECORD_CHECKS } from "../doctor/records.ts";
import { findPostgrestVersion, SERVER_CHECKS, toApiFinding } from "../doctor/server.ts";
import { readFunctions, readTables } from "../doctor/shipped.ts";
import { ConfigurationError, UnreachableError } from "../errors.ts";
import type { LedgerMode } from "../planning/ledger.ts";
import type { ApiContext } from "./context.ts";

/** What `doctor` found. */
export interface DoctorResult {
  /** Nothing is wrong. */
  readonly healthy: boolean;
  /** What is wrong, and how to mend it. */
  readonly findings: readonly Finding[];
  /** The checks that found nothing, with what they looked for. */
  readonly passed: readonly { readonly check: string; readonly title: string }[];
  /** The checks that could not be made, and why. */
  readonly skipped: readonly { readonly check: string; readonly reason: string }[];
  /** How the database was asked. */
  readonly via: string;
  /** The server's version, such as `17.10`. */
  readonly serverVersion: string | null;
  /** The version of PostgREST, where it says so. */
  readonly postgrestVersion: string | null;
  /** The version of the tracking schema, or null where there is none. */
  readonly schemaVersion: number | null;
  /** The audit log: how many entries, and the hash of the last one, to be noted down elsewhere. */
  readonly log: { readonly entries: number; readonly head: string | null } | null;
}

const CHECKS: readonly Check[] = [
  ...SERVER_CHECKS,
  ...CODE_CHECKS,
  ...ACCESS_CHECKS,
  ...RECORD_CHECKS,
];

/** What the facts of the log are read with. */
const LOG_FUNCTIONS = [
  "verify_log",
  "hash_entry",
  "logged_state",
  "digest_door",
  "describe_ledger",
  "find_ledger",
]
  .map((name) => `supamigrate.${name}`);

type Ask = (sql: string) => Promise<unknown>;

/**
 * Examines an installation. Changes nothing.
 *
 * @param channel A way to run SQL: past the API where there is one, so that `exec_sql` is not
 * asked about itself.
 * @param context The project, to examine its API as well; null leaves that out.
 * @param isChosen Whether the user has said that it is to be this way, so that no other will do.
 * @param ledgerMode What is said of the Supabase CLI's ledger.
 * @returns What was found.
 * @throws {UnreachableError} There is no answer.
 * @throws {ConfigurationError} The key is refused, or the two ways lead to different databases.
 */
export async function doctor(
  channel: Channel,
  context: ApiContext | null,
  isChosen: boolean,
  ledgerMode?: LedgerMode,
): Promise<DoctorResult> {
  const askPastApi: Ask | null = channel.isPastApi
    ? async (sql) => (await channel.run(sql))[0]?.result
    : null;
  // Where nothing leads past the API, nobody else says whether there is a function to wait for.
  let api = context === null ? null : await askApi(context, askPastApi === null);
  const askThroughApi: Ask | null = context === null || api?.problem
    ? null
    : async (sql) => await callReading(await context.connect(), sql);

  let ask = askPastApi ?? askThroughApi;
  let via = askPastApi === null ? "exec_sql" : channel.name;
  if (ask === null) return reportNoAnswer(api!.problem!);
  let measured;
  try {
    measured = await readCatalog(ask);
  } catch (error) {
    // A laptop or a runner may have a DATABASE_URL that it cannot reach.
    const noOther = isChosen || askThroughApi === null || ask === askThroughApi;
    if (!(error instanceof UnreachableError) || noOther) {
      throw error;
    }
    context?.onProgress({ type: "notice", message: `${error.message}. Asking exec_sql instead` });
    [ask, via] = [askThroughApi, "exec_sql"];
    measured = await readCatalog(ask);
  }
  const isThere = measured.catalog.functions.some(({ name }) => name === "public.exec_sql");
  if (context !== null && isUnknownYet(api) && isThere) api = await askApi(context, true);
  const facts = await readRecords(ask, { ...measured, api, ledgerMode });
  if (api?.session && !isSameServer(api.session, facts.catalog.server)) {
    throw new ConfigurationError(
      `SUPABASE_URL and ${via} lead to different databases`,
      { hint: "Check DATABASE_URL, or unset it to examine the project through its API alone." },
    );
  }
  return report(facts, via);
}

/** How long the API may take to learn of a function: a notification tells it, a moment later. */
const API_LEARNS_WITHIN_MS = 4_000;

type ApiFacts = NonNullable<Facts["api"]>;

function isUnknownYet(api: ApiFacts | null): boolean {
  return api?.problem?.code === "PGRST202";
}

/**
 * Asks the API.
 *
 * @param context The project.
 * @param patient Whether `exec_sql` may have been installed a moment ago.
 */
async function askApi(context: ApiContext, patient: boolean): Promise<ApiFacts> {
  const deadline = performance.now() + API_LEARNS_WITHIN_MS;
  for (;;) {
    const api = await askApiOnce(context);
    if (!patient || !isUnknownYet(api) || performance.now() > deadline) return api;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function askApiOnce(context: ApiContext): Promise<ApiFacts> {
  const database = await context.connect();
  try {
    // First of all, as the end of any call of exec_sql cleans the connection.
    const session = await callReading(database, FACTS_SQL.session) as SessionFacts;
    const showsSchema = await database.showsSchema("supamigrate");
    return { problem: null, session, showsSchema };
  } catch (error) {
    const problem = toApiProblem(error);
    if (problem === null) throw error;
    return { problem, session: null, showsSchema: null };
  }
}

/**
 * What is wrong with `exec_sql` itself is a finding; a key that is refused, or no answer, is none.
 * The question needs the catalogs alone, so that any error of the database's is `exec_sql`'s.
 */
function toApiProblem(error: unknown): ApiProblem | null {
  const cause = error instanceof ConfigurationError || error instanceof UnreachableError
    ? error.cause
    : undefined;
  if (!(cause instanceof CallError)) return null;
  const { code, status, message } = cause;
  const { message: explained, hint = "" } = error as ConfigurationError;
  const isMissing = code === "42883" && /\bexec_sql\(/.test(message);
  if (/^PGRST(?:106|202|203)$/.test(code) || isMissing) {
    return { message: explained, hint, code: isMissing ? "PGRST202" : code };
  }
  if (code === "42501" && /\bexec_sql\b/.test(message)) {
    return { message: "The key may not call exec_sql", hint, code };
  }
  const isNoAnswer = code === "" && status === 200;
  if (!isNoAnswer && !(cause.isRefusal && /^[0-9A-Z]{5}$/.test(code))) return null;
  return {
    message: isNoAnswer
      ? "exec_sql answers as supamigrate's does not"
      : `exec_sql fails: ${message} (${code})`,
    hint:
      "It was changed, or is another's: put supamigrate's back past the API, with DATABASE_URL " +
      "or SUPABASE_ACCESS_TOKEN set, or with --print and the SQL editor.",
    code: "",
  };
}

async function readCatalog(
  ask: Ask,
): Promise<Pick<Facts, "catalog" | "otherDoors" | "clockOffsetMs">> {
  const before = Date.now();
  const catalog = await ask(FACTS_SQL.catalog) as CatalogFacts;
  const clockOffsetMs = catalog.server.time_ms - (before + Date.now()) / 2;
  return { catalog, otherDoors: await ask(FACTS_SQL.otherDoors) as OtherDoor[], clockOffsetMs };
}

/** Asks for the rows of the tracking tables, as far as these are there and can be trusted. */
async function readRecords(
  ask: Ask,
  known: Pick<Facts, "catalog" | "otherDoors" | "clockOffsetMs" | "api" | "ledgerMode">,
): Promise<Facts> {
  const shipped = {
    schemaVersion: SCHEMA_VERSION,
    functions: readFunctions(INSTALL_SQL),
    tables: readTables(INSTALL_SQL),
  };
  const columns = new Map(known.catalog.relations.map(({ name, columns }) => [name, columns]));
  const canReadVersion = columns.get("supamigrate.installation")?.includes("schema_version");
  // 0 where the row is missing.
  const schemaVersion = canReadVersion ? await ask(FACTS_SQL.version) as number || null : null;
  const facts: Facts = { ...known, shipped, schemaVersion, lock: null, log: null };

  const isComplete = [...shipped.tables].every(([table, definitions]) =>
    [...definitions.keys()].every((column) => columns.get(table)?.includes(column))
  );
  if (!isComplete) return facts;
  const altered = findAlteredFunctions(facts);
  const canReadLog = schemaVersion === SCHEMA_VERSION &&
    !LOG_FUNCTIONS.some((name) => altered.has(name));
  return {
    ...facts,
    lock: await ask(FACTS_SQL.lock) as LockFacts,
    log: canReadLog ? await ask(FACTS_SQL.log) as LogFacts : null,
  };
}

function isSameServer(
  session: SessionFacts,
  server: CatalogFacts["server"],
): boolean {
  return session.database === server.database && session.started_at === server.started_at;
}

function report(facts: Facts, via: string): DoctorResult {
  const findings: Finding[] = [];
  const passed: { check: string; title: string }[] = [];
  const skipped: { check: string; reason: string }[] = [];
  for (const { id: check, title, examine } of CHECKS) {
    const outcome = examine(facts);
    if (typeof outcome === "string") skipped.push({ check, reason: outcome });
    else if (outcome.length === 0) passed.push({ check, title });
    else findings.push(...outcome.map((finding) => ({ check, ...finding })));
  }
  const log = facts.log?.log ?? null;
  return {
    healthy: findings.length === 0,
    findings,
    passed,
    skipped,
    via,
    serverVersion: facts.catalog.server.version,
    postgrestVersion: findPostgrestVersion(facts),
    schemaVersion: facts.schemaVersion,
    log: log === null ? null : { entries: log.entries, head: log.head },
  };
}

/** Where `exec_sql` is not there, and nothing leads past the API, that is all there is to say. */
function reportNoAnswer(problem: ApiProblem): DoctorResult {
  return {
    healthy: false,
    findings: [{ check: "api", ...toApiFinding(problem) }],
    passed: [],
    skipped: CHECKS.filter(({ id }) => id !== "api")
      .map(({ id }) => ({ check: id, reason: "exec_sql does not answer" })),
    via: "exec_sql",
    serverVersion: null,
    postgrestVersion: null,
    schemaVersion: null,
    log: null,
  };
}
