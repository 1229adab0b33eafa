/**
 * Stands in for `jsr:@std/fs` on machines that reach npm but not JSR; deno.json's `links`
 * puts it in that package's place. Like that package it calls `Deno`'s own functions, so
 * errors are of the same classes.
 *
 * Covered: `ensureDir`; `exists` with `isDirectory` and `isFile`; `walk` with `maxDepth`,
 * `includeFiles`, `includeDirs`, `includeSymlinks` and `exts`, which never follows symbolic
 * links. Not covered, and so not there: everything else.
 *
 * @module
 */
import { basename, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

/** Makes a folder and those above it, where they do not exist yet. */
export async function ensureDir(dir: string | URL): Promise<void> {
  try {
    await Deno.mkdir(dir, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    const { isFile } = await Deno.stat(dir);
    throw new Error(
      `Failed to ensure directory exists: expected 'dir', got '${isFile ? "file" : "undefined"}'`,
    );
  }
}

/** What has to be there for {@linkcode exists} to say so. */
export interface ExistsOptions {
  /** A folder, or a symbolic link to one. */
  isDirectory?: boolean;
  /** A file, or a symbolic link to one. */
  isFile?: boolean;
}

/** Tells whether something is at the path. */
export async function exists(
  path: string | URL,
  { isDirectory = false, isFile = false }: ExistsOptions = {},
): Promise<boolean> {
  if (isDirectory && isFile) {
    throw new TypeError(
      "ExistsOptions.options.isDirectory and ExistsOptions.options.isFile must not be true together",
    );
  }
  try {
    const found = await Deno.stat(path);
    return isDirectory ? found.isDirectory : !isFile || found.isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What {@linkcode walk} visits. */
export interface WalkOptions {
  /** How many folders deep to go; 0 is the root itself. Default: all. */
  maxDepth?: number;
  /** Default: true. */
  includeFiles?: boolean;
  /** Default: true. */
  includeDirs?: boolean;
  /** Default: true. */
  includeSymlinks?: boolean;
  /** The endings of the names to include, with or without the dot. Default: all. */
  exts?: string[];
}

/** A file, folder or symbolic link, and where it is. */
export interface WalkEntry extends Deno.DirEntry {
  path: string;
}

/** Visits a folder and all that is below it, each folder before what it holds. */
export async function* walk(
  root: string | URL,
  options: WalkOptions = {},
): AsyncIterableIterator<WalkEntry> {
  const { maxDepth = Infinity, includeFiles = true, includeDirs = true } = options;
  const { includeSymlinks = true, exts } = options;
  const included = (path: string) =>
    exts?.some((ext) => path.endsWith(ext.startsWith(".") ? ext : `.${ext}`)) ?? true;

  if (maxDepth < 0) return;
  const folder = root instanceof URL ? fileURLToPath(root) : root;
  if (includeDirs && included(folder)) {
    const { isFile, isDirectory, isSymlink } = await Deno.stat(folder);
    const path = normalize(folder);
    yield { path, name: basename(path), isFile, isDirectory, isSymlink };
  }
  if (maxDepth < 1) return;
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) {
      yield* walk(path, { ...options, maxDepth: maxDepth - 1 });
    } else if (
      (entry.isSymlink ? includeSymlinks : includeFiles) && included(path)
    ) {
      yield { path, ...entry };
    }
  }
}
