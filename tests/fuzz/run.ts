/** Tries many inputs and keeps count. @module */

import { checkInput, type Laboratory } from "./check.ts";
import {
  type GeneratorName,
  generatorNames,
  generatorOf,
  type Input,
  makeInput,
} from "./inputs.ts";
import { Checks, PropertyError } from "./outcome.ts";

/** What a generator's inputs came to. */
export interface Count {
  inputs: number;
  /** Files that `migrate` would send, or folders. */
  accepted: number;
  /** Files that a server has looked at. */
  seenByServer: number;
  /** What took longest, without the server. */
  slowest: { readonly number: number; readonly ms: number; readonly length: number };
}

/** What a run came to. */
export interface Tally {
  readonly generators: Record<GeneratorName, Count>;
  /** How often each property was looked at. */
  readonly properties: Record<string, number>;
  /** How many built files a server has run. */
  filesRun: number;
}

/** An input for which a property does not hold. */
export interface Failure {
  readonly number: number;
  readonly property: string;
  readonly message: string;
}

/** A tally of nothing. */
export function emptyTally(): Tally {
  const count = (): Count => ({
    inputs: 0,
    accepted: 0,
    seenByServer: 0,
    slowest: { number: 0, ms: 0, length: 0 },
  });
  const generators = Object.fromEntries(generatorNames.map((name) => [name, count()]));
  return { generators: generators as Tally["generators"], properties: {}, filesRun: 0 };
}

/** Adds one tally to another. */
export function add(total: Tally, part: Tally): void {
  for (const name of generatorNames) {
    const [to, from] = [total.generators[name], part.generators[name]];
    to.inputs += from.inputs;
    to.accepted += from.accepted;
    to.seenByServer += from.seenByServer;
    if (from.slowest.ms > to.slowest.ms) to.slowest = from.slowest;
  }
  for (const [property, count] of Object.entries(part.properties)) {
    total.properties[property] = (total.properties[property] ?? 0) + count;
  }
  total.filesRun += part.filesRun;
}

/**
 * Tries inputs one after the other, up to the first failure.
 *
 * @param seed The run's seed.
 * @param numbers Which inputs.
 * @param laboratory What they are tried with.
 * @param tally Counts.
 * @param before Called with each number before its turn.
 * @returns The failure, or null.
 */
export async function tryInputs(
  seed: number,
  numbers: Iterable<number>,
  laboratory: Laboratory,
  tally: Tally,
  before: (number: number) => void = () => {},
): Promise<Failure | null> {
  const checks = new Checks(tally.properties);
  for (const number of numbers) {
    before(number);
    const input = makeInput(seed, number);
    const count = tally.generators[generatorOf(number)];
    count.inputs++;
    try {
      const { accepted, seenByServer, ms } = await checkInput(input, checks, laboratory);
      if (accepted) count.accepted++;
      if (seenByServer) count.seenByServer++;
      if (ms > count.slowest.ms) count.slowest = { number, ms, length: lengthOf(input) };
    } catch (error) {
      return { number, property: propertyOf(error), message: messageOf(error) };
    }
  }
  return null;
}

/** Which property an error stands for. A defect is one as well. */
export function propertyOf(error: unknown): string {
  return error instanceof PropertyError ? error.property : "nothing else is thrown";
}

function messageOf(error: unknown): string {
  if (error instanceof PropertyError) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

function lengthOf(input: Input): number {
  switch (input.kind) {
    case "text":
      return input.text.length;
    case "bytes":
      return input.bytes.length;
    case "names":
      return input.names.length;
  }
}
