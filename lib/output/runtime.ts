/** Whether what runs the tool is new enough. @module */

import { ConfigurationError } from "../errors.ts";

/** Text imports came with Deno 2.8; the npm package has none. */
const LEAST = { source: "2.8", deno: "2.1", node: "22.13" } as const;

/**
 * Refuses what is too old, in one line instead of a stack trace.
 *
 * @param versions Those of the process.
 * @param isSource Whether these are the sources, and not the npm package.
 * @throws {ConfigurationError} It is too old.
 */
export function checkRuntime(
  { deno, node }: { readonly deno?: string | undefined; readonly node?: string | undefined },
  isSource: boolean,
): void {
  const [name, version = "", least] = deno === undefined
    ? ["Node.js", node, LEAST.node]
    : ["Deno", deno, isSource ? LEAST.source : LEAST.deno];
  if (!isOlder(version, least)) return;
  throw new ConfigurationError(
    `This is ${name} ${version}, and ${least} is the least that serves`,
    {
      hint: name === "Deno"
        ? "Run deno upgrade." +
          (isOlder(version, LEAST.deno)
            ? ""
            : " Or use the npm package, which serves from Deno 2.1 on: deno run -A npm:supamigrate.")
        : "Install a later one.",
    },
  );
}

function isOlder(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split(".").map(Number);
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}
