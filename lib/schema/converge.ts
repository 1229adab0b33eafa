/**
 * Plans that were seen to work: each statement is run on a shadow, and what the shadow has then is
 * compared again, until nothing is left.
 *
 * @module
 */

import type { Catalogue, Extra } from "./catalogue.ts";
import {
  compareExtras,
  compareSchemas,
  keyOf,
  mapFacts,
  planSchema,
  type SchemaPlan,
  type SchemaStatement,
  type Unwritable,
} from "./compare.ts";
import { describeDeltas, describeExtras } from "./describe.ts";
import { isOnServers } from "../embedded/platform/missing.ts";
import type { Shadow } from "./shadow.ts";

/** A plan, and what it leads to. */
export interface ConvergedPlan {
  readonly statements: readonly SchemaStatement[];
  readonly unwritable: readonly Unwritable[];
  /** The shadow's schema before it. */
  readonly from: Catalogue;
  /** The schema that it leads to: the one that was wanted, in the shadow's spelling. */
  readonly to: Catalogue;
}

/** Most plans need one round, and two where privileges are involved. */
const MOST_ROUNDS = 6;

/**
 * Brings a shadow's schema to another one.
 *
 * A server of another major version spells some expressions differently. What is applied and leaves
 * the shadow as it was is spelling: it is no difference.
 *
 * @param shadow The shadow; it has the other schema afterwards, but for what cannot be written.
 * @param wanted The schema.
 * @param current The shadow's schema, where it was read already.
 * @returns The plan; without statements where there is no difference. What the shadow refuses, such as
 * an extension that it has not got, is part of it and named as what cannot be written.
 */
export async function converge(
  shadow: Shadow,
  wanted: Catalogue,
  current?: Catalogue,
): Promise<ConvergedPlan> {
  const seen: Catalogue[] = [current ?? await shadow.read()];
  const refused = new Map<SchemaStatement["sql"], Refusal>();
  const late: (readonly SchemaStatement["sql"][])[] = [];
  let to = wanted;
  let left: SchemaPlan;
  for (let round = 1;; round++) {
    left = planSchema(seen.at(-1)!, to);
    const statements = left.statements.filter(({ sql }) => !refused.has(sql));
    if (statements.length === 0 || round > MOST_ROUNDS) break;
    late.push(await runOnShadow(shadow, statements, refused));
    const next = await shadow.read();
    seen.push(next);
    // What was refused is a difference still, whatever else was done to the same object.
    const undone = new Set([...refused.values()].flatMap(({ about }) => about));
    const applied = statements.flatMap(({ about }) => about).filter((key) => !undone.has(key));
    to = respell(to, next, new Set(applied));
  }
  const last = seen.pop()!;
  const steps = seen.map((catalogue, round) =>
    putOff(planSchema(catalogue, to).statements, late[round]!)
  );
  const named = new Set(left.unplanned.flatMap(({ about }) => about));
  const differences = [
    ...describeDeltas(compareSchemas(last, to)),
    ...describeExtras(compareExtras(last, to)),
  ].filter(({ kind, name, keys }) =>
    !named.has(`${kind} ${name}`) && !keys.some((key) => named.has(key))
  );
  return {
    from: seen[0] ?? last,
    to,
    statements: steps.flat(),
    unwritable: [
      ...left.unplanned.map(({ what, reason }) => ({ what, reason })),
      ...differences.map(({ kind, name, keys }): Unwritable => ({
        what: `${kind} ${name}`,
        reason: [...refused.values()].find(({ about }) => about.some((key) => keys.includes(key)))
          ?.message ?? "no statement was found that makes it so",
      })),
    ],
  };
}

/**
 * Takes over how the shadow spells what was applied to it: a statement about it has run, and the
 * shadow has another text for it still.
 */
function respell(to: Catalogue, shadow: Catalogue, applied: ReadonlySet<string>): Catalogue {
  const spelled = new Map<string, Record<string, unknown>>();
  for (const delta of compareSchemas(shadow, to)) {
    if (delta.verb !== "set") continue;
    const key = keyOf(delta.id);
    if (!applied.has(key)) continue;
    if (typeof delta.from !== "string" || typeof delta.to !== "string") continue;
    spelled.set(key, { ...spelled.get(key), [delta.attr]: delta.from });
  }
  const extras = new Map<string, Extra>();
  for (const { before, after } of compareExtras(shadow, to)) {
    if (before === undefined || after === undefined) continue;
    const key = `${after.kind} ${after.name}`;
    if (applied.has(key)) extras.set(key, before);
  }
  const facts = spelled.size === 0 ? to.facts : mapFacts(to.facts, (fact) => {
    const payload = spelled.get(keyOf(fact.id));
    return payload === undefined
      ? fact
      : { ...fact, payload: { ...fact.payload, ...payload } as typeof fact.payload };
  });
  if (facts === to.facts && extras.size === 0) return to;
  return { ...to, facts, extras: new Map([...to.extras, ...extras]) };
}

/** What a shadow says of a statement, and what that is about. */
interface Refusal {
  readonly about: readonly string[];
  readonly message: string;
}

/**
 * Runs statements. No catalogue names everything that a statement needs: one that is refused waits for
 * the others.
 *
 * @param shadow The shadow.
 * @param statements The statements.
 * @param refused Gets those that the shadow never takes.
 * @returns What had to wait, in an order that works.
 */
async function runOnShadow(
  shadow: Shadow,
  statements: readonly SchemaStatement[],
  refused: Map<SchemaStatement["sql"], Refusal>,
): Promise<SchemaStatement["sql"][]> {
  let waiting: SchemaStatement[] = [];
  const runEach = async (all: readonly SchemaStatement[]) => {
    const done: SchemaStatement[] = [];
    for (const unit of splitUnits(all)) {
      const message = await attempt(shadow, unit);
      if (message === null) done.push(...unit);
      else for (const { sql, about } of unit) refused.set(sql, { about, message });
    }
    return done;
  };
  for (const part of splitAtCommits(statements)) {
    const together = await attempt(shadow, part);
    if (together === null) continue;
    const done = await runEach(part);
    waiting.push(...part.filter((statement) => !done.includes(statement)));
  }
  const late: SchemaStatement["sql"][] = [];
  while (waiting.length > 0) {
    const done = await runEach(waiting);
    if (done.length === 0) break;
    for (const { sql } of done) refused.delete(sql);
    late.push(...done.map(({ sql }) => sql));
    waiting = waiting.filter((statement) => !done.includes(statement));
  }
  return late;
}

/** Several statements in a row that are about the same belong together: a setting and what it is for. */
function splitUnits(statements: readonly SchemaStatement[]): SchemaStatement[][] {
  const units: SchemaStatement[][] = [];
  let last: string | undefined;
  for (const statement of statements) {
    const about = JSON.stringify(statement.about);
    if (about === last) units.at(-1)!.push(statement);
    else units.push([statement]);
    last = about;
  }
  return units;
}

/** Brings what had to wait to the end, in the order in which it worked. */
function putOff(
  statements: readonly SchemaStatement[],
  late: readonly SchemaStatement["sql"][],
): SchemaStatement[] {
  const place = ({ sql }: SchemaStatement) => late.indexOf(sql);
  return statements.toSorted((a, b) => place(a) - place(b));
}

/** What to do where the embedded database lacks what servers have. */
export const OTHER_SHADOW = "a shadow on a server has it, such as --shadow postgresql://…";

/** What the shadow says against it; null where it has taken it. */
async function attempt(
  shadow: Shadow,
  statements: readonly SchemaStatement[],
): Promise<string | null> {
  return await shadow.run(toScript(statements)).then(
    () => null,
    (error: Error & { readonly code?: string; readonly detail?: string }) =>
      `the shadow says: ${error.message}` +
      (isOnServers({ ...error, code: error.code ?? "", message: error.message })
        ? `; ${OTHER_SHADOW}`
        : ""),
  );
}

/**
 * Splits statements where a commit has to be.
 *
 * @param statements The statements.
 * @returns The parts, each of which can be a transaction.
 */
export function splitAtCommits(
  statements: readonly SchemaStatement[],
): SchemaStatement[][] {
  const parts: SchemaStatement[][] = [[]];
  statements.forEach((statement, index) => {
    parts.at(-1)!.push(statement);
    if (statement.commitsAfter && index < statements.length - 1) parts.push([]);
  });
  return parts.filter((part) => part.length > 0);
}

/** The bodies of functions may name what comes later. */
function toScript(statements: readonly SchemaStatement[]): string {
  return ["set local check_function_bodies = off", ...statements.map(({ sql }) => sql)]
    .map((sql) => `${sql};\n`).join("");
}
