/** Keeps what looks like a key in a migration out of results, events and errors. @module */

import { MigrationFileError } from "../errors.ts";
import { findSecrets, type FoundSecret } from "../planning/secrets.ts";
import { REDACTED } from "../redact.ts";

/** Where results, events and errors hold SQL, or a server's words. */
const HOLDS_SQL = new Set(["sql", "message", "detail", "hint", "context", "query", "details"]);

/** Takes what looks like a key out of what an operation gives back. */
export class SecretHider {
  readonly #known = new Set<string>();

  /**
   * Takes note of what is in the migrations, to know it where no more than a part is left.
   *
   * @param secrets What was found there.
   */
  learn(secrets: readonly FoundSecret[]): void {
    for (const { values } of secrets) for (const value of values) this.#known.add(value);
  }

  /**
   * @param value Data.
   * @returns The same with the SQL and the server's words without keys. What holds none is not copied:
   * a file may be megabytes.
   */
  hideIn<Value>(value: Value): Value {
    return this.#copy(value, false) as Value;
  }

  /**
   * @param error What was thrown.
   * @returns The same error, of which the texts are without keys.
   */
  hideInError(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    for (const key of ["message", "stack", "hint", "detail"]) {
      const text: unknown = Reflect.get(error, key);
      const safe = typeof text === "string" ? this.#hide(text) : text;
      if (safe !== text) Reflect.set(error, key, safe);
    }
    if (error instanceof MigrationFileError) {
      Reflect.set(error, "position", this.hideIn(error.position));
      for (const other of error.others) this.hideInError(other);
    }
    this.hideInError(error.cause);
    return error;
  }

  #hide(text: string): string {
    const values = [...this.#known, ...findSecrets(text).flatMap(({ values }) => values)];
    return values.sort((a, b) => b.length - a.length)
      .reduce((kept, value) => kept.replaceAll(value, REDACTED), text);
  }

  #copy(value: unknown, isSql: boolean): unknown {
    if (typeof value === "string") return isSql ? this.#hide(value) : value;
    if (Array.isArray(value)) {
      let copy: unknown[] | undefined;
      for (const [index, item] of value.entries()) {
        const safe = this.#copy(item, isSql);
        if (safe !== item) (copy ??= [...value])[index] = safe;
      }
      return copy ?? value;
    }
    if (typeof value !== "object" || value === null) return value;
    let copy: Record<string, unknown> | undefined;
    for (const [key, item] of Object.entries(value)) {
      // A line of a file goes as a whole: its columns would no longer be right.
      if (key === "excerpt" && this.#hide(String(item)) !== item) {
        delete (copy ??= { ...value })[key];
        continue;
      }
      const safe = this.#copy(item, isSql || HOLDS_SQL.has(key));
      if (safe !== item) (copy ??= { ...value })[key] = safe;
    }
    return copy ?? value;
  }
}
