/** What is doubtful about migrations: told before anything is sent, and asked about. @module */

import type { MigrationPlan } from "../planning/plan.ts";
import type { ReservedChange } from "../planning/reserved.ts";
import type { SplitResult } from "../planning/statements.ts";
import type { ProgressEvent } from "./progress.ts";
import { describeFiles, findUnnumbered } from "./plan_notes.ts";
import { findSent, type MigrationSecret } from "./secrets.ts";
import type { LoadedMigrations } from "./source.ts";

/** Something in a migration that a person is asked about before it is sent. */
export interface Concern {
  /** The file. */
  readonly file: string;
  /** The line of the file, from 1. */
  readonly line: number;
  /**
   * A key that would be stored, a change of what Supabase keeps to itself, a file that nobody has
   * given a number, or one that another tool has applied already.
   */
  readonly about: "secret" | "reserved" | "unnumbered" | "applied elsewhere";
  /** What the file does there, such as "holds a password". */
  readonly says: string;
}

/** A statement that changes what Supabase keeps to itself, or that cuts the API off. */
export interface MigrationReserved extends ReservedChange {
  /** The file. */
  readonly file: string;
  /** The line of the file that the statement starts on, from 1. */
  readonly line: number;
}

/** What was found in what is to be run. */
type Planned = readonly { readonly reserved: readonly MigrationReserved[] }[];

/** How many a report names. */
const NAMED = 20;

const ABOUT_SECRETS =
  "The server keeps that: statements in its logs, rollback SQL in the history. Put " +
  "keys into the vault by hand (vault.create_secret) and read vault.decrypted_secrets, set " +
  "passwords by hand afterwards, and replace a key that was committed";

const ABOUT_RESERVED =
  "Leave it out: what Supabase keeps to itself it refuses over direct connections, and the " +
  "application's requests may fail after it. What shuts the API out is put back past it alone, in " +
  "the SQL editor";

/**
 * Takes the values away, and what was found twice.
 *
 * @param secrets What was found.
 * @returns Where, in order.
 */
export function toConcerns(secrets: readonly MigrationSecret[]): Concern[] {
  const held = secrets.map(({ file, line, kind }): [string, Concern] => [
    `${file}:${line} ${kind}`,
    { file, line, about: "secret", says: `holds ${kind}` },
  ]);
  return [...new Map(held).values()];
}

/**
 * Says what migrations hold, and what to do about it.
 *
 * @param secrets What was found in what is to be sent or stored.
 * @returns A sentence each; none where nothing was found.
 */
export function describeSecrets(secrets: readonly MigrationSecret[]): string[] {
  const held = toConcerns(secrets);
  if (held.length === 0) return [];
  const sentences = held.slice(0, NAMED).map(({ file, line, says }) => `${file}:${line} ${says}`);
  if (held.length > NAMED) sentences.push(`… and ${held.length - NAMED} more`);
  return [...sentences, ABOUT_SECRETS];
}

/**
 * Says where something stands.
 *
 * @param file The file.
 * @param found What was found there.
 */
export function locateReserved(
  file: string,
  { reserved }: Pick<SplitResult, "reserved">,
): MigrationReserved[] {
  return reserved.map((change) => ({ ...change, file }));
}

/**
 * Says what changes of what Supabase keeps to itself, and what to do about it.
 *
 * @param planned What is to be run.
 * @returns A sentence each; none where nothing changes.
 */
export function describeReserved(planned: Planned): string[] {
  const found = planned.flatMap(({ reserved }) => reserved);
  if (found.length === 0) return [];
  const sentences = found.slice(0, NAMED).map(({ file, line, says, isUndone }) =>
    `${file}:${line} ${says}${isUndone ? ": the migration is undone" : ""}`
  );
  if (found.length > NAMED) sentences.push(`… and ${found.length - NAMED} more`);
  return [...sentences, ABOUT_RESERVED];
}

/**
 * Says what is doubtful about migrations that are to be applied. What is applied already blocks
 * nobody: a key in its rollback part, where that alone was changed, is told and not asked about.
 * Neither is what the database itself undoes.
 *
 * @param files The files, and what was found in them.
 * @param plan What is to be sent or stored.
 * @param planned What is to be run.
 * @returns A sentence for each doubt, and what to ask about.
 */
export function reviewPlan(
  files: LoadedMigrations,
  plan: MigrationPlan,
  planned: Planned,
): { warnings: string[]; concerns: Concern[] } {
  const { held, keys } = findSent(files.secrets, plan);
  const reserved = planned.flatMap(({ reserved }) => reserved).filter(({ isUndone }) => !isUndone);
  return {
    warnings: [
      ...describeFiles(files, plan),
      ...describeSecrets(held),
      ...describeReserved(planned),
    ],
    concerns: [
      ...toConcerns(keys),
      ...findUnnumbered(files, plan).map((file) =>
        ({
          file,
          line: 1,
          about: "unnumbered",
          says: "has no number in front of its name",
        }) as const
      ),
      ...reserved.map(({ file, line, says }) => ({ file, line, about: "reserved", says }) as const),
    ],
  };
}

/**
 * Makes a function that tells the user something, once however often a plan is made.
 *
 * @param context What the operation works with.
 */
export function createTeller(
  { onProgress }: { readonly onProgress: (event: ProgressEvent) => void },
): (messages: readonly string[]) => void {
  const told = new Set<string>();
  return (messages) => {
    for (const message of messages) {
      if (!told.has(message)) onProgress({ type: "notice", message });
      told.add(message);
    }
  };
}
