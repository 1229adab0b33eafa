/** Values in SQL, for channels that carry SQL alone. @module */

import { Buffer } from "node:buffer";

/**
 * Puts the parameters of a statement into it, in a form that no value can break out of.
 *
 * @param statement The statement, which reads them as `$1`.
 * @param params The parameters.
 */
export function withLiteral(statement: string, params: Record<string, unknown>): string {
  return statement.replace("$1", () => `${toText(JSON.stringify(params))}::pg_catalog.jsonb`);
}

/**
 * Text as an SQL expression. Nothing of it stands there but its base64.
 *
 * @param text The text.
 */
export function toText(text: string): string {
  const base64 = Buffer.from(text, "utf8").toString("base64");
  return `pg_catalog.convert_from(pg_catalog.decode('${base64}', 'base64'), 'UTF8')`;
}
