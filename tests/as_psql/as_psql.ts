/**
 * Whether psql and the tool end the same, over folders that are made up:
 *
 *     deno task as-psql --seed 1 --folders 500
 *
 * `--server 15` or `17`, `--via api` or `direct`, `--only N` shows one folder again.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { startStack } from "../support/stack.ts";
import { Pair, type Way } from "./compare.ts";
import { makeFolder } from "./folders.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    folders: { type: "string", default: "500" },
    only: { type: "string" },
    server: { type: "string", default: "17" },
    verbose: { type: "boolean", default: false },
    via: { type: "string", default: "direct" },
  },
});
const seed = Number(values.seed);
const only = values.only === undefined ? null : Number(values.only);
const way: Way = values.via === "api" ? "api" : "direct";

await using stack = await startStack({ major: values.server === "15" ? 15 : 17 });
await using pair = await Pair.open(stack);
const counts = { same: 0, refused: 0, different: 0 };
const reasons = new Map<string, number>();
let ran = 0;
const numbers = only === null ? Array(Number(values.folders)).keys() : [only];
for (const number of numbers) {
  const folder = makeFolder(seed, number);
  const ending = await pair.compare(folder, way);
  counts[ending.verdict]++;
  if (ending.ran) ran++;
  if (ending.verdict === "refused" && ending.ran) {
    const reason = ending.what.replace(/"[^"]*"|\b\w+_\d+\b/g, "…");
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  if (
    only !== null || ending.verdict === "different" ||
    values.verbose && ending.verdict === "refused" && ending.ran
  ) {
    console.log(`\nFolder ${number}: ${ending.verdict}\n${ending.what}`);
    for (const { name, sql } of folder) console.log(`--- ${name}\n${sql}`);
  }
}
console.log(`\n${JSON.stringify(counts)}, ${ran} ran in psql to their end`);
for (const [reason, times] of [...reasons].sort((a, b) => b[1] - a[1])) {
  console.log(`refused ${times} ×, and psql ran it: ${reason}`);
}
Deno.exitCode = counts.different > 0 ? 1 : 0;
