/** Who may call the function: whoever has one of the keys that the platform gives to it. @module */

/** Reads a variable of the environment. */
export type ReadVariable = (name: string) => string | undefined;

/**
 * Finds the key that a request brings, as a bearer token or as `apikey`.
 *
 * @param headers The request's headers.
 * @param read Reads the environment.
 * @returns The key, where it is one of the project's secret keys; undefined otherwise.
 */
export async function findAllowedKey(
  headers: Headers,
  read: ReadVariable,
): Promise<string | undefined> {
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const brought = [headers.get("apikey"), bearer]
    .filter((key): key is string => typeof key === "string" && key !== "");
  const known = await Promise.all(listKeys(read).map(digest));
  for (const key of brought) {
    const its = await digest(key);
    // All of them, however early one fits: the time says nothing.
    if (known.filter((one) => isSame(one, its)).length > 0) return key;
  }
  return undefined;
}

/** Digests are compared: of different keys they differ from the first byte on or from the last. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.reduce((difference, byte, index) => difference | (byte ^ other[index]!), 0) === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
}

function listKeys(read: ReadVariable): string[] {
  return [read("SUPABASE_SERVICE_ROLE_KEY"), ...readSecretKeys(read("SUPABASE_SECRET_KEYS"))]
    .filter((key): key is string => typeof key === "string" && key !== "");
}

/** `{"default":"sb_secret_…"}`; what is something else opens nothing. */
function readSecretKeys(text = ""): unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? Object.values(parsed) : [];
  } catch {
    return [];
  }
}
