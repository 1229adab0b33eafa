/** Where a project begins, for commands that are started in a folder below. @module */

/** What stands at the root of a project. */
const MARKS = [".git", "deno.json", "deno.jsonc", "package.json", "supabase"];

/** What says that the commands are to work right here, whatever is above. */
const OWN_MARKS = [...MARKS, "migrations", ".env", ".env.local"];

/**
 * Finds the project that a folder is in: the nearest folder upwards that is the root of one. A
 * folder that everybody may write to, such as `/tmp`, is none: whoever puts settings there must not
 * choose where others' keys go.
 *
 * @param start The folder where the command was started.
 * @returns The way there, such as `../..`; `.` where it is `start`, or there is no project.
 */
export async function findProjectFolder(start = "."): Promise<string> {
  const { resolve, dirname, basename } = await import("node:path");
  let folder = resolve(start);
  // supabase/ holds folders that a project could have: migrations, and .env for edge functions.
  const isInside = basename(folder) === "supabase" && await holds(folder, ["config.toml"]);
  if (!isInside && await holds(folder, OWN_MARKS)) return ".";
  for (let way = "..";; way += "/..") {
    const above = dirname(folder);
    if (above === folder) return ".";
    folder = above;
    if (await holds(folder, MARKS)) return await isOpenToAll(folder) ? "." : way;
  }
}

async function holds(folder: string, names: readonly string[]): Promise<boolean> {
  const { stat } = await import("node:fs/promises"); // access() would want a permission more
  for (const name of names) {
    // What cannot be looked at is not there for this user either.
    if (await stat(`${folder}/${name}`).then(() => true, () => false)) return true;
  }
  return false;
}

async function isOpenToAll(folder: string): Promise<boolean> {
  const { stat } = await import("node:fs/promises");
  // The sticky bit and "others may write": elsewhere, as on Windows' drives, all modes are the same.
  return ((await stat(folder)).mode & 0o1002) === 0o1002;
}
