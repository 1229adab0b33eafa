/** What is searched for in the model: the shipped protocol, its variants, and what is possible. */

/** One search through the states of a model. */
export interface Search {
  /** What `--trail` knows it by. */
  readonly name: string;
  /** What it is, in a few words. */
  readonly title: string;
  /** The file of the model. */
  readonly model: "protocol.pml" | "outside_transaction.pml";
  /** The macros that it is compiled with. */
  readonly macros: readonly string[];
  /** What has to come of it: a property or goal of the model, or null where nothing is found. */
  readonly finds: string | null;
}

/** The most runs, changes of a run, and retries of a run. */
function bounds(runs: number, changes: number, retries: number): string[] {
  return [`RUNS=${runs}`, `CHANGES=${changes}`, `RETRIES=${retries}`];
}

/** The smallest bounds within which every step of the shipped protocol is taken. */
export const smallest: Search = {
  name: "shipped",
  model: "protocol.pml",
  title: "as shipped: 2 runs, 1 change, 1 retry",
  macros: bounds(2, 1, 1),
  finds: null,
};

/** Uninstalled and installed again, when the history begins anew and calls may still be on their way. */
export const reinstalled: Search = {
  name: "reinstalled",
  model: "protocol.pml",
  title: "as shipped: 2 runs, 1 change each, no retry, installed again",
  macros: ["REINSTALLED", "ONLY=DONE_TWICE", ...bounds(2, 1, 0)],
  finds: null,
};

/** A step outside a transaction. */
export const outside: Search = {
  name: "outside-transaction",
  model: "outside_transaction.pml",
  title: "outside a transaction, as shipped: 2 runs, 2 connections each",
  macros: ["ATTEMPTS=2"],
  finds: null,
};

/** The protocol as it is shipped, which has to hold. */
export const shipped: readonly Search[] = [
  smallest,
  reinstalled,
  {
    name: "shipped-2-2-1",
    model: "protocol.pml",
    title: "as shipped: 2 runs, 2 changes each, 1 retry each",
    macros: bounds(2, 2, 1),
    finds: null,
  },
  {
    name: "shipped-3-1-0",
    model: "protocol.pml",
    title: "as shipped: 3 runs, 1 change each, no retry",
    macros: bounds(3, 1, 0),
    finds: null,
  },
  outside,
  {
    ...outside,
    name: "outside-transaction-3",
    title: "outside a transaction, as shipped: 2 runs, 3 connections each",
    macros: ["ATTEMPTS=3"],
  },
];

function variant(title: string, macro: string, finds: string, more: string[] = []): Search {
  const name = macro.toLowerCase().replaceAll("_", "-");
  return {
    name,
    model: "protocol.pml",
    title,
    macros: [macro, `ONLY=${finds}`, ...more],
    finds,
  };
}

function outsideVariant(title: string, macro: string, finds: string): Search {
  return { ...variant(title, macro, finds), model: "outside_transaction.pml" };
}

/** The protocol with something missing, which must not hold. */
export const variants: readonly Search[] = [
  variant("no lock check", "NO_LOCK_CHECK", "APPLIED_TWICE"),
  variant("history key only", "HISTORY_KEY_ONLY", "DONE_TWICE"),
  variant("history key, token and generation", "KEY_AND_TOKEN", "DONE_TWICE"),
  variant("no comparison of sequences", "NO_SEQUENCE_CHECK", "FALSE_FAILURE"),
  variant("settle raises no sequence", "SETTLE_RAISES_NOTHING", "FALSE_FAILURE"),
  variant("the generation is never raised", "GENERATION_NOT_RAISED", "APPLIED_TWICE"),
  variant("generations begin at 0 again", "GENERATION_FROM_0", "DONE_TWICE", ["REINSTALLED"]),
  variant("acquire does not compare", "ACQUIRE_COMPARES_NOTHING", "APPLIED_TWICE"),
  variant("no FOR UPDATE", "NO_FOR_UPDATE", "APPLIED_TWICE"),
  variant("history in a second call", "HISTORY_IN_SECOND_CALL", "APPLIED_TWICE"),
  variant("new operation id on retry", "NEW_OPERATION_ID_ON_RETRY", "APPLIED_TWICE"),
  variant("no reply is taken for success", "NO_REPLY_IS_SUCCESS", "FALSE_SUCCESS"),
  variant("no reply is taken for failure", "NO_REPLY_IS_FAILURE", "FALSE_FAILURE"),
  outsideVariant("no look at what is at work", "NO_LOOK_AT_ACTIVITY", "TWO_AT_WORK"),
  outsideVariant("a connection that waits counts as gone", "IDLE_IS_GONE", "TWO_AT_WORK"),
  outsideVariant("what is left stays", "LEFT_AS_IT_IS", "BUILT_TWICE"),
  // The properties that the variants above do not show to be able to fail.
  ...[
    variant("no FOR UPDATE", "NO_FOR_UPDATE", "OVERLAP"),
    variant("no lock check", "NO_LOCK_CHECK", "OLD_GENERATION"),
    variant("no comparison of sequences", "NO_SEQUENCE_CHECK", "OLD_SEQUENCE"),
    variant("history in a second call", "HISTORY_IN_SECOND_CALL", "HISTORY_WRONG"),
  ].map((search) => ({
    ...search,
    name: `${search.name}-${search.finds?.toLowerCase().replaceAll("_", "-")}`,
  })),
];

const outsideGoals = ["TAKEN_FOR_ITS_OWN", "CLEARED_AWAY", "CUT_OFF"];

/** What has to be possible in the shipped protocol. */
export const goals: readonly Search[] = [
  "SUCCESS",
  "SQL_FAILURE",
  "GIVEN_UP",
  "LOCK_LOST",
  "TAKEOVER",
  "UNLOCKED_AT_WORK",
  "RETRIED",
  "STRAGGLER",
  "COMMIT_AFTER_DEATH",
  "LATE_COPY",
  "LATE_UP",
  ...outsideGoals,
].map((goal) => ({
  name: goal.toLowerCase().replaceAll("_", "-"),
  model: outsideGoals.includes(goal) ? "outside_transaction.pml" : "protocol.pml",
  title: "as shipped",
  macros: [`GOAL=${goal}`],
  finds: goal,
}));

/** Statements of the model that the shipped protocol never executes, and why. */
export const unreachable: Readonly<Record<string, string>> = {
  "reply[_pid]?stale,_,_,_": "Stale is said of late copies alone: nobody waits for them any more",
};
