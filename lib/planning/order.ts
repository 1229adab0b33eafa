/** The one order of migrations, and how they are found by name. @module */

import { closest, distance } from "fastest-levenshtein";
import { ConfigurationError } from "../errors.ts";

const NUMERIC_PREFIX = /^\d+/;

/**
 * Orders migration names: by numeric prefix, whatever its width (`20` equals `020`), names
 * without a number last, ties by name. Files, history and rollback all use this function.
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
  if (x !== y) {
    if (x === undefined) return 1;
    if (y === undefined) return -1;
    return x < y ? -1 : 1;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The number in front of a name. Prefixes of 17 digits and more are exact as bigint alone. */
function numberOf(name: string): bigint | undefined {
  const digits = NUMERIC_PREFIX.exec(name)?.[0];
  return digits === undefined ? undefined : BigInt(digits);
}

/**
 * What is doubtful about a set of names: one number used twice, and time stamps of different
 * lengths, which sort as numbers and hardly as their author meant.
 *
 * @param names Sorted migration names.
 * @returns A sentence for each doubt.
 */
export function findOrderWarnings(names: readonly string[]): string[] {
  const warnings: string[] = [];
  const byNumber = Map.groupBy(names, numberOf);
  for (const [number, sharing] of byNumber) {
    if (number !== undefined && sharing.length > 1) {
      warnings.push(
        `${sharing.join(" and ")} have the same number: they run in the order of their names`,
      );
    }
  }

  const byWidth = new Map<number, string>();
  for (const name of names) {
    const width = NUMERIC_PREFIX.exec(name)?.[0].length ?? 0;
    if (width >= 8 && !byWidth.has(width)) byWidth.set(width, name);
  }
  if (byWidth.size > 1) {
    warnings.push(
      `${
        [...byWidth.values()].join(" and ")
      } have time stamps of different lengths: the shorter one runs first, whatever its date`,
    );
  }
  return warnings;
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
      ? "deno task migrate:status lists the migrations."
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
