/** Takes a migration up, down and up again on a shadow that has all that comes before it. @module */

import identitiesSql from "../../sql/schema_identities.sql" with { type: "text" };
import { CallError } from "../database/channel.ts";
import type { Migration } from "../planning/plan.ts";
import type { Catalogue } from "../schema/catalogue.ts";
import { compareExtras, compareSchemas, type Unwritable } from "../schema/compare.ts";
import { converge } from "../schema/converge.ts";
import { findRenames, type PossibleRename } from "../schema/renames.ts";
import { compareRows, type RowLoss } from "../schema/rows.ts";
import type { Shadow } from "../schema/shadow.ts";
import { type DriftedObject, pairWithStatements } from "./drift.ts";
import { type FilledTables, fillTables, readRows } from "./rows.ts";
import { saysHowToUndo } from "./prepare_rollback.ts";
import {
  applyToShadow,
  attemptOnShadow,
  makeShadow,
  type ShadowFailure,
  type ShadowSource,
  undoOnShadow,
} from "./shadow.ts";

/** What is wrong with a migration. */
export interface RoundTripProblem {
  /**
   * It cannot be applied, or not to tables with rows, its rollback fails or does not restore what was there before, in the schema
   * or in the rows, or it cannot be applied again, or not to the same end.
   */
  readonly code:
    | "up-fails"
    | "up-fails-on-rows"
    | "rollback-fails"
    | "rollback-forgets"
    | "rows-differ"
    | "second-up-fails"
    | "second-up-differs";
  /** The file that it stands in. */
  readonly file: string;
  /** The line of that file, where PostgreSQL's message is about one. */
  readonly line: number | null;
  /** What happened. */
  readonly message: string;
  /** SQLSTATE, where PostgreSQL has said it; else null. */
  readonly sqlState: string | null;
  /** What to do about it. */
  readonly hint: string;
  /** What is there that should not be, and the other way round. */
  readonly objects: readonly LeftObject[];
  /** Statements that would restore what was there before, in an order that was seen to work. */
  readonly sql: readonly string[];
  /** What cannot be restored by a statement. */
  readonly unwritable: readonly Unwritable[];
  /** Which rows are not what they were. */
  readonly rows: readonly RowLoss[];
}

/** What a round trip came to. */
export interface RoundTrip {
  /** What is wrong with the migration. */
  readonly problems: readonly RoundTripProblem[];
  /** What the answer does not cover, a sentence each. */
  readonly remarks: readonly string[];
}

/** An object that is not as it was. */
export interface LeftObject extends Pick<DriftedObject, "kind" | "name" | "schema" | "details"> {
  /** It is there and was not, it was there and is not, or it is another one. */
  readonly change: "left behind" | "taken away" | "changed";
  /** Statements that make it as it was. */
  readonly sql: readonly string[];
}

/** A shadow on which migrations go up, down and up again. */
export interface RoundTrips extends AsyncDisposable {
  /**
   * Takes a migration there and back. Migrations are taken in order; those in between are applied.
   *
   * @param migration One of the migrations.
   * @returns What is wrong with it.
   * @throws {ConfigurationError} One that comes before it cannot be applied.
   */
  take(migration: Migration): Promise<RoundTrip>;
}

/** How round trips are made. */
export interface RoundTripOptions {
  /** The project's schema, whose shape the shadow gets; that of a new project by default. */
  readonly live?: Catalogue | undefined;
  /** Which of the migrations have made the project what it is. */
  readonly applied: readonly Migration[];
  /** Whether the schema is compared each time; otherwise it is enough that all runs. */
  readonly compares: boolean;
  /** Whether rows are made in the tables that are there before, and compared. */
  readonly data: boolean;
}

/**
 * Opens a shadow for round trips.
 *
 * @param source Where shadows come from.
 * @param sequence All migrations, in the order in which they are applied.
 * @param options How they are made.
 */
export async function openRoundTrips(
  source: ShadowSource,
  sequence: readonly Migration[],
  { live, applied, compares, data }: RoundTripOptions,
): Promise<RoundTrips> {
  let shadow = await makeShadow(source, [], live, applied);
  /** How many of the migrations it has, and what it has then, where that was read. */
  let count = 0;
  let known: Catalogue | undefined;
  const read = () => compares ? shadow.read() : Promise.resolve(undefined);

  /** Begins anew: a failure has left something that nobody can vouch for. */
  const renew = async (): Promise<void> => {
    await shadow[Symbol.asyncDispose]();
    shadow = await makeShadow(source, [], live, applied);
    count = 0;
    known = undefined;
  };

  const problemOf = (
    code: RoundTripProblem["code"],
    file: string,
    message: string,
    hint: string,
    more: Partial<RoundTripProblem> = {},
  ): RoundTripProblem => ({
    code,
    file,
    line: null,
    sqlState: null,
    message,
    hint,
    objects: [],
    sql: [],
    unwritable: [],
    rows: [],
    ...more,
  });
  const failureOf = (
    code: RoundTripProblem["code"],
    file: string,
    { error, advice }: ShadowFailure,
    hint = advice,
  ): RoundTripProblem =>
    problemOf(code, file, `${error.message} (${error.code})`, hint, {
      line: error.line ?? null,
      sqlState: error.code,
    });

  /** Takes a migration there and back. */
  const go = async (migration: Migration, filled: FilledTables | undefined) => {
    const problems: RoundTripProblem[] = [];
    const index = sequence.indexOf(migration);
    const upTo = sequence.slice(0, index + 1);
    const before = known ?? await read();
    const identities = before && await readIdentities(shadow);
    const up = await attemptOnShadow(shadow, upTo);
    if (up !== undefined) {
      await renew();
      return [failureOf("up-fails", migration.name, up)];
    }
    count = index + 1;
    known = await read();
    if (!saysHowToUndo(migration)) return problems;

    const after = known;
    const file = migration.rollback?.file ?? migration.name;
    const down = await undoOnShadow(shadow, upTo);
    if (down !== undefined) {
      // What has several steps is undone in part.
      if (down.stepsDone > 0) await renew();
      return [failureOf("rollback-fails", file, down)];
    }
    const restored = await read();
    if (before && identities && restored && differs(before, restored)) {
      const { isRestored, ...rest } = await explainRest(shadow, before, restored, identities);
      problems.push(problemOf(
        "rollback-forgets",
        file,
        "The rollback does not restore what was there before",
        rest.sql.length === 0
          ? "Write what is missing into the ROLLBACK section."
          : "Add these statements to the ROLLBACK section.",
        rest,
      ));
      if (!isRestored) {
        await renew();
        return problems;
      }
    }
    const rows = filled === undefined ? [] : compareRows(filled.snapshot, await readRows(shadow));
    if (rows.length > 0) {
      problems.push(problemOf(
        "rows-differ",
        file,
        "After the rollback the rows are not what they were",
        "Keep what the migration removes, in a column or a table of its own, until nobody wants to " +
          "go back; and have the rollback delete what it adds.",
        { rows },
      ));
    }
    const again = await attemptOnShadow(shadow, upTo);
    if (again !== undefined) {
      problems.push(failureOf(
        "second-up-fails",
        migration.name,
        again,
        "It was applied once, and undone: what it needs is used up or changed by then.",
      ));
      await renew();
      return problems;
    }
    known = await read();
    if (after && known && differs(after, known)) {
      problems.push(problemOf(
        "second-up-differs",
        migration.name,
        "Applied again after its rollback, it makes something else",
        "Look for what depends on what was there before: IF NOT EXISTS, OR REPLACE, DO blocks.",
        { objects: describeRest(after, known) },
      ));
      await renew();
    }
    return problems;
  };

  /** Applies what comes before a migration. */
  const prepare = async (migration: Migration): Promise<void> => {
    const index = sequence.indexOf(migration);
    if (count >= index) return;
    await applyToShadow(shadow, sequence.slice(0, index));
    count = index;
    known = undefined;
  };

  return {
    async take(migration) {
      await prepare(migration);
      if (!data) return { problems: await go(migration, undefined), remarks: [] };
      const filled = await fillTables(shadow);
      const remarks = filled.unfilled.map(({ table, reason }) =>
        `No rows could be made in ${table}: ${reason}`
      );
      const problems = await go(migration, filled);
      const [first] = problems;
      if (first?.code !== "up-fails") return { problems, remarks };
      // Rows that were made up may break a rule that real ones keep.
      await prepare(migration);
      const without = await go(migration, undefined);
      if (without.some(({ code }) => code === "up-fails")) {
        return { problems: without, remarks: [] };
      }
      return first.sqlState === NOT_NULL_VIOLATION
        ? { problems: [{ ...first, ...MISSING_VALUES }, ...without], remarks }
        : {
          problems: without,
          remarks: [
            ...remarks,
            `It fails on rows that were made up (${first.message}), and was verified without them`,
          ],
        };
    },
    [Symbol.asyncDispose]: () => shadow[Symbol.asyncDispose](),
  };
}

const NOT_NULL_VIOLATION = "23502";

/** That needs no rule of anybody's: on every project with rows in the table it fails as well. */
const MISSING_VALUES = {
  code: "up-fails-on-rows",
  hint:
    "So it does wherever the table has rows: give the column a default, or fill it before it is " +
    "NOT NULL.",
} as const;

function differs(a: Catalogue, b: Catalogue): boolean {
  return compareSchemas(a, b).length + compareExtras(a, b).length > 0;
}

/** What PostgreSQL knows things by that have a name: it stays where the name does not. */
type Identities = ReadonlyMap<string, string>;

async function readIdentities({ channel }: Shadow): Promise<Identities> {
  const rows = await channel.run(identitiesSql);
  return new Map(rows.map(({ kind, name, identity }) => [`${kind} ${name}`, `${identity}`]));
}

/** Finds what would make a shadow what it was, and does so. */
async function explainRest(
  shadow: Shadow,
  before: Catalogue,
  restored: Catalogue,
  identities: Identities,
) {
  const renames: PossibleRename[] = [];
  try {
    let current = restored;
    for (;;) {
      const now = await readIdentities(shadow);
      const rename = findRenames(current, before).find(({ kind, from, to }) =>
        now.get(`${kind} ${from}`) === identities.get(`${kind} ${to}`)
      );
      if (rename === undefined) break;
      await shadow.run(rename.sql);
      renames.push(rename);
      current = await shadow.read();
    }
    const { from, to, statements, unwritable } = await converge(shadow, before);
    return {
      objects: [...renames.map(describeRename), ...describeRest(to, from)],
      sql: [...renames, ...statements].map(({ sql }) => sql),
      unwritable,
      isRestored: unwritable.length === 0,
    };
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    // No statements, then: only such as were seen to work are shown.
    return {
      objects: describeRest(before, restored).map((object) => ({ ...object, sql: [] })),
      sql: [],
      unwritable: [{ what: "what is missing", reason: error.message }],
      isRestored: false,
    };
  }
}

function describeRename({ kind, from, to, sql }: PossibleRename): LeftObject {
  return {
    change: "changed",
    kind,
    name: from,
    schema: from.split(".", 1)[0]!,
    details: [`name: ${to} → ${from}`],
    sql: [sql],
  };
}

const CHANGES = { added: "left behind", removed: "taken away", changed: "changed" } as const;

function describeRest(before: Catalogue, restored: Catalogue): LeftObject[] {
  return pairWithStatements(before, restored).map((
    { change, kind, name, schema, details, undo },
  ) => ({ change: CHANGES[change], kind, name, schema, details, sql: undo }));
}
