/** graphile-migrate. @module */

import { byNumber, type FileFormat, inTransaction, matching } from "./format.ts";
import { normalizeText } from "../planning/sections.ts";

const COMMITTED = /^(?:migrations\/)?committed\/(\d+)(?:-(.+))?\.sql$/;
const CURRENT = /^(?:migrations\/)?(?:current\.sql|current\/.+\.sql)$/;

/** The files of graphile-migrate: `committed/000001-x.sql`; what is in `current.sql` is named. */
export const graphileMigrateFiles: FileFormat = {
  name: "graphile-migrate",
  title: "graphile-migrate",
  recognise: (files) => matching(files, COMMITTED).length > 0,
  read(files) {
    const migrations = matching(files, COMMITTED).map((path) => {
      const [, number, slug] = COMMITTED.exec(path)!;
      const text = normalizeText(files.get(path)!);
      const head = /^(?:--!.*\n)*/.exec(text)![0];
      const forward = text.slice(head.length).replace(/^\n/, "");
      const message = /^--! Message: (.*)$/m.exec(head)?.[1] ?? "";
      const title = slug ?? (toSlug(message) || "migration");
      const isAlone = /^--!\s*no-transaction/m.test(text);
      const placeholder = /(?<![:\w]):(?:DATABASE_\w+|[A-Z][A-Z_]+)\b/.exec(forward)?.[0];
      return {
        from: [path],
        name: `${number}_${title}`,
        forward: isAlone ? forward.replace(/^--!\s*no-transaction.*\n/m, "") : forward,
        rollback: null,
        sends: isAlone ? [forward] : inTransaction(forward),
        notes: placeholder === undefined
          ? []
          : [`the placeholder ${placeholder} is not filled in; write the value into the file`],
      };
    });
    return {
      migrations: migrations.sort((a, b) => byNumber(a.name, b.name)),
      notConverted: matching(files, CURRENT)
        .filter((path) => files.get(path)!.replace(/^\s*--.*$/gm, "").trim() !== "")
        .map((file) => ({
          file,
          reason: "is not committed: `graphile-migrate commit` it first, or make a migration of it",
        })),
    };
  },
};

function toSlug(message: string): string {
  return message.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 60);
}
