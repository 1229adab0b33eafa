/** The history of goose. @module */

import {
  byVersion,
  hasColumns,
  type HistoryFormat,
  type HistoryRow,
  inOrderOf,
  text,
  time,
} from "../history.ts";

/** `goose_db_version`; older versions of goose add a row where a migration is undone. */
export const gooseHistory: HistoryFormat = {
  name: "goose",
  title: "goose",
  mend: "",
  recognise: (table) =>
    table.table === "goose_db_version" && hasColumns(table, "id", "version_id", "is_applied"),
  read(rows) {
    const newest = new Map<string, HistoryRow>();
    for (const row of inOrderOf(rows, "id")) {
      const version = text(row.version_id);
      newest.delete(version); // what is applied again stands behind what was applied since
      newest.set(version, row);
    }
    newest.delete("0"); // goose's own first row
    return {
      applied: [...newest].filter(([, { is_applied }]) => is_applied === true)
        .map(([version, { tstamp }]) => ({
          label: version,
          names: byVersion(version),
          appliedAt: time(tstamp),
        })),
      unclean: [],
    };
  },
};
