/** Runs the command line as a process, in a folder of its own. */

import { fileURLToPath } from "node:url";
import { holdAgainstSchema } from "./json_schemas.ts";
import manifest from "../../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** V8 compiles PGlite a second time, better, which takes longer than a command of a test runs. */
export const QUICK_WASM = { DENO_V8_FLAGS: "--liftoff-only" };

/** How a command ended. Durations are replaced by N, so that output can be compared. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with migrations, and the environment that commands run in. */
export class Workspace implements AsyncDisposable {
  private constructor(
    readonly path: string,
    readonly environment: Readonly<Record<string, string>>,
  ) {}

  /**
   * @param migrations File names and their SQL, put into `migrations`.
   * @param environment What commands see beside the system's own variables.
   */
  static async create(
    migrations: Readonly<Record<string, string>> = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Workspace> {
    const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "supamigrate-cli-" }));
    await Deno.mkdir(`${path}/migrations`);
    // Hints name the tasks that are there.
    await Deno.writeTextFile(`${path}/deno.json`, JSON.stringify({ tasks: manifest.tasks }));
    const workspace = new Workspace(path, environment);
    for (const [name, sql] of Object.entries(migrations)) await workspace.write(name, sql);
    return workspace;
  }

  /** Writes a migration. */
  async write(name: string, sql: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}/migrations/${name}`, sql);
  }

  /** The command with the permissions that its task in deno.json asks for. */
  command(args: readonly string[], environment: Readonly<Record<string, string>> = {}): {
    readonly args: string[];
    readonly cwd: string;
    readonly env: Record<string, string>;
    readonly clearEnv: true;
  } {
    const kept = ["PATH", "HOME", "DENO_DIR", "TMPDIR", "TERM"];
    const system = kept.flatMap((name): [string, string][] => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    });
    const config = Deno.env.get("SUPAMIGRATE_TEST_CONFIG");
    return {
      args: [
        "run",
        ...permissionsOf(args[0] ?? ""),
        ...(config === undefined ? [] : ["--no-check", "--no-lock", "--config", config]),
        `${ROOT}cli.ts`,
        ...args,
      ],
      cwd: this.path,
      env: {
        ...Object.fromEntries(system),
        ...QUICK_WASM,
        USER: "ada",
        // Most of their projects do not listen: a test of that says so.
        MIGRATION_API_READY: "0",
        ...this.environment,
        ...environment,
      },
      clearEnv: true,
    };
  }

  /** Starts a command with its streams piped. */
  spawn(
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      ...this.command(args, environment),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Runs a command to its end. */
  async run(
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Promise<CliResult> {
    const result = toResult(await this.spawn(args, environment).output());
    if (args.includes("--json")) await holdAgainstSchema(args, result.stdout);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** The output of a process, fit to be compared. */
export function toResult({ code, stdout, stderr }: Deno.CommandOutput): CliResult {
  const decode = (bytes: Uint8Array) => hideTimes(new TextDecoder().decode(bytes));
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Replaces what differs from run to run. */
export function hideTimes(text: string): string {
  return text.replace(/\b[\d,]+ms\b/g, "Nms").replace(/\bfor \d+ (s|min)\b/g, "for N s");
}

function permissionsOf(command: string): string[] {
  const aliases: Record<string, string> = { up: "migrate", new: "create" };
  const name = aliases[command] ?? command;
  const tasks: Record<string, string> = manifest.tasks;
  const task = tasks[name] ?? tasks[`migrate:${name}`] ?? manifest.tasks.migrate;
  return task.split(" ").filter((word) => word.startsWith("--allow-"))
    .map((word) => word.replace("$HOME", Deno.env.get("HOME") ?? ""));
}
