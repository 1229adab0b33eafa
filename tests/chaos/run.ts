/** Plays many rounds, in lanes beside each other, and counts. */

import { fileURLToPath } from "node:url";
import type { Major } from "../support/binaries.ts";
import { Lane } from "./lane.ts";
import { faultsOf, planRound, POINT_NAMES, type RoundPlan } from "./plan.ts";
import type { Via } from "./ways.ts";
import { playRound, type RoundResult, type Violation } from "./round.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** Which rounds to play, by number. */
  readonly rounds: Iterable<number>;
  readonly lanes: number;
  readonly majors?: readonly Major[];
  /** Which way the clients take; the API by default. */
  readonly via?: Via;
  /** The folder of the tool; this one by default. */
  readonly build?: string;
  /** Whether to stop at the first round that violates an invariant. */
  readonly stopAtViolation?: boolean;
  readonly onRound?: (plan: RoundPlan, result: RoundResult, major: Major) => void;
}

export interface ChaosResult {
  readonly rounds: number;
  readonly byServer: Readonly<Record<string, number>>;
  readonly byCommand: Readonly<Record<string, number>>;
  /** Clients by how they ended. */
  readonly byExit: Readonly<Record<string, number>>;
  /** Rounds in which each fault happened. */
  readonly byFault: Readonly<Record<string, number>>;
  /** How many of the named points were reached, of how many. */
  readonly points: readonly [number, number];
  /** Migrations that were begun, and those of them that took effect, forwards and back. */
  readonly attempts: number;
  readonly effects: number;
  readonly violations: readonly (Violation & { readonly round: number })[];
  /** Rounds that came to no end, also when they were played again, and why. */
  readonly unplayed: readonly string[];
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");

/** Which faults there are, beside those of `FAULTS`: what comes of how clients are started. */
const CIRCUMSTANCES = [
  "client's clock a day off",
  "several clients at once",
  "lease expired in mid-migration",
];

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, lanes, majors = [17, 15], build = ROOT, via = "api", stopAtViolation = false } =
    options;
  const byServer: Record<string, number> = {};
  const byCommand: Record<string, number> = {};
  const byExit: Record<string, number> = {};
  const byFault = Object.fromEntries(
    [...faultsOf(via), ...CIRCUMSTANCES].map((name) => [name, 0]),
  );
  const points = new Set<string>();
  const violations: (Violation & { round: number })[] = [];
  const unplayed: string[] = [];
  // A round in which the rig itself fails is played again in a new lane.
  const retried = new Set<number>();
  const again: number[] = [];
  let played = 0;
  let attempts = 0;
  let effects = 0;
  const numbers = options.rounds[Symbol.iterator]();
  const count = (counts: Record<string, number>, key: string) =>
    void (counts[key] = (counts[key] ?? 0) + 1);

  const countRound = async (lane: Lane, plan: RoundPlan, result: RoundResult) => {
    played++;
    count(byServer, `PostgreSQL ${lane.major}`);
    count(byCommand, plan.clients[0]!.command);
    for (const fault of result.fired) count(byFault, fault);
    for (const point of result.points) points.add(point);
    for (const { end } of result.ends) count(byExit, `${end.code ?? end.signal}`);
    violations.push(...result.violations.map((found) => ({ ...found, round: plan.round })));
    const [effect] = await lane.sql(
      "select count(*)::integer as effects from _chaos.witness where part = 'last'",
    );
    effects += Number(effect?.effects);
    options.onRound?.(plan, result, lane.major);
  };

  /** Plays until there are no more rounds, or a round leaves the lane unusable. */
  const playLane = async (major: Major): Promise<"done" | "unusable"> => {
    await using lane = await Lane.open(major, build, via);
    for (;;) {
      const round = again.pop() ?? numbers.next().value;
      if (round === undefined || (stopAtViolation && violations.length > 0)) break;
      const plan = planRound(seed, round, via);
      try {
        await countRound(lane, plan, await playRound(lane, plan));
      } catch (error) {
        if (retried.has(round)) {
          unplayed.push(`Round ${round} on PostgreSQL ${major}: ${(error as Error).stack}`);
        } else {
          retried.add(round);
          again.push(round);
        }
        return "unusable";
      }
    }
    const [attempt] = await lane.sql("select last_value::integer as attempts from _chaos.attempts");
    attempts += Number(attempt?.attempts);
    violations.push(
      ...lane.findSecretsInLogs().map((where) => ({
        invariant: "no secret anywhere",
        violation: `a key is in the log of ${where}`,
        when: "at the end of the lane",
        round: -1,
      })),
    );
    return "done";
  };

  await Promise.all(Array.from({ length: lanes }, async (_, index) => {
    const major = majors[index % majors.length]!;
    while (await playLane(major) === "unusable");
  }));
  return {
    rounds: played,
    byServer,
    byCommand,
    byExit,
    byFault,
    points: [POINT_NAMES.filter((name) => points.has(name)).length, POINT_NAMES.length],
    attempts,
    effects,
    violations,
    unplayed,
  };
}
