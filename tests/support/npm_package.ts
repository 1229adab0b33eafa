/** Builds the npm package once, and installs it as its users do. */

import { join } from "node:path";
import { buildNpm } from "../../lib/delivery/build_npm.ts";
import { installFromNpm } from "./binaries.ts";

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a program runs, and with what. */
export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A folder in which the package is installed. */
export interface Installed extends AsyncDisposable {
  readonly path: string;
  /** Runs a program there, or in a folder below. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Ended>;
}

/**
 * Builds the package, packs it, and installs the tarball into an empty folder.
 *
 * @returns The folder.
 */
export async function installPackage(): Promise<Installed> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "supamigrate-npm-" }));
  const path = join(root, "project");
  const installed: Installed = {
    path,
    run: (program, args, options) => run(program, args, root, { cwd: path, ...options }),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
  await Deno.mkdir(path);
  await buildNpm(join(root, "package"));
  succeed(await run("npm", ["pack", join(root, "package"), "--silent"], root, { cwd: root }));
  await Deno.writeTextFile(
    join(path, "package.json"),
    `${JSON.stringify({ name: "shop", private: true, type: "module" }, null, 2)}\n`,
  );
  const [tarball] = [...Deno.readDirSync(root)].filter(({ name }) => name.endsWith(".tgz"));
  const install = ["install", "--no-audit", "--no-fund", "--silent", join("..", tarball!.name)];
  succeed(await installed.run("npm", install));
  return installed;
}

/** The folder of a Node.js, which npm has. */
export async function findNode(version: "22.23.3" | "24.9.0"): Promise<string> {
  const { os } = Deno.build;
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  return join(await installFromNpm(`node-${os}-${arch}`, version), "bin");
}

/** Stops where a program has not done what it was to do. */
export function succeed(ended: Ended): Ended {
  const { code, stdout, stderr } = ended;
  if (code !== 0) throw new Error(`It ended with ${code}:\n${stdout}\n${stderr}`);
  return ended;
}

async function run(
  program: string,
  args: readonly string[],
  home: string,
  { cwd, environment = {} }: RunOptions,
): Promise<Ended> {
  const kept = ["PATH", "TMPDIR", "DENO_DIR", "NODE_EXTRA_CA_CERTS", "NPM_CONFIG_REGISTRY"];
  const system = kept.flatMap((name): [string, string][] => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd: cwd ?? home,
    clearEnv: true,
    env: {
      ...Object.fromEntries(system),
      HOME: home,
      // npm's settings are where npm has them.
      npm_config_userconfig: Deno.env.get("NPM_CONFIG_USERCONFIG") ??
        `${Deno.env.get("HOME")}/.npmrc`,
      npm_config_cache: `${Deno.env.get("HOME")}/.npm`,
      USER: "ada",
      NO_COLOR: "1",
      ...environment,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}
