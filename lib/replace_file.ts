/** Writes a file as a whole. @module */

import { ConfigurationError } from "./errors.ts";

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
