/**
 * What is said of a command line that cannot be read. cliffy always guesses what was meant, however
 * far from what was typed: `migrate --steps 1` would get "Did you mean --yes?". Here advice is given
 * where it is plain what was meant.
 *
 * @module
 */

import { distance } from "fastest-levenshtein";

/** The command whose arguments cannot be read. */
export interface UsedCommand {
  /** Its name after `supamigrate`; empty for the program itself. */
  readonly name: string;
  /** The commands that can follow. */
  readonly commands: readonly string[];
  /** Its options, as they are typed. */
  readonly options: readonly string[];
}

/** Nobody is advised to leave out the question, or to send a key in the clear. */
const NEVER_ADVISED = ["--yes", "-y", "--allow-http"];

/**
 * Says what is wrong with a command line.
 *
 * @param problem What cliffy says.
 * @param command The command concerned.
 * @returns What is said instead.
 */
export function explainUsage(problem: string, { name, commands, options }: UsedCommand): string {
  const [, kind, word] = /^Unknown (option|command) "(.*?)"(?=\.|$)/.exec(problem) ?? [];
  if (word === undefined) return problem;
  if (kind === "option") {
    const advisable = options.filter((flag) => !NEVER_ADVISED.includes(flag));
    return `Unknown option "${word}"` + advise("option", word, advisable);
  }
  if (name !== "") return `"${name}" takes no argument, but got "${word}"`;
  return `Unknown command "${word}"` + advise("command", word, commands);
}

function advise(kind: string, word: string, known: readonly string[]): string {
  const meant = findMeant(word, known);
  return meant === undefined ? "" : `. Did you mean ${kind} "${meant}"?`;
}

/** The only one that begins like it, or that is a slip or two away. */
function findMeant(word: string, known: readonly string[]): string | undefined {
  const bare = word.replace(/^-+/, "").toLowerCase();
  const begun = bare.length < 3 ? [] : known.filter((one) => one.startsWith(word.toLowerCase()));
  if (begun.length === 1) return begun[0];
  const slips = bare.length > 4 ? 2 : 1;
  const near = known.filter((one) => distance(one, word.toLowerCase()) <= slips);
  return near.length === 1 ? near[0] : undefined;
}
