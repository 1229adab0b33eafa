/** The files of the extensions that are real: what PGlite's packages carry. @module */

import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

import type { Extension, PGliteInterface } from "@electric-sql/pglite";

import pgmqNamesSql from "../../../sql/embedded/extensions/pgmq_names.sql" with { type: "text" };
import pgjwtSql from "../../../sql/embedded/extensions/pgjwt.sql" with { type: "text" };
import type { RealExtension } from "./pieces.ts";
import { scriptFiles } from "./stand_ins.ts";
import { type ArchivedFile, readTar } from "./tar.ts";

type Loader = () => Promise<Extension>;

/** One package of four. */
const spi: Loader = async () =>
  (await import("@electric-sql/pglite/contrib/moddatetime")).moddatetime;

/** Each loaded when it is asked for: unpacking one takes up to a third of a second. */
const PACKAGES: Record<Exclude<RealExtension, "pgjwt">, Loader> = {
  amcheck: async () => (await import("@electric-sql/pglite/contrib/amcheck")).amcheck,
  autoinc: spi,
  bloom: async () => (await import("@electric-sql/pglite/contrib/bloom")).bloom,
  btree_gin: async () => (await import("@electric-sql/pglite/contrib/btree_gin")).btree_gin,
  btree_gist: async () => (await import("@electric-sql/pglite/contrib/btree_gist")).btree_gist,
  citext: async () => (await import("@electric-sql/pglite/contrib/citext")).citext,
  cube: async () => (await import("@electric-sql/pglite/contrib/cube")).cube,
  dict_int: async () => (await import("@electric-sql/pglite/contrib/dict_int")).dict_int,
  dict_xsyn: async () => (await import("@electric-sql/pglite/contrib/dict_xsyn")).dict_xsyn,
  earthdistance: async () =>
    (await import("@electric-sql/pglite/contrib/earthdistance")).earthdistance,
  file_fdw: async () => (await import("@electric-sql/pglite/contrib/file_fdw")).file_fdw,
  fuzzystrmatch: async () =>
    (await import("@electric-sql/pglite/contrib/fuzzystrmatch")).fuzzystrmatch,
  hstore: async () => (await import("@electric-sql/pglite/contrib/hstore")).hstore,
  insert_username: spi,
  intarray: async () => (await import("@electric-sql/pglite/contrib/intarray")).intarray,
  isn: async () => (await import("@electric-sql/pglite/contrib/isn")).isn,
  lo: async () => (await import("@electric-sql/pglite/contrib/lo")).lo,
  ltree: async () => (await import("@electric-sql/pglite/contrib/ltree")).ltree,
  moddatetime: spi,
  pageinspect: async () => (await import("@electric-sql/pglite/contrib/pageinspect")).pageinspect,
  pg_buffercache: async () =>
    (await import("@electric-sql/pglite/contrib/pg_buffercache")).pg_buffercache,
  pg_freespacemap: async () =>
    (await import("@electric-sql/pglite/contrib/pg_freespacemap")).pg_freespacemap,
  pg_hashids: async () => (await import("@electric-sql/pglite-pg_hashids")).pg_hashids,
  pg_surgery: async () => (await import("@electric-sql/pglite/contrib/pg_surgery")).pg_surgery,
  pg_trgm: async () => (await import("@electric-sql/pglite/contrib/pg_trgm")).pg_trgm,
  pg_visibility: async () =>
    (await import("@electric-sql/pglite/contrib/pg_visibility")).pg_visibility,
  pg_walinspect: async () =>
    (await import("@electric-sql/pglite/contrib/pg_walinspect")).pg_walinspect,
  pgcrypto: async () => (await import("@electric-sql/pglite/contrib/pgcrypto")).pgcrypto,
  pgmq: async () => (await import("@electric-sql/pglite-pgmq")).pgmq,
  pgtap: async () => (await import("@electric-sql/pglite-pgtap")).pgtap,
  refint: spi,
  seg: async () => (await import("@electric-sql/pglite/contrib/seg")).seg,
  tablefunc: async () => (await import("@electric-sql/pglite/contrib/tablefunc")).tablefunc,
  tcn: async () => (await import("@electric-sql/pglite/contrib/tcn")).tcn,
  tsm_system_rows: async () =>
    (await import("@electric-sql/pglite/contrib/tsm_system_rows")).tsm_system_rows,
  tsm_system_time: async () =>
    (await import("@electric-sql/pglite/contrib/tsm_system_time")).tsm_system_time,
  unaccent: async () => (await import("@electric-sql/pglite/contrib/unaccent")).unaccent,
  "uuid-ossp": async () => (await import("@electric-sql/pglite/contrib/uuid_ossp")).uuid_ossp,
  vector: async () => (await import("@electric-sql/pglite-pgvector")).vector,
};

const CONTROL = /\/([^/]+)\.control$/;

/**
 * Reads the files of an extension.
 *
 * @param name The extension.
 * @returns Its files, and those of what comes in the same package.
 */
export async function readBundle(name: RealExtension): Promise<ArchivedFile[]> {
  // Written for this project, and does all that the extension of that name does.
  if (name === "pgjwt") {
    return scriptFiles({ name, version: "0.2.0", sql: pgjwtSql, requires: "pgcrypto" });
  }
  const extension = await PACKAGES[name]();
  // Nothing of the server is needed to say where the package's file is.
  const { bundlePath } = await extension.setup({} as PGliteInterface, {});
  if (bundlePath === undefined) throw new TypeError(`The package of ${name} names no bundle`);
  const files = readTar(await promisify(gunzip)(await readFile(bundlePath)))
    .filter(({ path }) => !path.endsWith("/"));
  return files.map(({ path, data }) => {
    if (CONTROL.test(path)) return { path, data: trust(data) };
    if (/\/pgmq--[^-]*\.sql$/.test(path)) return { path, data: append(data, pgmqNamesSql) };
    return { path, data };
  });
}

function append(script: Uint8Array, sql: string): Uint8Array {
  return new TextEncoder().encode(`${new TextDecoder().decode(script)}\n${sql}`);
}

/**
 * Lets `postgres`, which is no superuser, create the extension, as supautils does on hosted
 * projects: the script runs as a superuser, and belongs to one. Where it needs none, all is as it is.
 */
function trust(control: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(control);
  if (/^\s*(superuser\s*=\s*false|trusted\s*=\s*true)/m.test(text)) return control;
  return new TextEncoder().encode(`${text}\ntrusted = true\n`);
}
