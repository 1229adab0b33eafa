/** Whether what is recorded can be relied on. @module */

import { formatDuration } from "../duration.ts";
import { type Check, findSchemaGap, INSTALL, nameSome } from "./check.ts";
import { toLedgerNames } from "../planning/ledger.ts";
import type { Facts } from "./facts.ts";

/** A lock that expired this long ago was left behind by a run that is dead. */
const LONG_EXPIRED_MS = 60 * 60_000;

/** What clocks may be apart by. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

function whyNoLog(facts: Facts): string {
  return findSchemaGap(facts) ?? "the functions that it takes are not those that this tool ships";
}

const chain: Check = {
  id: "chain",
  title: "the entries of the audit log are as they were written",
  examine: (facts) => {
    if (facts.log === null) return whyNoLog(facts);
    if (facts.log.log === null) return "the lock, which keeps the end of the chain, has no row";
    const { broken_entry: broken, complete } = facts.log.log;
    if (broken === null && complete) return [];
    return [{
      problem: broken === null
        ? "The end of the audit log is gone, or is another one"
        : `The chain of the audit log breaks at entry ${broken}: that one, or one before it, was ` +
          "changed, taken out or put in",
      why: "The log no longer proves what was done, nor which rollback SQL was stored.",
      mend: {
        advice:
          "Find out who had the rights to do that, and compare the log with a backup or with hashes " +
          "that you noted down (history --json). To take it as it stands from here on:",
        sql: "select supamigrate.rechain_log();",
      },
    }];
  },
};

const history: Check = {
  id: "history",
  title: "the history, and the rollback SQL stored in it, are what the audit log says",
  examine: (facts) => {
    if (facts.log === null) return whyNoLog(facts);
    const { differences } = facts.log;
    if (differences.length === 0) return [];
    const describe = (
      { name, is_applied, is_logged, same_version }: typeof differences[number],
    ) => {
      if (!is_logged) return `${name} (applied, and the log knows nothing of it)`;
      if (!is_applied) return `${name} (not applied, and the log says that it is)`;
      return `${name} (${same_version ? "another rollback SQL" : "another version"})`;
    };
    return [{
      problem: `The history is not what the audit log says: ${
        nameSome(differences.map(describe), 5)
      }`,
      why:
        "Somebody has changed supamigrate.migration_history past the tool. Stored rollback SQL " +
        "that the log does not vouch for is not run.",
      mend: {
        advice:
          "Find out what is in the database. What is there is recorded anew from its file, which " +
          "has to be put back where it is gone; what is not there, with --mark pending.",
        command: differences.map(({ name }) => `supamigrate repair ${quote(name)} --mark applied`)
          .join("\n"),
      },
    }];
  },
};

/** A word for the shell. */
function quote(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

const lock: Check = {
  id: "lock",
  title: "there is one lock, and nobody has left it behind",
  examine: (facts) => {
    if (facts.lock === null) return findSchemaGap(facts) ?? "the tracking tables are not complete";
    const { locks } = facts.lock;
    if (locks.length === 0) {
      return [{
        problem: "The table supamigrate.migration_lock has no row",
        why: "No run can take the lock.",
        mend: { command: INSTALL },
      }];
    }
    if (locks.length > 1) {
      return [{
        problem: `The table supamigrate.migration_lock has ${locks.length} rows instead of one`,
        why: "Two runs could hold a lock each.",
        mend: {
          sql: `delete from supamigrate.migration_lock
 where ctid <> (select ctid from supamigrate.migration_lock
                 order by id = 1 desc, generation desc, sequence desc limit 1);
alter table supamigrate.migration_lock drop constraint if exists single_lock;
alter table supamigrate.migration_lock add constraint single_lock check (id = 1);`,
        },
      }];
    }
    const { is_locked, holder, locked_ms, expired_ms, lease_ms } = locks[0]!;
    if (!is_locked) return [];
    const mend = { command: "supamigrate unlock" };
    if (
      (locked_ms ?? 0) < -CLOCK_TOLERANCE_MS ||
      -(expired_ms ?? 0) > (lease_ms ?? 0) + CLOCK_TOLERANCE_MS
    ) {
      return [{
        problem: `${holder} has the lock since a time to come, or for longer than it asked for: ` +
          "the server's clock was set back",
        why: "Other runs wait for longer than the lease.",
        mend,
      }];
    }
    if ((expired_ms ?? 0) > LONG_EXPIRED_MS) {
      return [{
        problem: `${holder} has the lock for ${formatDuration(locked_ms ?? 0)}; it expired ${
          formatDuration(expired_ms ?? 0)
        } ago`,
        why:
          "That run ended without releasing it: look at what it was doing. The next run takes over.",
        mend,
      }];
    }
    return [];
  },
};

const ledger: Check = {
  id: "ledger",
  title: "the Supabase CLI's ledger, where there is one, has what is applied",
  examine: (facts) => {
    if (facts.ledgerMode === "none") return "the Supabase CLI's ledger is left alone";
    if (facts.log === null) return whyNoLog(facts);
    const { ledger, applied } = facts.log;
    if (!ledger.exists) return [];
    if (ledger.problem !== null) {
      return [{
        problem: `The Supabase CLI's ledger cannot be kept in step: ${ledger.problem}`,
        why: "migrate and rollback refuse to begin, unless --ledger none leaves it alone.",
        mend: {
          sql: "grant usage on schema supabase_migrations to postgres;\n" +
            "grant select, insert, update, delete on supabase_migrations.schema_migrations to postgres;",
        },
      }];
    }
    const missing = [...toLedgerNames(applied).versions]
      .filter(([, { version }]) => !(version in ledger.versions))
      .map(([name]) => name);
    if (missing.length === 0) return [];
    return [{
      problem: `Applied, and not in the Supabase CLI's ledger: ${nameSome(missing, 5)}`,
      why: "The Supabase CLI would apply them again, and branching does not know of them.",
      mend: { command: "supamigrate repair --ledger" },
    }];
  },
};

const copies: Check = {
  id: "copies",
  title: "no copy of what migrations have destroyed is older than 30 days",
  examine: (facts) => {
    if (facts.log === null) return whyNoLog(facts);
    const { old_copies: old } = facts.log;
    if (old === 0) return [];
    return [{
      problem: `${old} safety ${old === 1 ? "copy is" : "copies are"} older than 30 days`,
      why: "They take room, and what they hold may have been deleted because it had to be.",
      mend: {
        advice: "See what they are: supamigrate backups. To drop them for good:",
        command: "supamigrate backups drop --older-than 30d",
      },
    }];
  },
};

/** Whether what is recorded can be relied on. */
export const RECORD_CHECKS: readonly Check[] = [chain, history, ledger, lock, copies];
