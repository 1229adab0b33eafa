/**
 * Migrations as a bundle carries them: split, divided into steps and hashed where there is a parser,
 * to be run where there is none. Plain data, so that it can stand in a file.
 *
 * @module
 */

import { ConfigurationError, MigrationFileError } from "../errors.ts";
import type { Batch } from "../planning/step.ts";
import { withLimits } from "../planning/limits.ts";
import type { LeftOut } from "../planning/discovery.ts";
import type { OrderBy } from "../planning/order.ts";
import type { OutsideStatement } from "../planning/outside_transaction.ts";
import type { Migration } from "../planning/plan.ts";
import { Refusals } from "../planning/refusals.ts";
import type { Section } from "../planning/sections.ts";
import type { Abilities } from "../planning/session_settings.ts";
import type { SplitResult, SplitSection } from "../planning/statements.ts";
import type { Statement, Step } from "../planning/step.ts";
import type { MigrationReserved } from "./concerns.ts";
import { type FileRefusal, toFileRefusals } from "./refusals.ts";
import type { MigrationSecret } from "./secrets.ts";
import type { LoadedMigrations } from "./source.ts";
import { isPlain } from "./steps.ts";

/** The migrations of a folder. */
export interface PreparedMigrations {
  /** The version of the tool that has prepared them. */
  readonly version: string;
  /** What decides their order. */
  readonly order: OrderBy;
  /** What else was in the folder. */
  readonly leftOut: readonly LeftOut[];
  /** What in them looks like a key. */
  readonly secrets: readonly MigrationSecret[];
  /** The migrations in order. */
  readonly migrations: readonly PreparedMigration[];
}

/** A migration with its statements. */
export interface PreparedMigration extends Migration {
  /** Its forward part, split. */
  readonly apply: PreparedSplit;
  /** Its rollback part, split; null where it has none. */
  readonly revert: PreparedSplit | null;
}

/** What splitting comes to, which depends on whether statements can run outside a transaction. */
export interface PreparedSplit {
  /** Where they cannot. */
  readonly inside: PackedSplit | RefusedSplit;
  /** Where pg_cron runs them; left out where it is the same. */
  readonly withPgCron?: PackedSplit | RefusedSplit;
}

/** Why a section cannot be run. */
export interface RefusedSplit {
  readonly refused: readonly FileRefusal[];
}

/** A {@linkcode SplitResult} of which the texts are places in the section's. */
export interface PackedSplit {
  /** Line (from the section's first on), beginning and end of each statement. */
  readonly statements: readonly (readonly [number, number, number])[];
  /** Its steps; left out where it is one transaction. */
  readonly steps?: readonly PackedStep[];
  readonly notices?: SplitResult["notices"];
  readonly reserved?: SplitResult["reserved"];
  readonly unkept?: SplitResult["unkept"];
  /** What statements destroy, by their number. */
  readonly destroyed?: Readonly<Record<number, NonNullable<Statement["destroyed"]>>>;
  readonly limits?: NonNullable<SplitResult["limits"]>;
}

/** A step: which statements, by number. */
interface PackedStep {
  readonly settings: readonly number[];
  /** How many statements it has, those of the steps before it not counted. */
  readonly count: number;
  readonly outside: OutsideStatement | null;
  readonly batch?: Batch;
}

/** What {@linkcode prepareForBundle} comes to. */
export interface BundledMigrations {
  readonly prepared: PreparedMigrations;
  /** Migrations that hold what only pg_cron can run over an API. */
  readonly needPgCron: readonly string[];
  /** What the migrations change of what Supabase keeps to itself. */
  readonly reserved: readonly MigrationReserved[];
}

/**
 * Splits all that migrations hold.
 *
 * @param loaded The migrations.
 * @param split Splits a section.
 * @param version The version of this tool.
 * @returns The migrations as data, which of them need pg_cron, and what they change of what Supabase
 * keeps to itself.
 * @throws {MigrationFileError} Some cannot be run over an API in any case: the first reason, and with
 * it all others.
 */
export async function prepareForBundle(
  { migrations, order, leftOut, secrets }: LoadedMigrations,
  split: SplitSection,
  version: string,
): Promise<BundledMigrations> {
  const refusals = new Refusals();
  const needPgCron: string[] = [];
  const reserved: MigrationReserved[] = [];
  const prepared: PreparedMigration[] = [];
  for (const migration of migrations) {
    const { name, forward, rollback } = migration;
    const apply = await prepareSection(forward, name, split, refusals);
    const revert = rollback === null
      ? null
      : await prepareSection(rollback, rollback.file, split, refusals);
    if ("refused" in apply.inside || (revert !== null && "refused" in revert.inside)) {
      needPgCron.push(name);
    }
    prepared.push({ ...migration, apply, revert });
    const { reserved: changes = [] } = pick(apply, "pg_cron") as Partial<PackedSplit>;
    reserved.push(
      ...changes.map((change) => ({ ...change, line: forward.line + change.line, file: name })),
    );
  }
  refusals.throwAny();
  return {
    prepared: { version, order, leftOut, secrets, migrations: prepared },
    needPgCron,
    reserved,
  };
}

async function prepareSection(
  section: Section,
  file: string,
  split: SplitSection,
  refusals: Refusals,
): Promise<PreparedSplit> {
  const attempt = async (can: Abilities) => {
    const found = new Refusals();
    const result = await found.attempt(() => split(section, file, can));
    return { found, packed: result === undefined ? undefined : pack(result, section) };
  };
  const inside = await attempt({ setRole: false, outside: null });
  const withPgCron = await attempt({ setRole: false, outside: "pg_cron" });
  if (inside.packed === undefined && withPgCron.packed === undefined) {
    // Where only pg_cron would do, what keeps that from it is what has to be mended.
    for (const refusal of withPgCron.found.all) refusals.add(refusal);
  }
  const toData = ({ found, packed }: typeof inside) => packed ?? { refused: toFileRefusals(found) };
  const [data, other] = [toData(inside), toData(withPgCron)];
  return JSON.stringify(data) === JSON.stringify(other)
    ? { inside: data }
    : { inside: data, withPgCron: other };
}

function pack(
  { statements, steps, notices, reserved, unkept, limits = {} }: SplitResult,
  { sql, line: firstLine }: Section,
): PackedSplit {
  let at = 0;
  const places = statements.map(({ line, sql: text }) => {
    // An earlier place that reads the same, in a comment, would do as well.
    const start = sql.indexOf(text, at);
    if (start === -1) throw new Error(`A statement is not part of its text: ${text.slice(0, 80)}`);
    at = start + text.length;
    return [line - firstLine, start, at] as const;
  });
  const numberOf = (setting: Statement) => {
    const number = statements.findIndex(({ line, sql }) =>
      line === setting.line && sql === setting.sql
    );
    if (number === -1) throw new Error(`A setting is not part of its file: ${setting.sql}`);
    return number;
  };
  const destroyed = Object.fromEntries(
    statements.flatMap((it, index) => it.destroyed === undefined ? [] : [[index, it.destroyed]]),
  );
  return {
    statements: places,
    ...(isPlain(steps) ? {} : {
      steps: steps.map(({ settings, statements, outside, batch }) => ({
        settings: settings.map(numberOf),
        count: statements.length,
        outside,
        ...(batch === undefined ? {} : { batch }),
      })),
    }),
    ...(notices.length === 0 ? {} : { notices }),
    ...(reserved.length === 0 ? {} : {
      reserved: reserved.map((change) => ({ ...change, line: change.line - firstLine })),
    }),
    ...(unkept.length === 0 ? {} : {
      unkept: unkept.map((one) => ({ ...one, line: one.line - firstLine })),
    }),
    ...(Object.keys(destroyed).length === 0 ? {} : { destroyed }),
    ...withLimits(limits),
  };
}

function unpack(
  {
    statements: places,
    steps,
    notices = [],
    reserved = [],
    unkept = [],
    destroyed = {},
    limits = {},
  }: PackedSplit,
  { sql, line: firstLine }: Section,
): SplitResult {
  const statements = places.map(([line, start, end], index): Statement => ({
    line: firstLine + line,
    sql: sql.slice(start, end),
    ...(destroyed[index] === undefined ? {} : { destroyed: destroyed[index] }),
  }));
  let done = 0;
  return {
    statements,
    steps: steps?.map(({ settings, count, outside, batch }): Step => ({
      settings: settings.map((number) => statements[number]!),
      statements: statements.slice(done, done += count),
      outside,
      ...(batch === undefined ? {} : { batch }),
    })) ?? [{ settings: [], statements, outside: null }],
    notices,
    reserved: reserved.map((change) => ({ ...change, line: firstLine + change.line })),
    unkept: unkept.map((one) => ({ ...one, line: firstLine + one.line })),
    ...withLimits(limits),
  };
}

/**
 * Gives an operation what it would otherwise have from files and parser.
 *
 * @param prepared The migrations as data.
 * @returns The same as loaded migrations, and what splits their sections.
 */
export function restore(
  prepared: PreparedMigrations,
): { loaded: LoadedMigrations; split: SplitSection } {
  const { migrations, order, leftOut, secrets } = prepared;
  // By the text: rollback SQL that was stored may be what the file says still.
  const splits = new Map<string, PreparedSplit>();
  for (const { forward, rollback, apply, revert } of migrations) {
    splits.set(forward.sql, apply);
    if (rollback !== null && revert !== null) splits.set(rollback.sql, revert);
  }
  return {
    loaded: { migrations, order, leftOut, secrets },
    split: (section, file, can) => {
      if (section.sql.trim() === "") return Promise.resolve(unpack({ statements: [] }, section));
      const found = splits.get(section.sql);
      if (found === undefined) return Promise.reject(notPrepared(file));
      const result = pick(found, can.outside);
      return "refused" in result
        ? Promise.reject(toError(result, file))
        : Promise.resolve(unpack(result, section));
    },
  };
}

function pick(
  { inside, withPgCron = inside }: PreparedSplit,
  outside: Abilities["outside"],
): PackedSplit | RefusedSplit {
  return outside === null ? inside : withPgCron;
}

function notPrepared(file: string): ConfigurationError {
  return new ConfigurationError(
    `The ${file} cannot be run here: it is not part of the bundle, and there is no parser to split it`,
    {
      hint:
        "Run the same command from the folder of the migrations: supamigrate rollback. Or bundle " +
        "the files as they were when they were applied.",
    },
  );
}

function toError({ refused: [first, ...others] }: RefusedSplit, file: string): MigrationFileError {
  const toOne = ({ message, position, hint }: FileRefusal) =>
    new MigrationFileError(message, position, hint === undefined ? {} : { hint });
  const error = first === undefined
    ? new MigrationFileError("The file cannot be sent", { file })
    : toOne(first);
  error.others = others.map(toOne);
  return error;
}
