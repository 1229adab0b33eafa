/**
 * A lock between processes that ends with the process that holds it.
 *
 * @module
 */

import { readFile, rm, writeFile } from "node:fs/promises";

import { ConfigurationError } from "../errors.ts";

/** A held lock. */
export interface ProcessLock {
  /** Gives the lock up. */
  release(): Promise<void>;
}

/** The lock is held. */
export class ProcessLockHeld extends Error {
  /** The process that holds it, where that is known. */
  readonly pid: number | undefined;

  constructor(pid: number | undefined) {
    super("The lock is held");
    this.name = "ProcessLockHeld";
    this.pid = pid;
  }
}

/**
 * Takes the lock that a file stands for.
 *
 * A file that says "locked" would outlive a process that was killed, so the lock
 * has to be one of the kernel's. SQLite takes such a lock on its database file, in
 * Deno and in Node, on every platform; the database itself stays empty. SQLite
 * also refuses a second lock within one process.
 *
 * @param file The lock's file. It is made where it does not exist, and stays.
 * @returns The held lock.
 * @throws {ProcessLockHeld} If another holds it.
 */
export async function takeProcessLock(file: string): Promise<ProcessLock> {
  const { DatabaseSync } = await importSqlite();
  const pidFile = `${file}.pid`;
  const database = new DatabaseSync(file);
  try {
    database.exec(
      "pragma busy_timeout = 0; pragma journal_mode = off; begin exclusive",
    );
  } catch (error) {
    database.close();
    if (!(error instanceof Error) || !error.message.includes("locked")) {
      throw error;
    }
    throw new ProcessLockHeld(await readPid(pidFile));
  }

  const { default: process } = await import("node:process");
  await writeFile(pidFile, `${process.pid}\n`);
  return {
    async release() {
      await rm(pidFile, { force: true });
      database.close();
    },
  };
}

async function importSqlite(): Promise<typeof import("node:sqlite")> {
  const { default: process } = await import("node:process");
  const { emitWarning } = process;
  // Node 22 and 24 call it experimental each time; what is used of it is an exclusive lock.
  process.emitWarning = (warning: string | Error, ...others: unknown[]) => {
    if (!/SQLite is an experimental feature/.test(`${warning}`)) {
      Reflect.apply(emitWarning, process, [warning, ...others]);
    }
  };
  try {
    return await import("node:sqlite");
  } catch (error) {
    throw new ConfigurationError(
      "Cannot lock the embedded database: this runtime has no node:sqlite",
      { hint: "Use Deno 2.2, Node.js 22.13, or a later one.", cause: error },
    );
  } finally {
    process.emitWarning = emitWarning;
  }
}

async function readPid(file: string): Promise<number | undefined> {
  try {
    const pid = Number.parseInt(await readFile(file, "utf8"), 10);
    return Number.isNaN(pid) ? undefined : pid;
  } catch {
    // Its holder has not written it yet, or is just giving up the lock.
    return undefined;
  }
}
