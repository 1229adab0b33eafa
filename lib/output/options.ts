/** Options that several commands have, each said once. @module */

/** The options, as cliffy takes them. */
export const SHARED = {
  after: ["--after <command:string>", "Run this after, with the result."],
  backup: ["--backup", "Make a backup before, and refuse to go on without one."],
  before: ["--before <command:string>", "Run this before; nothing is done where it fails."],
  cancelBlockers: [
    "--cancel-blockers <seconds:number>",
    "End sessions that keep a step waiting for this long, of the roles in --cancel-roles.",
  ],
  cancelRoles: ["--cancel-roles <names:string>", "Whose, with commas; never the platform's."],
  dryRun: ["--dry-run", "Show what would be done, and change nothing."],
  exclude: ["--exclude <patterns:string>", "But for objects like schema.name, with * and commas."],
  include: ["--include <patterns:string>", "Objects like schema.name alone, with * and commas."],
  noRenames: ["--no-renames", "Nothing was renamed."],
  onChange: [
    "--on-change <way:change>",
    "What to do with an applied migration that was changed (rerun).",
  ],
  outOfOrder: [
    "--out-of-order <way:late>",
    "What to do with a migration that comes before some that are applied (warn).",
  ],
  rename: ["--rename <pairs:string>", "What was renamed: schema.table.OLD=schema.table.NEW."],
  safetyCopy: [
    "--safety-copy <mode:copies>",
    "Keep the rows that are destroyed (auto: up to 1 GB).",
  ],
  shadow: [
    "--shadow <url:string>",
    "Make shadows on this PostgreSQL server, in databases of their own.",
  ],
  to: ["--to <name:string>", "Stop after this migration."],
  transaction: ["--transaction <mode:transaction>", "What is committed together (each)."],
  wait: ["--wait <seconds:number>", "Wait this long for another run."],
  yes: ["-y, --yes", "Do not ask."],
} as const;
