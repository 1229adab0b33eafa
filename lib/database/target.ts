/** Which project a URL and a key lead to, checked before any request. @module */

import { ConfigurationError } from "../errors.ts";

/** The database that migrations go to. */
export interface Target {
  /** A hosted project, one on this machine, or the embedded database. */
  readonly kind: "project" | "local" | "embedded";
  /** What a person calls it: the project's reference, the host, or the folder. */
  readonly name: string;
  /** The base URL of its API, or the address of its database without user and password. */
  readonly url: string;
}

const KEY_SETTING = "SUPABASE_SERVICE_KEY";
const KEY_PLACE =
  "The key is in the project's settings under API keys: service_role, or a secret key.";

/**
 * Checks a project's URL.
 *
 * @param url The URL, as in `SUPABASE_URL`.
 * @param allowHttp Whether a key may travel in the clear inside of a private network.
 * @returns The project.
 * @throws {ConfigurationError} It is no URL, holds a password, or would send the key unencrypted
 * over a network.
 */
export function parseTarget(url: string, allowHttp = false): Target {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    // Without the value: it may be the key, in the wrong place.
    throw new ConfigurationError("SUPABASE_URL is not a URL", {
      hint: "It looks like https://abcdefghijklmnopqrst.supabase.co.",
    });
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw new ConfigurationError("SUPABASE_URL holds a user name or a password", {
      hint:
        "It looks like https://abcdefghijklmnopqrst.supabase.co. DATABASE_URL is another setting.",
    });
  }
  refuseUnencrypted(parsed, "SUPABASE_URL", allowHttp);
  return {
    kind: isLoopback(parsed.hostname) ? "local" : "project",
    name: projectReference(parsed) ?? parsed.host,
    url: parsed.origin + parsed.pathname.replace(/\/+$/, "").replace(/\/rest\/v1$/, ""),
  };
}

/**
 * Whether a host is this machine.
 *
 * @param hostname The host, as a URL names it.
 */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\]|.+\.localhost)$/.test(hostname);
}

/**
 * Whether a host is in a private network, as far as its name says: an address that nobody routes, or
 * a name that the internet has not, such as that of a container.
 *
 * @param hostname The host, as a URL names it.
 */
export function isPrivate(hostname: string): boolean {
  const [first = 0, second = 0] = hostname.split(".").map(Number);
  if (/^\d+(\.\d+){3}$/.test(hostname)) {
    return first === 10 || (first === 172 && second >= 16 && second <= 31) ||
      (first === 192 && second === 168) ||
      (first === 100 && second >= 64 && second <= 127);
  }
  if (hostname.startsWith("[")) return /^\[f[cd]..:|^\[fe[89ab].:/.test(hostname);
  return !hostname.includes(".") || /\.(local|internal|home\.arpa)$/.test(hostname);
}

/**
 * Refuses a URL to which a key would travel in the clear.
 *
 * @param url The URL.
 * @param setting What the user calls it.
 * @param allowHttp Whether it may inside of a private network. On the internet it never may.
 * @throws {ConfigurationError} It is not `https://`, and not this machine's.
 */
export function refuseUnencrypted(url: URL, setting: string, allowHttp = false): void {
  if (url.protocol === "https:") return;
  const isHttp = url.protocol === "http:";
  const isNear = isHttp && isPrivate(url.hostname);
  if (isHttp && (isLoopback(url.hostname) || (isNear && allowHttp))) return;
  throw new ConfigurationError(`${setting} has to begin with https://, not ${url.protocol}//`, {
    hint: isNear
      ? "The key can do everything, and http:// shows it to whoever listens in between. If " +
        `nobody does on the way to "${url.hostname}", such as a container, say --allow-http or set ` +
        "MIGRATION_ALLOW_HTTP=true."
      : "http:// is for this machine alone: the key can do everything.",
  });
}

/**
 * The reference of a hosted project.
 *
 * @param url The URL of its API.
 * @returns The reference; undefined where the URL is another.
 */
export function projectReference(url: URL): string | undefined {
  return /^([a-z0-9]+)\.supabase\.(?:co|in|red|net)$/.exec(url.hostname)?.[1];
}

/**
 * Checks, as far as can be seen without a request, that a key is the service role's and
 * belongs to the project.
 *
 * @param key The key.
 * @param url The project's URL.
 * @param now The time to compare the key's expiry with, in milliseconds since 1970.
 * @throws {ConfigurationError} It is malformed, for another role or project, or has expired.
 */
export function checkServiceKey(key: string, url: string, now: number): void {
  const refuse = (problem: string, hint = KEY_PLACE): never => {
    throw new ConfigurationError(`${KEY_SETTING} ${problem}`, { hint });
  };
  if (/[^\x21-\x7e]/.test(key)) {
    refuse("holds white space or characters that no key has", "Copy the key again, in one piece.");
  }
  if (key.startsWith("sb_publishable_")) refuse("is the publishable key, which may not migrate");
  if (/^sb_secret_[\w-]{8,}$/.test(key)) return;

  const claims = readClaims(key);
  if (claims === undefined) {
    refuse("is neither a JWT nor a secret key (sb_secret_…)", `Copy the key again. ${KEY_PLACE}`);
  }
  const { role, exp, ref } = claims!;
  if (role !== "service_role") {
    refuse(`is for the role "${String(role)}", not for service_role`);
  }
  if (typeof exp === "number" && exp * 1000 <= now) {
    refuse(`expired on ${new Date(Math.max(0, exp * 1000)).toISOString().slice(0, 10)}`);
  }
  const project = projectReference(new URL(url));
  if (typeof ref === "string" && project !== undefined && ref !== project) {
    refuse(
      `belongs to the project "${ref}", and SUPABASE_URL to "${project}"`,
      "Take the URL and the key from the same project.",
    );
  }
}

function readClaims(key: string): Record<string, unknown> | undefined {
  const parts = key.split(".");
  if (parts.length !== 3 || parts.some((part) => !/^[\w-]+$/.test(part))) return undefined;
  try {
    const payload = atob(parts[1]!.replaceAll("-", "+").replaceAll("_", "/"));
    const claims: unknown = JSON.parse(payload);
    return typeof claims === "object" && claims !== null
      ? claims as Record<string, unknown>
      : undefined;
  } catch {
    return undefined; // no base64 or no JSON: no JWT
  }
}
