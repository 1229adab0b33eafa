/** Content checksums. @module */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { crypto } from "@std/crypto";
import { writeComparable } from "./comparable.ts";

/**
 * The SHA-256 of a text in UTF-8.
 *
 * @param text The text.
 * @param end What comes behind it.
 * @returns 64 lower-case hexadecimal digits.
 */
export function sha256(text: string, end = ""): string {
  if (text.length > LARGE) return hashInPieces(text, end);
  const digest = crypto.subtle.digestSync("SHA-256", new TextEncoder().encode(text + end));
  return Buffer.from(digest).toString("hex");
}

/** What is longer is not copied as a whole, in UTF-16 code units. */
const LARGE = 1_000_000;

function hashInPieces(text: string, behind: string): string {
  const hash = createHash("sha256");
  for (let at = 0, end = 0; at < text.length; at = end) {
    end = at + LARGE / 4;
    // Not between the halves of a character.
    if (/[\ud800-\udbff]/.test(text[end - 1] ?? "")) end++;
    hash.update(text.slice(at, end));
  }
  return hash.update(behind).digest("hex");
}

/**
 * The checksum of a forward part. Blank lines around it and the missing line end of a last line
 * do not count: editors change them, and so does a ROLLBACK section that is added below.
 *
 * @param sql The forward part, with LF line ends.
 * @returns The SHA-256: what `sha256sum` prints for a file without banners that begins with text
 * and ends in one line end.
 */
export function checksumForward(sql: string): string {
  let start = 0;
  let end = sql.length;
  while (sql[start] === "\n") start++;
  while (end > start && sql[end - 1] === "\n") end--;
  return sha256(sql.slice(start, end), "\n");
}

/**
 * The checksum of a forward part's statements: comments and the white space between them do not
 * count.
 *
 * @param sql The forward part, with LF line ends.
 * @returns The SHA-256.
 */
export function checksumStatements(sql: string): string {
  const hash = createHash("sha256");
  writeComparable(sql, (piece) => hash.update(piece));
  return hash.digest("hex");
}
