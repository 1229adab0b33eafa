/**
 * The REST door of an embedded database: a `fetch` that answers function calls
 * as PostgREST does.
 *
 * Covered: `POST /rest/v1/rpc/<function>` with a JSON body, roles and claims from
 * the key, one transaction a call, PostgREST's errors. Not covered: tables and
 * views, GET, query parameters, `response.headers` and `response.status`, time-outs
 * (PGlite has no timers: `statement_timeout` can be set and never strikes).
 *
 * @module
 */

import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";
import { type DatabaseFunction, findFunction, takesBody } from "./functions.ts";
import { withPrivileges } from "./platform/privileges.ts";
import { type Call, JSON_TYPE, readCall, SINGLE_OBJECT_TYPE } from "./rest_call.ts";
import { RestError, restErrorOf } from "./rest_errors.ts";
import { type TokenAuthority, TokenError } from "./tokens.ts";

/** What a response with no body may have for a status. */
const NULL_BODY_STATUSES: readonly number[] = [204, 205, 304];

/**
 * Makes the `fetch` of a database.
 *
 * Calls run one after the other. An aborted call that still waits never runs; one
 * that has begun runs to its end, as PostgREST's do. PGlite works on this thread, so
 * that no timer strikes while a statement runs: an `AbortSignal.timeout` that is up
 * in the meantime comes too late, and the call answers.
 *
 * @param url The project's URL. Others are refused.
 * @param engine The database.
 * @param tokens Who checks the keys.
 * @returns The function to hand to `createClient`.
 */
export function createRestFetch(
  url: string,
  engine: Engine,
  tokens: TokenAuthority,
): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { signal } = request;
    signal.throwIfAborted();
    const target = new URL(request.url);
    if (target.origin !== url) {
      throw new TypeError(
        `Cannot fetch "${target.origin}": the embedded database answers for ${url} alone`,
      );
    }

    const answer = answerTo(request, target, engine, tokens);
    let stop = () => {};
    const abortion = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener("abort", stop, { once: true });
    });
    try {
      return await Promise.race([answer, abortion]);
    } finally {
      signal.removeEventListener("abort", stop);
      // Where the caller has left, nobody else looks at a failure.
      answer.catch(() => {});
    }
  };
}

async function answerTo(
  request: Request,
  target: URL,
  engine: Engine,
  tokens: TokenAuthority,
): Promise<Response> {
  try {
    const call = await readCall(request, target, tokens);
    return await engine.exclusively((session) => {
      request.signal.throwIfAborted();
      engine.tellOfStandIns(call.body);
      return run(call, session);
    });
  } catch (error) {
    if (error instanceof TokenError) {
      return errorResponse(new RestError(401, error), {
        "www-authenticate": `Bearer error="invalid_token", error_description="${error.message}"`,
      });
    }
    if (error instanceof RestError) {
      return errorResponse(
        error,
        error.status === 401 ? { "www-authenticate": "Bearer" } : {},
      );
    }
    throw error;
  }
}

/** Runs a call in one transaction. */
async function run(call: Call, session: Session): Promise<Response> {
  // Said in full, as the session may have been left with other defaults.
  await session.exec("begin isolation level read committed read write");
  try {
    const response = await withPrivileges(session, call.body, () => callFunction(call, session));
    await session.exec("commit");
    return response;
  } catch (error) {
    await session.exec("rollback");
    throw restErrorOf(error, call.role === "anon") ?? error;
  }
}

async function callFunction(call: Call, session: Session): Promise<Response> {
  await session.exec("select set_config('search_path', '', true)");
  const target = await findFunction(
    session,
    call.functionName,
    call.argumentNames,
  );
  await session.query(
    `select
      set_config('search_path', '"public", "extensions"', true),
      set_config('role', $1, true),
      set_config('request.jwt.claims', $2, true),
      set_config('request.method', 'POST', true),
      set_config('request.path', $3, true),
      set_config('request.headers', $4, true),
      set_config('request.cookies', '{}', true)`,
    [
      call.role,
      JSON.stringify({ ...call.claims, role: call.role }),
      `/rpc/${call.functionName}`,
      JSON.stringify(call.headers),
    ],
  );

  const { rows } = await session.query<{ body: string; count: number }>(
    statementFor(target, call),
    takesBody(target) || call.argumentNames.length > 0 ? [call.body] : [],
  );
  const { body, count } = rows[0] ?? { body: "null", count: 0 };
  if (target.returnsVoid) return new Response(null, { status: 204 });
  if (!call.singleObject) return jsonResponse(200, body, JSON_TYPE);
  if (count !== 1) {
    throw new RestError(406, {
      code: "PGRST116",
      message: "Cannot coerce the result to a single JSON object",
      details: `The result contains ${count} rows`,
    });
  }
  return jsonResponse(200, body, SINGLE_OBJECT_TYPE);
}

/**
 * The statement that calls the function with the body's arguments and has
 * PostgreSQL write the JSON. Names stand in it quoted, values never.
 */
function statementFor(target: DatabaseFunction, call: Call): string {
  const parameters = takesBody(target)
    ? []
    : target.parameters.filter(({ name }) => call.argumentNames.includes(name));
  const columns = parameters.map(({ name, type }) => `${quote(name)} ${type}`);
  const source = parameters.length === 0
    ? ""
    : `json_to_record($1::json) as body (${columns.join(", ")}), lateral `;
  const passed = takesBody(target)
    ? `$1::${target.parameters[0]?.type}`
    : parameters.map(({ name, variadic }) =>
      `${variadic ? "variadic " : ""}${quote(name)} := body.${quote(name)}`
    ).join(", ");
  const invocation = `public.${quote(target.name)}(${passed})`;
  const rows = target.returnsComposite
    ? `select pgrst_call.* from ${source}${invocation} as pgrst_call`
    : `select pgrst_call.value
       from ${source}(select ${invocation} as value) as pgrst_call`;

  const all = `json_agg(pgrst_row${target.returnsComposite ? "" : ".value"})`;
  const content = target.returnsSet && !call.singleObject
    ? `coalesce(${all}, '[]')`
    : `coalesce(${all} -> 0, 'null')`;
  return `select (${content})::text as body, count(*)::int as count
    from (${rows}) as pgrst_row`;
}

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

function jsonResponse(
  status: number,
  body: string,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(NULL_BODY_STATUSES.includes(status) ? null : body, {
    status,
    headers: { ...headers, "content-type": `${type}; charset=utf-8` },
  });
}

function errorResponse(
  { status, code, details, hint, message }: RestError,
  headers: Readonly<Record<string, string>>,
): Response {
  return jsonResponse(
    status,
    JSON.stringify({ code, details, hint, message }),
    JSON_TYPE,
    headers,
  );
}
