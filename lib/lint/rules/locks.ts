/** What locks a table while it reads or writes all of its rows. @module */

import { isNew, type Model } from "../model.ts";
import type { Rule, Tell } from "../rule.ts";
import type { LintStatement } from "../statement.ts";
import { calledName, describeType, findAll, type Tree, typeOf } from "../tree.ts";
import { keepsRows } from "../type_changes.ts";

/** Makes a rule about a part of ALTER TABLE, of a table that was there before. */
function each(
  check: (
    command: Tree,
    about: { statement: LintStatement; model: Model; name: string },
    tell: Tell,
  ) => void,
): NonNullable<Rule["look"]> {
  return (statement, model, tell) => {
    const { type, node } = statement;
    if (type !== "AlterTableStmt" || node.objtype !== "OBJECT_TABLE") return;
    const name = model.nameOf(node.relation);
    if (isNew(model.relations.get(name), statement) || model.temporary.has(name)) return;
    for (const { AlterTableCmd } of node.cmds) {
      check(AlterTableCmd, { statement, model, name }, tell);
    }
  };
}

const constraintsOf = (column: Tree): Tree[] =>
  (column?.constraints ?? []).map(({ Constraint }: Tree) => Constraint);

/** Constraints that are added, those of a new column among them; those that nobody keeps are not. */
function addedConstraints(command: Tree): Tree[] {
  const added = addedConstraint(command);
  if (added !== undefined) return [added];
  const own = constraintsOf(addedColumn(command));
  return own.filter((_, index) => own[index + 1]?.contype !== "CONSTR_ATTR_NOT_ENFORCED");
}

/** The column that is added. */
const addedColumn = ({ subtype, def }: Tree): Tree | undefined =>
  subtype === "AT_AddColumn" ? def.ColumnDef : undefined;

/** The constraint that is added. */
const addedConstraint = ({ subtype, def }: Tree): Tree | undefined =>
  subtype === "AT_AddConstraint" ? def.Constraint : undefined;

export const LOCK_RULES: readonly Rule[] = [
  {
    code: "type-change-rewrites",
    title: "A column keeps its type",
    level: "warn",
    reason:
      "The table is written anew with its indexes, and nobody reads or writes it until that is done",
    remedy:
      "Add a column of the new type, fill it in parts, and change over; or do it while nobody is " +
      "there. Nothing is written from varchar to text, and where the type holds more than before: " +
      "a longer varchar, a numeric with more digits in front of the point, more digits of seconds.",
    look: each(({ subtype, name: column, def }, { statement, model, name }, tell) => {
      if (subtype !== "AT_AlterColumnType") return;
      const { ColumnDef } = def;
      const before = model.relations.get(name)?.columns.get(column);
      if (before !== undefined && keepsRows(before, ColumnDef)) return;
      tell(
        statement,
        `The column ${column} of ${name} becomes ${describeType(ColumnDef.typeName)}${
          before?.type ? `, and was ${before.type}` : ""
        }`,
        column,
      );
    }),
  },
  {
    code: "not-null-scans",
    title: "SET NOT NULL follows a check that is validated already",
    level: "warn",
    reason: "All rows are read under a lock that lets nobody in",
    remedy:
      "Add constraint … check (… is not null) not valid; validate it in the next migration; then " +
      "SET NOT NULL reads nothing.",
    look: each(({ subtype, name: column }, { statement, model, name }, tell) => {
      if (subtype !== "AT_SetNotNull") return;
      const relation = model.relations.get(name);
      if (relation?.notNull.has(column)) return;
      tell(statement, `SET NOT NULL reads all rows of ${name} for the column ${column}`, column);
    }),
  },
  {
    code: "column-not-null-without-default",
    title: "A new column that cannot be NULL has a default",
    level: "warn",
    reason: "It fails as soon as the table has a row (23502)",
    remedy: "Give it a default; or add it without NOT NULL, fill it, and set NOT NULL afterwards.",
    look: each((command, { statement, name }, tell) => {
      const column = addedColumn(command);
      if (column === undefined) return;
      const kinds = constraintsOf(column).map(({ contype }) => contype);
      if (!kinds.includes("CONSTR_NOTNULL") && !kinds.includes("CONSTR_PRIMARY")) return;
      if (kinds.some((kind) => /^CONSTR_(?:DEFAULT|IDENTITY|GENERATED)$/.test(kind))) return;
      if (/^(?:small|big)?serial/.test(typeOf(column.typeName))) return;
      tell(
        statement,
        `The column ${column.colname} of ${name} is NOT NULL and has no default`,
        column.colname,
      );
    }),
  },
  {
    code: "column-default-rewrites",
    title: "A new column has a constant default",
    level: "warn",
    reason:
      "A value for each row means that the table is written anew, and nobody reads or writes it " +
      "until that is done. A constant and now() are stored once",
    remedy: "Add it without a default, set the default afterwards, and fill the old rows in parts.",
    look: each((command, { statement, name }, tell) => {
      const column = addedColumn(command);
      if (column === undefined) return;
      const writes = writesRows(column);
      if (writes !== undefined) {
        tell(
          statement,
          `${writes} of ${column.colname} is worked out for every row of ${name}`,
          column.colname,
        );
      }
    }),
  },
  {
    code: "check-scans",
    title: "A CHECK on a table with rows is NOT VALID first",
    level: "warn",
    reason: "All rows are read under a lock that lets nobody in",
    remedy:
      "Add it by ADD CONSTRAINT … NOT VALID, and validate it in the next migration, which lets reads " +
      "and writes on.",
    look: each((command, { statement, name }, tell) => {
      const constraint = addedConstraints(command).find(({ contype }) =>
        contype === "CONSTR_CHECK"
      );
      if (constraint === undefined || constraint.skip_validation) return;
      tell(
        statement,
        `The CHECK ${constraint.conname ?? ""} reads all rows of ${name}`.replace("  ", " "),
        constraint.conname,
      );
    }),
  },
  {
    code: "foreign-key-scans",
    title: "A foreign key of a table with rows is NOT VALID first",
    level: "warn",
    reason:
      "All rows are looked up in the other table, and neither of the two can be written meanwhile",
    remedy:
      "Add it by ADD CONSTRAINT … NOT VALID, and validate it in the next migration, which lets " +
      "writes on.",
    look: each((command, { statement, name }, tell) => {
      const constraint = addedConstraints(command).find(({ contype }) =>
        contype === "CONSTR_FOREIGN"
      );
      if (constraint === undefined || constraint.skip_validation) return;
      const column = addedColumn(command);
      // What is NULL in every row refers to nothing: PostgreSQL does not look.
      if (column !== undefined && !hasDefault(column)) return;
      const { schemaname, relname } = constraint.pktable;
      tell(
        statement,
        `The foreign key to ${
          schemaname === undefined ? "" : `${schemaname}.`
        }${relname} looks up all rows of ${name}`,
        constraint.conname ?? relname,
      );
    }),
  },
  {
    code: "unique-builds-index",
    title: "A UNIQUE or PRIMARY KEY of a table with rows takes an index that is there",
    level: "warn",
    reason: "The index is built under a lock that lets nobody in",
    remedy: "Create the unique index concurrently, then: add constraint … unique using index …",
    look: each((command, { statement, name }, tell) => {
      const found = addedConstraints(command).find(({ contype, indexname }) =>
        /^CONSTR_(?:UNIQUE|PRIMARY|EXCLUSION)$/.test(contype) && indexname === undefined
      );
      if (found === undefined) return;
      tell(statement, `An index on ${name} is built under a lock`, found.conname);
    }),
  },
  {
    code: "index-locks-writes",
    title: "An index on a table with rows is built CONCURRENTLY",
    level: "info",
    reason: "Nobody can write to the table until it is built",
    remedy:
      "Write: create index concurrently …, by --via direct or with pg_cron. On a small table it " +
      "does not matter.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "IndexStmt" || node.concurrent || node.relation === undefined) return;
      const name = model.nameOf(node.relation);
      if (isNew(model.relations.get(name), statement) || model.temporary.has(name)) return;
      tell(
        statement,
        `The index ${node.idxname ?? ""} locks ${name} for writing`.replace("  ", " "),
      );
    },
  },
  {
    code: "validate-under-lock",
    title: "A constraint is validated in another migration than the one that adds it",
    level: "warn",
    reason:
      "The lock of ADD CONSTRAINT is held to the end of the transaction: NOT VALID gains nothing",
    remedy:
      "Put VALIDATE CONSTRAINT into the next migration, or behind a comment: -- supamigrate: commit",
    look: each(({ subtype, name: constraint }, { statement, model, name }, tell) => {
      if (subtype !== "AT_ValidateConstraint" || !model.notValid.has(`${name} ${constraint}`)) {
        return;
      }
      tell(statement, `${constraint} is validated under the lock that adding it took`, constraint);
    }),
  },
  {
    code: "table-rewritten",
    title: "No table is written anew as a whole",
    level: "warn",
    reason: "Nobody reads or writes it until that is done",
    remedy: "Do it while nobody is there, by hand.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type === "AlterTableStmt") {
        const name = model.nameOf(node.relation);
        if (isNew(model.relations.get(name), statement)) return;
        for (const { AlterTableCmd: { subtype } } of node.cmds) {
          if (!/^AT_Set(?:Logged|UnLogged|TableSpace|AccessMethod)$/.test(subtype)) continue;
          tell(statement, `The table ${name} is written anew`);
        }
        return;
      }
      const what = type === "ClusterStmt"
        ? "CLUSTER"
        : type === "VacuumStmt" && node.is_vacuumcmd &&
            findAll(node.options, "DefElem").some(({ defname }) => defname === "full")
        ? "VACUUM FULL"
        : undefined;
      if (what !== undefined) tell(statement, `${what} writes tables anew`);
    },
  },
  {
    code: "explicit-lock",
    title: "No table is locked by LOCK TABLE",
    level: "warn",
    reason: "It is held to the end of the migration: requests wait, and fail after 8 seconds",
    remedy: "Leave it out, or take the weakest mode that does, such as share row exclusive.",
    look(statement, model, tell) {
      const { type, node } = statement;
      // 8 is ACCESS EXCLUSIVE, 7 EXCLUSIVE.
      if (type !== "LockStmt" || node.mode < 7) return;
      const names = node.relations.map(({ RangeVar }: Tree) => model.nameOf(RangeVar));
      tell(statement, `${names.join(", ")} is locked to the end of the migration`);
    },
  },
  {
    code: "refresh-locks",
    title: "A materialized view is refreshed CONCURRENTLY",
    level: "info",
    reason: "Nobody can read it until it is filled",
    remedy: "Write: refresh materialized view concurrently …, for which it needs a unique index.",
    look(statement, model, tell) {
      const { type, node } = statement;
      if (type !== "RefreshMatViewStmt" || node.concurrent) return;
      const name = model.nameOf(node.relation);
      if (isNew(model.relations.get(name), statement)) return;
      tell(statement, `${name} cannot be read while it is refreshed`);
    },
  },
  {
    code: "trigger-left-disabled",
    title: "Triggers that are turned off are turned on again",
    level: "warn",
    reason:
      "Checks, time stamps and audit rows are missing from then on, and foreign keys with ALL",
    remedy: "Write at the end: alter table … enable trigger …;",
    conclude(model, tell) {
      for (const [key, { place }] of model.disabledTriggers) {
        tell(place, `The trigger ${key} stays turned off`);
      }
    },
  },
];

/** Whether a new column has values in rows that are there; DEFAULT NULL is one to PostgreSQL. */
function hasDefault(column: Tree): boolean {
  return /^(?:small|big)?serial/.test(typeOf(column.typeName)) ||
    constraintsOf(column).some(({ contype }) => /^CONSTR_(?:DEFAULT|GENERATED)$/.test(contype));
}

/** What of a column has a value of its own for each row; undefined where nothing has. */
function writesRows(column: Tree): string | undefined {
  if (/^(?:small|big)?serial/.test(typeOf(column.typeName))) return "The sequence";
  for (const { contype, raw_expr: expression, generated_kind: kind } of constraintsOf(column)) {
    if (contype === "CONSTR_IDENTITY") return "The identity";
    if (contype === "CONSTR_GENERATED" && kind !== "v") return "The value";
    if (contype !== "CONSTR_DEFAULT") continue;
    for (const call of findAll(expression, "FuncCall")) {
      if (VOLATILE.test(calledName(call))) return `The default ${calledName(call)}()`;
    }
  }
  return undefined;
}

const VOLATILE =
  /(?:^|\.)(?:gen_random_uuid|uuid_generate_v\d\w*|uuidv\d|random|random_string|clock_timestamp|timeofday|nextval|gen_random_bytes|nanoid)$/;
