/** Takes over what another tool has applied, without running it. @module */

import { describeLeftOut, keepLedger, refuseUnwritable } from "./ledger.ts";
import type { AdoptedFile, FoundHistory } from "../adoption/histories.ts";
import type { ToolName } from "../adoption/history.ts";
import { nameSome } from "../doctor/check.ts";
import { ConfigurationError } from "../errors.ts";
import { comparisonBy } from "../planning/order.ts";
import { findLastBatch, isApplied } from "../planning/plan.ts";
import { toRecord } from "./baseline.ts";
import { type Concern, createTeller, describeSecrets, toConcerns } from "./concerns.ts";
import { type OperationContext, withLock } from "./context.ts";
import { matchFiles, readHistories, type ReadHistory } from "./other_histories.ts";
import { findStored } from "./secrets.ts";
import { refuseUnvouched } from "./vouched.ts";

/** Options of `adopt`. */
export interface AdoptOptions {
  /** Whose history to take over, where there are several. */
  readonly from?: ToolName;
  /**
   * Drizzle's own folder, where its files were copied into another one: the journal in it says
   * which migration a row is. The folder of the migrations by default.
   */
  readonly files?: string;
  /** Looks and changes nothing. */
  readonly dryRun?: boolean;
  /** Asked before anything is recorded. Without it nothing is asked. */
  readonly confirm?: (plan: AdoptPlan) => Promise<boolean>;
  /** Asked before rollback SQL is stored that holds what can only be a key. */
  readonly confirmConcerns?: (concerns: readonly Concern[]) => Promise<boolean>;
}

/** A file that is recorded as applied. */
export interface AdoptedMigration {
  /** The file. */
  readonly name: string;
  /** What the other tool calls it. */
  readonly label: string;
  /** When the other tool has applied it; null where it does not say. */
  readonly appliedAt: string | null;
  /** Whether the file says what was run; null where the other tool keeps nothing to tell it by. */
  readonly saysTheSame: boolean | null;
}

/** What there is to adopt. */
export interface AdoptPlan {
  /** The history, or null where the database has none of another tool. */
  readonly history: FoundHistory | null;
  /** What is to be recorded as applied, in the order of the other history. */
  readonly adopted: readonly AdoptedMigration[];
  /** How many of the history's migrations are on record already. */
  readonly alreadyRecorded: number;
  /** What the history has and the folder has not. */
  readonly withoutFile: readonly string[];
  /** Files that the history does not have: the next `migrate` runs them. */
  readonly pending: readonly string[];
  /** Those of them that come before the last one that is applied. */
  readonly late: readonly string[];
  /** Doubts, a sentence each. */
  readonly warnings: readonly string[];
}

/** What `adopt` came to. */
export interface AdoptResult extends AdoptPlan {
  /** The batch they were recorded in, or null where nothing was. */
  readonly batchNumber: number | null;
  /** The plan was made and nothing else. */
  readonly dryRun: boolean;
}

/** A plan, and what is sent for it. */
interface ReadyPlan {
  readonly plan: AdoptPlan;
  readonly batch: number;
  readonly records: readonly Record<string, unknown>[];
  readonly concerns: readonly Concern[];
}

/**
 * Records what another tool has applied, in the order and with the dates of its history. Its own
 * tables stay as they are.
 *
 * @param context What the operation works with.
 * @param folder The folder of the migrations; null where they come from a record.
 * @param options Whose history, and what to ask before.
 * @returns What was found and recorded.
 * @throws {ConfigurationError} There are several histories, or one that is not applied cleanly.
 */
export async function adopt(
  context: OperationContext,
  folder: string | null,
  options: AdoptOptions = {},
): Promise<AdoptResult> {
  const { confirm, confirmConcerns, dryRun = false } = options;
  const files = await context.load();
  const { migrations, secrets, order } = files;
  const compare = comparisonBy(order);
  const tell = createTeller(context);
  return await withLock<ReadyPlan, AdoptResult>(context, {
    plan: async (state) => {
      refuseUnvouched(state, order);
      const applied = new Set(state.history.filter(isApplied).map(({ name }) => name));
      const batch = findLastBatch(state.history) + 1;
      const found = await readHistories(await context.connect());
      const history = chooseHistory(found, options.from);
      if (history === null) {
        const pending = migrations.map(({ name }) => name).filter((name) => !applied.has(name));
        const plan = { ...NOTHING, pending };
        return { plan, batch, records: [], concerns: [] };
      }
      const { tool, title, table, rows } = history;
      const journal = tool === "drizzle"
        ? await readJournal(options.files ?? folder, options.files !== undefined)
        : undefined;
      const { matched, withoutFile, ambiguous, unclean } = matchFiles(history, migrations, journal);
      if (unclean.length > 0) {
        throw new ConfigurationError(
          `The history of ${title} is not clean: ${
            unclean.slice(0, NAMED).map(({ label, says }) => `${label} ${says}`).join(", ")
          }`,
          { hint: `${history.format.mend} Then run supamigrate adopt again.`.trim() },
        );
      }
      if (ambiguous.length > 0) {
        const [{ label, files }] = ambiguous as [typeof ambiguous[number]];
        throw new ConfigurationError(
          `The history of ${title} has ${label}, and that could be ${files.join(" or ")}`,
          {
            hint: "Take the one out of the folder that is not applied, or give it its own number.",
          },
        );
      }
      const fresh = matched.filter(({ migration }) => !applied.has(migration.name));
      const names = new Set(matched.map(({ migration }) => migration.name));
      const pending = migrations.map(({ name }) => name)
        .filter((name) => !applied.has(name) && !names.has(name));
      const newest = [...names, ...applied].sort(compare).at(-1);
      const late = newest === undefined ? [] : pending.filter((name) => compare(name, newest) < 0);
      // What is adopted from that ledger is in it already, as the Supabase CLI wrote it.
      const ledger = keepLedger(tool === "supabase" ? "none" : context.ledger, state, files);
      if (fresh.length > 0) refuseUnwritable(ledger, state.ledger);
      const stored = findStored(secrets, fresh.map(({ migration }) => migration));
      const warnings = [
        ...describeDifferences(fresh, title),
        ...describeWithoutFile(withoutFile, title, tool),
        ...(late.length === 0 ? [] : [
          `${nameSome(late)} ${late.length === 1 ? "comes" : "come"} before ${newest}, and ` +
          `${title} has not applied ${late.length === 1 ? "it" : "them"}: the next migrate would`,
        ]),
        ...describeSecrets(stored),
        ...describeLeftOut(ledger, fresh.map(({ migration }) => migration.name)),
      ];
      tell(warnings);
      return {
        plan: {
          history: { tool, title, table, rows },
          adopted: fresh.map(toAdoptedMigration),
          alreadyRecorded: matched.length - fresh.length,
          withoutFile,
          pending,
          late,
          warnings,
        },
        batch,
        records: await Promise.all(fresh.map(async ({ migration, appliedAt }) => ({
          ...await toRecord(migration, batch, ledger, context.can),
          adopted_from: tool,
          executed_at: appliedAt,
        }))),
        concerns: toConcerns(stored.filter(({ certain }) => certain)),
      };
    },
    dryRun,
    unlessNeeded: ({ plan }) =>
      dryRun || plan.adopted.length === 0 ? { ...plan, batchNumber: null, dryRun } : undefined,
    confirm: async ({ plan, concerns }) =>
      (confirm === undefined || await confirm(plan)) &&
      (concerns.length === 0 || confirmConcerns === undefined || await confirmConcerns(concerns)),
    run: async (session, { plan, batch, records }) => {
      await session.perform("baseline", { migrations: records });
      return { ...plan, batchNumber: batch, dryRun };
    },
  });
}

/** How many a sentence names. */
const NAMED = 10;

const NOTHING: AdoptPlan = {
  history: null,
  adopted: [],
  alreadyRecorded: 0,
  withoutFile: [],
  pending: [],
  late: [],
  warnings: [],
};

function chooseHistory(
  found: readonly ReadHistory[],
  from: ToolName | undefined,
): ReadHistory | null {
  const candidates = from === undefined ? found : found.filter(({ tool }) => tool === from);
  const [first, second] = candidates;
  if (second !== undefined) {
    const named = candidates.map(({ title, table }) => `${table} of ${title}`).join(", ");
    throw new ConfigurationError(`The database has more than one history: ${named}`, {
      hint: new Set(candidates.map(({ tool }) => tool)).size === 1
        ? "Empty or drop the table that is not in use any more."
        : "Say which one counts: supamigrate adopt --from TOOL, with one of " +
          `${candidates.map(({ tool }) => tool).join(", ")}.`,
    });
  }
  if (first === undefined && from !== undefined) {
    throw new ConfigurationError(`The database has no history of ${from}`, {
      hint: found.length === 0
        ? "It has none of another tool that is known either."
        : `It has ${found.map(({ title, table }) => `one of ${title} in ${table}`).join(", ")}.`,
    });
  }
  return first ?? null;
}

function toAdoptedMigration(
  { migration: { name }, label, appliedAt, saysTheSame }: AdoptedFile,
): AdoptedMigration {
  return { name, label, appliedAt, saysTheSame };
}

function describeDifferences(adopted: readonly AdoptedFile[], title: string): string[] {
  return adopted.filter(({ saysTheSame }) => saysTheSame === false).map(({ migration: { name } }) =>
    `${name} does not say what ${title} has run: it is recorded as it stands in the folder now. ` +
    "Look at what was changed, and put it into a new migration where the database has not got it"
  );
}

function describeWithoutFile(
  withoutFile: readonly string[],
  title: string,
  tool: ToolName,
): string[] {
  if (withoutFile.length === 0) return [];
  const what = `${title} has applied what no file is there for: ${nameSome(withoutFile)}`;
  return [
    tool === "drizzle"
      ? `${what}. --files says where Drizzle's own folder is, with its journal`
      : what,
  ];
}

/** The names of Drizzle's migrations by the time that its history has of them. */
async function readJournal(
  folder: string | null,
  isNamed: boolean,
): Promise<ReadonlyMap<string, string>> {
  if (folder === null) return new Map();
  const { readFile } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const path = join(folder, "meta", "_journal.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (!isNamed && (error as { code?: string }).code === "ENOENT") return new Map();
    throw new ConfigurationError(`Cannot read "${path}": ${(error as Error).message}`, {
      hint: "Name Drizzle's own folder with --files, such as --files drizzle.",
      cause: error,
    });
  }
  try {
    const { entries } = JSON.parse(text) as { entries: { when: number; tag: string }[] };
    return new Map(entries.map(({ when, tag }) => [String(when), tag]));
  } catch (error) {
    throw new ConfigurationError(`Cannot read "${path}": ${(error as Error).message}`, {
      hint: "It is Drizzle's journal. Take it from the repository again.",
      cause: error,
    });
  }
}
