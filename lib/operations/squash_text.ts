/** Writes one migration for many, and proves that it makes the same. @module */

import { showControls } from "../controls.ts";
import { nameSome } from "../doctor/check.ts";
import { ConfigurationError } from "../errors.ts";
import { joinParts, type NamedPart } from "../planning/join_sections.ts";
import { holdsStatements } from "../planning/lexer.ts";
import type { Layout } from "../planning/discovery.ts";
import { comparisonBy, findMigration } from "../planning/order.ts";
import type { Migration } from "../planning/plan.ts";
import { capture, compareAll } from "./capture.ts";
import { findDifferentRows, readRows } from "./compare_rows.ts";
import { draftMigration, type NewSections, UNDO_FOLDER } from "./create.ts";
import { rollback } from "./rollback.ts";
import {
  applyToShadow,
  contextOf,
  makeShadow,
  openEmptyShadow,
  type ShadowSource,
} from "./shadow.ts";
import { type LoadedMigrations, loadMigrations } from "./source.ts";

/** A consolidated migration. */
export interface SquashDraft {
  /** It, as it is read from its file. */
  readonly migration: Migration;
  /** What is in its file. */
  readonly text: string;
  /** What undoes it, where that is a file of its own; null where it is a section. */
  readonly rollbackText: string | null;
  /** What it stands for, in order. */
  readonly squashed: readonly Squashed[];
  /** What the reader should know, a sentence each. */
  readonly warnings: readonly string[];
}

/** A migration that a consolidated one stands for, and which version of it. */
export interface Squashed {
  readonly name: string;
  readonly checksum: string;
}

/** How a consolidated file says what it stands for. */
const SQUASHED = /^-- Squashed: ([0-9a-f]{64}) (.+)\n/gm;

/**
 * Finds a consolidated file that an earlier run, or somebody else, has written.
 *
 * @param files The folder's migrations.
 * @param name What it is called, with or without its number.
 * @returns It; null where there is none.
 * @throws {ConfigurationError} What it stands for is in the folder as well.
 */
export function findWritten({ migrations }: LoadedMigrations, name: string): SquashDraft | null {
  for (const migration of migrations) {
    const stem = migration.name.replace(/\.sql$/, "");
    const called = name.replace(/\.sql$/, "").toLowerCase();
    if (stem.toLowerCase() !== called && stem.replace(/^\d+_/, "").toLowerCase() !== called) {
      continue;
    }
    const squashed = [...migration.forward.sql.matchAll(SQUASHED)]
      .map(([, checksum, name]) => ({ name: name!, checksum: checksum! }));
    if (squashed.length === 0) continue;
    const back = squashed.find((one) => migrations.some(({ name }) => name === one.name));
    if (back !== undefined) {
      throw new ConfigurationError(
        `${migration.name} stands for ${back.name}, which is there again`,
        {
          hint: "Take one of the two out of the folder.",
        },
      );
    }
    return { migration, text: migration.forward.sql, rollbackText: null, squashed, warnings: [] };
  }
  return null;
}

/**
 * Writes a consolidated migration, and proves on two shadows that it makes the same schema and puts
 * the same rows there.
 *
 * @param source Where shadows come from.
 * @param files The folder's migrations.
 * @param name What to call it.
 * @param options The last migration to put into it, and how it is written.
 * @returns It.
 * @throws {ConfigurationError} It does not make the same, or the name is not fit.
 */
export async function writeSquashed(
  source: ShadowSource,
  files: LoadedMigrations,
  name: string,
  { to, flatten = false, layout = "plain" }: {
    readonly to?: string;
    readonly flatten?: boolean;
    readonly layout?: Layout;
  },
): Promise<SquashDraft> {
  const { migrations, order } = files;
  const compare = comparisonBy(order);
  const ready = migrations.filter(({ isTemplate }) => !isTemplate);
  const last = to === undefined
    ? ready.at(-1)!.name
    : findMigration(to, ready.map((it) => it.name));
  const old = ready.filter((one) => compare(one.name, last) <= 0);
  if (old.length < 2) {
    throw new ConfigurationError(`There is nothing to squash up to ${last}: it is one migration`);
  }
  refuseUnseen(old);
  const [, number, rest] = /^(\d+)_(.+)$/.exec(name) ?? [];
  const digits = number ?? /^\d+/.exec(last)?.[0];
  if (digits === undefined) {
    throw new ConfigurationError(
      `${last} has no number that the consolidated migration could get`,
      {
        hint: "Put a number in front of the new name, such as 000_consolidated.",
      },
    );
  }
  const squashed = old.map(({ name, checksum }) => ({ name, checksum }));
  const list = squashed.map(({ name, checksum }) => `-- Squashed: ${checksum} ${name}`).join("\n");
  const sections = flatten ? await writeFlat(source, old) : joinSections(old);
  const draft = draftMigration(
    { discovery: { migrations: [], leftOut: [], refusals: [] }, options: { layout } },
    rest ?? name,
    { forward: `${list}\n\n${sections.forward}`, rollback: sections.rollback },
    { number: digits, description: `What ${old.length} migrations up to ${last} do` },
  );
  const { name: file, text, rollbackText } = draft;
  refuseName(file, migrations, squashed, compare);
  const { migrations: [migration] } = await loadMigrations({
    [file]: text,
    ...(rollbackText === null ? {} : { [`${UNDO_FOLDER}/${file}`]: rollbackText }),
  });
  const warnings = [...sections.warnings, ...await proveSame(source, old, migration!)];
  return { migration: migration!, text, rollbackText, squashed, warnings };
}

/** Names stand in comments of the consolidated file: what ends a comment's line would be SQL from there on. */
function refuseUnseen(old: readonly Migration[]): void {
  const unseen = old.find(({ name }) => name.includes("\n") || showControls(name) !== name);
  if (unseen === undefined) return;
  const name = showControls(unseen.name).replaceAll("\n", "\\n");
  throw new ConfigurationError(`The name "${name}" has characters that no comment can have`, {
    hint: "Rename the file, and what the history calls it: supamigrate repair OLD --renamed NEW. " +
      "Or squash up to an earlier one with --to.",
  });
}

function refuseName(
  file: string,
  migrations: readonly Migration[],
  squashed: readonly Squashed[],
  compare: (a: string, b: string) => number,
): void {
  if (migrations.some((one) => one.name === file)) {
    throw new ConfigurationError(`A migration is called ${file} already`, {
      hint: "Choose another name.",
    });
  }
  const earlier = migrations.find((one) =>
    !squashed.some(({ name }) => name === one.name) && compare(one.name, file) < 0
  );
  if (earlier === undefined) return;
  throw new ConfigurationError(
    `${file} would come after ${earlier.name}, which it comes before now`,
    {
      hint: "Put a lower number in front of the new name, such as 000_consolidated.",
    },
  );
}

function joinSections(old: readonly Migration[]): WarnedSections {
  // What does nothing has nothing to undo.
  const without = old
    .filter(({ forward, rollback }) => rollback === null && holdsStatements(forward.sql))
    .map((one) => one.name);
  const forward: NamedPart[] = old.map(({ name, forward }) => ({
    file: name,
    // What one of them stands for is gone from the folder already.
    sql: forward.sql.replace(SQUASHED, ""),
  }));
  const back: NamedPart[] = old.toReversed().flatMap(({ name, rollback }) =>
    rollback === null ? [] : [{ file: name, sql: rollback.sql }]
  );
  return {
    forward: joinParts(forward),
    rollback: without.length === 0
      ? joinParts(back)
      : "-- Some of the migrations say nothing of how they are undone.",
    warnings: without.length === 0 ? [] : [
      `It has no rollback, as ${nameSome(without)} ${without.length === 1 ? "has" : "have"} none`,
    ],
  };
}

type WarnedSections = NewSections & Pick<SquashDraft, "warnings">;

async function writeFlat(source: ShadowSource, old: readonly Migration[]): Promise<WarnedSections> {
  const wanted = await (async () => {
    await using made = await makeShadow(source, old);
    return await made.read();
  })();
  await using empty = await openEmptyShadow(source);
  const captured = await capture(empty, wanted);
  if (captured !== null) return captured;
  throw new ConfigurationError("The migrations make nothing that could be written out", {
    hint: "Leave --flatten out.",
  });
}

/** Nothing is written that does not make the same schema, and put the same rows there. */
async function proveSame(
  source: ShadowSource,
  old: readonly Migration[],
  migration: Migration,
): Promise<string[]> {
  const run = async () => {
    await using shadow = await makeShadow(source, old);
    const catalogue = await shadow.read();
    return { catalogue, rows: await readRows(shadow, catalogue) };
  };
  const wanted = await run();
  await using shadow = await openEmptyShadow(source);
  const before = await shadow.read();
  await applyToShadow(shadow, [migration]);
  const made = await shadow.read();
  const different = compareAll(made, wanted.catalogue).map(({ kind, name }) => `${kind} ${name}`);
  if (different.length > 0) refuse("does not make the same schema", different);
  const rows = await readRows(shadow, made);
  if (findDifferentRows(wanted.rows, null, rows).length > 0) {
    const again = await run();
    const tables = findDifferentRows(wanted.rows, again.rows, rows);
    if (tables.length > 0) refuse("does not put the same rows there", tables);
  }
  if (migration.rollback === null) return [];
  const { results } = await rollback(contextOf(shadow, [migration]), { steps: 1 });
  const error = results.find((one) => one.error !== null)?.error;
  if (error) return [`Its rollback fails, as theirs together does: ${error.message}`];
  const left = compareAll(before, await shadow.read()).map(({ kind, name }) => `${kind} ${name}`);
  return left.length === 0
    ? []
    : [`Its rollback, which is theirs together, leaves ${nameSome(left)}`];
}

function refuse(what: string, different: readonly string[]): never {
  throw new ConfigurationError(`The consolidated migration ${what}: ${nameSome(different)}`, {
    hint: "Nothing was written. Squash up to an earlier migration with --to, without --flatten.",
  });
}
