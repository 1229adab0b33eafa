/** Lists and drops the copies of what migrations have destroyed. @module */

import { STATEMENTS } from "../database/channel.ts";
import { callReading, readState, refuseBreaches } from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import { type OperationContext, withLock } from "./context.ts";

/** What was kept before it was destroyed. */
export interface SafetyCopy {
  /** Its number. */
  readonly id: number;
  /** The migration that destroyed it. */
  readonly migration: string;
  /** The batch that the migration was applied in. */
  readonly batch: number | null;
  /** Whether that was when the migration was applied, or when it was rolled back. */
  readonly purpose: "apply" | "rollback";
  /** The line of the statement; null for what a foreign key has done. */
  readonly line: number | null;
  /** What it is: `objects` has the SQL of what was dropped, and how far sequences had counted. */
  readonly kind: "table" | "rows" | "values" | "state" | "objects";
  /** The table that the rows were in; null of objects. */
  readonly relation: string | null;
  /** The table of the schema `supamigrate_backup` that they are in; null of objects. */
  readonly copy: string | null;
  /** The columns that it has; null of objects. */
  readonly columns: readonly string[] | null;
  /** The types of those that are kept as text, as they are not PostgreSQL's own. */
  readonly casts: Readonly<Record<string, string>>;
  /** What tells the rows of the table apart; null where nothing does. */
  readonly key: readonly string[] | null;
  /** How many rows; null of objects. */
  readonly rows: number | null;
  /** How large it is, in bytes; null of objects, and where somebody has dropped it. */
  readonly bytes: number | null;
  /** How far sequences had counted, and whether that number was given out. */
  readonly sequences: Readonly<Record<string, readonly [number, boolean]>> | null;
  /** The SQL of all that was dropped. */
  readonly definition: string | null;
  /** A rollback of the migration will put it back. */
  readonly isOpen: boolean;
  /** When it was made, on the server's clock. */
  readonly madeAt: string;
  /** How long ago that is, in milliseconds. */
  readonly ageMs: number;
}

/** Which copies are to be dropped. */
export interface DropBackupsOptions {
  /** Their names or numbers. */
  readonly names?: readonly string[];
  /** Those that are older than this, in milliseconds. */
  readonly olderThanMs?: number;
  /** How long to wait for another run's lock, in milliseconds. 0 by default. */
  readonly waitMs?: number;
  /** Shown the copies before they are dropped; false leaves them. */
  readonly confirm?: (copies: readonly SafetyCopy[]) => Promise<boolean>;
}

/** What `dropBackups` came to. */
export interface DropBackupsResult {
  /** What was dropped. */
  readonly dropped: readonly SafetyCopy[];
}

/**
 * Lists what was kept before it was destroyed, newest first.
 *
 * @param context What the operation works with.
 */
export async function readBackups({ connect, target }: OperationContext): Promise<SafetyCopy[]> {
  const database = await connect();
  refuseBreaches(await readState(database, target));
  // deno-lint-ignore no-explicit-any -- the shape is that of supamigrate.read_copies
  const copies = await callReading(database, STATEMENTS.readCopies) as any[];
  return copies.map(({ is_open, made_at, age_ms, ...copy }) => ({
    ...copy,
    isOpen: is_open,
    madeAt: made_at,
    ageMs: age_ms,
  }));
}

/**
 * Finds a copy.
 *
 * @param name Its name, or its number.
 * @param copies All copies.
 * @throws {ConfigurationError} There is none of that name.
 */
export function findCopy(name: string, copies: readonly SafetyCopy[]): SafetyCopy {
  const wanted = name.replace(/^supamigrate_backup\./, "");
  const found = copies.find(({ id, copy }) => String(id) === wanted || copy === wanted);
  if (found !== undefined) return found;
  throw new ConfigurationError(`There is no safety copy "${name}"`, {
    hint: "supamigrate backups lists them.",
  });
}

/**
 * Drops copies for good.
 *
 * @param context What the operation works with.
 * @param options Which ones.
 * @returns What was dropped.
 * @throws {ConfigurationError} There is no such copy, or the answer was no.
 */
export async function dropBackups(
  context: OperationContext,
  { names = [], olderThanMs, waitMs = 0, confirm }: DropBackupsOptions,
): Promise<DropBackupsResult> {
  if (names.length === 0 && olderThanMs === undefined) {
    throw new ConfigurationError("No safety copy is named to be dropped", {
      hint: "Name some, or say --older-than 30d. supamigrate backups lists them.",
    });
  }
  return await withLock<readonly SafetyCopy[], DropBackupsResult>(context, {
    waitMs,
    plan: async () => {
      const copies = await readBackups(context);
      const named = names.map((name) => findCopy(name, copies));
      const old = copies.filter(({ ageMs }) => olderThanMs !== undefined && ageMs > olderThanMs);
      return [...new Set([...named, ...old])];
    },
    unlessNeeded: (copies) => copies.length === 0 ? { dropped: [] } : undefined,
    confirm: confirm && askOnce(confirm),
    run: async (session, copies) => {
      await session.perform("forget", { copies: copies.map(({ id }) => id) });
      return { dropped: copies };
    },
  });
}

/** Ages go on while a person thinks: the same copies are not asked about twice. */
function askOnce(
  confirm: NonNullable<DropBackupsOptions["confirm"]>,
): (copies: readonly SafetyCopy[]) => Promise<boolean> {
  let confirmed: string | undefined;
  return async (copies) => {
    const asked = copies.map(({ id }) => id).join();
    if (asked !== confirmed && !await confirm(copies)) return false;
    confirmed = asked;
    return true;
  };
}
