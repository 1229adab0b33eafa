/** Reads migrations from a folder, or from a record of names to SQL. @module */

import type { Dirent } from "node:fs";
import { ConfigurationError, MigrationFileError } from "../errors.ts";
import { checksumForward, sha256 } from "../planning/checksum.ts";
import { discoverMigrations, type Discovery, type LeftOut } from "../planning/discovery.ts";
import { holdsStatements } from "../planning/lexer.ts";
import type { Migration, RollbackSection } from "../planning/plan.ts";
import { Refusals } from "../planning/refusals.ts";
import { normalizeText, splitSections } from "../planning/sections.ts";
import { findMigrationSecrets, type MigrationSecret } from "./secrets.ts";
import { findUnstorable } from "../storable.ts";

/** Where migrations come from: a folder's path, or a record of file names to SQL. */
export type MigrationSource = string | Readonly<Record<string, string>>;

/** The migrations of a source. */
export interface LoadedMigrations {
  /** The migrations in order. */
  readonly migrations: readonly Migration[];
  /** What else is there, and why it is no migration. */
  readonly leftOut: readonly LeftOut[];
  /** What in the migrations looks like a key, in order. */
  readonly secrets: readonly MigrationSecret[];
}

/** How many characters of a name the history holds. */
const LONGEST_NAME = 255;

/** How many files are read at the same time. */
const CONCURRENT_READS = 64;

/**
 * Reads and hashes all migrations of a source.
 *
 * @param source The folder or the record.
 * @param refused Takes the files that are not fit to be migrations, where that is no reason to
 * give up.
 * @returns The migrations in order.
 * @throws {ConfigurationError} The folder is missing or empty.
 * @throws {MigrationFileError} Files are not fit to be migrations: the first, and with it the others.
 */
export async function loadMigrations(
  source: MigrationSource,
  refused?: Refusals,
): Promise<LoadedMigrations> {
  const refusals = refused ?? new Refusals();
  const loaded = typeof source === "string"
    ? await loadFolder(source, refusals)
    : await loadRecord(source, refusals);
  if (refused === undefined) refusals.throwAny();
  if (loaded.migrations.length === 0 && refusals.all.length === 0) {
    const what = typeof source === "string" ? `folder "${source}"` : "record of migrations";
    throw new ConfigurationError(`The ${what} holds no migrations`, {
      hint: "Make the first one: deno task migrate:create NAME.",
    });
  }
  return loaded;
}

async function loadRecord(
  record: Readonly<Record<string, string>>,
  refusals: Refusals,
): Promise<LoadedMigrations> {
  const texts = new Map<string, string>();
  for (const [key, sql] of Object.entries(record)) {
    const name = key.endsWith(".sql") ? key : `${key}.sql`;
    if (texts.has(name)) throw new ConfigurationError(`Two migrations are called "${name}"`);
    texts.set(name, sql);
  }
  return await assemble(discoverMigrations([...texts.keys()]), refusals, (name) => {
    refuseUnstorable(texts.get(name)!, name);
    return texts.get(name)!;
  });
}

async function loadFolder(folder: string, refusals: Refusals): Promise<LoadedMigrations> {
  const { readdir, realpath } = await import("node:fs/promises");
  const { join, sep } = await import("node:path");
  let entries;
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const code = (error as { code?: string }).code;
    throw new ConfigurationError(
      code === "ENOENT"
        ? `There is no folder "${folder}"`
        : `Cannot read the folder "${folder}": ${(error as Error).message}`,
      {
        hint: "Name the folder of the migrations with --dir, or make the first one: " +
          "deno task migrate:create NAME.",
        cause: error,
      },
    );
  }

  const names = (fits: (entry: Dirent) => boolean) => entries.filter(fits).map(({ name }) => name);
  const links = new Set(names((entry) => entry.isSymbolicLink()));
  const root = await realpath(folder) + sep;
  return await assemble(
    discoverMigrations(
      names((entry) => entry.isFile() || entry.isSymbolicLink()),
      names((entry) => entry.isDirectory()),
    ),
    refusals,
    async (name) => {
      const path = join(folder, name);
      if (links.has(name)) await refuseLinkOut(path, name, root);
      return await readMigrationFile(path, name);
    },
  );
}

async function refuseLinkOut(path: string, name: string, root: string): Promise<void> {
  const { realpath } = await import("node:fs/promises");
  const destination = await realpath(path).catch(() => "");
  if (destination.startsWith(root)) return;
  throw new MigrationFileError(
    destination === ""
      ? `"${name}" is a symbolic link to nothing`
      : `"${name}" is a symbolic link that leads out of the folder`,
    { file: name },
    { hint: "Put the file itself into the folder." },
  );
}

async function readMigrationFile(path: string, name: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new MigrationFileError(
      `Cannot read "${name}": ${(error as Error).message}`,
      { file: name },
      { cause: error },
    );
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new MigrationFileError("The file is not UTF-8", { file: name, line: brokenLine(bytes) }, {
      hint: "Save it as UTF-8.",
      cause: error,
    });
  }
  refuseUnstorable(text, name);
  return text;
}

function refuseUnstorable(text: string, file: string): void {
  const found = findUnstorable(text);
  if (found === undefined) return;
  const line = normalizeText(text.slice(0, found.offset)).split("\n").length;
  throw new MigrationFileError(`The file holds ${found.what}`, { file, line }, {
    hint: found.what === "a NUL character"
      ? "PostgreSQL cannot store it. Is the file UTF-16? Save it as UTF-8."
      : "PostgreSQL cannot store it: a surrogate counts with its other half alone.",
  });
}

function refuseUnfitName(name: string): void {
  const found = findUnstorable(name);
  const length = [...name].length;
  if (found === undefined && length <= LONGEST_NAME) return;
  throw new MigrationFileError(
    found === undefined
      ? `The file's name has ${length} characters, and the history holds ${LONGEST_NAME}`
      : `The file's name holds ${found.what}`,
    { file: name },
    { hint: "Give the file another name." },
  );
}

/** The first line that is no UTF-8. */
function brokenLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    while (end < bytes.length && bytes[end] !== 10 && bytes[end] !== 13) end++;
    end += bytes[end] === 13 && bytes[end + 1] === 10 ? 2 : 1;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    line++;
  }
  return line;
}

async function assemble(
  discovery: Discovery,
  refusals: Refusals,
  read: (name: string) => string | Promise<string>,
): Promise<LoadedMigrations> {
  const migrations: Migration[] = [];
  for (let start = 0; start < discovery.migrations.length; start += CONCURRENT_READS) {
    const group = discovery.migrations.slice(start, start + CONCURRENT_READS);
    const outcomes = await Promise.allSettled(
      group.map(({ name, downFile }) => assembleOne(name, downFile, read)),
    );
    // In order, and none that is still being read.
    for (const outcome of outcomes) {
      const migration = await refusals.attempt(() => {
        if (outcome.status === "rejected") throw outcome.reason;
        return outcome.value;
      });
      if (migration !== undefined) migrations.push(migration);
    }
  }
  return {
    migrations,
    leftOut: discovery.leftOut,
    secrets: migrations.flatMap(findMigrationSecrets),
  };
}

async function assembleOne(
  name: string,
  downFile: string | null,
  read: (name: string) => string | Promise<string>,
): Promise<Migration> {
  refuseUnfitName(name);
  const { forward, rollback: section } = splitSections(await read(name), name);
  let rollback: RollbackSection | null = section === null
    ? null
    : { ...section, file: name, checksum: await sha256(section.sql) };
  if (downFile !== null) {
    if (rollback !== null) {
      throw new MigrationFileError(
        `The migration has two rollbacks: its ROLLBACK section and "${downFile}"`,
        { file: name, line: rollback.line },
        { hint: "Keep one of them." },
      );
    }
    const sql = normalizeText(await read(downFile));
    if (holdsStatements(sql)) {
      rollback = { sql, line: 1, file: downFile, checksum: await sha256(sql) };
    }
  }
  return { name, forward, rollback, checksum: await checksumForward(forward.sql) };
}
