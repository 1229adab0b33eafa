/**
 * The Management API, which runs SQL as `postgres` over HTTPS for the owner of a personal access
 * token.
 *
 * @module
 */

import { ConfigurationError } from "../errors.ts";
import { createRedactor } from "../redact.ts";
import { shorten } from "../shorten.ts";
import { CallError, type Channel, PINS, type Row, STATEMENTS, toResult } from "./channel.ts";
import { toText, withLiteral } from "./literal.ts";
import { refuseUnencrypted, type Target } from "./target.ts";

/** The host of the Management API. */
export const MANAGEMENT_API = "https://api.supabase.com";

/** They leave nothing behind, and are sent to installations that are older than serve(). */
const READING: ReadonlySet<string> = new Set([
  STATEMENTS.state,
  STATEMENTS.hasHistory,
  STATEMENTS.readLog,
  STATEMENTS.readSeeds,
  STATEMENTS.readHistories,
  STATEMENTS.watch,
]);

/** What {@linkcode openManagementChannel} needs. */
export interface ManagementOptions {
  /** The project, which has to be a hosted one. */
  readonly target: Target;
  /** The token, as `SUPABASE_ACCESS_TOKEN`. */
  readonly accessToken: string;
  /** How long to wait for an answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Another host of the API. */
  readonly apiUrl?: string | undefined;
}

/**
 * The Management API for one project.
 *
 * @param options The project, and the token.
 * @returns The channel.
 * @throws {ConfigurationError} The project is not one of Supabase's own hosting.
 */
export function openManagementChannel(options: ManagementOptions): Channel {
  const { target, accessToken, timeoutMs, apiUrl = MANAGEMENT_API } = options;
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

  const run = async (
    sql: string,
    signal = AbortSignal.timeout(timeoutMs),
  ): Promise<Row[]> => {
    let response: Response;
    let body: string;
    try {
      response = await fetch(
        `${apiUrl}/v1/projects/${encodeURIComponent(target.name)}/database/query`,
        {
          method: "POST",
          redirect: "manual",
          headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
          // A request is one transaction.
          body: JSON.stringify({ query: PINS + sql }),
          signal,
        },
      );
      body = await response.text();
    } catch (error) {
      throw new CallError(redact((error as Error).message), 0);
    }
    const { status } = response;
    const answer = parseJson(body);
    if (status === 201 && Array.isArray(answer)) return answer;
    if (status >= 300 && status < 400) {
      throw new CallError(`a redirect (HTTP ${status}), which is not followed`, status);
    }
    const said = (answer as { message?: unknown } | null | undefined)?.message;
    const message = redact(said === undefined ? body : String(said));
    if (status === 404) {
      throw new ConfigurationError(
        `The Management API knows no project "${target.name}": ${shorten(message, 200)}`,
        { hint: "Check SUPABASE_URL, and whose token SUPABASE_ACCESS_TOKEN is." },
      );
    }
    throw toCallError(message, status);
  };

  const call = async (
    statement: string,
    params: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<unknown> => {
    const rows = READING.has(statement)
      ? await run(withLiteral(statement, params), signal)
      : await run(
        withLiteral(`select supamigrate.serve(${toText(statement)}, $1) as result`, params),
        signal,
      );
    return toResult(rows, "the database");
  };

  return {
    name: "the Management API",
    isPastApi: true,
    // It takes 1 MB, as Supabase's own editor has it. What is sent is in base64, a third more.
    room: { whole: 600_000, part: 600_000 },
    reach: {
      silent: {
        message: `Cannot reach ${apiUrl}`,
        hint: "Check the network. A paused project has to be restored first.",
      },
      strange: {
        message: "The Management API does not answer as it should",
        hint: "Running the command again is safe.",
      },
      refused: {
        message: "The Management API refuses SUPABASE_ACCESS_TOKEN",
        hint: "Make a personal access token on the dashboard's account page, as a member of the " +
          "project.",
      },
    },
    call: (statement, params = {}) => call(statement, params),
    run: (sql) => run(sql),
    // It takes 120 requests a minute, of everybody who has the token.
    openWatch: () => ({ everyMs: 3000, call, close: () => Promise.resolve() }),
    close: () => Promise.resolve(),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a gateway's page
  }
}

/** Reads PostgreSQL's error out of a message: "ERROR:  42P01: relation … does not exist". */
function toCallError(message: string, status: number): CallError {
  const [, code, rest] = /\b(?:ERROR|FATAL|PANIC): +([0-9A-Z]{5}): ([^]*)$/.exec(message) ?? [];
  if (code === undefined || rest === undefined) {
    return new CallError(`HTTP ${status}: ${shorten(message, 1000)}`, status);
  }
  const [first = "", ...fields] = rest.split(/\n(?=(?:DETAIL|HINT|CONTEXT|QUERY|LINE \d+): )/);
  const read = (name: string) =>
    fields.find((field) => field.startsWith(`${name}: `))?.slice(name.length + 1).trim() ?? "";
  return new CallError(first.trim(), status, code, read("DETAIL"), read("HINT"));
}
