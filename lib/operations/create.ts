/** Makes a new migration file from the template. @module */

import { ConfigurationError } from "../errors.ts";
import { type DiscoveryOptions, orderOf } from "../planning/discovery.ts";
import { comparisonBy, isNumbered } from "../planning/order.ts";
import { TEMPLATE_COMMENT } from "../planning/template.ts";
import { readUndoName } from "../planning/undo_names.ts";
import { readFolder } from "./source.ts";

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
  /** Where what undoes it goes, where that is a file of its own; null where it is a section. */
  readonly rollbackPath: string | null;
}

/** Where a migration was written to. */
export type WrittenFiles = Pick<CreateResult, "path" | "rollbackPath">;

/** A migration that is no file yet. */
export interface MigrationDraft {
  /** The file's name. */
  readonly name: string;
  /** Its text. */
  readonly text: string;
  /** The text of the file of that name in `rollback/`; null where what undoes it is a section. */
  readonly rollbackText: string | null;
}

const RULE = "-- ============================================";

/**
 * Makes a migration file with a forward and a rollback section, named after the time in UTC.
 * The folder is made where it is missing; an existing file is never overwritten. Where a file is
 * dated in the future, the new one is dated after it: it is to run last.
 *
 * In the Supabase CLI's folder the rollback is a file below `rollback/`: the CLI runs a file as a
 * whole, and would undo what it has just done.
 *
 * @param folder The folder of the migrations.
 * @param name What to call it, such as `add_celebrity_ratings`.
 * @param options The description and the time, and how the folder is laid out.
 * @returns The file.
 * @throws {ConfigurationError} The name is a path, has nothing usable in it or means something
 * else, or the folder cannot be written to.
 *
 * @example
 * ```ts ignore
 * const { path } = await createMigration("migrations", "add_celebrity_ratings");
 * ```
 */
export async function createMigration(
  folder: string,
  name: string,
  options: CreateOptions & DiscoveryOptions = {},
): Promise<CreateResult> {
  const slug = toSlug(name);
  const { ensureDir } = await import("@std/fs");
  await ensureDir(folder).catch((error) => refuseUnwritable(folder, error));
  const created = options.now ?? new Date();
  const found = await readFolder(folder, options);
  const texts = fillTemplate(slug, options.description ?? "", created, TEMPLATE, found);
  for (const file of nameFiles(slug, created, found)) {
    const written = await writeNewFile(folder, { name: file, ...texts });
    // Else somebody else has just made it.
    if (written !== null) return { name: file, ...written };
  }
  throw new TypeError("There is always one more number");
}

/** What goes into the sections of a new file. */
export interface NewSections {
  /** What is applied. */
  readonly forward: string;
  /** What undoes it. */
  readonly rollback: string;
}

/**
 * Names a migration file as {@linkcode createMigration} does, and writes its text; no file yet.
 *
 * @param found What is in the folder; null where there is no folder yet.
 * @param name What to call it.
 * @param sections What goes into it.
 * @param options The description and the time; and the number, where it is not to be the next one.
 * @returns The file's name and its text.
 * @throws {ConfigurationError} The name is not fit.
 */
export function draftMigration(
  found: FoundFolder | null,
  name: string,
  sections: NewSections,
  { description = "", now = new Date(), number }: CreateOptions & { readonly number?: string } = {},
): MigrationDraft {
  const slug = toSlug(name);
  const [file] = nameFiles(slug, now, found ?? NO_FOLDER);
  return {
    name: number === undefined ? file! : `${number}_${slug}.sql`,
    ...fillTemplate(slug, description, now, sections, found ?? NO_FOLDER),
  };
}

/**
 * Writes a file that was drafted.
 *
 * @param folder The folder of the migrations; it is made where it is missing.
 * @param draft What to write.
 * @returns Where it is.
 * @throws {ConfigurationError} There is such a file by now, or the folder cannot be written to.
 */
export async function writeDraft(
  folder: string,
  draft: MigrationDraft,
): Promise<WrittenFiles> {
  const { ensureDir } = await import("@std/fs");
  await ensureDir(folder).catch((error) => refuseUnwritable(folder, error));
  const written = await writeNewFile(folder, draft);
  if (written !== null) return written;
  throw new ConfigurationError(`The folder "${folder}" has got a file called "${draft.name}"`, {
    hint: "Somebody has made it in the meantime. Run the command again.",
  });
}

/** Writes a file, and the one that undoes it; null where there is one of that name. */
async function writeNewFile(
  folder: string,
  { name, text, rollbackText }: MigrationDraft,
): Promise<WrittenFiles | null> {
  const { rm, writeFile } = await import("node:fs/promises");
  const { join, resolve } = await import("node:path");
  const { ensureDir } = await import("@std/fs");
  const path = resolve(folder, name);
  try {
    await writeFile(path, text, { flag: "wx" });
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") return null;
    refuseUnwritable(folder, error);
  }
  if (rollbackText === null) return { path, rollbackPath: null };
  const undoFolder = join(folder, UNDO_FOLDER);
  const rollbackPath = resolve(undoFolder, name);
  try {
    await ensureDir(undoFolder);
    await writeFile(rollbackPath, rollbackText, { flag: "wx" });
  } catch (error) {
    // Both are written, or none is.
    await rm(path);
    refuseUnwritable(undoFolder, error);
  }
  return { path, rollbackPath };
}

/**
 * Takes a draft back that was written.
 *
 * @param files Where it is.
 */
export async function removeDraft({ path, rollbackPath }: WrittenFiles): Promise<void> {
  const { rm } = await import("node:fs/promises");
  await rm(path);
  if (rollbackPath !== null) await rm(rollbackPath);
}

/** Where what undoes a migration goes in the Supabase CLI's folder. */
export const UNDO_FOLDER = "rollback";

/** What is in a folder: see `readFolder()`. */
export type FoundFolder = Pick<Awaited<ReturnType<typeof readFolder>>, "discovery" | "options">;

const NO_FOLDER: FoundFolder = {
  discovery: { migrations: [], leftOut: [], refusals: [] },
  options: {},
};

/** The names that a new file may get, the best one first. */
function* nameFiles(
  slug: string,
  created: Date,
  { discovery, options }: FoundFolder,
): Generator<string> {
  const compare = comparisonBy(orderOf(options));
  const last = discovery.migrations.findLast((migration) => isNumbered(migration.name))?.name;
  const known = [...discovery.migrations, ...discovery.leftOut];
  const taken = new Set(known.map((file) => /^\d+/.exec(file.name)?.[0]));
  let prefix = toPrefix(created);
  if (last !== undefined && compare(`${prefix}_${slug}.sql`, last) < 0) {
    prefix = follow(last, prefix);
  }
  for (;; prefix = next(prefix)) {
    if (!taken.has(prefix)) yield `${prefix}_${slug}.sql`;
  }
}

function refuseUnwritable(folder: string, error: unknown): never {
  throw new ConfigurationError(
    `Cannot make a file in the folder "${folder}": ${(error as Error).message}`,
    { hint: "Name another folder with --dir, or make this one writable.", cause: error },
  );
}

/**
 * The number after the last migration's. Where the order is by name, a short number such as 99
 * stands after all that begin with a lower digit: there no number of a date comes after it.
 */
function follow(last: string, prefix: string): string {
  const digits = /^V?(\d+)/i.exec(last)![1]!;
  return digits.length < prefix.length && BigInt(digits) < BigInt(prefix) ? prefix : next(digits);
}

/** One second later, where the number is a time; else the next number. */
function next(prefix: string): string {
  const [, year, month, day, hours, minutes, seconds] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(prefix) ?? [];
  if (year !== undefined) {
    const time = new Date(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
    const later = new Date(time.getTime() + 1000);
    if (!Number.isNaN(later.getTime()) && toPrefix(later) > prefix) return toPrefix(later);
  }
  return String(BigInt(prefix) + 1n).padStart(prefix.length, "0");
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
      hint: "For example: supamigrate create add_celebrity_ratings",
    });
  }
  if (slug.includes("deprecated")) {
    throw new ConfigurationError('A migration with "deprecated" in its name would be left out', {
      hint: "Choose another name.",
    });
  }
  if (readUndoName(`1_${slug}.sql`)?.certainty === "by its form") {
    throw new ConfigurationError(
      `A migration called "${slug}" would be taken for what undoes another one`,
      { hint: "Choose another name." },
    );
  }
  return slug;
}

/** `20250726123456` for the 26th of July 2025, 12:34:56 UTC. */
function toPrefix(time: Date): string {
  return time.toISOString().replace(/\D/g, "").slice(0, 14);
}

function fillTemplate(
  name: string,
  description: string,
  created: Date,
  { forward, rollback }: NewSections,
  { options: { layout } }: FoundFolder,
): Pick<MigrationDraft, "text" | "rollbackText"> {
  const oneLine = description.replace(/[\s\p{Cc}]+/gu, " ").trim();
  const head = `-- Migration: ${name}
-- Description: ${oneLine}
-- Created: ${created.toISOString()}
`;
  if (layout === "supabase") {
    return { text: `${head}\n${forward}\n`, rollbackText: `${rollback}\n` };
  }
  return {
    text: `${head}
${RULE}
-- FORWARD MIGRATION
${RULE}

${forward}

${RULE}
-- ROLLBACK
${RULE}

${rollback}
`,
    rollbackText: null,
  };
}

/** What a file that somebody is to write has in its sections. */
const TEMPLATE: NewSections = {
  forward: `${TEMPLATE_COMMENT}
-- A table that the API is to show needs row level security, policies and grants:
--   alter table … enable row level security;
--   create policy … on … for select to authenticated using ((select auth.uid()) = user_id);
--   grant select on … to authenticated;`,
  rollback: "-- Add your rollback SQL here",
};
