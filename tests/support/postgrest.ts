import { join } from "node:path";
import { findPostgrest } from "./binaries.ts";
import { startWatched, type WatchedProcess } from "./watched_process.ts";

/** What a {@linkcode Postgrest} serves. */
export interface PostgrestOptions {
  readonly databaseUrl: string;
  readonly jwtSecret: string;
  readonly dbPool: number;
  /** Further settings, as PostgREST's environment variables. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether it listens for notifications that its schema cache is out of date; it does. */
  readonly listens?: boolean;
}

/** A PostgREST, configured as hosted projects configure theirs. */
export class Postgrest {
  readonly #options: PostgrestOptions;
  #run: { process: WatchedProcess; client: Deno.HttpClient } | undefined;
  #pastLog = "";

  constructor(options: PostgrestOptions) {
    this.#options = options;
  }

  /** The id of the running process. */
  get pid(): number {
    if (!this.#run) throw new Error("PostgREST is stopped");
    return this.#run.process.pid;
  }

  /** What it has printed since its first start. */
  log(): string {
    return this.#pastLog + (this.#run?.process.log() ?? "");
  }

  /** Resolves when it answers requests and listens for notifications. */
  async start(): Promise<void> {
    if (this.#run) return;
    const { databaseUrl, jwtSecret, dbPool, settings, listens = true } = this.#options;
    const process = await startWatched({
      command: [await findPostgrest()],
      env: {
        LANG: "C.UTF-8",
        PGRST_DB_URI: databaseUrl,
        PGRST_DB_SCHEMAS: "public,storage,graphql_public",
        PGRST_DB_EXTRA_SEARCH_PATH: "public,extensions",
        PGRST_DB_ANON_ROLE: "anon",
        PGRST_DB_POOL: `${dbPool}`,
        // Not after 30 s: a new connection takes ten times as long for its first call.
        PGRST_DB_POOL_MAX_IDLETIME: "600",
        PGRST_DB_CHANNEL_ENABLED: `${listens}`,
        PGRST_DB_USE_LEGACY_GUCS: "false",
        PGRST_JWT_SECRET: jwtSecret,
        // Unlike a port, a socket in a folder of its own is never taken.
        PGRST_SERVER_UNIX_SOCKET: "socket",
        ...settings,
      },
      endSignal: "KILL",
    });
    const client = Deno.createHttpClient({
      proxy: { transport: "unix", path: join(process.folder, "socket") },
      // PostgREST closes idle connections at a time of its choosing.
      poolMaxIdlePerHost: 0,
    });
    this.#run = { process, client };
    try {
      await process.logged("Listening on unix socket");
      if (listens) await process.logged("Listening for notifications");
      await process.logged("Schema cache loaded");
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Ends it as an update of the project does: requests in flight are answered first. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async #end(signal: Deno.Signal): Promise<void> {
    if (!this.#run) return;
    const { process, client } = this.#run;
    Deno.kill(process.pid, signal);
    await process.exited;
    this.#pastLog = this.log();
    this.#run = undefined;
    client.close();
    await process.release();
  }

  /** Has it read the schema anew, a moment later. */
  reload(): void {
    Deno.kill(this.pid, "SIGUSR1");
  }

  /** Sends it a request; `path` is as PostgREST sees it, such as `/rpc/exec_sql`. */
  async fetch(path: string, init: RequestInit): Promise<Response> {
    if (!this.#run) throw new Error("PostgREST is stopped");
    return await fetch(`http://localhost${path}`, { ...init, client: this.#run.client });
  }
}
