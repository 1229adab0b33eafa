/** Somebody's own repository, and the command line as it is started there. */

import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";
import { type CliResult, QUICK_WASM, toResult } from "./cli.ts";

const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));

/** How a command is started. */
export interface Start {
  /** Where in the repository. */
  readonly folder?: string;
  /** What it sees of the environment, beside the system's own variables. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A folder with files. */
export class RepositoryFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /**
   * @param files Paths and what the files hold.
   */
  static async create(files: Readonly<Record<string, string>> = {}): Promise<RepositoryFolder> {
    const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "supamigrate-repository-" }));
    // Nothing above it is the beginning of a project, whatever lies in the folder for such folders.
    const folder = new RepositoryFolder(join(path, "repository"));
    await Deno.mkdir(folder.path);
    for (const [name, text] of Object.entries(files)) await folder.write(name, text);
    return folder;
  }

  /** Writes a file, with the folders that it needs. */
  async write(name: string, text: string): Promise<void> {
    const path = join(this.path, name);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, text);
  }

  /** Reads a file. */
  read(name: string): Promise<string> {
    return Deno.readTextFile(join(this.path, name));
  }

  /** All files and what they hold; folders end in a slash. */
  async list(folder = ""): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(join(this.path, folder))) {
      const path = folder + name;
      if (isDirectory) Object.assign(found, { [`${path}/`]: "" }, await this.list(`${path}/`));
      else found[path] = isSymlink ? "a link" : await this.read(path);
    }
    return found;
  }

  /** The command as `deno run -A npm:supamigrate` would start it. */
  command(
    args: readonly string[],
    { folder = ".", environment = {} }: Start = {},
  ): { readonly args: string[]; readonly cwd: string; readonly env: Record<string, string> } {
    const config = Deno.env.get("SUPAMIGRATE_TEST_CONFIG");
    const kept = ["PATH", "HOME", "DENO_DIR", "TMPDIR", "TERM"].flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    });
    return {
      args: [
        "run",
        "--allow-all",
        "--no-check",
        ...(config === undefined ? [] : ["--no-lock", "--config", config]),
        CLI,
        ...args,
      ],
      cwd: join(this.path, folder),
      env: { ...Object.fromEntries(kept), ...QUICK_WASM, ...environment },
    };
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], start?: Start): Promise<CliResult> {
    return toResult(
      await new Deno.Command(Deno.execPath(), {
        ...this.command(args, start),
        clearEnv: true,
        stdin: "null",
      }).output(),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(dirname(this.path), { recursive: true });
  }
}
