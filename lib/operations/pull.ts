/** Takes what was done to a project by hand into a migration, which is recorded as applied. @module */

import { explaining } from "../database/explain.ts";
import { nameSome } from "../doctor/check.ts";
import { ConfigurationError, UnknownOutcomeError } from "../errors.ts";
import type { DiscoveryOptions } from "../planning/discovery.ts";
import { findLastBatch, isApplied, type Migration } from "../planning/plan.ts";
import { type Catalogue, readCatalogue } from "../schema/catalogue.ts";
import { compareExtras, compareSchemas } from "../schema/compare.ts";
import type { SchemaDifference } from "../schema/describe.ts";
import type { Selection } from "../schema/select.ts";
import { toRecord } from "./baseline.ts";
import {
  capture,
  type Captured,
  prove,
  readWritten,
  type Renamed,
  type RenameOptions,
} from "./capture.ts";
import { createTeller } from "./concerns.ts";
import { type OperationContext, withLock } from "./context.ts";
import {
  draftMigration,
  type MigrationDraft,
  type NewSections,
  removeDraft,
  writeDraft,
} from "./create.ts";
import { describeLeftOut, keepLedger, refuseUnwritable } from "./ledger.ts";
import { changesDefaults, findApplied, makeShadow, type ShadowSource } from "./shadow.ts";
import { loadIfAny } from "./source.ts";
import { refuseUnvouched } from "./vouched.ts";

/** Options of `pull`. */
export interface PullOptions extends Selection, RenameOptions {
  /** Shows what would be written, and changes nothing. */
  readonly dryRun?: boolean;
  /** Asked before anything is written. Without it nothing is asked. */
  readonly confirm?: (plan: WrittenMigration) => Promise<boolean>;
}

/** A migration that was made of a difference, and proved. */
export interface WrittenMigration {
  /** The file's name; null where there is nothing to write. */
  readonly name: string | null;
  /** What is in it. */
  readonly text: string | null;
  /** What undoes it, where that is a file of its own in `rollback/`; null where it is a section. */
  readonly rollbackText: string | null;
  /** How many statements its forward section has. */
  readonly statements: number;
  /** What it renames. */
  readonly renamed: readonly Renamed[];
  /** What it changes besides, by schema and name. */
  readonly differences: readonly Omit<SchemaDifference, "keys">[];
  /** What the reader should know, a sentence each. */
  readonly warnings: readonly string[];
}

/** What `pull` came to. */
export interface PullResult extends WrittenMigration {
  /** The file's absolute path; null where none was written. */
  readonly path: string | null;
  /** The batch that it is recorded in; null where none was written. */
  readonly batchNumber: number | null;
  /** Only shown. */
  readonly dryRun: boolean;
}

/** Where the new file goes. */
export interface FilePlace extends DiscoveryOptions {
  /** The folder of the migrations. */
  readonly folder: string;
}

/**
 * Writes what differs between a project and what its migrations make as a new migration, forward and
 * back, and records it as applied. Nothing is written before it was proved on a shadow: with it, the
 * migrations make what is there; rolled back, what they made before.
 *
 * @param context What the operation works with.
 * @param place Where the file goes.
 * @param name What to call it.
 * @param options What of the difference, and what was renamed.
 * @returns The migration.
 * @throws {ConfigurationError} The difference cannot be written, or was not proved.
 */
export async function pull(
  context: OperationContext,
  { folder, ...discovery }: FilePlace,
  name: string,
  options: PullOptions = {},
): Promise<PullResult> {
  const { dryRun = false, confirm } = options;
  const now = new Date();
  const { files, found } = await loadIfAny(folder, discovery, context.load);
  const draft = (sections: NewSections) =>
    draftMigration(found, name, sections, { now, description: "What was done by hand" });
  draft({ forward: "", rollback: "" }); // a name that is not fit is told at once
  const channel = explaining(await context.connect());
  const readLive = () => readCatalogue((sql) => channel.run(sql));
  const tell = createTeller(context);
  let live: Catalogue;

  return await withLock<PullPlan, PullResult>(context, {
    plan: async (state) => {
      refuseUnvouched(state, files.order);
      const { migrations: base, doubts } = findApplied(files, state);
      live = await readLive();
      const written = await writeLive(context, base, live, options, draft);
      if (written === null) return { ...NOTHING, warnings: doubts };
      const { captured, drafted, migration } = written;
      await prove(context, base, migration, captured, live);

      const all = { ...files, migrations: [...files.migrations, migration] };
      const ledger = keepLedger(context.ledger, state, all);
      refuseUnwritable(ledger, state.ledger);
      const batch = findLastBatch(state.history) + 1;
      const applied = new Set(state.history.filter(isApplied).map(({ name }) => name));
      const warnings = [
        ...doubts,
        ...captured.warnings,
        ...describePending(
          files.migrations.filter((one) => !one.isTemplate && !applied.has(one.name)),
        ),
        ...describeLeftOut(ledger, [drafted.name]),
      ];
      tell(warnings);
      return {
        written: toWritten(drafted, captured, warnings),
        record: await toRecord(migration, batch, ledger, context.can),
        batch,
        warnings,
      };
    },
    dryRun,
    unlessNeeded: ({ written, warnings }) =>
      written === null
        ? { ...NOTHING_WRITTEN, warnings, dryRun }
        : dryRun
        ? { ...written, path: null, batchNumber: null, dryRun }
        : undefined,
    confirm: confirm && (({ written }) => confirm(written!)),
    run: async (session, { written, record, batch }) => {
      refuseChanged(live, await readLive());
      const files = await writeDraft(folder, {
        name: written!.name!,
        text: written!.text!,
        rollbackText: written!.rollbackText,
      });
      try {
        await session.perform("baseline", { migrations: [record] });
      } catch (error) {
        // Where it may be recorded, the file has to be there.
        if (!(error instanceof UnknownOutcomeError)) await removeDraft(files);
        throw error;
      }
      return { ...written!, path: files.path, batchNumber: batch, dryRun };
    },
  });
}

interface PullPlan {
  readonly written: WrittenMigration | null;
  readonly record: Record<string, unknown>;
  readonly batch: number;
  readonly warnings: readonly string[];
}

const NOTHING: Omit<PullPlan, "warnings"> = { written: null, record: {}, batch: 0 };

const NOTHING_WRITTEN: Omit<PullResult, "warnings" | "dryRun"> = {
  name: null,
  text: null,
  rollbackText: null,
  statements: 0,
  renamed: [],
  differences: [],
  path: null,
  batchNumber: null,
};

/** What was captured, as a migration. */
interface WrittenLive {
  readonly captured: Captured;
  readonly drafted: MigrationDraft;
  readonly migration: Migration;
}

/**
 * Writes what a project has as a migration; null where there is nothing to write.
 *
 * Where that is the first one that changes default privileges, those that the project has now are not
 * those that it was made with: they belong to what is written.
 */
async function writeLive(
  source: ShadowSource,
  base: readonly Migration[],
  live: Catalogue,
  options: PullOptions,
  draft: (sections: NewSections) => MigrationDraft,
): Promise<WrittenLive | null> {
  const write = async (applied: readonly Migration[], options: PullOptions) => {
    await using shadow = await makeShadow(source, base, live, applied);
    const captured = await capture(shadow, { ...live, saysClosed: true }, options);
    if (captured === null) return null;
    const drafted = draft(captured);
    return { captured, drafted, migration: await readWritten(drafted) };
  };
  const first = await write(base, options);
  if (first === null || base.some(changesDefaults) || !changesDefaults(first.migration)) {
    return first;
  }
  const { renamed } = first.captured;
  return await write([...base, first.migration], { ...options, renames: renamed });
}

/**
 * Says of a migration that was written what the user wants to know.
 *
 * @param draft The file's name and its text.
 * @param captured What it is made of.
 * @param warnings What the reader should know.
 */
export function toWritten(
  draft: MigrationDraft,
  { statements, renamed, differences }: Captured,
  warnings: readonly string[],
): WrittenMigration {
  return { ...draft, statements, renamed, differences, warnings };
}

function describePending(pending: readonly Migration[]): string[] {
  if (pending.length === 0) return [];
  const names = nameSome(pending.map(({ name }) => name));
  return [
    `Pending here, and before the new one in the folder: ${names}. The new one was proved ` +
    "without them; where all of them are applied in the order of the folder, it comes last",
  ];
}

function refuseChanged(before: Catalogue, now: Catalogue): void {
  if (compareSchemas(before, now).length + compareExtras(before, now).length === 0) return;
  throw new ConfigurationError("The project was changed again while this was proved", {
    hint: "Nothing was written. Run the command again.",
  });
}
