/**
 * Finds what looks like a key or a password in SQL: in code, strings, bodies and comments alike.
 * Keys are known by their form, passwords by the statement that sets them. The time is linear in
 * the length of the text: repetitions that something has to follow are bounded.
 *
 * @module
 */

import { countLines, type FoundSecret, isValue, toHide } from "./found_secret.ts";
import { findPasswords } from "./passwords.ts";

export type { FoundSecret } from "./found_secret.ts";

/** Keys that say what they are. In a string one may follow the n of a line end, `\n`. */
const KEYS: readonly { form: RegExp; kind: string; certain: boolean }[] = [
  {
    // A name such as sb_secret_rotations has no digit and no capital.
    form: /(?<!(?<!\\)\w)sb_secret_(?=[a-z_-]{0,40}[0-9A-Z])([\w-]{8,255})/g,
    kind: "a secret key (sb_secret_…)",
    certain: true,
  },
  {
    form: /(?<!(?<!\\)\w)sbp_(?:\w{1,20}_)?([0-9a-f]{32,255})/g,
    kind: "a Supabase access token (sbp_…)",
    certain: true,
  },
  { form: /(?<!(?<!\\)\w)[rs]k_live_(\w{16,255})/g, kind: "a Stripe live key", certain: true },
  {
    form: /(?<!(?<!\\)\w)(?:gh[oprsu]|github_pat)_(\w{30,255})/g,
    kind: "a GitHub token",
    certain: true,
  },
  { form: /(?<!(?<!\\)\w)xox[abprs]-(\d[\w-]{9,255})/g, kind: "a Slack token", certain: true },
  // Without its other half, the secret one. The ones in Amazon's manuals end in EXAMPLE.
  {
    form: /(?<!(?<!\\)\w)AKIA(?!\w{0,9}EXAMPLE)([0-9A-Z]{16})(?!\w)/g,
    kind: "an AWS access key",
    certain: false,
  },
];
const JWT = /(?<!(?<!\\)[\w-])(eyJ[\w-]{8,4096})\.([\w-]{2,8192})\.[\w-]{16,2048}/g;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----/g;
const URL_PASSWORD = /:\/\/[^\s:@/'"?#]{0,255}:([^\s@/'"?#]{1,255})@/g;

/**
 * Finds what looks like a key or a password.
 *
 * @param sql The text, with LF line ends.
 * @param line The line of the file that it starts on.
 * @returns What was found, in order of lines; one thing may be found in two ways.
 */
export function findSecrets(sql: string, line = 1): FoundSecret[] {
  return [
    ...findKeys(sql, line),
    ...findTokens(sql, line),
    ...findPrivateKeys(sql, line),
    ...findUrlPasswords(sql, line),
    ...findPasswords(sql, line),
  ].sort((a, b) => a.line - b.line);
}

function* findKeys(sql: string, line: number): Iterable<FoundSecret> {
  for (const { form, kind, certain } of KEYS) {
    const lineAt = countLines(sql, line);
    for (const { 0: key, 1: random = "", index } of sql.matchAll(form)) {
      if (isValue(random)) yield { kind, line: lineAt(index), certain, values: [key] };
    }
  }
}

/** JSON Web Tokens. The anon key is public, and so are the keys of every local stack. */
function* findTokens(sql: string, line: number): Iterable<FoundSecret> {
  const lineAt = countLines(sql, line);
  for (const { 0: token, 1: header = "", 2: payload = "", index } of sql.matchAll(JWT)) {
    if (readJson(header)?.alg === undefined) continue;
    const { role, iss } = readJson(payload) ?? {};
    if (role === "anon" || iss === "supabase-demo") continue;
    const certain = role === "service_role";
    const kind = certain
      ? "a service_role key (JWT)"
      : typeof role === "string" && /^\w{1,63}$/.test(role)
      ? `a JWT of the role ${role}`
      : "a JWT";
    yield { kind, line: lineAt(index), certain, values: [token] };
  }
}

function readJson(base64url: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(
      atob(base64url.replaceAll("-", "+").replaceAll("_", "/")),
    );
    return typeof value === "object" && value !== null
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined; // no base64 or no JSON: no token
  }
}

/** Private keys in PEM. The mark alone, as in a comparison, is none. */
function* findPrivateKeys(sql: string, line: number): Iterable<FoundSecret> {
  const lineAt = countLines(sql, line);
  for (const { 0: mark, index } of sql.matchAll(PRIVATE_KEY)) {
    const start = index + mark.length;
    const end = sql.indexOf("-----", start);
    // In a string its line ends may be written as \n. Lines may be shown one by one.
    const values = sql.slice(start, end === -1 ? sql.length : end).split(/\s|\\+[nr]/)
      .filter((part) => /^[A-Za-z0-9+/=]+$/.test(part) && part.length >= 16);
    if (values.length === 0) continue;
    yield { kind: "a private key (PEM)", line: lineAt(index), certain: true, values };
  }
}

function* findUrlPasswords(sql: string, line: number): Iterable<FoundSecret> {
  const lineAt = countLines(sql, line);
  for (const { 1: password = "", index } of sql.matchAll(URL_PASSWORD)) {
    if (!isValue(password)) continue;
    const values = [toHide(password, `:${password}@`)];
    const kind = "a connection string with a password";
    yield { kind, line: lineAt(index), certain: false, values };
  }
}
