/** Other tools for migrations, as npm has them: installed once for all tests. */

import { join } from "node:path";
import { buildOnce } from "./binaries.ts";

/** In the versions that the tests know. */
const DEPENDENCIES = {
  dbmate: "2.36.0",
  "drizzle-kit": "0.31.11",
  "drizzle-orm": "0.45.4",
  "node-pg-migrate": "9.0.0",
  pg: "8.16.3",
};

/** A folder in which the tools are installed. */
export interface ToolsFolder extends AsyncDisposable {
  readonly path: string;
  /** Runs a tool there, or `node`, and stops where it fails. */
  run(
    program: string,
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Promise<void>;
}

/** Makes a folder of a test's own, which has the tools of all. */
export async function openToolsFolder(): Promise<ToolsFolder> {
  const path = await Deno.makeTempDir({ prefix: "supamigrate-tools-" });
  const programs = await findToolsFolder();
  await Deno.symlink(programs, join(path, "node_modules"));
  return {
    path,
    run: (program, args, environment) =>
      run(
        program === "node" ? program : join(programs, ".bin", program),
        args,
        path,
        environment,
      ),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** The folder of their packages, installed once; programs are in `.bin` in it. */
export async function findToolsFolder(): Promise<string> {
  return join(await installTools(), "node_modules");
}

/** npm installs them: Deno would want dbmate for every system. */
function installTools(): Promise<string> {
  const versions = Object.entries(DEPENDENCIES).map(([name, version]) => `${name}-${version}`);
  return buildOnce(`tools-${versions.join("-")}`, async (folder) => {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(
      join(folder, "package.json"),
      JSON.stringify({ dependencies: DEPENDENCIES }),
    );
    await run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], folder);
  });
}

async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { ...env },
    stdin: "null",
  }).output();
  if (success) return;
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
  throw new Error(`${program} ${args.join(" ")}: ${said}`);
}
