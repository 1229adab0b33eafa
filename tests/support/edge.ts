/** Runs edge functions as Supabase does: in its version of Deno, without files to read. */

import { dirname, join } from "node:path";
import { installFromNpm } from "./binaries.ts";
import { until } from "./until.ts";

/** The Deno that is in Supabase's edge runtime. */
const EDGE_DENO_VERSION = "2.1.4";

/** A function that answers on this machine. */
export interface EdgeFunction extends AsyncDisposable {
  /** Where it answers. */
  readonly url: string;
  /** What it has printed so far. */
  readonly log: () => string;
  /** Processor time of its process since it was started, in milliseconds. */
  cpuMs(): Promise<number>;
  /** The most memory that its process has had, in MB. */
  peakMb(): Promise<number>;
  /** Calls it: POST where there is a body. */
  call(key: string | null, body?: unknown): Promise<EdgeReply>;
}

/** What a function answers. */
export interface EdgeReply {
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- tests look into it
  readonly body: any;
}

/** The path of that Deno, which npm has. */
export async function findEdgeDeno(): Promise<string> {
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const platform = Deno.build.os === "linux" ? `linux-${arch}-glibc` : `${Deno.build.os}-${arch}`;
  return join(await installFromNpm(`@deno/${platform}`, EDGE_DENO_VERSION), "deno");
}

/**
 * Starts a function.
 *
 * @param path Its `index.ts`.
 * @param variables Its environment, and nothing else.
 */
export async function startEdgeFunction(
  path: string,
  variables: Readonly<Record<string, string>>,
): Promise<EdgeFunction> {
  const folder = await Deno.makeTempDir({ prefix: "supamigrate-edge-" });
  // `Deno.serve` takes the port that the edge runtime gives to it.
  await Deno.writeTextFile(
    join(folder, "platform.ts"),
    `const serve = Deno.serve;
const given = { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log("port", port) };
Deno.serve = (handler) => serve(given, handler);
globalThis.EdgeRuntime = { waitUntil: (work) => work };
`,
  );
  const main = join(folder, "main.ts");
  await Deno.writeTextFile(
    main,
    `import "./platform.ts";\nimport ${JSON.stringify(`file://${path}`)};\n`,
  );
  const child = new Deno.Command(await findEdgeDeno(), {
    args: [
      "run",
      "--no-config",
      "--no-check",
      "--no-remote",
      "--no-code-cache",
      "--no-prompt",
      ...PERMISSIONS,
      main,
    ],
    cwd: folder,
    clearEnv: true,
    env: { ...variables, DENO_DIR: join(dirname(path), ".deno"), NO_COLOR: "1", HOME: folder },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) text += part;
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  let ended = false;
  child.status.then(() => ended = true);
  const stop = async () => {
    if (!ended) child.kill("SIGKILL");
    await child.status;
    await collected;
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await until("the function listens", () => {
      if (ended) throw new Error(`The function has ended: ${text}`);
      return /^port \d+$/m.test(text);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const url = `http://127.0.0.1:${/^port (\d+)$/m.exec(text)![1]}/migrate`;
  return {
    url,
    log: () => text,
    cpuMs: async () => {
      const stat = await Deno.readTextFile(`/proc/${child.pid}/stat`);
      const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
      return (Number(user) + Number(system)) * 10;
    },
    peakMb: async () => {
      const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
      return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
    },
    call: async (key, body) => {
      const response = await fetch(url, {
        ...(body === undefined ? {} : {
          method: "POST",
          body: typeof body === "string" ? body : JSON.stringify(body),
        }),
        headers: key === null ? {} : { authorization: `Bearer ${key}` },
      });
      return { status: response.status, body: await response.json() };
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** What a function may do: it has no files. */
const PERMISSIONS = ["--allow-net", "--allow-env"];
