/** Which schemas the API of a Supabase CLI project shows: what its `config.toml` says. @module */

import { ConfigurationError } from "../errors.ts";

/**
 * Reads which schemas are exposed from `config.toml` beside a folder of migrations.
 *
 * @param migrations The folder of the migrations.
 * @returns The schemas; null where nothing says it.
 * @throws {ConfigurationError} `config.toml` cannot be read.
 */
export async function findExposed(migrations: string): Promise<readonly string[] | null> {
  const { readFile } = await import("node:fs/promises");
  const { dirname, join, resolve } = await import("node:path");
  const path = join(dirname(resolve(migrations)), "config.toml");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    throw new ConfigurationError(`Cannot read "${path}": ${(error as Error).message}`, {
      cause: error,
    });
  }
  const { parse } = await import("smol-toml");
  let schemas: unknown;
  try {
    schemas = (parse(text) as { api?: { schemas?: unknown } }).api?.schemas;
  } catch (error) {
    throw new ConfigurationError(`Cannot read "${path}": ${(error as Error).message.trim()}`, {
      hint: "Mend the file: the Supabase CLI cannot read it either.",
      cause: error,
    });
  }
  if (schemas === undefined) return null;
  if (!Array.isArray(schemas) || !schemas.every((one) => typeof one === "string")) {
    throw new ConfigurationError(`schemas in "${path}" has to be a list of texts`);
  }
  return schemas;
}
