/** Drizzle Kit. @module */

import { ConfigurationError } from "../errors.ts";
import {
  type FileFormat,
  type FolderFiles,
  type ForeignMigration,
  inTransaction,
  matching,
} from "./format.ts";

const FOLDER = /^([^/]+)\/migration\.sql$/;
const BREAKPOINT = "--> statement-breakpoint";

/** The files of Drizzle: `0000_x.sql` in the order of the journal, or a folder for each migration. */
export const drizzleFiles: FileFormat = {
  name: "drizzle",
  title: "Drizzle",
  recognise: (files) =>
    files.has("meta/_journal.json") || matching(files, /^[^/]+\/snapshot\.json$/).length > 0,
  read(files) {
    const tags = files.has("meta/_journal.json")
      ? readJournal(files).map((tag) => ({ tag, path: `${tag}.sql` }))
      : matching(files, FOLDER).map((path) => ({ tag: FOLDER.exec(path)![1]!, path }))
        .sort((a, b) => a.tag < b.tag ? -1 : 1);
    const migrations = tags.map(({ tag, path }) => toMigration(files, tag, path));
    const used = new Set(tags.map(({ path }) => path));
    return {
      migrations,
      notConverted: matching(files, /^[^/]+\.sql$/).filter((path) => !used.has(path))
        .map((file) => ({
          file,
          reason: "is not in meta/_journal.json, so Drizzle leaves it out",
        })),
    };
  },
};

function readJournal(files: FolderFiles): string[] {
  let entries: { idx: number; tag: string }[];
  try {
    ({ entries } = JSON.parse(files.get("meta/_journal.json")!));
    return entries.toSorted((a, b) => a.idx - b.idx).map(({ tag }) => {
      if (typeof tag !== "string") throw new Error("an entry has no tag");
      return tag;
    });
  } catch (error) {
    throw new ConfigurationError(`Cannot read meta/_journal.json: ${(error as Error).message}`, {
      hint: "It says the order of Drizzle's migrations. Take it from the repository again.",
      cause: error,
    });
  }
}

function toMigration(files: FolderFiles, tag: string, path: string): ForeignMigration {
  const text = files.get(path);
  if (text === undefined) {
    throw new ConfigurationError(`"${path}" is missing, which meta/_journal.json names`, {
      hint: "Take it from the repository again.",
    });
  }
  const statements = text.split(BREAKPOINT);
  return {
    from: [path],
    name: tag,
    forward: statements
      .map((part, index) => {
        const isLast = index === statements.length - 1;
        return isLast || part.trim() === "" || part.trimEnd().endsWith(";") ? part : `${part};`;
      }).join(""),
    rollback: null,
    sends: inTransaction(...statements),
    notes: [],
  };
}
