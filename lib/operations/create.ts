/** Makes a new migration file from the template. @module */

import { ensureDir } from "@std/fs";
import { ConfigurationError } from "../errors.ts";

/** Options of {@linkcode createMigration}. */
export interface CreateOptions {
  /** What the migration is for; goes into the file's head. */
  readonly description?: string;
  /** The time to name the file after. The present where it is left out. */
  readonly now?: Date;
}

/** What {@linkcode createMigration} made. */
export interface CreateResult {
  /** The file's name. */
  readonly name: string;
  /** Its absolute path. */
  readonly path: string;
}

const RULE = "-- ============================================";

/**
 * Makes a migration file with a forward and a rollback section, named after the time in UTC.
 * The folder is made where it is missing; an existing file is never overwritten.
 *
 * @param folder The folder of the migrations.
 * @param name What to call it, such as `add_celebrity_ratings`.
 * @param options The description and the time.
 * @returns The file.
 * @throws {ConfigurationError} The name is a path, or has nothing usable in it.
 *
 * @example
 * ```ts ignore
 * const { path } = await createMigration("migrations", "add_celebrity_ratings");
 * ```
 */
export async function createMigration(
  folder: string,
  name: string,
  options: CreateOptions = {},
): Promise<CreateResult> {
  const slug = toSlug(name);
  const { readdir, writeFile } = await import("node:fs/promises");
  const { resolve } = await import("node:path");
  await ensureDir(folder);
  const created = options.now ?? new Date();
  const content = fillTemplate(slug, options.description ?? "", created);

  const taken = new Set((await readdir(folder)).map((file) => /^\d+/.exec(file)?.[0]));
  for (let stamp = created;; stamp = new Date(stamp.getTime() + 1000)) {
    if (taken.has(toPrefix(stamp))) continue;
    const file = `${toPrefix(stamp)}_${slug}.sql`;
    const path = resolve(folder, file);
    try {
      await writeFile(path, content, { flag: "wx" });
      return { name: file, path };
    } catch (error) {
      // Somebody else has just made it.
      if ((error as { code?: string }).code !== "EEXIST") throw error;
    }
  }
}

function toSlug(name: string): string {
  if (/[\\/]|^\.+$/.test(name)) {
    throw new ConfigurationError(`"${name}" is a path, not a name`, {
      hint: "Name the folder with --dir, and the migration with letters, digits and underscores.",
    });
  }
  const slug = name.replace(/\.sql$/i, "").normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .replace(/[^a-z0-9]+/g, "_").slice(0, 200).replace(/^_+|_+$/g, "");
  if (slug === "") {
    throw new ConfigurationError(`"${name}" has nothing in it to name a migration with`, {
      hint: "For example: deno task migrate:create add_celebrity_ratings",
    });
  }
  if (slug.includes("deprecated")) {
    throw new ConfigurationError('A migration with "deprecated" in its name would be left out', {
      hint: "Choose another name.",
    });
  }
  return slug;
}

/** `20250726123456` for the 26th of July 2025, 12:34:56 UTC. */
function toPrefix(time: Date): string {
  return time.toISOString().replace(/\D/g, "").slice(0, 14);
}

function fillTemplate(name: string, description: string, created: Date): string {
  const oneLine = description.replace(/[\s\p{Cc}]+/gu, " ").trim();
  return `-- Migration: ${name}
-- Description: ${oneLine}
-- Created: ${created.toISOString()}

${RULE}
-- FORWARD MIGRATION
${RULE}

-- Add your migration SQL here
-- A table that the API is to show needs row level security, policies and grants:
--   alter table … enable row level security;
--   create policy … on … for select to authenticated using ((select auth.uid()) = user_id);
--   grant select on … to authenticated;

${RULE}
-- ROLLBACK
${RULE}

-- Add your rollback SQL here
`;
}
