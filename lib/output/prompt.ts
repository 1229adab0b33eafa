/** Questions to a person on a terminal. @module */

import { ConfigurationError, InterruptedError } from "../errors.ts";
import type { Reporter } from "./terminal.ts";

/** Whether there is a terminal to ask on. */
export async function canAsk(): Promise<boolean> {
  const { default: process } = await import("node:process");
  return process.stdin.isTTY === true;
}

/**
 * Asks a question on standard error and reads a line from standard input.
 *
 * @param reporter Makes the question fit to be shown.
 * @param question The question, with a space at its end.
 * @returns What was typed, without white space around it; empty at the end of input.
 * @throws {ConfigurationError} There is no terminal to ask on.
 * @throws {InterruptedError} Ctrl-C was pressed.
 */
export async function ask(reporter: Reporter, question: string): Promise<string> {
  const { default: process } = await import("node:process");
  if (!await canAsk()) {
    throw new ConfigurationError("This needs a confirmation, and there is no terminal to ask on", {
      hint: "Add --yes if it is really meant.",
    });
  }
  const { createInterface } = await import("node:readline");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise<string>((resolve, reject) => {
      terminal.on("SIGINT", () => {
        reject(new InterruptedError("Interrupted before anything was changed"));
      });
      terminal.on("close", () => resolve(""));
      terminal.question(reporter.fitQuestion(question), (answer) => resolve(answer.trim()));
    });
  } finally {
    terminal.close();
    process.stderr.write("\n");
  }
}

/**
 * Whether an answer means yes.
 *
 * @param answer What was typed.
 */
export function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer);
}
