/** Writes a consolidated migration, and moves what it stands for out of the way. @module */

import { ConfigurationError } from "../errors.ts";
import { type MigrationDraft, removeDraft, writeDraft } from "./create.ts";

/** Where the old files go; folders in a folder of migrations are left out. */
export const SQUASHED_FOLDER = "squashed";

/**
 * Writes the new file and moves the old ones: all of it, or nothing.
 *
 * @param folder The folder of the migrations.
 * @param draft The new file.
 * @param old The old ones.
 * @returns Where they are.
 * @throws {ConfigurationError} A file cannot be written or moved.
 */
export async function moveFiles(
  folder: string,
  draft: MigrationDraft,
  old: readonly string[],
): Promise<{ path: string; movedTo: string }> {
  const { mkdir, rename } = await import("node:fs/promises");
  const { dirname, join, resolve } = await import("node:path");
  const { exists } = await import("@std/fs");
  const movedTo = resolve(folder, SQUASHED_FOLDER);
  for (const name of old) {
    if (!await exists(join(movedTo, name))) continue;
    throw new ConfigurationError(`"${join(movedTo, name)}" is there already`, {
      hint: "An earlier squash has left it. Move it away. Nothing was written.",
    });
  }
  const files = await writeDraft(folder, draft);
  const moved: string[] = [];
  try {
    for (const name of old) {
      await mkdir(dirname(join(movedTo, name)), { recursive: true });
      await rename(join(folder, name), join(movedTo, name));
      moved.push(name);
    }
  } catch (error) {
    for (const name of moved) await rename(join(movedTo, name), join(folder, name));
    await removeDraft(files);
    throw new ConfigurationError(
      `Cannot move the old files to "${movedTo}": ${(error as Error).message}`,
      { hint: "Make the folder writable. Nothing was changed.", cause: error },
    );
  }
  return { path: files.path, movedTo };
}
