/** The files of an import: what is read of the other tool, and what is written. @module */

import { ensureDir } from "@std/fs";
import type { FolderFiles, ForeignMigration } from "../adoption/format.ts";
import { ConfigurationError } from "../errors.ts";

/** What of a folder is read: the rest, such as snapshots, is known by its name. */
const READ = /\.(?:sql|plan|[cm]?[jt]s|conf)$|(?:^|\/)_journal\.json$/;

/** How deep a folder is looked into: `db/migrations/committed`, or one folder for each migration. */
const DEPTH = 3;

/** The files of a folder that a format may want, by their paths in it. */
export async function readFiles(folder: string): Promise<FolderFiles> {
  const { readdir, readFile, realpath, stat } = await import("node:fs/promises");
  const { join, sep } = await import("node:path");
  /** As for migrations of ours: a link to a file of the folder is one, and another is refused. */
  const isLinkedFile = async (name: string): Promise<boolean> => {
    const destination = await realpath(join(folder, name)).catch(() => "");
    if (destination.startsWith(`${await realpath(folder)}${sep}`)) {
      return (await stat(destination)).isFile();
    }
    throw new ConfigurationError(
      destination === ""
        ? `"${name}" is a symbolic link to nothing`
        : `"${name}" is a symbolic link that leads out of the folder "${folder}"`,
      { hint: "Put the file itself into the folder. Nothing was written." },
    );
  };
  const files = new Map<string, string>();
  const read = async (path: string, depth: number) => {
    const entries = await readdir(join(folder, path), { withFileTypes: true });
    for (const entry of entries) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const name = path === "" ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory() && depth < DEPTH) await read(name, depth + 1);
      else if (
        entry.isFile() || entry.isSymbolicLink() && READ.test(name) && await isLinkedFile(name)
      ) {
        if (!READ.test(name)) files.set(name, "");
        else files.set(name, decode(await readFile(join(folder, name)), name));
      }
    }
  };
  try {
    await read("", 1);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new ConfigurationError(
      (error as { code?: string }).code === "ENOENT"
        ? `There is no folder "${folder}"`
        : `Cannot read the folder "${folder}": ${(error as Error).message}`,
      { hint: "Name the folder of the other tool's migrations with --from.", cause: error },
    );
  }
  return files;
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigurationError(`"${file}" is not UTF-8`, {
      hint: "Save it as UTF-8.",
      cause: error,
    });
  }
}

/** Two files of ours with one name would be one file. */
export function refuseSameNames(
  names: readonly string[],
  migrations: readonly ForeignMigration[],
): void {
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    // File systems do not tell case and composition apart.
    const key = name.normalize("NFC").toLowerCase();
    const other = seen.get(key);
    if (other !== undefined) {
      throw new ConfigurationError(
        `"${migrations[other]!.from[0]}" and "${migrations[index]!.from[0]}" would both be ` +
          `called "${name}"`,
        { hint: "Rename one of them. Nothing was written." },
      );
    }
    seen.set(key, index);
  }
}

/** Nothing that is there is overwritten. */
export async function refuseExisting(folder: string, names: readonly string[]): Promise<void> {
  const { readdir } = await import("node:fs/promises");
  const there = await readdir(folder).catch((error) => {
    if ((error as { code?: string }).code === "ENOENT") return [];
    throw new ConfigurationError(`Cannot read the folder "${folder}": ${error.message}`, {
      hint: "Name another folder with --dir.",
      cause: error,
    });
  });
  const keys = new Set(there.map((name) => name.normalize("NFC").toLowerCase()));
  const taken = names.filter((name) => keys.has(name.normalize("NFC").toLowerCase()));
  if (taken.length === 0) return;
  throw new ConfigurationError(
    `In the folder "${folder}" there is already ${
      taken.slice(0, 5).map((name) => `"${name}"`).join(", ")
    }` +
      (taken.length > 5 ? ` and ${taken.length - 5} more` : ""),
    { hint: "Name another folder with --dir. Nothing was written." },
  );
}

/** Writes all files, or none. */
export async function writeAll(
  folder: string,
  texts: Readonly<Record<string, string>>,
): Promise<void> {
  const { rm, writeFile } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const written: string[] = [];
  try {
    await ensureDir(folder);
    for (const [name, text] of Object.entries(texts)) {
      const path = join(folder, name);
      await writeFile(path, text, { flag: "wx" });
      written.push(path);
    }
  } catch (error) {
    for (const path of written) await rm(path);
    throw new ConfigurationError(
      `Cannot write to the folder "${folder}": ${(error as Error).message}`,
      { hint: "Name another folder with --dir, or make this one writable.", cause: error },
    );
  }
}
