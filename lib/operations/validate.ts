/** Looks at all migration files, and tells everything at once. Nothing is sent. @module */

import { findExposed } from "../adoption/exposed.ts";
import type { MigrationFileError } from "../errors.ts";
import { applyAllowances, type RawFinding } from "../lint/allowances.ts";
import { type CheckCode, CHECKS } from "../lint/checks.ts";
import type { Finding, Level } from "../lint/finding.ts";
import { EXPOSED, Linter } from "../lint/lint.ts";
import { RULES } from "../lint/rules.ts";
import { holdsStatements } from "../planning/lexer.ts";
import { readLimits } from "../planning/limits.ts";
import { describeLongNames } from "../planning/long_names.ts";
import { findMigration, findOrderWarnings, isNumbered } from "../planning/order.ts";
import { type ParsedText, parseText } from "../planning/parser.ts";
import type { Migration } from "../planning/plan.ts";
import { Refusals } from "../planning/refusals.ts";
import type { Section } from "../planning/sections.ts";
import type { Abilities } from "../planning/session_settings.ts";
import { type SplitResult, splitText } from "../planning/statements.ts";
import type { OperationContext } from "./context.ts";
import type { LoadedMigrations } from "./source.ts";

/** Options of `validate`. */
export interface ValidateOptions {
  /** Report of these migrations alone: names, or unique beginnings of them. All by default. */
  readonly names?: readonly string[];
  /**
   * The schemas that the API shows: those of `config.toml` beside the folder by default, else `public`
   * and `graphql_public`.
   */
  readonly exposed?: readonly string[];
  /**
   * Whether they are run on a shadow as well, each up, down and up again, where nothing else keeps them
   * from it. True by default; it takes seconds.
   */
  readonly shadow?: boolean;
}

/** What was found in the files. */
export interface ValidateResult {
  /** How many migrations were looked at. */
  readonly files: number;
  /** What was found: file by file, and in a file from top to bottom. */
  readonly findings: readonly Finding[];
  /** How many of it are errors. */
  readonly errors: number;
  /** How many are warnings. */
  readonly warnings: number;
  /** How many are worth knowing alone. */
  readonly infos: number;
}

/** Where a file has one of these, none of them is sent. */
const UNFIT: ReadonlySet<string> = new Set<CheckCode>(["file-unfit", "syntax", "cannot-run"]);

/** Over the API, and past it. */
const OVER_API: Abilities = { setRole: false, outside: null };
const WITH_PG_CRON: Abilities = { setRole: false, outside: "pg_cron" };
const DIRECT: Abilities = { setRole: true, outside: "connection" };

/**
 * Looks at all migration files.
 *
 * @param context What the operation works with; no database is asked.
 * @param options What to report.
 * @returns What was found.
 * @throws {ConfigurationError} The folder is missing or empty, or holds no migration of a name.
 */
export async function validate(
  context: Pick<OperationContext, "load" | "folder" | "onProgress" | "signal">,
  { names, exposed, shadow = true }: ValidateOptions = {},
): Promise<ValidateResult> {
  const refusals = new Refusals();
  const loaded = await context.load(refusals);
  const all = loaded.migrations.map(({ name }) => name);
  const unread = new Set(refusals.all.map(({ position }) => position.file));
  const wanted = names?.map((name) => findMigration(name, [...new Set([...all, ...unread])]));

  const found: RawFinding[] = refusals.all.map((refusal) => toFinding("file-unfit", refusal));
  found.push(...describeFolder(loaded));
  const shown = exposed ?? (context.folder === null ? null : await findExposed(context.folder));
  const linter = new Linter(shown ?? EXPOSED);
  let can = OVER_API;
  for (const migration of loaded.migrations) {
    const { name, forward, rollback, head } = migration;
    linter.begin(name, head);
    const ofHead = new Refusals();
    await ofHead.attempt(() => readLimits({ sql: head ?? "", line: 1 }, name));
    found.push(...ofHead.all.map((refusal) => toFinding("cannot-run", refusal)));
    const text = await parseText(forward.sql);
    const split = await examine(text, forward, name, can, found);
    if (split?.statements.some(({ sql }) => CREATES_PG_CRON.test(sql))) can = WITH_PG_CRON;
    if (split !== undefined) found.push(...describeSplit(migration, split));
    if (rollback === null && holdsStatements(forward.sql)) {
      found.push(note("missing-rollback", name, 1, "The migration has no ROLLBACK section"));
    }
    await linter.add(name, forward, text.statements);
    if (rollback === null) continue;
    const undo = await parseText(rollback.sql);
    await examine(undo, rollback, rollback.file, can, found);
    await linter.add(rollback.file, rollback, undo.statements, true);
  }
  const { findings, allowances } = linter.finish();
  found.push(...findings);
  if (shadow && !found.some(({ code }) => UNFIT.has(code))) {
    const { validateOnShadow } = await import("./validate_on_shadow.ts");
    const ready = loaded.migrations.filter(({ isTemplate }) => !isTemplate);
    found.push(...await validateOnShadow(context, ready));
  }

  const codes = [...RULES.map(({ code }) => code), ...Object.keys(CHECKS)];
  const places = new Map(all.flatMap((name, index) => [[name, index]]));
  const rollbackOf = new Map(
    loaded.migrations.flatMap(({ name, rollback }) =>
      rollback === null ? [] : [[rollback.file, name]]
    ),
  );
  const migrationOf = (file: string) => rollbackOf.get(file) ?? file;
  const kept = applyAllowances(found, allowances, codes)
    .filter(({ file }) => wanted === undefined || wanted.includes(migrationOf(file)))
    .sort((a, b) =>
      (places.get(migrationOf(a.file)) ?? -1) - (places.get(migrationOf(b.file)) ?? -1) ||
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      a.line - b.line || (a.column ?? 0) - (b.column ?? 0)
    );
  const count = (level: Level) => kept.filter((one) => one.level === level).length;
  return {
    files: wanted?.length ?? all.length + [...unread].filter((file) => !all.includes(file)).length,
    findings: kept,
    errors: count("error"),
    warnings: count("warn"),
    infos: count("info"),
  };
}

const CREATES_PG_CRON = /^create\s+extension\s+(?:if\s+not\s+exists\s+)?"?pg_cron\b/i;

/** Makes what a file is refused with a finding: its hint is what to do. */
function toFinding(code: CheckCode, { message, position, hint }: MigrationFileError): RawFinding {
  const { level, reason, remedy } = CHECKS[code];
  const { file, line = 1, column } = position;
  return {
    code,
    level,
    file,
    line,
    ...(column === undefined ? {} : { column }),
    message,
    reason,
    remedy: hint ?? remedy,
  };
}

function note(code: CheckCode, file: string, line: number, message: string): RawFinding {
  const { level, reason, remedy } = CHECKS[code];
  return { code, level, file, line, message, reason, remedy };
}

/** Splits a part of a file as it is split before it is sent. */
async function examine(
  text: ParsedText,
  section: Section,
  file: string,
  can: Abilities,
  found: RawFinding[],
): Promise<SplitResult | undefined> {
  const refused = new Refusals();
  const split = await refused.attempt(() => splitText(text, section, file, can));
  if (split !== undefined) return split;
  const everywhere = new Refusals();
  const elsewhere = await everywhere.attempt(() => splitText(text, section, file, DIRECT));
  const keyOf = ({ position: { line }, message }: MigrationFileError) => `${line} ${message}`;
  const known = new Set(everywhere.all.map(keyOf));
  for (const refusal of everywhere.all) {
    // Only what the parser says has a column.
    found.push(toFinding(refusal.position.column === undefined ? "cannot-run" : "syntax", refusal));
  }
  for (const refusal of refused.all) {
    if (!known.has(keyOf(refusal))) found.push(toFinding("other-way-only", refusal));
  }
  return elsewhere;
}

function describeSplit(
  { name, forward, isTemplate }: Migration,
  { statements, notices }: SplitResult,
): RawFinding[] {
  if (isTemplate) return [note("template", name, 1, "Nobody has filled in the template")];
  if (statements.length === 0 && !holdsStatements(forward.sql)) {
    return [note("empty-migration", name, 1, "The migration holds no statements")];
  }
  // A rule tells the same of names.
  const long = new Set(describeLongNames(statements));
  return notices.filter((notice) => !long.has(notice)).map((notice) =>
    note("planning-notice", name, forward.line, notice)
  );
}

/** What the names say, and what is found in texts before they are parsed. */
function describeFolder({ migrations, order, leftOut, secrets }: LoadedMigrations): RawFinding[] {
  const names = migrations.map(({ name }) => name);
  const isFlyway = names.some((name) => /^V\d/i.test(name));
  return [
    ...findOrderWarnings(names, order).map((warning) =>
      note("order-doubtful", names.findLast((name) => warning.includes(name)) ?? "", 1, warning)
    ),
    ...names.filter((name) => !isNumbered(name) && !(isFlyway && /^R__/i.test(name)))
      .map((name) => note("no-number", name, 1, `${name} has no number in front of its name`)),
    ...leftOut.filter(({ notable }) => notable)
      .map(({ name, reason }) => note("left-out", name, 1, `${name} is left out: ${reason}`)),
    ...secrets.filter(({ certain }) => certain)
      .map(({ file, line, kind }) => note("secret", file, line, `The file holds ${kind}`)),
  ];
}
