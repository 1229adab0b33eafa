/** node-pg-migrate. @module */

import { byNumber, type FileFormat, inTransaction, matching, notConverted } from "./format.ts";
import { divide } from "./parts.ts";

const MARK = /^\s*--[\s-]*(up|down)\s+migration(.*)$/i;
const SCRIPT = /^\d+[_-][^/]*\.[cm]?[jt]s$/;

/** The files of node-pg-migrate: SQL with `-- Up Migration`; those in JavaScript are named. */
export const nodePgMigrateFiles: FileFormat = {
  name: "node-pg-migrate",
  title: "node-pg-migrate",
  recognise: (files) =>
    matching(files, /^\d+[^/]*\.sql$/).some((path) =>
      /^\s*--[\s-]*up\s+migration/im.test(files.get(path)!)
    ) || matching(files, SCRIPT).some((path) => /\bpgm\b/.test(files.get(path)!)),
  read(files) {
    const migrations = matching(files, /^\d+[^/]*\.sql$/).sort(byNumber).map((path) => {
      const { head, up, down } = divide(files.get(path)!, MARK);
      // Without a mark the whole file is applied.
      const forward = up?.text ?? head;
      return {
        from: [path],
        name: path.slice(0, -".sql".length),
        forward,
        rollback: down?.text ?? null,
        sends: inTransaction(forward),
        notes: [],
      };
    });
    return {
      migrations,
      notConverted: notConverted(
        matching(files, SCRIPT),
        "is a program: `node-pg-migrate up --dry-run` on a database without it prints its SQL, " +
          "`down --dry-run` on one with it what undoes it",
      ),
    };
  },
};
