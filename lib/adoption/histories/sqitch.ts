/** The history of Sqitch. @module */

import {
  type ForeignRecord,
  hasColumns,
  type HistoryFormat,
  inOrderOfTime,
  stemOf,
  text,
  time,
} from "../history.ts";

/** `sqitch.changes`, with the names of the changes. */
export const sqitchHistory: HistoryFormat = {
  name: "sqitch",
  title: "Sqitch",
  mend: "",
  recognise: (table) =>
    table.table === "changes" &&
    hasColumns(table, "change", "change_id", "project", "committed_at"),
  read: (rows) => ({
    applied: inOrderOfTime(rows, "committed_at").map(({ change, committed_at }) => ({
      label: text(change),
      names: byChange(text(change)),
      appliedAt: time(committed_at),
    })),
    unclean: [],
  }),
};

/** Changes have no number; files that were made from them may have one. */
function byChange(change: string): ForeignRecord["names"] {
  const name = change.replaceAll("/", "_");
  return (file) => {
    const stem = stemOf(file.name);
    return stem === name || stem.replace(/^\d+[_-]/, "") === name;
  };
}
