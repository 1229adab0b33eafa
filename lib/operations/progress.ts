/** What operations tell while they run. @module */

import type { Activity, Blocker } from "../database/state.ts";
import type { BatchProgress } from "../planning/plan.ts";

/** What happens while an operation runs. */
export type ProgressEvent =
  /** A migration, or a call with several of them, is being sent. */
  | {
    readonly type: "started";
    readonly action: "apply" | "rollback" | "seed";
    readonly migrations: readonly string[];
    readonly index: number;
    readonly total: number;
    /** Which step of the migration, where it has several. */
    readonly step?: { readonly number: number; readonly total: number };
  }
  /** A migration has ended. */
  | {
    readonly type: "finished";
    readonly action: "apply" | "rollback" | "seed";
    readonly migration: string;
    readonly success: boolean;
    readonly executionTimeMs: number;
  }
  /** Another run holds the lock, a call in flight has yet to end, or the API has the old schema. */
  | {
    readonly type: "waiting";
    readonly for: "lock" | "answer" | "api";
    readonly holder: string | null;
    readonly activity: Activity | null;
  }
  /** A step that has run for more than a second, as it is seen every second. */
  | {
    readonly type: "running";
    readonly activity: Activity;
    /** How long the statement has been running at least, in milliseconds. */
    readonly statementMs: number;
  }
  /** A step could not get its locks: nothing of it is left, and it is tried again after a pause. */
  | {
    readonly type: "retrying";
    readonly migration: string;
    /** Which attempt has ended, from 1, and how many there are at most. */
    readonly attempt: number;
    readonly attempts: number;
    /** How long the pause is, in milliseconds. */
    readonly pauseMs: number;
    /** Who is in its way, as far as that could be seen. */
    readonly blockedBy: readonly Blocker[];
  }
  /** A range of a step that is committed in ranges is done, and others follow after a pause. */
  | {
    readonly type: "range";
    readonly migration: string;
    /** How far the step is. */
    readonly batch: BatchProgress;
    /** How much of the time may be left, in milliseconds; null where that cannot be said. */
    readonly leftMs: number | null;
    /** How long the pause is, in milliseconds. */
    readonly pauseMs: number;
    /** How far replicas are behind, in milliseconds, where they are waited for; else null. */
    readonly lagMs: number | null;
  }
  /** A session that kept a step waiting was ended, or what it ran was cancelled. */
  | { readonly type: "blocker ended"; readonly session: Blocker }
  /** Something takes a moment before the work can begin. */
  | { readonly type: "preparing"; readonly what: string }
  /** A part of a longer operation begins: `fresh` rolls back, then migrates. */
  | { readonly type: "phase"; readonly phase: "rollback" | "drop" | "migrate" }
  /** Something that the user should know. */
  | { readonly type: "notice"; readonly message: string };
