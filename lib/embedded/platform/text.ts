/** The SQL in a call, wherever it stands. @module */

/**
 * All text in a value: of strings that are JSON, the strings in it.
 *
 * @param value What is sent: SQL, values, or a body that holds some.
 */
export function textOf(value: unknown): string {
  if (typeof value === "string") {
    const parsed = /^\s*[[{"]/.test(value) ? parse(value) : undefined;
    return parsed === undefined || typeof parsed === "string" ? parsed ?? value : textOf(parsed);
  }
  if (typeof value !== "object" || value === null) return "";
  return Object.values(value).map(textOf).join("\n");
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // SQL that begins with a bracket
  }
}
