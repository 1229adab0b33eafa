/** The history of Prisma. @module */

import {
  byName,
  hasColumns,
  type HistoryFormat,
  type HistoryRow,
  inOrderOfTime,
  text,
  time,
} from "../history.ts";
import { sha256sOf } from "../texts.ts";

/** `_prisma_migrations`, with the SHA-256 of each file. */
export const prismaHistory: HistoryFormat = {
  name: "prisma",
  title: "Prisma",
  mend: "Find out what is in the database, and say so with prisma migrate resolve --applied NAME " +
    "or --rolled-back NAME.",
  recognise: (table) =>
    table.table === "_prisma_migrations" &&
    hasColumns(table, "migration_name", "checksum", "finished_at", "rolled_back_at"),
  read(rows) {
    const counting = inOrderOfTime(rows, "started_at")
      .filter(({ rolled_back_at }) => rolled_back_at === null);
    const isDone = ({ finished_at }: HistoryRow) => finished_at !== null;
    return {
      applied: counting.filter(isDone).map(({ migration_name, finished_at, checksum }) => ({
        label: text(migration_name),
        names: byName(text(migration_name)),
        appliedAt: time(finished_at),
        saysTheSame: ({ forward }) => sha256sOf(forward.sql).includes(text(checksum)),
      })),
      unclean: counting.filter((row) => !isDone(row)).map(({ migration_name }) => ({
        label: text(migration_name),
        says: "has begun and never ended",
      })),
    };
  },
};
