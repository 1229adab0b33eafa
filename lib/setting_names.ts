/** The names of settings, and what stands under them, wherever they come from. @module */

import { ConfigurationError } from "./errors.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The names that the service role's key goes by, the first one that is set counts. */
const KEY_NAMES = [
  "SUPABASE_SERVICE_KEY",
  "SUPABASE_SERVICE_ROLE_KEY",
  "SUPABASE_SECRET_KEY",
] as const;

/** What web frameworks call the project's URL where it is built into pages. */
const PUBLIC_URL_NAMES = [
  "NEXT_PUBLIC_SUPABASE_URL",
  "VITE_SUPABASE_URL",
  "PUBLIC_SUPABASE_URL",
  "EXPO_PUBLIC_SUPABASE_URL",
  "NUXT_PUBLIC_SUPABASE_URL",
  "REACT_APP_SUPABASE_URL",
] as const;

/** What else is secret, whether this tool uses it or not. */
const OTHER_SECRETS = [
  "SUPABASE_ACCESS_TOKEN",
  "SUPABASE_JWT_SECRET",
  "SUPABASE_DB_PASSWORD",
  "DATABASE_URL",
  "SUPABASE_DB_URL",
  "MIGRATION_SHADOW",
  "PGPASSWORD",
] as const;

/**
 * The settings that must never be printed.
 *
 * @param values Environment variables, and what stands in a file of settings.
 */
export function findSecrets(values: Environment): string[] {
  return [
    ...[...KEY_NAMES, ...OTHER_SECRETS].map((name) => values[name]),
    values.SUPABASE_SECRET_KEYS,
    ...Object.values(parseSecretKeys(values.SUPABASE_SECRET_KEYS)),
  ].filter((value): value is string => typeof value === "string" && value !== "");
}

/**
 * The setting that names the project's URL. Those of the frameworks serve too, as far as they agree:
 * what is built into a web page is no secret, and no key is ever taken from there.
 */
export function findUrlName(values: Environment): string | undefined {
  if (values.SUPABASE_URL !== undefined) return "SUPABASE_URL";
  const [first, ...others] = PUBLIC_URL_NAMES.filter((name) => values[name] !== undefined);
  if (first === undefined) return undefined;
  const address = (name: string) => values[name]!.trim().replace(/\/+$/, "").toLowerCase();
  const other = others.find((name) => address(name) !== address(first));
  if (other === undefined) return first;
  throw new ConfigurationError(`${first} and ${other} name different projects`, {
    hint: "Set SUPABASE_URL to the one that migrations are to go to.",
  });
}

/** The key of the service role, by the first of its names that is set. */
export function readServiceKey(values: Environment): string | undefined {
  for (const name of KEY_NAMES) if (values[name] !== undefined) return values[name];
  const keys = values.SUPABASE_SECRET_KEYS;
  if (keys === undefined) return undefined;
  const named = parseSecretKeys(keys);
  const key = "default" in named ? named.default : Object.values(named)[0];
  if (typeof key === "string") return key;
  throw new ConfigurationError(
    'SUPABASE_SECRET_KEYS is not JSON such as {"default":"sb_secret_…"}',
  );
}

/** Keys by name; none where it is no such JSON. */
function parseSecretKeys(keys = ""): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(keys);
    return typeof parsed === "object" && parsed !== null ? parsed as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
