/** What is to be said of a plan before it is run, and of a failure after it. @module */

import type { DatabaseState } from "../database/state.ts";
import { nameSome } from "../doctor/check.ts";
import { ConfigurationError } from "../errors.ts";
import { comparisonBy, findOrderWarnings, isNumbered, type OrderBy } from "../planning/order.ts";
import {
  type HistoryEntry,
  inOrderOfApplication,
  type MigrationFailure,
  type MigrationPlan,
} from "../planning/plan.ts";
import type { LoadedMigrations } from "./source.ts";

/** What to do with a migration that comes before some that are applied. */
export type OutOfOrder = "apply" | "warn" | "refuse";

/** What the files are. */
type Files = Pick<LoadedMigrations, "migrations" | "order">;

/**
 * Finds the pending migrations that have no number in front of their names. Flyway's repeatable
 * ones are meant to have none.
 *
 * @param files The files.
 * @param plan What there is to do.
 */
export function findUnnumbered({ migrations }: Files, { pending }: MigrationPlan): string[] {
  const isFlyway = migrations.some(({ name }) => /^V\d/i.test(name));
  return pending.map(({ migration: { name } }) => name)
    .filter((name) => !isNumbered(name) && !(isFlyway && /^R__/i.test(name)));
}

/**
 * Says what is doubtful about which migrations there are to run, and in which order.
 *
 * @param files The files.
 * @param plan What there is to do.
 * @returns A sentence for each doubt; none where nothing is to be done.
 */
export function describeFiles(files: Files, plan: MigrationPlan): string[] {
  const pending = new Set(plan.pending.map(({ migration: { name } }) => name));
  const names = files.migrations.map(({ name }) => name);
  const unnumbered = findUnnumbered(files, plan);
  return [
    ...findOrderWarnings(names, files.order, (name) => pending.has(name)),
    ...(unnumbered.length === 0 ? [] : [
      `${nameSome(unnumbered)} ${
        unnumbered.length === 1 ? "has no number: it runs" : "have no numbers: they run"
      } after all that have one`,
    ]),
    ...plan.renamed.map(({ from, to }) =>
      `${to} is applied as ${from}, which is gone: it is not run again. Put it on record under its ` +
      `new name: supamigrate repair ${from} --renamed ${to}`
    ),
    ...plan.templates.map((name) =>
      `${name} is a template that nobody has filled in: it is not applied`
    ),
  ];
}

/**
 * Says which migrations are older than what is applied.
 *
 * @param plan What there is to do.
 * @param outOfOrder What is to be done with them.
 * @returns A sentence, or none.
 * @throws {ConfigurationError} There are some, and they are to be refused.
 */
export function reviewOrder(
  { outOfOrder: names, lastApplied }: MigrationPlan,
  outOfOrder: OutOfOrder = "warn",
): string[] {
  if (names.length === 0 || outOfOrder === "apply") return [];
  const many = names.length > 1;
  const come = `${nameSome(names)} ${
    many ? "come" : "comes"
  } before ${lastApplied}, which is applied`;
  if (outOfOrder === "refuse") {
    throw new ConfigurationError(come, {
      hint: `Give ${many ? "them later numbers" : "it a later number"}, or run with ` +
        "--out-of-order apply.",
    });
  }
  return [`${come}: ${many ? "they run" : "it runs"} after it all the same`];
}

/** What to do where the schema was changed beside the tool. */
export type OnDrift = "warn" | "error" | "ignore";

/**
 * Says which objects are not what they were when the last run ended.
 *
 * @param state What the database says.
 * @param pending What is to be applied.
 * @param onDrift What is to be done where there are some.
 * @returns A sentence, or none.
 * @throws {ConfigurationError} There are some, and something is pending, and `onDrift` is `error`.
 */
export function reviewSchema(
  { schema }: Pick<DatabaseState, "schema">,
  pending: MigrationPlan["pending"],
  onDrift: OnDrift = "warn",
): string[] {
  const changed = schema?.changed ?? [];
  if (changed.length === 0 || onDrift === "ignore") return [];
  const touched = changed.filter((name) =>
    pending.some(({ migration }) => namesObject(migration.forward.sql, name))
  );
  const says =
    `The schema was changed since the last run, not by supamigrate: ${nameSome(changed)}` +
    (touched.length === 0 ? "" : `; what is pending names ${nameSome(touched)}`);
  if (onDrift === "error" && pending.length > 0) {
    throw new ConfigurationError(says, {
      hint: "supamigrate drift shows what was done, and supamigrate pull NAME takes it into a " +
        "migration. To go on all the same, run with --on-drift warn. Nothing was changed.",
    });
  }
  return [`${says} (supamigrate drift shows it, pull takes it into a migration)`];
}

/** Whether SQL has the last part of an object's name in it: that of `app.f(integer)` is `f`. */
function namesObject(sql: string, name: string): boolean {
  const [last = name] = /("(?:[^"]|"")+"|[^\s."()]+)(?=\(|$)/.exec(name) ?? [];
  const own = last.replace(/^"|"$/g, "").replaceAll('""', '"')
    .replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(`(?<![\\w$])${own}(?![\\w$])`, "i").test(sql);
}

/**
 * Says what becomes of applied migrations that were changed.
 *
 * @param plan What there is to do.
 * @param redo Whether the applied versions are undone first.
 * @param history What is applied.
 * @param order What decides the order of names.
 * @returns A sentence each.
 */
export function describeChanges(
  { pending }: MigrationPlan,
  redo: boolean,
  history: readonly HistoryEntry[],
  order: OrderBy,
): string[] {
  const changed = pending.flatMap(({ applied }) => applied === null ? [] : [applied.name]);
  if (!redo) {
    return changed.map((name) =>
      `${name} was applied, and its statements were changed since: it runs again as it is now ` +
      "(--on-change redo undoes the applied version first, --on-change error refuses)"
    );
  }
  const applied = inOrderOfApplication(history, order).map(({ name }) => name);
  return changed.flatMap((name) => {
    const later = applied.slice(applied.indexOf(name) + 1);
    return later.length === 0 ? [] : [
      `${name} is undone and applied again beneath ${nameSome(later)}: where ` +
      `${later.length === 1 ? "that is" : "those are"} built on it, undoing it fails, or takes ` +
      "that along",
    ];
  });
}

/** SQLSTATEs of what is not there, which may be there later. */
const MISSING = new Set(["42P01", "42703", "42704", "42883", "3F000", "42P02", "23503"]);

/**
 * Says what to do about a failure where that is not to mend the file.
 *
 * @param results How the migrations ended.
 * @param files The files.
 * @param plan What there was to do.
 * @param redo Whether applied versions were undone first.
 * @returns A sentence, or null.
 */
export function adviseOnFailure(
  results: readonly { readonly name: string; readonly error: MigrationFailure | null }[],
  files: Files,
  { pending }: MigrationPlan,
  redo: boolean,
): string | null {
  const failed = results.find(({ error }) => error !== null);
  if (failed === undefined) return null;
  const planned = pending.find(({ migration: { name } }) => name === failed.name);
  if (!redo && planned !== undefined && planned.applied !== null) {
    return `${failed.name} was applied before, with other statements, and ran again as it is now. ` +
      "Run with --on-change redo, which undoes the applied version first; or put the file back, " +
      "and the change into a new migration";
  }
  if (!MISSING.has(failed.error!.code)) return null;
  const other = files.order === "name" ? "number" : "name";
  const [here, there] = [comparisonBy(files.order), comparisonBy(other)];
  const earlier = pending.map(({ migration: { name } }) => name)
    .filter((name) => here(name, failed.name) > 0 && there(name, failed.name) < 0);
  if (earlier.length === 0) return null;
  return `By ${other}, ${nameSome(earlier)} ${
    earlier.length === 1 ? "comes" : "come"
  } before it: ` +
    `where that makes what is missing, run with --order ${other}`;
}
