/** Programs that tests run and that no package of npm's brings. */

// What `.ci/install` installs, so that no test needs what it does not.
const packages = Deno.readTextFileSync(new URL("../../.ci/packages", import.meta.url))
  .split("\n").filter((line) => line !== "");

/**
 * Looks for what `.ci/packages` lists.
 *
 * @param names Packages of Debian and Ubuntu, most of which are named as their program is.
 * @returns Those that are not installed.
 */
export async function findMissing(names: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const name of names) {
    if (!packages.includes(name)) throw new Error(`Not in .ci/packages: "${name}"`);
    if (await findProgram(name) === undefined && !await isPackage(name)) missing.push(name);
  }
  return missing;
}

/** What to call a program by; undefined where it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  // Servers are in a folder that only root has on the PATH.
  for (const program of [name, `/usr/sbin/${name}`]) {
    if (await call(program, "--version") !== undefined) return program;
  }
  return undefined;
}

/** Whether a package is installed that is no program. */
async function isPackage(name: string): Promise<boolean> {
  return await call("dpkg", "-s", name) === 0;
}

/** The exit code; undefined where there is no such program. */
async function call(program: string, ...args: string[]): Promise<number | undefined> {
  try {
    const { code } = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return code;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What is missing, and how to have it. */
export function explainMissing(missing: readonly string[]): string {
  return `Not installed: ${missing.join(", ")}. ` +
    `On Debian and Ubuntu: apt-get install ${missing.join(" ")}`;
}

/**
 * A test that needs programs. Where one is missing it is left out, and its name says so. Where
 * `CI` is set it fails instead: nobody reads there what was left out.
 *
 * @param name What the test says.
 * @param body The test.
 * @param missing What {@linkcode findMissing} found to be missing of what it needs.
 * @returns The test for Deno.
 */
export function describeTest(
  name: string,
  body: () => Promise<void>,
  missing: readonly string[],
): Deno.TestDefinition {
  if (missing.length === 0) return { name, fn: body };
  const reason = explainMissing(missing);
  if (Deno.env.get("CI")) {
    return {
      name,
      fn: () => {
        throw new Error(reason);
      },
    };
  }
  return {
    name: `${name} (left out: ${missing.join(" and ")} not installed)`,
    ignore: true,
    fn: body,
  };
}
