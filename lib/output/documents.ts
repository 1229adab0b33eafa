/** Results as programs get them. @module */

import type { Shortened } from "./json_documents.ts";

/** The flags that decide how much there is of a result. */
interface Extent {
  readonly verbose?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

/** A planned migration or rollback, of which the statements are what takes the room. */
interface Planned {
  readonly statements: readonly unknown[];
  readonly undo?: readonly unknown[] | null;
}

type WithoutStatements<Result extends { readonly planned: readonly Planned[] }> =
  & Omit<Result, "planned">
  & {
    readonly planned: readonly (Result["planned"][number] | Shortened<Result["planned"][number]>)[];
  };

/**
 * A result without the statements of what was planned: they are in the files, may be megabytes, and
 * bury the rest. A dry run is about them, and has them.
 *
 * @param result The result.
 * @param flags How much there is to be of it.
 */
export function leaveOutStatements<Result extends { readonly planned: readonly Planned[] }>(
  result: Result,
  { verbose, dryRun }: Extent,
): WithoutStatements<Result> {
  if (verbose || dryRun) return result;
  return {
    ...result,
    planned: result.planned.map(({ statements, undo: _, ...planned }) => ({
      ...planned,
      statementCount: statements.length,
    })),
  };
}
