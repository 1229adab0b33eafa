/** Looks for a secret in bytes that were printed, and knows nothing of how they were made. */

/** This many characters of a secret, in whatever encoding, give it away. */
const TELLING = 12;

/**
 * The forms that a secret may be printed in.
 *
 * @returns By their names; base64 with something before and after the secret.
 */
export function formsOf(secret: string): Record<string, string> {
  const bytes = new TextEncoder().encode(secret);
  const forms: Record<string, string> = {
    plain: secret,
    json: JSON.stringify(secret).slice(1, -1),
    url: encodeURIComponent(secret),
    form: new URLSearchParams({ a: secret }).toString().slice(2),
    hex: [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    HEX: [...bytes].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(""),
  };
  for (const before of ["", "a", "ab"]) {
    const whole = new TextEncoder().encode(`${before}${secret}abc`);
    forms[`base64 after ${before.length}`] = whole.toBase64();
    forms[`base64url after ${before.length}`] = whole.toBase64({ alphabet: "base64url" });
  }
  return forms;
}

/** What is secret about a key: of a JWT its claims and its signature, of others what follows the prefix. */
export function secretPartsOf(key: string): string[] {
  const [, payload, signature] = key.split(".");
  return payload !== undefined && signature !== undefined
    ? [payload, signature]
    : [key.replace(/^(sb_secret|sbp)_/, "")];
}

/**
 * Finds parts of a key, in any form, also where it was cut off or broken into lines.
 *
 * @returns What was found; nothing where the output tells nothing.
 */
export function findLeaks(output: string, key: string): string[] {
  const found: string[] = [];
  const joined = output.replace(/\s+/g, "");
  for (const part of secretPartsOf(key)) {
    for (const [form, text] of Object.entries(formsOf(part))) {
      // In base64 the first and the last characters are also those of its neighbours.
      const own = form.startsWith("base64") ? text.slice(4, -8) : text;
      for (let at = 0; at + TELLING <= own.length; at++) {
        const piece = own.slice(at, at + TELLING);
        if (!output.includes(piece) && !joined.includes(piece)) continue;
        found.push(`${form}: ${piece}`);
        break;
      }
    }
  }
  return found;
}
