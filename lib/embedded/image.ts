/**
 * The files of a new database, kept from the first time on: making them takes seconds, and
 * unpacking them takes a fraction of one.
 *
 * An image is a cache. It is used where it is whole and was made by this version of everything that
 * is in it; in any other case it is made again, and where it cannot be kept nobody is bothered.
 *
 * @module
 */

import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { constants, gunzip, gzip } from "node:zlib";

import { readTar } from "./platform/tar.ts";

const SUFFIX = ".tar.gz";

/** Room for a whole image, so that it is unpacked in one piece. */
const CHUNK_SIZE = 64 << 20;

/** What an image is made from. */
export interface ImageRecipe {
  /** Which image it is: of each, the latest are kept. */
  readonly name: string;
  /** All that decides what the files are, in any order of its own. */
  readonly ingredients: readonly string[];
  /** Makes the files, as an archive. */
  readonly make: () => Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Reads the image, or makes it and keeps it.
 *
 * @param recipe What it is made from.
 * @returns The archive, not compressed.
 */
export async function readOrMakeImage(
  { name, ingredients, make }: ImageRecipe,
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await findCacheFolder();
  if (folder === undefined) return await make();
  const prefix = `${name}-`;
  const file = join(folder, `${prefix}${await digest(ingredients)}${SUFFIX}`);
  const kept = await read(file);
  if (kept !== undefined) return kept;
  const made = await make();
  await keep(file, made, prefix);
  return made;
}

/**
 * Unpacks an image.
 *
 * @param image The archive.
 * @param folder Where to; it is made.
 */
export async function unpackImage(image: Uint8Array, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { path, data } of readTar(image)) {
    const target = join(folder, path);
    if (path.endsWith("/")) await mkdir(target, { recursive: true, mode: 0o700 });
    else await writeFile(target, data, { mode: 0o600 });
  }
}

/** How many are kept of an image: another version may be in use in another folder. */
const MOST_KEPT = 3;

/** Those of versions before: nobody would ever delete them. */
async function dropOldest(folder: string, prefix: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix));
  const images = await Promise.all(names.map(async (name) => {
    const path = join(folder, name);
    return { path, madeAt: (await stat(path)).mtimeMs };
  }));
  for (const { path } of images.sort((a, b) => b.madeAt - a.madeAt).slice(MOST_KEPT)) {
    await rm(path, { force: true });
  }
}

/** Whatever is wrong with it, it is no image then: gzip has a checksum of its own. */
async function read(file: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await promisify(gunzip)(await readFile(file), { chunkSize: CHUNK_SIZE }));
  } catch {
    return undefined;
  }
}

/** Written beside and renamed: who reads it meanwhile finds the whole of it, or none. */
async function keep(file: string, image: Uint8Array, prefix: string): Promise<void> {
  const folder = dirname(file);
  const unfinished = `${file}.${process.pid}.new`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const packed = await promisify(gzip)(image, { level: constants.Z_BEST_SPEED });
    await writeFile(unfinished, packed, { mode: 0o600 });
    await rename(unfinished, file);
    await dropOldest(folder, prefix);
  } catch {
    // A full disk, or a folder that may not be written: the next database takes as long as this one.
    await rm(unfinished, { force: true }).catch(() => {});
  }
}

/**
 * Tells one set of texts from another.
 *
 * @param ingredients The texts, in order.
 * @returns 24 hexadecimal digits.
 */
export async function digest(ingredients: readonly string[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(ingredients));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash.subarray(0, 12)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The folder for what can be made again: `.cache` in the home directory, or where the system says.
 *
 * @returns The folder, which may not be there yet; undefined where this process may not have one.
 */
async function findCacheFolder(): Promise<string | undefined> {
  const variables = ["XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"];
  if (!await isAllowed(variables.map((variable) => ({ name: "env", variable })))) return undefined;
  const { XDG_CACHE_HOME, LOCALAPPDATA, HOME } = process.env;
  const base = XDG_CACHE_HOME ||
    (process.platform === "win32" ? LOCALAPPDATA : HOME && join(HOME, ".cache"));
  if (!base) return undefined;
  const folder = join(base, "supamigrate");
  const allowed = await isAllowed([{ name: "read", path: folder }, {
    name: "write",
    path: folder,
  }]);
  return allowed ? folder : undefined;
}

/** Deno would ask, or end the process, where it is not: nobody is to be asked for a cache. */
async function isAllowed(
  wanted: readonly { name: string; variable?: string; path?: string }[],
): Promise<boolean> {
  const { Deno: runtime } = globalThis as {
    Deno?: { permissions?: { query(one: unknown): Promise<{ state: string }> } };
  };
  if (runtime?.permissions === undefined) return true;
  const states = await Promise.all(wanted.map((one) => runtime.permissions!.query(one)));
  return states.every(({ state }) => state === "granted");
}
