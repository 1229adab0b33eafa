/** Which changes of a column's type leave its rows as they are. @module */

import type { Column } from "./model.ts";
import { limitsOf, textsOf, type Tree, typeOf } from "./tree.ts";

/** Types whose values all are ones of another type as well. */
const SAME_VALUES: Readonly<Record<string, string>> = {
  varchar: "text",
  text: "varchar",
  "varchar[]": "varchar[]",
  cidr: "inet",
};

/** What has a precision up to 6, which is what it has where none is given. */
const IN_TIME = /^(?:time|timetz|timestamp|timestamptz)$/;

/** The fields of an interval from the least one on, as bits of what limits it. */
const FIELDS = [1 << 12, 1 << 11, 1 << 10, 1 << 3, 1 << 1, 1 << 2];

/**
 * Whether ALTER COLUMN … TYPE writes no row anew, and builds no index.
 *
 * @param before The column.
 * @param definition What it is to be: its type, and what stands behind COLLATE and USING.
 */
export function keepsRows(before: Column, definition: Tree): boolean {
  const { typeName, collClause, raw_default: using } = definition;
  const after = typeOf(typeName);
  if (!before.limits || collationOf(collClause) !== before.collation) return false;
  if (using !== undefined && !isItself(using, before.name, typeName)) return false;
  const limits = limitsOf(typeName);
  if (limits === undefined) return false;
  if (before.type !== after && SAME_VALUES[before.type] !== after) return false;
  return holds(after, limits, before.limits);
}

/** A collation's name; undefined where it is the type's own. */
export function collationOf(clause: Tree): string | undefined {
  return clause === undefined
    ? undefined
    : textsOf(clause.collname).filter((part) => part !== "pg_catalog").join(".");
}

/** Whether the limits of a type hold what narrower ones of it do. */
function holds(type: string, limits: readonly number[], narrower: readonly number[]): boolean {
  if (`${limits}` === `${narrower}`) return true;
  if (type === "interval") return holdsInterval(limits, narrower);
  if (IN_TIME.test(type)) return (limits[0] ?? 6) >= (narrower[0] ?? 6);
  if (limits.length === 0) return true;
  if (narrower.length === 0) return false;
  if (type === "varchar" || type === "varbit") return limits[0]! >= narrower[0]!;
  return type === "numeric" && limits[0]! >= narrower[0]! &&
    (limits[1] ?? 0) === (narrower[1] ?? 0);
}

function holdsInterval(
  [fields = -1, precision = 6]: readonly number[],
  [narrowerFields = -1, narrowerPrecision = 6]: readonly number[],
): boolean {
  const least = FIELDS.findIndex((field) => fields & field);
  const narrowerLeast = FIELDS.findIndex((field) => narrowerFields & field);
  return least <= narrowerLeast && (narrowerLeast > 0 || precision >= narrowerPrecision);
}

/** Whether an expression is the column, or the column as the type that it gets. */
function isItself(using: Tree, column: string, typeName: Tree): boolean {
  if (using.TypeCast === undefined) {
    return `${textsOf(using.ColumnRef?.fields)}` === column;
  }
  const { arg, typeName: as } = using.TypeCast;
  return typeOf(as) === typeOf(typeName) && `${limitsOf(as)}` === `${limitsOf(typeName)}` &&
    `${textsOf(arg.ColumnRef?.fields)}` === column;
}
