/** The command `verify`: what it prints. @module */

import type { RoundTripProblem } from "../operations/round_trip.ts";
import type { VerifyResult } from "../operations/verify.ts";
import type { Flag, GlobalFlags, Report, Run } from "./actions.ts";
import { EXIT_CODES } from "./errors.ts";
import { indent, line } from "./neutral.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `verify`. */
export interface VerifyFlags extends GlobalFlags {
  all?: Flag;
  data?: Flag;
  strict?: Flag;
}

/** What `verify` does. */
export async function verify(
  { migrator, reporter }: Run,
  flags: VerifyFlags,
  names: readonly string[],
): Promise<Report<JsonDocuments["verify"]>> {
  reporter.say("🔁 Taking migrations up, down and up again on a shadow...\n");
  const result = await migrator.verify({
    names,
    all: !!flags.all,
    data: !!flags.data,
    strict: !!flags.strict,
  });
  for (const { problems } of result.migrations) {
    for (const { file, line, message } of problems) {
      reporter.annotate(message, { file, ...(line === null ? {} : { line }) });
    }
  }
  return {
    result,
    text: formatVerify(result),
    code: result.success ? EXIT_CODES.done : EXIT_CODES.failed,
  };
}

function formatVerify({ success, migrations, notTried, doubts }: VerifyResult): string {
  const lines = doubts.map((doubt) => line`⚠️  ${doubt}`);
  if (migrations.length === 0) {
    return [...lines, "✅ Nothing to verify: no migration is pending"].join("\n");
  }
  for (const { name, isReversible, problems, remarks } of migrations) {
    if (problems.length > 0) lines.push(line`  ❌ ${name}`, ...problems.flatMap(formatProblem));
    else if (isReversible === null) lines.push(line`  ➖ ${name} - it has no rollback`);
    else lines.push(line`  ✅ ${name} - up, down and up again end the same`);
    lines.push(...remarks.map((remark) => line`     ℹ️  ${remark}`));
  }
  lines.push(...notTried.map((name) => line`  ⏭️  ${name} - not tried`), "");
  const failed = migrations.filter(({ problems }) => problems.length > 0).length;
  const without = migrations.filter(({ isReversible }) => isReversible === null).length;
  if (failed > 0) {
    const left = notTried.length;
    lines.push(
      `❌ ${failed} of ${countOf(migrations.length + left)} did not pass` +
        (left === 0 ? "" : `, and ${left} ${left === 1 ? "was" : "were"} not tried`),
    );
  } else if (!success) {
    lines.push(`❌ ${countOf(without)} ${without === 1 ? "has" : "have"} no rollback SQL`);
  } else {
    lines.push(`✅ ${countOf(migrations.length - without)} verified`);
  }
  return lines.join("\n");
}

function countOf(count: number): string {
  return `${count} ${count === 1 ? "migration" : "migrations"}`;
}

const MARKS = { "left behind": "+", "taken away": "-", changed: "~" } as const;

function formatProblem(problem: RoundTripProblem): string[] {
  const { file, line: number, message, hint, objects, rows, sql, unwritable } = problem;
  const place = number === null ? file : `${file} line ${number}`;
  return [
    line`     ${TITLES[problem.code]}: ${place}`,
    line`     ${message}`,
    ...objects.flatMap(({ change, kind, name, details }) => [
      line`       ${MARKS[change]} ${kind} ${name} (${change})`,
      ...details.map((detail) => line`           ${detail}`),
    ]),
    ...rows.map(({ table, column, what, count }) =>
      line`       ${table}${column === null ? "" : `.${column}`}: ${count} ${
        count === 1 ? what.replace(/s\b/, "") : what
      }`
    ),
    ...unwritable.map(({ what, reason }) => line`       ! ${what}: ${reason}`),
    line`     💡 ${hint}`,
    ...sql.map((statement) => `          ${indent(`${statement};`)}`),
  ];
}

const TITLES: Readonly<Record<RoundTripProblem["code"], string>> = {
  "up-fails": "Up fails on the shadow",
  "up-fails-on-rows": "Up fails on tables with rows",
  "rollback-fails": "The rollback fails",
  "rollback-forgets": "The rollback forgets something",
  "rows-differ": "The rollback does not bring the rows back",
  "second-up-fails": "The second up fails",
  "second-up-differs": "The second up ends differently",
};
