/** The ways from a migrator's options to its database. @module */

import type { EmbeddedNews } from "./embedded/migrations.ts";
import {
  type ApiChannel,
  createRpcClient,
  openApiChannel,
  type RpcClient,
} from "./database/api.ts";
import { ABILITIES, type Channel, type Via } from "./database/channel.ts";
import {
  parseDatabaseUrl,
  refuseOtherMachine,
  refuseOtherProject,
} from "./database/database_url.ts";
import { checkServiceKey, parseTarget, type Target } from "./database/target.ts";
import { ConfigurationError } from "./errors.ts";
import type { Abilities } from "./planning/session_settings.ts";

/** Which database, and what opens it. */
export interface WayOptions {
  /** The project's URL, `https://….supabase.co`. */
  readonly supabaseUrl?: string;
  /**
   * Takes `http://` also for hosts of a private network, such as containers: the key is readable on
   * the way. Never for the internet.
   */
  readonly allowHttp?: boolean;
  /** The service role's key, or a secret key. */
  readonly serviceKey?: string;
  /** A Supabase client that has the service role's key, instead of `serviceKey`. */
  readonly client?: RpcClient;
  /**
   * The way to the project's database: `exec_sql` over its API (`"api"`, the default), a direct
   * connection (`"direct"`, with `databaseUrl` alone), or the Management API (`"management"`, with
   * `supabaseUrl` and `accessToken`). Where it is left out, `install`, `uninstall` and `doctor` take
   * the best that the other options allow.
   */
  readonly via?: Via;
  /** The embedded database instead of a project: its folder, or `true` for one in memory. */
  readonly embedded?: string | true;
  /** The address of the database, `postgresql://…`: for `via`, `install`, `uninstall`, `doctor`. */
  readonly databaseUrl?: string;
  /** A personal access token for the Management API: for the same. */
  readonly accessToken?: string;
  /** Where the Management API is; Supabase's by default. */
  readonly managementApiUrl?: string;
}

/**
 * Finds out which database the options mean, and whether they hold what the way to it takes.
 *
 * @param options The options.
 * @returns The project, or the embedded database.
 * @throws {ConfigurationError} Something is missing, is not fit, or contradicts something else.
 */
export function resolveTarget(options: WayOptions): Target {
  const { supabaseUrl, allowHttp, serviceKey, client, embedded, via, databaseUrl, accessToken } =
    options;
  if (embedded !== undefined) {
    if (supabaseUrl !== undefined || client !== undefined || via !== undefined) {
      throw new ConfigurationError("A project and the embedded database exclude each other");
    }
    return {
      kind: "embedded",
      name: embedded === true ? "in memory" : embedded,
      url: "the embedded database",
    };
  }
  if (via === "direct") {
    if (databaseUrl === undefined) throw databaseUrlMissing();
    const address = parseDatabaseUrl(databaseUrl);
    if (supabaseUrl !== undefined) refuseOtherMachine(parseTarget(supabaseUrl, allowHttp), address);
    return address.target;
  }
  if (via === "management" && accessToken === undefined) throw tokenMissing();
  if (client !== undefined) {
    return supabaseUrl === undefined
      ? { kind: "project", name: "project", url: "the project" }
      : parseTarget(supabaseUrl, allowHttp);
  }
  if (supabaseUrl === undefined) throw new ConfigurationError("SUPABASE_URL is not set");
  const target = parseTarget(supabaseUrl, allowHttp);
  if (serviceKey !== undefined && serviceKey !== "") {
    checkServiceKey(serviceKey, target.url, Date.now());
  } else if (via === "api" || (databaseUrl === undefined && accessToken === undefined)) {
    throw keyMissing();
  }
  return target;
}

/**
 * Finds out what migrations can do on the way that the options mean.
 *
 * @param options The options.
 */
export function findAbilities({ via = "api", embedded, databaseUrl }: WayOptions): Abilities {
  const abilities = ABILITIES[via === "api" && embedded !== undefined ? "embedded" : via];
  const isPooled = via === "direct" && databaseUrl !== undefined &&
    parseDatabaseUrl(databaseUrl).poolsTransactions;
  return isPooled ? { ...abilities, outside: null } : abilities;
}

/**
 * Opens the API: the project's, or the embedded database's.
 *
 * @param options What opens it.
 * @param target The project, or the embedded database.
 * @param timeoutMs How long an answer may take, in milliseconds.
 * @param tell Told what happens to the embedded database.
 * @returns The channel.
 * @throws {ConfigurationError} There is no key.
 */
export async function openApi(
  options: WayOptions,
  target: Target,
  timeoutMs: number,
  tell: (news: EmbeddedNews) => void,
): Promise<ApiChannel> {
  const { supabaseUrl, allowHttp } = options;
  const api = supabaseUrl === undefined ? target : parseTarget(supabaseUrl, allowHttp);
  const shared = { target: api, timeoutMs };
  if (options.client !== undefined) return openApiChannel({ ...shared, client: options.client });
  if (options.embedded === undefined) {
    const { serviceKey = "" } = options;
    if (serviceKey === "") throw keyMissing();
    const client = await createRpcClient(api.url, serviceKey);
    return openApiChannel({ ...shared, client, secrets: [serviceKey] });
  }
  const { openForMigrations, openSessionOf, telling } = await import("./embedded/migrations.ts");
  const embedded = await openForMigrations({
    ...(options.embedded === true ? {} : { path: options.embedded }),
    ...telling(tell),
  });
  return openApiChannel({
    ...shared,
    client: await createRpcClient(embedded.url, embedded.serviceKey, embedded.fetch),
    secrets: [embedded.serviceKey],
    takeMessages: () => embedded.takeMessages(),
    close: () => embedded.close(),
    openSession: () => Promise.resolve(openSessionOf(embedded)),
  });
}

function databaseUrlMissing(): ConfigurationError {
  return new ConfigurationError("DATABASE_URL is not set, which --via direct needs", {
    hint: "It is in the project's settings under Database. Set it in the environment or in .env.",
  });
}

function tokenMissing(): ConfigurationError {
  return new ConfigurationError("SUPABASE_ACCESS_TOKEN is not set, which --via management needs", {
    hint: "Make a personal access token on the dashboard's account page. Set it in the " +
      "environment or in .env.",
  });
}

function keyMissing(): ConfigurationError {
  return new ConfigurationError("SUPABASE_SERVICE_KEY is not set", {
    hint: "It is in the project's settings under API keys: service_role, or a secret key. " +
      "Set it in the environment or in .env, never on the command line.",
  });
}

/** Whether there is what the API asks for. */
export function reachesApi(
  { embedded, client, supabaseUrl, serviceKey = "" }: WayOptions,
): boolean {
  return embedded !== undefined || client !== undefined ||
    (supabaseUrl !== undefined && serviceKey !== "");
}

/** Past the API where that is possible: it needs no `exec_sql`, and asks it nothing about itself. */
export function findBestWay({ databaseUrl, accessToken }: WayOptions): Via {
  if (databaseUrl !== undefined) return "direct";
  return accessToken !== undefined ? "management" : "api";
}

/**
 * Opens a way past the API.
 *
 * @param via Which one.
 * @param options What opens it.
 * @param target The project.
 * @param timeoutMs How long an answer may take, in milliseconds.
 * @returns The channel.
 * @throws {ConfigurationError} What opens it is missing, or leads to another project.
 */
export async function openPastApi(
  via: Exclude<Via, "api">,
  { databaseUrl, accessToken, managementApiUrl }: WayOptions,
  target: Target,
  timeoutMs: number,
): Promise<Channel> {
  if (via === "direct") {
    if (databaseUrl === undefined) throw databaseUrlMissing();
    refuseOtherProject(target, parseDatabaseUrl(databaseUrl));
    const { openDirectChannel } = await import("./database/direct.ts");
    return openDirectChannel(databaseUrl, timeoutMs);
  }
  if (accessToken === undefined) throw tokenMissing();
  const { openManagementChannel } = await import("./database/management.ts");
  return openManagementChannel({ target, accessToken, timeoutMs, apiUrl: managementApiUrl });
}
