/** A PostgreSQL that crashes, runs out of disk, and comes back with its data. */

import { join } from "node:path";
import type { Major } from "../support/binaries.ts";
import { run } from "../support/binaries.ts";
import { type Postgres, preparePostgres } from "../support/postgres.ts";

/** The size of the disk, where it can be made small: a small one is soon full. */
const DISK_MIB = 320;

/** A server whose data outlive its process. */
export class Server implements AsyncDisposable {
  /** Whether its disk is a small one of its own. */
  readonly hasOwnDisk: boolean;
  readonly #folder: string;
  readonly #start: () => Promise<Postgres>;
  #running: Postgres | undefined;
  #ended = false;

  private constructor(folder: string, hasOwnDisk: boolean, start: () => Promise<Postgres>) {
    this.#folder = folder;
    this.hasOwnDisk = hasOwnDisk;
    this.#start = start;
  }

  static async open(major: Major): Promise<Server> {
    const folder = await Deno.makeTempDir({ prefix: "supamigrate-chaos-" });
    await Deno.chmod(folder, 0o711);
    const hasOwnDisk = await mountSmallDisk(folder);
    const start = await preparePostgres({ major }, folder, {
      // What was committed has to be there after a crash of the server; the machine does not crash.
      synchronous_commit: "on",
      full_page_writes: "on",
      autovacuum: "on",
      max_connections: "30",
      shared_buffers: "16MB",
      max_wal_size: "64MB",
      min_wal_size: "32MB",
      restart_after_crash: "on",
    });
    const server = new Server(folder, hasOwnDisk, start);
    await server.start();
    return server;
  }

  /** The address of a database. */
  url(role: string, database: string): string {
    return this.#process.url(role, database);
  }

  /** The port, which stays the same. */
  get port(): number {
    return Number(new URL(this.#process.url("postgres", "postgres")).port);
  }

  /** What it has logged since it was started last. */
  log(): string {
    return this.#process.process.log();
  }

  /** Starts it, unless it runs. */
  async start(): Promise<void> {
    if (this.#ended) await this.#release(); // it gave up by itself, as with a full disk
    if (this.#running !== undefined) return;
    const running = await this.#start();
    this.#running = running;
    this.#ended = false;
    running.process.exited.then(() => {
      if (this.#running === running) this.#ended = true;
    });
  }

  /** Ends it at once, as `pg_ctl stop -m immediate` does: the next start recovers from the log. */
  async stopImmediately(): Promise<void> {
    const { process } = this.#process;
    if (!this.#ended) Deno.kill(process.pid, "SIGQUIT");
    await process.exited;
    await this.#release();
  }

  /** Fills the disk to its last block. */
  async fillDisk(): Promise<void> {
    // What is left after the first, which is quick, takes the second, which ends with an error.
    await new Deno.Command("sh", {
      args: [
        "-c",
        "fallocate -l $(df -B1 --output=avail . | tail -n 1) filler; " +
        "dd if=/dev/zero of=crumbs bs=4k",
      ],
      cwd: this.#folder,
      stderr: "null",
    }).output();
  }

  /** Makes room again. */
  async freeDisk(): Promise<void> {
    for (const name of ["filler", "crumbs"]) {
      await Deno.remove(join(this.#folder, name)).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release();
    if (this.hasOwnDisk) await run(["umount", this.#folder]);
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #release(): Promise<void> {
    await this.#running?.process.release();
    this.#running = undefined;
    this.#ended = false;
  }

  get #process(): Postgres {
    if (this.#running === undefined) throw new Error("PostgreSQL is stopped");
    return this.#running;
  }
}

/** Only root may mount, and not everywhere: without it no disk is filled. */
async function mountSmallDisk(folder: string): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  try {
    await run(["mount", "-t", "tmpfs", "-o", `size=${DISK_MIB}m,mode=711`, "tmpfs", folder]);
    return true;
  } catch {
    return false;
  }
}
