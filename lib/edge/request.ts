/** What callers of the edge function ask for. @module */

import { ConfigurationError } from "../errors.ts";
import type { MigrateOptions } from "../operations/migrate.ts";
import type { RollbackOptions } from "../operations/rollback.ts";
import { SAFETY_COPY_MODES } from "../safety_copy_modes.ts";

/** The command of a request, with its options. */
export type EdgeCommand =
  | {
    readonly command: "migrate";
    readonly options: MigrateOptions & {
      /** Send what holds a key, or changes what Supabase keeps to itself, all the same. */
      readonly yes?: boolean;
    };
  }
  | { readonly command: "rollback"; readonly options: RollbackOptions };

/** The longest that a request may wait for another run: it has to be answered within 150 s. */
export const LONGEST_WAIT_MS = 100_000;

/** What a field has to be: a type, or one of some words. */
type Kind = "string" | "boolean" | "number" | readonly string[];

const FIELDS: Readonly<Record<EdgeCommand["command"], Readonly<Record<string, Kind>>>> = {
  migrate: {
    to: "string",
    dryRun: "boolean",
    waitMs: "number",
    transaction: ["each", "batch", "all"],
    onChange: ["rerun", "redo", "error"],
    outOfOrder: ["apply", "warn", "refuse"],
    safetyCopy: SAFETY_COPY_MODES,
    yes: "boolean",
  },
  rollback: {
    target: "string",
    steps: "number",
    dryRun: "boolean",
    waitMs: "number",
    safetyCopy: SAFETY_COPY_MODES,
  },
};

/**
 * Reads the body of a request.
 *
 * @param text The body: `{"command":"migrate"}` with the options of the command, or nothing, which
 * is `migrate`.
 * @returns The command.
 * @throws {ConfigurationError} It is something else, or has a field that the command has not.
 */
export function parseCommand(text: string): EdgeCommand {
  const { command = "migrate", ...options } = parseObject(text);
  if (command !== "migrate" && command !== "rollback") {
    throw new ConfigurationError(
      `The command has to be "migrate" or "rollback", not ${JSON.stringify(command)}`,
      { hint: "GET is status." },
    );
  }
  const fields = FIELDS[command];
  for (const [name, value] of Object.entries(options)) {
    const kind = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (kind === undefined) {
      throw new ConfigurationError(`There is no "${name}" in a request of ${command}`, {
        hint: `There are ${Object.keys(fields).join(", ")}.`,
      });
    }
    checkField(name, value, kind);
  }
  const { waitMs } = options;
  if (typeof waitMs === "number" && !(waitMs >= 0 && waitMs <= LONGEST_WAIT_MS)) {
    throw new ConfigurationError(
      `"waitMs" has to be a number of milliseconds from 0 to ${LONGEST_WAIT_MS}, not ${waitMs}`,
    );
  }
  return { command, options };
}

function parseObject(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new ConfigurationError("The body is not JSON", { hint: EXAMPLE, cause });
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new ConfigurationError("The body is not a JSON object", { hint: EXAMPLE });
  }
  return body as Record<string, unknown>;
}

const EXAMPLE = 'It looks like {"command":"rollback","steps":1}; without one it is migrate.';

function checkField(name: string, value: unknown, kind: Kind): void {
  if (typeof kind === "string") {
    const type = typeof value;
    if (type === kind) return;
    throw new ConfigurationError(`"${name}" has to be a ${kind}, not ${JSON.stringify(value)}`);
  }
  if (typeof value === "string" && kind.includes(value)) return;
  throw new ConfigurationError(
    `"${name}" has to be ${kind.slice(0, -1).join(", ")} or ${kind.at(-1)}, not ${
      JSON.stringify(value)
    }`,
  );
}
