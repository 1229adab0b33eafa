/** Compares the rows of two shadows, which the same migrations should have put there. @module */

import type { Catalogue } from "../schema/catalogue.ts";
import { PLATFORM_SCHEMAS } from "../schema/scope.ts";
import type { Shadow } from "../schema/shadow.ts";

/** The rows of each table, and where each sequence stands. */
export type TableRows = ReadonlyMap<string, readonly Row[]>;

type Row = Readonly<Record<string, unknown>>;

/**
 * Reads all rows of the application's tables, and where its sequences stand.
 *
 * @param shadow The shadow.
 * @param catalogue Its schema.
 */
export async function readRows(shadow: Shadow, { facts }: Catalogue): Promise<TableRows> {
  const isOurs = (schema: string) => !PLATFORM_SCHEMAS.includes(schema);
  const tables = facts.facts().flatMap(({ id }) =>
    id.kind === "table" && isOurs(id.schema) ? [[id.schema, id.name] as const] : []
  );
  const sequences = facts.facts().flatMap(({ id }) =>
    id.kind === "sequence" && isOurs(id.schema) ? [[id.schema, id.name] as const] : []
  );
  const parts = [
    ...tables.map(([schema, name]) =>
      `select ${literal(`${schema}.${name}`)} as name, ` +
      `(select jsonb_agg(to_jsonb(r)) from ${quoted(schema)}.${quoted(name)} r) as rows`
    ),
    ...sequences.map(([schema, name]) =>
      `select ${literal(`sequence ${schema}.${name}`)} as name, ` +
      `(select jsonb_agg(jsonb_build_object('last_value', last_value, 'is_called', is_called)) ` +
      `from ${quoted(schema)}.${quoted(name)}) as rows`
    ),
  ];
  if (parts.length === 0) return new Map();
  const found = await shadow.channel.run(parts.join("\nunion all\n"));
  return new Map(found.map(({ name, rows }) => [String(name), (rows ?? []) as Row[]]));
}

/**
 * Finds tables whose rows differ. Values such as the present time differ each time that the same
 * migrations run: what differs between two such runs is not compared.
 *
 * @param one What the migrations have put there.
 * @param again The same of another run of them; null where there was none.
 * @param other What is to be the same.
 * @returns Their names.
 */
export function findDifferentRows(
  one: TableRows,
  again: TableRows | null,
  other: TableRows,
): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].sort().filter((table) => {
    const [rows, others] = [one.get(table) ?? [], other.get(table) ?? []];
    const moving = again === null ? [] : findMoving(rows, again.get(table) ?? []);
    return fingerprint(rows, moving) !== fingerprint(others, moving);
  });
}

/** The columns whose values are other ones each time. */
function findMoving(rows: readonly Row[], again: readonly Row[]): string[] {
  const columns = [...new Set([...rows, ...again].flatMap((row) => Object.keys(row)))];
  const values = (all: readonly Row[], column: string) =>
    JSON.stringify(all.map((row) => JSON.stringify(row[column])).sort());
  return columns.filter((column) => values(rows, column) !== values(again, column));
}

function fingerprint(rows: readonly Row[], without: readonly string[]): string {
  return JSON.stringify(
    rows.map((row) => {
      const kept = Object.entries(row).filter(([column]) => !without.includes(column));
      return JSON.stringify(kept.sort(([a], [b]) => a < b ? -1 : 1));
    }).sort(),
  );
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
