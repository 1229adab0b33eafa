/**
 * What the actions of commands have in common: each calls one function of a migrator with what its
 * flags say, and returns what is to be printed. Each command has a file of its own beside this one.
 *
 * @module
 */

import type { AroundSettings } from "../around_settings.ts";
import type { Via } from "../database/channel.ts";
import { ConfigurationError } from "../errors.ts";
import type { Migrator, MigratorOptions } from "../migrator.ts";
import type { CancelBlockers } from "../operations/cancel_blockers.ts";
import type { Concern } from "../operations/concerns.ts";
import type { SafetyCopyMode, SafetyCopyOptions } from "../operations/safety_copies.ts";
import type { LedgerMode } from "../planning/ledger.ts";
import type { MigrationFailure } from "../planning/plan.ts";
import type { OrderBy } from "../planning/order.ts";
import { confirmConcerns } from "./confirm.ts";
import { EXIT_CODES } from "./errors.ts";
import type { ProjectMemory } from "./known_projects.ts";
import type { Reporter } from "./terminal.ts";

/** A flag without a value. */
export type Flag = boolean | undefined;

/** The flags that every command has. */
export interface GlobalFlags {
  dir?: string;
  embedded?: string | true;
  via?: Via;
  order?: OrderBy;
  ledger?: LedgerMode | true;
  envFile?: string;
  allowHttp?: Flag;
  shadow?: string | boolean;
  lockTimeout?: string;
  lockRetries?: number;
  statementTimeout?: string;
  json?: Flag;
  verbose?: Flag;
  quiet?: Flag;
  color?: boolean;
}

/** The flags of commands that may ask, or wait for another run. */
export interface Asking {
  yes?: Flag;
  wait?: number;
}

/** What an action works with. */
export interface Run {
  migrator: Migrator;
  reporter: Reporter;
  /** Asked before a command changes another project than before, unless its name is typed anyway. */
  projects: ProjectMemory;
  /** What the migrator was made of. */
  options: MigratorOptions;
  /** The folder of the migrations. */
  folder: string;
  /** The way to the project's folder. */
  root: string;
  /** What settings say of what happens around a run. */
  around: AroundSettings;
  /** Which setting names the project, and where it stands; null for the embedded database. */
  namedBy: string | null;
}

/** What an action came to. */
export interface Report<Result = unknown> {
  /** For programs. */
  result: Result;
  /** For people. */
  text: string;
  /** 0 where it is left out. */
  code?: number;
}

/** Seconds of `--wait` as milliseconds. */
export function waiting({ wait = 0 }: Asking): { waitMs: number } {
  if (!(wait >= 0 && wait <= 86_400)) {
    throw new ConfigurationError(
      `--wait has to be a number of seconds from 0 to 86400, not ${wait}`,
    );
  }
  return { waitMs: wait * 1000 };
}

/** The flags of commands that may end what keeps them waiting. */
export interface CancelFlags {
  cancelBlockers?: number;
  cancelRoles?: string;
}

/** Whose sessions may be ended: what asks about it is loaded where somebody wants it. */
export async function readCancelFlags(
  reporter: Reporter,
  flags: CancelFlags & Asking & { dryRun?: Flag },
): Promise<{ cancelBlockers?: CancelBlockers }> {
  if (flags.cancelBlockers === undefined && flags.cancelRoles === undefined) return {};
  return await (await import("./cancel.ts")).readCancelBlockers(reporter, flags);
}

/** Anything may go into the embedded database, which nobody else has, but not twice. */
export function guardConcerns({ migrator: { target }, reporter }: Run, { yes }: Asking) {
  if (yes) return {};
  return {
    confirmConcerns: (found: readonly Concern[]) => {
      const asked = target.kind !== "embedded"
        ? found
        : found.filter(({ about }) => about === "applied elsewhere");
      return confirmConcerns(target, reporter, asked);
    },
  };
}

/** Keeping more than goes without asking is asked about, on a terminal. */
export function guardCopies(
  { reporter }: Run,
  { safetyCopy, yes }: Asking & { safetyCopy?: SafetyCopyMode },
): SafetyCopyOptions {
  return {
    ...(safetyCopy === undefined ? {} : { safetyCopy }),
    ...(yes ? {} : {
      confirmCopies: async (survey) => (await import("./kept.ts")).confirmCopies(reporter, survey),
    }),
  };
}

/** Shows in a pull request what failed, at its line; of what was stored no line is in a file. */
export function annotateFailures(
  reporter: Reporter,
  results: readonly {
    readonly name: string;
    readonly source?: "file" | "stored";
    readonly error: MigrationFailure | null;
  }[],
): void {
  for (const { name, source, error } of results) {
    if (error === null) continue;
    const { code, message, line, place, part } = error;
    const isStored = source === "stored" || part === "undo";
    reporter.annotate(`${message} (${code})`, {
      file: isStored ? name : place?.file ?? name,
      ...(isStored || line === undefined ? {} : { line }),
      ...(isStored || place === undefined ? {} : { column: place.column }),
    });
  }
}

/** The exit code of a run. */
export function toResultCode(result: { success: boolean; interrupted: boolean }): number {
  if (result.interrupted) return EXIT_CODES.interrupted;
  return result.success ? EXIT_CODES.done : EXIT_CODES.failed;
}
