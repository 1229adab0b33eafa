/**
 * The folder of an embedded database: whose it is, who has it open, whether its
 * creation was finished.
 *
 * ```text
 * lock            held while a process has the database open
 * lock.pid        that process
 * data/           PostgreSQL's files
 * database.json   written last: without it, `data` is half-made
 * .gitignore      keeps all of it out of the project's repository
 * ```
 *
 * @module
 */

import { mkdir, readdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { ConfigurationError, LockHeldError } from "../errors.ts";
import { type Engine, POSTGRES_MAJOR, startInFolder, type StartOptions } from "./engine.ts";
import { platformVersion, upgrade } from "./platform/upgrade.ts";
import { type ProcessLock, ProcessLockHeld, takeProcessLock } from "./process_lock.ts";

const LOCK = "lock";
const DATA = "data";
const MARKER = "database.json";
const GITIGNORE = ".gitignore";
const OWN_NAMES: ReadonlySet<string> = new Set([
  LOCK,
  `${LOCK}.pid`,
  `${LOCK}-journal`,
  DATA,
  MARKER,
  `${MARKER}.new`,
  GITIGNORE,
]);

/** What to tell while a folder is opened. */
export interface FolderOptions extends StartOptions {
  /** Told where a database that an earlier version made could not be brought up to date, and why. */
  readonly onStale?: ((reason: string) => void) | undefined;
}

/**
 * Opens the database in a folder and creates it where there is none.
 *
 * @param path The folder, as the caller named it.
 * @param options What to tell.
 * @returns The running engine, which gives the folder up when it closes, and
 * whether the database was created.
 * @throws {ConfigurationError} If the folder cannot hold the database.
 * @throws {LockHeldError} If the folder is open already.
 */
export async function openFolder(
  path: string,
  options: FolderOptions = {},
): Promise<{ engine: Engine; isNew: boolean }> {
  const folder = await prepare(path);
  const lock = await takeLock(path, folder);
  try {
    const version = await findDatabase(path, folder);
    const isNew = version === undefined;
    const data = join(folder, DATA);
    if (isNew) {
      // Left behind by a process that ended while it created the database. Nobody
      // is at it now, as this process has the lock.
      await rm(data, { recursive: true, force: true });
      await writeFile(join(folder, GITIGNORE), "*\n");
    }
    const engine = await start(path, data, isNew, options);
    try {
      if (isNew || await bringUpToDate(engine, version, options)) await mark(path, folder);
    } catch (error) {
      await engine.close();
      throw error;
    }
    return { engine: releasing(engine, lock), isNew };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Makes the folder, and refuses one that is in use for something else. */
async function prepare(path: string): Promise<string> {
  let folder: string;
  let names: string[];
  try {
    await mkdir(path, { recursive: true });
    // Two names of one folder are one database.
    folder = await realpath(path);
    names = await readdir(folder);
  } catch (error) {
    throw cannotOpen(path, messageOf(error), { cause: error });
  }
  const foreign = names.find((name) => !OWN_NAMES.has(name)) ??
    (names.includes(LOCK) ? undefined : names[0]);
  if (foreign !== undefined) {
    throw cannotOpen(
      path,
      `the folder holds something else ("${foreign}")`,
      { hint: "Name a folder that is empty or does not exist yet." },
    );
  }
  return folder;
}

async function takeLock(path: string, folder: string): Promise<ProcessLock> {
  try {
    return await takeProcessLock(join(folder, LOCK));
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    if (!(error instanceof ProcessLockHeld)) {
      throw cannotOpen(path, messageOf(error), { cause: error });
    }
    const { default: process } = await import("node:process");
    if (error.pid === process.pid) {
      throw new LockHeldError(
        `Cannot open the embedded database "${path}": this process has it open already`,
        {
          hint: "Close it first, or share the one that is open.",
          holder: `process ${error.pid}`,
        },
      );
    }
    throw new LockHeldError(
      `Cannot open the embedded database "${path}": another process${
        error.pid === undefined ? "" : ` (pid ${error.pid})`
      } uses it`,
      {
        hint:
          "Wait for it to end, or stop it. The lock ends with the process: there is nothing to clean up.",
        ...(error.pid === undefined ? {} : { holder: `process ${error.pid}` }),
      },
    );
  }
}

/**
 * Looks for a finished database. Refuses one that this version cannot read.
 *
 * @returns Which version of the platform it has; undefined where there is no database.
 */
async function findDatabase(path: string, folder: string): Promise<string | undefined> {
  const marker = await read(path, join(folder, MARKER));
  if (marker === undefined) return undefined;
  const version = await read(path, join(folder, DATA, "PG_VERSION"));
  if (version === undefined) {
    throw cannotOpen(
      path,
      "its files are damaged: data/PG_VERSION is missing",
      {
        hint: "Delete the folder to start with an empty database.",
      },
    );
  }
  const major = version.trim();
  if (major !== String(POSTGRES_MAJOR)) {
    throw cannotOpen(
      path,
      `it was written by PostgreSQL ${major}, and this version runs PostgreSQL ${POSTGRES_MAJOR}`,
      {
        hint:
          "Delete the folder to start with an empty database, or use the version of supamigrate that wrote it.",
      },
    );
  }
  return platformOf(marker);
}

/** The earliest versions wrote none into the marker. */
function platformOf(marker: string): string {
  try {
    return String((JSON.parse(marker) as { platform?: unknown }).platform ?? "");
  } catch {
    return ""; // cut short, or edited
  }
}

/**
 * Adds what the platform has and the database has not. Where that cannot be done, as something of
 * the project's own is in the way, it goes on with what it has.
 *
 * @returns Whether it was changed.
 */
async function bringUpToDate(
  engine: Engine,
  version: string,
  { onStale }: FolderOptions,
): Promise<boolean> {
  if (version === await platformVersion()) return false;
  const reason = await engine.asSuperuser(upgrade);
  if (reason !== undefined) onStale?.(reason);
  return reason === undefined;
}

async function read(path: string, file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw cannotOpen(path, messageOf(error), { cause: error });
  }
}

async function start(
  path: string,
  data: string,
  isNew: boolean,
  options: StartOptions,
): Promise<Engine> {
  try {
    return await startInFolder(data, isNew, options);
  } catch (error) {
    throw cannotOpen(
      path,
      `PostgreSQL did not start: ${messageOf(error)}`,
      {
        hint: isNew
          ? "Look for the cause above: a full disk, or missing permissions."
          : "Delete the folder to start with an empty database.",
        cause: error,
      },
    );
  }
}

/** Says that the database is complete. */
async function mark(path: string, folder: string): Promise<void> {
  const marker = join(folder, MARKER);
  const content = {
    madeBy: "supamigrate",
    postgres: POSTGRES_MAJOR,
    platform: await platformVersion(),
  };
  try {
    await writeFile(`${marker}.new`, `${JSON.stringify(content)}\n`);
    await rename(`${marker}.new`, marker);
  } catch (error) {
    throw cannotOpen(path, messageOf(error), { cause: error });
  }
}

function releasing(engine: Engine, lock: ProcessLock): Engine {
  let closed: Promise<void> | undefined;
  return {
    ...engine,
    close: () => closed ??= engine.close().finally(() => lock.release()),
  };
}

function cannotOpen(
  path: string,
  reason: string,
  details: { hint?: string; cause?: unknown },
): ConfigurationError {
  return new ConfigurationError(
    `Cannot open the embedded database "${path}": ${reason}`,
    details,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
