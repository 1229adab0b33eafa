/** Files with settings: `.env.local`, `.env`, another one, or standard input. @module */

import { ConfigurationError } from "./errors.ts";
import type { Environment } from "./setting_names.ts";

/** Settings of one place. */
interface EnvFile {
  /** What a user calls the place: the file's path. */
  readonly where: string;
  readonly values: Record<string, string>;
  /** The file is there and sets nothing. */
  readonly isEmpty: boolean;
}

/** The file that was named, or those of the project that are there, the one that counts first. */
export async function readEnvFiles(
  path: string | undefined,
  inRoot: (path: string) => string,
): Promise<EnvFile[]> {
  if (path === "-") {
    const values = dropEmpty(await parseSettings(await readStandardInput(), "on standard input"));
    if (Object.keys(values).length > 0) {
      return [{ where: "standard input", values, isEmpty: false }];
    }
    // Whoever pipes settings in means a project: an empty pipe must not choose another database.
    throw new ConfigurationError("There are no settings on standard input");
  }
  if (path !== undefined) return [await readEnvFile(path)];
  const files: EnvFile[] = [];
  for (const name of [".env.local", ".env"]) {
    try {
      files.push(await readEnvFile(inRoot(name)));
    } catch (error) {
      const { code } = (error as { cause?: { code?: string } }).cause ?? {};
      if (code !== "ENOENT") throw error;
    }
  }
  return files;
}

async function readEnvFile(path: string): Promise<EnvFile> {
  const { readFile } = await import("node:fs/promises");
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new ConfigurationError(
      `Cannot read the settings in "${path}": ${(error as Error).message}`,
      { cause: error },
    );
  }
  const settings = await parseSettings(bytes, `in "${path}"`);
  return {
    where: path,
    values: dropEmpty(settings),
    isEmpty: Object.keys(settings).length === 0,
  };
}

async function parseSettings(bytes: Uint8Array, where: string): Promise<Environment> {
  const { parseEnv } = await import("node:util");
  const text = decodeUtf8(bytes);
  // A text in UTF-16 has half of its bytes 0, and a mark that UTF-8 has not.
  if (text === undefined || text.includes("\0")) {
    throw new ConfigurationError(`The settings ${where} are not UTF-8`, {
      hint: "Save them as UTF-8: Notepad and PowerShell write UTF-16 unless they are told.",
    });
  }
  return parseEnv(text.replace(/^\uFEFF/, ""));
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

async function readStandardInput(): Promise<Uint8Array> {
  const { default: process } = await import("node:process");
  if (process.stdin.isTTY) {
    throw new ConfigurationError("--env-file - reads standard input, which is a terminal here", {
      hint: "Pipe the settings in: what is typed would be seen.",
    });
  }
  const { buffer } = await import("node:stream/consumers");
  return await buffer(process.stdin);
}

/** An empty variable is how many systems say "not set". */
export function dropEmpty(values: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => (entry[1] ?? "") !== ""),
  );
}
