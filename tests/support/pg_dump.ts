/** What pg_dump says of a database: a witness that knows nothing of this tool. */

import assert from "node:assert/strict";

/**
 * Dumps a database.
 *
 * @param url Its address, as its owner's.
 * @param options Options of pg_dump.
 * @returns Its lines, without those that differ from run to run; null where the server is newer than
 *   the pg_dump of this machine, which reads none that is.
 */
export async function dump(url: string, options: readonly string[]): Promise<string[] | null> {
  const { success, stdout, stderr } = await new Deno.Command("pg_dump", {
    args: [...options, url],
  }).output();
  const said = new TextDecoder().decode(stderr);
  if (/server version mismatch/.test(said)) return null;
  assert.ok(success, said);
  return new TextDecoder().decode(stdout).split("\n").filter((line) => !/restrict/.test(line));
}
