/** Reads the application's tables and views. @module */

import tablesSql from "../../sql/tables.sql" with { type: "text" };
import type { Channel } from "../database/channel.ts";
import { explaining } from "../database/explain.ts";
import { callReading } from "../database/state.ts";
import type { ReportSchema } from "../report/schema.ts";
import { PLATFORM_SCHEMAS } from "../schema/scope.ts";
import type { OperationContext } from "./context.ts";

/**
 * Reads the tables and views of a project, what belongs to each, and what roles may do with them.
 *
 * @param context What the operation works with.
 * @returns The tables and views, without the platform's.
 * @throws {SupamigrateError} The database cannot be read.
 */
export async function readTables(
  context: Pick<OperationContext, "connect" | "hide">,
): Promise<ReportSchema> {
  const details = await readSchema(explaining(await context.connect()));
  // Anything that somebody has written into a default or a policy may be a key.
  return context.hide({ details }).details;
}

/**
 * Reads them in one call, as they are.
 *
 * @param channel The way to the database.
 */
export async function readSchema(channel: Channel): Promise<ReportSchema> {
  return await callReading(channel, tablesSql, { platform: PLATFORM_SCHEMAS }) as ReportSchema;
}
