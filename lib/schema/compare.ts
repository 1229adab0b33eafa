/** What differs between two schemas, and the statements that make one the other. @module */

import {
  buildFactBase,
  type Delta,
  diff,
  encodeId,
  type Fact,
  type FactBase,
  type StableId,
} from "./facts.ts";
import { type Action, plan } from "@supabase/pg-delta/plan";
import { resolveView } from "@supabase/pg-delta/policy";
import { findTokens } from "../planning/tokens.ts";
import type { Catalogue, Extra } from "./catalogue.ts";
import { writeOutClosed } from "./closing.ts";
import { nameOf } from "./describe.ts";
import { planInPlace } from "./in_place.ts";
import { isInScope, SCOPE } from "./scope.ts";

/** A statement that brings one schema nearer to another. */
export interface SchemaStatement {
  /** It, without a semicolon at its end. */
  readonly sql: string;
  /** Whether rows, or a whole object with rows, are lost with it. */
  readonly losesData: boolean;
  /** Whether what follows has to come after its commit. */
  readonly commitsAfter: boolean;
  /** What it is about: keys as {@linkcode keyOf} makes them. */
  readonly about: readonly string[];
}

/** What cannot be written as SQL. */
export interface Unwritable {
  /** What it is, such as `operator class public.reverse_ops using btree`. */
  readonly what: string;
  /** Why. */
  readonly reason: string;
}

/** What a plan leaves out. */
export interface Unplanned extends Unwritable {
  /** Which differences that is: keys as {@linkcode keyOf} makes them. */
  readonly about: readonly string[];
}

/** What lies between two schemas. */
export interface SchemaPlan {
  readonly statements: readonly SchemaStatement[];
  readonly unplanned: readonly Unplanned[];
}

/** A name for a fact, or for what a delta is about. */
export const keyOf: (id: StableId) => string = encodeId;

/**
 * Plans how to make one schema the other.
 *
 * @param from The schema as it is.
 * @param to The schema as it is to be.
 * @returns The statements, in an order that works.
 */
export function planSchema(from: Catalogue, to: Catalogue): SchemaPlan {
  const [source, desired] = level(from, to);
  const { first, actions, unplanned } = planFacts(source, desired, to.saysClosed === true);
  const extras = planExtras(from, to);
  return {
    statements: valuesFirst([
      ...first,
      ...extras.dropped,
      ...actions.filter((action) => !saysNothing(action, source, desired)).map(toStatement),
      ...extras.made,
    ]),
    unplanned: [...unplanned, ...extras.unplanned],
  };
}

/**
 * Finds what differs between two schemas.
 *
 * @param from The one.
 * @param to The other.
 * @returns The deltas of what is the application's.
 */
export function compareSchemas(from: Catalogue, to: Catalogue): Delta[] {
  return diffFacts(...level(from, to));
}

/**
 * Brings what has to be committed before it can be used, new values of enums, to the front: nothing has
 * to come before it, and no catalogue says which defaults, bounds and conditions use it. One commit is
 * enough for all of them.
 */
function valuesFirst(statements: readonly SchemaStatement[]): SchemaStatement[] {
  const values = statements.filter(({ commitsAfter }) => commitsAfter);
  return [
    ...values.map((value, index) => ({ ...value, commitsAfter: index === values.length - 1 })),
    ...statements.filter(({ commitsAfter }) => !commitsAfter),
  ];
}

/** What of facts is the application's. A catalogue is compared with several others. */
const applicationFacts = remember((facts: FactBase) => resolveView(facts, SCOPE));

function diffFacts(source: FactBase, desired: FactBase): Delta[] {
  return diff(applicationFacts(source), applicationFacts(desired));
}

/**
 * Finds what differs of what pg-delta does not see.
 *
 * @param from The one.
 * @param to The other.
 * @returns What each of them has; undefined where it is missing.
 */
export function compareExtras(
  from: Catalogue,
  to: Catalogue,
): { before: Extra | undefined; after: Extra | undefined }[] {
  const keys = [...new Set([...from.extras.keys(), ...to.extras.keys()])].sort();
  return keys.flatMap((key) => {
    const [before, after] = [from.extras.get(key), to.extras.get(key)];
    const { schema, kind } = (before ?? after)!;
    const differs = before?.definition !== after?.definition;
    return differs && isInScope(schema, kind) &&
        (isOfApplication(from, before) || isOfApplication(to, after))
      ? [{ before, after }]
      : [];
  });
}

/** Kinds of extras of objects that are in no schema, some of which are the platform's. */
const ON_GLOBAL: Readonly<Record<string, "extension" | "eventTrigger" | "role">> = {
  "comment on extension": "extension",
  "comment on event trigger": "eventTrigger",
  "comment on role": "role",
};

function isOfApplication({ facts }: Catalogue, extra: Extra | undefined): boolean {
  if (extra === undefined) return false;
  const kind = ON_GLOBAL[extra.kind];
  const name = extra.name.replace(/^"(.*)"$/s, "$1").replaceAll('""', '"');
  return kind === undefined || applicationFacts(facts).has({ kind, name });
}

/** The plans that lead away from facts. What was planned is asked for again to be described. */
const plansFrom = (saysClosed: boolean) =>
  remember((source: FactBase) =>
    remember((desired: FactBase) => findActions(source, desired, saysClosed))
  );

const [plainPlans, closingPlans] = [plansFrom(false), plansFrom(true)];

const planFacts = (source: FactBase, desired: FactBase, saysClosed: boolean) =>
  (saysClosed ? closingPlans : plainPlans)(source)(desired);

/** What leads from some facts to others. */
interface PlannedFacts {
  /** What comes before all else. */
  readonly first: readonly SchemaStatement[];
  readonly actions: readonly Action[];
  readonly unplanned: readonly Unplanned[];
}

function findActions(source: FactBase, desired: FactBase, saysClosed: boolean): PlannedFacts {
  // Planning takes ten times as long as seeing that there is nothing to plan.
  if (diffFacts(source, desired).length === 0) return { first: [], actions: [], unplanned: [] };
  const ours = applicationFacts(desired);
  const isMeant = (id: StableId) => ours.has(id);
  const left = planInPlace(source, desired, isMeant);
  const first = left.statements.map(({ sql, about }): SchemaStatement => ({
    sql,
    losesData: false,
    commitsAfter: false,
    about: [keyOf(about)],
  }));
  const rest = saysClosed
    ? writeOutClosed(left.source, left.desired, isMeant)
    : [left.source, left.desired] as const;
  return { first, ...findRest(...rest) };
}

/** Where pg-delta knows no way, it throws: what that is about is left as it is, and named. */
function findRest(source: FactBase, desired: FactBase): Omit<PlannedFacts, "first"> {
  const unplanned: Unplanned[] = [];
  for (let wanted = desired;;) {
    const planned = tryPlan(source, wanted);
    if (typeof planned !== "string") return { actions: planned, unplanned };
    const found = findUnplannable(source, wanted);
    const reason = (message: string) => `no statements were found for it: ${message}`;
    if (found === undefined) {
      const about = diffFacts(source, wanted).map((delta) => keyOf(idOf(delta)));
      return {
        actions: [],
        unplanned: [...unplanned, {
          what: "all that differs",
          reason: reason(planned),
          about: [...new Set(about)],
        }],
      };
    }
    const { kind, name } = nameOf(found.id);
    unplanned.push({
      what: `${kind} ${name}`,
      reason: reason(found.message),
      about: [keyOf(found.id)],
    });
    wanted = leave(source, wanted, [found.id]);
  }
}

/** The actions, or why there are none. */
function tryPlan(source: FactBase, desired: FactBase): readonly Action[] | string {
  try {
    return plan(source, desired, { policy: SCOPE }).actions;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The last of what is changed for which pg-delta knows no way; undefined where it is something else. */
function findUnplannable(
  source: FactBase,
  desired: FactBase,
): { id: StableId; message: string } | undefined {
  const changed = [
    ...new Map(
      diffFacts(source, desired).flatMap((delta) =>
        delta.verb === "set" ? [[keyOf(delta.id), delta.id] as const] : []
      ),
    ).values(),
  ];
  // With that many of the first left as they are, there is a plan; with one less, there is none.
  const without = (count: number) =>
    tryPlan(source, leave(source, desired, changed.slice(0, count)));
  if (typeof without(changed.length) === "string") return undefined;
  let [fails, works] = [0, changed.length];
  while (works - fails > 1) {
    const count = Math.floor((fails + works) / 2);
    if (typeof without(count) === "string") fails = count;
    else works = count;
  }
  return { id: changed[fails]!, message: String(without(fails)) };
}

/** Facts with some of them as they were. */
function leave(source: FactBase, desired: FactBase, ids: readonly StableId[]): FactBase {
  const left = new Set(ids.map(keyOf));
  return mapFacts(
    desired,
    (fact) => left.has(keyOf(fact.id)) ? { ...fact, payload: source.get(fact.id)!.payload } : fact,
  );
}

function idOf(delta: Delta): StableId {
  if (delta.verb === "add" || delta.verb === "remove") return delta.fact.id;
  return delta.verb === "set" ? delta.id : delta.edge.from;
}

/** Whether an action gives the owner of a new object what owners have. */
function saysNothing({ sql, consumes }: Action, source: FactBase, desired: FactBase): boolean {
  if (!sql.startsWith("GRANT ")) return false;
  const [grantee, ...others] = consumes.filter(({ kind }) => kind === "role");
  const target = consumes.find(({ kind }) => kind !== "role" && kind !== "acl");
  if (grantee?.kind !== "role" || others.length > 0 || target === undefined) return false;
  const granted = desired.get({ kind: "acl", target, grantee: grantee.name })?.payload;
  return granted?._ownerDefault !== undefined && !source.has(target) &&
    JSON.stringify(granted.privileges) === JSON.stringify(granted._ownerDefault) &&
    JSON.stringify(granted.grantable) === "[]";
}

function planExtras(from: Catalogue, to: Catalogue) {
  const dropped: SchemaStatement[] = [];
  const made: SchemaStatement[] = [];
  const unplanned: Unplanned[] = [];
  const pairs = compareExtras(from, to).toSorted((a, b) => placeOf(a) - placeOf(b));
  for (const { before, after } of pairs) {
    const { kind, name } = (before ?? after)!;
    const about = [`${kind} ${name}`];
    if (after !== undefined && after.create === null) {
      unplanned.push({
        what: `${kind} ${name}`,
        reason: "its statement has to be written by hand",
        about,
      });
      continue;
    }
    // What is set, and what can be set again, needs no removing before.
    const isReplaced = after !== undefined && !SETTABLE.includes(kind);
    if (before !== undefined && (after === undefined || isReplaced)) {
      dropped.unshift(...toStatements(before.drop, kind === "bucket", about));
    }
    if (after !== undefined) made.push(...toStatements(after.create!, false, about));
  }
  return { dropped, made, unplanned };
}

/** Kinds of extras that need each other, in the order in which they are made; they are dropped in reverse. */
const IN_ORDER = ["text search dictionary", "text search configuration", "text search mappings"];

function placeOf(
  { before, after }: { before: Extra | undefined; after: Extra | undefined },
): number {
  return IN_ORDER.indexOf((before ?? after)!.kind);
}

/** Kinds of extras that are set, not made. */
const SETTABLE = [
  "bucket",
  "clustered index",
  "comment on column",
  "comment on event trigger",
  "comment on extension",
  "comment on index",
  "comment on role",
  "compression",
  "default of a view",
  "inherited default",
  "not null",
  "statistics target",
  "storage",
  "trigger in a partition",
  "typed table",
  "unlogged sequence",
];

function toStatements(text: string, losesData: boolean, about: string[]): SchemaStatement[] {
  // A cron job's command and a comment may have semicolons of their own.
  const ends = findTokens(text).filter(({ start, end }) => text.slice(start, end) === ";");
  return ends.map(({ start }, index) => ({
    sql: text.slice(ends[index - 1]?.end ?? 0, start).trim(),
    losesData,
    commitsAfter: false,
    about,
  }));
}

const ON_ONLY = /^(CREATE (?:UNIQUE )?INDEX (?:"(?:[^"]|"")+"|[^\s"]+) ON )ONLY /;

function toStatement(action: Action): SchemaStatement {
  const { sql, dataLoss, transactionality, produces, destroys, consumes } = action;
  const about = produces.length + destroys.length > 0 ? [...produces, ...destroys] : consumes;
  return {
    // Of a partitioned table's index pg_get_indexdef() says ON ONLY, which would leave its partitions out.
    sql: sql.replace(/;\s*$/, "").replace(ON_ONLY, "$1"),
    losesData: dataLoss === "destructive",
    commitsAfter: transactionality === "commitBoundaryAfter",
    about: about.map(keyOf),
  };
}

/**
 * Takes away what two servers alone make different: PostgreSQL 17 has the privilege MAINTAIN, and those
 * before have not; and whether an extension can be moved is for its version to say.
 */
function level(a: Catalogue, b: Catalogue): [FactBase, FactBase] {
  const isOneOlder = (a.major < 17) !== (b.major < 17);
  const [from, to] = isOneOlder
    ? [withoutMaintain(a.facts), withoutMaintain(b.facts)]
    : [a.facts, b.facts];
  const isMovable = ({ id }: Fact) => from.get(id)?.payload.relocatable;
  const differs = to.facts().some((fact) =>
    fact.id.kind === "extension" && (isMovable(fact) ?? fact.payload.relocatable) !==
      fact.payload.relocatable
  );
  return [
    from,
    differs
      ? mapFacts(
        to,
        (fact) =>
          fact.id.kind === "extension" && from.has(fact.id)
            ? { ...fact, payload: { ...fact.payload, relocatable: isMovable(fact)! } }
            : fact,
      )
      : to,
  ];
}

const withoutMaintain = remember((facts: FactBase) => {
  const keep = (value: unknown): unknown =>
    Array.isArray(value) ? value.filter((privilege) => privilege !== "MAINTAIN") : value;
  return mapFacts(
    facts,
    (fact) =>
      fact.id.kind === "acl" || fact.id.kind === "defaultPrivilege"
        ? {
          ...fact,
          payload: Object.fromEntries(
            Object.entries(fact.payload).map(([name, value]) => [name, keep(value)]),
          ) as Fact["payload"],
        }
        : fact,
  );
});

/** Facts never change: what is made of them is made once, and kept as long as they are. */
function remember<Made>(make: (facts: FactBase) => Made): (facts: FactBase) => Made {
  const made = new WeakMap<FactBase, { readonly value: Made }>();
  return (facts) => {
    const known = made.get(facts) ?? { value: make(facts) };
    made.set(facts, known);
    return known.value;
  };
}

/**
 * Changes facts of a schema.
 *
 * @param facts The facts.
 * @param change Makes another one of each, of the same identity.
 * @returns The others.
 */
export function mapFacts(facts: FactBase, change: (fact: Fact) => Fact): FactBase {
  return buildFactBase(facts.facts().map(change), [...facts.edges], facts.source);
}
