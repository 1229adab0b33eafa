/**
 * A run's tenure of the migration lock, and the client's half of the protocol in
 * `sql/lock.sql`: every change is one operation with an id of its own, and a call that brought
 * no answer is settled before anything else happens.
 *
 * @module
 */

import { ConfigurationError, LockLostError, UnknownOutcomeError } from "../errors.ts";
import { sha256 } from "../planning/checksum.ts";
import { mayChangeSchema } from "../planning/schema_changes.ts";
import { CallError, type Channel, STATEMENTS } from "./channel.ts";
import { explainCallError } from "./explain.ts";
import type { TakenMessages } from "./messages.ts";
import { Staging } from "./staging.ts";
import {
  type Activity,
  type Blocker,
  type DatabaseState,
  type LockState,
  toActivity,
  toLockState,
} from "./state.ts";

/** Who holds the lock, and for how long at a time. */
export interface Tenure {
  /** A person or a job, as others are told. */
  readonly holder: string;
  /** Which process. */
  readonly processId: string;
  /** How long after its last step another run may take over, in milliseconds. */
  readonly leaseMs: number;
  /** The version of this tool, for the audit log. */
  readonly toolVersion: string;
}

/** How a session deals with calls that bring no answer. */
export interface Patience {
  /** How long to go on asking a server that does not answer, in milliseconds. */
  readonly giveUpAfterMs: number;
  /** Told what a call waits for. */
  readonly onWaiting?: (activity: Activity | null) => void;
  /** Watches what runs statements of the user, where that can be watched. */
  readonly watch?: <Result>(
    payload: WatchedPayload,
    work: Promise<Result>,
    onBlocked: (blockers: readonly Blocker[]) => void,
  ) => Promise<Result>;
}

/** What is sent of statements that are watched. */
export interface WatchedPayload {
  readonly migrations?: readonly WatchedMigration[];
  readonly migration?: WatchedMigration;
  /** Which attempt to get its locks. */
  readonly attempt?: number;
}

/** What is sent of one migration. */
export interface WatchedMigration {
  readonly limits?: Readonly<Record<string, number>>;
  /** `[[line, sql, …], …]` */
  readonly statements?: readonly (readonly unknown[])[];
  readonly undo?: readonly (readonly unknown[])[];
}

/** The actions that run statements of the user, in one transaction. */
const WATCHED: ReadonlySet<string> = new Set(["apply", "revert", "seed"]);

// deno-lint-ignore no-explicit-any -- the shapes are those of sql/lock.sql
type Json = any;

/** What came of trying to take the lock. */
export type Acquisition =
  | { readonly status: "acquired"; readonly session: LockSession }
  /** Another run has it. */
  | { readonly status: "held"; readonly lock: LockState }
  /** Something has changed since the state was read: read and plan again. */
  | { readonly status: "moved"; readonly lock: LockState };

/**
 * Takes the lock, if nothing has changed since the state was read.
 *
 * @param database The way to the project's database.
 * @param seen The state that the plan was made of.
 * @param tenure Who takes it, and for how long.
 * @param patience How to deal with calls that bring no answer.
 * @returns The session, or why there is none.
 * @throws {UnreachableError} There was no answer. If the lock was taken, it expires.
 */
export async function acquireLock(
  database: Channel,
  seen: DatabaseState,
  tenure: Tenure,
  patience: Patience,
): Promise<Acquisition> {
  const token = crypto.randomUUID();
  const started = performance.now();
  for (let attempt = 1;; attempt++) {
    try {
      // Safe to repeat: the token tells the server that it was this run that got the lock.
      const reply: Json = await database.call(STATEMENTS.acquire, {
        token,
        holder: tenure.holder,
        process_id: tenure.processId,
        lease_ms: tenure.leaseMs,
        tool_version: tenure.toolVersion,
        generation: seen.lock.generation,
        sequence: seen.lock.sequence,
      });
      const lock = toLockState(reply.lock);
      if (reply.status !== "acquired") return { status: reply.status, lock };
      const session = new LockSession(database, lock, token, tenure, patience);
      return { status: "acquired", session };
    } catch (error) {
      if (!isWorthRepeating(error, started, patience)) throw explainCallError(error, database);
      await pause(attempt);
    }
  }
}

/** The lock, held. */
export class LockSession {
  readonly #database: Channel;
  readonly #identity: Record<string, unknown>;
  readonly #patience: Patience;
  #sequence: number;
  #note: { readonly note?: string } = {};
  #mayHaveChangedSchema = false;
  readonly #staging: Staging;
  /** Who was seen to keep the last change waiting. */
  lastBlockers: readonly Blocker[] = [];

  /** Use {@linkcode acquireLock}. */
  constructor(
    database: Channel,
    lock: LockState,
    token: string,
    tenure: Tenure,
    patience: Patience,
  ) {
    this.#database = database;
    this.#patience = patience;
    this.#staging = new Staging(database.room, (...part) => this.#stage(...part));
    this.#sequence = lock.sequence;
    this.#identity = {
      token,
      generation: lock.generation,
      holder: tenure.holder,
      tool_version: tenure.toolVersion,
    };
  }

  /**
   * Has one change made, once, whatever the network does.
   *
   * @param action Which one: a name that `supamigrate.perform` knows.
   * @param payload What it needs.
   * @param giveUp What is recorded instead where the change ends its connection each time, or null to
   * record nothing; where it is left out, that is an error.
   * @returns The action's reply; null where it was given up, and is not done.
   * @throws {LockLostError} The lock was taken from this run; the change was not made.
   * @throws {UnknownOutcomeError} Nobody could say whether the change was made.
   * @throws {ConfigurationError} The database refused the call; the change was not made.
   */
  async perform(
    action: string,
    payload: Record<string, unknown> = {},
    giveUp?: Record<string, unknown> | null,
  ): Promise<Json> {
    this.lastBlockers = [];
    const work = this.#perform(action, payload, giveUp);
    const { watch } = this.#patience;
    const reply = watch === undefined || !WATCHED.has(action)
      ? await work
      : await watch(payload, work, (blockers) => this.lastBlockers = blockers);
    this.#mayHaveChangedSchema ||= action === "drop" ||
      reply !== null && hasChanged(payload, reply);
    return reply;
  }

  /** Whether something was done that may have changed what the API serves. */
  get mayHaveChangedSchema(): boolean {
    return this.#mayHaveChangedSchema;
  }

  async #perform(
    action: string,
    payload: Record<string, unknown>,
    giveUp: Record<string, unknown> | null | undefined,
  ): Promise<Json> {
    const operation = crypto.randomUUID();
    let carried = await this.#carry(payload);
    const started = performance.now();
    let endings = 0;
    for (let attempt = 1;; attempt++) {
      const call = { ...carried, ...this.#identity, ...this.#note, action, operation };
      this.takeMessages(); // what was said of an attempt that was undone
      let problem: unknown;
      try {
        const reply = await this.#send(STATEMENTS.perform, call);
        if (reply.status === "done") return reply.reply;
        // Somebody has emptied the table, which nothing of this tool does under the lock.
        if (reply.status === "unstaged") {
          throw new ConfigurationError(`Parts of what was sent are missing: nothing was done`, {
            hint: "Run the command again.",
          });
        }
      } catch (error) {
        if (error instanceof LockLostError || error instanceof ConfigurationError) throw error;
        problem = error;
      }

      const settled = await this.#settle(operation, problem);
      if (settled.status === "done") return settled.reply;
      // The server is there, as it has just answered, and has not done it.
      if (endsConnection(problem) && ++endings === MOST_ENDINGS) {
        if (giveUp === null) return null;
        const failure = toFailure(problem);
        if (giveUp !== undefined) {
          return await this.#perform("give up", { ...giveUp, error: failure }, undefined);
        }
        throw new ConfigurationError(failure.message, { hint: failure.hint, cause: problem });
      }
      if (problem instanceof CallError && problem.isTooLarge && this.#staging.makeSmaller()) {
        carried = await this.#carry(payload);
        continue;
      }
      if (problem instanceof CallError && problem.isRefusal) {
        throw explainCallError(problem, this.#database);
      }
      if (problem !== undefined && !isWorthRepeating(problem, started, this.#patience)) {
        throw explainCallError(problem, this.#database);
      }
      await pause(attempt);
    }
  }

  /** What a call brings, of which what is too large was sent ahead. */
  async #carry(payload: Record<string, unknown>): Promise<Record<string, unknown>> {
    try {
      return await this.#staging.replace(payload);
    } catch (error) {
      throw explainCallError(error, this.#database);
    }
  }

  async #stage(body: string, number: number, content: string): Promise<void> {
    const { token, generation } = this.#identity;
    const part = { token, generation, body, number, digest: sha256(content), content };
    let answered = performance.now();
    for (let attempt = 1;; attempt++) {
      try {
        const reply: Json = await this.#database.call(STATEMENTS.stage, part);
        if (reply.status === "staged") return;
        if (reply.status === "lost") throw lockLost();
        answered = performance.now();
      } catch (error) {
        if (!isWorthRepeating(error, answered, this.#patience)) throw error;
      }
      await pause(attempt);
    }
  }

  /** Has something noted beside each change in the audit log. */
  note(note: string | undefined): void {
    this.#note = note === undefined ? {} : { note };
  }

  /** What the server has said beside its answers since this was asked last. */
  takeMessages(): TakenMessages {
    return this.#database.takeMessages?.() ?? { messages: [], lost: 0 };
  }

  /**
   * Releases the lock.
   *
   * @param schemaBefore The fingerprint of the schema that the run began with, for the log; null where
   * it was not read.
   * @throws As {@linkcode perform} does.
   */
  async release(schemaBefore: string | null = null): Promise<void> {
    await this.perform("release", { schema_before: schemaBefore });
  }

  /** Sends a call that names the present step, and takes the step over that the answer names. */
  async #send(statement: string, call: Record<string, unknown>): Promise<Json> {
    const reply: Json = await this.#database.call(statement, { ...call, sequence: this.#sequence });
    if (reply.status === "lost") {
      throw lockLost();
    }
    if (reply.status === "busy") this.#patience.onWaiting?.(toActivity(reply.activity));
    else if (reply.status !== "stale") this.#sequence = reply.sequence;
    return reply;
  }

  /**
   * Asks whether an operation was done, until there is an answer. Where it was not, it cannot
   * be done any more by an attempt that is still under way.
   */
  async #settle(operation: string, problem: unknown): Promise<Json> {
    let answered = performance.now();
    for (let attempt = 1;; attempt++) {
      try {
        const reply = await this.#send(STATEMENTS.settle, { ...this.#identity, operation });
        if (reply.status !== "busy") return reply;
        answered = performance.now(); // an attempt is in flight: wait for it however long it takes
      } catch (error) {
        if (error instanceof LockLostError) throw error;
        if (!isWorthRepeating(error, answered, this.#patience)) {
          const reason = (problem ?? error) as Error;
          throw new UnknownOutcomeError(
            `It is unknown whether the last step took effect: ${reason.message}`,
            {
              hint: "Run supamigrate status when the project answers again: it tells what is " +
                "there. What was sent may arrive until the lock is free or another's. Running the " +
                "command again is safe, and sees to that when the lease has ended; so does " +
                "supamigrate unlock, at once.",
              cause: error,
            },
          );
        }
        await pause(attempt);
      }
    }
  }
}

function lockLost(): LockLostError {
  return new LockLostError("lock lost: another run or unlock has taken the migration lock", {
    hint: "Nothing was changed since. supamigrate status shows where the database stands.",
  });
}

/** Whether a statement of what was done may have changed the schema. */
function hasChanged({ migration, migrations }: WatchedPayload, { results = [] }: Json): boolean {
  const sent = migrations ?? (migration === undefined ? [] : [migration]);
  return sent.some(({ undo = [], statements = [] }, index) =>
    results[index]?.success &&
    [...undo, ...statements].some(([, sql]) => mayChangeSchema(String(sql)))
  );
}

/** How often a change may end its connection: once may be somebody else's doing. */
const MOST_ENDINGS = 2;

/** Whether the server has ended the connection that a call was on. */
function endsConnection(problem: unknown): problem is CallError {
  return problem instanceof CallError &&
    /^(08006|25P0[34]|26000|57P0[125]|PGRST001)$/.test(problem.code);
}

function toFailure({ code, message }: CallError) {
  return {
    code,
    message: `The migration ends its connection, each of the ${MOST_ENDINGS} times that it was ` +
      `sent: ${message}`,
    hint:
      "It may do so itself (pg_terminate_backend, transaction_timeout, or DEALLOCATE ALL inside " +
      "a function or block), or crash the server: the server's log says which. Nothing of it is left.",
  };
}

function isWorthRepeating(error: unknown, since: number, patience: Patience): boolean {
  return error instanceof CallError && !error.isRefusal &&
    performance.now() - since < patience.giveUpAfterMs;
}

/** A quarter of a second at first, then up to four, and never at the same pace as others. */
function pause(attempt: number): Promise<void> {
  const ms = Math.min(4000, 125 * 2 ** attempt) * (0.75 + Math.random() / 2);
  return new Promise((resolve) => setTimeout(resolve, ms));
}
