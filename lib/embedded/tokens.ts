/**
 * Signs and checks the keys of an embedded database, as an Auth server and
 * PostgREST do.
 *
 * @module
 */

/** The claims of a checked token. */
export type Claims = Readonly<Record<string, unknown>>;

/** A token is not acceptable. The code and the message are PostgREST's. */
export class TokenError extends Error {
  /** `PGRST301` for a token that cannot be read, `PGRST303` for its claims. */
  readonly code: "PGRST301" | "PGRST303";
  /** What PostgREST says in `details`. */
  readonly details: string | null;

  constructor(
    code: "PGRST301" | "PGRST303",
    message: string,
    details: string | null = null,
  ) {
    super(message);
    this.name = "TokenError";
    this.code = code;
    this.details = details;
  }
}

/** Signs tokens, and checks those that it signed. */
export interface TokenAuthority {
  /** Makes a token of the claims, with `iat` and a far `exp` where they are missing. */
  sign(claims: Claims): Promise<string>;
  /**
   * Checks a token's signature, times and form.
   *
   * @throws {TokenError} If it is not acceptable.
   */
  verify(token: string): Promise<Claims>;
}

const TEN_YEARS_SECONDS = 10 * 365 * 24 * 60 * 60;
/** PostgREST allows clocks to differ by so much. */
const CLOCK_SKEW_SECONDS = 30;

/**
 * Makes an authority with a secret of its own, so that a key of one database
 * opens no other and no key outlives its process.
 *
 * @returns The authority.
 */
export async function createTokenAuthority(): Promise<TokenAuthority> {
  const secret = await crypto.subtle.importKey(
    "raw",
    crypto.getRandomValues(new Uint8Array(32)),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );

  return {
    async sign(claims) {
      const iat = nowInSeconds();
      const head = encodeJson({ alg: "HS256", typ: "JWT" });
      const body = encodeJson({
        iss: "supamigrate",
        iat,
        exp: iat + TEN_YEARS_SECONDS,
        ...claims,
      });
      const signature = await crypto.subtle.sign(
        "HMAC",
        secret,
        new TextEncoder().encode(`${head}.${body}`),
      );
      return `${head}.${body}.${encodeBase64Url(new Uint8Array(signature))}`;
    },

    async verify(token) {
      if (token === "") {
        throw new TokenError(
          "PGRST301",
          "Empty JWT is sent in Authorization header",
        );
      }
      const parts = token.split(".");
      const [head, body, signature] = parts;
      if (
        parts.length !== 3 || head === undefined || body === undefined ||
        signature === undefined
      ) {
        throw new TokenError(
          "PGRST301",
          `Expected 3 parts in JWT; got ${parts.length}`,
        );
      }
      if (
        decodeJson(head)?.alg !== "HS256" ||
        !(await crypto.subtle.verify(
          "HMAC",
          secret,
          decodeBase64Url(signature) ?? new Uint8Array(),
          new TextEncoder().encode(`${head}.${body}`),
        ))
      ) {
        throw new TokenError(
          "PGRST301",
          "No suitable key or wrong key type",
          "None of the keys was able to decode the JWT",
        );
      }
      const claims = decodeJson(body);
      if (claims === undefined) {
        throw new TokenError("PGRST303", "Parsing claims failed");
      }
      checkTimes(claims);
      return claims;
    },
  };
}

function checkTimes(claims: Claims): void {
  const now = nowInSeconds();
  const exp = timeOf(claims, "exp");
  if (exp !== undefined && exp < now - CLOCK_SKEW_SECONDS) {
    throw new TokenError("PGRST303", "JWT expired");
  }
  const nbf = timeOf(claims, "nbf");
  if (nbf !== undefined && nbf > now + CLOCK_SKEW_SECONDS) {
    throw new TokenError("PGRST303", "JWT not yet valid");
  }
  const iat = timeOf(claims, "iat");
  if (iat !== undefined && iat > now + CLOCK_SKEW_SECONDS) {
    throw new TokenError("PGRST303", "JWT issued at future");
  }
}

function timeOf(claims: Claims, name: string): number | undefined {
  const value = claims[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number") return value;
  throw new TokenError("PGRST303", `The JWT '${name}' claim must be a number`);
}

function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function encodeJson(value: unknown): string {
  return encodeBase64Url(new TextEncoder().encode(JSON.stringify(value)));
}

function decodeJson(text: string): Record<string, unknown> | undefined {
  const bytes = decodeBase64Url(text);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}

function encodeBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
