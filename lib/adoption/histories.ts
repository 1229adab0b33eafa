/** Tells whose history a table is, and which files it is about. Pure. @module */

import type { ForeignTable } from "../database/state.ts";
import type { Migration } from "../planning/plan.ts";
import type {
  Beside,
  ForeignRecord,
  HistoryFormat,
  HistoryRow,
  ToolName,
  UncleanRecord,
} from "./history.ts";
import { dbmateHistory } from "./histories/dbmate.ts";
import { drizzleHistory } from "./histories/drizzle.ts";
import { flywayHistory } from "./histories/flyway.ts";
import { golangMigrateHistory } from "./histories/golang_migrate.ts";
import { gooseHistory } from "./histories/goose.ts";
import { graphileMigrateHistory } from "./histories/graphile_migrate.ts";
import { nodePgMigrateHistory } from "./histories/node_pg_migrate.ts";
import { prismaHistory } from "./histories/prisma.ts";
import { railsHistory } from "./histories/rails.ts";
import { sqitchHistory } from "./histories/sqitch.ts";
import { supabaseHistory } from "./histories/supabase.ts";

/** How each tool keeps its history. */
const FORMATS: readonly HistoryFormat[] = [
  supabaseHistory,
  dbmateHistory,
  golangMigrateHistory,
  gooseHistory,
  nodePgMigrateHistory,
  prismaHistory,
  drizzleHistory,
  flywayHistory,
  sqitchHistory,
  graphileMigrateHistory,
  railsHistory,
];

/** The names of the tools, for `--from`. */
export const TOOLS: readonly ToolName[] = FORMATS.map(({ name }) => name);

/** A history of another tool that is in a database. */
export interface FoundHistory {
  /** Whose it is. */
  readonly tool: ToolName;
  /** What people call the tool. */
  readonly title: string;
  /** Its table, with the schema. */
  readonly table: string;
  /** How many rows it has; null where it cannot be read. */
  readonly rows: number | null;
}

/**
 * Finds the histories of other tools among tables. One without rows says nothing.
 *
 * @param tables The tables.
 * @returns Those that are the history of a tool.
 */
export function findHistories<Table extends ForeignTable>(
  tables: readonly Table[],
): (FoundHistory & { readonly format: HistoryFormat; readonly source: Table })[] {
  return tables.flatMap((source) => {
    const format = FORMATS.find((format) => format.recognise(source));
    if (format === undefined || source.rows === 0) return [];
    const { name: tool, title } = format;
    return [{
      tool,
      title,
      table: `${source.schema}.${source.table}`,
      rows: source.rows,
      format,
      source,
    }];
  });
}

/** A file that another tool has applied. */
export interface AdoptedFile {
  /** The file. */
  readonly migration: Migration;
  /** What the other tool calls it. */
  readonly label: string;
  /** When it was applied, in the form of the database; null where that is not known. */
  readonly appliedAt: string | null;
  /** Whether the file says what was run; null where that cannot be told. */
  readonly saysTheSame: boolean | null;
}

/** What a history says of the files of a folder. */
export interface HistoryMatch {
  /** The files that are applied, in the order of application. */
  readonly matched: readonly AdoptedFile[];
  /** What is applied and has no file. */
  readonly withoutFile: readonly string[];
  /** What is applied and could be several files. */
  readonly ambiguous: readonly { readonly label: string; readonly files: readonly string[] }[];
  /** What is neither applied nor not. */
  readonly unclean: readonly UncleanRecord[];
}

/**
 * Finds the files that a history is about.
 *
 * @param format Whose history it is.
 * @param rows Its rows.
 * @param beside The files, and what else names migrations.
 * @returns What was found, and what was not.
 */
export function matchHistory(
  format: HistoryFormat,
  rows: readonly HistoryRow[],
  beside: Beside,
): HistoryMatch {
  const { applied, unclean } = format.read(rows, beside);
  const matched: AdoptedFile[] = [];
  const withoutFile: string[] = [];
  const ambiguous: { label: string; files: string[] }[] = [];
  const taken = new Set<string>();
  for (const record of applied) {
    const files = beside.files.filter(record.names);
    const [file] = files;
    if (file === undefined) {
      withoutFile.push(record.label);
    } else if (files.length > 1) {
      ambiguous.push({ label: record.label, files: files.map(({ name }) => name) });
    } else if (!taken.has(file.name)) {
      taken.add(file.name);
      matched.push(toAdopted(file, record));
    }
  }
  return { matched, withoutFile, ambiguous, unclean };
}

function toAdopted(
  migration: Migration,
  { label, appliedAt, saysTheSame }: ForeignRecord,
): AdoptedFile {
  return { migration, label, appliedAt, saysTheSame: saysTheSame?.(migration) ?? null };
}
