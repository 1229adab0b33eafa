/**
 * Stands in for `jsr:@std/fs` on machines that reach npm but not JSR; deno.json's `links`
 * puts it in that package's place. It stands on `node:fs`, so that it runs on Node as well; as that
 * package's on Node, errors are told by their `code`.
 *
 * Covered: `ensureDir`; `exists` with `isDirectory` and `isFile`; `walk` with `maxDepth`,
 * `includeFiles`, `includeDirs`, `includeSymlinks` and `exts`, which never follows symbolic
 * links. Not covered, and so not there: everything else.
 *
 * @module
 */
import type { Dirent, Stats } from "node:fs";
import { mkdir, opendir, stat } from "node:fs/promises";
import { basename, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

function kindOf(found: Stats | Dirent) {
  return {
    isFile: found.isFile(),
    isDirectory: found.isDirectory(),
    isSymlink: found.isSymbolicLink(),
  };
}

/** Makes a folder and those above it, where they do not exist yet. */
export async function ensureDir(dir: string | URL): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    const found = await stat(dir);
    throw new Error(
      `Failed to ensure directory exists: expected 'dir', got '${
        found.isFile() ? "file" : "undefined"
      }'`,
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
    const found = await stat(path);
    return isDirectory ? found.isDirectory() : !isFile || found.isFile();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
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
export interface WalkEntry {
  path: string;
  name: string;
  isFile: boolean;
  isDirectory: boolean;
  isSymlink: boolean;
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
    const path = normalize(folder);
    yield { path, name: basename(path), ...kindOf(await stat(folder)) };
  }
  if (maxDepth < 1) return;
  for await (const found of await opendir(folder)) {
    const path = join(folder, found.name);
    const entry = { name: found.name, ...kindOf(found) };
    if (entry.isDirectory) {
      yield* walk(path, { ...options, maxDepth: maxDepth - 1 });
    } else if (
      (entry.isSymlink ? includeSymlinks : includeFiles) && included(path)
    ) {
      yield { path, ...entry };
    }
  }
}
