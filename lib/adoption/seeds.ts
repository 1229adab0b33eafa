/** Finds the seeds of a Supabase CLI project: what its `config.toml` names. @module */

import { ConfigurationError } from "../errors.ts";

/** The files that are seeds. */
export interface FoundSeeds {
  /** Their paths as the Supabase CLI has them, from `supabase/` on, and on this machine; in order. */
  readonly files: readonly { readonly name: string; readonly path: string }[];
  /** Where was looked, or why nowhere: a sentence. */
  readonly looked: string;
  /** What is named and not there, a sentence each. */
  readonly warnings: readonly string[];
}

/** What the Supabase CLI takes where its configuration says nothing. */
const DEFAULT = "seed.sql";

/**
 * Finds the seeds that belong to a folder of migrations: those of `supabase/config.toml`, which are
 * `supabase/seed.sql` where it says nothing.
 *
 * @param migrations The folder of the migrations.
 * @returns The files.
 * @throws {ConfigurationError} `config.toml` cannot be read.
 */
export async function findSeeds(migrations: string): Promise<FoundSeeds> {
  const { basename, dirname, join, posix, resolve } = await import("node:path");
  const { exists } = await import("@std/fs");
  const above = dirname(resolve(migrations));
  const isSupabase = basename(above) === "supabase" || await exists(join(above, "config.toml"));
  const folder = isSupabase ? above : join(above, "supabase");
  const config = join(folder, "config.toml");
  const { enabled, patterns } = await readConfig(config);
  if (!enabled) return { files: [], looked: `Seeds are turned off in ${config}`, warnings: [] };
  const files = new Map<string, string>();
  const warnings: string[] = [];
  for (const pattern of patterns) {
    const named = posix.normalize(pattern);
    const matches = /[*?[{]/.test(named)
      ? await listMatches(named, folder)
      : await exists(join(folder, named))
      ? [named]
      : [];
    // Nobody has promised that the default is there.
    if (matches.length === 0 && named !== DEFAULT) {
      warnings.push(`No seed is called ${posix.join("supabase", named)}, which config.toml names`);
    }
    for (const match of matches) files.set(posix.join("supabase", match), join(folder, match));
  }
  return {
    files: [...files].map(([name, path]) => ({ name, path })),
    looked: patterns.length === 0
      ? `sql_paths in ${config} names none`
      : `Looked for ${patterns.map((pattern) => join(folder, pattern)).join(", ")}`,
    warnings,
  };
}

async function listMatches(pattern: string, folder: string): Promise<string[]> {
  const { glob } = await import("tinyglobby");
  return (await glob(pattern, { cwd: folder, expandDirectories: false })).sort();
}

async function readConfig(path: string): Promise<{ enabled: boolean; patterns: string[] }> {
  const { readFile } = await import("node:fs/promises");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") {
      return { enabled: true, patterns: [DEFAULT] };
    }
    throw new ConfigurationError(`Cannot read "${path}": ${(error as Error).message}`, {
      cause: error,
    });
  }
  const { parse } = await import("smol-toml");
  let seed: { enabled?: unknown; sql_paths?: unknown };
  try {
    const config = parse(text) as { db?: { seed?: typeof seed } };
    seed = config.db?.seed ?? {};
  } catch (error) {
    throw new ConfigurationError(`Cannot read "${path}": ${(error as Error).message.trim()}`, {
      hint: "Mend the file: the Supabase CLI cannot read it either.",
      cause: error,
    });
  }
  const { enabled = true, sql_paths: patterns = [DEFAULT] } = seed;
  if (!Array.isArray(patterns) || !patterns.every((one) => typeof one === "string")) {
    throw new ConfigurationError(`sql_paths in "${path}" has to be a list of texts`);
  }
  if (typeof enabled !== "boolean") {
    throw new ConfigurationError(`enabled of [db.seed] in "${path}" has to be true or false`);
  }
  return { enabled, patterns };
}
