/** What a check is, and what comes of one. @module */

import type { CatalogFacts, Facts } from "./facts.ts";

/** How to mend something, in this order: advice to read first, SQL to run, a command to run. */
export interface Remedy {
  /** What to find out or to do by hand. */
  readonly advice?: string;
  /** For the SQL editor. */
  readonly sql?: string;
  /** For the shell. */
  readonly command?: string;
}

/** Something that is wrong with an installation. */
export interface Finding {
  /** The check that found it. */
  readonly check: string;
  /** What is wrong. */
  readonly problem: string;
  /** Why that matters. */
  readonly why: string;
  /** How to mend it. */
  readonly mend: Remedy;
}

/** One check. Pure: it looks at facts and asks nothing. */
export interface Check {
  /** Its name, which stays. */
  readonly id: string;
  /** What is the case where it finds nothing. */
  readonly title: string;
  /** What it finds, or why it could not look. */
  readonly examine: (facts: Facts) => readonly Omit<Finding, "check">[] | string;
}

/** The command that puts back what is supamigrate's own. */
export const INSTALL = "supamigrate install";

/** Whether there is nothing of supamigrate at all. */
export function isNotInstalled({ schema, functions }: CatalogFacts): boolean {
  return schema === null && functions.length === 0;
}

/**
 * Whether the tracking schema is there in the shape that the tool knows.
 *
 * @param facts The facts.
 * @returns Why it is not, or null.
 */
export function findSchemaGap({ catalog, schemaVersion, shipped }: Facts): string | null {
  if (catalog.schema === null) return "there is no tracking schema";
  if (schemaVersion === null) return "the version of the tracking schema is not known";
  if (schemaVersion !== shipped.schemaVersion) {
    return `its tracking schema is version ${schemaVersion}`;
  }
  return null;
}

/** A few of many, as a person would name them. */
export function nameSome(names: readonly string[], most = 8): string {
  const named = names.slice(0, most).join(", ");
  return names.length > most ? `${named} and ${names.length - most} more` : named;
}

/** Lines without repetitions. */
export function toSql(lines: readonly string[]): string {
  return [...new Set(lines)].join("\n");
}
