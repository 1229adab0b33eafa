/**
 * Feeds the parser of migration files random input and looks at what has to hold whatever it is.
 *
 *     deno task fuzz --seed 1 --inputs 100000
 *
 * `--server 15`, `17` or `none` says who is asked how PostgreSQL sees it, `--only N` tries one
 * input again, `--threads N` uses more processors, and `--break NAME` (or `all`) shows that a
 * defect put in on purpose is found.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { startPostgres } from "../support/postgres.ts";
import { breakages, findBreakage } from "./breakages.ts";
import { generatorNames, generatorOf } from "./inputs.ts";
import { add, emptyTally, type Failure, type Tally } from "./run.ts";
import type { Report, Task } from "./worker.ts";

/** How long one input may take before it counts as one that never ends. */
const longestMs = 60_000;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    inputs: { type: "string", default: "20000" },
    only: { type: "string" },
    server: { type: "string", default: "17" },
    threads: { type: "string", default: "1" },
    break: { type: "string" },
  },
});
const [seed, threads] = [Number(values.seed), Number(values.threads)];
const from = values.only === undefined ? 0 : Number(values.only);
const to = values.only === undefined ? Number(values.inputs) : from + 1;
const whole = [seed, threads, from, to].every((number) => Number.isSafeInteger(number));
if (!whole || !["15", "17", "none"].includes(values.server)) {
  throw new Error("See the head of tests/fuzz/fuzz.ts for the options");
}

if (values.break === undefined) {
  // A thread that never ends would keep the process alive.
  Deno.exit(await fuzz() ? 0 : 1);
} else {
  for (const breakage of breakages.filter(({ name }) => [name, "all"].includes(values.break!))) {
    const found = await findBreakage(breakage, seed, to);
    console.log(
      `${found === null ? "❌" : "✅"} ${breakage.name} (${breakage.what}): ${
        found === null ? `not found by ${to} inputs` : `found by input ${found}`
      }`,
    );
    if (found === null) Deno.exitCode = 1;
  }
}

/** Runs all inputs. Resolves to whether everything held. */
async function fuzz(): Promise<boolean> {
  const postgres = values.server === "none"
    ? null
    : await startPostgres({ major: values.server === "15" ? 15 : 17 });
  const port = postgres === null ? null : Number(new URL(postgres.url("a", "a")).port);
  const folders = await Promise.all(
    Array.from({ length: threads }, () => Deno.makeTempDir({ prefix: "fuzz-" })),
  );
  const started = performance.now();
  const tally = emptyTally();
  const held = await Promise.all(
    folders.map((folder, index) => runThread(index, folder, port, tally)),
  );
  await postgres?.process.release();
  for (const folder of folders) await Deno.remove(folder, { recursive: true });
  printTally(tally, (performance.now() - started) / 1000);
  return held.every((one) => one);
}

/** Runs one thread's part, and watches that it gets on. */
function runThread(
  index: number,
  folder: string,
  port: number | null,
  tally: Tally,
): Promise<boolean> {
  const turn = new SharedArrayBuffer(4);
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  worker.postMessage({ seed, from, to, index, threads, folder, port, turn } satisfies Task);
  return new Promise((resolve, reject) => {
    let held = true;
    let last = 0;
    let since = performance.now();
    const watch = setInterval(() => {
      const now = Atomics.load(new Int32Array(turn), 0);
      if (now !== last) {
        [last, since] = [now, performance.now()];
      } else if (now !== 0 && performance.now() - since > longestMs) {
        const property = `an input is done within ${longestMs / 1000} s`;
        printFailure({ number: now - 1, property, message: property });
        end(false);
      }
    }, 1000);
    const end = (held: boolean) => {
      clearInterval(watch);
      worker.terminate();
      resolve(held);
    };
    worker.onmessage = ({ data }: MessageEvent<Report>) => {
      if (data.type === "progress") {
        const before = countInputs(tally);
        add(tally, data.tally);
        const now = countInputs(tally);
        if (Math.floor(now / 100_000) > Math.floor(before / 100_000)) {
          console.error(`${now} inputs so far`);
        }
      } else if (data.type === "failure") {
        printFailure(data.failure, data.smallest);
        held = false;
      } else {
        end(held);
      }
    };
    worker.onerror = (event) => {
      clearInterval(watch);
      reject(new Error(event.message));
    };
  });
}

function countInputs({ generators }: Tally): number {
  return generatorNames.reduce((sum, name) => sum + generators[name].inputs, 0);
}

function printFailure({ number, message }: Failure, smallest?: string): void {
  console.log(`❌ Input ${number} (${generatorOf(number)}) of seed ${seed}: ${message}`);
  if (smallest !== undefined) console.log(`   At its smallest: ${smallest}`);
  console.log(
    `   To try it again: deno task fuzz --seed ${seed} --only ${number} --server ${values.server}`,
  );
}

function printTally(tally: Tally, seconds: number): void {
  const { generators, properties, filesRun } = tally;
  const inputs = countInputs(tally);
  const seen = generatorNames.reduce((sum, name) => sum + generators[name].seenByServer, 0);
  console.log(
    `${inputs} inputs of seed ${seed} in ${seconds.toFixed(0)} s, ` +
      `${(inputs / seconds).toFixed(0)} a second`,
  );
  if (values.server !== "none") {
    console.log(`PostgreSQL ${values.server} looked at ${seen} and ran ${filesRun} built sections`);
  }
  console.table(Object.fromEntries(generatorNames.map((name) => {
    const { slowest, ...count } = generators[name];
    const { number, ms, length } = slowest;
    return [name, { ...count, slowest: `${ms.toFixed(0)} ms (input ${number}, length ${length})` }];
  })));
  console.table(
    Object.entries(properties).map(([property, checked]) => ({ property, checked })),
  );
}
