/** Tools whose migrations are programs: what they do, only they can say. @module */

import { type FileFormat, matching, notConverted } from "./format.ts";

const SCRIPT = /^(?:[^/]+\/)?[^/]+\.[cm]?[jt]s$/;

/** A tool of which no file can be read, with what shows it and what to do. */
function programs(name: string, title: string, shows: RegExp, reason: string): FileFormat {
  return {
    name,
    title,
    recognise: (files) => matching(files, SCRIPT).some((path) => shows.test(files.get(path)!)),
    read: (files) => ({
      migrations: [],
      notConverted: notConverted(matching(files, SCRIPT), reason),
    }),
  };
}

const DUMP = "or dump the schema with `pg_dump --schema-only` and begin with that as a baseline";

/** The migrations of Knex. */
export const knexFiles = programs(
  "knex",
  "Knex",
  /\bknex\b/i,
  `is a program: knex.schema's toSQL() gives its SQL; ${DUMP}`,
);

/** The migrations of TypeORM. */
export const typeormFiles = programs(
  "typeorm",
  "TypeORM",
  /\bMigrationInterface\b|\bqueryRunner\b/,
  `is a program: copy the SQL from its queryRunner.query() calls; ${DUMP}`,
);

/** The migrations of Sequelize. */
export const sequelizeFiles = programs(
  "sequelize",
  "Sequelize",
  /\bqueryInterface\b/,
  `is a program: run it with logging, which prints its SQL; ${DUMP}`,
);
