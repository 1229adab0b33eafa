/**
 * Comments that accept what a rule finds: `-- supamigrate: allow CODE reason`, for the statement
 * below it, or for the whole file where a blank line parts it from the first statement.
 *
 * @module
 */

import { scanComments } from "../planning/lexer.ts";
import { suggest } from "../planning/order.ts";
import { countNewlines } from "../planning/position.ts";
import type { Section } from "../planning/sections.ts";
import type { Finding } from "./finding.ts";

/** A comment that accepts something. */
export interface Allowance {
  readonly file: string;
  readonly line: number;
  readonly code: string;
  /** Why it is accepted; an empty text where nobody has said it. */
  readonly because: string;
  /** Of which statement, by its place; null for the whole file. */
  readonly statement: string | null;
}

/** A finding, and the statement that it is of. */
export interface RawFinding extends Finding {
  readonly statement?: string;
}

const MARK = /^--\s*supamigrate:\s*allow\b[\s:]*(\S*)[\s:—–-]*(.*)$/i;

/**
 * Reads the allowances of a part of a file.
 *
 * @param file The file.
 * @param section The part.
 * @param statements Where its statements begin, and their places.
 */
export function readAllowances(
  file: string,
  { sql, line }: Pick<Section, "sql" | "line">,
  statements: readonly { readonly start: number; readonly statement: string }[],
): Allowance[] {
  if (!/supamigrate/i.test(sql)) return [];
  return scanComments(sql).comments.flatMap(({ text, start, end }) => {
    const [, code, because = ""] = MARK.exec(text) ?? [];
    if (code === undefined) return [];
    const next = statements.find((it) => it.start >= end);
    const isFirst = next === undefined || next === statements[0];
    const isApart = next === undefined || /\n[ \t]*\n/.test(sql.slice(end - 1, next.start));
    return [{
      file,
      line: line + countNewlines(sql, 0, start),
      code: code.toLowerCase(),
      because: because.trim(),
      statement: isFirst && isApart ? null : next.statement,
    }];
  });
}

/**
 * Takes away what is accepted, and adds what is wrong with the allowances themselves.
 *
 * @param findings What was found.
 * @param allowances What is accepted.
 * @param codes The codes that there are.
 */
export function applyAllowances(
  findings: readonly RawFinding[],
  allowances: readonly Allowance[],
  codes: readonly string[],
): Finding[] {
  const used = new Set<Allowance>();
  const left: Finding[] = [];
  for (const { statement, ...finding } of findings) {
    const fitting = allowances.filter(({ file, code, statement: of }) =>
      file === finding.file && code === finding.code && (of === null || of === statement)
    );
    for (const one of fitting) used.add(one);
    if (fitting.length === 0) left.push(finding);
  }
  for (const allowance of allowances) {
    const { code, because, file, line } = allowance;
    const tell = (kind: keyof typeof ALLOWANCE_CHECKS, message: string) => {
      const { level, reason, remedy } = ALLOWANCE_CHECKS[kind];
      left.push({ code: kind, level, file, line, message, reason, remedy });
    };
    if (!codes.includes(code)) {
      const guess = suggest(code, codes);
      tell(
        "allowance-unknown",
        code === ""
          ? "The comment names no code"
          : `There is no rule "${code}"${guess === undefined ? "" : `: is "${guess}" meant?`}`,
      );
      continue;
    }
    if (because === "") tell("allowance-without-reason", `Nobody says why ${code} is accepted`);
    if (!used.has(allowance)) tell("allowance-unused", `There is no ${code} to accept here`);
  }
  return left;
}

/** What can be wrong with an allowance. */
export const ALLOWANCE_CHECKS = {
  "allowance-unknown": {
    title: "An allowance names a rule that there is",
    level: "warn",
    reason: "It accepts nothing",
    remedy: "Write the code as it stands behind the finding.",
  },
  "allowance-without-reason": {
    title: "An allowance says why",
    level: "warn",
    reason: "Whoever reads it later cannot tell whether it still holds",
    remedy: "Write it behind the code: -- supamigrate: allow CODE reason",
  },
  "allowance-unused": {
    title: "An allowance accepts something",
    level: "warn",
    reason: "It would hide what comes later, which nobody has looked at",
    remedy: "Delete it; or move it right above the statement that it is for.",
  },
} as const;
