/** The Supabase CLI. @module */

import { type FileFormat, matching } from "./format.ts";

const MIGRATION = /^(\d+_[^/]*)\.sql$/;

/** The files of the Supabase CLI, which are ours too. */
export const supabaseFiles: FileFormat = {
  name: "supabase",
  title: "Supabase CLI",
  recognise: (files) => matching(files, /^\d{14}_[^/]*\.sql$/).length > 0,
  read(files) {
    const migrations = matching(files, MIGRATION).map((path) => ({
      from: [path],
      name: MIGRATION.exec(path)![1]!,
      forward: files.get(path)!,
      rollback: null,
      sends: [files.get(path)!],
      notes: [],
    }));
    return { migrations, notConverted: [] };
  },
};
