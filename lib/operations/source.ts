/** Reads migrations from a folder, or from a record of names to SQL. @module */

import { isUtf8 } from "node:buffer";
import { type Dirent, readFileSync, realpathSync } from "node:fs";
import { ConfigurationError, MigrationFileError } from "../errors.ts";
import { checksumForward, checksumStatements, sha256 } from "../planning/checksum.ts";
import {
  discoverMigrations,
  type Discovery,
  type DiscoveryOptions,
  type Layout,
  type LeftOut,
  orderOf,
} from "../planning/discovery.ts";
import { holdsStatements } from "../planning/lexer.ts";
import type { OrderBy } from "../planning/order.ts";
import type { Migration, RollbackSection } from "../planning/plan.ts";
import { isUndoFolder } from "../planning/undo_names.ts";
import { Refusals } from "../planning/refusals.ts";
import { normalizeText, splitSections } from "../planning/sections.ts";
import { findMigrationSecrets, type MigrationSecret } from "./secrets.ts";
import { TEMPLATE_COMMENT } from "../planning/template.ts";
import { findUnstorable } from "../storable.ts";

/** Where migrations come from: a folder's path, or a record of file names to SQL. */
export type MigrationSource = string | Readonly<Record<string, string>>;

/** The migrations of a source. */
export interface LoadedMigrations {
  /** The migrations in order. */
  readonly migrations: readonly Migration[];
  /** What decides their order. */
  readonly order: OrderBy;
  /** What else is there, and why it is no migration. */
  readonly leftOut: readonly LeftOut[];
  /** What in the migrations looks like a key, in order. */
  readonly secrets: readonly MigrationSecret[];
}

/** How many characters of a name the history holds. */
const LONGEST_NAME = 255;

/**
 * Reads and hashes all migrations of a source.
 *
 * @param source The folder or the record.
 * @param options Its layout, which a folder's path says where it is left out, and its order.
 * @param refused Takes the files that are not fit to be migrations, where that is no reason to
 * give up.
 * @returns The migrations in order.
 * @throws {ConfigurationError} The folder is missing or empty.
 * @throws {MigrationFileError} Files are not fit to be migrations: the first, and with it the others.
 */
export async function loadMigrations(
  source: MigrationSource,
  options: DiscoveryOptions = {},
  refused?: Refusals,
): Promise<LoadedMigrations> {
  const refusals = refused ?? new Refusals();
  const loaded = typeof source === "string"
    ? await loadFolder(source, options, refusals)
    : await loadRecord(source, options, refusals);
  if (refused === undefined) refusals.throwAny();
  if (loaded.migrations.length === 0 && refusals.all.length === 0) {
    const what = typeof source === "string" ? `folder "${source}"` : "record of migrations";
    throw new ConfigurationError(`The ${what} holds no migrations`, {
      hint: adviseOnNone(loaded.leftOut),
    });
  }
  return loaded;
}

/** How much of what is left out is named. */
const NAMED = 10;

/** Says what is there instead of migrations: what could have been meant for one comes first. */
function adviseOnNone(leftOut: readonly LeftOut[]): string {
  const seen = leftOut.filter(({ name }) => !name.startsWith("."));
  if (seen.length === 0) return "Make the first one: supamigrate create NAME.";
  const named = [...seen].sort((a, b) => Number(b.notable) - Number(a.notable)).slice(0, NAMED);
  return [
    "What is there is left out:",
    ...named.map(({ name, reason }) => `${name} (${reason})`),
    ...(seen.length > NAMED ? [`… and ${seen.length - NAMED} more`] : []),
    "Rename what is meant for a migration, or make one: supamigrate create NAME.",
  ].join("\n");
}

async function loadRecord(
  record: Readonly<Record<string, string>>,
  options: DiscoveryOptions,
  refusals: Refusals,
): Promise<LoadedMigrations> {
  const texts = new Map<string, string>();
  for (const [key, sql] of Object.entries(record)) {
    const name = key.endsWith(".sql") ? key : `${key}.sql`;
    if (texts.has(name)) throw new ConfigurationError(`Two migrations are called "${name}"`);
    texts.set(name, sql);
  }
  return await assemble(
    discoverMigrations([...texts.keys()], [], options),
    options,
    refusals,
    (name) => {
      refuseUnstorable(texts.get(name)!, name);
      return texts.get(name)!;
    },
  );
}

/**
 * Lists a folder, as whoever makes migrations in it has to see it too.
 *
 * @param folder Its path.
 * @param options Its layout, where it is not to be told by the path, and its order.
 * @returns Its migrations and what is none, the options with the layout, and the symbolic links.
 * @throws {ConfigurationError} It cannot be read.
 */
export async function readFolder(
  folder: string,
  options: DiscoveryOptions = {},
): Promise<{ discovery: Discovery; options: DiscoveryOptions; links: ReadonlySet<string> }> {
  const { join } = await import("node:path");
  const entries = await listFolder(folder);
  const isFile = (entry: Dirent) => entry.isFile() || entry.isSymbolicLink();
  const found = entries.filter(isFile).map((entry) => ({ entry, name: entry.name }));
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  for (const name of folders.filter(isUndoFolder)) {
    for (const entry of await listFolder(join(folder, name))) {
      if (isFile(entry)) found.push({ entry, name: `${name}/${entry.name}` });
    }
  }
  const withLayout = { ...options, layout: options.layout ?? await findLayout(folder) };
  return {
    discovery: discoverMigrations(found.map(({ name }) => name), folders, withLayout),
    options: withLayout,
    links: new Set(
      found.filter(({ entry }) => entry.isSymbolicLink()).map(({ name }) => name),
    ),
  };
}

async function listFolder(folder: string): Promise<Dirent[]> {
  const { readdir } = await import("node:fs/promises");
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const code = (error as { code?: string }).code;
    throw new ConfigurationError(
      code === "ENOENT"
        ? `There is no folder "${folder}"`
        : `Cannot read the folder "${folder}": ${(error as Error).message}`,
      {
        hint: "Name the folder of the migrations with --dir, or make the first one: " +
          "supamigrate create NAME.",
        cause: error,
      },
    );
  }
}

/**
 * Reads the migrations of a folder that may be missing, or have none yet.
 *
 * @param folder Its path.
 * @param options Its layout and order.
 * @param load Reads them, where there are any.
 * @returns The migrations, and what is in the folder; null where it is missing.
 * @throws {ConfigurationError} It cannot be read.
 * @throws {MigrationFileError} Files are not fit to be migrations.
 */
export async function loadIfAny(
  folder: string,
  options: DiscoveryOptions,
  load: () => Promise<LoadedMigrations>,
): Promise<{ files: LoadedMigrations; found: Awaited<ReturnType<typeof readFolder>> | null }> {
  const { exists } = await import("@std/fs");
  const found = await exists(folder) ? await readFolder(folder, options) : null;
  const { migrations = [], refusals = [], leftOut = [] } = found?.discovery ?? {};
  if (migrations.length + refusals.length > 0) return { files: await load(), found };
  const order = orderOf(found?.options ?? options);
  return { files: { migrations: [], order, leftOut, secrets: [] }, found };
}

/** The Supabase CLI's folder is `migrations` beside its `config.toml`, mostly in `supabase`. */
async function findLayout(folder: string): Promise<Layout> {
  const { basename, dirname, join, resolve } = await import("node:path");
  const { exists } = await import("@std/fs");
  const path = resolve(folder);
  if (basename(path) !== "migrations") return "plain";
  const isSupabase = basename(dirname(path)) === "supabase" ||
    await exists(join(dirname(path), "config.toml"));
  return isSupabase ? "supabase" : "plain";
}

async function loadFolder(
  folder: string,
  given: DiscoveryOptions,
  refusals: Refusals,
): Promise<LoadedMigrations> {
  const { discovery, options, links } = await readFolder(folder, given);
  const { join, sep } = await import("node:path");
  const root = realpathSync(folder) + sep;
  return await assemble(discovery, options, refusals, (name) => {
    const path = join(folder, name);
    if (links.has(name)) refuseLinkOut(path, name, root);
    return readMigrationFile(path, name);
  });
}

function refuseLinkOut(path: string, name: string, root: string): void {
  let destination = "";
  try {
    destination = realpathSync(path);
  } catch {
    // it leads to nothing
  }
  if (destination.startsWith(root)) return;
  throw new MigrationFileError(
    destination === ""
      ? `"${name}" is a symbolic link to nothing`
      : `"${name}" is a symbolic link that leads out of the folder`,
    { file: name },
    { hint: "Put the file itself into the folder." },
  );
}

/**
 * Reads a file of SQL: at once, as a thousand small files take a fifth of the time that way.
 *
 * @param path Where it is.
 * @param name The name to use in errors.
 * @returns Its text.
 * @throws {MigrationFileError} It cannot be read, or not stored by PostgreSQL.
 */
export function readMigrationFile(path: string, name: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new MigrationFileError(
      `Cannot read "${name}": ${(error as Error).message}`,
      { file: name },
      { cause: error },
    );
  }
  // A decoder that looks for mistakes itself takes four times as long, which counts for megabytes.
  if (!isUtf8(bytes)) {
    throw new MigrationFileError("The file is not UTF-8", { file: name, line: brokenLine(bytes) }, {
      hint: "Save it as UTF-8.",
    });
  }
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
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
  let line = 1;
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    while (end < bytes.length && bytes[end] !== 10 && bytes[end] !== 13) end++;
    end += bytes[end] === 13 && bytes[end + 1] === 10 ? 2 : 1;
    if (!isUtf8(bytes.subarray(start, end))) return line;
    line++;
  }
  return line;
}

async function assemble(
  discovery: Discovery,
  options: DiscoveryOptions,
  refusals: Refusals,
  read: (name: string) => string,
): Promise<LoadedMigrations> {
  const migrations: Migration[] = [];
  for (const refusal of discovery.refusals) refusals.add(refusal);
  for (const { name, downFile } of discovery.migrations) {
    const migration = await refusals.attempt(() => assembleOne(name, downFile, read));
    if (migration !== undefined) migrations.push(migration);
  }
  return {
    migrations,
    order: orderOf(options),
    leftOut: discovery.leftOut,
    secrets: migrations.flatMap(findMigrationSecrets),
  };
}

function assembleOne(
  name: string,
  downFile: string | null,
  read: (name: string) => string,
): Migration {
  refuseUnfitName(name);
  const text = read(name);
  const { forward, rollback: section, head = "" } = splitSections(text, name);
  let rollback: RollbackSection | null = section === null
    ? null
    : { ...section, file: name, checksum: sha256(section.sql) };
  if (downFile !== null) {
    if (rollback !== null) {
      throw new MigrationFileError(
        `The migration has two rollbacks: its ROLLBACK section and "${downFile}"`,
        { file: name, line: rollback.line },
        { hint: "Keep one of them." },
      );
    }
    const sql = normalizeText(read(downFile));
    if (holdsStatements(sql)) {
      rollback = { sql, line: 1, file: downFile, checksum: sha256(sql) };
    }
  }
  // Asked of what is sent and what was changed alone: reading a long history is to stay quick.
  let statementsChecksum: string | undefined;
  return {
    name,
    forward,
    rollback,
    checksum: checksumForward(forward.sql),
    get statementsChecksum() {
      return statementsChecksum ??= checksumStatements(forward.sql);
    },
    isTemplate: forward.sql.includes(TEMPLATE_COMMENT) && !holdsStatements(text),
    ...(/--\s*supamigrate:/i.test(head) ? { head } : {}),
  };
}
