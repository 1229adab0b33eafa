/** What the server says while migrations run, given to the migrations that it is about. @module */

import type { ServerMessage, TakenMessages } from "../database/messages.ts";
import type { Statement } from "../planning/step.ts";

/** A message of the server: of RAISE NOTICE or RAISE WARNING, or a notice of its own. */
export interface MigrationMessage extends Omit<ServerMessage, "where"> {
  /** The line of the file that the statement starts on, where it is known. */
  readonly line?: number;
}

/** What the server said while a migration ran. */
export interface MigrationMessages {
  /** The first 20 messages; none on ways that do not carry them. */
  readonly messages: readonly MigrationMessage[];
  /** How many there were beyond these. */
  readonly messagesLeftOut: number;
}

/** What `supamigrate.apply` says where it runs the migrations of a call once more, each examined. */
const SAID_AGAIN = "supamigrate: said again";

/** How many messages of a migration are kept. */
const MOST_MESSAGES = 20;

/**
 * Finds out which migration of a call each message is about: it comes with the statement.
 *
 * @param taken What was said during the call.
 * @param parts The statements of each migration in the call.
 * @returns What was said during each.
 */
export function assignMessages(
  { messages, lost }: TakenMessages,
  parts: readonly (readonly Statement[])[],
): MigrationMessages[] {
  const assigned = parts.map((): MigrationMessage[] => []);
  let current = 0;
  const again = messages.findLastIndex(({ message }) => message === SAID_AGAIN);
  for (const { where, ...message } of messages.slice(again + 1)) {
    const isFrom = ({ sql }: Statement) => where.includes(`SQL statement "${sql}`);
    // They come in the order of the migrations, which may have statements in common.
    const found = parts.findIndex((statements, index) =>
      index >= current && statements.some(isFrom)
    );
    if (found !== -1) current = found;
    const line = found === -1 ? undefined : parts[found]!.find(isFrom)!.line;
    assigned[current]?.push({ ...message, ...(line === undefined ? {} : { line }) });
  }
  return assigned.map((all, index) => ({
    messages: choose(all),
    messagesLeftOut: Math.max(0, all.length - MOST_MESSAGES) + (index === current ? lost : 0),
  }));
}

/** The first ones; what the author has to say comes before what IF EXISTS has to say. */
function choose(all: readonly MigrationMessage[]): MigrationMessage[] {
  let room = MOST_MESSAGES - all.filter((message) => !saysSkipped(message)).length;
  return all.filter((message) => !saysSkipped(message) || room-- > 0).slice(0, MOST_MESSAGES);
}

/**
 * Whether a message says no more than that IF EXISTS or IF NOT EXISTS has found what it asks for.
 *
 * @param message The message.
 */
export function saysSkipped({ severity, message }: MigrationMessage): boolean {
  return severity === "NOTICE" && /(?:does not exist|already exists), skipping$/.test(message);
}
