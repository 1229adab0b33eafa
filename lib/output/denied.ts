/**
 * What Deno does not allow, with what allows it. Deno says so in errors of many operations, with
 * advice to run again with a flag, which a task of deno.json does not take.
 *
 * @module
 */

import { ConfigurationError, SupamigrateError } from "../errors.ts";

const DENIED =
  /Requires (read|write|net|env|sys|run|ffi|import) access(?: to ("(?:[^"\\]|\\.)*"|<[^>]*>))?(?:, run again with the --allow-\w+ flag)?/;

/**
 * Explains an error that comes of a permission which Deno was not given.
 *
 * @param error What was thrown.
 * @returns An error that names the permission; what was thrown, if it is of another kind.
 */
export function explainDenied(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isOurs = error instanceof SupamigrateError;
  if (isOurs ? error.completed.length > 0 : error.name !== "NotCapable") return error;
  const [found, kind, what = ""] = DENIED.exec(error.message) ?? [];
  if (found === undefined) return error;
  const denied = `Deno does not allow to ${USES[kind!]}${what === "" ? "" : ` ${what}`}`;
  const message = isOurs ? error.message.replace(found, () => denied) : denied;
  const flag = `--allow-${kind}`;
  const missing = what.startsWith('"') ? `${what.slice(1, -1)} to ${flag}` : flag;
  return new ConfigurationError(message, {
    hint: `Add ${missing} where it is started, in the task of deno.json or behind "deno run"; ` +
      "or start it with -A, which allows everything.",
    cause: error,
  });
}

const USES: Readonly<Record<string, string>> = {
  read: "read",
  write: "write",
  net: "reach",
  env: "read the environment variable",
  sys: "ask the system for its",
  run: "run",
  ffi: "load",
  import: "import from",
};
