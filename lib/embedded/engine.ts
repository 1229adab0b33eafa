/**
 * Starts PGlite with the roles and schemas of a Supabase project and hands out
 * its one session, to one job at a time.
 *
 * @module
 */

import { PGlite, type PGliteOptions } from "@electric-sql/pglite";

import { MessageBox, type TakenMessages } from "../database/messages.ts";
import manifest from "../../deno.json" with { type: "json" };
import { readOrMakeImage, unpackImage } from "./image.ts";
import type { Piece } from "./platform/pieces.ts";
import { PLATFORM_SOURCES, PLATFORM_SQL } from "./platform/schemas.ts";
import { ExtensionSupply } from "./platform/supply.ts";
import type { Session } from "./session.ts";

/** The major version of the PostgreSQL that PGlite carries. */
export const POSTGRES_MAJOR = 18;

/** A running PostgreSQL with one session, logged in as `authenticator`. */
export interface Engine {
  /**
   * Hands the session to the job when all earlier jobs have ended. Nothing is
   * cleaned between jobs: as with a pool of one connection, what a job leaves
   * behind the next one finds.
   */
  exclusively<Result>(
    job: (session: Session) => Promise<Result>,
  ): Promise<Result>;
  /** The same, logged in as `postgres` meanwhile. */
  asOwner<Result>(job: (session: Session) => Promise<Result>): Promise<Result>;
  /** What the server has said beside its answers since this was asked last. */
  readonly takeMessages: () => TakenMessages;
  /** The same, logged in as the superuser meanwhile. */
  asSuperuser<Result>(job: (session: Session) => Promise<Result>): Promise<Result>;
  /** Tells of the stand-ins that a call uses, each once. */
  tellOfStandIns(body: string): void;
  /** Waits for the jobs and shuts the server down. Jobs that come later are refused. */
  close(): Promise<void>;
}

/** How a server is started. */
export interface StartOptions {
  /** Told of each stand-in for a piece of the platform when it is first used. */
  readonly onStandIn?: ((piece: Piece) => void) | undefined;
  /** Told when a new database is begun, which takes a moment, and several where there is no image. */
  readonly onCreate?: (() => void) | undefined;
  /** What a new database has beside the platform: SQL that `postgres` runs. Part of the image. */
  readonly setup?: string | undefined;
}

/** Whom initdb makes, and whom the session began as. */
export const SUPERUSER = "supabase_admin";

/** For new databases. The superuser is not `postgres`: on Supabase that is an ordinary role. */
const INITDB_ARGUMENTS = ["-U", SUPERUSER, "--wal-segsize=1"];

/**
 * The limit of 2 MB that servers have is more than JavaScript's stack holds: a trigger that sets
 * itself off would end the database instead of failing.
 */
const MAX_STACK_DEPTH = "256kB";

/**
 * Files are in this process's memory, or in the system's cache: a second copy of them buys nothing,
 * and zeroing the 128 MB that servers have takes longer than all else at the start.
 */
const SHARED_BUFFERS = "16MB";

/** Of the log of changes a new database keeps no more than there has to be. */
const LITTLE_WAL = ["-c", "min_wal_size=2MB", "-c", "wal_recycle=off"];

/** Nobody can make another database here, and what it would be made from is half of the files. */
const FORGET_TEMPLATES = [
  "update pg_database set datistemplate = false",
  "drop database template0",
  "drop database template1",
];

const OPTIONS: PGliteOptions = { startParams: startParameters() };

/**
 * PGlite's own parameters but for five. A backend in single-user mode does not read
 * what `alter database … set` and `alter role … set` stored, so the search_path comes
 * from here. `-O` would let migrations change system catalogs, and `-F` would keep
 * fsync off should PGlite's file system learn it.
 */
function startParameters(): string[] {
  return [
    ...PGlite.defaultStartParams
      .filter((parameter) => parameter !== "-O" && parameter !== "-F")
      .map((parameter) =>
        parameter.startsWith("search_path=") ? `search_path="$user", public, extensions` : parameter
      ),
    "-c",
    `max_stack_depth=${MAX_STACK_DEPTH}`,
    "-c",
    `shared_buffers=${SHARED_BUFFERS}`,
  ];
}

/** A server, and where it gets its extensions from. */
interface Server {
  readonly pglite: PGlite;
  readonly supply: ExtensionSupply;
}

/**
 * The files of new databases, as archives, by what they are set up with: copying them takes a
 * fraction of making them.
 */
const images = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** The image; `make` is called where there is none yet. */
async function findImage(
  setup: string,
  make: () => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const image = images.get(setup) ?? readOrMakeImage({
    name: setup === "" ? "platform" : "embedded",
    ingredients: [
      manifest.imports["@electric-sql/pglite"],
      ...INITDB_ARGUMENTS,
      ...LITTLE_WAL,
      ...FORGET_TEMPLATES,
      ...PLATFORM_SOURCES,
      setup,
    ],
    make,
  });
  images.set(setup, image);
  try {
    return await image;
  } catch (error) {
    images.delete(setup);
    throw error;
  }
}

/** An archive as PGlite takes it. An ordinary Blob would copy it several times over. */
class Archive extends Blob {
  readonly #content: Uint8Array<ArrayBuffer>;
  constructor(content: Uint8Array<ArrayBuffer>) {
    super();
    this.#content = content;
  }
  override arrayBuffer(): Promise<ArrayBuffer> {
    return Promise.resolve(this.#content.buffer);
  }
}

/**
 * Starts a new database in memory.
 *
 * @param options What to tell.
 * @returns The running engine.
 */
export async function startInMemory(options: StartOptions = {}): Promise<Engine> {
  options.onCreate?.();
  let made: Server | undefined;
  const archive = await findImage(
    options.setup ?? "",
    async () => await dump(made = await create(options)),
  );
  return await logIn(made ?? await load({ loadDataDir: new Archive(archive) as Blob }, options));
}

/**
 * Starts the database in a folder.
 *
 * @param dataDir The folder of PostgreSQL's files.
 * @param isNew Whether the folder has no database yet.
 * @param options What to tell.
 * @returns The running engine.
 */
export async function startInFolder(
  dataDir: string,
  isNew: boolean,
  options: StartOptions = {},
): Promise<Engine> {
  if (isNew) {
    options.onCreate?.();
    // In memory, where it is quicker, and then copied at once.
    const { setup = "" } = options;
    const archive = await findImage(setup, async () => {
      const server = await create({ setup });
      const files = await dump(server);
      await server.pglite.close();
      return files;
    });
    await unpackImage(archive, dataDir);
  }
  return await logIn(await load({ dataDir }, options));
}

/** Makes a database in memory. */
async function create(options: StartOptions): Promise<Server> {
  const server = await load({
    initDbStartParams: INITDB_ARGUMENTS,
    startParams: [...OPTIONS.startParams!, ...LITTLE_WAL],
  }, options);
  await server.supply.supplyFor(PLATFORM_SQL);
  await server.pglite.exec(`begin;\n${PLATFORM_SQL}\ncommit;`);
  await server.pglite.exec(
    `set session authorization postgres;\nbegin;\n${options.setup ?? ""}\ncommit;\n` +
      `set session authorization ${SUPERUSER}`,
  );
  for (const statement of FORGET_TEMPLATES) await server.pglite.exec(statement);
  // Whoever copies or opens the files next has nothing to replay.
  await server.pglite.exec("checkpoint");
  return server;
}

async function dump({ pglite }: Server): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await pglite.dumpDataDir("none")).arrayBuffer());
}

async function load(pgliteOptions: PGliteOptions, options: StartOptions): Promise<Server> {
  const pglite = await PGlite.create({ ...OPTIONS, ...pgliteOptions });
  const supply = new ExtensionSupply(pglite.Module.FS, options.onStandIn ?? (() => {}));
  // What the database was made with, its functions may need at any time.
  const { rows } = await pglite.query<{ extname: string }>("select extname from pg_extension");
  await supply.supply(rows.map(({ extname }) => extname));
  return { pglite, supply };
}

async function logIn({ pglite, supply }: Server): Promise<Engine> {
  await pglite.exec("set session authorization authenticator");

  const box = new MessageBox();
  let last: Promise<unknown> = Promise.resolve();
  let closed: Promise<void> | undefined;

  const session: Session = {
    exec: async (sql) => {
      await supply.supplyFor(sql);
      return await pglite.exec(sql, { onNotice: box.add });
    },
    query: async <Row>(sql: string, params?: unknown[]) => {
      await supply.supplyFor(sql, params);
      return await pglite.query<Row>(sql, params, { onNotice: box.add });
    },
  };

  const exclusively: Engine["exclusively"] = (job) => {
    if (closed !== undefined) {
      return Promise.reject(new TypeError("The embedded database is closed"));
    }
    const result = last.then(() => job(session));
    last = result.catch(() => {});
    return result;
  };

  /** Allowed whoever is logged in, as the session began as a superuser. */
  const as = (authorization: string): Engine["asOwner"] => (job) =>
    exclusively(async (session) => {
      await session.exec(`set session authorization ${authorization}`);
      try {
        return await job(session);
      } finally {
        await session.exec("rollback");
        await session.exec("set session authorization authenticator");
      }
    });

  return {
    exclusively,
    asOwner: as("postgres"),
    asSuperuser: as(SUPERUSER),
    takeMessages: box.take,
    tellOfStandIns: (body) => supply.tellFor(body),
    close: () => closed ??= last.then(() => pglite.close()),
  };
}
