/** Collects what is wrong with migration files, so that one run tells all of it. @module */

import { MigrationFileError } from "../errors.ts";
import { shorten } from "../shorten.ts";

/** What is wrong with migration files, in the order in which it was found. */
export class Refusals {
  readonly #found = new Map<string, MigrationFileError>();

  /** What was found, each once: in the order of the files, and in a file from top to bottom. */
  get all(): MigrationFileError[] {
    const found = [...this.#found.values()];
    const files = [...new Set(found.map(({ position }) => position.file))];
    return found.sort(({ position: a }, { position: b }) =>
      files.indexOf(a.file) - files.indexOf(b.file) ||
      (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
    );
  }

  /** Keeps an error, and the others that came with it. */
  add(error: MigrationFileError): void {
    for (const one of [error, ...error.others]) {
      const { file, line } = one.position;
      const key = JSON.stringify([file, line, one.message]);
      if (!this.#found.has(key)) this.#found.set(key, one);
    }
  }

  /**
   * Does something with a file, and keeps what it is refused with.
   *
   * @param work What is to be done.
   * @returns What it came to; undefined where it was refused.
   */
  async attempt<Result>(work: () => Result | Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MigrationFileError)) throw error;
      this.add(error);
      return undefined;
    }
  }

  /** @throws {MigrationFileError} Something was found: the first of it, with the others. */
  throwAny(): void {
    const [first, ...others] = this.all;
    if (first === undefined) return;
    first.others = others;
    throw first;
  }
}

/**
 * Makes the error of a statement that cannot be sent.
 *
 * @param statement The statement.
 * @param file The file that it stands in.
 * @param what What is wrong with it.
 * @param hint What to do instead.
 */
export function refusal(
  { sql, line }: { readonly sql: string; readonly line: number },
  file: string,
  what: string,
  hint: string,
): MigrationFileError {
  return new MigrationFileError(what, { file, line, excerpt: firstLine(sql) }, { hint });
}

/** What a statement is called in a message. */
export function firstLine(sql: string): string {
  return shorten(sql.split("\n", 1)[0]!, 80);
}
