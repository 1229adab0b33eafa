/** Splits a section where psql would commit: at blocks, and at what stands between two of them. @module */

import { MigrationFileError } from "../errors.ts";
import { firstLine, refusal } from "./refusals.ts";
import { judgeTransactionModes } from "./session_settings.ts";
import type { CommitMark, TypedStatement, Unit } from "./step.ts";

const BEGINS = ["TRANS_STMT_BEGIN", "TRANS_STMT_START"];

/** Follows the transaction control of a file as psql would. */
export function splitUnits(
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

/** Splits what no block holds at the comments that ask for a commit. */
export function splitAtMarks(
  statements: readonly TypedStatement[],
  marks: readonly CommitMark[],
): TypedStatement[][] {
  const marksBefore = ({ start }: TypedStatement) =>
    marks.filter((mark) => mark.start < start).length;
  return [...Map.groupBy(statements, marksBefore).values()];
}
