/**
 * Reads a request to the REST door: all checks that need no database.
 *
 * @module
 */

import { RestError } from "./rest_errors.ts";
import type { Claims, TokenAuthority } from "./tokens.ts";

/** The media type of ordinary answers. */
export const JSON_TYPE = "application/json";
/** The media type that asks for the only row, without the array around it. */
export const SINGLE_OBJECT_TYPE = "application/vnd.pgrst.object+json";

const RPC_PREFIX = "/rest/v1/rpc/";

/** A call of a function, ready to run. */
export interface Call {
  readonly functionName: string;
  readonly argumentNames: readonly string[];
  /** The body as it came: PostgreSQL parses it, so that no number loses a digit. */
  readonly body: string;
  readonly claims: Claims;
  readonly role: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly singleObject: boolean;
}

/**
 * Reads a request.
 *
 * @param request The request.
 * @param target Its URL.
 * @param tokens Who checks the key.
 * @returns The call that it asks for.
 * @throws {TokenError} If the key is not acceptable.
 * @throws {RestError} If the request asks for what is not served.
 */
export async function readCall(
  request: Request,
  target: URL,
  tokens: TokenAuthority,
): Promise<Call> {
  const claims = await claimsOf(request.headers, tokens);
  if (!target.pathname.startsWith(RPC_PREFIX)) throw notServed(target.pathname);
  const functionName = decodeURIComponent(
    target.pathname.slice(RPC_PREFIX.length),
  );
  if (functionName === "" || functionName.includes("/")) {
    throw new RestError(404, {
      code: "PGRST125",
      message: "Invalid path specified in request URL",
    });
  }
  if (request.method !== "POST") {
    throw new RestError(405, {
      code: "PGRST101",
      message: `Cannot use the ${request.method} method on RPC`,
    });
  }
  const schema = request.headers.get("content-profile") ?? "public";
  if (schema !== "public") {
    throw new RestError(406, {
      code: "PGRST106",
      message: `Invalid schema: ${schema}`,
      hint: "Only the following schemas are exposed: public",
    });
  }
  if (target.search !== "") {
    throw new RestError(400, {
      code: "PGRST127",
      message: "Feature not implemented",
      details: "The embedded database takes no query parameters.",
    });
  }
  const accepted = request.headers.get("accept") ?? "*/*";
  const singleObject = accepted.includes(SINGLE_OBJECT_TYPE);
  if (!singleObject && !/application\/(json|\*)|\*\/\*/.test(accepted)) {
    throw new RestError(406, {
      code: "PGRST107",
      message: `None of these media types are available: ${accepted}`,
    });
  }
  const body = await readBody(request);
  const { role } = claims;
  return {
    functionName,
    ...body,
    claims,
    role: typeof role === "string" ? role : "anon",
    headers: Object.fromEntries(
      [...request.headers].filter(([name]) => name !== "cookie"),
    ),
    singleObject,
  };
}

async function claimsOf(
  headers: Headers,
  tokens: TokenAuthority,
): Promise<Claims> {
  const bearer = /^bearer\s*(.*)$/i.exec(headers.get("authorization") ?? "");
  return bearer === null ? {} : await tokens.verify(bearer[1] ?? "");
}

async function readBody(
  request: Request,
): Promise<Pick<Call, "body" | "argumentNames">> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim();
  const text = await request.text();
  // A request with no body at all gets text/plain as its type from some clients.
  if (text === "") return { body: "{}", argumentNames: [] };
  if (type !== JSON_TYPE) {
    throw new RestError(400, {
      code: "PGRST102",
      message: `Content-Type not acceptable: ${type}`,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Refused below: no object.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RestError(400, {
      code: "PGRST102",
      message: "Empty or invalid json",
    });
  }
  return { body: text, argumentNames: Object.keys(value) };
}

function notServed(path: string): RestError {
  const table = /^\/rest\/v1\/([^/]+)\/?$/.exec(path)?.[1];
  if (table !== undefined) {
    return new RestError(404, {
      code: "PGRST205",
      message: `Could not find the table 'public.${decodeURIComponent(table)}' in the schema cache`,
      hint: "The embedded database serves functions alone, under /rest/v1/rpc/",
    });
  }
  return /^\/rest\/v1\/?$/.test(path)
    ? new RestError(404, {
      code: "PGRST126",
      message: "Root endpoint metadata is disabled",
    })
    : new RestError(404, {
      code: "PGRST125",
      message: "Invalid path specified in request URL",
    });
}
