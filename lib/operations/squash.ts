/** Puts one consolidated migration in the place of many. @module */

import { nameSome } from "../doctor/check.ts";
import { ConfigurationError } from "../errors.ts";
import { joinParts, type NamedPart } from "../planning/join_sections.ts";
import { comparisonBy, findMigration } from "../planning/order.ts";
import { type HistoryEntry, isApplied, type Migration } from "../planning/plan.ts";
import { openShadow } from "../schema/shadow.ts";
import { toRecord } from "./baseline.ts";
import { capture, compareAll } from "./capture.ts";
import { findDifferentRows, readRows } from "./compare_rows.ts";
import { createTeller } from "./concerns.ts";
import { type OperationContext, withLock } from "./context.ts";
import { draftMigration } from "./create.ts";
import { keepLedger, refuseUnwritable } from "./ledger.ts";
import type { FilePlace } from "./pull.ts";
import { rollback } from "./rollback.ts";
import { applyToShadow, contextOf, makeShadow } from "./shadow.ts";
import { type LoadedMigrations, loadMigrations } from "./source.ts";
import { moveFiles } from "./squash_files.ts";

/** Options of `squash`. */
export interface SquashOptions {
  /** The last migration to put into it: its name, or a unique beginning. The last one by default. */
  readonly to?: string;
  /** Write out the schema that they make, instead of their statements one after the other. */
  readonly flatten?: boolean;
  /** Shows what would be done, and changes nothing. */
  readonly dryRun?: boolean;
  /** Asked before anything is changed. Without it nothing is asked. */
  readonly confirm?: (plan: SquashPlan) => Promise<boolean>;
}

/** What `squash` is to do. */
export interface SquashPlan {
  /** The consolidated file. */
  readonly name: string;
  /** What is in it. */
  readonly text: string;
  /** The migrations that it stands for, in order. */
  readonly squashed: readonly string[];
  /** Whether the files have to be written and moved; not where only a project's history is left. */
  readonly movesFiles: boolean;
  /** What the history says that is to be replaced; none where nothing of it was applied. */
  readonly rewritten: readonly string[];
  /** What the reader should know, a sentence each. */
  readonly warnings: readonly string[];
}

/** What `squash` came to. */
export interface SquashResult extends SquashPlan {
  /** The file's absolute path; null where none was written. */
  readonly path: string | null;
  /** Where the old files are now; null where none was moved. */
  readonly movedTo: string | null;
  /** Only shown. */
  readonly dryRun: boolean;
}

/**
 * Writes one migration for many, proves on two shadows that it makes the same schema and puts the same
 * rows there, moves the old files out of the way, and has the history say so, in the old place. Where
 * the consolidated file is in the folder already, the history of this project is brought in line.
 *
 * @param context What the operation works with.
 * @param place The folder of the migrations.
 * @param name What to call the consolidated migration; it gets the number of the last one.
 * @param options How far to go.
 * @returns What was done.
 * @throws {ConfigurationError} It does not make the same, or the project has a part of them alone.
 */
export async function squash(
  context: OperationContext,
  place: FilePlace,
  name: string,
  options: SquashOptions = {},
): Promise<SquashResult> {
  const { dryRun = false, confirm } = options;
  const { folder } = place;
  const files = await context.load();
  const compare = comparisonBy(files.order);
  const written = findWritten(files, name);
  const draft = written ?? await writeSquashed(files, name, options);
  const { migration, squashed, text } = draft;
  const warnings = written === null ? draft.warnings : [];
  const tell = createTeller(context);
  tell(warnings);

  return await withLock<Squashing, SquashResult>(context, {
    plan: async (state) => {
      const names = new Set(squashed);
      const applied = state.history.filter(isApplied);
      const old = applied.filter((entry) => names.has(entry.name))
        .sort((a, b) =>
          (a.position ?? Infinity) - (b.position ?? Infinity) || compare(a.name, b.name)
        );
      const isRecorded = applied.some((entry) => entry.name === migration.name);
      if (!isRecorded) refusePartly(old, squashed, files);
      const before = keepLedger(context.ledger, state, files);
      // What is replaced has left the folder and the history when the new one is recorded.
      const after = keepLedger(
        context.ledger,
        { ...state, history: state.history.filter((entry) => !names.has(entry.name)) },
        {
          migrations: [...files.migrations.filter((one) => !names.has(one.name)), migration],
          secrets: files.secrets,
        },
      );
      if (old.length > 0) refuseUnwritable(after, state.ledger);
      const version = after.names?.versions.get(migration.name)?.version;
      const leaves = (name: string) =>
        before.names?.versions.get(name)?.version === version ? {} : before.remove(name);
      const first = isRecorded ? undefined : old[0];
      const others = isRecorded ? old : old.slice(1);
      return {
        plan: {
          name: migration.name,
          text,
          squashed,
          movesFiles: written === null,
          rewritten: old.map((entry) => entry.name),
          warnings,
        },
        calls: first === undefined && others.length === 0 ? [] : [
          // It takes over the place of the first one in the order of rollback.
          ...(first === undefined ? [] : [{
            mark: "renamed",
            migration: { name: first.name, new_name: migration.name, ...leaves(first.name) },
          }]),
          {
            mark: "applied",
            migration: await toRecord(migration, old[0]!.batch, after, context.can),
          },
          ...others.map((entry) => ({
            mark: "pending",
            migration: { name: entry.name, ...leaves(entry.name) },
          })),
        ],
      };
    },
    dryRun,
    unlessNeeded: ({ plan, calls }) =>
      dryRun || (calls.length === 0 && !plan.movesFiles)
        ? { ...plan, path: null, movedTo: null, dryRun }
        : undefined,
    confirm: confirm && (({ plan }) => confirm(plan)),
    run: async (session, { plan, calls }) => {
      const moved = plan.movesFiles
        ? await moveFiles(folder, plan, listFiles(files, squashed))
        : { path: null, movedTo: null };
      try {
        for (const call of calls) await session.perform("repair", call);
      } catch (error) {
        context.onProgress({
          type: "notice",
          message: `The files are squashed, and the history is not yet: run supamigrate squash ` +
            `${migration.name} again`,
        });
        throw error;
      }
      return { ...plan, ...moved, dryRun };
    },
  });
}

interface Squashing {
  readonly plan: SquashPlan;
  readonly calls: readonly Readonly<Record<string, unknown>>[];
}

interface SquashDraft {
  readonly migration: Migration;
  readonly text: string;
  readonly squashed: readonly string[];
  readonly warnings: readonly string[];
}

/** How a consolidated file says what it stands for. */
const SQUASHED = /^-- Squashed: (.+)$/gm;

/** The consolidated file, where an earlier run, or somebody else, has written it. */
function findWritten({ migrations }: LoadedMigrations, name: string): SquashDraft | null {
  for (const migration of migrations) {
    const stem = migration.name.replace(/\.sql$/, "");
    const called = name.replace(/\.sql$/, "").toLowerCase();
    if (stem.toLowerCase() !== called && stem.replace(/^\d+_/, "").toLowerCase() !== called) {
      continue;
    }
    const squashed = [...migration.forward.sql.matchAll(SQUASHED)].map(([, file]) => file!.trim());
    if (squashed.length === 0) continue;
    return { migration, text: migration.forward.sql, squashed, warnings: [] };
  }
  return null;
}

async function writeSquashed(
  files: LoadedMigrations,
  name: string,
  { to, flatten = false }: SquashOptions,
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
  const squashed = old.map((one) => one.name);
  const list = squashed.map((file) => `-- Squashed: ${file}`).join("\n");
  const sections = flatten ? await writeFlat(old) : joinSections(old);
  const { name: file, text } = draftMigration(
    null,
    rest ?? name,
    { forward: `${list}\n\n${sections.forward}`, rollback: sections.rollback },
    { number: digits, description: `What ${old.length} migrations up to ${last} do` },
  );
  refuseName(file, migrations, squashed, compare);
  const { migrations: [migration] } = await loadMigrations({ [file]: text });
  const warnings = [...sections.warnings, ...await proveSame(old, migration!)];
  return { migration: migration!, text, squashed, warnings };
}

function refuseName(
  file: string,
  migrations: readonly Migration[],
  squashed: readonly string[],
  compare: (a: string, b: string) => number,
): void {
  if (migrations.some((one) => one.name === file)) {
    throw new ConfigurationError(`A migration is called ${file} already`, {
      hint: "Choose another name.",
    });
  }
  const earlier = migrations.find((one) =>
    !squashed.includes(one.name) && compare(one.name, file) < 0
  );
  if (earlier === undefined) return;
  throw new ConfigurationError(
    `${file} would come after ${earlier.name}, which it comes before now`,
    {
      hint: "Put a lower number in front of the new name, such as 000_consolidated.",
    },
  );
}

function joinSections(old: readonly Migration[]) {
  const without = old.filter(({ rollback }) => rollback === null).map((one) => one.name);
  const forward: NamedPart[] = old.map(({ name, forward }) => ({ file: name, sql: forward.sql }));
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

async function writeFlat(old: readonly Migration[]) {
  const wanted = await (async () => {
    await using made = await makeShadow(old);
    return await made.read();
  })();
  await using empty = await openShadow();
  const captured = await capture(empty, wanted);
  if (captured !== null) return captured;
  throw new ConfigurationError("The migrations make nothing that could be written out", {
    hint: "Leave --flatten out.",
  });
}

/** Nothing is written that does not make the same schema, and put the same rows there. */
async function proveSame(old: readonly Migration[], migration: Migration): Promise<string[]> {
  const run = async () => {
    await using shadow = await makeShadow(old);
    const catalogue = await shadow.read();
    return { catalogue, rows: await readRows(shadow, catalogue) };
  };
  const wanted = await run();
  await using shadow = await openShadow();
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

/** What is applied in part, or is not what the files say, cannot be said to be applied as a whole. */
function refusePartly(
  applied: readonly HistoryEntry[],
  squashed: readonly string[],
  { migrations }: LoadedMigrations,
): void {
  if (applied.length === 0) return;
  const known = new Set(applied.map((entry) => entry.name));
  const missing = squashed.filter((one) => !known.has(one));
  if (missing.length > 0) {
    throw new ConfigurationError(
      `The project has not got ${nameSome(missing)} yet, and has the others`,
      {
        hint:
          "Apply them first, with supamigrate migrate; or squash up to an earlier one with --to.",
      },
    );
  }
  const changed = applied.filter((entry) => {
    const file = migrations.find((one) => one.name === entry.name);
    return file !== undefined && file.checksum !== entry.appliedChecksum;
  }).map((entry) => entry.name);
  if (changed.length === 0) return;
  throw new ConfigurationError(`Changed since they were applied: ${nameSome(changed)}`, {
    hint: "Apply them as they are with supamigrate migrate, or take the changes back.",
  });
}

/** The files of the migrations, and those beside them that undo them. */
function listFiles({ migrations }: LoadedMigrations, squashed: readonly string[]): string[] {
  return migrations.filter((one) => squashed.includes(one.name))
    .flatMap(({ name, rollback }) =>
      rollback === null || rollback.file === name ? [name] : [name, rollback.file]
    );
}
