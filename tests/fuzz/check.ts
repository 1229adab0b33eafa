/** Tries one input. @module */

import { Buffer } from "node:buffer";
import type { Input } from "./inputs.ts";
import { checkNames } from "./name_properties.ts";
import { type Checks, fileName, type Outcome, withLineFeeds } from "./outcome.ts";
import { checkText } from "./properties.ts";
import type { ServerView } from "./server.ts";

/** What the inputs are tried with. */
export interface Laboratory {
  /** A folder of its own, for inputs that are bytes. */
  readonly folder: string;
  /** A server that says how it sees the text, where there is one. */
  readonly server: ServerView | null;
}

/**
 * Looks at every property of an input.
 *
 * @param input The input.
 * @param checks Counts, and throws where something does not hold.
 * @param laboratory What it is tried with.
 * @returns Whether the file is accepted, whether a server has looked at it, and how long it took
 * without the server, in milliseconds.
 */
export async function checkInput(
  input: Input,
  checks: Checks,
  { folder, server }: Laboratory,
): Promise<{ accepted: boolean; seenByServer: boolean; ms: number }> {
  const started = performance.now();
  if (input.kind === "names") {
    checkNames(input.names, checks);
    return { accepted: true, seenByServer: false, ms: performance.now() - started };
  }
  let outcome: Outcome;
  if (input.kind === "bytes") {
    const { bytes } = input;
    await Deno.writeFile(`${folder}/${fileName}`, bytes);
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    outcome = await checkText(text, undefined, checks, folder);
    checkBytes(bytes, text, outcome, checks);
  } else {
    outcome = await checkText(input.text, input.expected, checks);
  }
  const ms = performance.now() - started;
  const seenByServer = server !== null && outcome.migration !== null &&
    await server.check(outcome, input.kind === "text" ? input.expected : undefined, checks);
  return {
    accepted: outcome.sections.length > 0 && outcome.sections.every(({ refusal }) => !refusal),
    seenByServer,
    ms,
  };
}

/** What is not UTF-8 is refused, with the first line that is broken. */
function checkBytes(bytes: Uint8Array, text: string, outcome: Outcome, checks: Checks): void {
  const encoded = Buffer.from(text);
  let same = 0;
  while (same < bytes.length && bytes[same] === encoded[same]) same++;
  const whole = same === bytes.length && encoded.length === bytes.length;
  const property = "bytes that are no UTF-8 are refused with their line";
  const refused = outcome.refusal?.message === "The file is not UTF-8";
  checks.equal(property, refused, !whole);
  if (refused) {
    const before = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, same));
    const line = withLineFeeds(before).split("\n").length;
    checks.equal(property, outcome.refusal!.position.line, line);
  }
}
