/** The history of dbmate. @module */

import { byVersion, type HistoryFormat, inOrderOfVersions, text } from "../history.ts";

/** `schema_migrations` with versions alone. */
export const dbmateHistory: HistoryFormat = {
  name: "dbmate",
  title: "dbmate",
  mend: "",
  recognise: ({ schema, table, columns, neighbours }) =>
    table === "schema_migrations" && schema !== "supabase_migrations" &&
    columns.length === 1 && columns[0] === "version" &&
    !neighbours.includes("ar_internal_metadata"),
  read: (rows) => ({ applied: readVersions(rows), unclean: [] }),
};

/** What a table says that has versions and nothing else. */
export function readVersions(rows: Parameters<HistoryFormat["read"]>[0]) {
  return inOrderOfVersions(rows).map(({ version }) => ({
    label: text(version),
    names: byVersion(text(version)),
    appliedAt: null,
  }));
}
