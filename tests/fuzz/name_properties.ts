/** What has to hold for the names of any folder. @module */

import { ConfigurationError } from "../../lib/errors.ts";
import { discoverMigrations } from "../../lib/planning/discovery.ts";
import {
  compareMigrations,
  findMigration,
  findOrderWarnings,
  suggest,
} from "../../lib/planning/order.ts";
import { Random } from "../support/random.ts";
import type { Checks } from "./outcome.ts";

/**
 * Looks at discovery, order and search by name.
 *
 * @param names The names, each one once.
 * @param checks Counts, and throws where something does not hold.
 */
export function checkNames(names: readonly string[], checks: Checks): void {
  const random = new Random(names.length + names.join("").length);
  const { migrations, leftOut, refusals } = discoverMigrations(names);
  for (const { message } of refusals) {
    checks.holds(
      "a file is refused for what could undo one or the other",
      /could undo|two rollbacks|called as what/.test(message),
      () => message,
    );
  }
  if (refusals.length > 0) return;
  const found = [
    ...migrations.flatMap(({ name, downFile }) => downFile === null ? [name] : [name, downFile]),
    ...leftOut.map(({ name }) => name),
  ];
  checks.equal("each file is found or left out, once", found.toSorted(), names.toSorted());

  const ordered = migrations.map(({ name }) => name);
  const again = discoverMigrations(random.shuffle(names)).migrations.map(({ name }) => name);
  checks.equal("the order does not depend on the folder's", again, ordered);
  checks.equal("the order is by number, then by name", ordered, ordered.toSorted(byPaddedNumber));
  for (const [index, name] of ordered.entries()) {
    const other = random.below(ordered.length);
    checks.equal(
      "comparing two names says which comes first",
      Math.sign(compareMigrations(name, ordered[other]!)),
      Math.sign(index - other),
    );
    checks.equal("a migration is found by its name", findMigration(name, ordered), name);
  }
  findOrderWarnings(ordered);

  const query = random.pick([...names, "", "0", "a"]).slice(0, random.below(6));
  const guess = suggest(query, ordered);
  checks.holds(
    "what is suggested is there",
    guess === undefined || ordered.includes(guess),
    () => `${query}: ${guess}`,
  );
  try {
    const chosen = findMigration(query, ordered);
    checks.holds(
      "a migration is found by its beginning",
      chosen.startsWith(query) || chosen === `${query}.sql`,
      () => `${query}: ${chosen}`,
    );
  } catch (error) {
    checks.holds(
      "a name that is not found is refused with a ConfigurationError",
      error instanceof ConfigurationError,
      () => String(error),
    );
  }
}

/** The order in another way: numbers as text of one width. */
function byPaddedNumber(a: string, b: string): number {
  const key = (name: string) => {
    const digits = /^[0-9]*/.exec(name)![0];
    return digits === "" ? ":" : digits.replace(/^0+/, "").padStart(60, "0");
  };
  const [x, y] = [key(a), key(b)];
  if (x !== y) return x < y ? -1 : 1;
  return a < b ? -1 : 1;
}
