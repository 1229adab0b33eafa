/** What it is to read another tool's history. Pure: it is given the rows. @module */

import type { ForeignTable } from "../database/state.ts";
import type { Migration } from "../planning/plan.ts";

/** The tools whose histories are known. */
export type ToolName =
  | "dbmate"
  | "drizzle"
  | "flyway"
  | "golang-migrate"
  | "goose"
  | "graphile-migrate"
  | "node-pg-migrate"
  | "prisma"
  | "rails"
  | "sqitch"
  | "supabase";

/** A row of a history. Whole numbers are text. */
export type HistoryRow = Readonly<Record<string, unknown>>;

/** What a history says of one migration. */
export interface ForeignRecord {
  /** What the tool calls it. */
  readonly label: string;
  /** Whether a file is this migration. */
  readonly names: (file: Pick<Migration, "name" | "forward">) => boolean;
  /** When it was applied, in the form of the database; null where the tool does not say. */
  readonly appliedAt: string | null;
  /**
   * Whether what was run is what a file says: undefined where that cannot be told. Left out where
   * the tool keeps nothing to tell it by.
   */
  readonly saysTheSame?: (file: Pick<Migration, "name" | "forward">) => boolean | undefined;
}

/** A row that is not applied as a whole, so that nobody can tell what is in the database. */
export interface UncleanRecord {
  /** What the tool calls it. */
  readonly label: string;
  /** What the tool says of it. */
  readonly says: string;
}

/** What a history says. */
export interface ForeignHistory {
  /** What is applied, in the order of application. */
  readonly applied: readonly ForeignRecord[];
  /** What is neither applied nor not. */
  readonly unclean: readonly UncleanRecord[];
}

/** What a history is read with. */
export interface Beside {
  /** The files of the folder, in order. */
  readonly files: readonly Migration[];
  /** Drizzle's journal, where there is one: the names of migrations by their time. */
  readonly journal: ReadonlyMap<string, string>;
}

/** How one tool keeps its history. */
export interface HistoryFormat {
  /** What `--from` calls it. */
  readonly name: ToolName;
  /** What people call it. */
  readonly title: string;
  /** What to do about a row that is not applied as a whole. */
  readonly mend: string;
  /** Whether a table is its history. */
  recognise(table: ForeignTable): boolean;
  /** Reads what the table says. */
  read(rows: readonly HistoryRow[], beside: Beside): ForeignHistory;
}

/** The version in front of a file's name, in the form in which versions are compared. */
export function versionOf(file: string): string | null {
  const digits = /^\d+/.exec(file)?.[0] ?? /^V(\d+(?:[._]\d+)*)__/i.exec(file)?.[1];
  return digits === undefined ? null : toVersion(digits);
}

/** A version without what does not count: `001` is 1, and `1.0` is 1 as well. */
export function toVersion(text: string): string {
  return text.split(/[._]/).map((part) => part.replace(/^0+(?=.)/, "")).join(".")
    .replace(/(?:\.0)+$/, "");
}

/** A file's name without what says that it is SQL, and which way it goes. */
export function stemOf(file: string): string {
  return file.replace(/(?:[._-](?:up|do))?(?:\.tx)?\.sql$/i, "");
}

/** Finds files by their version. */
export function byVersion(version: string): ForeignRecord["names"] {
  const wanted = toVersion(version);
  return ({ name }) => versionOf(name) === wanted;
}

/** Finds a file by its whole name. */
export function byName(wanted: string): ForeignRecord["names"] {
  return ({ name }) => name === wanted || name === `${wanted}.sql` || stemOf(name) === wanted;
}

/** Text of a column; empty where there is none. */
export function text(value: unknown): string {
  return value === null || value === undefined ? "" : String(value);
}

/** A time of a column. */
export function time(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** Whether a table has columns. */
export function hasColumns({ columns }: ForeignTable, ...names: readonly string[]): boolean {
  return names.every((name) => columns.includes(name));
}

/** A whole number; null where a text is none, as in a table that has a known name by chance. */
export function wholeNumber(text: string): bigint | null {
  return /^-?\d+$/.test(text) ? BigInt(text) : null;
}

/** Rows in the order of a whole number, such as an `id`; what is none comes first. */
export function inOrderOf(rows: readonly HistoryRow[], column: string): HistoryRow[] {
  return rows.toSorted((a, b) => {
    const [x, y] = [wholeNumber(text(a[column])), wholeNumber(text(b[column]))];
    if (x === null || y === null) return Number(x !== null) - Number(y !== null);
    return x < y ? -1 : x > y ? 1 : 0;
  });
}

/** Rows in the order of their versions, which may be longer than numbers. */
export function inOrderOfVersions(rows: readonly HistoryRow[]): HistoryRow[] {
  const parts = (row: HistoryRow) => toVersion(text(row.version));
  return rows.toSorted((a, b) => {
    const [x, y] = [parts(a), parts(b)];
    return x.length - y.length || (x < y ? -1 : x > y ? 1 : 0);
  });
}

/** Rows in the order of a time. */
export function inOrderOfTime(rows: readonly HistoryRow[], column: string): HistoryRow[] {
  return rows.toSorted((a, b) => {
    const [x, y] = [text(a[column]), text(b[column])];
    return x < y ? -1 : x > y ? 1 : 0;
  });
}
