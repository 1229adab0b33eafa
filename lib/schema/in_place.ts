/**
 * Changes that `ALTER` makes, where pg-delta would drop something and make it anew: a column with its
 * rows, a partition, a constraint.
 *
 * @module
 */

import { buildFactBase, type Fact, type FactBase, type StableId } from "./facts.ts";

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
  const before = new Map<Fact, Payload>();
  const after = new Map<Fact, Payload>();
  for (const to of desired.facts()) {
    const from = source.get(to.id);
    if (from === undefined || !isMeant(to.id)) continue;
    if (to.id.kind === "column") alterColumn(from, to);
  }
  return {
    source: withPayloads(source, before),
    desired: withPayloads(desired, after),
    statements,
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
}

function withCollation(payload: Payload): Payload {
  const { type, collation } = payload;
  return collation === null
    ? payload
    : { ...payload, type: `${type} COLLATE ${collation}`, collation: null };
}

function alterColumnOf(id: StableId): string {
  const { schema, table, name } = id as Extract<StableId, { kind: "column" }>;
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
