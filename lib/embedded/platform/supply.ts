/**
 * Puts the extensions that a statement asks for into PGlite's file system before it runs, and says
 * which stand-ins are used. Until then none costs anything.
 *
 * @module
 */

import { findExtension, type Piece, PIECES, type RealExtension } from "./pieces.ts";
import type { ArchivedFile } from "./tar.ts";
import { textOf } from "./text.ts";

/** As much of PGlite's file system as is needed, with Emscripten's names. */
export interface FileSystem {
  mkdirTree(path: string): void;
  writeFile(path: string, data: Uint8Array): void;
}

/** Where PostgreSQL is installed in it. */
const PREFIX = "/pglite";
const FOLDER = "share/postgresql/extension";

/** No extension is asked for without this word. */
const ASKS = /extension/i;
/** What lists every extension that there is. */
const ASKS_FOR_ALL = /pg_available_extension/i;
/** The versions in `create extension … version '1.0'` and `alter extension … update to '1.0'`. */
const VERSION = /\b(?:version|to)\s+['"]?(\d[\w.]*)/gi;

/** The extensions of one server. */
export class ExtensionSupply {
  readonly #fs: FileSystem;
  readonly #onStandIn: (piece: Piece) => void;
  readonly #told = new Set<string>();
  readonly #supplied = new Set<string>();
  /** Scripts and control files, by name. */
  readonly #texts = new Map<string, string>();

  /**
   * @param fs The server's file system.
   * @param onStandIn Told once of each stand-in that is used.
   */
  constructor(fs: FileSystem, onStandIn: (piece: Piece) => void) {
    this.#fs = fs;
    this.#onStandIn = onStandIn;
  }

  /**
   * Supplies what is mentioned. Too much does no harm: a name counts wherever it stands.
   *
   * @param statement What is about to run.
   * @param values Its values, which may be calls with further statements in them.
   */
  async supplyFor(statement: string, values: readonly unknown[] = []): Promise<void> {
    // Most calls end here, with nothing read but once.
    if (![statement, ...values].some((part) => typeof part === "string" && ASKS.test(part))) return;
    const sql = textOf([statement, ...values]);
    const all = ASKS_FOR_ALL.test(sql);
    const names = PIECES
      .filter(({ kind, name }) => kind === "extension" && (all || word(name).test(sql)))
      .map(({ name }) => name);
    await this.supply(names);
    for (const [, version = ""] of sql.matchAll(VERSION)) {
      for (const name of names) this.#aliasVersion(name, version);
    }
  }

  /**
   * Supplies extensions, and those that they need.
   *
   * @param names The extensions; what there is not is left out.
   */
  async supply(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const piece = findExtension(name);
      if (piece === undefined || this.#supplied.has(name)) continue;
      this.#supplied.add(name);
      for (const file of await readFiles(piece)) this.#write(file);
      await this.supply(this.#setting(name, "requires")?.split(/\s*,\s*/) ?? []);
    }
  }

  /**
   * Tells of the stand-ins that a call uses: creates, or calls something of.
   *
   * @param body The call, with the statements of a migration in it.
   */
  tellFor(body: string): void {
    const sql = textOf(body);
    for (const piece of PIECES) {
      if (piece.standing === "real" || this.#told.has(piece.name) || !uses(sql, piece)) continue;
      this.#told.add(piece.name);
      this.#onStandIn(piece);
    }
  }

  /** Whatever version is asked for is the one that there is, unless its package has that one too. */
  #aliasVersion(name: string, asked: string): void {
    const current = this.#setting(name, "default_version");
    const script = this.#texts.get(`${name}--${current}.sql`);
    if (script === undefined || this.#texts.has(`${name}--${asked}.sql`)) return;
    const alias = "-- Another name for the same version.\n";
    this.#writeText(`${name}--${asked}.sql`, script);
    this.#writeText(`${name}--${asked}--${current}.sql`, alias);
    this.#writeText(`${name}--${current}--${asked}.sql`, alias);
  }

  #setting(name: string, setting: string): string | undefined {
    const control = this.#texts.get(`${name}.control`) ?? "";
    return new RegExp(`^\\s*${setting}\\s*=\\s*'([^']*)'`, "m").exec(control)?.[1];
  }

  #writeText(name: string, text: string): void {
    this.#write({ path: `${FOLDER}/${name}`, data: new TextEncoder().encode(text) });
  }

  #write({ path, data }: ArchivedFile): void {
    const target = `${PREFIX}/${path}`;
    this.#fs.mkdirTree(target.slice(0, target.lastIndexOf("/")));
    this.#fs.writeFile(target, data);
    if (path.startsWith(`${FOLDER}/`)) {
      this.#texts.set(path.slice(FOLDER.length + 1), new TextDecoder().decode(data));
    }
  }
}

/** Loaded when the first one is asked for. */
async function readFiles({ name, standing }: Piece): Promise<readonly ArchivedFile[]> {
  if (standing === "real") {
    const { readBundle } = await import("./bundles.ts");
    return await readBundle(name as RealExtension);
  }
  const { scriptFiles, STAND_IN_SCRIPTS } = await import("./stand_ins.ts");
  return STAND_IN_SCRIPTS.filter((script) => script.name === name).flatMap(scriptFiles);
}

function word(name: string): RegExp {
  return new RegExp(`(?<![\\w-])${name}(?![\\w-])`, "i");
}

/** Whether SQL creates the extension, or calls what is in its schema. */
function uses(sql: string, { kind, name, schema }: Piece): boolean {
  const creates = kind === "extension" &&
    new RegExp(`\\bcreate\\s+extension\\s+(if\\s+not\\s+exists\\s+)?"?${name}(?![\\w-])`, "i")
      .test(sql);
  return creates ||
    (schema !== undefined && new RegExp(`(?<![\\w.])"?${schema}"?\\s*\\.\\s*"?\\w+"?\\s*\\(`, "i")
      .test(sql));
}
