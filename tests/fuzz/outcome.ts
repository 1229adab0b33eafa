/** Takes a text the way that `migrate` takes a file, and says what came of it. @module */

import { MigrationFileError } from "../../lib/errors.ts";
import { loadMigrations } from "../../lib/operations/source.ts";
import type { Migration } from "../../lib/planning/plan.ts";
import { type Section, splitSections } from "../../lib/planning/sections.ts";
import { splitStatements } from "../../lib/planning/statements.ts";
import type { Statement } from "../../lib/planning/step.ts";

/** The name that every tried file has. */
export const fileName = "001_a.sql";

/** A property that does not hold. */
export class PropertyError extends Error {
  /**
   * @param property The property in a few words, the same ones each time.
   * @param what What was seen instead.
   */
  constructor(readonly property: string, what: string) {
    super(`${property}: ${what}`);
  }
}

/** Counts how often each property was looked at, and fails where it does not hold. */
export class Checks {
  /** @param counts The counts by property. */
  constructor(readonly counts: Record<string, number> = {}) {}

  /** Looks at a property. */
  holds(property: string, condition: boolean, what: () => string): void {
    this.counts[property] = (this.counts[property] ?? 0) + 1;
    if (!condition) throw new PropertyError(property, what());
  }

  /** Looks at two values that have to be equal, as JSON shows them. */
  equal(property: string, actual: unknown, expected: unknown): void {
    const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
    this.holds(property, left === right, () => `${left} instead of ${right}`);
  }
}

/** A section, and its statements or why it has none. */
export interface SplitSection {
  readonly section: Section;
  readonly statements: readonly Statement[];
  readonly notices: readonly string[];
  readonly refusal: MigrationFileError | null;
  /** Where the statements stand, once that is found out. */
  spans: readonly Span[];
}

/** Where a statement stands in its section. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What came of a file. */
export interface Outcome {
  /** The text with LF line ends. */
  readonly text: string;
  readonly migration: Migration | null;
  readonly refusal: MigrationFileError | null;
  /** The forward section, and the rollback section where there is one. */
  readonly sections: readonly SplitSection[];
}

/** What a text is after the line ends and the mark of the editor are gone. */
export function withLineFeeds(text: string): string {
  const start = text.startsWith("\uFEFF") ? 1 : 0;
  return text.slice(start).split("\r\n").join("\n").split("\r").join("\n");
}

/**
 * Loads a file and splits its sections.
 *
 * @param source The text, or the folder that the file stands in.
 * @param text The text.
 * @param checks Looks at every refusal.
 */
export async function takeFile(
  source: string | Readonly<Record<string, string>>,
  text: string,
  checks: Checks,
): Promise<Outcome> {
  const normal = withLineFeeds(text);
  let migration: Migration;
  try {
    migration = (await loadMigrations(source)).migrations[0]!;
  } catch (error) {
    const refusal = acceptRefusal(error, normal, checks);
    return { text: normal, migration: null, refusal, sections: [] };
  }
  return {
    text: normal,
    migration,
    refusal: null,
    sections: await splitBoth(migration, normal, checks),
  };
}

/** As {@linkcode takeFile}, but for the checksums, which take longer than all the rest. */
export async function takeText(
  text: string,
  checks: Checks,
): Promise<Pick<Outcome, "refusal" | "sections">> {
  try {
    const sections = await splitBoth(splitSections(text, fileName), text, checks);
    return { refusal: null, sections };
  } catch (error) {
    return { refusal: acceptRefusal(error, text, checks), sections: [] };
  }
}

async function splitBoth(
  { forward, rollback }: { forward: Section; rollback: Section | null },
  text: string,
  checks: Checks,
): Promise<SplitSection[]> {
  const sections = [await split(forward, text, checks)];
  if (rollback !== null) sections.push(await split(rollback, text, checks));
  return sections;
}

/** Splits a section. */
export async function split(
  section: Section,
  text: string,
  checks: Checks,
): Promise<SplitSection> {
  try {
    const { statements, notices: told, steps } = await splitStatements(section, fileName);
    // BEGIN and COMMIT around a step are no statements of it, and nothing is said of them.
    const notices = steps.length > 1 ? [...told, `${steps.length} steps`] : told;
    return { section, statements, notices, refusal: null, spans: [] };
  } catch (error) {
    return {
      section,
      statements: [],
      notices: [],
      refusal: acceptRefusal(error, text, checks),
      spans: [],
    };
  }
}

/** The longest that a message or an excerpt may be: it is shown on a terminal. */
const mostShown = 5000;

/** Only a refusal that says where in the file is a fair one. */
function acceptRefusal(error: unknown, text: string, checks: Checks): MigrationFileError {
  const kind = "what is refused is refused with a MigrationFileError";
  checks.holds(kind, error instanceof MigrationFileError, () => String(error));
  const { message, hint, position } = error as MigrationFileError;
  const { file, line = 0, column, excerpt } = position;
  const where = "a refusal names a place inside the file";
  const lines = text.split("\n");
  const found = lines[line - 1];
  const seen = () => `${message} at ${JSON.stringify(position)}`;
  checks.holds(where, file === fileName && found !== undefined, seen);
  checks.holds(
    where,
    column === undefined || (column >= 1 && column <= [...found!].length + 1),
    seen,
  );
  checks.holds(
    where,
    excerpt === undefined || found!.includes(excerpt.replace(/…$/, "")),
    seen,
  );
  checks.holds(
    "a refusal is short enough to be read and says what to do",
    message !== "" && message.length < mostShown && (excerpt ?? "").length < mostShown &&
      hint !== undefined,
    () => `${message.length} characters: ${message.slice(0, 200)}`,
  );
  return error as MigrationFileError;
}
