/** Asks before something is destroyed. @module */

import type { Target } from "../database/target.ts";
import type { LockState } from "../database/state.ts";
import { ConfigurationError, MigrationFileError } from "../errors.ts";
import type { Concern } from "../operations/concerns.ts";
import type { OutsideObject } from "../operations/fresh.ts";
import type { Reporter } from "./terminal.ts";
import { line } from "./neutral.ts";
import { ask, canAsk, isYes } from "./prompt.ts";
import { formatDuration } from "../duration.ts";

/** How many migrations a question names. */
const NAMED = 10;

/**
 * Asks whether migrations may be undone. On this machine they may; on a project its name has to
 * be typed.
 *
 * @param target The project.
 * @param reporter Writes what is asked about.
 * @param undone The migrations, in the order in which they would be undone.
 * @returns Whether the answer was yes.
 */
export async function confirmUndo(
  target: Target,
  reporter: Reporter,
  undone: readonly { readonly name: string }[],
): Promise<boolean> {
  if (target.kind !== "project") return true;
  const names = undone.slice(0, NAMED).map(({ name }) => line`  📄 ${name}`);
  if (undone.length > NAMED) names.push(`  … and ${undone.length - NAMED} more`);
  reporter.warn(
    `⚠️  This will undo on the project ${target.name}, with the data in what they made:\n${
      names.join("\n")
    }\n`,
  );
  return await askForName(target, reporter, "");
}

/**
 * Asks whether something may be destroyed: with yes or no on this machine, with the name of the
 * project elsewhere.
 *
 * @param target The project.
 * @param reporter Shows the question.
 * @param warning What will be destroyed, as a sentence.
 * @returns Whether the answer was yes.
 */
export async function confirmDestruction(
  target: Target,
  reporter: Reporter,
  warning: string,
): Promise<boolean> {
  return target.kind === "project"
    ? await askForName(target, reporter, `⚠️  ${warning} `)
    : isYes(await ask(reporter, `⚠️  ${warning} Continue? (yes/no): `));
}

/**
 * Asks whether what migrations made outside of the application's schemas may be removed with them.
 *
 * @param reporter Writes what is asked about.
 * @param objects What would be removed.
 * @returns Whether the answer was yes.
 * @throws {ConfigurationError} There is no terminal to ask on.
 */
export async function confirmRemoval(
  reporter: Reporter,
  objects: readonly OutsideObject[],
): Promise<boolean> {
  const named = objects.map(({ description, migration }) =>
    line`  🗑️  ${description} (made by ${migration})`
  );
  if (!await canAsk()) {
    throw new ConfigurationError(
      "The migrations could not be applied again beside what they made outside of the " +
        `application's schemas, and there is no terminal to ask on:\n${named.join("\n")}`,
      { hint: "Add --yes if that is to be removed as well. Nothing was dropped." },
    );
  }
  reporter.warn(
    "⚠️  The migrations could not be applied again beside what they made outside of the " +
      `application's schemas:\n${named.join("\n")}\n`,
  );
  return isYes(await ask(reporter, "Remove that as well? (yes/no): "));
}

/**
 * Asks whether a lock may be released.
 *
 * @param reporter Shows the question.
 * @param lock The lock.
 * @returns Whether the answer was yes.
 */
export async function confirmUnlock(reporter: Reporter, lock: LockState): Promise<boolean> {
  const age = formatDuration(lock.ageMs ?? 0);
  return isYes(
    await ask(
      reporter,
      line`🔒 ${lock.holder} (${lock.processId}) has held the lock for ${age}. If that run is alive, it will stop.\n` +
        "Release it? (yes/no): ",
    ),
  );
}

/**
 * Asks whether migrations may be sent of which something is doubtful, which the reader has just
 * been told. On this machine nobody is cut off: keys alone are asked about, and what
 * another tool has applied.
 *
 * @param target The project.
 * @param reporter Asks.
 * @param concerns What is doubtful, and where.
 * @returns Whether the answer was yes.
 * @throws {MigrationFileError} There is no terminal to ask on.
 */
export async function confirmConcerns(
  target: Target,
  reporter: Reporter,
  concerns: readonly Concern[],
): Promise<boolean> {
  const asked = target.kind === "project"
    ? concerns
    : concerns.filter(({ about }) => about === "secret" || about === "applied elsewhere");
  const [first] = asked;
  if (first === undefined) return true;
  if (!await canAsk()) {
    const { file, line, says } = first;
    throw new MigrationFileError(`The migration ${says}`, { file, line }, {
      hint: first.about === "applied elsewhere"
        ? "supamigrate adopt takes the other history over. Add --yes if all of it is to be run again."
        : first.about === "unnumbered"
        ? "Give it a number, or take it out of the folder. Add --yes if it is to be run all the same."
        : "Take it out of the file. Add --yes if it is to be sent all the same.",
    });
  }
  return isYes(await ask(reporter, "⚠️  Send that all the same? (yes/no): "));
}

async function askForName(
  target: Target,
  reporter: Reporter,
  warning: string,
): Promise<boolean> {
  return await ask(reporter, `${warning}Type the project's name (${target.name}) to continue: `) ===
    target.name;
}
