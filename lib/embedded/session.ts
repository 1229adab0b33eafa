/** The session of the embedded database, as its users see it. @module */

/** What runs statements. */
export interface Session {
  /** Runs one or several statements with no values. */
  exec(sql: string): Promise<unknown>;
  /** Runs one statement with values. */
  query<Row>(
    sql: string,
    params?: unknown[],
  ): Promise<{ readonly rows: Row[] }>;
}
