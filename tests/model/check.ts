/**
 * Checks the model of the protocol: the shipped one holds, each variant fails as expected, and
 * what has to be possible is. With `--trail NAME` it shows the shortest way to what one finds.
 * Exit code 1: something is not as expected; 2: the tools are not there, or the name is unknown.
 *
 * @module
 */

import { explainMissing, findMissing } from "../support/programs.ts";
import { goals, type Search, shipped, smallest, unreachable, variants } from "./searches.ts";
import { explain, type Outcome, PROGRAMS, run } from "./spin.ts";

const searches = [...shipped, ...variants, ...goals];

async function main(args: readonly string[]): Promise<number> {
  const missing = await findMissing(PROGRAMS);
  if (missing.length > 0) {
    console.error(explainMissing(missing));
    return 2;
  }
  if (args.length === 0) return await checkAll();
  const [option, name] = args;
  const search = searches.find((search) => search.name === name);
  if (option === "--trail" && args.length === 2 && search !== undefined) {
    return await showTrail(search);
  }
  console.error("Usage: deno task model [--trail NAME], where NAME is one of");
  for (const { name, title } of searches) console.error(`  ${name.padEnd(38)}${title}`);
  return 2;
}

async function checkAll(): Promise<number> {
  let unexpected = 0;
  for (
    const [title, group] of [
      ["Has to hold", shipped],
      ["Has to fail", variants],
      ["Has to be possible", goals],
    ] as const
  ) {
    console.log(`\n${title}`);
    printRow(["", "search", "expected", "states", "depth", "time", "memory", "found"]);
    for (const search of group) {
      const outcome = await run(search);
      const asExpected = isExpected(search, outcome);
      if (!asExpected) unexpected++;
      printRow([asExpected ? "ok" : "NO", ...describe(search, outcome)]);
    }
  }
  console.log(unexpected === 0 ? "\nAll as expected." : `\n${unexpected} not as expected.`);
  return unexpected === 0 ? 0 : 1;
}

/** Whether a search came to what it has to. */
export function isExpected(search: Search, { found, unreached }: Outcome): boolean {
  if (found !== search.finds) return false;
  if (!shipped.includes(search) || search.model !== "protocol.pml") return true;
  const reasons = Object.keys(unreachable);
  return reasons.every((statement) => unreached.includes(statement)) &&
    (search !== smallest || unreached.length === reasons.length);
}

function describe(search: Search, outcome: Outcome): string[] {
  const { name, finds } = search;
  const { found, states, depth, seconds, megabytes, unreached } = outcome;
  return [
    name,
    finds === null ? "holds" : goals.includes(search) ? "reached" : "fails",
    states.toLocaleString("en"),
    depth.toLocaleString("en"),
    `${seconds.toFixed(1)} s`,
    `${Math.round(megabytes).toLocaleString("en")} MB`,
    found === null
      ? search === smallest ? `nothing; never executed: ${unreached.join("; ")}` : "nothing"
      : found === "deadlock"
      ? found
      : explain(found),
  ];
}

function printRow(cells: readonly string[]): void {
  const widths = [2, 37, 8, 11, 7, 8, 8];
  console.log(
    cells.map((cell, index) =>
      index < 3 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index] ?? 0)
    ).join("  ").trimEnd(),
  );
}

async function showTrail(search: Search): Promise<number> {
  const outcome = await run(search);
  console.log(`${search.title}:`);
  outcome.trail.forEach((line, index) => console.log(`${String(index + 1).padStart(4)}. ${line}`));
  console.log(
    outcome.found === null
      ? "All states were searched, and nothing was found."
      : `  => ${outcome.found === "deadlock" ? "deadlock" : explain(outcome.found)}`,
  );
  return isExpected(search, outcome) ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
