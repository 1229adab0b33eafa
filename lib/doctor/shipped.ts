/** Reads from the SQL that this tool installs what an installation has to look like. @module */

import { sha256 } from "../planning/checksum.ts";
import type { ShippedFunction } from "./facts.ts";

/**
 * The functions that a script creates. PostgreSQL keeps the text between the dollar quotes as it
 * is, so that its checksum can be compared.
 *
 * @param sql The script, in the form that the files in `sql/` have.
 * @returns The functions by qualified name.
 */
export function readFunctions(sql: string): Map<string, ShippedFunction> {
  const functions = new Map<string, ShippedFunction>();
  const pattern =
    /^create or replace function ([\w.]+)\(([^]*?)\bas \$function\$([^]*?)\$function\$/gm;
  for (
    const [, name = "", header = "", body = ""] of sql.replaceAll("\r\n", "\n").matchAll(pattern)
  ) {
    functions.set(name, {
      language: /\blanguage (\w+)/.exec(header)![1]!,
      securityDefiner: /\bsecurity definer\b/.test(header),
      volatility: /\b(immutable|stable|volatile)\b/.exec(header)?.[1] ?? "volatile",
      settings: [...header.matchAll(/^set (\w+) = (.+)$/gm)].map(([, setting, value]) =>
        `${setting}=${value!.replace(/^'(.*)'$/, "$1")}`
      ),
      checksum: sha256(body),
    });
  }
  return functions;
}

/**
 * The tables that a script creates.
 *
 * @param sql The script, in the form that the files in `sql/` have.
 * @returns The tables by qualified name, with the definitions of their columns by name.
 */
export function readTables(sql: string): Map<string, Map<string, string>> {
  const tables = new Map<string, Map<string, string>>();
  const pattern = /^create table if not exists ([\w.]+) \(\n([^]*?)\n\);/gm;
  for (const [, name = "", body = ""] of sql.replaceAll("\r\n", "\n").matchAll(pattern)) {
    const columns = body.split(/,\n(?= {2}\w)/).map((line) => line.trim().replace(/\s+/g, " "))
      .filter((line) => !line.startsWith("constraint "))
      .map((line): [string, string] => [line.split(" ", 1)[0]!, line]);
    tables.set(name, new Map(columns));
  }
  return tables;
}
