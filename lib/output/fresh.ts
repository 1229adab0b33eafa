/** What `fresh` does and prints. @module */

import type { FreshResult } from "../operations/fresh.ts";
import type { MigrateResult } from "../operations/migrate.ts";
import {
  type Asking,
  type Flag,
  type GlobalFlags,
  guardConcerns,
  type Report,
  type Run,
  toResultCode,
  waiting,
} from "./actions.ts";
import { type Around, around, type AroundFlags } from "./around.ts";
import { confirmDestruction, confirmRemoval } from "./confirm.ts";
import { leaveOutStatements } from "./documents.ts";
import { formatMigrate } from "./migrate.ts";
import { line } from "./neutral.ts";
import { formatUndone } from "./rollback.ts";
import { formatSeeds } from "./seed.ts";
import { formatMessages, formatNotices } from "./text.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `fresh`. */
export interface FreshFlags extends GlobalFlags, Asking, AroundFlags {
  dropSchema?: Flag;
  seed?: Flag;
}

/** What `fresh` does, with what is to happen around it. */
export async function fresh(run: Run, flags: FreshFlags): Promise<Report<JsonDocuments["fresh"]>> {
  return await around(run, flags, "fresh", (given) => freshOnly(run, flags, given));
}

async function freshOnly(
  run: Run,
  flags: FreshFlags,
  given: Around,
): Promise<Report<JsonDocuments["fresh"]>> {
  const { migrator, reporter, projects } = run;
  const wait = waiting(flags);
  reporter.say("🔥 Fresh migration (WARNING: This will reset the database)\n");
  const result = await migrator.fresh({
    ...wait,
    dropSchema: !!flags.dropSchema,
    seed: !!flags.seed,
    ...(flags.yes ? {} : {
      confirmRemoval: (objects) => confirmRemoval(reporter, objects),
      confirm: () =>
        confirmDestruction(
          migrator.target,
          reporter,
          "This will DESTROY all data and rebuild the database.",
        ),
    }),
    ...guardConcerns(run, flags),
    ...given,
  });
  if (result.success) await projects.remember();
  const { migrated, seeded } = result;
  return {
    result: { ...result, migrated: migrated && leaveOutStatements(migrated, flags) },
    text: [
      formatFresh(result, reporter.isBrief),
      ...(seeded === null ? [] : ["", formatSeeds(seeded)]),
    ]
      .join("\n"),
    code: toResultCode(result),
  };
}

/** How `fresh` ended; what it does was said while it ran. */
export function formatFresh(result: FreshResult, isBrief = false): string {
  const { migrated } = result;
  if (migrated === null) {
    return result.interrupted
      ? `⏹️  Interrupted: ${result.rolledBack.length} migrations were rolled back, nothing was applied`
      : formatUndone(result.rolledBack, result.rolledBack.length, isBrief).join("\n");
  }
  if (!migrated.success) {
    return [formatMigrate(migrated, isBrief), ...adviseAfterDrop(result.dropped, migrated)].join(
      "\n",
    );
  }
  return [
    "✅ Migration completed successfully!",
    `📊 Batch: ${migrated.batchNumber ?? 0}`,
    `📈 Migrations run: ${migrated.migrationsRun}`,
    ...migrated.results.flatMap((item) =>
      item.messages.length === 0 ? [] : [line`  ✅ ${item.name}`, ...formatMessages(item)]
    ),
    ...migrated.results.flatMap(formatNotices),
  ].join("\n");
}

/** What was dropped stays dropped, whatever became of the migrations. */
function adviseAfterDrop(dropped: readonly string[], migrated: MigrateResult): string[] {
  if (dropped.length === 0) return [];
  return [
    "",
    "The application's schemas were emptied before that. Since then " +
    `${migrated.migrationsRun} of ${migrated.planned.length} migrations were applied.`,
    "💡 Where it failed on something that was there before, such as what a DO block makes, drop " +
    'that in the SQL editor and run "supamigrate migrate", which applies the rest',
  ];
}
