/**
 * Divides a migration into steps, each of which is committed by itself: nearly always one.
 * There are more where the file needs a commit, or a statement cannot run in a transaction.
 *
 * @module
 */

import { findWords, isolateEnumValues, refuseEarlyValue } from "./enum_values.ts";
import { refusal } from "./refusals.ts";
import { findKeptForSession, isSessionSetting } from "./session_state.ts";
import type { Batch, CommitMark, FindOutside, StepPart, TypedStatement, Unit } from "./step.ts";
import { splitAtMarks, splitUnits } from "./units.ts";

/** What {@linkcode divideIntoSteps} comes to. */
export interface Division {
  /** The statements of each step. */
  readonly parts: readonly StepPart[];
  /** What the user should know, a sentence each. */
  readonly notices: readonly string[];
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
 * @param batches The statements that are committed in ranges.
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
  batches: ReadonlyMap<TypedStatement, Batch> = new Map(),
): Division {
  const { units, notices } = splitUnits(parsed, marks, file);
  notices.push(...tellLocalPaths(units));
  for (const { isBlock, statements } of units) {
    if (!isBlock) continue;
    refuseEarlyValue(statements, file);
    refuseBatch(statements, batches, file);
  }
  const blocks = units.filter(({ isBlock }) => isBlock).length;
  if (blocks > 0 && batches.size === 0 && canBeOneTransaction(units, findOutside)) {
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
        .flatMap((group) =>
          isolate(group, (statement) => batches.has(statement) || findOutside(statement) !== null)
        )
        .flatMap(isolateEnumValues)
  ).filter((group) => group.length > 0);

  const settings: TypedStatement[] = [];
  const parts = groups.map((statements): StepPart => {
    const batch = batches.get(statements.at(-1)!);
    const part = {
      settings: [...settings],
      statements,
      outside: statements.length === 1 ? findOutside(statements[0]!) : null,
      ...(batch === undefined ? {} : { batch }),
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

function refuseBatch(
  statements: readonly TypedStatement[],
  batches: ReadonlyMap<TypedStatement, Batch>,
  file: string,
): void {
  const statement = statements.find((statement) => batches.has(statement));
  if (statement === undefined) return;
  throw refusal(
    statement,
    file,
    "A batch is committed in ranges, and cannot be inside BEGIN … COMMIT",
    "Take BEGIN and COMMIT out, or the comment.",
  );
}

/** What cannot run in a transaction with others, or is committed in ranges, is a step of its own. */
function isolate(
  statements: readonly TypedStatement[],
  isAlone: (statement: TypedStatement) => boolean,
): TypedStatement[][] {
  const groups: TypedStatement[][] = [[]];
  for (const statement of statements) {
    if (isAlone(statement)) groups.push([statement], []);
    else groups.at(-1)!.push(statement);
  }
  return groups;
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
