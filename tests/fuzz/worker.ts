/**
 * Tries its part of a run's inputs in a thread of its own, so that one that never ends can be seen
 * from outside.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import type { Laboratory } from "./check.ts";
import { makeInput, roundLength } from "./inputs.ts";
import { emptyTally, type Failure, type Tally, tryInputs } from "./run.ts";
import { ServerView } from "./server.ts";
import { shrink } from "./shrink.ts";

/** What a thread is to do. */
export interface Task {
  readonly seed: number;
  /** The first input, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Which of how many threads this is. */
  readonly index: number;
  readonly threads: number;
  /** A folder of its own. */
  readonly folder: string;
  /** The port of the server to ask, where there is one. */
  readonly port: number | null;
  /** Says which input it is at: one integer. */
  readonly turn: SharedArrayBuffer;
}

/** What a thread says. */
export type Report =
  | { readonly type: "progress"; readonly tally: Tally }
  | { readonly type: "failure"; readonly failure: Failure; readonly smallest: string }
  | { readonly type: "done" };

/** How many inputs there are between two reports. */
const reportEvery = 10 * roundLength;

self.onmessage = async ({ data }: MessageEvent<Task>) => {
  const { seed, from, to, index, threads, folder, port } = data;
  const turn = new Int32Array(data.turn);
  using server = port === null ? null : await ServerView.open(port, `fuzz_${index}`);
  const laboratory: Laboratory = { folder, server };
  const say = (report: Report) => self.postMessage(report);
  let run = 0;
  for (let start = from + index * reportEvery; start < to; start += threads * reportEvery) {
    const tally = emptyTally();
    const numbers = range(start, Math.min(to, start + reportEvery));
    const failure = await tryInputs(seed, numbers, laboratory, tally, (number) => {
      Atomics.store(turn, 0, number + 1);
    });
    tally.filesRun = (server?.filesRun ?? 0) - run;
    run += tally.filesRun;
    say({ type: "progress", tally });
    if (failure !== null) {
      Atomics.store(turn, 0, 0);
      const smallest = await shrink(makeInput(seed, failure.number), failure.property, laboratory);
      say({ type: "failure", failure, smallest: show(smallest) });
      break;
    }
  }
  Atomics.store(turn, 0, 0);
  say({ type: "done" });
};

function* range(from: number, to: number): Iterable<number> {
  for (let number = from; number < to; number++) yield number;
}

function show(input: ReturnType<typeof makeInput>): string {
  switch (input.kind) {
    case "text":
      return JSON.stringify(input.text);
    case "bytes":
      return `bytes ${input.bytes.join(" ")}`;
    case "names":
      return JSON.stringify(input.names);
  }
}
