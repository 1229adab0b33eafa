/** Everything the fuzz run tries, made from a seed, a generator's name and a number. @module */

import { Random } from "../support/random.ts";
import { buildFile, type Expected } from "./files.ts";
import { mutate } from "./mutations.ts";
import { anyBytes, anyText, tokenSoup } from "./random_text.ts";
import { anyNames } from "./names.ts";

/** Something to try. */
export type Input =
  /** A file's text, and what is known of it where it was built and not found. */
  | {
    readonly kind: "text";
    readonly text: string;
    readonly expected?: Expected;
    /** Smaller inputs of which as much is known. */
    readonly smaller?: () => Iterable<Input>;
  }
  /** A file's bytes, which are read from a folder. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** The names of a folder's files. */
  | { readonly kind: "names"; readonly names: readonly string[] };

/** Makes an input. */
type Generator = (random: Random) => Input;

const text = (make: (random: Random) => string): Generator => (random) => ({
  kind: "text",
  text: make(random),
});

/** The generators by name, each with its share of fifty inputs. */
const generators = {
  bytes: { share: 2, make: (random) => ({ kind: "bytes", bytes: anyBytes(random) }) },
  unicode: { share: 5, make: text((random) => anyText(random, 80, random.below(20) === 0)) },
  tokens: { share: 13, make: text(tokenSoup) },
  grammar: { share: 13, make: buildFile },
  mutations: { share: 15, make: text(mutate) },
  names: { share: 2, make: (random) => ({ kind: "names", names: anyNames(random) }) },
} satisfies Record<string, { share: number; make: Generator }>;

/** The name of a generator. */
export type GeneratorName = keyof typeof generators;

/** The names of all generators. */
export const generatorNames = Object.keys(generators) as GeneratorName[];

/** Who makes the first fifty inputs, and then again: well mixed. */
const turns = generatorNames
  .flatMap((name) => {
    const { share } = generators[name];
    return Array.from({ length: share }, (_, index) => ({ name, at: (index + 0.5) / share }));
  })
  .sort((a, b) => a.at - b.at)
  .map(({ name }) => name);

/** How many inputs make a round, in which each generator has its share. */
export const roundLength = turns.length;

/** Who makes an input. */
export function generatorOf(number: number): GeneratorName {
  return turns[number % roundLength]!;
}

/**
 * Makes one input, the same one whenever it is asked for.
 *
 * @param seed The run's seed.
 * @param number Which input of the run, from 0.
 */
export function makeInput(seed: number, number: number): Input {
  const mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(number + 1, 0xc2b2ae35);
  return generators[generatorOf(number)].make(new Random(mixed));
}
