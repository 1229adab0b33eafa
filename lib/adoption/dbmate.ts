/** dbmate. @module */

import { type FileFormat, inTransaction, matching } from "./format.ts";
import { divide } from "./parts.ts";

const MARK = /^--\s*migrate:(up|down)\b(.*)$/;

/** The files of dbmate: `-- migrate:up` and `-- migrate:down`. */
export const dbmateFiles: FileFormat = {
  name: "dbmate",
  title: "dbmate",
  recognise: (files) =>
    matching(files, /^\d+[^/]*\.sql$/).some((path) => /^--\s*migrate:up\b/m.test(files.get(path)!)),
  read(files) {
    const migrations = matching(files, /^\d+[^/]*\.sql$/).map((path) => {
      const { up, down } = divide(files.get(path)!, MARK);
      const text = up?.text ?? "";
      // The text goes in one call either way: several statements of it are one transaction.
      const isAlone = /\btransaction\s*:\s*false\b/.test(up?.options ?? "");
      return {
        from: [path],
        name: path.slice(0, -".sql".length),
        forward: text,
        rollback: down?.text ?? null,
        sends: isAlone ? [text] : inTransaction(text),
        notes: isAlone ? ["transaction:false: statements that need it are steps of their own"] : [],
      };
    });
    return { migrations, notConverted: [] };
  },
};
