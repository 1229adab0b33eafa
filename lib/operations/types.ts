/** Makes TypeScript types of a project's schemas, for supabase-js. @module */

import typesSql from "../../sql/types.sql" with { type: "text" };
import { callReading } from "../database/state.ts";
import { formatDatabaseTypes } from "../delivery/types/database.ts";
import type { TypeFacts } from "../delivery/types/facts.ts";
import { ConfigurationError } from "../errors.ts";
import type { OperationContext } from "./context.ts";

/** Options of `types`. */
export interface TypesOptions {
  /** The schemas; those that the API shows by default, as far as the database says so, or `public`. */
  readonly schemas?: readonly string[];
  /**
   * The version of PostgREST to write down where no session of it says which one it is. Without it,
   * none is written down then.
   */
  readonly postgrestVersion?: string;
}

/** What `types` made. */
export interface TypesResult {
  /** A module of TypeScript that exports `Database` and its helpers. */
  readonly text: string;
  /** The schemas in it. */
  readonly schemas: readonly string[];
  /** The version of PostgREST in it, or null. */
  readonly postgrestVersion: string | null;
}

/**
 * Makes the types, in one call that changes nothing.
 *
 * @param context What the operation works with.
 * @param options Which schemas.
 * @returns The types.
 * @throws {ConfigurationError} There is no such schema.
 * @throws {SupamigrateError} The database cannot be read.
 */
export async function makeTypes(
  context: Pick<OperationContext, "connect">,
  { schemas, postgrestVersion }: TypesOptions = {},
): Promise<TypesResult> {
  const facts = await callReading(
    await context.connect(),
    typesSql,
    schemas === undefined ? {} : { schemas },
  ) as TypeFacts;
  // The API may go on showing what is gone; whoever names a schema means it.
  if (schemas !== undefined && facts.missing.length > 0) {
    throw new ConfigurationError(`There is no schema ${facts.missing.join(", ")}`, {
      hint:
        "Names are taken as they are, with their capitals. Without any, the schemas are those " +
        "that the API shows, or public.",
    });
  }
  const version = findVersion(facts) ?? postgrestVersion ?? null;
  return {
    text: formatDatabaseTypes(facts, version),
    schemas: facts.schemas,
    postgrestVersion: version,
  };
}

/** Where there are several, as during an upgrade, the oldest decides what a client may do. */
function findVersion({ api_sessions }: TypeFacts): string | null {
  const versions = api_sessions.flatMap((name) =>
    /^postgrest (\d+(?:\.\d+)*)/i.exec(name)?.[1] ?? []
  );
  return versions.sort((a, b) => parseFloat(a) - parseFloat(b))[0] ?? null;
}
