/** What a server says beside its answers: RAISE NOTICE, RAISE WARNING, and notices of its own. @module */

/** A message of the server. */
export interface ServerMessage {
  /** `WARNING`, `NOTICE`, `INFO` and the like. */
  readonly severity: string;
  /** What it says. */
  readonly message: string;
  /** More about it. */
  readonly detail?: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Which functions and statements it comes from, innermost first. */
  readonly where: string;
}

/** How many messages of one call are kept: a loop may make millions. */
const MOST_KEPT = 1000;

/** Keeps what a server says until somebody asks. */
export class MessageBox {
  #kept: ServerMessage[] = [];
  #lost = 0;

  /**
   * @param message A message as drivers give it.
   */
  readonly add = (
    message: {
      readonly [field in "severity" | "message" | "detail" | "hint" | "where"]?: unknown;
    },
  ): void => {
    if (this.#kept.length === MOST_KEPT) {
      this.#lost++;
      return;
    }
    const text = (field: keyof typeof message) => String(message[field] ?? "");
    const { detail, hint } = message;
    this.#kept.push({
      severity: text("severity"),
      message: text("message"),
      ...(detail ? { detail: text("detail") } : {}),
      ...(hint ? { hint: text("hint") } : {}),
      where: text("where"),
    });
  };

  /** What was said since this was asked last, and how many messages there was no room for. */
  readonly take = (): TakenMessages => {
    const taken = { messages: this.#kept, lost: this.#lost };
    this.#kept = [];
    this.#lost = 0;
    return taken;
  };
}

/** What a server has said. */
export interface TakenMessages {
  /** The messages, in order. */
  readonly messages: readonly ServerMessage[];
  /** How many there were beyond these. */
  readonly lost: number;
}
