/** Whether statements may change what the API serves. @module */

/** What changes rows or the session alone. What calls functions may do anything. */
const DATA_ALONE =
  /^(?:insert|update|delete|merge|truncate|copy|set|reset|show|values|table|lock|analyze|vacuum)\b/i;

/**
 * Whether a statement may change tables, views, functions or what belongs to them.
 *
 * @param sql The statement, from its first word on.
 */
export function mayChangeSchema(sql: string): boolean {
  return !DATA_ALONE.test(sql);
}
