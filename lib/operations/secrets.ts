/** What migrations hold that looks like a key: told before it is stored, and never shown. @module */

import { findSecrets, type FoundSecret } from "../planning/secrets.ts";
import type { Migration, MigrationPlan } from "../planning/plan.ts";

/** Something like a key, and what becomes of it. */
export interface MigrationSecret extends FoundSecret {
  /** The file. */
  readonly file: string;
  /** The migration. */
  readonly migration: string;
  /** The forward part is sent; the rollback part is stored. */
  readonly part: "forward" | "rollback";
}

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
 * Finds what is sent or stored, and of that what can only be a key and is not in the database yet.
 *
 * @param secrets What was found in the files.
 * @param plan What is to be sent or stored.
 */
export function findSent(
  secrets: readonly MigrationSecret[],
  { pending, changedRollbacks, reworded }: Pick<
    MigrationPlan,
    "pending" | "changedRollbacks" | "reworded"
  >,
): { held: MigrationSecret[]; keys: MigrationSecret[] } {
  const sent = new Set(pending.map(({ migration }) => migration.name));
  const refreshed = new Set([...changedRollbacks, ...reworded].map(({ name }) => name));
  const held = secrets.filter(({ migration, part }) =>
    sent.has(migration) || (part === "rollback" && refreshed.has(migration))
  );
  return { held, keys: held.filter(({ certain, migration }) => certain && sent.has(migration)) };
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
