/** Runs the command line on a pseudo-terminal, as a person sees it. */

import pty from "@lydell/node-pty";
import type { Workspace } from "./cli.ts";
import { until } from "./until.ts";

/** A command on a terminal of 100 columns. */
export class Terminal {
  readonly #process: pty.IPty;
  readonly #exit: Promise<number>;
  #screen = "";

  private constructor(process: pty.IPty) {
    this.#process = process;
    process.onData((data) => this.#screen += data);
    this.#exit = new Promise((resolve) => process.onExit(({ exitCode }) => resolve(exitCode)));
  }

  /** Starts a command. */
  static start(workspace: Workspace, args: readonly string[]): Terminal {
    const { args: words, cwd, env } = workspace.command(args);
    return Terminal.spawn(words, { cwd, env });
  }

  /** Starts Deno with any arguments. */
  static spawn(args: string[], options: { cwd: string; env: Record<string, string> }): Terminal {
    return new Terminal(pty.spawn(Deno.execPath(), args, { cols: 100, rows: 40, ...options }));
  }

  /** Everything that was written, control sequences included. */
  get raw(): string {
    return this.#screen;
  }

  /** What is left on the screen: a line that was cleared is gone. */
  get text(): string {
    return this.#screen.split("\n").map((line) => line.split("\x1b[2K").at(-1))
      // deno-lint-ignore no-control-regex -- terminals are driven by control characters
      .join("\n").replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r", "");
  }

  /** Waits until something is on the screen. */
  async see(pattern: RegExp): Promise<void> {
    await until(`${pattern}`, () => pattern.test(this.text)).catch((error) => {
      throw new Error(`${error.message} in ${JSON.stringify(this.text)}`);
    });
  }

  /** Types keys. */
  type(keys: string): void {
    this.#process.write(keys);
  }

  /** Waits for the end. @returns The exit code. */
  async end(): Promise<number> {
    return await this.#exit;
  }
}
