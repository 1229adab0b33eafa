/**
 * Changes that `ALTER` makes, where pg-delta would drop something and make it anew: a column with its
 * rows, a partition, a constraint.
 *
 * @module
 */

import { buildFactBase, encodeId, type Fact, type FactBase, type StableId } from "./facts.ts";

type Payload = Fact["payload"];

/** A statement that is planned here. */
export interface InPlace {
  /** It, without a semicolon at its end. */
  readonly sql: string;
  /** What it is about. */
  readonly about: StableId;
}

/** What is left for pg-delta. */
export interface LeftToPlan {
  /** The schema as it is, once the statements have run. */
  readonly source: FactBase;
  /** The schema as it is to be. */
  readonly desired: FactBase;
  /** What comes first. */
  readonly statements: readonly InPlace[];
}

/**
 * Takes out of two schemas what would be dropped and made anew without need.
 *
 * @param source The schema as it is.
 * @param desired The schema as it is to be.
 * @param isMeant Whether something is to be planned at all.
 * @returns What is left, and what comes first.
 */
export function planInPlace(
  source: FactBase,
  desired: FactBase,
  isMeant: (id: StableId) => boolean,
): LeftToPlan {
  const statements: InPlace[] = [];
  // Behind all that is detached: what one partition had, another one may get.
  const attached: InPlace[] = [];
  const before = new Map<Fact, Payload>();
  const after = new Map<Fact, Payload>();
  const moved: StableId[] = [];
  for (const to of desired.facts()) {
    const from = source.get(to.id);
    if (from === undefined || !isMeant(to.id)) continue;
    if (to.id.kind === "column") alterColumn(from, to);
    if (to.id.kind === "constraint") alterConstraint(from, to);
    if (to.id.kind === "table") movePartition(from, to);
  }
  return {
    source: withTables(withPayloads(source, before), desired, moved),
    desired: withPayloads(desired, after),
    statements: [...statements, ...attached],
  };

  function alterColumn(from: Fact, to: Fact): void {
    let payload = from.payload;
    if (payload.generatedExpr !== null && to.payload.generatedExpr === null) {
      statements.push({ sql: `${alterColumnOf(to.id)} DROP EXPRESSION`, about: to.id });
      payload = { ...payload, generatedExpr: null };
      before.set(from, payload);
    }
    // A collation is a part of what ALTER COLUMN … TYPE says.
    if (payload.collation === to.payload.collation) return;
    before.set(from, withCollation(payload));
    after.set(to, withCollation(to.payload));
  }

  /** What is validated is said twice; and when a foreign key is looked at can be changed. */
  function alterConstraint(from: Fact, to: Fact): void {
    const [old, wanted] = [from, to].map(({ payload }) =>
      String(payload.def).replace(NOT_VALID, "")
    );
    if (String(from.payload.def) !== String(to.payload.def) && old === wanted) {
      before.set(from, { ...from.payload, def: old! });
      after.set(to, { ...to.payload, def: wanted! });
      return;
    }
    const isSame = old!.replace(DEFERRABLE, "") === wanted!.replace(DEFERRABLE, "");
    if (old === wanted || !isSame || to.payload.type !== "f") return;
    const when = DEFERRABLE.exec(wanted!)![0].trim();
    const { schema, table, name } = to.id as InTable;
    statements.push({
      sql: `ALTER TABLE ${quote(schema)}.${quote(table)} ALTER CONSTRAINT ${quote(name)} ` +
        (when === "" ? "NOT DEFERRABLE" : when),
      about: to.id,
    });
    before.set(from, { ...from.payload, def: wanted! });
    after.set(to, { ...to.payload, def: wanted! });
  }

  /** What the table has then is seen in the next round; until then it is taken to be as it should. */
  function movePartition(from: Fact, to: Fact): void {
    const [old, wanted] = [parentOf(from), parentOf(to)];
    if (old === null && wanted === null) return;
    const isSame = old !== null && wanted !== null && nameOf(old) === nameOf(wanted);
    if (isSame && from.payload.partitionBound === to.payload.partitionBound) return;
    if (wanted !== null && !(isSame || hasColumnsOf(source, to.id, wanted))) return;
    if (wanted !== null && keyOf(source, wanted) !== keyOf(desired, wanted)) return;
    if (old !== null) {
      statements.push({
        sql: `ALTER TABLE ${nameOf(old)} DETACH PARTITION ${nameOf(to.id)}`,
        about: to.id,
      });
    }
    if (wanted !== null) {
      attached.push({
        sql: `ALTER TABLE ${nameOf(wanted)} ATTACH PARTITION ${nameOf(to.id)} ` +
          String(to.payload.partitionBound),
        about: to.id,
      });
    }
    moved.push(to.id);
  }
}

/** What a table is a partition of; null where it is none. */
function parentOf({ payload }: Fact): StableId | null {
  if (payload.partitionBound === null) return null;
  return { kind: "table", ...payload.parentTable as unknown as Named };
}

/** What a table is partitioned by; a table that is not there is partitioned by nothing. */
function keyOf(facts: FactBase, table: StableId): unknown {
  return facts.get(table)?.payload.partitionKey ?? null;
}

/** Whether a table can become a partition of another one as it is. */
function hasColumnsOf(facts: FactBase, table: StableId, parent: StableId): boolean {
  const columnsOf = (of: StableId) =>
    new Map(
      facts.childrenOf(of).filter(({ id }) => id.kind === "column")
        .map(({ id, payload }) => [(id as Named).name, payload]),
    );
  const [own, wanted] = [columnsOf(table), columnsOf(parent)];
  return own.size === wanted.size &&
    [...wanted].every(([name, { type, collation, notNull }]) => {
      const column = own.get(name);
      return column?.type === type && column?.collation === collation &&
        (notNull !== true || column?.notNull === true);
    });
}

/** The facts, with some tables and all that is part of them as in others. */
function withTables(facts: FactBase, others: FactBase, tables: readonly StableId[]): FactBase {
  if (tables.length === 0) return facts;
  const parts = (base: FactBase, id: StableId): Fact[] => [
    base.get(id)!,
    ...base.childrenOf(id).flatMap((child) => parts(base, child.id)),
  ];
  const [old, wanted] = [facts, others].map((base) => tables.flatMap((id) => parts(base, id)));
  const keys = new Set([...old!, ...wanted!].map(({ id }) => encodeId(id)));
  const isPart = (id: StableId) => keys.has(encodeId(id));
  return buildFactBase(
    [...facts.facts().filter(({ id }) => !isPart(id)), ...wanted!],
    [
      ...facts.edges.filter(({ from }) => !isPart(from)),
      ...others.edges.filter(({ from }) => isPart(from)),
    ],
    facts.source,
  );
}

/** What the ids of tables have. */
interface Named {
  readonly schema: string;
  readonly name: string;
}

/** What the ids of columns and constraints have. */
interface InTable extends Named {
  readonly table: string;
}

const NOT_VALID = / NOT VALID$/;

/** Behind a foreign key. */
const DEFERRABLE = /(?: DEFERRABLE)?(?: INITIALLY DEFERRED)?$/;

function withCollation(payload: Payload): Payload {
  const { type, collation } = payload;
  return collation === null
    ? payload
    : { ...payload, type: `${type} COLLATE ${collation}`, collation: null };
}

function nameOf(table: StableId): string {
  const { schema, name } = table as Named;
  return `${quote(schema)}.${quote(name)}`;
}

function alterColumnOf(id: StableId): string {
  const { schema, table, name } = id as InTable;
  return `ALTER TABLE ${quote(schema)}.${quote(table)} ALTER COLUMN ${quote(name)}`;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function withPayloads(facts: FactBase, payloads: ReadonlyMap<Fact, Payload>): FactBase {
  if (payloads.size === 0) return facts;
  const changed = facts.facts().map((fact) => {
    const payload = payloads.get(fact);
    return payload === undefined ? fact : { ...fact, payload };
  });
  return buildFactBase(changed, [...facts.edges], facts.source);
}
