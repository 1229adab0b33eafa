/** The history of node-pg-migrate. @module */

import { byName, hasColumns, type HistoryFormat, inOrderOf, text, time } from "../history.ts";

/** `pgmigrations`, with the names of the files. */
export const nodePgMigrateHistory: HistoryFormat = {
  name: "node-pg-migrate",
  title: "node-pg-migrate",
  mend: "",
  recognise: (table) => table.table === "pgmigrations" && hasColumns(table, "id", "name", "run_on"),
  read: (rows) => ({
    applied: inOrderOf(rows, "id").map(({ name, run_on }) => ({
      label: text(name),
      names: byName(text(name)),
      appliedAt: time(run_on),
    })),
    unclean: [],
  }),
};
