/** Prisma Migrate. @module */

import { type FileFormat, matching } from "./format.ts";

const MIGRATION = /^([^/]+)\/migration\.sql$/;

/** The files of Prisma: a folder for each migration, applied in the order of their names. */
export const prismaFiles: FileFormat = {
  name: "prisma",
  title: "Prisma",
  recognise: (files) =>
    matching(files, MIGRATION).length > 0 &&
    matching(files, /^[^/]+\/snapshot\.json$/).length === 0,
  read(files) {
    const migrations = matching(files, MIGRATION).map((path) => ({
      path,
      folder: MIGRATION.exec(path)![1]!,
    }))
      .sort((a, b) => a.folder < b.folder ? -1 : 1)
      .map(({ path, folder }) => {
        const down = `${folder}/down.sql`;
        const forward = files.get(path)!;
        return {
          from: files.has(down) ? [path, down] : [path],
          name: folder,
          forward,
          rollback: files.get(down) ?? null,
          sends: [forward],
          notes: [],
        };
      });
    return { migrations, notConverted: [] };
  },
};
