/** Statements as rules see them, those of DO blocks among them. @module */

import { blankComments } from "../planning/lexer.ts";
import { loadParser, type ParsedStatement, parseText } from "../planning/parser.ts";
import { countNewlines } from "../planning/position.ts";
import type { Section } from "../planning/sections.ts";
import type { Place } from "./finding.ts";
import { findAll, optionsOf, stringOf, textsOf, type Tree } from "./tree.ts";

/** A statement, and where it stands. */
export interface LintStatement {
  /** The kind of its tree, such as `CreateStmt`. */
  readonly type: string;
  /** Its tree. */
  readonly node: Tree;
  /** Its text. */
  readonly sql: string;
  /** Where it begins. */
  readonly place: Place;
  /** Which file of all it is of, from 0: what an earlier one of the same file has made is empty. */
  readonly file: number;
  /** It is run where a condition holds, or again and again. */
  readonly isInBlock: boolean;
  /** It undoes the migration. */
  readonly isRollback: boolean;
}

/** A part of a file with its trees. */
export interface LintPart {
  readonly name: string;
  readonly file: number;
  readonly section: Pick<Section, "sql" | "line">;
  readonly isRollback: boolean;
}

/**
 * Makes the statements of a part ones for rules.
 *
 * @param part The part of the file.
 * @param parsed Its statements, in order.
 */
export function toLintStatements(
  { name, section: { sql, line: firstLine }, file, isRollback }: LintPart,
  parsed: readonly ParsedStatement[],
): LintStatement[] {
  let line = firstLine;
  let counted = 0;
  return parsed.map(({ start, end, type, node }) => {
    line += countNewlines(sql, counted, start);
    counted = start;
    const column = [...sql.slice(sql.lastIndexOf("\n", start - 1) + 1, start)].length + 1;
    return {
      type,
      node,
      sql: sql.slice(start, end),
      place: { file: name, line, column, statement: `${name}:${line}:${column}` },
      file,
      isInBlock: false,
      isRollback,
    };
  });
}

/**
 * Makes the place of a word in a statement.
 *
 * @param statement The statement.
 * @param word The word; its first place counts.
 */
export function placeNear({ sql, place }: LintStatement, word: string): Place {
  const [text, sought] = [sql.toLowerCase(), word.toLowerCase()];
  const isPart = (at: number) => /[\w$]/.test(text[at] ?? "");
  for (let at = text.indexOf(sought); at !== -1; at = text.indexOf(sought, at + 1)) {
    if (!isPart(at - 1) && !isPart(at + sought.length)) return placeAt(sql, place, at);
  }
  return place;
}

function placeAt(sql: string, place: Place, offset: number): Place {
  const before = sql.slice(0, offset).split("\n");
  const column = [...before.at(-1)!].length + 1;
  return {
    ...place,
    line: place.line + before.length - 1,
    column: before.length === 1 ? (place.column ?? 1) + column - 1 : column,
  };
}

/** What writes rows inside of another statement: behind WITH, EXPLAIN, COPY and the like. */
export function findWrites(statement: LintStatement): LintStatement[] {
  const { withClause, query, selectStmt } = statement.node;
  const roots = [withClause, query, selectStmt?.SelectStmt?.withClause];
  return ["InsertStmt", "UpdateStmt", "DeleteStmt"].flatMap((type) =>
    findAll(roots, type).map((node) => ({ ...statement, type, node }))
  );
}

/** The body of a function or a DO block, where it is written as one text. */
export function bodyOf(
  { type, node }: Pick<LintStatement, "type" | "node">,
): string | undefined {
  if (type === "DoStmt") return optionsOf(node.args).get("as")?.String?.sval;
  if (type !== "CreateFunctionStmt") return undefined;
  return optionsOf(node.options).get("as")?.List?.items?.[0]?.String?.sval;
}

/**
 * Reads what the body of a DO block or a function does, as far as it says so.
 *
 * @param statement The block, or what makes the function.
 * @returns Its statements in order, constant texts that it executes among them, and what it puts
 * together while it runs.
 */
export async function readBlock(
  statement: LintStatement,
): Promise<{ statements: LintStatement[]; dynamic: string }> {
  const { sql } = statement;
  // What is executed may have been put together in a variable before: all counts that is not told.
  let text = bodyOf(statement) ?? "";
  const { parsePlPgSQLSync } = await loadParser();
  let body: Tree;
  try {
    body = parsePlPgSQLSync(sql);
  } catch {
    return { statements: [], dynamic: text }; // Whether it can be run is told elsewhere.
  }
  const statements: LintStatement[] = [];
  let isDynamic = false;
  let from = 0;
  for (const part of findAll(body, ["PLpgSQL_stmt_execsql", "PLpgSQL_stmt_dynexecute"])) {
    const { query } = (part.sqlstmt ?? part.query).PLpgSQL_expr;
    const found = sql.indexOf(query, from);
    if (found !== -1) from = found + query.length;
    const executed: string | undefined = part.sqlstmt ? query : await readConstant(query);
    if (executed === undefined) {
      isDynamic = true;
      continue;
    }
    const at = found === -1 ? -1 : Math.max(sql.indexOf(executed, found), found);
    const place = at === -1 ? statement.place : placeAt(sql, statement.place, at);
    // A variable of the block may stand where SQL has none: such a statement is left out.
    const parsed = (await parseText(executed)).statements;
    for (const { type, node, start, end } of parsed) {
      statements.push({
        ...statement,
        type,
        node,
        sql: executed.slice(start, end),
        place,
        isInBlock: true,
      });
    }
    // Rows, and what SELECT INTO has in it, may be executed.
    if (!part.sqlstmt || parsed.every(({ type }) => !HAS_VALUES.test(type))) {
      text = text.replace(query, () => " ");
    }
  }
  return { statements, dynamic: isDynamic ? blankComments(text) : "" };
}

const HAS_VALUES = /^(?:Select|Insert|Update|Delete|Merge)Stmt$/;

/** The text that an expression is, where all parts of it are constants. */
async function readConstant(expression: string): Promise<string | undefined> {
  const [parsed] = (await parseText(`select ${expression}`)).statements;
  const join = (node: Tree): string | undefined => {
    const { A_Expr: joined } = node ?? {};
    if (joined === undefined) return stringOf(node);
    if (textsOf(joined.name).at(-1) !== "||") return undefined;
    const [left, right] = [join(joined.lexpr), join(joined.rexpr)];
    return left === undefined || right === undefined ? undefined : left + right;
  };
  return join(parsed?.node.targetList?.[0]?.ResTarget.val);
}
