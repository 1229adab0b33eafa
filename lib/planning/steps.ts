/**
 * Divides a migration into steps, each of which is committed by itself: nearly always one.
 * There are more where the file needs a commit, or a statement cannot run in a transaction.
 *
 * @module
 */

import { MigrationFileError } from "../errors.ts";
import type { OutsideStatement } from "./outside_transaction.ts";
import type { ParsedStatement } from "./parser.ts";
import { firstLine, refusal } from "./refusals.ts";
import { judgeTransactionModes } from "./session_settings.ts";
import { findKeptForSession, isSessionSetting } from "./session_state.ts";

/** One statement as it is sent. */
export interface Statement {
  /** The line of the file that it starts on, from 1. */
  readonly line: number;
  /** Its text, without comments before it and without the semicolon. */
  readonly sql: string;
}

/** A statement with its parse tree. */
export type TypedStatement = Statement & Pick<ParsedStatement, "start" | "type" | "node">;

/** A part of a migration that is committed by itself. */
export interface Step {
  /** What of the steps before it the session keeps: settings, as they were made. */
  readonly settings: readonly Statement[];
  /** Its statements; one alone where it runs outside a transaction. */
  readonly statements: readonly Statement[];
  /** Set where it runs outside a transaction: what it is, and how its end is known. */
  readonly outside: OutsideStatement | null;
}

/** A comment that asks for a commit, with its line. */
export interface CommitMark {
  /** Where it stands in the text. */
  readonly start: number;
  /** The line of the file, from 1. */
  readonly line: number;
}

/** Tells what a statement is that runs outside a transaction; null of all others. */
export type FindOutside = (statement: TypedStatement) => OutsideStatement | null;

/** What {@linkcode divideIntoSteps} comes to. */
export interface Division {
  /** The statements of each step. */
  readonly parts: readonly StepPart[];
  /** What the user should know, a sentence each. */
  readonly notices: readonly string[];
}

/** A step before its statements are written down. */
export interface StepPart {
  readonly settings: readonly TypedStatement[];
  readonly statements: readonly TypedStatement[];
  readonly outside: OutsideStatement | null;
}

/** What psql would commit together: a block, or what stands between two of them. */
interface Unit {
  readonly isBlock: boolean;
  readonly statements: readonly TypedStatement[];
}

/**
 * Divides a migration into steps.
 *
 * A block (`BEGIN … COMMIT`) around everything says what happens anyway. Several blocks are one
 * transaction where that provably ends the same, and else a step each, as for psql. What is rolled
 * back in the file is left out.
 *
 * @param parsed The statements of the section.
 * @param marks The comments that ask for a commit, in order.
 * @param findOutside Tells what a statement is that runs outside a transaction.
 * @param file The name to use in errors.
 * @returns The steps.
 * @throws {MigrationFileError} Transaction control that psql would refuse or that is open at the
 * end, a statement inside a block that cannot run there, or one that needs what an earlier step
 * has left in its session.
 */
export function divideIntoSteps(
  parsed: readonly TypedStatement[],
  marks: readonly CommitMark[],
  findOutside: FindOutside,
  file: string,
): Division {
  const { units, notices } = splitUnits(parsed, marks, file);
  notices.push(...tellLocalPaths(units));
  for (const { isBlock, statements } of units) if (isBlock) refuseEarlyValue(statements, file);
  const blocks = units.filter(({ isBlock }) => isBlock).length;
  if (blocks > 0 && canBeOneTransaction(units, findOutside)) {
    const statements = units.flatMap((unit) => unit.statements);
    return {
      parts: [{ settings: [], statements, outside: null }],
      notices: [
        "BEGIN and COMMIT were left out: every migration is one transaction of its own",
        ...notices,
      ],
    };
  }
  const groups = units.flatMap((unit) =>
    unit.isBlock
      ? [refuseOutside(unit.statements, findOutside, file)]
      : splitAtMarks(unit.statements, marks)
        .flatMap((group) => isolateOutside(group, findOutside))
        .flatMap(isolateEnumValues)
  ).filter((group) => group.length > 0);

  const settings: TypedStatement[] = [];
  const parts = groups.map((statements): StepPart => {
    const part = {
      settings: [...settings],
      statements,
      outside: statements.length === 1 ? findOutside(statements[0]!) : null,
    };
    settings.push(...statements.filter(isSessionSetting));
    return part;
  });
  refuseLostState(parts, file);
  return {
    parts: parts.length === 0 ? [{ settings: [], statements: [], outside: null }] : parts,
    notices,
  };
}

/** Outside a block psql warns and does nothing, and what follows is made in another schema. */
function tellLocalPaths(units: readonly Unit[]): string[] {
  const isLocalPath = ({ type, node }: TypedStatement) =>
    type === "VariableSetStmt" && node.is_local === true && node.name === "search_path";
  const local = units.filter(({ isBlock }) => !isBlock)
    .flatMap(({ statements }) => statements.filter(isLocalPath));
  return local.length === 0 ? [] : [
    `SET LOCAL search_path (line ${
      local[0]!.line
    }) holds to the end of the step: outside a block ` +
    "psql leaves it without effect",
  ];
}

const BEGINS = ["TRANS_STMT_BEGIN", "TRANS_STMT_START"];

/** Follows the transaction control of a file as psql would. */
function splitUnits(
  parsed: readonly TypedStatement[],
  marks: readonly CommitMark[],
  file: string,
): { units: Unit[]; notices: string[] } {
  const units: Unit[] = [];
  const notices: string[] = [];
  let plain: TypedStatement[] = [];
  let block: TypedStatement[] = [];
  let opening: TypedStatement | undefined;
  let savepoints: { readonly name: string; readonly at: number; readonly line: number }[] = [];
  const endPlain = () => {
    if (plain.length > 0) units.push({ isBlock: false, statements: plain });
    plain = [];
  };
  const leaveOut = (statement: TypedStatement, because: string) =>
    notices.push(`"${firstLine(statement.sql)}" (line ${statement.line}) was left out: ${because}`);
  const leaveOutUndone = (from: number, to: TypedStatement) =>
    notices.push(`Lines ${from} to ${to.line} were left out: the file itself rolls them back`);

  for (const statement of parsed) {
    const { type, node } = statement;
    if (type !== "TransactionStmt") {
      (opening === undefined ? plain : block).push(statement);
      continue;
    }
    const kind: string = node.kind;
    if (BEGINS.includes(kind)) {
      if (opening !== undefined) {
        leaveOut(statement, "a transaction is open there already");
        continue;
      }
      const modes = judgeTransactionModes(node.options);
      if (modes !== undefined) throw refusal(statement, file, modes.what, modes.hint);
      endPlain();
      opening = statement;
      [block, savepoints] = [[], []];
      continue;
    }
    const savepoint: string | undefined = node.savepoint_name;
    const known = savepoints.findLastIndex(({ name }) => name === savepoint);
    switch (kind) {
      case "TRANS_STMT_COMMIT":
      case "TRANS_STMT_ROLLBACK": {
        if (opening === undefined) {
          if (node.chain) throw refuseControl(statement, file);
          leaveOut(statement, "no transaction is open there");
          break;
        }
        const mark = marks.find(({ start }) => opening!.start < start && start < statement.start);
        if (mark !== undefined) {
          throw new MigrationFileError(
            '"-- supamigrate: commit" stands inside BEGIN … COMMIT',
            { file, line: mark.line },
            { hint: "Take BEGIN and COMMIT out, or the comment." },
          );
        }
        if (kind === "TRANS_STMT_COMMIT") units.push({ isBlock: true, statements: block });
        else leaveOutUndone(opening.line, statement);
        opening = node.chain ? statement : undefined;
        [block, savepoints] = [[], []];
        break;
      }
      case "TRANS_STMT_SAVEPOINT":
        if (opening === undefined) throw refuseControl(statement, file);
        savepoints.push({ name: savepoint!, at: block.length, line: statement.line });
        break;
      case "TRANS_STMT_RELEASE":
        if (known === -1) throw refuseControl(statement, file);
        savepoints.length = known;
        break;
      case "TRANS_STMT_ROLLBACK_TO":
        if (known === -1) throw refuseControl(statement, file);
        block.length = savepoints[known]!.at;
        savepoints.length = known + 1;
        leaveOutUndone(savepoints[known]!.line, statement);
        break;
      default:
        throw refuseControl(statement, file);
    }
  }
  if (opening !== undefined) {
    throw refusal(
      opening,
      file,
      `"${firstLine(opening.sql)}" has no COMMIT`,
      "What stands below it would be undone at the end of the file. Add COMMIT, or delete BEGIN: " +
        "a migration is a transaction of its own.",
    );
  }
  endPlain();
  return { units, notices };
}

function refuseControl(statement: TypedStatement, file: string): MigrationFileError {
  const called = firstLine(statement.sql);
  return refusal(
    statement,
    file,
    `Transaction control ("${called}") cannot be part of a migration here`,
    /prepare/i.test(called)
      ? "Two-phase commit is not for migrations: delete it."
      : "PostgreSQL refuses it there as well: there is no such transaction or savepoint.",
  );
}

/**
 * What makes or changes objects, and looks neither at other rows nor at the transaction it is in:
 * with these alone it makes no difference where a commit stands.
 */
const INDIFFERENT_TO_COMMITS = new Set([
  "AlterDefaultPrivilegesStmt",
  "AlterDomainStmt",
  "AlterFunctionStmt",
  "AlterObjectSchemaStmt",
  "AlterOwnerStmt",
  "AlterPolicyStmt",
  "AlterPublicationStmt",
  "AlterSeqStmt",
  "AlterTableStmt",
  "CommentStmt",
  "CompositeTypeStmt",
  "CreateDomainStmt",
  "CreateEnumStmt",
  "CreateExtensionStmt",
  "CreateFunctionStmt",
  "CreatePolicyStmt",
  "CreatePublicationStmt",
  "CreateSchemaStmt",
  "CreateSeqStmt",
  "CreateStmt",
  "CreateTrigStmt",
  "DropStmt",
  "GrantStmt",
  "IndexStmt",
  "RenameStmt",
  "ViewStmt",
]);

function canBeOneTransaction(units: readonly Unit[], findOutside: FindOutside): boolean {
  const statements = units.flatMap((unit) => unit.statements);
  if (statements.some((statement) => findOutside(statement) !== null)) return false;
  return units.length === 1 || statements.every((statement) =>
    isSessionSetting(statement) ||
    (INDIFFERENT_TO_COMMITS.has(statement.type) && !isTemporary(statement))
  );
}

function isTemporary({ node }: TypedStatement): boolean {
  return (node.relation ?? node.sequence ?? node.view)?.relpersistence === "t" ||
    (node.oncommit ?? "ONCOMMIT_NOOP") !== "ONCOMMIT_NOOP";
}

function refuseOutside(
  statements: readonly TypedStatement[],
  findOutside: FindOutside,
  file: string,
): readonly TypedStatement[] {
  for (const statement of statements) {
    const outside = findOutside(statement);
    if (outside !== null) {
      throw refusal(
        statement,
        file,
        `${outside.name} cannot run inside a transaction`,
        "It stands inside BEGIN … COMMIT: move it out of there.",
      );
    }
  }
  return statements;
}

function splitAtMarks(
  statements: readonly TypedStatement[],
  marks: readonly CommitMark[],
): TypedStatement[][] {
  const marksBefore = ({ start }: TypedStatement) =>
    marks.filter((mark) => mark.start < start).length;
  return [...Map.groupBy(statements, marksBefore).values()];
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

/** What cannot run in a transaction is a step of its own. */
function isolateOutside(
  statements: readonly TypedStatement[],
  findOutside: FindOutside,
): TypedStatement[][] {
  const groups: TypedStatement[][] = [[]];
  for (const statement of statements) {
    if (findOutside(statement) === null) groups.at(-1)!.push(statement);
    else groups.push([statement], []);
  }
  return groups;
}

/**
 * A new enum value cannot be used before it is committed: where it is, its addition is a step. From
 * 17 on it can be in the transaction that makes the type, but not in the subtransaction that a
 * migration runs in.
 */
function isolateEnumValues(statements: readonly TypedStatement[]): TypedStatement[][] {
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
function refuseEarlyValue(statements: readonly TypedStatement[], file: string): void {
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

/** Temporary tables and the like end with the session, and each step has one of its own. */
function refuseLostState(parts: readonly StepPart[], file: string): void {
  for (const [index, { statements }] of parts.entries()) {
    for (const statement of statements) {
      const kept = findKeptForSession(statement);
      if (kept === null) continue;
      const later = parts.slice(index + 1).flatMap((part) => part.statements)
        .find(({ sql }) => findWords(sql).includes(kept.name.toLowerCase()));
      if (later === undefined) continue;
      throw refusal(
        later,
        file,
        `The ${kept.what} "${kept.name}" is gone by then: it was made in an earlier step (line ` +
          `${statement.line}), and each step has a session of its own`,
        "Use it in the transaction that makes it, or make it a table that is dropped at the end.",
      );
    }
  }
}

function findWords(sql: string): string[] {
  return sql.toLowerCase().match(/[\w$\u0080-\uffff]+/g) ?? [];
}
