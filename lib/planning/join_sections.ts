/** Puts parts of migration files one behind the other. @module */

import { blankComments, holdsStatements } from "./lexer.ts";

/**
 * Ends the last statement of a text, so that something can stand behind it.
 *
 * @param sql The text.
 * @returns It with a semicolon where one is missing, and with a line end.
 */
export function endStatements(sql: string): string {
  const isOpen = holdsStatements(sql) &&
    !sql.replace(/(?:\s*--[^\n]*(?:\n|$))+\s*$/, "").trimEnd().endsWith(";");
  if (isOpen) return `${sql.trimEnd()}\n;\n`;
  return sql.endsWith("\n") ? sql : `${sql}\n`;
}

/** A part, and the file that it is from. */
export interface NamedPart {
  readonly file: string;
  readonly sql: string;
}

/** What sets something for the rest of a session, or of a transaction. */
const SETTING =
  /(?:^|;)\s*set\s+(?:session\s+|local\s+)?([a-z_][\w.]*)\s*(?:=|\bto\b)|\bset_config\s*\(\s*'([a-z_][\w.]*)'/gi;

/**
 * Joins parts, so that each finds what it would find in a file of its own: what one sets is reset
 * behind it.
 *
 * @param parts The parts, in order.
 * @returns The text.
 */
export function joinParts(parts: readonly NamedPart[]): string {
  return parts.filter(({ sql }) => holdsStatements(sql)).map(({ file, sql }) => {
    const names = [...blankComments(sql).matchAll(SETTING)].map(([, set, config]) =>
      (set ?? config)!.toLowerCase()
    );
    const resets = [...new Set(names)].filter((name) => !NOT_RESET.includes(name))
      .map((name) => `reset ${name};\n`);
    return `-- From ${file}\n${endStatements(sql.replace(/^\s*\n/, "").trimEnd())}${
      resets.join("")
    }`;
  }).join("\n").trimEnd();
}

/** What is no setting that lasts, or is left out of migrations anyway. */
const NOT_RESET = ["role", "transaction", "constraints", "time"];
