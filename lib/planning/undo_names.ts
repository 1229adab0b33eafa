/** The names that files have which undo a migration. @module */

/** What the name of an undo file says. */
export interface UndoName {
  /** What it undoes, without `.sql`; empty where the name does not say. */
  readonly base: string;
  /** The version that it undoes, where it is called as Flyway does. */
  readonly version: string | null;
  /**
   * How sure that is: by a form that nothing else has; by a form that a migration could have as
   * well, such as `007_count_down.sql`; or only where there is what it would undo.
   */
  readonly certainty: "certain" | "by its form" | "by its owner alone";
}

const WORD = "(?:down|undo|rollback|revert)";

const HAS_WORD = new RegExp(WORD, "i");

const FORMS: readonly (readonly [form: RegExp, certainty: UndoName["certainty"]])[] = [
  [new RegExp(`^(.+)\\.${WORD}(?:\\.tx)?$`, "i"), "certain"],
  [new RegExp(`^(\\d+)\\.${WORD}(\\..+)$`, "i"), "certain"],
  [new RegExp(`^()${WORD}$`, "i"), "certain"],
  [new RegExp(`^${WORD}[_. -]+(.+)$`, "i"), "certain"],
  [new RegExp(`^(.+)[_ -]${WORD}$`, "i"), "by its form"],
  [new RegExp(`^(\\d+[_ -])${WORD}[_ -](.+)$`, "i"), "by its owner alone"],
];

/**
 * Whether a folder of this name holds what undoes the migrations beside it.
 *
 * @param name The folder's name.
 */
export function isUndoFolder(name: string): boolean {
  return /^(?:rollbacks?|downs?|undos?|reverts?)$/i.test(name);
}

/**
 * Reads whether a file undoes a migration, by its name.
 *
 * @param name The file's name, behind the name of its folder where that is one of undo files.
 * @returns What it undoes, or null where it undoes nothing.
 */
export function readUndoName(name: string): UndoName | null {
  const slash = name.indexOf("/");
  const inFolder = slash !== -1 && isUndoFolder(name.slice(0, slash));
  const stem = name.slice(inFolder ? slash + 1 : 0, -".sql".length);
  const flyway = /^U(\d+(?:[._]\d+)*)__/i.exec(stem)?.[1];
  if (flyway !== undefined) {
    return { base: stem.replace(/^u/i, "V"), version: flyway, certainty: "by its form" };
  }
  // Most files are none of these.
  for (const [form, certainty] of HAS_WORD.test(stem) ? FORMS : []) {
    const found = form.exec(stem);
    if (found === null) continue;
    const base = found.slice(1).join("");
    return { base, version: null, certainty: inFolder ? "certain" : certainty };
  }
  return inFolder ? { base: stem, version: null, certainty: "certain" } : null;
}
