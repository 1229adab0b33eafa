/** What it is to read another tool's migration files. Pure: it is given their texts. @module */

/** The files of a folder: their text by their path in it, with `/` between folders. */
export type FolderFiles = ReadonlyMap<string, string>;

/** A migration of another tool. */
export interface ForeignMigration {
  /** The files that it is made from. */
  readonly from: readonly string[];
  /** What to call it, without `.sql`. */
  readonly name: string;
  /** What is applied. */
  readonly forward: string;
  /** What undoes it; null where there is nothing. */
  readonly rollback: string | null;
  /** What the tool sends when it applies it: each text is one call, whatever is in it. */
  readonly sends: readonly string[];
  /** What the reader should know, a sentence each. */
  readonly notes: readonly string[];
}

/** A file of which no migration is made. */
export interface NotConverted {
  /** Its path. */
  readonly file: string;
  /** Why, and what to do. */
  readonly reason: string;
}

/** What is in a folder of another tool. */
export interface ForeignFiles {
  /** Its migrations, in the order in which the tool applies them. */
  readonly migrations: readonly ForeignMigration[];
  /** What else of it somebody could miss. */
  readonly notConverted: readonly NotConverted[];
}

/** How one tool keeps its migrations. */
export interface FileFormat {
  /** What `--format` calls it. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  /** Whether a folder is one of its. */
  recognise(files: FolderFiles): boolean;
  /** Reads a folder of its. */
  read(files: FolderFiles): ForeignFiles | Promise<ForeignFiles>;
}

/** A text as a tool sends it that opens a transaction for it. */
export function inTransaction(...texts: readonly string[]): string[] {
  return [`begin;\n${texts.map((text) => `${text}\n;\n`).join("")}commit;`];
}

/** The name of a file without its folders. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The files whose path in the folder matches, in the order of their paths. */
export function matching(files: FolderFiles, pattern: RegExp): string[] {
  return [...files.keys()].filter((path) => pattern.test(path)).sort();
}

/** A comparison by the number that names begin with; by name where it is the same. */
export function byNumber(a: string, b: string): number {
  const [x, y] = [a, b].map((name) => BigInt(/^\d+/.exec(name)?.[0] ?? 0)) as [bigint, bigint];
  return x === y ? (a < b ? -1 : 1) : x < y ? -1 : 1;
}

/** JavaScript and the like: what it does, only the tool can say. */
export function notConverted(
  files: readonly string[],
  reason: string,
): NotConverted[] {
  return files.map((file) => ({ file, reason }));
}
