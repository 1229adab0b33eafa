/** Rails. @module */

import { type FileFormat, matching } from "./format.ts";

const MIGRATION = /^(?:.*\/)?\d+_\w+\.rb$/;

/** The files of Rails, which are Ruby; `structure.sql` is SQL, and makes a baseline. */
export const railsFiles: FileFormat = {
  name: "rails",
  title: "Rails",
  recognise: (files) =>
    matching(files, MIGRATION).length > 0 ||
    files.has("structure.sql") || files.has("schema.rb"),
  read: (files) => ({
    migrations: [],
    notConverted: matching(files, /(?:^|\/)(?:structure\.sql|schema\.rb|\d+_\w+\.rb)$/)
      .map((file) => ({
        file,
        reason: file.endsWith("structure.sql")
          ? "is the schema as it is: make it the first migration, and record it with " +
            "`supamigrate baseline NAME`"
          : "is Ruby: set `config.active_record.schema_format = :sql`, run `rails db:schema:dump`, " +
            "and begin with structure.sql as a baseline",
      })),
  }),
};
