/**
 * Finds what migrations create that may outlive the application's schemas, and would keep them from
 * being applied again: roles, publications, buckets and the like, by name, from their parse trees.
 * What a `DO` block or SQL in a string creates cannot be known.
 *
 * @module
 */

import { type ParsedStatement, parseSql } from "./parser.ts";
import type { Migration } from "./plan.ts";

/** Something that a migration creates by name. */
export interface CreatedObject {
  /** What it is, as `sql/outside_objects.sql` calls it. */
  readonly kind: string;
  /** Its name; of a bucket or an account its ID, of a cron job without a name its schedule. */
  readonly name: string;
  /** The schema that it stands in, or its table does. */
  readonly schema: string | null;
  /** The table of a trigger or policy, the server of a user mapping, the command of a cron job. */
  readonly relation: string | null;
  /** The migration that would fail on it. */
  readonly migration: string;
  /** A migration that is applied created it. */
  readonly made: boolean;
}

type Key = Pick<CreatedObject, "kind" | "name" | "schema" | "relation">;

/** What a statement does with an object. */
interface Effect {
  /** `ensure` creates it unless it is there. */
  readonly does: "create" | "ensure" | "drop";
  readonly key: Key;
}

// deno-lint-ignore no-explicit-any -- see ParsedStatement
type Node = any;

/** Migrations run as this role. */
const OWNER = "postgres";

/**
 * Finds what has to be absent for migrations to be applied from the first on: what the first
 * statement that names it creates without saying `IF NOT EXISTS`, `OR REPLACE` or `ON CONFLICT`.
 *
 * @param migrations The migrations in order, which have been found to be SQL.
 * @param applied The names of those that are in the database.
 * @returns What they create, each once.
 */
export async function findCreatedObjects(
  migrations: readonly Migration[],
  applied: ReadonlySet<string>,
): Promise<CreatedObject[]> {
  const known = new Map<string, CreatedObject & { readonly first: Effect["does"] }>();
  const idOf = ({ kind, name, schema, relation }: Key) =>
    JSON.stringify([kind, name, schema, relation]);
  const isDropped = (key: Key) => known.get(idOf(key))?.first === "drop";
  for (const { name, forward } of migrations) {
    const isApplied = applied.has(name);
    for (const statement of await parseSql(forward.sql)) {
      for (const { does, key } of findEffects(statement)) {
        const first = holdersOf(key).some(isDropped) ? "drop" : does;
        const before = known.get(idOf(key)) ?? { ...key, migration: name, made: false, first };
        known.set(idOf(key), { ...before, made: isApplied ? does !== "drop" : before.made });
      }
    }
  }
  return [...known.values()]
    .filter(({ first }) => first === "create")
    .map(({ first: _, ...created }) => created);
}

function toKey(
  kind: string,
  name: string,
  place: Partial<Pick<Key, "schema" | "relation">> = {},
): Key {
  return { kind, name, schema: place.schema ?? null, relation: place.relation ?? null };
}

/** What takes an object along when it is dropped. */
function holdersOf({ kind, schema, relation }: Key): Key[] {
  return [
    ...(schema === null ? [] : [toKey("schema", schema)]),
    ...(kind === "user mapping" ? [toKey("server", relation!)] : []),
  ];
}

function findEffects({ type, node }: Pick<ParsedStatement, "type" | "node">): Effect[] {
  const creates = (key: Key | null, conditional: boolean | undefined = false): Effect[] =>
    key === null ? [] : [{ does: conditional ? "ensure" : "create", key }];
  switch (type) {
    case "CreateRoleStmt":
      return creates(toKey("role", node.role));
    case "DropRoleStmt":
      return (node.roles as Node[]).flatMap(({ RoleSpec }) =>
        RoleSpec.rolename === undefined ? [] : drops(toKey("role", RoleSpec.rolename))
      );
    case "CreateSchemaStmt": {
      const schema = node.schemaname ?? node.authrole?.rolename ?? OWNER;
      const inside = ((node.schemaElts ?? []) as Node[]).flatMap((element) => {
        const [type, inner] = Object.entries(element)[0]!;
        return findEffects({ type, node: inner });
      });
      return [
        ...creates(toKey("schema", schema), node.if_not_exists),
        ...inside.map((effect) => ({ ...effect, key: { ...effect.key, schema } })),
      ];
    }
    case "CreateExtensionStmt":
      return creates(toKey("extension", node.extname), node.if_not_exists);
    case "CreatePublicationStmt":
      return creates(toKey("publication", node.pubname));
    case "CreateEventTrigStmt":
      return creates(toKey("event trigger", node.trigname));
    case "CreateFdwStmt":
      return creates(toKey("foreign data wrapper", node.fdwname));
    case "CreateForeignServerStmt":
      return creates(toKey("server", node.servername), node.if_not_exists);
    case "CreateUserMappingStmt":
      return creates(toMapping(node), node.if_not_exists);
    case "DropUserMappingStmt":
      return drops(toMapping(node));
    case "CreatePolicyStmt":
      return creates(toKey("policy", node.policy_name, ofTable(node.table)));
    case "CreateTrigStmt":
      return creates(toKey("trigger", node.trigname, ofTable(node.relation)), node.replace);
    case "CreateStmt": // a temporary table goes with its migration
      return node.relation.relpersistence === "t"
        ? []
        : creates(toRelation(node.relation), node.if_not_exists);
    case "CreateForeignTableStmt":
      return creates(toRelation(node.base.relation), node.base.if_not_exists);
    case "CreateTableAsStmt":
      return creates(toRelation(node.into.rel), node.if_not_exists);
    case "CreateSeqStmt":
      return creates(toRelation(node.sequence), node.if_not_exists);
    case "ViewStmt":
      return creates(toRelation(node.view), node.replace);
    case "IndexStmt":
      return node.idxname === undefined
        ? []
        : creates(toRelation({ ...node.relation, relname: node.idxname }), node.if_not_exists);
    case "CreateFunctionStmt":
      return creates(toNamed("function", node.funcname), node.replace);
    case "CreateEnumStmt":
    case "CreateRangeStmt":
      return creates(toNamed("type", node.typeName));
    case "CreateDomainStmt":
      return creates(toNamed("type", node.domainname));
    case "CompositeTypeStmt":
      return creates({ ...toRelation(node.typevar), kind: "type" });
    case "DropStmt":
      return (node.objects as Node[]).flatMap((object) =>
        drops(toDropped(node.removeType, object))
      );
    case "RenameStmt":
      return findRenaming(node);
    case "InsertStmt":
      return findInsertedRows(node);
    case "DeleteStmt":
      return findDeletedRows(node);
    case "SelectStmt":
      return ((node.targetList ?? []) as Node[]).flatMap(({ ResTarget }) =>
        findCall(ResTarget?.val?.FuncCall)
      );
    default:
      return [];
  }
}

function drops(key: Key | null): Effect[] {
  return key === null ? [] : [{ does: "drop", key }];
}

function ofTable(table: Node): Pick<Key, "schema" | "relation"> {
  return { schema: table.schemaname ?? "public", relation: table.relname };
}

function toRelation(relation: Node): Key {
  return toKey("relation", relation.relname, { schema: relation.schemaname ?? "public" });
}

/** A name in the form of a list: of a schema where there is one, and the object. */
function toNamed(kind: string, names: Node[]): Key {
  const [name, schema = "public"] = toStrings(names).reverse();
  return toKey(kind, name!, { schema });
}

function toStrings(names: Node[]): string[] {
  return names.map(({ String }) => String?.sval ?? "");
}

function toMapping({ user, servername }: Node): Key {
  const name = user.roletype === "ROLESPEC_PUBLIC" ? "public" : user.rolename ?? OWNER;
  return toKey("user mapping", name, { relation: servername });
}

/** What goes by a name alone. */
const GLOBAL: Readonly<Record<string, string>> = {
  OBJECT_ROLE: "role",
  OBJECT_SCHEMA: "schema",
  OBJECT_EXTENSION: "extension",
  OBJECT_PUBLICATION: "publication",
  OBJECT_EVENT_TRIGGER: "event trigger",
  OBJECT_FDW: "foreign data wrapper",
  OBJECT_FOREIGN_SERVER: "server",
};

/** What goes by a name in a schema. */
const IN_SCHEMA: Readonly<Record<string, string>> = {
  OBJECT_TABLE: "relation",
  OBJECT_FOREIGN_TABLE: "relation",
  OBJECT_VIEW: "relation",
  OBJECT_MATVIEW: "relation",
  OBJECT_SEQUENCE: "relation",
  OBJECT_INDEX: "relation",
  OBJECT_TYPE: "type",
  OBJECT_DOMAIN: "type",
  OBJECT_FUNCTION: "function",
  OBJECT_PROCEDURE: "function",
  OBJECT_ROUTINE: "function",
};

/** What goes by a name on a table. */
const ON_TABLE: Readonly<Record<string, string>> = {
  OBJECT_POLICY: "policy",
  OBJECT_TRIGGER: "trigger",
};

function toDropped(type: string, object: Node): Key | null {
  const kind = GLOBAL[type];
  if (kind !== undefined) return toKey(kind, object.String.sval);
  const names: Node[] | undefined = object.List?.items ?? object.TypeName?.names ??
    object.ObjectWithArgs?.objname;
  if (names === undefined) return null;
  const inSchema = IN_SCHEMA[type];
  if (inSchema !== undefined) return toNamed(inSchema, names);
  const onTable = ON_TABLE[type];
  if (onTable === undefined) return null;
  const [name, relation, schema = "public"] = toStrings(names).reverse();
  return toKey(onTable, name!, { schema, relation: relation! });
}

/** The old name is free afterwards, and the new one has to be before. */
function findRenaming({ renameType, relation, subname, object, newname }: Node): Effect[] {
  let key: Key | null = null;
  if (renameType in ON_TABLE && relation !== undefined) {
    key = toKey(ON_TABLE[renameType]!, subname, ofTable(relation));
  } else if (renameType in IN_SCHEMA && relation !== undefined) {
    key = toRelation(relation);
  } else if (renameType in GLOBAL && subname !== undefined) {
    key = toKey(GLOBAL[renameType]!, subname);
  } else if (object !== undefined) {
    key = toDropped(renameType, object);
  }
  return key === null ? [] : [...drops(key), { does: "create", key: { ...key, name: newname } }];
}

/** The platform's tables whose rows migrations insert, by the column that tells them apart. */
const ROWS: Readonly<Record<string, { kind: string; column: string; place: number }>> = {
  "storage.buckets": { kind: "bucket", column: "id", place: 0 },
  "auth.users": { kind: "user", column: "id", place: 1 },
};

function findInsertedRows({ relation, cols, selectStmt, onConflictClause }: Node): Effect[] {
  const rows = ROWS[`${relation.schemaname}.${relation.relname}`];
  const select = selectStmt?.SelectStmt;
  if (rows === undefined || select === undefined) return [];
  const named = (cols as Node[] | undefined)?.findIndex(({ ResTarget }) =>
    ResTarget.name === rows.column
  );
  const lists: Node[][] = select.valuesLists?.map(({ List }: Node) => List.items) ??
    [(select.targetList ?? []).map(({ ResTarget }: Node) => ResTarget.val)];
  // A condition may well be that the row is not there.
  const conditional = onConflictClause !== undefined || select.whereClause !== undefined;
  return lists.flatMap((values) => {
    const id = toText(values[named ?? rows.place]);
    return id === null
      ? []
      : [{ does: conditional ? "ensure" : "create", key: toKey(rows.kind, id) } as const];
  });
}

function findDeletedRows({ relation, whereClause }: Node): Effect[] {
  const rows = ROWS[`${relation.schemaname}.${relation.relname}`];
  const condition = whereClause?.A_Expr;
  if (rows === undefined || condition?.name?.[0]?.String?.sval !== "=") return [];
  if (condition.lexpr?.ColumnRef?.fields?.at(-1)?.String?.sval !== rows.column) return [];
  const values: Node[] = condition.rexpr?.List?.items ?? [condition.rexpr];
  return values.map(toText).flatMap((id) => id === null ? [] : drops(toKey(rows.kind, id)));
}

/** A call of the platform's functions that make something of a name, or of a schedule. */
function findCall(call: Node): Effect[] {
  if (call === undefined) return [];
  const argument = (place: number, name: string): string | null => {
    const named = (call.args ?? []).find(({ NamedArgExpr }: Node) => NamedArgExpr?.name === name);
    return toText(named?.NamedArgExpr.arg ?? call.args?.[place]);
  };
  switch (toStrings(call.funcname).join(".")) {
    case "vault.create_secret": {
      const name = argument(1, "new_name");
      return name === null ? [] : [{ does: "create", key: toKey("vault secret", name) }];
    }
    // With a name it replaces the job of that name; without one there would be two.
    case "cron.schedule": {
      const [schedule, command] = [argument(0, "schedule"), argument(1, "command")];
      return call.args?.length !== 2 || schedule === null || command === null
        ? []
        : [{ does: "create", key: toKey("cron job", schedule, { relation: command }) }];
    }
    default:
      return [];
  }
}

/** What a string says, with or without a cast. */
function toText(value: Node): string | null {
  const constant = value?.A_Const ?? value?.TypeCast?.arg?.A_Const;
  return constant?.sval?.sval ?? null;
}
