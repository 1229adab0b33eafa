/** Finds what only a database can tell of migrations: whether they run, there and back. @module */

import { InterruptedError, MigrationFileError } from "../errors.ts";
import type { Migration } from "../planning/plan.ts";
import type { OperationContext } from "./context.ts";
import { openRoundTrips, type RoundTrip, type RoundTripProblem } from "./round_trip.ts";

/** Something that a shadow says of a migration. */
export interface ShadowFinding {
  /** What it is, in words with hyphens. */
  readonly code: "does-not-run" | "rollback-does-not-run" | "does-not-run-again" | "not-tried";
  readonly level: "error" | "info";
  /** The file that it is in. */
  readonly file: string;
  /** The line of that file; the first where it is about all of it. */
  readonly line: number;
  /** What is wrong. */
  readonly message: string;
  /** Why that matters. */
  readonly reason: string;
  /** What to do. */
  readonly remedy: string;
}

/**
 * Runs migrations on a shadow of a new project, one after the other, each up, down and up again.
 * Nothing is sent anywhere.
 *
 * @param context What is told of it, and what stops it.
 * @param migrations All migrations, in the order in which they are applied.
 * @returns What fails, with file and line; what comes after a migration that fails is not tried.
 */
export async function validateOnShadow(
  context: Pick<OperationContext, "onProgress" | "openShadow" | "signal">,
  migrations: readonly Migration[],
): Promise<ShadowFinding[]> {
  if (migrations.length === 0) return [];
  const findings: ShadowFinding[] = [];
  await using trips = await openRoundTrips(context, migrations, {
    applied: [],
    compares: false,
    data: false,
  });
  for (const [index, migration] of migrations.entries()) {
    if (context.signal?.aborted) throw new InterruptedError("Interrupted: nothing was changed");
    context.onProgress({
      type: "preparing",
      what: `${index + 1}/${migrations.length} ${migration.name} on the shadow`,
    });
    const found = await attempt(() => trips.take(migration));
    findings.push(...found);
    if (!found.some(({ code }) => code === "does-not-run")) continue;
    const others = migrations.length - index - 1;
    if (others > 0) {
      findings.push({
        code: "not-tried",
        level: "info",
        file: migrations[index + 1]!.name,
        line: 1,
        message: `${others} ${others === 1 ? "migration comes" : "migrations come"} after ` +
          `${migration.name} and ${others === 1 ? "was" : "were"} not tried`,
        reason: "They may need what it would have made.",
        remedy: `Mend ${migration.name} first.`,
      });
    }
    break;
  }
  return findings;
}

async function attempt(
  take: () => Promise<RoundTrip>,
): Promise<ShadowFinding[]> {
  try {
    return (await take()).problems.map(toFinding);
  } catch (error) {
    if (!(error instanceof MigrationFileError)) throw error;
    return [error, ...error.others].map(({ message, position, hint = "Mend the file." }) => ({
      code: "does-not-run",
      level: "error",
      file: position.file,
      line: position.line ?? 1,
      message,
      reason: "It is refused before anything is sent.",
      remedy: hint,
    }));
  }
}

const MEANINGS = {
  "up-fails": ["does-not-run", "It would fail on a project that has the other migrations alone."],
  "rollback-fails": ["rollback-does-not-run", "It could not be undone when that is needed."],
  "second-up-fails": ["does-not-run-again", "After a rollback it could not be applied any more."],
} as const;

function toFinding({ code, file, line, message, hint }: RoundTripProblem): ShadowFinding {
  // The others come of comparing, which is not done here.
  const [own, reason] = MEANINGS[code as keyof typeof MEANINGS];
  return { code: own, level: "error", file, line: line ?? 1, message, reason, remedy: hint };
}
