/**
 * Calls supamigrate's SQL functions with hostile input for as long as wanted, and prints what the
 * calls came to:
 *
 *     deno task fuzz:sql --seed 1 --calls 10000 --database 17
 */

import { parseArgs } from "node:util";
import { openForMigrations } from "../../lib/embedded/migrations.ts";
import { describeEmbedded, describeServer, openProject } from "../support/projects.ts";
import { startStack } from "../support/stack.ts";
import { type Figures, fuzzCalls, fuzzedProject } from "./fuzz/run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    calls: { type: "string", default: "1000" },
    database: { type: "string", default: "17" },
  },
});
const { database } = values;
const [seed, calls] = [Number(values.seed), Number(values.calls)];
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(calls)) {
  throw new Error("--seed and --calls are whole numbers");
}
if (!/^(15|17|embedded)$/.test(database)) throw new Error("--database is 15, 17 or embedded");

function progress(round: number): void {
  if ((round - seed) % 50 === 0) console.error(`seed ${round}`);
}

async function fuzz(): Promise<Figures> {
  if (database === "embedded") {
    await using embedded = await openForMigrations();
    return await fuzzCalls(describeEmbedded(embedded), seed, calls, progress);
  }
  await using stack = await startStack({ major: database === "15" ? 15 : 17 });
  await using project = await openProject(stack, fuzzedProject);
  return await fuzzCalls(describeServer(stack, project), seed, calls, progress);
}

const started = performance.now();
const figures = await fuzz();
for (const [kind, count] of [...figures].sort()) console.log(`${count}`.padStart(8), kind);
const seconds = (performance.now() - started) / 1000;
console.log(`${calls} calls from seed ${seed} on ${database}, ${seconds.toFixed(0)} s`);
