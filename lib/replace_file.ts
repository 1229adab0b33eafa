/** Writes a file as a whole, in place of what is there. @module */

import { ConfigurationError } from "./errors.ts";

/**
 * Reads the file that is to be replaced, for whoever has to know what it is.
 *
 * @param path The file.
 * @param hint What to do where it cannot be replaced.
 * @returns Its text; undefined where there is none.
 * @throws {ConfigurationError} It cannot be read, or is no file: a pipe may be read without an end.
 */
export async function readReplaced(path: string, hint: string): Promise<string | undefined> {
  const { readFile, stat } = await import("node:fs/promises");
  try {
    if ((await stat(path)).isFile()) return await readFile(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    if (code === "ENOENT") return undefined;
    throw new ConfigurationError(`Cannot read "${path}": ${message}`, { hint, cause });
  }
  throw new ConfigurationError(`Cannot read "${path}": it is no file`, { hint });
}

/**
 * Writes a file: whoever reads it meanwhile finds the old one or the new one. The draft beside it has a
 * name that nobody has taken before, so that nothing else is overwritten and no link is followed.
 *
 * @param path The file. The folders above it are made.
 * @param text What is to be in it.
 * @param hint What to do where it cannot be written.
 * @throws {ConfigurationError} It cannot be written; no draft is left.
 */
export async function replaceFile(path: string, text: string, hint: string): Promise<void> {
  const { mkdir, rename, rm, writeFile } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  const draft = `${path}.${crypto.randomUUID()}.new`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(draft, text, { flag: "wx" });
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => {});
    throw new ConfigurationError(`Cannot write "${path}": ${(cause as Error).message}`, {
      hint,
      cause,
    });
  }
}
