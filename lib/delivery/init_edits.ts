/** What a plan of `init` is made of. @module */

/** A file or a folder that is made or extended. */
export interface Edit {
  /** Its path in the repository, with slashes. */
  readonly path: string;
  /** What happens to it. */
  readonly action: "make" | "create" | "extend";
  /** What is added, a line each. */
  readonly adds: readonly string[];
  /** The file's text afterwards; null for a folder. */
  readonly text: string | null;
}

/** Where the parts of a plan go. */
export interface Findings {
  readonly edits: Edit[];
  readonly present: string[];
  readonly notes: string[];
}
