/** Folders of files, for tests. */

/**
 * Hands out a folder that is removed afterwards.
 *
 * @param files Paths in it, and their texts.
 * @param body What is done with it.
 */
export async function withFolder(
  files: Readonly<Record<string, string>>,
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "supamigrate-folder-" }));
  try {
    for (const [path, text] of Object.entries(files)) {
      const parts = path.split("/");
      await Deno.mkdir([folder, ...parts.slice(0, -1)].join("/"), { recursive: true });
      await Deno.writeTextFile(`${folder}/${path}`, text);
    }
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The names of what is in a folder, in order. */
export async function listNames(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  return names.sort();
}
