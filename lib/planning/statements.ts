/** Splits SQL into statements with PostgreSQL's own parser. @module */

import { type FilePosition, MigrationFileError } from "../errors.ts";
import { shorten } from "../shorten.ts";
import { cutBatches, findBatchMarks } from "./batch.ts";
import { findBodyError } from "./bodies.ts";
import { describeUnkept, findDestroyed } from "./destroyed.ts";
import { scanComments } from "./lexer.ts";
import {
  findCommittingProcedure,
  findOutside,
  type OutsideStatement,
} from "./outside_transaction.ts";
import { type ParsedText, parseText, StatementSizeError } from "./parser.ts";
import { type Limits, readLimits, withLimits } from "./limits.ts";
import { describeLongNames } from "./long_names.ts";
import { countNewlines, locate as locateIn } from "./position.ts";
import { firstLine, refusal, Refusals } from "./refusals.ts";
import { findReserved, type ReservedChange } from "./reserved.ts";
import type { Section } from "./sections.ts";
import { type Abilities, judgeSettings } from "./session_settings.ts";
import type {
  Batch,
  CommitMark,
  FindOutside,
  Statement,
  Step,
  StepPart,
  TypedStatement,
} from "./step.ts";
import { divideIntoSteps } from "./steps.ts";

/** The statements of a section, and what was done to get them. */
export interface SplitResult {
  /** The statements in order. */
  readonly statements: readonly Statement[];
  /** The same as they are committed: at least one step, and nearly always no more. */
  readonly steps: readonly Step[];
  /** What the user should know, a sentence each. */
  readonly notices: readonly string[];
  /** What they change of what Supabase keeps to itself, in order. */
  readonly reserved: readonly (ReservedChange & Pick<Statement, "line">)[];
  /** What they may destroy that cannot be kept before, in order. */
  readonly unkept: readonly Unkept[];
  /** The limits that its comments say; left out where they say none. */
  readonly limits?: Limits;
}

/** What a statement may destroy that cannot be kept. */
export interface Unkept {
  /** The line of the file that it starts on, from 1. */
  readonly line: number;
  /** What, as a sentence. */
  readonly says: string;
}

/** Splits a section: with the parser, or by looking up what the parser has made of it before. */
export type SplitSection = (
  section: Section,
  file: string,
  can: Abilities,
) => Promise<SplitResult>;

/** What `exec_sql` allows. */
const OF_EXEC_SQL: Abilities = { setRole: false, outside: null };

/** A comment that asks for a commit where it stands. */
const COMMIT_MARK = /^--\s*supamigrate:\s*commit\s*$/i;

/**
 * Splits a section into statements and steps, and refuses what cannot run on the way that they take.
 *
 * @param section The section of a migration file.
 * @param file The name to use in errors.
 * @param can What the way to the database allows.
 * @returns The statements with their lines.
 * @throws {MigrationFileError} The SQL or a body in it does not parse, or it holds a statement that
 * cannot run: the first mistake, and with it all others.
 *
 * @example
 * ```ts
 * import { splitStatements } from "./statements.ts";
 *
 * const { steps } = await splitStatements(
 *   { sql: "alter type mood add value 'wild'; select 'wild'::mood;", line: 1 },
 *   "002_wild.sql",
 * );
 * steps.length; // 2: a new value can be used when it is committed
 * ```
 */
export async function splitStatements(
  section: Section,
  file: string,
  can: Abilities = OF_EXEC_SQL,
): Promise<SplitResult> {
  return await splitText(await parseText(section.sql), section, file, can);
}

/**
 * Splits a section that is parsed already: see {@linkcode splitStatements}.
 *
 * @param text What the parser has made of it.
 * @param section The section.
 * @param file The name to use in errors.
 * @param can What the way to the database allows.
 */
export async function splitText(
  text: ParsedText,
  section: Section,
  file: string,
  can: Abilities = OF_EXEC_SQL,
): Promise<SplitResult> {
  const { sql } = section;
  const locate = (offset: number): FilePosition => ({ file, ...locateIn(section, offset) });

  const refusals = new Refusals();
  for (const error of text.errors) {
    refusals.add(
      error instanceof StatementSizeError
        ? new MigrationFileError(error.message, locate(error.offset), {
          hint: "Write it as several statements.",
          cause: error,
        })
        : explainSyntaxError(error.message, sql, error.offset, locate),
    );
  }
  let line = section.line;
  let counted = 0;
  const checksBodies = !/check_function_bodies/i.test(sql);
  const parsed: TypedStatement[] = [];
  for (const { start, end, type, node } of text.statements) {
    line += countNewlines(sql, counted, start);
    counted = start;
    const statement = { line, start, sql: trimEnd(sql.slice(start, end)), type, node };
    parsed.push(statement);
    if (type === "CreateFunctionStmt" && !checksBodies) continue;
    const error = await findBodyError(statement);
    if (error === undefined) continue;
    refusals.add(
      new MigrationFileError(shorten(error.message, 200), locate(start + error.offset), {
        hint: `PostgreSQL refuses the body of this ${
          type === "DoStmt" ? "DO block" : "function"
        }. Mend it. Nothing was sent to the database.`,
      }),
    );
  }

  const needed = leaveOutNeedless(parsed, can);
  const findOutside = outsideFinder(needed.statements, can);
  const marks = await refusals.attempt(() => findCommitMarks(section, file)) ?? [];
  const limits = await refusals.attempt(() => readLimits(section, file)) ?? {};
  const batches =
    await refusals.attempt(() =>
      cutBatches(needed.statements, findBatchMarks(section, file), file)
    ) ?? new Map<TypedStatement, Batch>();
  const divided = await refusals.attempt(() =>
    divideIntoSteps(needed.statements, marks, findOutside, file, batches)
  );
  const statements = divided?.parts.flatMap((part) => part.statements) ??
    needed.statements.filter(({ type }) => type !== "TransactionStmt");
  const prepared = new Set<string>();
  for (const statement of statements) {
    if (statement.type === "PrepareStmt") prepared.add(statement.node.name);
    await refusals.attempt(() =>
      refuseUnrunnable(statement, file, prepared, can, findOutside(statement))
    );
  }
  for (const { outside, settings, statements } of divided?.parts ?? []) {
    if (outside === null || settings.length === 0 || can.outside !== "pg_cron") continue;
    refusals.add(refusal(
      statements[0]!,
      file,
      `${outside.name} runs in a session of pg_cron, which has not got the settings of this file`,
      `Write it so that it needs no "${
        firstLine(settings[0]!.sql)
      }", with the schemas of its names; ` +
        "or run the migration with --via direct.",
    ));
  }
  refusals.throwAny();
  const plain = (statement: TypedStatement): Statement => {
    const { line, sql } = statement;
    const batch = batches.get(statement);
    const destroyed = batch !== undefined && batch.from === undefined
      ? []
      : findDestroyed(statement);
    return destroyed.length === 0 ? { line, sql } : { line, sql, destroyed };
  };
  const { parts, notices } = divided!;
  const plainOnes = statements.map(plain);
  const made = new Set(
    statements.flatMap(({ type, node }) => type === "CreateStmt" ? [node.relation.relname] : []),
  );
  const isAll = (listed: readonly TypedStatement[]) =>
    listed.length === statements.length && listed.every((one, index) => one === statements[index]);
  return {
    statements: plainOnes,
    steps: parts.map(({ settings, statements: some, outside, batch }) => ({
      settings: settings.map(plain),
      statements: isAll(some) ? plainOnes : some.map(plain),
      outside,
      ...(batch === undefined ? {} : { batch }),
    })),
    notices: [
      ...(section.withoutTransaction && parts.some(runsTogether) ? [RUN_TOGETHER] : []),
      ...notices,
      ...needed.notices,
      ...describeLongNames(statements),
    ],
    unkept: statements.flatMap((statement) => {
      const says = describeUnkept(statement, made);
      return says === undefined ? [] : [{ line: statement.line, says }];
    }),
    reserved: statements.flatMap((statement) =>
      findReserved(statement).map((change) => ({ ...change, line: statement.line }))
    ),
    ...withLimits(limits),
  };
}

/** What a mark of another tool asks for, and a transaction does better. */
const RUN_TOGETHER =
  "its mark asks for no transaction, and what can run in one runs in one: where a statement fails, " +
  'nothing of it stays. "-- supamigrate: commit" between two statements commits the first ones';

function runsTogether({ statements, outside }: StepPart): boolean {
  return outside === null && statements.length > 1;
}

function findCommitMarks({ sql, line }: Section, file: string): CommitMark[] {
  if (!/supamigrate/i.test(sql)) return [];
  return scanComments(sql).comments.filter(({ text }) => COMMIT_MARK.test(text))
    .map(({ text, start, place }) => {
      const mark = { start, line: line + countNewlines(sql, 0, start) };
      if (place === "between") return mark;
      throw new MigrationFileError(
        `The comment "${text}" stands inside a statement`,
        { file, line: mark.line, excerpt: text },
        { hint: "End the statement before it with a semicolon." },
      );
    });
}

/** Knows of the procedures that the section itself creates whether they commit. */
function outsideFinder(statements: readonly TypedStatement[], can: Abilities): FindOutside {
  const committing = new Set(statements.flatMap((it) => findCommittingProcedure(it) ?? []));
  return (statement) => {
    const found = findOutside(statement, committing);
    // What may run in a transaction is tried there, where it can be tried nowhere else.
    return found === null || found.isCertain || can.outside ? found : null;
  };
}

/** Takes PostgreSQL's white space off the end. A regular expression would try at every blank. */
function trimEnd(sql: string): string {
  let end = sql.length;
  while (" \t\n\r\f\v".includes(sql[end - 1] ?? "x")) end--;
  return sql.slice(0, end);
}

function explainSyntaxError(
  message: string,
  sql: string,
  offset: number,
  locate: (offset: number) => FilePosition,
): MigrationFileError {
  // The rows of a COPY look like anything: a command of psql, or a statement gone wrong.
  const copy = scanComments(sql.slice(0, offset + 1)).statements.find((start) =>
    /^copy\b[^;]*\bfrom\s+stdin\b/i.test(sql.slice(start))
  );
  if (copy !== undefined) {
    return new MigrationFileError("COPY … FROM stdin cannot be sent over HTTPS", locate(copy), {
      hint: "Write the rows as INSERT statements (pg_dump --inserts).",
    });
  }
  const position = locate(offset);
  const meta = /^\s*(\\\S+)/.exec(position.excerpt ?? "")?.[1];
  if (meta !== undefined) {
    return new MigrationFileError(`"${meta}" is a command of psql, not SQL`, position, {
      hint: "Delete the line. A dump made with pg_dump has to be plain SQL (--inserts).",
    });
  }
  // PostgreSQL quotes all there is from an open quote to the end of the file.
  return new MigrationFileError(shorten(message, 200), position, {
    hint: "Mend the SQL. Nothing was sent to the database.",
  });
}

/**
 * What changes nothing would be refused by PostgreSQL inside `exec_sql` all the same. Behind a real
 * change of the role it does change something.
 */
function leaveOutNeedless(
  parsed: readonly TypedStatement[],
  can: Abilities,
): { statements: TypedStatement[]; notices: string[] } {
  const verdicts = parsed.map((statement) =>
    judgeSettings(statement, firstLine(statement.sql), can)
  );
  const changesRole = verdicts.some((verdict) =>
    verdict?.kind === "impossible" && verdict.about === "role"
  );
  const reasons = new Map<string, Set<string>>();
  const statements = parsed.filter((statement, index) => {
    const verdict = verdicts[index];
    if (verdict?.kind !== "needless" || (changesRole && verdict.about === "role")) return true;
    const called = firstLine(statement.sql);
    reasons.set(verdict.because, (reasons.get(verdict.because) ?? new Set()).add(`"${called}"`));
    return false;
  });
  const notices = [...reasons].map(([because, names]) =>
    `${[...names].join(", ")} ${
      names.size === 1 ? "was left out: it changes" : "were left out: they change"
    } nothing, as ${because}`
  );
  return { statements, notices };
}

/** PostgREST numbers the statements that it prepares. */
const POSTGRESTS = /^\d+$/;

/**
 * The one place that knows what cannot be sent at all.
 *
 * @param statement The statement.
 * @param file The name to use in errors.
 * @param prepared What the statements before it have prepared.
 * @param can What the way to the database allows.
 * @param outside What it is, where it cannot run in a transaction.
 */
function refuseUnrunnable(
  statement: TypedStatement,
  file: string,
  prepared: ReadonlySet<string>,
  can: Abilities,
  outside: OutsideStatement | null,
): void {
  const { type, node, sql } = statement;
  const refuse = (what: string, hint: string): never => {
    throw refusal(statement, file, what, hint);
  };
  if (outside !== null && !can.outside) {
    const isIndex = outside.name.endsWith("INDEX CONCURRENTLY");
    refuse(
      `${outside.name} cannot run inside a transaction`,
      "Run the migration with --via direct (DATABASE_URL), though not through a transaction pooler " +
        "(port 6543); or enable pg_cron (create extension pg_cron), through which such statements " +
        "run over HTTPS alone." +
        (isIndex ? " Or leave CONCURRENTLY out: writes to the table wait while it runs." : ""),
    );
  }

  switch (type) {
    case "DiscardStmt":
      // The others cost a shared connection nothing but plans that are made again, temporary
      // objects that go at the end of each call anyway, and numbers that sequences leave out.
      if (node.target === "DISCARD_ALL") {
        refuse(
          "DISCARD ALL cannot run inside a transaction",
          "Leave it out: every call of exec_sql leaves the connection clean.",
        );
      }
      break;
    case "DeallocateStmt":
      if (node.isall || (POSTGRESTS.test(node.name) && !prepared.has(node.name))) {
        refuse(
          `"${firstLine(sql)}" cannot be part of a migration`,
          "The connection is shared with the application: without PostgREST's prepared statements " +
            "its requests fail with 26000. Leave it out, as what a migration prepares is gone at " +
            "its end, or write DEALLOCATE with a name that it has prepared.",
        );
      }
      break;
    case "CopyStmt":
      if (node.filename === undefined && !node.is_program) {
        refuse(
          `${node.is_from ? "COPY … FROM stdin" : "COPY … TO stdout"} cannot be sent over HTTPS`,
          "Write the rows as INSERT statements (pg_dump --inserts).",
        );
      }
      break;
    case "SelectStmt":
    case "VariableSetStmt": {
      const verdict = judgeSettings(statement, firstLine(sql), can);
      if (verdict?.kind === "impossible") refuse(verdict.what, verdict.hint);
      break;
    }
  }
}
