/** The one order of migrations, and how they are found by name. @module */

import { closest, distance } from "fastest-levenshtein";
import { ConfigurationError } from "../errors.ts";

/** What decides the order: the numbers in front of the names, or the names as they are. */
export type OrderBy = "number" | "name";

/** Orders names as `Array.prototype.sort` expects it. */
export type Compare = (a: string, b: string) => number;

const NUMERIC_PREFIX = /^\d+/;
/** Flyway's names have their number behind a V, and in parts. */
const VERSION_PREFIX = /^V(\d+(?:[._]\d+)*)__/i;
/** From this width on a number is a time stamp. */
const TIME_STAMP_WIDTH = 8;

/**
 * Orders migration names: by numeric prefix, whatever its width (`20` equals `020`), names
 * without a number last, ties by name.
 *
 * @param a A migration's name.
 * @param b Another one.
 * @returns A number as `Array.prototype.sort` expects it.
 *
 * @example
 * ```ts
 * import { compareMigrations } from "./order.ts";
 *
 * ["10_b.sql", "seed.sql", "9_a.sql"].sort(compareMigrations); // 9_a, 10_b, seed
 * ```
 */
export function compareMigrations(a: string, b: string): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x === undefined || y === undefined) {
    return x === y ? compareText(a, b) : x === undefined ? 1 : -1;
  }
  return compareNumbers(x, y) || compareText(a, b);
}

/** Orders migration names as text, those without a number last. */
function compareNames(a: string, b: string): number {
  return Number(isNumbered(b)) - Number(isNumbered(a)) || compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The one order of a folder: files, history and rollback all use it.
 *
 * @param order What decides it.
 */
export function comparisonBy(order: OrderBy): Compare {
  return order === "name" ? compareNames : compareMigrations;
}

/**
 * Whether a migration has a number in front of its name.
 *
 * @param name Its name.
 */
export function isNumbered(name: string): boolean {
  return numberOf(name) !== undefined;
}

/**
 * What all names with the same number have in common, whatever its width.
 *
 * @param name A migration's name.
 * @returns The number's shortest form; undefined where the name has none.
 */
export function numberKey(name: string): string | undefined {
  return numberOf(name)?.join(".").replace(/(?:\.0)+$/, "");
}

/**
 * The number in front of a name, in parts where it has some. Prefixes of 17 digits and more are
 * exact as bigint alone.
 */
function numberOf(name: string): bigint[] | undefined {
  const digits = NUMERIC_PREFIX.exec(name)?.[0];
  if (digits !== undefined) return [BigInt(digits)];
  return VERSION_PREFIX.exec(name)?.[1]?.split(/[._]/).map(BigInt);
}

/** Missing parts count as 0: 1 equals 1.0. */
function compareNumbers(a: readonly bigint[], b: readonly bigint[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [x, y] = [a[index] ?? 0n, b[index] ?? 0n];
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/**
 * What is doubtful about the order of a set of names: one number used twice, and names that run in
 * another order than their author may have meant.
 *
 * @param names Sorted migration names.
 * @param order What decides the order.
 * @param matters Which of them it matters for: those that are yet to run. All by default.
 * @returns A sentence for each doubt.
 */
export function findOrderWarnings(
  names: readonly string[],
  order: OrderBy = "number",
  matters: (name: string) => boolean = () => true,
): string[] {
  const warnings: string[] = [];
  const byNumber = Map.groupBy(names, numberKey);
  for (const [number, sharing] of byNumber) {
    if (number !== undefined && sharing.length > 1 && sharing.some(matters)) {
      warnings.push(
        `${sharing.join(" and ")} have the same number: they run in the order of their names`,
      );
    }
  }
  const pair = findOrderDifference(names, order, matters);
  if (pair !== undefined) {
    const [first, second] = pair;
    const [by, other] = order === "name" ? ["name", "number"] : ["number", "name"];
    warnings.push(
      `${first} runs before ${second}, by ${by}; by ${other} it would be the other way round ` +
        `(--order ${other})`,
    );
  }
  return warnings;
}

/**
 * Finds two migrations that the other order would have the other way round. By number that is what
 * numbers of one, two and three digits are for: there only time stamps are looked at.
 */
function findOrderDifference(
  names: readonly string[],
  order: OrderBy,
  matters: (name: string) => boolean,
): [first: string, second: string] | undefined {
  const width = (name: string) => NUMERIC_PREFIX.exec(name)?.[0].length ?? 0;
  const looked = names.filter((name) =>
    order === "name" ? isNumbered(name) : width(name) >= TIME_STAMP_WIDTH
  );
  const other = comparisonBy(order === "name" ? "number" : "name");
  // Behind the one that would be last so far, what would come before it is out of order.
  let last = looked[0];
  for (const name of looked.slice(1)) {
    if (other(last!, name) < 0) last = name;
    else if (numberKey(last!) !== numberKey(name) && (matters(last!) || matters(name))) {
      return [last!, name];
    }
  }
  return undefined;
}

/**
 * Finds a migration by its name, with or without `.sql`, or by a unique beginning of it.
 *
 * @param query What the user typed.
 * @param names The names to choose from.
 * @param what Says in the error what the names are, such as "applied migration".
 * @returns The full name.
 * @throws {ConfigurationError} None fits, or more than one does.
 */
export function findMigration(
  query: string,
  names: readonly string[],
  what = "migration",
): string {
  const exact = names.find((name) => name === query || name === `${query}.sql`);
  if (exact !== undefined) return exact;
  const starting = query === "" ? [] : names.filter((name) => name.startsWith(query));
  // 001 means 001_a rather than 0010_b.
  const whole = starting.filter((name) => !/^[A-Za-z0-9]/.test(name.slice(query.length)));
  if (whole.length === 1) return whole[0]!;
  if (starting.length === 1) return starting[0]!;
  if (starting.length > 1) {
    const named = starting.slice(0, 5).join(", ");
    throw new ConfigurationError(
      `"${query}" fits more than one ${what}: ${named}${starting.length > 5 ? ", …" : ""}`,
      { hint: "Type more of the name." },
    );
  }
  const guess = suggest(query, names);
  throw new ConfigurationError(`No ${what} is called "${query}"`, {
    hint: guess === undefined
      ? "supamigrate status lists the migrations."
      : `Did you mean ${guess}?`,
  });
}

/**
 * The most similar of some names, where one is similar enough to be worth saying.
 *
 * @param typed What the user typed.
 * @param names The names to choose from.
 * @returns The name, or undefined.
 */
export function suggest(typed: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const stems = names.map((name) => name.replace(/\.sql$/, ""));
  const guess = closest(typed, stems);
  const far = distance(typed, guess);
  return far < typed.length && far <= Math.max(2, typed.length / 3)
    ? names[stems.indexOf(guess)]
    : undefined;
}
