/** Puts one consolidated migration in the place of many. @module */

import { nameSome } from "../doctor/check.ts";
import { ConfigurationError } from "../errors.ts";
import { comparisonBy } from "../planning/order.ts";
import { type HistoryEntry, isApplied } from "../planning/plan.ts";
import { toRecord } from "./baseline.ts";
import { createTeller } from "./concerns.ts";
import { type OperationContext, withLock } from "./context.ts";
import { keepLedger, refuseUnwritable } from "./ledger.ts";
import type { FilePlace } from "./pull.ts";
import type { LoadedMigrations } from "./source.ts";
import { readFolder } from "./source.ts";
import { moveFiles } from "./squash_files.ts";
import { findWritten, type Squashed, writeSquashed } from "./squash_text.ts";
import { refuseUnvouched } from "./vouched.ts";

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
  /** What undoes it, where that is a file of its own in `rollback/`; null where it is a section. */
  readonly rollbackText: string | null;
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
  const { layout = "plain" } = (await readFolder(folder, place)).options;
  const draft = written ?? await writeSquashed(context, files, name, { ...options, layout });
  const { migration, squashed, text, rollbackText } = draft;
  const warnings = written === null ? draft.warnings : [];
  const tell = createTeller(context);
  tell(warnings);

  return await withLock<Squashing, SquashResult>(context, {
    plan: async (state) => {
      refuseUnvouched(state, files.order);
      const names = new Set(squashed.map((one) => one.name));
      const applied = state.history.filter(isApplied);
      const old = applied.filter((entry) => names.has(entry.name))
        .sort((a, b) =>
          (a.position ?? Infinity) - (b.position ?? Infinity) || compare(a.name, b.name)
        );
      const isRecorded = applied.some((entry) => entry.name === migration.name);
      refuseOthers(old, squashed);
      if (!isRecorded) refusePartly(old, squashed);
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
          rollbackText,
          squashed: squashed.map((one) => one.name),
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
            migration: { name: entry.name, replaced_by: migration.name, ...leaves(entry.name) },
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
        ? await moveFiles(folder, plan, listFiles(files, new Set(plan.squashed)))
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

/** What is applied in part cannot be said to be applied as a whole. */
function refusePartly(applied: readonly HistoryEntry[], squashed: readonly Squashed[]): void {
  if (applied.length === 0) return;
  const known = new Set(applied.map((entry) => entry.name));
  const missing = squashed.map((one) => one.name).filter((name) => !known.has(name));
  if (missing.length === 0) return;
  throw new ConfigurationError(
    `The project has not got ${nameSome(missing)} yet, and has the others`,
    {
      hint: "Apply them first, with supamigrate migrate and the old files; or squash up to an " +
        "earlier one with --to.",
    },
  );
}

/** Neither can what was applied with other content. */
function refuseOthers(applied: readonly HistoryEntry[], squashed: readonly Squashed[]): void {
  const checksums = new Map(squashed.map(({ name, checksum }) => [name, checksum]));
  const changed = applied.filter((entry) => checksums.get(entry.name) !== entry.appliedChecksum)
    .map((entry) => entry.name);
  if (changed.length === 0) return;
  throw new ConfigurationError(
    `Applied with other content than was squashed: ${nameSome(changed)}`,
    {
      hint:
        "Apply them as they are with supamigrate migrate and the old files, or take the changes " +
        "back.",
    },
  );
}

/** The files of the migrations, and those beside them that undo them. */
function listFiles(
  { migrations }: LoadedMigrations,
  squashed: ReadonlySet<string>,
): string[] {
  return migrations.filter((one) => squashed.has(one.name))
    .flatMap(({ name, rollback }) =>
      rollback === null || rollback.file === name ? [name] : [name, rollback.file]
    );
}
