/** Reads Liquibase's formatted SQL, in which what undoes a file stands in comments. @module */

import { MigrationFileError } from "../errors.ts";
import type { LineComment, Scan } from "./lexer.ts";

const HEADER = /^--\s*liquibase\s+formatted\s+sql\b/i;
const CHANGESET = /^--\s*changeset\s+\S+(.*)$/i;
const ROLLBACK = /^(--\s*rollback\b)(.*)$/i;
const ROLLBACK_BLOCK = /^\/\*\s*liquibase\s+rollback\b([^]*)\*\/$/i;
const NO_ROLLBACK = /^\s*(?:not required|empty)?\s*;?\s*$/i;

/** Attributes that change nothing here, whatever their value. */
const HARMLESS =
  /^(?:splitStatements|stripComments|logicalFilePath|created|objectQuotingStrategy|runOnChange|rollbackSplitStatements|runWith|labels)$/i;

/** What decides whether or how Liquibase runs a file. */
const CONDITIONS = /^--\s*(preconditions?(?:-[\w-]+)?|property|ignoreLines|include\w*)\b/i;

/** What is undone by a file, and what Liquibase's attributes ask for. */
export interface LiquibaseFile {
  /** What undoes it, line for line where it stands, or null. */
  readonly rollback: { readonly sql: string; readonly line: number } | null;
  /** The author wants no transaction around it. */
  readonly withoutTransaction: boolean;
}

/**
 * Reads a file that begins as Liquibase's formatted SQL does: the whole of it is what is applied,
 * as what undoes it is in comments.
 *
 * @param scan Its comments and statements.
 * @param file The name to use in errors.
 * @param lineAt Says which line a place of the text is on.
 * @returns What it says, or null where it is no such file.
 * @throws {MigrationFileError} It holds several changesets, or one that runs under conditions.
 */
export function readLiquibase(
  { comments, blocks, statements }: Scan,
  file: string,
  lineAt: (offset: number) => number,
): LiquibaseFile | null {
  const first = comments[0];
  const isFirst = first !== undefined && first.start <= (statements[0] ?? Infinity);
  if (!isFirst || !HEADER.test(first.text)) return null;
  const refuse = ({ text, start }: LineComment, reason: string, hint: string): never => {
    throw new MigrationFileError(
      `The Liquibase mark "${text}" ${reason}`,
      { file, line: lineAt(start), excerpt: text },
      { hint },
    );
  };

  let changesets = 0;
  let withoutTransaction = false;
  const undo: [line: number, sql: string][] = [];
  for (const comment of [...comments, ...blocks].sort((a, b) => a.start - b.start)) {
    if (comment.place === "nested") continue;
    const { text } = comment;
    const condition = CONDITIONS.exec(text)?.[1];
    if (condition !== undefined) {
      refuse(comment, "asks for what Liquibase alone does", "Write the file without it.");
    }
    const attributes = CHANGESET.exec(text)?.[1];
    if (attributes !== undefined) {
      if (++changesets > 1) {
        refuse(
          comment,
          "begins a second changeset, and a file is applied as a whole here",
          "Put each changeset into a file of its own.",
        );
      }
      for (const [, name, value] of attributes.matchAll(/([\w-]+):("[^"]*"|\S+)/g)) {
        if (/^runInTransaction$/i.test(name!)) withoutTransaction = /^"?false/i.test(value!);
        else if (
          !HARMLESS.test(name!) &&
          !/^(?:dbms:"?postgresql"?|failOnError:"?true"?)$/i.test(`${name}:${value}`)
        ) {
          refuse(comment, `has "${name}", which is not understood`, "Take that out of it.");
        }
      }
    }
    const line = ROLLBACK.exec(text)?.[2] ?? ROLLBACK_BLOCK.exec(text)?.[1];
    if (line === undefined || NO_ROLLBACK.test(line)) continue;
    if (/^\s*changesetId:/i.test(line)) {
      refuse(comment, "refers to another changeset", "Write the SQL that undoes this one.");
    }
    undo.push([lineAt(comment.start), line.replace(/^ /, "")]);
  }
  return { rollback: toSection(undo), withoutTransaction };
}

function toSection(undo: readonly [line: number, sql: string][]): LiquibaseFile["rollback"] {
  if (undo.length === 0) return null;
  const [[line]] = undo as [[number, string]];
  let sql = "";
  let at = line;
  for (const [start, text] of undo) {
    sql += "\n".repeat(Math.max(0, start - at)) + text;
    at = Math.max(at, start) + text.split("\n").length - 1;
  }
  return { sql: `${sql}\n`, line };
}
