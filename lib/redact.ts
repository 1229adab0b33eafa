/** Keeps secrets out of everything that is printed, stored or thrown. @module */

/** What stands in a secret's place. */
export const REDACTED = "[hidden]";

/**
 * Makes a function that takes secrets out of text.
 *
 * @param secrets The secrets; those too short to be one are left alone.
 * @returns The function.
 */
export function createRedactor(
  secrets: readonly (string | undefined)[],
): (text: string) => string {
  const known = [...new Set(secrets)].filter((secret) =>
    secret !== undefined && secret.length >= 8
  );
  return (text) => known.reduce<string>((kept, secret) => kept.replaceAll(secret!, REDACTED), text);
}
