/** What operations tell while they run. @module */

import type { Activity } from "../database/state.ts";

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
  /** Another run holds the lock, or a call in flight has yet to end. */
  | {
    readonly type: "waiting";
    readonly for: "lock" | "answer";
    readonly holder: string | null;
    readonly activity: Activity | null;
  }
  /** Something takes a moment before the work can begin. */
  | { readonly type: "preparing"; readonly what: string }
  /** A part of a longer operation begins: `fresh` rolls back, then migrates. */
  | { readonly type: "phase"; readonly phase: "rollback" | "drop" | "migrate" }
  /** Something that the user should know. */
  | { readonly type: "notice"; readonly message: string };
