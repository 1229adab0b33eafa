/** What is found in migrations, by rules and by whatever else looks at them. @module */

/**
 * How bad it is: an `error` is refused by PostgreSQL, opens what was to be closed, or cannot work; a
 * `warn` may hurt; an `info` is worth knowing.
 */
export type Level = "error" | "warn" | "info";

/** Something that was found in a migration file. */
export interface Finding {
  /** What kind it is, such as `table-without-rls`. */
  readonly code: string;
  /** How bad it is. */
  readonly level: Level;
  /** The file. */
  readonly file: string;
  /** The line of the file, from 1. */
  readonly line: number;
  /** The column in characters, from 1, where it is known. */
  readonly column?: number;
  /** What is there. */
  readonly message: string;
  /** Why that matters. */
  readonly reason: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Where something stands. */
export interface Place extends Pick<Finding, "file" | "line" | "column"> {
  /** Which statement it is, by its beginning: what an allowance in front of it is for. */
  readonly statement: string;
}
