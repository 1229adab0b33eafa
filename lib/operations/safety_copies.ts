/** What is kept before it is destroyed, and put back by a rollback: the client's half. @module */

import { STATEMENTS } from "../database/channel.ts";
import { callReading } from "../database/state.ts";
import { ConfigurationError } from "../errors.ts";
import { formatBytes } from "../bytes.ts";
import type { Destroyed } from "../planning/destroyed.ts";
import type { Unkept } from "../planning/statements.ts";
import type { Statement, Step } from "../planning/step.ts";
import type { SafetyCopyMode } from "../safety_copy_modes.ts";
import type { OperationContext } from "./context.ts";

export type { SafetyCopyMode };

/** What an operation that may destroy rows is told of keeping them. */
export interface SafetyCopyOptions {
  /**
   * Whether the rows that are destroyed are kept in the schema `supamigrate_backup`: as long as their
   * tables come to no more than `safetyCopyMaxBytes` (`auto`, default), `always`, or `never`.
   */
  readonly safetyCopy?: SafetyCopyMode;
  /**
   * Asked where the tables come to more than that; with false nothing is done. Without it that is
   * refused.
   */
  readonly confirmCopies?: (survey: CopySurvey) => Promise<boolean>;
}

/** What copies would come to. */
export interface CopySurvey {
  /** The tables that rows would be kept of, the largest first. */
  readonly tables: readonly { readonly name: string; readonly bytes: number }[];
  /** How large they are together. */
  readonly bytes: number;
}

/** Rows that were kept before they were destroyed. */
export interface KeptRows {
  /** The copy's number, which `backups` goes by. */
  readonly id: number;
  /** The table that they were in. */
  readonly relation: string;
  /** The table that they are in now, in the schema `supamigrate_backup`. */
  readonly copy: string;
  /** How many. */
  readonly rows: number;
  /** A whole table, rows of one, columns of rows, or rows as they were before they may have changed. */
  readonly kind: "table" | "rows" | "values" | "state";
  /** The line of the statement; null for what a foreign key has done. */
  readonly line: number | null;
}

/** What a rollback has done with rows that were kept. */
export interface PutBack {
  /** The copy's number. */
  readonly id: number;
  /** The table. */
  readonly relation: string;
  /** The copy, which is gone where all of it is back. */
  readonly copy: string;
  /** How many rows were kept. */
  readonly rows: number;
  /** How many are back. */
  readonly putBack: number;
  /** Why that is not all; null where it is. */
  readonly reason: string | null;
}

/** Up to how many bytes of tables rows are kept of without asking. */
export const MOST_BYTES = 2 ** 30;

/** A migration or a rollback as far as this goes. */
interface Planned {
  readonly name: string;
  readonly statements: readonly Statement[];
  readonly steps: readonly Step[];
  readonly undo?: readonly Statement[] | null;
  readonly unkept: readonly Unkept[];
}

/** How many places a warning names. */
const NAMED = 5;

/**
 * Finds out what is to be kept, and whether that may be.
 *
 * @param context What the operation works with.
 * @param planned What is to be run.
 * @param options Whether anything is to be kept.
 * @returns The same, with what is to be kept alone; and what cannot be, a sentence each.
 * @throws {ConfigurationError} It is too large, and nobody has said yes.
 */
export async function planCopies<Plan extends Planned>(
  context: OperationContext,
  planned: readonly Plan[],
  { safetyCopy = context.safetyCopy ?? "auto", confirmCopies, dryRun }: SafetyCopyOptions & {
    readonly dryRun?: boolean;
  },
): Promise<{ readonly planned: Plan[]; readonly warnings: readonly string[] }> {
  if (safetyCopy === "never") return { planned: planned.map(withoutCopies), warnings: [] };
  const destroyed = planned.flatMap(({ statements, undo }) => [
    ...listDestroyed(undo ?? []),
    ...listDestroyed(statements),
  ]);
  const warnings = describeUnkept(planned);
  if (destroyed.length === 0) return { planned: [...planned], warnings };
  const found = await callReading(
    await context.connect(),
    STATEMENTS.surveyCopies,
    { destroyed, batched: findBatched(planned).flatMap(({ functions }) => functions) },
  ) as Survey;
  refuseVolatile(planned, new Set(found.volatile));
  const tables = found.tables.toSorted((a, b) => b.bytes - a.bytes);
  const survey = { tables, bytes: tables.reduce((sum, { bytes }) => sum + bytes, 0) };
  const most = context.safetyCopyMaxBytes ?? MOST_BYTES;
  if (safetyCopy === "auto" && survey.bytes > most && !dryRun) {
    if (confirmCopies === undefined) throw tooLarge(survey, most);
    if (!await confirmCopies(survey)) {
      throw new ConfigurationError("Not confirmed: nothing was changed");
    }
  }
  return {
    planned: [...planned],
    warnings: [
      ...warnings,
      ...(found.elsewhere.length === 0 ? [] : [
        `What is changed through ${found.elsewhere.join(", ")} is not kept: views and foreign ` +
        "tables have their rows elsewhere",
      ]),
      ...(found.keyless.length === 0 ? [] : [
        `What is overwritten in ${
          found.keyless.join(", ")
        } is kept, and not put back by rollback: ` +
        "there is no primary key that stays to tell the rows apart",
      ]),
      ...(found.lent.length === 0 ? [] : [
        `What is destroyed in ${
          found.lent.join(", ")
        } is kept, and rollback may be unable to put ` +
        "it back: the tables belong to somebody else",
      ]),
      ...(safetyCopy === "auto" && survey.bytes > most && dryRun
        ? [tooLarge(survey, most).message]
        : []),
    ],
  };
}

/** The reply of `supamigrate.survey_copies`. */
interface Survey extends Pick<CopySurvey, "tables"> {
  readonly elsewhere: readonly string[];
  readonly keyless: readonly string[];
  readonly lent: readonly string[];
  readonly volatile: readonly string[];
}

/** What batches choose the rows with that are kept. */
function findBatched(
  planned: readonly Planned[],
): { readonly name: string; readonly line: number; readonly functions: readonly string[] }[] {
  return planned.flatMap(({ name, steps }) =>
    steps.filter(({ batch }) => batch != null).flatMap(({ statements }) =>
      statements.flatMap(({ line, destroyed = [] }) =>
        destroyed.map((item) => ({
          name,
          line,
          functions: "functions" in item ? item.functions ?? [] : [],
        }))
      )
    )
  );
}

/** Of each range the rows are chosen twice: once to be kept, and once to be changed. */
function refuseVolatile(planned: readonly Planned[], volatile: ReadonlySet<string>): void {
  for (const { name, line, functions } of findBatched(planned)) {
    const called = functions.find((called) => volatile.has(called));
    if (called === undefined) continue;
    throw new ConfigurationError(
      `${name}:${line} The batch chooses its rows with ${called}(), which is volatile: others ` +
        "would be kept than are changed",
      {
        hint:
          "Mark the function STABLE if it is, choose the rows in another way, leave the comment " +
          "out, or run with --safety-copy never. Nothing was changed.",
      },
    );
  }
}

/** What statements destroy, and on which search_path its names are. */
function listDestroyed(
  statements: readonly Statement[],
): (Destroyed & { readonly path?: string })[] {
  let path: string | undefined;
  return statements.flatMap(({ sql, destroyed = [] }) => {
    const set = SEARCH_PATH.exec(sql)?.[1];
    if (set !== undefined) path = /^default$/i.test(set) ? undefined : set;
    return path === undefined ? destroyed : destroyed.map((item) => ({ ...item, path }));
  });
}

/** Names alone: what else it may be, nothing is known of. */
const SEARCH_PATH = /^set\s+(?:(?:session|local)\s+)?search_path\s*(?:=|\bto\b)\s*([\w"$, ]+)$/i;

/** The same, with nothing to be kept. */
export function withoutCopies<Plan extends Planned>(planned: Plan): Plan {
  const strip = ({ line, sql }: Statement): Statement => ({ line, sql });
  return {
    ...planned,
    statements: planned.statements.map(strip),
    steps: planned.steps.map((step) => ({ ...step, statements: step.statements.map(strip) })),
    ...(planned.undo ? { undo: planned.undo.map(strip) } : {}),
  };
}

function describeUnkept(planned: readonly Planned[]): string[] {
  const found = planned.flatMap(({ name, unkept }) =>
    unkept.map(({ line, says }) => `${name}:${line} ${says}`)
  );
  const left = found.length - NAMED;
  return left > 0 ? [...found.slice(0, NAMED), `… and ${left} more`] : found;
}

function tooLarge({ tables, bytes }: CopySurvey, most: number): ConfigurationError {
  const [largest] = tables;
  return new ConfigurationError(
    `The tables that rows are destroyed of come to ${formatBytes(bytes)} (${largest!.name}: ${
      formatBytes(largest!.bytes)
    }), and copies are made without asking up to ${formatBytes(most)}`,
    {
      hint:
        "Say --safety-copy always to have them kept in the database, or --safety-copy never if " +
        "they are in a backup. Nothing was changed.",
    },
  );
}

/** What a reply says was kept; nothing where the tool's SQL says nothing of it. */
export function toKept(kept: readonly KeptRows[] = []): KeptRows[] {
  return kept.map(({ id, relation, copy, rows, kind, line }) => ({
    id,
    relation,
    copy,
    rows,
    kind,
    line: line ?? null,
  }));
}

/** What a reply says was put back. */
export function toPutBack(
  results: readonly (Omit<PutBack, "putBack"> & { put_back: number })[] = [],
): PutBack[] {
  return results.map(({ id, relation, copy, rows, put_back, reason }) => ({
    id,
    relation,
    copy,
    rows,
    putBack: put_back,
    reason: reason ?? null,
  }));
}
