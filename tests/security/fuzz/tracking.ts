/** The tracking tables at one moment, read past the tool. */

import type { Sql } from "../../support/session.ts";

/** The lock row, as far as the protocol is concerned. */
export interface LockRow {
  readonly is_locked: boolean;
  readonly locked_by: string | null;
  readonly process_id: string | null;
  readonly token: string | null;
  readonly generation: number;
  readonly sequence: number;
  readonly lease_ms: number | null;
  /** Whether another run could have taken it over when this was read. */
  readonly expired: boolean;
}

/** What there is: rows by their key, each with a digest of its content. */
export interface Tracking {
  readonly lock: LockRow;
  readonly lockRows: number;
  /** By migration name. */
  readonly history: Readonly<Record<string, string>>;
  /** By number. */
  readonly log: Readonly<Record<string, string>>;
  /** By id. */
  readonly operations: Readonly<Record<string, string>>;
  /** A digest of the rows that no call may change. */
  readonly installation: string;
  /** How many values migrations have written. */
  readonly values: number;
  /** How often something was run that was given as a value. */
  readonly trips: number;
}

/** Reads all of it in one statement. */
export async function readTracking(sql: Sql): Promise<Tracking> {
  const [row] = await sql(`
    select jsonb_build_object(
      'lock', (
        select jsonb_build_object(
                 'is_locked', is_locked, 'locked_by', locked_by, 'process_id', process_id,
                 'token', token, 'generation', generation, 'sequence', sequence,
                 'lease_ms', lease_ms,
                 'expired', is_locked and (expires_at <= clock_timestamp()) is not false)
          from supamigrate.migration_lock where id = 1),
      'lockRows', (select count(*) from supamigrate.migration_lock),
      'history', (
        select coalesce(jsonb_object_agg(migration_name, md5(h::text)), '{}')
          from supamigrate.migration_history h),
      'log', (
        select coalesce(jsonb_object_agg(id, md5(l::text)), '{}') from supamigrate.migration_log l),
      'operations', (
        select coalesce(jsonb_object_agg(id, md5(o::text)), '{}') from supamigrate.operation o),
      'installation', (select string_agg(md5(i::text), ' ') from supamigrate.installation i),
      'values', (select count(*) from extensions.fuzz_values),
      'trips', (select case when is_called then last_value else 0 end from extensions.fuzz_trips)
    ) as tracking
  `);
  return row?.tracking as Tracking;
}

/** Rows of the history by name, as JSON. */
export async function readHistory(
  sql: Sql,
  names: readonly string[],
): Promise<Map<string, Record<string, unknown>>> {
  const rows = await sql(
    `select to_jsonb(h) as row from supamigrate.migration_history h
      where migration_name = any (array(select jsonb_array_elements_text($1::jsonb)))`,
    [names],
  );
  return new Map(rows.map(({ row }) => {
    const entry = row as Record<string, unknown>;
    return [String(entry.migration_name), entry];
  }));
}

/** The newest entries of the log, the oldest of them first. */
export async function readNewLog(sql: Sql, many: number): Promise<Record<string, unknown>[]> {
  const rows = await sql(
    "select to_jsonb(l) as row from supamigrate.migration_log l order by id desc limit $1",
    [many],
  );
  return rows.map(({ row }) => row as Record<string, unknown>).reverse();
}

/** The newest values that migrations have written, the oldest of them first. */
export async function readNewValues(sql: Sql, many: number): Promise<unknown[]> {
  const rows = await sql(
    // As JSON: PGlite takes a byte order mark at the beginning of a text for its own.
    "select to_jsonb(value) as value from extensions.fuzz_values order by id desc limit $1",
    [many],
  );
  return rows.map(({ value }) => value).reverse();
}
