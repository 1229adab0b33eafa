/** Runs other programs. @module */

import { spawn } from "node:child_process";

/** A program that is run. */
export interface Program {
  /** Its name; or where there are no arguments given, a command line for the shell. */
  readonly command: string;
  readonly args?: readonly string[];
  /** Its environment, beside this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads on standard input. */
  readonly input?: string;
  /** Given each line that it writes. */
  readonly onLine?: (line: string) => void;
}

/** How a program ended. */
export interface ProgramEnd {
  /** Its exit code; null where a signal ended it. */
  readonly code: number | null;
  /** The last lines that it wrote. */
  readonly said: readonly string[];
}

/** How many lines are kept of what it says. */
const MOST_LINES = 200;

/** How long what it has left running is listened to when it has ended itself, in milliseconds. */
const LISTENING_MS = 1000;

/**
 * Runs a program to its end.
 *
 * @param program The program.
 * @returns How it ended; undefined where there is no such program.
 * @throws {Error} It cannot be started.
 */
export async function runProgram(
  { command, args, env = {}, input = "", onLine = () => {} }: Program,
): Promise<ProgramEnd | undefined> {
  const { default: process } = await import("node:process");
  const { createInterface } = await import("node:readline");
  const child = spawn(command, [...args ?? []], {
    stdio: "pipe",
    shell: args === undefined,
    env: { ...process.env, ...env },
  });
  const said: string[] = [];
  const outputs = [child.stdout, child.stderr].map((stream) => ({
    stream,
    lines: createInterface({ input: stream, crlfDelay: Infinity }),
  }));
  const reading = outputs.map(async ({ lines }) => {
    for await (const line of lines) {
      said.push(line);
      if (said.length > MOST_LINES) said.shift();
      onLine(line);
    }
  });
  // Whoever does not read its input is not to blame.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null | undefined>((resolve, reject) => {
    child.on("error", (error: Error & { code?: string }) => {
      if (error.code === "ENOENT") resolve(undefined);
      else reject(error);
    });
    child.on("exit", resolve);
  });
  if (code === undefined) return undefined;
  // What it has left running in the background has its output, and may never close it.
  const listening = setTimeout(() => {
    for (const { stream, lines } of outputs) {
      lines.close();
      stream.destroy();
    }
  }, LISTENING_MS);
  await Promise.all(reading);
  clearTimeout(listening);
  return { code, said };
}
