/** Tells from PostgreSQL's error that a piece of the platform is missing, and which. @module */

import { findExtension, PIECES } from "./pieces.ts";

/** What PostgreSQL said. */
export interface Complaint {
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
}

const SEE = "docs/embedded.md says what of Supabase's platform there is";

/** Types that are an extension's, without its name in them. */
const TYPES: Readonly<Record<string, string>> = {
  vector: "vector",
  halfvec: "vector",
  sparsevec: "vector",
  citext: "citext",
  hstore: "hstore",
  ltree: "ltree",
  cube: "cube",
  geometry: "postgis",
  geography: "postgis",
};

/**
 * What to do where a migration failed because something of the platform is not there.
 *
 * @param complaint What PostgreSQL said.
 * @returns The advice; undefined where the reason is another.
 */
export function adviseOnMissing({ code, message, detail = "" }: Complaint): string | undefined {
  const unavailable = /^extension "([^"]+)" is not available/.exec(message)?.[1];
  // Servers before 18 name the file that they did not find; PGlite's has nothing to add.
  if (unavailable !== undefined && detail === "") {
    return `The embedded database has no extension ${unavailable}: ${SEE}. ` +
      "The file may well be right: run it on a project";
  }
  const version = /^extension "([^"]+)" has no installation script nor update path/.exec(message);
  if (version !== null) return `Leave the version out: there is one of ${version[1]}. ${SEE}`;

  const collation = missingCollation(message);
  if (code === "42704" && collation !== undefined) {
    return `The collation ${collation} comes from ICU or the operating system, of which the embedded ` +
      "database has next to nothing. The file may well be right: run it on a project";
  }

  const type = /^type "(?:[^".]+\.)?([^".]+)" does not exist/.exec(message)?.[1];
  if (code === "42704" && type !== undefined && type in TYPES) return needs(TYPES[type]!);

  const schema = /^(?:schema|relation|function|type|procedure|operator) "?(\w+)/.exec(message)?.[1];
  if (!["3F000", "42P01", "42883", "42704"].includes(code) || schema === undefined) {
    return undefined;
  }
  const isQualified = code === "3F000" || new RegExp(`"?${schema}"?\\.`).test(message);
  if (!isQualified) return undefined;
  const piece = PIECES.find((one) => one.schema === schema) ??
    PIECES.find(({ name }) => name === schema);
  if (piece === undefined) return undefined;
  return piece.kind === "extension" && piece.schema !== undefined
    ? needs(piece.name)
    : `It is not among what the embedded database has of ${piece.name}: ${SEE}. On a project it ` +
      "may be there";
}

/**
 * Whether a server may have what the embedded database has not.
 *
 * @param complaint What the embedded database said.
 */
export function isOnServers({ code, message, detail = "" }: Complaint): boolean {
  return code === "42704" && missingCollation(message) !== undefined ||
    /^extension "[^"]+" is not available/.test(message) && detail === "";
}

/** One that servers have from ICU or the operating system, such as `de-x-icu`, `de_DE.utf8`. */
function missingCollation(message: string): string | undefined {
  const name = /^collation "(?:pg_catalog\.)?([^"]+)"(?: for encoding "\w+")? does not exist/
    .exec(message)?.[1];
  return name !== undefined && /-x-icu$|^[a-z]{2,3}_[A-Z]{2}\b/.test(name) ? name : undefined;
}

function needs(extension: string): string {
  const hint = `It comes with the extension ${extension}: `;
  return findExtension(extension) === undefined
    ? `${hint}the embedded database has none. ${SEE}`
    : `${hint}"create extension if not exists ${quoted(extension)}" has to come before`;
}

function quoted(extension: string): string {
  return /^\w+$/.test(extension) ? extension : `"${extension}"`;
}
