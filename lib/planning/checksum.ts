/** Content checksums. @module */

import { createHash } from "node:crypto";
import { crypto } from "@std/crypto";
import { comparableStatements } from "./comparable.ts";

/**
 * The SHA-256 of a text in UTF-8.
 *
 * @param text The text.
 * @returns 64 lower-case hexadecimal digits.
 */
export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(
    new Uint8Array(digest),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

/**
 * The checksum of a forward part. Blank lines around it and the missing line end of a last line
 * do not count: editors change them, and so does a ROLLBACK section that is added below.
 *
 * @param sql The forward part, with LF line ends.
 * @returns The SHA-256: what `sha256sum` prints for a file without banners that begins with text
 * and ends in one line end.
 */
export function checksumForward(sql: string): Promise<string> {
  let start = 0;
  let end = sql.length;
  while (sql[start] === "\n") start++;
  while (end > start && sql[end - 1] === "\n") end--;
  return sha256(`${sql.slice(start, end)}\n`);
}

/**
 * The checksum of a forward part's statements: comments and the white space between them do not
 * count. At once, and not in its own time: a plan asks for it where a file was changed.
 *
 * @param sql The forward part, with LF line ends.
 * @returns The SHA-256.
 */
export function checksumStatements(sql: string): string {
  return createHash("sha256").update(comparableStatements(sql)).digest("hex");
}
