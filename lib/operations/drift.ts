/** Finds what differs between a project and what its migrations make. @module */

import { explaining } from "../database/explain.ts";
import { readState } from "../database/state.ts";
import { type Catalogue, readCatalogue } from "../schema/catalogue.ts";
import { compareExtras, compareSchemas, planSchema, type Unwritable } from "../schema/compare.ts";
import { converge } from "../schema/converge.ts";
import { describeDeltas, describeExtras, type SchemaDifference } from "../schema/describe.ts";
import type { OperationContext } from "./context.ts";
import { findApplied, makeShadow } from "./shadow.ts";

/** An object that is not as the migrations make it. */
export interface DriftedObject extends Omit<SchemaDifference, "keys"> {
  /** What was done to it, as statements that do it again. */
  readonly sql: readonly string[];
  /** Statements that take it back. */
  readonly undo: readonly string[];
}

/** What `drift` found. */
export interface DriftResult {
  /** Nothing differs. */
  readonly inSync: boolean;
  /** How many migrations the project has. */
  readonly migrations: number;
  /** What differs, by schema and name. */
  readonly differences: readonly DriftedObject[];
  /** All that was done, as statements in an order that works. */
  readonly sql: readonly string[];
  /** What was done and cannot be written as SQL. */
  readonly unwritable: readonly Unwritable[];
  /** What makes the answer less than certain, a sentence each. */
  readonly doubts: readonly string[];
}

/**
 * Compares a project's schema with what its applied migrations make on a shadow. Changes nothing.
 *
 * @param context What the operation works with.
 * @returns What differs.
 * @throws {ConfigurationError} The project cannot be read, or a migration not be applied to the shadow.
 * @throws {UnreachableError} There is no answer.
 */
export async function drift(context: OperationContext): Promise<DriftResult> {
  const files = await context.load();
  const channel = explaining(await context.connect());
  const state = await readState(channel, context.target);
  const { migrations, doubts } = findApplied(files, state);
  const live = readCatalogue((sql) => channel.run(sql));
  await using shadow = await makeShadow(context, migrations, live);
  const { from, to, statements, unwritable } = await converge(shadow, await live);
  const inSync = statements.length + unwritable.length === 0;
  return {
    inSync,
    migrations: migrations.length,
    differences: inSync ? [] : pairWithStatements(from, to),
    sql: statements.map(({ sql }) => sql),
    unwritable,
    doubts,
  };
}

/**
 * Says what differs between two schemas, each object with its statements.
 *
 * @param from The one.
 * @param to The other, which `sql` leads to; `undo` leads back.
 * @returns The differences, by schema and name.
 */
export function pairWithStatements(from: Catalogue, to: Catalogue): DriftedObject[] {
  const forward = planSchema(from, to).statements;
  const back = planSchema(to, from).statements;
  const about = (statements: typeof forward, keys: ReadonlySet<string>) =>
    statements.filter((statement) => statement.about.some((key) => keys.has(key)))
      .map(({ sql }) => sql);
  return [
    ...describeDeltas(compareSchemas(from, to)),
    ...describeExtras(compareExtras(from, to)),
  ].map(({ keys, ...difference }) => {
    const own = new Set(keys);
    return { ...difference, sql: about(forward, own), undo: about(back, own) };
  });
}
