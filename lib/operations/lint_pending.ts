/** Looks at pending migrations by the rules of `validate`, while they are split to be sent. @module */

import { MigrationFileError } from "../errors.ts";
import { applyAllowances } from "../lint/allowances.ts";
import { CHECKS } from "../lint/checks.ts";
import type { Finding } from "../lint/finding.ts";
import { EXPOSED, Linter } from "../lint/lint.ts";
import { RULES } from "../lint/rules.ts";
import { parseText } from "../planning/parser.ts";
import type { PendingMigration } from "../planning/plan.ts";
import { Refusals } from "../planning/refusals.ts";
import type { Section } from "../planning/sections.ts";
import { type SplitSection, splitText } from "../planning/statements.ts";

/** What looks at migrations as they are split. */
export interface PendingLint {
  /** Splits a section, and looks at it. */
  readonly split: SplitSection;
  /** What was found. */
  finish(): readonly Finding[];
}

/** What is told of pending migrations in any case, or of a folder as a whole. */
const TOLD_ELSEWHERE = new Set(["reserved-role", "identifier-too-long", "allowance-unused"]);

/** How many errors are told one by one. */
const TOLD = 10;

/**
 * Makes what looks at pending migrations. What is applied already is not read: rules find fault with
 * what they know alone.
 *
 * @param pending The migrations, in the order in which they are split.
 * @param exposed Schemas that the API shows.
 */
export function lintPending(
  pending: readonly PendingMigration[],
  exposed: readonly string[] = EXPOSED,
): PendingLint {
  const linter = new Linter(exposed);
  const parts = new Map<Section, { file: string; begins: PendingMigration | null }>();
  for (const one of pending) {
    const { name, forward, rollback } = one.migration;
    parts.set(forward, { file: name, begins: one });
    if (rollback !== null) parts.set(rollback, { file: rollback.file, begins: null });
  }
  return {
    split: async (section, file, can) => {
      const text = await parseText(section.sql);
      const part = parts.get(section);
      if (part !== undefined) {
        // Stored SQL that undoes an old version is none of the files.
        if (part.begins !== null) linter.begin(file, part.begins.migration.head);
        await linter.add(part.file, section, text.statements, part.begins === null);
      }
      return await splitText(text, section, file, can);
    },
    finish: () => {
      const { findings, allowances } = linter.finish();
      const codes = [...RULES.map(({ code }) => code), ...Object.keys(CHECKS)];
      return applyAllowances(findings, allowances, codes)
        .filter(({ code }) => !TOLD_ELSEWHERE.has(code));
    },
  };
}

/**
 * Says what was found in pending migrations: the errors, and how many warnings.
 *
 * @param findings What was found.
 * @returns A sentence each; none where there is nothing but what is worth knowing.
 */
export function describeFindings(findings: readonly Finding[]): string[] {
  const errors = findings.filter(({ level }) => level === "error");
  const warnings = findings.filter(({ level }) => level === "warn").length;
  const left = errors.length - TOLD;
  const more = [
    ...(left > 0 ? [`${left} more errors`] : []),
    ...(warnings > 0 ? [`${warnings} warning${warnings === 1 ? "" : "s"}`] : []),
  ];
  return [
    ...errors.slice(0, TOLD).map(({ file, line, message, code }) =>
      `${file}:${line} ${message} (${code})`
    ),
    ...(more.length === 0 ? [] : [`${more.join(" and ")}: supamigrate validate says which`]),
  ];
}

/**
 * Refuses what was found.
 *
 * @param findings What was found.
 * @throws {MigrationFileError} There are errors or warnings: the first, and with it the others.
 */
export function refuseFindings(findings: readonly Finding[]): void {
  const refusals = new Refusals();
  for (const { level, code, message, remedy, file, line, column } of findings) {
    if (level === "info") continue;
    const position = { file, line, ...(column === undefined ? {} : { column }) };
    refusals.add(new MigrationFileError(`${message} (${code})`, position, { hint: remedy }));
  }
  refusals.throwAny();
}
