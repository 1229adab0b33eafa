/** The history of the Supabase CLI. @module */

import { comparableStatements } from "../../planning/comparable.ts";
import { byVersion, type HistoryFormat, inOrderOfVersions, text } from "../history.ts";

/** `supabase_migrations.schema_migrations`, with the statements that were run. */
export const supabaseHistory: HistoryFormat = {
  name: "supabase",
  title: "the Supabase CLI",
  mend: "supabase migration repair VERSION --status reverted takes it out of the ledger.",
  recognise: ({ schema, table }) =>
    schema === "supabase_migrations" && table === "schema_migrations",
  read: (rows) => ({
    applied: inOrderOfVersions(rows).map((row) => ({
      label: [text(row.version), text(row.name)].filter((part) => part !== "").join("_"),
      names: byVersion(text(row.version)),
      appliedAt: null,
      saysTheSame: ({ forward }) =>
        Array.isArray(row.statements) && row.statements.length > 0
          ? isSame(forward.sql, row.statements.map(text))
          : undefined,
    })),
    unclean: [],
  }),
};

/** The ledger has the statements one by one, without the semicolons between them. */
function isSame(sql: string, statements: readonly string[]): boolean {
  return comparableStatements(statements.join("\n;\n")) === comparableStatements(sql);
}
