/**
 * How long statements may wait for locks and may run. A run has such limits, and a file may say its
 * own in comments: `-- supamigrate: lock_timeout 2s`.
 *
 * @module
 */

import { parseDuration } from "../duration.ts";
import { ConfigurationError, MigrationFileError } from "../errors.ts";
import { scanComments } from "./lexer.ts";
import { suggest } from "./order.ts";
import { countNewlines } from "./position.ts";
import type { Section } from "./sections.ts";

/** How long statements may wait for locks, and may run. */
export interface Limits {
  /**
   * How long a statement waits for a lock at a time, in milliseconds; 0 is without end. All who come
   * after it wait as long. 2,000 by default.
   */
  readonly lockTimeoutMs?: number;
  /**
   * How often a step that could not get its locks is tried again, after pauses that grow. Nothing of
   * it is left in between. 5 by default.
   */
  readonly lockRetries?: number;
  /** How long a statement may run, in milliseconds; 0, the default, is without end. */
  readonly statementTimeoutMs?: number;
}

/** How often a step is tried again by default. */
export const LOCK_RETRIES = 5;

/** How long a statement waits for a lock by default, in milliseconds; `sql/session.sql` says it too. */
export const LOCK_TIMEOUT_MS = 2000;

/** More is no time-out to PostgreSQL. */
const MOST_MS = 2_147_483_647;

/** A comment that speaks to this tool. */
const MARK = /^--\s*supamigrate:\s*([^\s:]*)[\s:]*(.*?)\s*$/i;

/** What such comments can ask for; the first three are read where they count. */
const WORDS = ["commit", "allow", "batch", "lock_timeout", "statement_timeout", "lock_retries"];

/**
 * Reads the limits that a part of a file says in its comments.
 *
 * @param section The part.
 * @param file The name to use in errors.
 * @returns The limits that it says.
 * @throws {MigrationFileError} A comment asks for what there is not, or not in a way that is understood.
 *
 * @example
 * ```ts
 * import { readLimits } from "./limits.ts";
 *
 * readLimits({ sql: "-- supamigrate: lock_timeout 500ms\n", line: 1 }, "001_notes.sql");
 * // { lockTimeoutMs: 500 }
 * ```
 */
export function readLimits(
  { sql, line }: Pick<Section, "sql" | "line">,
  file: string,
): Limits {
  if (!/supamigrate/i.test(sql)) return {};
  const limits: { -readonly [Name in keyof Limits]: Limits[Name] } = {};
  for (const { text, start } of scanComments(sql).comments) {
    const mark = MARK.exec(text);
    if (mark === null) continue;
    const [, word = "", value = ""] = mark;
    const refuse = (message: string, hint: string): never => {
      const position = { file, line: line + countNewlines(sql, 0, start), excerpt: text };
      throw new MigrationFileError(message, position, { hint });
    };
    switch (word.toLowerCase()) {
      case "commit":
      case "allow":
      case "batch":
        break;
      case "lock_timeout":
        limits.lockTimeoutMs = readTime(value) ?? refuse(...notATime(word, value));
        break;
      case "statement_timeout":
        limits.statementTimeoutMs = readTime(value) ?? refuse(...notATime(word, value));
        break;
      case "lock_retries":
        limits.lockRetries = readCount(value) ??
          refuse(
            `lock_retries has to be a whole number from 0 to ${MOST_RETRIES}, not "${value}"`,
            "It says how often a step is tried again that could not get its locks.",
          );
        break;
      default: {
        const guess = suggest(word.toLowerCase(), WORDS);
        refuse(
          `"-- supamigrate: ${word}" asks for nothing that there is${
            guess === undefined ? "" : `: is "${guess}" meant?`
          }`,
          `There are ${WORDS.join(", ")}.`,
        );
      }
    }
  }
  return limits;
}

/**
 * Limits as a part of something else, which is without them where there are none.
 *
 * @param limits The limits.
 */
export function withLimits(limits: Limits): { readonly limits?: Limits } {
  return Object.keys(limits).length === 0 ? {} : { limits };
}

/** How often a step may be tried again at most. */
export const MOST_RETRIES = 1000;

/**
 * Reads a time such as `2s`.
 *
 * @param text The text.
 * @returns Milliseconds; undefined where it is no time, or longer than PostgreSQL takes.
 */
export function readTime(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms === undefined || ms > MOST_MS ? undefined : ms;
}

/**
 * Reads how often something is tried again.
 *
 * @param text The text.
 * @returns The number; undefined where it is none.
 */
export function readCount(text: string): number | undefined {
  return /^\d{1,4}$/.test(text) && Number(text) <= MOST_RETRIES ? Number(text) : undefined;
}

function notATime(name: string, value: string): [string, string] {
  return [
    `${name.toLowerCase()} has to be a time such as 500ms, 2s or 10min, not "${value}"`,
    "The unit has to be there: ms, s, min or h. 0 is without end.",
  ];
}

/**
 * Checks limits that a program gives.
 *
 * @param limits The limits.
 * @returns The same.
 * @throws {ConfigurationError} One is out of range.
 */
export function checkLimits(limits: Limits = {}): Limits {
  const { lockTimeoutMs = 0, statementTimeoutMs = 0, lockRetries = 0 } = limits;
  const given = { lockTimeoutMs, statementTimeoutMs, lockRetries };
  for (const [name, value] of Object.entries(given)) {
    const most = name === "lockRetries" ? MOST_RETRIES : MOST_MS;
    if (!Number.isSafeInteger(value) || value < 0 || value > most) {
      throw new ConfigurationError(
        `limits.${name} has to be a whole number from 0 to ${most}, not ${value}`,
      );
    }
  }
  return limits;
}

/** Limits in the form of `sql/session.sql`, those of the file before those of the run. */
export function toWireLimits(run: Limits = {}, file: Limits = {}): Record<string, number> {
  const { lockTimeoutMs, statementTimeoutMs, lockRetries = LOCK_RETRIES } = { ...run, ...file };
  return {
    lock_retries: lockRetries,
    ...(lockTimeoutMs === undefined ? {} : { lock_timeout: lockTimeoutMs }),
    ...(statementTimeoutMs === undefined ? {} : { statement_timeout: statementTimeoutMs }),
  };
}
