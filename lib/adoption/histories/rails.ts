/** The history of Rails. @module */

import type { HistoryFormat } from "../history.ts";
import { readVersions } from "./dbmate.ts";

/** `schema_migrations` beside `ar_internal_metadata`. */
export const railsHistory: HistoryFormat = {
  name: "rails",
  title: "Rails",
  mend: "",
  recognise: ({ table, columns, neighbours }) =>
    table === "schema_migrations" && columns.length === 1 && columns[0] === "version" &&
    neighbours.includes("ar_internal_metadata"),
  read: (rows) => ({ applied: readVersions(rows), unclean: [] }),
};
