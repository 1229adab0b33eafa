/** What is found in files besides what rules find: by discovery, by the parser, by planning. @module */

import { ALLOWANCE_CHECKS } from "./allowances.ts";
import type { Level } from "./finding.ts";

/** A kind of finding that no rule of its own looks for. */
export interface Check {
  readonly title: string;
  readonly level: Level;
  readonly reason: string;
  readonly remedy: string;
}

/** By code. What is told with a remedy of its own has that instead. */
export const CHECKS = {
  "file-unfit": {
    title: "A file can be read, and its parts told apart",
    level: "error",
    reason: "Nothing is sent while one of the files is unfit",
    remedy: "Mend the file.",
  },
  syntax: {
    title: "A file is SQL",
    level: "error",
    reason: "PostgreSQL cannot read it, and nothing of the migration is sent",
    remedy: "Mend the SQL.",
  },
  "cannot-run": {
    title: "A statement can be part of a migration",
    level: "error",
    reason: "It cannot be sent on any way to the database",
    remedy: "Leave it out.",
  },
  "other-way-only": {
    title: "A statement can be sent over the API alone",
    level: "warn",
    reason: "Over the API the migration is refused, before anything is sent",
    remedy: "Run the migration with --via direct.",
  },
  "planning-notice": {
    title: "A file does what it seems to do",
    level: "info",
    reason: "It is run in another way than it is written",
    remedy: "Read it once more.",
  },
  secret: {
    title: "A file holds no key and no password",
    level: "error",
    reason: "The server keeps that: statements in its logs, rollback SQL in the history",
    remedy:
      "Put keys into the vault by hand (vault.create_secret) and read vault.decrypted_secrets; " +
      "replace a key that was committed.",
  },
  "does-not-run": {
    title: "A migration runs on a shadow, after those before it",
    level: "error",
    reason: "It would fail on a project that has the other migrations alone",
    remedy: "Mend the file.",
  },
  "rollback-does-not-run": {
    title: "Its rollback runs there",
    level: "error",
    reason: "It could not be undone when that is needed",
    remedy: "Mend the ROLLBACK section.",
  },
  "does-not-run-again": {
    title: "It runs again after its rollback",
    level: "error",
    reason: "After a rollback it could not be applied any more",
    remedy: "Have the ROLLBACK section take back all that the migration does.",
  },
  "not-tried": {
    title: "All migrations are tried on the shadow",
    level: "info",
    reason: "They may need what a migration before them would have made",
    remedy: "Mend that one first.",
  },
  "order-doubtful": {
    title: "The order of the files is the one that is meant",
    level: "warn",
    reason: "What is applied first decides what the second one finds",
    remedy: "Give the file another number.",
  },
  "no-number": {
    title: "A migration has a number in front of its name",
    level: "warn",
    reason: "It runs after all that have one, as nobody can tell where it belongs",
    remedy: "Put a number in front of its name; or move what is no migration into another folder.",
  },
  "left-out": {
    title: "What is in the folder is a migration",
    level: "warn",
    reason: "It is not applied, and somebody may have meant it to be",
    remedy: "Give it a name that says what it is, or move it into another folder.",
  },
  template: {
    title: "A template is filled in",
    level: "warn",
    reason: "It is not applied",
    remedy: "Write the migration, or delete the file.",
  },
  "empty-migration": {
    title: "A migration has statements",
    level: "warn",
    reason:
      "It is recorded as applied, and does nothing: SQL that is written into it later runs as a change",
    remedy: "Write the migration, or delete the file.",
  },
  "missing-rollback": {
    title: "A migration has a ROLLBACK section",
    level: "info",
    reason: "Nothing can undo it but another migration",
    remedy: "Write what undoes it below: -- ROLLBACK",
  },
  ...ALLOWANCE_CHECKS,
} as const satisfies Readonly<Record<string, Check>>;

/** The code of a check. */
export type CheckCode = keyof typeof CHECKS;
