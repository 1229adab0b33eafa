/** What migrations hold that looks like a key: told before it is stored, and never shown. @module */

import { findSecrets, type FoundSecret } from "../planning/secrets.ts";
import { findOrderWarnings } from "../planning/order.ts";
import type { Migration, MigrationPlan } from "../planning/plan.ts";
import type { ProgressEvent } from "./progress.ts";

/** Where a migration holds something like a key; what it is, and never its value. */
export interface HeldSecret {
  /** The file. */
  readonly file: string;
  /** The line of the file, from 1. */
  readonly line: number;
  /** What it is, with its article, such as "a password". */
  readonly kind: string;
}

/** Something like a key, and what becomes of it. */
export interface MigrationSecret extends FoundSecret, HeldSecret {
  /** The migration. */
  readonly migration: string;
  /** The forward part is sent; the rollback part is stored. */
  readonly part: "forward" | "rollback";
}

/** How many a report names. */
const NAMED = 20;

const ADVICE = "The server keeps that: statements in its logs, rollback SQL in the history. Put " +
  "keys into the vault by hand (vault.create_secret) and read vault.decrypted_secrets, set " +
  "passwords by hand afterwards, and replace a key that was committed";

/**
 * Finds what looks like a key in a migration.
 *
 * @param migration The migration.
 * @returns What was found, in the order of the file.
 */
export function findMigrationSecrets(migration: Migration): MigrationSecret[] {
  const { name, forward, rollback } = migration;
  const locate = (file: string, part: MigrationSecret["part"]) => (found: FoundSecret) => ({
    ...found,
    migration: name,
    file,
    part,
  });
  return [
    ...findSecrets(forward.sql, forward.line).map(locate(name, "forward")),
    ...(rollback === null
      ? []
      : findSecrets(rollback.sql, rollback.line).map(locate(rollback.file, "rollback"))),
  ];
}

/**
 * Takes the values away, and what was found twice.
 *
 * @param secrets What was found.
 * @returns Where, in order.
 */
export function withoutValues(secrets: readonly MigrationSecret[]): HeldSecret[] {
  const held = new Map(
    secrets.map(({ file, line, kind }) => [`${file}:${line} ${kind}`, { file, line, kind }]),
  );
  return [...held.values()];
}

/**
 * Says what migrations hold, and what to do about it.
 *
 * @param secrets What was found in what is to be sent or stored.
 * @returns A sentence each; none where nothing was found.
 */
export function describeSecrets(secrets: readonly MigrationSecret[]): string[] {
  const held = withoutValues(secrets);
  if (held.length === 0) return [];
  const sentences = held.slice(0, NAMED).map(({ file, line, kind }) =>
    `${file}:${line} holds ${kind}`
  );
  if (held.length > NAMED) sentences.push(`… and ${held.length - NAMED} more`);
  return [...sentences, ADVICE];
}

/**
 * Says what is doubtful about migrations that are to be applied. What is applied already blocks
 * nobody: a key in its rollback part, where that alone was changed, is told and not asked about.
 *
 * @param migrations The files.
 * @param secrets What was found in them.
 * @param plan What is to be sent or stored.
 * @returns A sentence for each doubt, and what to ask about: what can only be a key.
 */
export function reviewPlan(
  migrations: readonly Migration[],
  secrets: readonly MigrationSecret[],
  { pending, changedRollbacks }: MigrationPlan,
): { warnings: string[]; keys: HeldSecret[] } {
  const sent = new Set(pending.map(({ migration }) => migration.name));
  const refreshed = new Set(changedRollbacks.map(({ name }) => name));
  const held = secrets.filter(({ migration, part }) =>
    sent.has(migration) || (part === "rollback" && refreshed.has(migration))
  );
  const keys = held.filter(({ certain, migration }) => certain && sent.has(migration));
  return {
    warnings: [
      ...findOrderWarnings(migrations.map(({ name }) => name)),
      ...describeSecrets(held),
    ],
    keys: withoutValues(keys),
  };
}

/**
 * Finds what is stored of migrations that are not run: their rollback parts.
 *
 * @param secrets What was found in the files.
 * @param migrations The migrations.
 */
export function findStored(
  secrets: readonly MigrationSecret[],
  migrations: readonly Migration[],
): MigrationSecret[] {
  const names = new Set(migrations.map(({ name }) => name));
  return secrets.filter(({ migration, part }) => part === "rollback" && names.has(migration));
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
