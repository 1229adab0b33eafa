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
const seed = Number(values.seed);
const calls = Number(values.calls);

function progress(round: number): void {
  if ((round - seed) % 50 === 0) console.error(`seed ${round}`);
}

async function fuzz(): Promise<Figures> {
  if (values.database === "embedded") {
    await using database = await openForMigrations();
    return await fuzzCalls(describeEmbedded(database), seed, calls, progress);
  }
  await using stack = await startStack({ major: values.database === "15" ? 15 : 17 });
  await using project = await openProject(stack, fuzzedProject);
  return await fuzzCalls(describeServer(stack, project), seed, calls, progress);
}

const started = performance.now();
const figures = await fuzz();
for (const [kind, count] of [...figures].sort()) console.log(`${count}`.padStart(8), kind);
const seconds = (performance.now() - started) / 1000;
console.log(`${calls} calls from seed ${seed} on ${values.database}, ${seconds.toFixed(0)} s`);
