/**
 * `deno task round-trips`: random sets of changes are made by hand, taken back by the statements that
 * were planned, and made again by those. Nothing may differ afterwards.
 *
 *     deno task round-trips --seed 1 --count 10000
 */

import { parseArgs } from "node:util";
import process from "node:process";
import type { Catalogue } from "../../lib/schema/catalogue.ts";
import { compareExtras, compareSchemas } from "../../lib/schema/compare.ts";
import { converge } from "../../lib/schema/converge.ts";
import { describeDeltas, describeExtras } from "../../lib/schema/describe.ts";
import { openShadow, type Shadow } from "../../lib/schema/shadow.ts";
import { Random } from "../support/random.ts";
import { BASE, type Change, CHANGES, PREPARED } from "./changes.ts";

/** What went wrong with a set of changes, a line each. */
export type Faults = readonly string[];

/** Opens a database that has what the changes are made to. */
export async function openBase(
  sql: string = BASE + PREPARED,
): Promise<{ shadow: Shadow; base: Catalogue }> {
  const shadow = readOnce(await openShadow());
  await shadow.run(sql);
  return { shadow, base: await shadow.read() };
}

/** Reading takes most of the time, and says the same until something is run. */
function readOnce(shadow: Shadow): Shadow {
  let known: Promise<Catalogue> | undefined;
  return {
    ...shadow,
    run(sql) {
      known = undefined;
      return shadow.run(sql);
    },
    read: () => known ??= shadow.read(),
  };
}

/**
 * Makes changes, takes them back and makes them again.
 *
 * @param shadow A database as {@linkcode openBase} makes it; it is as before afterwards.
 * @param base What it has.
 * @param changes The changes, in order.
 * @returns What is not as it should be.
 */
export async function makeRoundTrip(
  { shadow, base }: { shadow: Shadow; base: Catalogue },
  changes: readonly Change[],
): Promise<Faults> {
  for (const { title, sql } of changes) {
    await shadow.run(sql).catch((error) => {
      throw new Error(`${title}: ${error.message}`);
    });
  }
  const changed = await shadow.read();
  const shown = differences(base, changed);
  const faults = changes.filter(({ shows }) => !shown.some((name) => name.includes(shows)))
    .map(({ title }) => `not seen: ${title}`);

  const back = await converge(shadow, base);
  faults.push(...differences(base, await shadow.read()).map((name) => `not taken back: ${name}`));
  const again = await converge(shadow, changed);
  faults.push(...differences(changed, await shadow.read()).map((name) => `not made: ${name}`));
  for (const { what, reason } of [...back.unwritable, ...again.unwritable]) {
    faults.push(`not written: ${what}: ${reason}`);
  }
  await converge(shadow, base);
  return faults;
}

function differences(from: Catalogue, to: Catalogue): string[] {
  return [...describeDeltas(compareSchemas(from, to)), ...describeExtras(compareExtras(from, to))]
    .map(({ change, kind, name, details }) => `${change} ${kind} ${name} ${details.join("; ")}`);
}

/**
 * Picks changes by chance.
 *
 * @param seed The same changes for the same seed.
 * @returns Some of them, in any order.
 */
export function pickChanges(seed: number): Change[] {
  const random = new Random(seed);
  return random.shuffle(CHANGES).slice(0, 2 + random.below(10));
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { seed: { type: "string" }, count: { type: "string", default: "500" } },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const count = Number(values.count);
  console.log(`seed ${seed}, ${count} sets of changes`);
  let database = await openBase();
  let wrong = 0;
  for (let round = 0; round < count; round++) {
    const changes = pickChanges(seed + round);
    const faults = await makeRoundTrip(database, changes)
      .catch((error) => [`failed: ${error.message}`]);
    if ((round + 1) % 50 === 0) console.log(`${round + 1} sets, ${wrong} not as they should be`);
    if (faults.length === 0) continue;
    wrong++;
    console.log(`seed ${seed + round}: ${changes.map(({ title }) => title).join(", ")}`);
    for (const fault of faults) console.log(`  ${fault}`);
    await database.shadow[Symbol.asyncDispose]();
    database = await openBase();
  }
  console.log(`${count - wrong} as they should be, ${wrong} not`);
  process.exit(wrong === 0 ? 0 : 1);
}
