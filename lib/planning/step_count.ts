/** How far a migration of several steps is, in words. @module */

import { formatCount } from "../count.ts";
import type { BatchProgress, StepCount } from "./migration.ts";

/**
 * Says how far a migration is: "2 of 3 steps", "20,000 rows".
 *
 * @param count How far it is.
 */
export function describeDone({ done, total, batch }: StepCount): string {
  const steps = done === 0 && batch !== undefined ? [] : [`${done} of ${total} steps`];
  return [...steps, ...(batch === undefined ? [] : [describeRows(batch)])].join(" and ");
}

function describeRows({ passed, total, table }: BatchProgress): string {
  const of = total === null || total < passed ? "" : ` of about ${formatCount(total)}`;
  return `${formatCount(passed)}${of} rows of ${table}`;
}
