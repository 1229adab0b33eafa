/** The history of Drizzle. @module */

import { byName, hasColumns, type HistoryFormat, inOrderOf, text, time } from "../history.ts";
import { sha256sOf } from "../texts.ts";

/** `__drizzle_migrations`: the SHA-256 of each file and its time in the journal. */
export const drizzleHistory: HistoryFormat = {
  name: "drizzle",
  title: "Drizzle",
  mend: "",
  recognise: (table) =>
    table.table === "__drizzle_migrations" && hasColumns(table, "hash", "created_at"),
  read(rows, { files, journal }) {
    const byHash = Map.groupBy(
      files.flatMap(({ name, forward }) => sha256sOf(forward.sql).map((hash) => ({ name, hash }))),
      ({ hash }) => hash,
    );
    return {
      applied: inOrderOf(rows, "id").map((row) => {
        const hash = text(row.hash);
        const hasHash = (name: string) =>
          (byHash.get(hash) ?? []).some((found) => found.name === name);
        // The newer tables have the name; for the older ones the journal has it.
        const tag = text(row.name) || journal.get(text(row.created_at));
        return {
          label: tag ?? `the file with the SHA-256 ${hash}`,
          names: tag === undefined ? ({ name }) => hasHash(name) : byName(tag),
          appliedAt: time(row.applied_at),
          // `import` takes the breakpoints out: then it cannot be told what the text was.
          saysTheSame: ({ name, forward }) =>
            hasHash(name) ||
            (forward.sql.includes("--> statement-breakpoint") ? false : undefined),
        };
      }),
      unclean: [],
    };
  },
};
