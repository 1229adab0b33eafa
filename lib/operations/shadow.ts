/** Makes the shadow of a project: the migrations that it has, in a database in memory. @module */

import type { DatabaseState } from "../database/state.ts";
import { adviseOnMissing, isOnServers } from "../embedded/platform/missing.ts";
import { ConfigurationError } from "../errors.ts";
import type { Catalogue } from "../schema/catalogue.ts";
import { compareSchemas } from "../schema/compare.ts";
import { OTHER_SHADOW } from "../schema/converge.ts";
import { describeDeltas } from "../schema/describe.ts";
import { type OpenShadow, openShadow, type Shadow } from "../schema/shadow.ts";
import { type Defaults, FORMER_DEFAULTS, writeShape } from "../schema/shape.ts";
import {
  compareApplied,
  isApplied,
  type Migration,
  type MigrationFailure,
} from "../planning/plan.ts";
import { type SplitSection, splitStatements } from "../planning/statements.ts";
import type { MigrationResult } from "./apply.ts";
import type { OperationContext } from "./context.ts";
import { migrate } from "./migrate.ts";
import { rollback } from "./rollback.ts";
import type { LoadedMigrations } from "./source.ts";

/** Migrations that a database has, as far as the files tell. */
export interface AppliedMigrations {
  /** Them, in the order in which they were applied. */
  readonly migrations: readonly Migration[];
  /** What makes them something else than what was applied, a sentence each. */
  readonly doubts: readonly string[];
}

/**
 * Finds the migrations that a database has.
 *
 * @param files What the folder has.
 * @param state What the database says.
 */
export function findApplied(
  { migrations }: LoadedMigrations,
  { history }: DatabaseState,
): AppliedMigrations {
  const byName = new Map(migrations.map((migration) => [migration.name, migration]));
  const applied = history.filter(isApplied).sort(compareApplied);
  const found: Migration[] = [];
  const doubts: string[] = [];
  for (const { name, appliedChecksum } of applied) {
    const migration = byName.get(name);
    if (migration === undefined) {
      doubts.push(`${name} is applied and has no file: what it made counts as made by hand`);
      continue;
    }
    if (migration.checksum !== appliedChecksum) {
      doubts.push(`${name} was changed after it was applied: its file counts`);
    }
    found.push(migration);
  }
  return { migrations: found, doubts };
}

/** Where shadows come from. */
export interface ShadowSource {
  /** Opens them; they are in memory where this is left out. */
  readonly openShadow?: OpenShadow;
}

/** Opens a shadow without migrations. */
export function openEmptyShadow(source: ShadowSource): Promise<Shadow> {
  return (source.openShadow ?? openShadow)();
}

/**
 * Makes a shadow and applies migrations to it.
 *
 * @param source Where shadows come from.
 * @param migrations The migrations, in order.
 * @param live The project's schema, whose shape the shadow gets; left out, it has that of a new one.
 * @param applied What has made the project what it is, where that is something else.
 * @returns The shadow.
 * @throws {ConfigurationError} A migration cannot be applied to it.
 */
export async function makeShadow(
  source: ShadowSource,
  migrations: readonly Migration[],
  live?: Catalogue | Promise<Catalogue>,
  applied: readonly Migration[] = migrations,
): Promise<Shadow> {
  if (live === undefined || !applied.some(changesDefaults)) {
    return await makeShadowWith(source, migrations, live, "as they are");
  }
  const { shadow, defaults } = await findDefaults(source, applied, await live);
  if (migrations === applied) return shadow;
  await shadow[Symbol.asyncDispose]();
  return await makeShadowWith(source, migrations, live, defaults);
}

/** Whether a migration changes what is granted by default, so that nobody knows what was before it. */
export function changesDefaults({ forward }: Migration): boolean {
  return /\balter\s+default\s+privileges\b/i.test(forward.sql);
}

/**
 * Finds what a project granted by default before its migrations changed that, which nobody has written
 * down: what leads to the privileges that are there.
 */
async function findDefaults(
  source: ShadowSource,
  applied: readonly Migration[],
  live: Catalogue,
): Promise<Attempt> {
  let best: Attempt | undefined;
  let refusal: ConfigurationError | undefined;
  for (const defaults of FORMER_DEFAULTS) {
    const attempt = await attemptDefaults(source, applied, live, defaults).catch(async (error) => {
      if (!(error instanceof ConfigurationError)) {
        await best?.shadow[Symbol.asyncDispose]();
        throw error;
      }
      // Where a migration cannot be applied, that is not what the project had.
      refusal ??= error;
      return undefined;
    });
    if (attempt === undefined) continue;
    const isBetter = best === undefined || attempt.wrong < best.wrong;
    await (isBetter ? best : attempt)?.shadow[Symbol.asyncDispose]();
    if (isBetter) best = attempt;
    if (attempt.wrong === 0) break;
  }
  if (best === undefined) throw refusal;
  return best;
}

/** A shadow that began with some default privileges, and how many privileges are not the project's. */
interface Attempt {
  readonly shadow: Shadow;
  readonly defaults: Defaults;
  readonly wrong: number;
}

async function attemptDefaults(
  source: ShadowSource,
  applied: readonly Migration[],
  live: Catalogue,
  defaults: Defaults,
): Promise<Attempt> {
  const shadow = await makeShadowWith(source, applied, live, defaults);
  try {
    return { shadow, defaults, wrong: countPrivileges(await shadow.read(), live) };
  } catch (error) {
    await shadow[Symbol.asyncDispose]();
    throw error;
  }
}

/** How many privileges differ. */
function countPrivileges(from: Catalogue, to: Catalogue): number {
  return describeDeltas(compareSchemas(from, to))
    .filter(({ kind }) => kind === "privileges" || kind === "default privileges").length;
}

async function makeShadowWith(
  source: ShadowSource,
  migrations: readonly Migration[],
  live: Catalogue | Promise<Catalogue> | undefined,
  defaults: Defaults,
): Promise<Shadow> {
  // Both take a while, and neither needs the other.
  const opening = openEmptyShadow(source);
  const [shadow, shaped] = await Promise.all([opening, live]).catch(async (error) => {
    await (await opening)[Symbol.asyncDispose]();
    throw error;
  });
  try {
    if (shaped !== undefined && shaped.major > shadow.major) {
      throw new ConfigurationError(
        `The server of --shadow is PostgreSQL ${shadow.major}, and the project is ${shaped.major}`,
        { hint: "Name a server of the project's version, or a newer one." },
      );
    }
    const shape = shaped === undefined ? "" : writeShape(shaped, {
      defaults,
      shadowMajor: shadow.major,
    });
    if (shape !== "") await shadow.run(shape);
    await applyToShadow(shadow, migrations);
    return shadow;
  } catch (error) {
    await shadow[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Applies migrations to a shadow.
 *
 * @param shadow The shadow.
 * @param migrations All that it is to have, in order; those that it has are left out.
 * @throws {ConfigurationError} One cannot be applied.
 */
export async function applyToShadow(
  shadow: Shadow,
  migrations: readonly Migration[],
): Promise<void> {
  const failure = await attemptOnShadow(shadow, migrations);
  if (failure !== undefined) throw toShadowError(failure);
}

/** Says that a shadow cannot have a migration that it is to have. */
export function toShadowError({ name, error, advice }: ShadowFailure): ConfigurationError {
  const place = error.line === undefined ? "" : ` line ${error.line}`;
  return new ConfigurationError(
    `The shadow database cannot apply ${name}${place}: ${error.message}`,
    { hint: advice },
  );
}

/** A migration that a shadow refuses. */
export interface ShadowFailure {
  /** The migration. */
  readonly name: string;
  /** What PostgreSQL said. */
  readonly error: MigrationFailure;
  /** What may be behind it: what a shadow is, and what is missing in it. */
  readonly advice: string;
  /** How many of its steps are done, and stay so. */
  readonly stepsDone: number;
}

/**
 * Applies migrations to a shadow, as far as that goes.
 *
 * @param shadow The shadow.
 * @param migrations All that it is to have, in order; those that it has are left out.
 * @param split Splits their sections.
 * @returns The one that failed; undefined where none did.
 */
export async function attemptOnShadow(
  shadow: Shadow,
  migrations: readonly Migration[],
  split: SplitSection = splitStatements,
): Promise<ShadowFailure | undefined> {
  if (migrations.length === 0) return undefined;
  const { results } = await migrate({ ...contextOf(shadow, migrations), split }, {
    transaction: "batch",
    outOfOrder: "apply",
    safetyCopy: "never",
  });
  return findFailure(shadow, results);
}

/**
 * Undoes the last migration of a shadow.
 *
 * @param shadow The shadow.
 * @param migrations All that it has, in order.
 * @returns How that failed; undefined where it did not.
 */
export async function undoOnShadow(
  shadow: Shadow,
  migrations: readonly Migration[],
): Promise<ShadowFailure | undefined> {
  const { results } = await rollback(contextOf(shadow, migrations), {
    steps: 1,
    safetyCopy: "never",
  });
  return findFailure(shadow, results);
}

function findFailure(
  shadow: Shadow,
  results: readonly Pick<MigrationResult, "name" | "error" | "steps">[],
): ShadowFailure | undefined {
  for (const { name, error, steps } of results) {
    if (error === null) continue;
    return { name, error, advice: adviseOnShadow(shadow, error), stepsDone: steps.done };
  }
  return undefined;
}

function adviseOnShadow(shadow: Shadow, error: MigrationFailure): string {
  const missing = adviseOnMissing(error);
  if (missing !== undefined) {
    return isOnServers(error) ? `${missing}; ${OTHER_SHADOW}.` : `${missing}.`;
  }
  const standIns = shadow.standIns();
  const used = standIns.length === 0
    ? ""
    : ` Stand-ins were used for ${standIns.join(", ")}, which may be what is missing.`;
  return `${shadow.what} in the shape of the project, with what migrations make ` +
    `alone: what was made by hand before them is not in it.${used}`;
}

/**
 * What operations on a shadow work with.
 *
 * @param shadow The shadow.
 * @param migrations Its migrations, in order.
 */
export function contextOf(shadow: Shadow, migrations: readonly Migration[]): OperationContext {
  const loaded: LoadedMigrations = { migrations, order: "number", leftOut: [], secrets: [] };
  return {
    connect: () => Promise.resolve(shadow.channel),
    can: shadow.can,
    target: shadow.target,
    load: () => Promise.resolve(loaded),
    split: splitStatements,
    hide: (value) => value,
    folder: null,
    tenure: {
      holder: "shadow",
      processId: "shadow",
      leaseMs: 300_000,
      toolVersion: "shadow",
    },
    ledger: "none",
    batchSize: 1_000_000,
    giveUpAfterMs: 60_000,
    onProgress: () => {},
    signal: undefined,
  };
}
