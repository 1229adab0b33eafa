/** Content checksums. @module */

import { crypto } from "@std/crypto";

/**
 * The SHA-256 of a text in UTF-8.
 *
 * @param text The text; the forward part of a migration has LF line ends by then.
 * @returns 64 lower-case hexadecimal digits.
 */
export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(
    new Uint8Array(digest),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}
