/** Makes rows on a shadow, to see what migrations do to them. @module */

import rowsSql from "../../sql/rows.sql" with { type: "text" };
import tablesSql from "../../sql/rows_tables.sql" with { type: "text" };
import { withLiteral } from "../database/literal.ts";
import { type FillableTable, listValues, orderByKeys, type RowsSnapshot } from "../schema/rows.ts";
import { PLATFORM_SCHEMAS } from "../schema/scope.ts";
import type { Shadow } from "../schema/shadow.ts";

/** A table without rows. */
export interface UnfilledTable {
  /** Its name, as SQL writes it. */
  readonly table: string;
  /** Why none could be made. */
  readonly reason: string;
}

/** What is in the tables of a shadow. */
export interface FilledTables {
  readonly snapshot: RowsSnapshot;
  readonly unfilled: readonly UnfilledTable[];
}

/**
 * Makes some rows in each table that has none.
 *
 * @param shadow The shadow.
 * @returns What is in them then, and which have none.
 */
export async function fillTables(shadow: Shadow): Promise<FilledTables> {
  await shadow.run(rowsSql);
  const tables = await listTables(shadow);
  let unfilled: UnfilledTable[] = [];
  let left = orderByKeys(tables);
  // Where keys lead in a circle, some can be filled when others are.
  for (let round = 1; left.length > 0 && round <= 2; round++) {
    const rows = await shadow.channel.run(
      withLiteral(
        `select item->>'table' as table, supamigrate_shadow.fill(item) as reason
           from jsonb_array_elements($1->'tables') item`,
        { tables: left.map(toFill) },
      ),
    );
    unfilled = rows.filter(({ reason }) => reason !== null) as unknown as UnfilledTable[];
    left = left.filter(({ table }) => unfilled.some((one) => one.table === table));
  }
  return { snapshot: await readRows(shadow), unfilled };
}

/** Reads what is in the tables of a shadow. */
export async function readRows(shadow: Shadow): Promise<RowsSnapshot> {
  const tables = (await listTables(shadow)).map(({ table }) => table);
  const [row] = await shadow.channel.run(
    withLiteral("select supamigrate_shadow.snapshot($1->'tables') as found", { tables }),
  );
  return row?.found as RowsSnapshot;
}

async function listTables(shadow: Shadow): Promise<FillableTable[]> {
  return await shadow.channel.run(
    withLiteral(tablesSql, { platform: PLATFORM_SCHEMAS }),
  ) as unknown as FillableTable[];
}

/** Of what is the platform's, no more is filled than has to be. */
function toFill(table: FillableTable) {
  return {
    ...table,
    ways: table.is_own ? ["all", "given", "needed"] : ["needed"],
    columns: table.columns.map((column, place) => ({
      ...column,
      values: listValues(column, place + 1),
    })),
  };
}
