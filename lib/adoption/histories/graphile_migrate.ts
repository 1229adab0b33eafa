/** The history of graphile-migrate. @module */

import {
  byName,
  byVersion,
  hasColumns,
  type HistoryFormat,
  inOrderOfTime,
  text,
  time,
} from "../history.ts";

/** `graphile_migrate.migrations`, with the hashes that stand at the head of committed files. */
export const graphileMigrateHistory: HistoryFormat = {
  name: "graphile-migrate",
  title: "graphile-migrate",
  mend: "",
  recognise: (table) =>
    table.table === "migrations" && hasColumns(table, "hash", "previous_hash", "filename", "date"),
  read: (rows) => ({
    applied: inOrderOfTime(rows, "filename").map(({ filename, date, hash }) => {
      const file = text(filename);
      return {
        label: file,
        // `import` gives a file its message for a name; its number stays.
        names: /^\d/.test(file) ? byVersion(/^\d+/.exec(file)![0]) : byName(file),
        appliedAt: time(date),
        saysTheSame: ({ forward }) => {
          const head = /^--! Hash: (\S+)$/m.exec(forward.sql)?.[1];
          return head === undefined ? undefined : head === text(hash);
        },
      };
    }),
    unclean: [],
  }),
};
