/**
 * `-- supamigrate: batch TABLE KEY ROWS`: a statement that is committed in ranges of a table's key. Where
 * the range goes into its text is found by its tokens, and proven by its tree: with the range, it is the
 * same statement with one more condition.
 *
 * @module
 */

import { formatCount } from "../count.ts";
import { MigrationFileError } from "../errors.ts";
import { findDestroyed } from "./destroyed.ts";
import { scanComments } from "./lexer.ts";
import { parseText } from "./parser.ts";
import { countNewlines } from "./position.ts";
import { refusal } from "./refusals.ts";
import type { Section } from "./sections.ts";
import type { Batch, TypedStatement } from "./step.ts";
import { findTokens, type Token } from "./tokens.ts";

/** A comment that asks for a batch. */
export interface BatchMark {
  /** Where it stands in the text. */
  readonly start: number;
  /** The line of the file, from 1. */
  readonly line: number;
  readonly schema: string | null;
  readonly table: string;
  readonly key: string;
  readonly rows: number;
}

// deno-lint-ignore no-explicit-any -- see ParsedStatement
type Tree = any;

const MARK = /^--\s*supamigrate:\s*batch\b[\s:]*/i;

const HOW = 'Write it as "-- supamigrate: batch TABLE KEY ROWS", such as ' +
  '"-- supamigrate: batch public.orders id 10000", directly above the statement.';

/** More rows are no small range. */
const MOST_ROWS = 10_000_000;

/**
 * Finds the comments that ask for batches.
 *
 * @param section The section of a migration file.
 * @param file The name to use in errors.
 * @returns The marks in order.
 * @throws {MigrationFileError} One is not in a form that is understood, or stands inside a statement.
 */
export function findBatchMarks({ sql, line }: Section, file: string): BatchMark[] {
  if (!/supamigrate/i.test(sql)) return [];
  return scanComments(sql).comments.flatMap(({ text, start, place }) => {
    const said = MARK.exec(text);
    if (said === null) return [];
    const at = line + countNewlines(sql, 0, start);
    const refuse = (message: string, hint: string) =>
      new MigrationFileError(message, { file, line: at, excerpt: text }, { hint });
    if (place !== "between") {
      throw refuse(
        `The comment "${text}" stands inside a statement`,
        "End the statement before it with a semicolon.",
      );
    }
    const what = readMark(text.slice(said[0].length));
    if (what === undefined) throw refuse("The batch is not one of TABLE KEY ROWS", HOW);
    if (what.rows < 1 || what.rows > MOST_ROWS) {
      throw refuse(
        `A range has from 1 to ${formatCount(MOST_ROWS)} rows, not ${what.rows}`,
        HOW,
      );
    }
    return [{ start, line: at, ...what }];
  });
}

function readMark(text: string): Pick<BatchMark, "schema" | "table" | "key" | "rows"> | undefined {
  const tokens = findTokens(text);
  const names: string[] = [];
  let at = 0;
  const readName = (): boolean => {
    const token = tokens[at++];
    if (token === undefined || (token.kind !== "word" && token.kind !== "name")) return false;
    const written = text.slice(token.start, token.end);
    names.push(
      token.kind === "word" ? written.toLowerCase() : written.slice(1, -1).replaceAll('""', '"'),
    );
    return true;
  };
  if (!readName()) return undefined;
  const dot = tokens[at];
  const isQualified = dot !== undefined && text.slice(dot.start, dot.end) === ".";
  if (isQualified) {
    at++;
    if (!readName()) return undefined;
  }
  if (!readName()) return undefined;
  const number = tokens[at];
  if (number === undefined || at + 1 !== tokens.length || number.kind !== "number") {
    return undefined;
  }
  const rows = text.slice(number.start, number.end).replaceAll("_", "");
  if (!/^\d{1,12}$/.test(rows)) return undefined;
  const [schema, table, key] = isQualified ? names : [null, ...names];
  return { schema: schema!, table: table!, key: key!, rows: Number(rows) };
}

/**
 * Cuts the statements that marks stand above.
 *
 * @param statements The statements of the section, in order.
 * @param marks The marks.
 * @param file The name to use in errors.
 * @returns What the batches are, by their statements.
 * @throws {MigrationFileError} A mark stands above nothing that can be cut so.
 */
export async function cutBatches(
  statements: readonly TypedStatement[],
  marks: readonly BatchMark[],
  file: string,
): Promise<Map<TypedStatement, Batch>> {
  const batches = new Map<TypedStatement, Batch>();
  for (const mark of marks) {
    const statement = statements.find(({ start }) => start > mark.start);
    if (statement === undefined) {
      throw new MigrationFileError("No statement follows the batch", { file, line: mark.line }, {
        hint: HOW,
      });
    }
    if (batches.has(statement)) {
      throw refusal(statement, file, "The statement has two batches", "Leave one of them out.");
    }
    const earlier = statements.slice(0, statements.indexOf(statement));
    batches.set(statement, await cut(statement, mark, earlier, file));
  }
  return batches;
}

async function cut(
  statement: TypedStatement,
  mark: BatchMark,
  earlier: readonly TypedStatement[],
  file: string,
): Promise<Batch> {
  const { type, node, sql } = statement;
  const refuse = (what: string, hint: string): MigrationFileError =>
    refusal(statement, file, `The statement cannot be committed in ranges: ${what}`, hint);
  if (!["UpdateStmt", "DeleteStmt", "InsertStmt"].includes(type)) {
    throw refuse(
      "it is no UPDATE, DELETE or INSERT … SELECT",
      "The comment has to stand directly above the statement that it is for.",
    );
  }
  const select: Tree = type === "InsertStmt" ? node.selectStmt?.SelectStmt : undefined;
  const hint = "Write it in another way, or leave the comment out: then it is one transaction.";
  const no = (what: string) => {
    throw refuse(what, hint);
  };
  if (node.withClause !== undefined || select?.withClause !== undefined) {
    no("it has a WITH clause, which each range would run again");
  }
  if ((node.returningList ?? node.returningClause) !== undefined) {
    no("it has RETURNING, and nobody to return rows to");
  }
  if (node.whereClause?.CurrentOfExpr !== undefined) no("WHERE CURRENT OF names one row");
  if (type === "InsertStmt") refuseSelect(select, no);

  const isWanted = ({ schemaname, relname }: Tree) =>
    relname === mark.table &&
    (mark.schema === null || schemaname === undefined || schemaname === mark.schema);
  const source: Tree = type === "InsertStmt"
    ? findSource(select.fromClause ?? [], isWanted)
    : isWanted(node.relation)
    ? node.relation
    : undefined;
  const called = mark.schema === null ? mark.table : `${mark.schema}.${mark.table}`;
  if (source === undefined) {
    throw refuse(
      type === "InsertStmt"
        ? `its SELECT does not read "${called}" in its own FROM, where no row is made up by an outer join`
        : `it does not change the table "${called}"`,
      "The comment names the table that the statement changes or, for INSERT … SELECT, reads.",
    );
  }
  // What a range has changed, the next one would read.
  const changed = node.relation.relname;
  const others = findRelations(node).filter(({ relname }) => relname === changed).length;
  if (others > 1) {
    no(
      type === "InsertStmt"
        ? `it reads the table that it fills, "${changed}": what a range has added the next one would find`
        : `it reads "${changed}" a second time: what a range has changed the next one would find`,
    );
  }
  if (type === "InsertStmt" && findRelations(node).filter(isWanted).length > 1) {
    no(`it reads "${called}" more than once`);
  }
  const sets = type === "UpdateStmt"
    ? node.targetList.map(({ ResTarget }: Tree) => ResTarget.name)
    : [];
  if (sets.includes(mark.key)) no(`it changes the key "${mark.key}" itself`);

  const alias = quote(source.alias?.aliasname ?? source.relname);
  const parts = findPlace(type, sql);
  const range = `${alias}.${quote(mark.key)} is not null`;
  if (parts === undefined || !await isProven(statement, select !== undefined, parts, range)) {
    throw refuse("its WHERE clause cannot be told from the rest", hint);
  }
  const from = makesWhatItChanges(statement, earlier) ? undefined : findFrom(statement);
  if (from === null) throw refuse("which rows it changes cannot be told", hint);
  return {
    table: called === mark.table
      ? quote(mark.table)
      : `${quote(mark.schema!)}.${quote(mark.table)}`,
    target: nameOf(source),
    only: source.inh !== true,
    key: mark.key,
    rows: mark.rows,
    alias,
    parts,
    ...(from === undefined ? {} : { from }),
    functions: select === undefined ? [] : findCalls(select.targetList),
  };
}

/** Aggregates that everybody has; the server knows the others. */
const AGGREGATES = new Set(
  "array_agg avg bit_and bit_or bool_and bool_or count every json_agg json_object_agg jsonb_agg jsonb_object_agg max min string_agg sum"
    .split(" "),
);

function refuseSelect(select: Tree, no: (what: string) => void): void {
  if (select === undefined || select.valuesLists !== undefined) {
    no("an INSERT without SELECT reads no table");
  }
  if ((select.op ?? "SETOP_NONE") !== "SETOP_NONE") {
    no("it joins several queries (UNION and the like)");
  }
  if (select.distinctClause !== undefined) no("DISTINCT looks at all rows at once");
  if (select.groupClause !== undefined || select.havingClause !== undefined) {
    no("GROUP BY and HAVING look at all rows at once");
  }
  if (select.limitCount !== undefined || select.limitOffset !== undefined) {
    no("LIMIT and OFFSET count over all rows");
  }
  if (select.windowClause !== undefined) no("window functions look at all rows at once");
  if (select.lockingClause !== undefined) no("it locks what it reads (FOR UPDATE and the like)");
  for (const call of findOwnCalls(select.targetList)) {
    if (call.over !== undefined) no("window functions look at all rows at once");
    if (
      call.agg_star || call.agg_distinct || call.agg_within_group ||
      call.agg_filter !== undefined ||
      call.agg_order !== undefined || AGGREGATES.has(nameOfCall(call))
    ) {
      no(`${nameOfCall(call)}() is an aggregate, and looks at all rows at once`);
    }
  }
}

/** A table of the FROM clause, where each of its rows is read and none is made up by an outer join. */
function findSource(items: readonly Tree[], isWanted: (relation: Tree) => boolean): Tree {
  for (const item of items) {
    if (item.RangeVar !== undefined && isWanted(item.RangeVar)) return item.RangeVar;
    const { jointype, larg, rarg } = item.JoinExpr ?? {};
    const sides = jointype === "JOIN_INNER"
      ? [larg, rarg]
      : jointype === "JOIN_LEFT"
      ? [larg]
      : jointype === "JOIN_RIGHT"
      ? [rarg]
      : [];
    const found = findSource(sides, isWanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All relations that a tree names: as what it reads, and as what it changes. */
function findRelations(tree: Tree): Tree[] {
  if (typeof tree !== "object" || tree === null) return [];
  if (Array.isArray(tree)) return tree.flatMap(findRelations);
  return Object.entries(tree).flatMap(([name, value]) =>
    name === "RangeVar" || name === "relation" ? [value] : findRelations(value)
  );
}

/** The functions that a query calls itself, and not in queries within. */
function findOwnCalls(tree: Tree): Tree[] {
  if (typeof tree !== "object" || tree === null) return [];
  if (Array.isArray(tree)) return tree.flatMap(findOwnCalls);
  return Object.entries(tree).flatMap(([name, value]) =>
    name === "SubLink"
      ? findOwnCalls((value as Tree).testexpr)
      : name === "FuncCall"
      ? [value, ...findOwnCalls(value)]
      : findOwnCalls(value)
  );
}

function findCalls(tree: Tree): string[] {
  return [...new Set(findOwnCalls(tree).map(nameOfCall))];
}

function nameOfCall({ funcname }: Tree): string {
  return funcname.at(-1).String?.sval ?? "";
}

/** Where the condition of a range goes: behind WHERE, or where one could stand. */
function findPlace(type: string, sql: string): readonly [string, string] | undefined {
  const words = findOuterWords(sql);
  const select = type === "InsertStmt" ? words.findIndex(({ word }) => word === "select") : 0;
  if (select === -1) return undefined;
  const isEnd = (index: number) =>
    words[index]!.word === "order" ||
    (words[index]!.word === "on" && words[index + 1]?.word === "conflict");
  const ends = words.findIndex((_, index) => index > select && isEnd(index));
  const where = words.findIndex(({ word }, index) => index > select && word === "where");
  const end = type === "InsertStmt" && ends !== -1 ? words[ends]!.start : sql.length;
  if (where === -1 || words[where]!.start > end) {
    return [`${sql.slice(0, end)}\nwhere (`, `)\n${sql.slice(end)}`];
  }
  const open = words[where]!.end;
  // A clause may end with a comment.
  return [`${sql.slice(0, open)} (`, `) and (${sql.slice(open, end)}\n)\n${sql.slice(end)}`];
}

/** The words that stand in no brackets. */
function findOuterWords(sql: string): (Token & { readonly word: string })[] {
  let depth = 0;
  let before = "";
  return findTokens(sql).flatMap((token) => {
    const text = sql.slice(token.start, token.end);
    // Behind a dot any word is a name.
    const isName = before === ".";
    before = text;
    if (text === ")" || text === "]") depth--;
    const isOuter = depth === 0 && token.kind === "word" && !isName;
    if (text === "(" || text === "[") depth++;
    return isOuter ? [{ ...token, word: text.toLowerCase() }] : [];
  });
}

/** Whether a text with a range in it is the same statement with one more condition. */
async function isProven(
  { type, node }: TypedStatement,
  isSelect: boolean,
  [before, behind]: readonly [string, string],
  range: string,
): Promise<boolean> {
  const { statements, errors } = await parseText(`${before}${range}${behind}`);
  const { statements: [probe] } = await parseText(`delete from t where ${range}`);
  const [other] = statements;
  if (errors.length > 0 || statements.length !== 1 || other!.type !== type) return false;
  const added = isSelect ? other!.node.selectStmt.SelectStmt : other!.node;
  const own = isSelect ? node.selectStmt.SelectStmt : node;
  const condition = probe!.node.whereClause;
  const wanted = own.whereClause === undefined ? condition : {
    BoolExpr: { boolop: "AND_EXPR", args: [condition, own.whereClause] },
  };
  const replaced = { ...added, whereClause: own.whereClause };
  const whole = isSelect ? { ...other!.node, selectStmt: { SelectStmt: replaced } } : replaced;
  return isSame(added.whereClause, wanted) && isSame(whole, node);
}

/** Where things stand is no part of what they are. */
const PLACES = /location$|^(?:stmt_len|list_start|list_end|rexpr_list_start|rexpr_list_end)$/;

function isSame(one: Tree, other: Tree): boolean {
  if (typeof one !== "object" || one === null || typeof other !== "object" || other === null) {
    return one === other;
  }
  const names = (tree: Tree) =>
    Object.keys(tree).filter((name) => !PLACES.test(name) && tree[name] !== undefined);
  const own = names(one);
  return own.length === names(other).length && own.every((name) => isSame(one[name], other[name]));
}

/**
 * What chooses the rows of a DELETE or UPDATE that are kept before, for a range; undefined where none
 * are, null where that cannot be told.
 */
function findFrom(statement: TypedStatement): readonly [string, string] | undefined | null {
  const [rows, ...others] = findDestroyed(statement);
  if (rows === undefined) return undefined;
  if (others.length > 0 || (rows.do !== "delete" && rows.do !== "update")) return null;
  const { relation } = statement.node;
  const named = `from ${rows.only ? "only " : ""}${rows.table}` +
    (relation.alias === undefined ? "" : ` as ${quote(relation.alias.aliasname)}`);
  if (rows.from === undefined) return [`${named} where (`, ")"];
  const choice = `${named} where `;
  if (!rows.from.startsWith(choice)) return null;
  return [`${choice}(`, `) and (${rows.from.slice(choice.length)}\n)`];
}

/** Of a table or of columns that the file itself has made there is nothing to keep. */
function makesWhatItChanges(
  { type, node: { relation, targetList } }: TypedStatement,
  earlier: readonly TypedStatement[],
): boolean {
  if (type === "InsertStmt") return true;
  const isIt = (made: Tree) =>
    made?.relname === relation.relname &&
    (made.schemaname ?? relation.schemaname) === (relation.schemaname ?? made.schemaname);
  if (
    earlier.some(({ type, node }) =>
      type === "CreateStmt" && !node.if_not_exists && isIt(node.relation)
    )
  ) return true;
  if (type !== "UpdateStmt") return false;
  const added = earlier.flatMap(({ type, node }) =>
    type === "AlterTableStmt" && isIt(node.relation)
      ? node.cmds.flatMap(({ AlterTableCmd: { subtype, def, missing_ok } }: Tree) =>
        subtype === "AT_AddColumn" && !missing_ok ? [def.ColumnDef.colname] : []
      )
      : []
  );
  return targetList.every(({ ResTarget }: Tree) => added.includes(ResTarget.name));
}

function nameOf({ schemaname, relname }: Tree): string {
  return schemaname === undefined ? quote(relname) : `${quote(schemaname)}.${quote(relname)}`;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
