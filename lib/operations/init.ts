/** Puts into a repository what running migrations from it takes. @module */

import { access, constants, lstat, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  chooseFolder,
  FILES,
  FOLDERS,
  type InitPlan,
  planInit,
  type Repository,
} from "../delivery/init.ts";
import type { Edit } from "../delivery/init_edits.ts";
import { ConfigurationError } from "../errors.ts";
import { findProjectFolder } from "../project_folder.ts";

/** What {@linkcode init} is asked for. */
export interface InitializeOptions {
  /** The folder of the migrations; found out by default. */
  readonly dir?: string;
  /** Whether a GitHub workflow is written too. */
  readonly workflow?: boolean;
  /** The version of the tool that is written down. */
  readonly version: string;
  /** Plans, and writes nothing. */
  readonly dryRun?: boolean;
  /** Asks whether to go on. Not asked where there is nothing to do. */
  readonly confirm?: (plan: InitPlan) => Promise<boolean>;
}

/** What {@linkcode init} came to. */
export interface InitResult extends InitPlan {
  /** The repository, from where the command was started. */
  readonly root: string;
  /** Whether nothing was written because nothing was to be. */
  readonly dryRun: boolean;
}

/**
 * Plans, asks and writes. What is there is not overwritten, and a second run finds it all.
 *
 * @param start The folder where the command was started.
 * @param options What is asked for.
 * @returns What was written, and what was there.
 * @throws {ConfigurationError} A file cannot be read or written, or the answer was no; nothing was
 * changed.
 */
export async function init(start: string, options: InitializeOptions): Promise<InitResult> {
  const root = await findProjectFolder(start);
  const base = join(start, root);
  const dir = options.dir === undefined ? undefined : await placeInside(base, start, options.dir);
  const repository = await readRepository(base, dir);
  const plan = planInit(repository, {
    version: options.version,
    ...(dir === undefined ? {} : { dir }),
    ...(options.workflow
      ? { workflow: (await import("../delivery/workflow.ts")).WORKFLOW_TEXT }
      : {}),
  });
  const result = { ...plan, root, dryRun: !!options.dryRun };
  if (plan.edits.length === 0) return result;
  for (const edit of plan.edits) await refuseUnwritable(base, edit);
  if (options.dryRun) return result;
  if (options.confirm !== undefined && !await options.confirm(plan)) {
    throw new ConfigurationError("Not confirmed: nothing was changed");
  }
  for (const { path } of plan.edits) await refuseChanged(base, path, repository);
  for (const edit of plan.edits) await write(base, edit);
  return result;
}

/** Tasks and scripts are run at the root: the folder is named from there. */
async function placeInside(base: string, start: string, dir: string): Promise<string> {
  const { relative, resolve } = await import("node:path");
  const path = relative(resolve(base), resolve(start, dir)).replaceAll("\\", "/");
  if (path === "" || path.startsWith("..") || /^([A-Za-z]:|\/)/.test(path)) {
    throw new ConfigurationError(`The folder "${dir}" is not inside the repository`, {
      hint: "Name a folder of its own inside the repository with --dir.",
    });
  }
  return path;
}

async function readRepository(base: string, dir: string | undefined): Promise<Repository> {
  const files: Record<string, string> = {};
  for (const path of FILES) {
    const text = await readIfThere(join(base, path), path);
    if (text !== undefined) files[path] = text;
  }
  const folders: string[] = [];
  for (const path of [...FOLDERS, ...(dir === undefined ? [] : [dir])]) {
    if (await isFolder(join(base, path), path)) folders.push(path);
  }
  const folder = dir ?? chooseFolder(folders);
  const names = folders.includes(folder) ? await readdir(join(base, folder)) : [];
  return {
    files,
    folders,
    hasMigrations: names.some((name) => name.endsWith(".sql")),
    isGitRoot: await access(join(base, ".git")).then(() => true, () => false),
  };
}

async function readIfThere(path: string, name: string): Promise<string | undefined> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await readFile(path));
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw new ConfigurationError(`Cannot read "${name}": ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function isFolder(path: string, name: string): Promise<boolean> {
  const { stat } = await import("node:fs/promises");
  const found = await stat(path).catch((error) => {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw new ConfigurationError(`Cannot look at "${name}": ${(error as Error).message}`, {
      cause: error,
    });
  });
  if (found !== undefined && !found.isDirectory()) {
    throw new ConfigurationError(`"${name}" is a file, and not a folder`, {
      hint: "Name another folder for the migrations with --dir.",
    });
  }
  return found !== undefined;
}

/** All or nothing, as far as can be seen: what cannot be written is told before anything is. */
async function refuseUnwritable(base: string, { path }: Edit): Promise<void> {
  const names = path.split("/").filter((name) => name !== "");
  let place = ".";
  for (const [index] of names.entries()) {
    const part = names.slice(0, index + 1).join("/");
    const found = await lstat(join(base, part)).catch((error) => {
      if ((error as { code?: string }).code === "ENOENT") return undefined;
      throw cannotWrite(path, error);
    });
    if (found === undefined) break;
    if (found.isSymbolicLink()) {
      throw new ConfigurationError(`"${part}" is a symbolic link, and leads elsewhere`, {
        hint: "Replace it by what it leads to. Nothing was changed.",
      });
    }
    place = part;
  }
  try {
    await access(join(base, place), constants.W_OK);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

function cannotWrite(path: string, cause: unknown): ConfigurationError {
  return new ConfigurationError(`Cannot write "${path}": ${(cause as Error).message}`, {
    hint: "Nothing was changed.",
    cause,
  });
}

/** Between question and answer somebody may have saved the file. */
async function refuseChanged(base: string, path: string, { files }: Repository): Promise<void> {
  if (path.endsWith("/") || await readIfThere(join(base, path), path) === files[path]) return;
  throw new ConfigurationError(`"${path}" was changed meanwhile`, {
    hint: "Run it again. Nothing was changed.",
  });
}

async function write(base: string, { path, action, text }: Edit): Promise<void> {
  const target = join(base, path);
  try {
    if (text === null) {
      await mkdir(target, { recursive: true });
      return;
    }
    await mkdir(dirname(target), { recursive: true });
    // "wx" makes a new file alone: what is there is not overwritten.
    await writeFile(target, text, action === "create" ? { flag: "wx" } : {});
  } catch (error) {
    throw new ConfigurationError(`Cannot write "${path}": ${(error as Error).message}`, {
      hint: "What stands before it in the list was written. Run it again when it can be.",
      cause: error,
    });
  }
}
