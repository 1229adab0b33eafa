/** Which tool a folder is of. @module */

import { ConfigurationError } from "../errors.ts";
import { dbmateFiles } from "./dbmate.ts";
import { drizzleFiles } from "./drizzle.ts";
import { flywayFiles } from "./flyway.ts";
import type { FileFormat, FolderFiles } from "./format.ts";
import { golangMigrateFiles } from "./golang_migrate.ts";
import { gooseFiles } from "./goose.ts";
import { graphileMigrateFiles } from "./graphile_migrate.ts";
import { nodePgMigrateFiles } from "./node_pg_migrate.ts";
import { prismaFiles } from "./prisma.ts";
import { knexFiles, sequelizeFiles, typeormFiles } from "./programs.ts";
import { railsFiles } from "./rails.ts";
import { sqitchFiles } from "./sqitch.ts";
import { supabaseFiles } from "./supabase.ts";

const FORMATS: readonly FileFormat[] = [
  supabaseFiles,
  dbmateFiles,
  golangMigrateFiles,
  gooseFiles,
  nodePgMigrateFiles,
  prismaFiles,
  drizzleFiles,
  flywayFiles,
  sqitchFiles,
  graphileMigrateFiles,
  railsFiles,
  knexFiles,
  typeormFiles,
  sequelizeFiles,
];

/** What `--format` knows. */
export const FORMAT_NAMES: readonly string[] = FORMATS.map(({ name }) => name);

/**
 * Whether a folder is one of a known tool's.
 *
 * @param files The folder.
 * @param asked The tool, where one is meant.
 */
export function isRecognised(files: FolderFiles, asked?: string): boolean {
  return FORMATS.some((format) =>
    (asked === undefined || format.name === asked) && format.recognise(files)
  );
}

/**
 * Finds out which tool's files a folder holds.
 *
 * @param files The folder.
 * @param folder Its path, for errors.
 * @param asked What `--format` says.
 * @returns The format.
 * @throws {ConfigurationError} None is recognised, or several are.
 */
export function findFormat(files: FolderFiles, folder: string, asked?: string): FileFormat {
  if (asked !== undefined) {
    const format = FORMATS.find(({ name }) => name === asked);
    if (format !== undefined) return format;
    throw new ConfigurationError(`There is no format "${asked}"`, {
      hint: `Say one of ${FORMAT_NAMES.join(", ")}.`,
    });
  }
  const all = FORMATS.filter((format) => format.recognise(files));
  // Its names alone show the Supabase CLI: marks and other files say more.
  const found = all.length > 1 ? all.filter((format) => format !== supabaseFiles) : all;
  const [format, another] = found;
  if (format === undefined) {
    throw new ConfigurationError(`No migrations of a known tool are in the folder "${folder}"`, {
      hint: `Name the folder that holds them with --from, or the tool with --format: ${
        FORMAT_NAMES.join(", ")
      }.`,
    });
  }
  if (another !== undefined) {
    throw new ConfigurationError(
      `The folder "${folder}" could be one of ${found.map(({ title }) => title).join(" or ")}`,
      { hint: `Say which: --format ${found.map(({ name }) => name).join(", or --format ")}.` },
    );
  }
  return format;
}
