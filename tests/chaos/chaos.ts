/**
 * The command line of the rig: `deno task chaos --seed 1 --rounds 200`. With `--round N` one round
 * is played again and shown with all that was printed; with `--points` every named point is gone to
 * once; with `--via direct` the clients connect to the database themselves, and with `--via builds` they
 * do so to build indexes concurrently; with `--via batches` they change rows range by range, and with
 * `--via copies` they take what is kept, and drop copies. Ctrl-C ends it after the rounds that are under way, and shows what they came to.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { POINT_EVERY, POINT_NAMES } from "./plan.ts";
import type { Via } from "./ways.ts";
import { formatChaos } from "./report.ts";
import { runChaos } from "./run.ts";

const WAYS: readonly Via[] = ["api", "direct", "builds", "batches", "copies"];

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    rounds: { type: "string", default: "200" },
    round: { type: "string" },
    points: { type: "boolean", default: false },
    lanes: { type: "string", default: "4" },
    via: { type: "string", default: "api" },
    verbose: { type: "boolean", default: false },
  },
});

let stopped = false;
Deno.addSignalListener("SIGINT", () => {
  // The task runner hands it on, and a terminal sends it to both.
  if (!stopped) console.log("… no further rounds are begun");
  stopped = true;
});

function* upTo(count: number): Iterable<number> {
  for (let number = 0; number < count && !stopped; number++) yield number;
}

const started = performance.now();
const one = values.round;
let played = 0;
const result = await runChaos({
  seed: Number(values.seed),
  rounds: one !== undefined
    ? [Number(one)]
    : values.points
    ? POINT_NAMES.map((_, index) => index * POINT_EVERY)
    : upTo(Number(values.rounds)),
  via: WAYS.find((way) => way === values.via) ?? "api",
  lanes: one === undefined ? Number(values.lanes) : 1,
  onRound: (plan, round, major) => {
    played++;
    const bad = round.violations.length > 0;
    if (bad || one !== undefined) {
      console.log(`\nRound ${plan.round} on PostgreSQL ${major}`);
      console.log(JSON.stringify({ ...plan, fired: [...round.fired] }, null, 1));
      for (const { client, end } of round.ends) {
        console.log(
          `--- ${client.holder}: ${client.args.join(" ")} ended with ${end.code ?? end.signal}`,
        );
        console.log(end.stdout + end.stderr);
      }
      for (const { invariant, violation, when } of round.violations) {
        console.log(`✗ ${invariant}: ${violation} (${when})`);
      }
    }
    if (values.verbose) {
      console.log(
        `${plan.round} ${plan.clients[0]!.args.join(" ")}: ${[...round.fired].join(", ")}`,
      );
    } else if (played % 100 === 0) console.log(`… ${played} rounds`);
  },
});
console.log(formatChaos(result, performance.now() - started));
Deno.exit(result.violations.length + result.unplayed.length > 0 ? 1 : 0);
