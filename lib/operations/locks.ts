/** Measures on a shadow which locks statements take, and works out for how long. @module */

import sizesSql from "../../sql/table_sizes.sql" with { type: "text" };
import watchSql from "../../sql/watch.sql" with { type: "text" };
import type { Channel } from "../database/channel.ts";
import { explaining } from "../database/explain.ts";
import { withLiteral } from "../database/literal.ts";
import { readState } from "../database/state.ts";
import {
  estimateLocks,
  type LockPlan,
  type MeasuredStatement,
  type TableSize,
  type TouchedTable,
} from "../planning/locks.ts";
import type { Migration } from "../planning/plan.ts";
import { type SplitSection, splitStatements } from "../planning/statements.ts";
import type { Statement } from "../planning/step.ts";
import { readCatalogue } from "../schema/catalogue.ts";
import type { Shadow } from "../schema/shadow.ts";
import type { TransactionMode } from "./apply.ts";
import type { OperationContext } from "./context.ts";
import type { PlannedMigration } from "./prepare.ts";
import { attemptOnShadow, findApplied, makeShadow, toShadowError } from "./shadow.ts";

/**
 * Applies what is planned to a shadow that has what is applied, and looks behind each statement which
 * locks there are. Changes nothing.
 *
 * @param context What the operation works with.
 * @param planned What would be applied, in order.
 * @param transaction What would be committed together: locks are held that long.
 * @returns The statements that do something to tables that are there, the worst first.
 * @throws {ConfigurationError} A migration cannot be applied to the shadow.
 */
export async function measureLocks(
  context: OperationContext,
  planned: readonly PlannedMigration[],
  transaction: TransactionMode = "each",
): Promise<LockPlan> {
  if (planned.length === 0) return estimateLocks([], [], []);
  context.onProgress({ type: "preparing", what: "Measuring locks on a shadow" });
  const files = await context.load();
  const channel = explaining(await context.connect());
  const { migrations: applied } = findApplied(
    files,
    await readState(channel, context.target),
  );
  const live = await readCatalogue((sql) => channel.run(sql));
  await using shadow = await makeShadow(context, applied, live);
  const pending = planned.flatMap(({ name }) =>
    files.migrations.filter((one) => one.name === name)
  );
  const measured = await measureOnShadow(shadow, channel, applied, pending, transaction);
  return {
    ...measured,
    notMeasured: [
      ...measured.notMeasured,
      ...planned.flatMap(({ name, steps }) =>
        steps.flatMap(({ outside, statements: [first] }) =>
          outside === null ? [] : [
            `${name} line ${first!.line}: ${outside.name} runs outside a transaction, where its ` +
            "locks are not measured",
          ]
        )
      ),
    ],
  };
}

/**
 * Applies pending migrations to a shadow, and looks behind each statement which locks there are.
 *
 * @param shadow The shadow, which has them afterwards.
 * @param channel The way to the project, for the sizes of its tables.
 * @param applied The migrations that the shadow has.
 * @param pending Those that it is to have, in order.
 * @param transaction What would be committed together.
 * @throws {ConfigurationError} One cannot be applied.
 */
export async function measureOnShadow(
  shadow: Shadow,
  channel: Channel,
  applied: readonly Migration[],
  pending: readonly Migration[],
  transaction: TransactionMode = "each",
): Promise<LockPlan> {
  const added = pending.filter((migration) => !applied.includes(migration));
  const measured = await watch(shadow, applied, added);
  return estimateLocks(
    transaction === "each" ? measured : measured.map((one) => ({ ...one, transaction: 0 })),
    await readSizes(channel, measured),
    pending.filter((migration) => applied.includes(migration)).map(({ name }) =>
      `${name} runs again on what its old version has made: its locks are not measured`
    ),
  );
}

/** A statement that was sent to the shadow; its number there is its place in a list. */
type SentStatement = Omit<MeasuredStatement, "tables">;

async function watch(
  shadow: Shadow,
  applied: readonly Migration[],
  added: readonly Migration[],
): Promise<MeasuredStatement[]> {
  await shadow.run(watchSql);
  const sent: SentStatement[] = [];
  for (const [index, migration] of added.entries()) {
    const failure = await attemptOnShadow(
      shadow,
      [...applied, ...added.slice(0, index + 1)],
      watching(migration, sent),
    );
    if (failure !== undefined) throw toShadowError(failure);
  }
  const rows = await shadow.channel.run(
    "select * from supamigrate_shadow.seen order by statement, schema, name",
  );
  const tables = Map.groupBy(rows, ({ statement }) => Number(statement));
  return [...tables].map(([number, touched]) => ({
    ...sent[number]!,
    tables: touched as unknown as TouchedTable[],
  }));
}

/** Puts a look at the locks behind each statement of a migration. */
function watching(migration: Migration, sent: SentStatement[]): SplitSection {
  return async (section, file, can) => {
    const split = await splitStatements(section, file, can);
    if (section !== migration.forward) return split;
    const firstTransaction = (sent.at(-1)?.transaction ?? 0) + 1;
    const steps = split.steps.map((step, index) => ({
      ...step,
      statements: step.outside === null
        ? withLooks(step.statements, (statement) =>
          sent.push({
            migration: migration.name,
            transaction: firstTransaction + index,
            ...statement,
          }) - 1)
        : step.statements,
    }));
    return { ...split, steps, statements: steps.flatMap(({ statements }) => statements) };
  };
}

function withLooks(
  statements: readonly Statement[],
  numberOf: (statement: Statement) => number,
): Statement[] {
  const [first] = statements;
  if (first === undefined) return [];
  const look = ({ line }: Statement, sql: string): Statement => ({ line, sql });
  return [
    look(first, "select supamigrate_shadow.begin()"),
    ...statements.flatMap((statement) => {
      const note = look(statement, `select supamigrate_shadow.note(${numberOf(statement)})`);
      // Empty tables are read as a whole, whatever indexes there are.
      return CHANGES_ROWS.test(statement.sql)
        ? [
          look(statement, "set local enable_seqscan = off"),
          statement,
          look(statement, "set local enable_seqscan = on"),
          note,
        ]
        : [statement, note];
    }),
  ];
}

/** What the planner decides how to do. */
const CHANGES_ROWS = /^(?:select|with|insert|update|delete|merge)\b/i;

async function readSizes(
  channel: Channel,
  measured: readonly MeasuredStatement[],
): Promise<readonly TableSize[]> {
  const touched = measured.flatMap(({ tables }) => tables);
  const tables = [
    ...new Map(
      touched.map(({ schema, name }) => [JSON.stringify([schema, name]), { schema, name }]),
    )
      .values(),
  ];
  if (tables.length === 0) return [];
  return await channel.run(withLiteral(sizesSql, { tables })) as unknown as readonly TableSize[];
}
