/** Ways to run SQL in a project that do not need `exec_sql`. @module */

import type { Row, RowList, Sql } from "postgres";
import { formatDuration } from "../duration.ts";
import { ConfigurationError, UnreachableError } from "../errors.ts";
import { createRedactor } from "../redact.ts";
import { shorten } from "../shorten.ts";
import { type ExecSql, isConnectionTrouble } from "./client.ts";
import { explainCallError } from "./explain.ts";
import { isLoopback, refuseUnencrypted, type Target } from "./target.ts";

/** A way to run SQL. */
export interface SqlChannel {
  /** What a person calls it. */
  readonly name: string;
  /** Whether it leads past the API, so that `exec_sql` has no say in the answers. */
  readonly isPastApi: boolean;
  /** Runs statements in one transaction and returns the rows of the last one. */
  run(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Ends the connection. */
  close(): Promise<void>;
}

/**
 * A direct connection to the database: encrypted, unless it is on this machine or the address
 * itself says otherwise.
 *
 * @param databaseUrl As `DATABASE_URL`: `postgresql://user:password@host:5432/postgres`.
 * @param timeoutMs How long an answer may take, in milliseconds, before it counts as lost.
 * @returns The channel.
 * @throws {ConfigurationError} It is no such address.
 */
export function openDirectChannel(databaseUrl: string, timeoutMs: number): SqlChannel {
  if (!/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw new ConfigurationError("DATABASE_URL does not begin with postgresql://", {
      hint:
        "Copy it from the project's settings under Database: the session pooler's works everywhere.",
    });
  }
  const redact = createRedactor([databaseUrl]);
  let sql: Sql | undefined;
  let gaveUp: UnreachableError | undefined;
  const end = async (seconds: number) => {
    const ended = sql;
    sql = undefined;
    await ended?.end({ timeout: seconds });
  };
  return {
    name: "a direct connection",
    isPastApi: true,
    async run(text) {
      if (gaveUp) throw gaveUp;
      try {
        sql ??= await connect(databaseUrl);
        // Several statements in one simple query are one transaction.
        const rows = await ask(sql, text, timeoutMs, "no answer");
        const last = Array.isArray(rows[0]) ? rows.at(-1) : rows;
        return [...last as Iterable<Record<string, unknown>>];
      } catch (error) {
        if (error instanceof ConfigurationError) throw error;
        // Not as the cause: the driver's errors carry what it was given.
        const { code = "", message } = error as { code?: string; message: string };
        // An error of the system may have five letters too (EPIPE), an SQLSTATE has digits.
        const refused = /^(?=.*\d)[0-9A-Z]{5}$/.test(code) && !code.startsWith("28");
        // Whatever it was, the server has undone the transaction.
        if (refused && !isConnectionTrouble(code)) {
          throw new ConfigurationError(`The database refused: ${redact(message)} (${code})`);
        }
        // Until it has noticed the end of its connection, the driver would take another query
        // and never answer it.
        const wasConnected = sql !== undefined;
        await end(0);
        const trouble = new UnreachableError(
          `No connection with DATABASE_URL: ${redact(message)}`,
          {
            hint:
              "Check the password and the host. Direct connections of Supabase need IPv6: the " +
              "session pooler's URL works everywhere. A server without TLS, on another machine, " +
              "needs ?sslmode=disable at the end of the URL.",
          },
        );
        // Supabase bans addresses that come with a wrong password more than once.
        const isFinal = error instanceof Silence || code.startsWith("28");
        if (isFinal && !wasConnected) gaveUp = trouble;
        throw trouble;
      }
    },
    close: () => end(5),
  };
}

/** How long to try to connect, in seconds, unless `connect_timeout` in the address says it. */
const CONNECT_TIMEOUT_S = 15;

/** Connects. The driver would try for ever where something accepts connections and closes them. */
async function connect(databaseUrl: string): Promise<Sql> {
  const sql = await createDriver(databaseUrl);
  try {
    const milliseconds = sql.options.connect_timeout * 1000;
    await ask(sql, "select 1", milliseconds, "no server has let anybody in");
    return sql;
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
}

/** There was no answer in time. */
class Silence extends Error {}

/** Runs SQL, and ends the connection where there is no answer in time. */
async function ask(
  sql: Sql,
  text: string,
  milliseconds: number,
  silence: string,
): Promise<RowList<Row[]>> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void sql.end({ timeout: 0 });
  }, milliseconds);
  try {
    return await sql.unsafe(text);
  } catch (error) {
    if (!isLate && (error as { code?: string }).code !== "CONNECT_TIMEOUT") throw error;
    throw new Silence(`${silence} for ${formatDuration(milliseconds)}`);
  } finally {
    clearTimeout(timer);
  }
}

async function createDriver(databaseUrl: string): Promise<Sql> {
  const [, authority = "", rest = ""] = /^\w+:\/\/([^/?#]*)(.*)$/s.exec(databaseUrl) ?? [];
  const { default: postgres } = await import("postgres");
  try {
    // One that is not encoded ends the password early, and what follows it names a host.
    if (authority.split("@").length > 2 || rest.includes("@")) throw new TypeError("Two @");
    return postgres(databaseUrl, {
      max: 1,
      onnotice: () => {},
      // Its own reading takes 0, and what is no number, for no time at all.
      connect_timeout: Number(/[?&]connect_timeout=(\d+)/.exec(rest)?.[1]) || CONNECT_TIMEOUT_S,
      prepare: false,
      // The driver's own question. Where the connection breaks before the answer, nobody could
      // catch the error, and what is read here is text, numbers and JSON.
      fetch_types: false,
      ...(leavesEncryptionOpen(authority, rest) ? { ssl: "require" } : {}),
    });
  } catch {
    // Without the reason: it quotes the address with its password.
    throw new ConfigurationError("DATABASE_URL is not a URL", {
      hint: "Characters of the password such as # / ? @ % have to be percent-encoded: %23 for #.",
    });
  }
}

/** Whether a password would go to another machine, and nobody said how. */
function leavesEncryptionOpen(authority: string, rest: string): boolean {
  if (/[?&](ssl|sslmode|sslrootcert)=/.test(rest)) return false;
  const hosts = authority.replace(/^.*@/, "").split(",").map((host) => host.replace(/:\d*$/, ""));
  return hosts.some((host) => host !== "" && !/^%2F/i.test(host) && !isLoopback(host));
}

/** The host of the Management API. */
const MANAGEMENT_API = "https://api.supabase.com";

/**
 * The Management API, which runs SQL over HTTPS for the owner of a personal access token.
 *
 * @param target The project, which has to be a hosted one.
 * @param accessToken The token, as `SUPABASE_ACCESS_TOKEN`.
 * @param apiUrl Another host of the API.
 * @returns The channel.
 * @throws {ConfigurationError} The project is not one of Supabase's own hosting.
 */
export function openManagementChannel(
  target: Target,
  accessToken: string,
  apiUrl: string = MANAGEMENT_API,
): SqlChannel {
  if (apiUrl === MANAGEMENT_API && (target.kind !== "project" || /\W/.test(target.name))) {
    throw new ConfigurationError(`The Management API does not know ${target.url}`, {
      hint: "It serves hosted projects, named by a SUPABASE_URL such as " +
        "https://abcdefghijklmnopqrst.supabase.co. For others set DATABASE_URL, or use --print.",
    });
  }
  refuseUnencrypted(new URL(apiUrl), "managementApiUrl");
  if (/[^\x21-\x7e]/.test(accessToken)) {
    throw new ConfigurationError(
      "SUPABASE_ACCESS_TOKEN holds white space or characters that no token has",
      { hint: "Copy the token again, in one piece." },
    );
  }
  const redact = createRedactor([accessToken]);
  return {
    name: "the Management API",
    isPastApi: true,
    async run(sql) {
      let response: Response;
      let body: string;
      try {
        response = await fetch(
          `${apiUrl}/v1/projects/${encodeURIComponent(target.name)}/database/query`,
          {
            method: "POST",
            redirect: "manual",
            headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
            body: JSON.stringify({ query: sql }),
            signal: AbortSignal.timeout(60_000),
          },
        );
        body = await response.text();
      } catch (error) {
        throw new UnreachableError(`Cannot reach ${apiUrl}: ${redact((error as Error).message)}`);
      }
      if (response.status === 401 || response.status === 403) {
        throw new ConfigurationError("The Management API refuses SUPABASE_ACCESS_TOKEN", {
          hint:
            "Make a personal access token on the dashboard's account page, as a member of the project.",
        });
      }
      let answer: unknown;
      try {
        answer = JSON.parse(body);
      } catch {
        answer = undefined;
      }
      if (response.status === 201 && Array.isArray(answer)) return answer;
      if (response.status >= 300 && response.status < 400) {
        throw new UnreachableError(
          `The Management API answered with a redirect (HTTP ${response.status}), which is not followed`,
        );
      }
      const said = (answer as { message?: unknown } | null | undefined)?.message;
      const message = shorten(redact(said === undefined ? body : String(said)), 1000);
      throw response.status >= 500
        ? new UnreachableError(`The Management API failed (HTTP ${response.status}): ${message}`)
        : new ConfigurationError(
          `The Management API refused (HTTP ${response.status}): ${message}`,
        );
    },
    close: () => Promise.resolve(),
  };
}

/**
 * `exec_sql` itself, where it is there already.
 *
 * @param database The project's `exec_sql`.
 * @param target The project, for messages.
 * @returns The channel.
 */
export function openExecSqlChannel(database: ExecSql, target: Target): SqlChannel {
  return {
    name: "exec_sql",
    isPastApi: false,
    async run(sql) {
      try {
        return await database.run(sql);
      } catch (error) {
        throw explainCallError(error, target);
      }
    },
    close: () => Promise.resolve(),
  };
}
