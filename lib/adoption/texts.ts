/** Finds a file's text again by the checksum that another tool keeps of it. @module */

import { createHash } from "node:crypto";

/**
 * The texts that a forward part may have been: as it is, with other line ends, and with more or
 * fewer of them at its end. A ROLLBACK section that was added below it does not count.
 *
 * @param sql The forward part, with LF line ends.
 */
export function variantsOf(sql: string): string[] {
  const bare = sql.replace(/\n+$/, "");
  const texts = [sql, bare, `${bare}\n`, `${bare}\n\n`];
  return [...new Set([...texts, ...texts.map((text) => text.replaceAll("\n", "\r\n"))])];
}

/**
 * The SHA-256 of a forward part in all of its variants, with a byte-order mark and without.
 *
 * @param sql The forward part.
 */
export function sha256sOf(sql: string): string[] {
  return variantsOf(sql).flatMap((text) => [text, `\ufeff${text}`])
    .map((text) => createHash("sha256").update(text).digest("hex"));
}

/**
 * The checksum that Flyway keeps: the CRC32 of all lines without their ends, as a signed number.
 *
 * @param sql The text.
 */
export function flywayChecksum(sql: string): number {
  let crc = ~0;
  for (
    const byte of new TextEncoder().encode(sql.replace(/^\ufeff/, "").replace(/\r?\n|\r/g, ""))
  ) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc | 0;
}
