/** What a client says that it did, in a form that the invariants can compare with what is there. */

import type { CompletedStep } from "../../mod.ts";
import type { ClientEnd } from "./client.ts";
import type { PlannedClient } from "./plan.ts";

export interface Claim {
  readonly holder: string;
  /** Whether it claims to know all that it did; null where it says nothing that could be wrong. */
  readonly certain: boolean | null;
  readonly applied: readonly string[];
  readonly reverted: readonly string[];
  /** Whether it says that a migration failed. */
  readonly failed: boolean;
}

interface Item {
  readonly name: string;
  readonly success: boolean;
}

const namesOf = (items: readonly Item[] = []) =>
  items.filter(({ success }) => success).map(({ name }) => name);

/**
 * Reads what a client printed.
 *
 * @param client The client.
 * @param end How it ended.
 * @returns Its claim.
 * @throws {Error} It promised JSON and printed something else.
 */
export function readClaim(client: PlannedClient, end: ClientEnd): Claim {
  const { holder, command, args } = client;
  const silent = { holder, certain: null, applied: [], reverted: [], failed: false };
  const json = args.includes("--json");
  if (end.code === null || !json || (end.code === 130 && end.stdout === "")) return silent;
  const document = JSON.parse(end.stdout);
  const result = { holder, certain: true, applied: [], reverted: [], failed: false };

  if (document.error !== undefined) {
    const { type, completed = [] } = document.error;
    const did = (action: string) =>
      completed.filter((step: CompletedStep) => step.action === action)
        .map(({ name }: CompletedStep) => name);
    return {
      ...result,
      certain: type !== "UnknownOutcomeError",
      applied: did("apply"),
      reverted: did("rollback"),
    };
  }
  const failed = end.code === 1;
  switch (command) {
    case "migrate":
      return { ...result, applied: namesOf(document.results), failed };
    case "rollback":
      return { ...result, reverted: namesOf(document.results), failed };
    case "fresh":
    case "fresh --drop-schema":
      return {
        ...result,
        applied: namesOf(document.migrated?.results),
        reverted: namesOf(document.rolledBack),
        failed,
      };
    default:
      return result;
  }
}
