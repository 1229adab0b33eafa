/** Splits SQL into statements with PostgreSQL's own parser. @module */

import { type FilePosition, MigrationFileError } from "../errors.ts";
import { shorten } from "../shorten.ts";
import { findBodyError } from "./bodies.ts";
import { scanComments } from "./lexer.ts";
import { type ParsedStatement, parseText, StatementSizeError } from "./parser.ts";
import { describeLongNames } from "./long_names.ts";
import { countNewlines, locate as locateIn } from "./position.ts";
import { Refusals } from "./refusals.ts";
import { findReserved, type ReservedChange } from "./reserved.ts";
import type { Section } from "./sections.ts";
import { type Abilities, judgeSettings, judgeTransactionModes } from "./session_settings.ts";

/** One statement as it is sent. */
export interface Statement {
  /** The line of the file that it starts on, from 1. */
  readonly line: number;
  /** Its text, without comments before it and without the semicolon. */
  readonly sql: string;
}

/** The statements of a section, and what was done to get them. */
export interface SplitResult {
  /** The statements in order. */
  readonly statements: readonly Statement[];
  /** What the user should know, a sentence each. */
  readonly notices: readonly string[];
  /** What they change of what Supabase keeps to itself, in order. */
  readonly reserved: readonly (ReservedChange & Pick<Statement, "line">)[];
}

/** What `exec_sql` allows. */
const OF_EXEC_SQL: Abilities = { setRole: false };

/** A statement with its parse tree. */
type TypedStatement = Statement & Pick<ParsedStatement, "type" | "node">;

/**
 * Splits a section into statements and refuses those that cannot run in one transaction, or not
 * on the way that they take.
 *
 * @param section The section of a migration file.
 * @param file The name to use in errors.
 * @param can What the way to the database allows.
 * @returns The statements with their lines.
 * @throws {MigrationFileError} The SQL or a body in it does not parse, or it holds a statement that
 * cannot run: the first mistake, and with it all others.
 */
export async function splitStatements(
  section: Section,
  file: string,
  can: Abilities = OF_EXEC_SQL,
): Promise<SplitResult> {
  const { sql } = section;
  const locate = (offset: number): FilePosition => ({ file, ...locateIn(section, offset) });

  const refusals = new Refusals();
  const text = await parseText(sql);
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
    const statement = { line, sql: trimEnd(sql.slice(start, end)), type, node };
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

  const unwrapped = await refusals.attempt(() => unwrapTransactions(parsed, file)) ??
    { statements: parsed.filter(({ type }) => type !== "TransactionStmt"), notices: [] };
  const { statements, notices } = leaveOutNeedless(unwrapped.statements, can);
  const prepared = new Set<string>();
  for (const statement of statements) {
    if (statement.type === "PrepareStmt") prepared.add(statement.node.name);
    await refusals.attempt(() => refuseUnrunnable(statement, file, prepared, can));
  }
  refusals.throwAny();
  return {
    statements: statements.map(({ line, sql }) => ({ line, sql })),
    notices: [...unwrapped.notices, ...notices, ...describeLongNames(statements)],
    reserved: statements.flatMap((statement) =>
      findReserved(statement).map((change) => ({ ...change, line: statement.line }))
    ),
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

const BEGINS = ["TRANS_STMT_BEGIN", "TRANS_STMT_START"];

/**
 * `BEGIN … COMMIT` around everything says what happens anyway: each migration is one
 * transaction, together with its history row. Any other transaction control would break that.
 */
function unwrapTransactions(
  parsed: readonly TypedStatement[],
  file: string,
): { statements: TypedStatement[]; notices: string[] } {
  const statements: TypedStatement[] = [];
  let inside = false;
  let outside = false; // a statement stands outside of all blocks
  let blocks = 0;
  for (const statement of parsed) {
    if (statement.type !== "TransactionStmt") {
      outside ||= !inside;
      statements.push(statement);
      continue;
    }
    const { kind, options, chain } = statement.node;
    const opens: boolean = !inside && BEGINS.includes(kind);
    const modes = opens ? judgeTransactionModes(options) : undefined;
    if (modes !== undefined) throw refusal(statement, file, modes.what, modes.hint);
    const closes = inside && kind === "TRANS_STMT_COMMIT" && !chain;
    if (!opens && !closes) throw transactionControl(parsed, file, statement);
    inside = opens;
    if (closes) blocks++;
  }
  if (inside || (outside && blocks > 0)) throw transactionControl(parsed, file);
  return {
    statements,
    notices: blocks === 0
      ? []
      : ["BEGIN and COMMIT were left out: every migration is one transaction of its own"],
  };
}

function transactionControl(
  parsed: readonly TypedStatement[],
  file: string,
  at = parsed.find(({ type }) => type === "TransactionStmt")!,
): MigrationFileError {
  return refusal(
    at,
    file,
    `Transaction control ("${firstLine(at.sql)}") cannot be part of a migration`,
    "A migration is one transaction, together with its history row: delete BEGIN, COMMIT and the " +
      "like, or split the file where a commit is needed.",
  );
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

function refusal(
  { sql, line }: Statement,
  file: string,
  what: string,
  hint: string,
): MigrationFileError {
  return new MigrationFileError(what, { file, line, excerpt: firstLine(sql) }, { hint });
}

/** PostgREST numbers the statements that it prepares. */
const POSTGRESTS = /^\d+$/;

/**
 * The one place that knows what cannot run inside the transaction of `exec_sql`. Running such
 * statements by another way would start here.
 *
 * @param statement The statement.
 * @param file The name to use in errors.
 * @param prepared What the statements before it have prepared.
 */
function refuseUnrunnable(
  statement: TypedStatement,
  file: string,
  prepared: ReadonlySet<string>,
  can: Abilities,
): void {
  const { type, node, sql } = statement;
  const refuse = (what: string, hint: string): never => {
    throw refusal(statement, file, what, hint);
  };
  const outside = (name: string, hint: string) =>
    refuse(`${name} cannot run inside a transaction`, hint);

  switch (type) {
    case "IndexStmt":
    case "DropStmt":
      if (node.concurrent) {
        outside(
          `${type === "IndexStmt" ? "CREATE" : "DROP"} INDEX CONCURRENTLY`,
          "Leave CONCURRENTLY out (writes to the table wait while it runs), or run the " +
            "statement in the SQL editor and record the migration with repair --mark applied.",
        );
      }
      break;
    case "ReindexStmt":
      if (
        ["REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE"]
          .includes(node.kind) || hasOption(node.params, "concurrently")
      ) {
        outside("This REINDEX", "Name one index or table, and leave CONCURRENTLY out.");
      }
      break;
    case "AlterTableStmt":
      if (node.cmds?.some(detachesConcurrently)) {
        outside("DETACH PARTITION … CONCURRENTLY", "Leave CONCURRENTLY out.");
      }
      break;
    case "VacuumStmt":
      if (node.is_vacuumcmd) outside("VACUUM", "Autovacuum does it; ANALYZE can be used.");
      break;
    case "ClusterStmt":
      if (node.relation === undefined) outside("CLUSTER without a table", "Name the table.");
      break;
    case "CreatedbStmt":
    case "DropdbStmt":
    case "CreateTableSpaceStmt":
    case "DropTableSpaceStmt":
    case "AlterSystemStmt":
    case "CreateSubscriptionStmt":
    case "DropSubscriptionStmt":
      outside(firstWords(sql), "Run it in the SQL editor, outside of migrations.");
      break;
    case "AlterSubscriptionStmt":
      if (node.kind === "ALTER_SUBSCRIPTION_REFRESH") {
        outside("ALTER SUBSCRIPTION … REFRESH", "Run it in the SQL editor, outside of migrations.");
      }
      break;
    case "AlterDatabaseStmt":
      if (hasOption(node.options, "tablespace")) {
        outside(
          "ALTER DATABASE … SET TABLESPACE",
          "Run it in the SQL editor, outside of migrations.",
        );
      }
      break;
    case "DiscardStmt":
      // The others cost a shared connection nothing but plans that are made again, temporary
      // objects that go at the end of each call anyway, and numbers that sequences leave out.
      if (node.target === "DISCARD_ALL") {
        outside("DISCARD ALL", "Leave it out: every call of exec_sql leaves the connection clean.");
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

// deno-lint-ignore no-explicit-any -- see ParsedStatement
function hasOption(options: any[] | undefined, name: string): boolean {
  return options?.some(({ DefElem }) => DefElem?.defname === name) ?? false;
}

// deno-lint-ignore no-explicit-any -- see ParsedStatement
function detachesConcurrently({ AlterTableCmd }: any): boolean {
  return AlterTableCmd?.subtype === "AT_DetachPartition" &&
    AlterTableCmd.def?.PartitionCmd?.concurrent === true;
}

function firstLine(sql: string): string {
  const line = sql.split("\n", 1)[0]!;
  return shorten(line, 80);
}

function firstWords(sql: string): string {
  return sql.split(/\s+/, 2).join(" ").toUpperCase();
}
