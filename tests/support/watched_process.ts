import { join } from "node:path";
import { tmpdir } from "node:os";
import { until } from "./until.ts";

/** Who runs a process. */
export interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** How to start a {@linkcode WatchedProcess}. */
export interface WatchedProcessOptions extends User {
  /** The command and its arguments. It starts in the folder made for this run. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the process when its owner lets go of it or dies. */
  readonly endSignal: "QUIT" | "KILL";
}

/** A server that ends, and whose folder goes, no later than the process that started it. */
export interface WatchedProcess {
  readonly pid: number;
  /** Made for this run, removed after it. */
  readonly folder: string;
  /** Resolves when the process and all its children are gone. */
  readonly exited: Promise<void>;
  /** What it has printed so far. */
  log(): string;
  /** Resolves once the log holds `text`, throws if the process ends before that. */
  logged(text: string): Promise<void>;
  /** Ends the process, waits for its end and removes its folder. */
  release(): Promise<void>;
}

// The shell outlives its owner: `read` returns when the pipe to the owner closes, however the owner
// ended. Descriptor 3 is open as long as the process or a child of it lives.
const watchdog = `
  signal=$1 folder=$2
  shift 2
  exec 4>"$folder/log"
  "$@" 3>&1 >&4 2>&4 </dev/null &
  echo $!
  exec >&-
  read -r _
  kill -s "$signal" $! 2>/dev/null
  wait $!
  rm -rf "$folder"
`;

/** Starts a process that cannot outlive this one. */
export async function startWatched(options: WatchedProcessOptions): Promise<WatchedProcess> {
  const { uid, gid } = options;
  const folder = await Deno.makeTempDir({ dir: tmpdir(), prefix: "supamigrate-" });
  if (uid !== undefined) await Deno.chown(folder, uid, gid ?? null);

  const shell = new Deno.Command("sh", {
    args: ["-c", watchdog, "watchdog", options.endSignal, folder, ...options.command],
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin", ...options.env },
    cwd: folder,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    // Else an interrupt reaches it, and Deno kills it at the end of a test file that forgot it.
    detached: true,
  }).spawn();

  const output = shell.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const pid = Number((await output.read()).value);
  let running = true;
  const exited = output.read().then(() => void (running = false));
  const log = () => Deno.readTextFileSync(join(folder, "log"));

  let released: Promise<void> | undefined;
  const release = async () => {
    await shell.stdin.close();
    await shell.status;
    await exited;
  };

  return {
    pid,
    folder,
    exited,
    log,
    async logged(text) {
      await until(`"${text}" in the log`, () => !running || log().includes(text));
      if (!log().includes(text)) throw new Error(`The process ended early:\n${log()}`);
    },
    release: () => released ??= release(),
  };
}
