import { createHash } from "node:crypto";
import {
  buildOnce,
  installPostgres,
  installPostgresWithCron,
  type Major,
  run,
} from "./binaries.ts";
import { freePort } from "./free_port.ts";
import projectSql from "./project.sql" with { type: "text" };
import { openSession } from "./session.ts";
import supautilsSql from "./supautils.sql" with { type: "text" };
import { startWatched, type User, type WatchedProcess } from "./watched_process.ts";

/** The database that every project starts as a copy of. */
export const projectTemplate = "project_template";

/** A running PostgreSQL. */
export interface Postgres {
  readonly process: WatchedProcess;
  /** The address of a database. No role needs a password; the one given is for show. */
  url(role: string, database: string): string;
}

// PostgreSQL refuses to run as root.
const serverUser: User = Deno.uid() === 0 ? { uid: 65534, gid: 65534 } : {};

/** Settings of a server by name. */
export type Settings = Readonly<Record<string, string>>;

const usualSettings: Settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "100",
  shared_buffers: "32MB",
  wal_level: "logical",
  timezone: "UTC",
  log_timezone: "UTC",
  // Nothing here outlives its test.
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  autovacuum: "off",
};

/** In its `postgresql.conf`, so that a role, a database and a session can set them differently. */
const configuration = `
# The limit that a hosted project sets for every role.
statement_timeout = '2min'
`;

/** What a server is made from. */
export interface ServerShape {
  readonly major: Major;
  /**
   * Whether `postgres` may do what hosted projects let it by means of the library supautils, as far
   * as a server can allow that without it: create extensions, and policies on the tables of
   * `storage` and `realtime`. Default: false, as it is where the library is not loaded.
   */
  readonly supautils?: boolean;
  /** Whether the extension pg_cron can be created in the first project. Only 15 has it. */
  readonly cron?: boolean;
}

/** Starts a server that holds {@linkcode projectTemplate}. Its data go when it ends. */
export async function startPostgres(shape: ServerShape): Promise<Postgres> {
  const { native, cluster } = await prepareCluster(shape);
  const makeData = `cp -R "${cluster}" data`;
  if (!shape.cron) return await serve(native, { makeData });
  return await serve(await installPostgresWithCron(), {
    makeData,
    settings: {
      "shared_preload_libraries": "pg_cron",
      "cron.database_name": "project_1",
      "cron.host": "127.0.0.1",
    },
  });
}

/** Makes the data of a server that is to outlive its process, and returns how to start it. */
export async function preparePostgres(
  shape: ServerShape,
  folder: string,
  settings: Settings,
): Promise<() => Promise<Postgres>> {
  const { native, cluster } = await prepareCluster(shape);
  const data = `${folder}/data`;
  await run(["cp", "-R", cluster, data]);
  const owner = `${serverUser.uid ?? ""}`;
  if (owner !== "") await run(["chown", "-R", owner, data]);
  const port = freePort();
  return () => serve(native, { makeData: `ln -s "${data}" data`, settings, port });
}

/** A stopped server's data, made once for all tests: `initdb` takes far longer than a copy. */
async function prepareCluster(
  { major, supautils = false }: ServerShape,
): Promise<{ readonly native: string; readonly cluster: string }> {
  const native = await installPostgres(major, supautils ? "as shipped" : "none");
  const template = supautils ? `${projectSql}\n${supautilsSql}` : projectSql;
  const hash = createHash("sha256").update(configuration).update(template).digest("hex");
  const cluster = await buildOnce(`cluster-${major}-${hash.slice(0, 12)}`, async (cluster) => {
    await Deno.mkdir(cluster, { mode: 0o700 });
    if (serverUser.uid !== undefined) {
      await Deno.chown(cluster, serverUser.uid, serverUser.gid ?? null);
    }
    const options = "--username=supabase_admin --auth=trust --encoding=UTF8 --locale=C --no-sync";
    await run([`${native}/bin/initdb`, `--pgdata=${cluster}`, ...options.split(" ")], serverUser);
    await Deno.writeTextFile(`${cluster}/postgresql.conf`, configuration, { append: true });

    const postgres = await serve(native, { makeData: `ln -s "${cluster}" data` });
    try {
      await createTemplate(postgres, template);
      Deno.kill(postgres.process.pid, "SIGINT");
      await postgres.process.exited;
    } finally {
      await postgres.process.release();
    }
  });
  return { native, cluster };
}

async function createTemplate(postgres: Postgres, templateSql: string): Promise<void> {
  await using server = await openSession(postgres.url("supabase_admin", "postgres"));
  await server.sql(`create database ${projectTemplate}`);
  {
    await using template = await openSession(postgres.url("supabase_admin", projectTemplate));
    await template.sql(templateSql);
  }
  await server.sql(`alter database ${projectTemplate} owner to postgres`);
  await server.sql(`alter database ${projectTemplate} is_template true allow_connections false`);
}

interface Serving {
  /** A shell command that puts the data where the server looks for them. */
  readonly makeData: string;
  readonly settings?: Settings;
  /** Any free one, unless it has to stay the same. */
  readonly port?: number;
}

async function serve(
  native: string,
  { makeData, settings, port: fixed }: Serving,
): Promise<Postgres> {
  for (let attempt = 1;; attempt++) {
    const port = fixed ?? freePort();
    const process = await startWatched({
      ...serverUser,
      command: [
        "sh",
        "-c",
        `${makeData} && exec "$@"`,
        "sh",
        `${native}/bin/postgres`,
        "-D",
        "data",
        "-p",
        `${port}`,
        ...Object.entries({ ...usualSettings, ...settings })
          .flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      // Quits at once, as after a crash: the data is thrown away.
      endSignal: "QUIT",
    });
    try {
      await process.logged("database system is ready to accept connections");
      const url = (role: string, database: string) =>
        `postgres://${role}:postgres@127.0.0.1:${port}/${database}`;
      return { process, url };
    } catch (error) {
      const portWasTaken = process.log().includes("Address already in use");
      await process.release();
      if (!portWasTaken || attempt === 5) throw error;
    }
  }
}
