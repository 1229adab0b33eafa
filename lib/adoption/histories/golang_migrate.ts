/** The history of golang-migrate. @module */

import {
  byVersion,
  hasColumns,
  type HistoryFormat,
  text,
  toVersion,
  versionOf,
  wholeNumber,
} from "../history.ts";

/** `schema_migrations` with the last version and whether it was left in the middle. */
export const golangMigrateHistory: HistoryFormat = {
  name: "golang-migrate",
  title: "golang-migrate",
  mend: "Bring the database to the end or to the beginning of it by hand, and say so with " +
    "migrate force VERSION.",
  recognise: (table) =>
    table.table === "schema_migrations" && hasColumns(table, "version", "dirty"),
  read(rows, { files }) {
    const [row] = rows;
    if (row === undefined) return { applied: [], unclean: [] };
    const last = text(row.version);
    const number = wholeNumber(last);
    if (number === null) {
      return { applied: [], unclean: [{ label: last, says: "is no version" }] };
    }
    // -1 is what is left where everything was undone.
    if (number < 0n) return { applied: [], unclean: [] };
    // The table has the last version alone: what comes before it is applied.
    const versions = new Set(
      files.map(({ name }) => versionOf(name)).filter((version): version is string =>
        version !== null && /^\d+$/.test(version) && BigInt(version) <= number
      ),
    );
    versions.add(toVersion(last));
    const inOrder = [...versions].sort((a, b) => BigInt(a) < BigInt(b) ? -1 : 1);
    return {
      applied: inOrder.map((version) => ({
        label: version,
        names: byVersion(version),
        appliedAt: null,
      })),
      unclean: row.dirty === true ? [{ label: last, says: "is marked as dirty" }] : [],
    };
  },
};
