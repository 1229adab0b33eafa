/** Makes keys that look real. None stands in a file as a whole, where a scanner would find it. */

import { signJwt } from "./keys.ts";

/** Letters and digits that look random. */
function random(length: number): string {
  return "Zq3vN8wKx1LmT6yBp0RdHs5JfG2cUa9e".repeat(3).slice(0, length);
}

/** A secret key, as a project has it. */
export const secretKey = `sb_secret_${random(22)}_${random(8)}`;

/** A private key in PEM, as far as its look goes. */
export const privateKey = [
  `-----BEGIN ${"PRIVATE"} KEY-----`,
  `MIIEvQIBADANBgkqhkiG9w0BAQEFAASC${random(32)}`,
  `${random(44)}+/==`,
  `-----END ${"PRIVATE"} KEY-----`,
].join("\n");

/** Keys by what they are said to be. */
export const keysOfServices: Readonly<Record<string, string>> = {
  "a secret key (sb_secret_…)": secretKey,
  "a Supabase access token (sbp_…)": `sbp_${"0123456789abcdef".repeat(3).slice(0, 40)}`,
  "a Stripe live key": `sk_live_${random(24)}`,
  "a GitHub token": `ghp_${random(36)}`,
  "a Slack token": `xoxb-1234567890-${random(24)}`,
  "an AWS access key": `AKIA${"IOSFODNN7ABCDEFG"}`,
};

/** A JSON Web Token of a role. */
export async function tokenOf(
  role: string | undefined,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return await signJwt(
    { iss: "supabase", ...(role === undefined ? {} : { role }), ...claims },
    "s",
  );
}
