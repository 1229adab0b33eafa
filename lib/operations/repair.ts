/** Mends one row of the history. @module */

import { ConfigurationError } from "../errors.ts";
import { comparisonBy, findMigration } from "../planning/order.ts";
import {
  findLastBatch,
  type HistoryEntry,
  isApplied,
  type Migration,
  type MigrationStatus,
  saysTheSame,
} from "../planning/plan.ts";
import type { Abilities } from "../planning/session_settings.ts";
import { toRecord } from "./baseline.ts";
import { createTeller, describeSecrets } from "./concerns.ts";
import { type OperationContext, withLock } from "./context.ts";
import {
  keepLedger,
  type Ledger,
  type LedgerPart,
  listStatements,
  refuseUnwritable,
} from "./ledger.ts";
import { findStored } from "./secrets.ts";

/** What a migration is on record as: how its last attempt ended, or nothing at all. */
export type RecordedAs = MigrationStatus | "completed with other content" | "not recorded";

/** Options of `repair`. */
export interface RepairOptions {
  /** What to record the migration as. */
  readonly mark?: "applied" | "pending";
  /** Instead of `mark`: the file that is the migration under its new name. */
  readonly renamed?: string;
  /** Told what the row is and what it will be, before it is changed; false leaves it. */
  readonly confirm?: (change: RepairChange) => Promise<boolean>;
}

/** What `repair` changes. */
export interface RepairChange {
  /** The migration's name. */
  readonly name: string;
  /** What the history says. */
  readonly before: RecordedAs;
  /** What it will say. */
  readonly after: RecordedAs;
  /** The name that it has from now on, where that is another one. */
  readonly renamedTo?: string;
}

/**
 * Mends one row of the history, and runs nothing.
 *
 * @param context What the operation works with.
 * @param query The migration: its name, or a unique beginning of it.
 * @param options What to record it as.
 * @returns What was changed.
 * @throws {ConfigurationError} There is no such migration, or no file to take its content from.
 */
export async function repair(
  context: OperationContext,
  query: string,
  options: RepairOptions,
): Promise<RepairChange> {
  const { confirm, mark, renamed } = options;
  if ((mark === undefined) === (renamed === undefined)) {
    throw new ConfigurationError("What the migration is to be on record as is not clear", {
      hint:
        "Say --mark applied or --mark pending; or --renamed NEW, where it has another name now.",
    });
  }
  if (renamed !== undefined) return await repairName(context, query, renamed, confirm);
  const files = await context.load();
  const { migrations, secrets, order } = files;
  const tell = createTeller(context);
  return await withLock<
    RepairChange & { migration: Record<string, unknown>; needed: boolean },
    RepairChange
  >(context, {
    plan: async (state) => {
      const { history, unrecorded } = state;
      const known = [...migrations, ...history].map(({ name }) => name);
      const names = [...new Set([...known, ...unrecorded])];
      const name = findMigration(query, names.sort(comparisonBy(order)));
      const file = migrations.find((migration) => migration.name === name);
      const entry: HistoryEntry | undefined = history.find((row) => row.name === name);
      if (mark === "applied" && file === undefined) {
        throw new ConfigurationError(`Cannot record ${name} as applied: its file is gone`, {
          hint: "Put the file back, or record it as pending.",
        });
      }
      // Told, not asked about: what mends a broken history at night is not to be in the way.
      if (mark === "applied") tell(describeSecrets(findStored(secrets, [file!])));
      const batch = isApplied(entry) ? entry.batch : findLastBatch(history) + 1;
      const ledger = keepLedger(context.ledger, state, files);
      refuseUnwritable(ledger, state.ledger);
      return {
        name,
        before: describeRow(entry, file),
        after: mark === "applied" ? "completed" : "not recorded",
        migration: mark === "applied"
          ? await toRecord(file!, batch, ledger, context.can)
          : { name, ...ledger.remove(name) },
        needed: mark === "applied"
          ? entry?.appliedChecksum !== file!.checksum || entry.status !== "completed" ||
            !entry.vouched
          : entry !== undefined || unrecorded.includes(name),
      };
    },
    unlessNeeded: ({ name, before, after, needed }) => needed ? undefined : { name, before, after },
    confirm: confirm && (({ name, before, after }) => confirm({ name, before, after })),
    run: async (session, { name, before, after, migration }) => {
      await session.perform("repair", { mark, migration });
      return { name, before, after };
    },
  });
}

/** Puts an applied migration on record under the name that its file has now. */
async function repairName(
  context: OperationContext,
  query: string,
  renamed: string,
  confirm: RepairOptions["confirm"],
): Promise<RepairChange> {
  const files = await context.load();
  const { migrations, order } = files;
  const to = findMigration(renamed, migrations.map(({ name }) => name));
  const file = migrations.find(({ name }) => name === to)!;
  const change = (entry: HistoryEntry): RepairChange => ({
    name: entry.name,
    before: entry.status,
    after: saysTheSame(file, entry) ? entry.status : "completed with other content",
    renamedTo: to,
  });
  return await withLock<{ entry: HistoryEntry; part: LedgerPart }, RepairChange>(context, {
    plan: async (state) => {
      const { history } = state;
      const applied = history.filter(isApplied).map(({ name }) => name).sort(comparisonBy(order));
      const name = findMigration(query, applied, "applied migration");
      if (migrations.some((migration) => migration.name === name)) {
        throw new ConfigurationError(`${name} has no other name: its file is there`);
      }
      if (applied.includes(to)) {
        throw new ConfigurationError(`${to} is on record itself`, {
          hint: `If ${name} is another migration, put its file back, or record it as pending.`,
        });
      }
      const entry = history.find((entry) => entry.name === name)!;
      const ledger = keepLedger(context.ledger, state, files);
      refuseUnwritable(ledger, state.ledger);
      return { entry, part: await renameInLedger(ledger, entry.name, file, context.can) };
    },
    confirm: confirm && (({ entry }) => confirm(change(entry))),
    run: async (session, { entry, part }) => {
      await session.perform("repair", {
        mark: "renamed",
        migration: { name: entry.name, new_name: to, ...part },
      });
      return change(entry);
    },
  });
}

/** The version of the old name goes, and that of the new one comes. */
async function renameInLedger(
  ledger: Ledger,
  from: string,
  file: Migration,
  can: Abilities,
): Promise<LedgerPart> {
  if (ledger.names === null) return {};
  const recorded = ledger.record(file.name, await listStatements(file, can)).ledger;
  const removed = ledger.remove(from).ledger;
  return recorded || removed ? { ledger: { ...recorded, ...removed } } : {};
}

function describeRow(entry: HistoryEntry | undefined, file: Migration | undefined): RecordedAs {
  if (entry === undefined) return "not recorded";
  const changed = entry.status === "completed" && file !== undefined && !saysTheSame(file, entry);
  return changed ? "completed with other content" : entry.status;
}
