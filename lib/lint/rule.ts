/** What a rule is. @module */

import type { Level, Place } from "./finding.ts";
import type { Model } from "./model.ts";
import type { LintStatement } from "./statement.ts";

/**
 * Takes what a rule has found.
 *
 * @param place The statement, or where an object was made.
 * @param message What is there.
 * @param near A word of the statement, where it is about a part of it.
 */
export type Tell = (place: LintStatement | Place, message: string, near?: string) => void;

/** A rule for migrations. */
export interface Rule {
  /** Its name: short, in words, and never another one. */
  readonly code: string;
  /** What it asks for, in a line. */
  readonly title: string;
  /** How bad it is where it is not kept. */
  readonly level: Level;
  /** Why it is there. */
  readonly reason: string;
  /** What to do. */
  readonly remedy: string;
  /** What it does not look at, where that is more than the title says; for the documentation. */
  readonly passesOver?: string;
  /** It looks at the statements of rollback parts too. */
  readonly inRollback?: true;
  /** Looks at a statement; the model is what the statements before it have made. */
  readonly look?: (statement: LintStatement, model: Model, tell: Tell) => void;
  /** Looks at what all statements have made. */
  readonly conclude?: (model: Model, tell: Tell) => void;
}
