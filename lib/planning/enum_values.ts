/** New values of enums, which cannot be used before they are committed. @module */

import { refusal } from "./refusals.ts";
import type { TypedStatement } from "./step.ts";

/**
 * A new enum value cannot be used before it is committed: where it is, its addition is a step. From
 * 17 on it can be in the transaction that makes the type, but not in the subtransaction that a
 * migration runs in.
 */
export function isolateEnumValues(statements: readonly TypedStatement[]): TypedStatement[][] {
  const groups: TypedStatement[][] = [[]];
  let additions: TypedStatement[] | undefined;
  for (const [index, statement] of statements.entries()) {
    const { type, node } = statement;
    const isUsed = type === "AlterEnumStmt" && node.newVal !== undefined && !node.oldVal &&
      usesValue(statements.slice(index + 1), node.newVal);
    if (isUsed) {
      if (additions === undefined) groups.push(additions = []);
      additions.push(statement);
      continue;
    }
    if (additions !== undefined) {
      additions = undefined;
      groups.push([]);
    }
    groups.at(-1)!.push(statement);
  }
  return groups;
}

/**
 * In a block that makes the type PostgreSQL 17 takes a value that is added to it, and 15 does not;
 * nor does either inside the subtransaction that a migration runs in.
 */
export function refuseEarlyValue(statements: readonly TypedStatement[], file: string): void {
  const made = new Set<string>();
  for (const [index, statement] of statements.entries()) {
    const { type, node } = statement;
    if (type === "CreateEnumStmt") made.add(nameOf(node.typeName));
    if (type !== "AlterEnumStmt" || !node.newVal || node.oldVal) continue;
    if (!made.has(nameOf(node.typeName))) continue;
    if (!usesValue(statements.slice(index + 1), node.newVal)) continue;
    throw refusal(
      statement,
      file,
      `The value "${node.newVal}" is used in the block that adds it, before it is committed`,
      "Name it in CREATE TYPE, or take BEGIN and COMMIT out: then its addition is a step of its own.",
    );
  }
}

// deno-lint-ignore no-explicit-any -- see ParsedStatement
function nameOf(parts: any[]): string {
  return parts.map(({ String: { sval } }) => sval).at(-1);
}

function usesValue(statements: readonly TypedStatement[], value: string): boolean {
  const written = value.replaceAll("'", "''");
  return statements.some(({ sql, type }) =>
    type !== "AlterEnumStmt" &&
    (holdsWord(sql, written) || /\benum_(?:range|first|last)\b/i.test(sql))
  );
}

/** Whether a text stands somewhere that is no part of a longer word there. */
function holdsWord(text: string, word: string): boolean {
  const isJoint = (one: string | undefined, other: string | undefined) =>
    /\w/.test(one ?? "") && /\w/.test(other ?? "");
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    const end = at + word.length;
    if (!isJoint(text[at - 1], word[0]) && !isJoint(word.at(-1), text[end])) return true;
    if (word === "") return true;
  }
  return false;
}

/** The words of a statement, in lower case. */
export function findWords(sql: string): string[] {
  return sql.toLowerCase().match(/[\w$\u0080-\uffff]+/g) ?? [];
}
