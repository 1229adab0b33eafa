/** What `plan` does, and what it prints. @module */

import { ConfigurationError } from "../errors.ts";
import type { MigrateOptions } from "../operations/migrate.ts";
import { type PlanOptions, refuseToOverwrite, writePlanFile } from "../operations/plan.ts";
import type { PlanFile } from "../operations/plan_file.ts";
import {
  type Asking,
  type Flag,
  type GlobalFlags,
  guardConcerns,
  type Report,
  type Run,
} from "./actions.ts";
import { confirmUndo } from "./confirm.ts";
import { line } from "./neutral.ts";
import { formatPlanMarkdown } from "./plan_markdown.ts";
import { canAsk } from "./prompt.ts";
import { formatPlannedMigrations } from "./migrate.ts";
import { formatTarget } from "./text.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `plan`. */
export interface PlanFlags extends GlobalFlags, Asking {
  to?: string;
  transaction?: NonNullable<MigrateOptions["transaction"]>;
  onChange?: NonNullable<MigrateOptions["onChange"]>;
  outOfOrder?: NonNullable<MigrateOptions["outOfOrder"]>;
  out?: string;
  locks?: Flag;
  format?: "text" | "json" | "markdown";
}

/** What of the flags goes into a plan. */
export function toPlanningOptions(
  { to, transaction, onChange, outOfOrder }: Pick<
    PlanFlags,
    "to" | "transaction" | "onChange" | "outOfOrder"
  >,
): Pick<MigrateOptions, "to" | "transaction" | "onChange" | "outOfOrder"> {
  return {
    ...(to === undefined ? {} : { to }),
    ...(transaction === undefined ? {} : { transaction }),
    ...(onChange === undefined ? {} : { onChange }),
    ...(outOfOrder === undefined ? {} : { outOfOrder }),
  };
}

/**
 * Makes a plan, shows it, and writes it down where that is asked for.
 *
 * @param run What actions work with.
 * @param flags The flags.
 */
export async function plan(run: Run, flags: PlanFlags): Promise<Report<JsonDocuments["plan"]>> {
  const { migrator, reporter, namedBy } = run;
  const { out, format = "text" } = flags;
  if (flags.json && format === "markdown") {
    throw new ConfigurationError("--json and --format markdown exclude each other");
  }
  if (out !== undefined) await refuseToOverwrite(out);
  reporter.say(formatTarget(migrator.target, namedBy));
  const result = await migrator.plan({
    ...toPlanningOptions(flags),
    locks: !!flags.locks,
    accept: accepting(run, flags),
  });
  if (out !== undefined) await writePlanFile(out, result);
  // Standard output is the comment, and nothing else.
  if (format === "markdown") reporter.passOn("out", formatPlanMarkdown(result));
  return {
    result,
    text: format === "markdown" ? "" : [
      formatPlan(result, out, !!flags.verbose),
      ...(result.locks === null
        ? []
        : (await import("./locks.ts")).formatLocks(result.locks, !!flags.verbose)),
    ].join("\n"),
  };
}

/** Where nobody can be asked, the plan says yes to nothing: `migrate` asks then. */
function accepting(run: Run, flags: PlanFlags): NonNullable<PlanOptions["accept"]> {
  const { confirmConcerns } = guardConcerns(run, flags);
  return async (concerns, undone) => {
    if (confirmConcerns === undefined) return true;
    if (!await canAsk()) return false;
    if (undone.length > 0 && !await confirmUndo(run.migrator.target, run.reporter, undone)) {
      return false;
    }
    return concerns.length === 0 || await confirmConcerns(concerns);
  };
}

function formatPlan(plan: PlanFile, out: string | undefined, verbose: boolean): string {
  const { migrations, refreshed, concerns, accepted } = plan;
  const destroyed = migrations.flatMap(({ name, steps, undo }) =>
    [...undo ?? [], ...steps.flatMap(({ statements }) => statements)].flatMap((statement) =>
      statement.destroys === undefined
        ? []
        : [line`🔥 ${name}:${statement.line} ${statement.destroys}`]
    )
  );
  const refresh = [...refreshed.rollbacks, ...refreshed.checksums].map((name) =>
    line`♻️  ${name}: its record would be brought up to date`
  );
  return [
    formatPlannedMigrations(migrations, verbose, "🔍 Plan only: nothing was changed"),
    ...refresh,
    ...destroyed,
    ...(concerns.length === 0 || accepted
      ? []
      : ["❓ migrate asks about what can only be a key, and the like: --yes says yes in the plan"]),
    ...(out === undefined ? ["💡 --out FILE writes it down, to be run as it is"] : [
      line`📝 Wrote ${out}`,
      line`💡 Run it with "supamigrate migrate --plan ${out}": where anything has changed, that is refused`,
    ]),
  ].join("\n");
}
