/** What a step is, and what it is made of. @module */

import type { Destroyed } from "./destroyed.ts";
import type { OutsideStatement } from "./outside_transaction.ts";
import type { ParsedStatement } from "./parser.ts";

/** One statement as it is sent. */
export interface Statement {
  /** The line of the file that it starts on, from 1. */
  readonly line: number;
  /** Its text, without comments before it and without the semicolon. */
  readonly sql: string;
  /** What it destroys, and is kept before it; left out where that is nothing. */
  readonly destroyed?: readonly Destroyed[];
}

/** A statement with its parse tree. */
export type TypedStatement = Statement & Pick<ParsedStatement, "start" | "type" | "node">;

/** How a statement is cut, in the form of `sql/batches.sql`. */
export interface Batch {
  /** The table as the mark names it, in SQL. */
  readonly table: string;
  /** The table as the statement names it, in SQL. */
  readonly target: string;
  /** Whether the statement leaves out what inherits from it. */
  readonly only: boolean;
  /** The column that ranges are of. */
  readonly key: string;
  /** How many rows a range has at most. */
  readonly rows: number;
  /** What the statement calls the table, in SQL. */
  readonly alias: string;
  /** The statement's text before and behind the condition of a range. */
  readonly parts: readonly [string, string];
  /** The same of what chooses the rows that are kept before; left out where none are destroyed. */
  readonly from?: readonly [string, string];
  /** Functions that would count or add up across ranges, if they are aggregates. */
  readonly functions: readonly string[];
}

/** A part of a migration that is committed by itself. */
export interface Step {
  /** What of the steps before it the session keeps: settings, as they were made. */
  readonly settings: readonly Statement[];
  /** Its statements; one alone where it runs outside a transaction. */
  readonly statements: readonly Statement[];
  /** Set where it runs outside a transaction: what it is, and how its end is known. */
  readonly outside: OutsideStatement | null;
  /** How its last statement is cut into ranges that are committed one by one; left out where it is not. */
  readonly batch?: Batch;
}

/** A comment that asks for a commit, with its line. */
export interface CommitMark {
  /** Where it stands in the text. */
  readonly start: number;
  /** The line of the file, from 1. */
  readonly line: number;
}

/** Tells what a statement is that runs outside a transaction; null of all others. */
export type FindOutside = (statement: TypedStatement) => OutsideStatement | null;

/** A step before its statements are written down. */
export interface StepPart {
  readonly settings: readonly TypedStatement[];
  readonly statements: readonly TypedStatement[];
  readonly outside: OutsideStatement | null;
  readonly batch?: Batch;
}

/** What psql would commit together: a block, or what stands between two of them. */
export interface Unit {
  readonly isBlock: boolean;
  readonly statements: readonly TypedStatement[];
}
