/** The command line as a process that may end at any moment. */

import { setTimeout as delay } from "node:timers/promises";

/** How a client ended, and what it printed. */
export interface ClientEnd {
  /** The exit code, or null where a signal ended it. */
  readonly code: number | null;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running client. */
export interface ClientProcess {
  /** Resolves when it has ended. */
  readonly ended: Promise<ClientEnd>;
  /** Whether it runs. */
  isRunning(): boolean;
  /** Sends it a signal, if it still runs; returns whether it did. */
  signal(signal: Deno.Signal): boolean;
}

/** What a client runs with. */
export interface ClientOptions {
  /** The folder of the tool: this one, or a copy with a flaw. */
  readonly build: string;
  readonly folder: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** How far its clock is off, in milliseconds. */
  readonly clockSkewMs: number;
}

/** What ends a client that does not come to an end: no round sends it otherwise. */
export const HANG: Deno.Signal = "SIGABRT";

/** No client needs longer. */
const LONGEST_MS = 60_000;

/** Starts a client. */
export function startClient(options: ClientOptions): ClientProcess {
  const { build, folder, args, environment, clockSkewMs } = options;
  const skew = new URL("./skewed_clock.ts", import.meta.url).pathname;
  const kept = ["PATH", "HOME", "DENO_DIR", "TMPDIR"];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--no-check",
      "--config",
      `${build}/deno.json`,
      ...(clockSkewMs === 0 ? [] : ["--preload", skew]),
      `${build}/cli.ts`,
      ...args,
    ],
    cwd: folder,
    clearEnv: true,
    env: {
      ...Object.fromEntries(kept.map((name) => [name, Deno.env.get(name) ?? ""])),
      DENO_NO_UPDATE_CHECK: "1",
      CLOCK_SKEW_MS: `${clockSkewMs}`,
      ...environment,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();

  let running = true;
  const signal = (name: Deno.Signal): boolean => {
    if (!running) return false;
    try {
      child.kill(name);
      return true;
    } catch {
      return false; // it has just ended
    }
  };
  const watch = new AbortController();
  const ended = child.output().then(({ code, signal: by, stdout, stderr }) => {
    running = false;
    watch.abort();
    return {
      code: by === null ? code : null,
      signal: by,
      stdout: new TextDecoder().decode(stdout),
      stderr: new TextDecoder().decode(stderr),
    };
  });
  delay(LONGEST_MS, undefined, { signal: watch.signal }).then(
    () => {
      signal("SIGCONT");
      signal(HANG);
    },
    () => {}, // it ended in time
  );
  return { ended, isRunning: () => running, signal };
}
