/** What several commands print. Pure functions. @module */

import { formatCount } from "../count.ts";
import type { Target } from "../database/target.ts";
import { type MigrationMessages, saysSkipped } from "../operations/messages.ts";
import type { Batch } from "../planning/step.ts";
import type { PlannedSteps } from "../operations/steps.ts";
import type { LeftOut } from "../planning/discovery.ts";
import type { MigrationFailure } from "../planning/plan.ts";
import type { Statement } from "../planning/step.ts";
import { shorten } from "../shorten.ts";
import { formatBlockers } from "./activity.ts";
import { formatPosition } from "./errors.ts";
import { indent, line } from "./neutral.ts";
import { MANY } from "./progress_bar.ts";

/** How much of what somebody has to say stands in a list. */
export const LISTED = 300;

/** How many statements of a migration a dry run shows, unless everything is asked for. */
const SHOWN_STATEMENTS = 20;

/** `1,234ms`. */
export function formatMs(ms: number): string {
  return `${formatCount(ms)}ms`;
}

/** `2026-11-28 16:30:05`, in UTC. */
export function formatTime(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : time.toISOString().slice(0, 19).replace("T", " ");
}

/** Which project a command speaks to; nothing for the embedded database, which is told otherwise. */
export function formatTarget(target: Target, namedBy: string | null): string {
  if (namedBy === null || target.kind === "embedded") return "";
  return line`🌐 Project ${target.name} (${namedBy})\n`;
}

/** What PostgreSQL said of a failure, beyond the message, and where it was. */
export function formatFailure(name: string, error: MigrationFailure): string[] {
  const place = error.part === "end"
    ? "in the checks at its end, after all statements"
    : error.statement === undefined
    ? `when its connection ended${
      error.line === undefined ? "" : `, perhaps by line ${error.line}`
    }`
    : `in statement ${error.statement}${
      error.part === "undo" ? " of the stored rollback SQL" : ""
    }, line ${error.line}`;
  const { line: number, place: found } = error;
  const position = number === undefined || found === undefined
    ? []
    : formatPosition({ file: name, ...found, line: number }, found.occurrences);
  return [
    line`🔎 ${name}`,
    line`   SQLSTATE ${error.code} ${place}`,
    line`   ${error.message}`,
    ...position,
    ...(error.detail === undefined ? [] : [line`   Detail: ${error.detail}`]),
    ...(error.hint === undefined ? [] : [line`   Hint: ${error.hint}`]),
    ...(error.context === undefined ? [] : [line`   Where: ${error.context}`]),
    ...formatBlockers(error.blockedBy ?? []).map((text) => `   In its way: ${text}`),
  ];
}

/** What a migration's plan says beside it. */
export function formatNotices(
  { name, notices }: { name: string; notices: readonly string[] },
): string[] {
  return notices.map((notice) => line`ℹ️  ${name}: ${notice}`);
}

/** What the server said while a migration ran. */
export function formatMessages({ messages, messagesLeftOut }: MigrationMessages): string[] {
  const shown = messages.filter((message) => !saysSkipped(message));
  const lines = shown.map(({ severity, message, line: number }) =>
    line`     ${severity === "WARNING" ? "⚠️ " : "💬"} ${severity}: ${message}` +
    (number === undefined ? "" : ` (line ${number})`)
  );
  // Where what was skipped has found room, all that was left out was skipped as well.
  const isAll = messagesLeftOut === 0 || shown.length < messages.length;
  return isAll ? lines : [...lines, `     … and ${messagesLeftOut} more`];
}

/** What is shown of how a step is committed in ranges. */
export type ShownBatch = Pick<Batch, "table" | "key" | "rows">;

/** How a step is committed: `, outside a transaction`, or in ranges. */
export function formatCommits(outside: unknown, batch: ShownBatch | undefined): string {
  if (batch !== undefined) {
    return `, in ranges of ${batch.table} by ${batch.key}, of up to ${
      formatCount(batch.rows)
    } rows`;
  }
  return outside === null ? "" : ", outside a transaction";
}

/** How many slow ones a summary names. */
const SLOWEST = 3;

/**
 * What became of migrations, a line each with what there is to say of it; or of many, on a terminal,
 * those of which there is something to say, and the others together.
 *
 * @param items What became of each.
 * @param format The lines of one.
 * @param isBrief Whether many are put together.
 */
export function formatOutcomes<
  Item extends {
    readonly name: string;
    readonly success: boolean;
    readonly executionTimeMs?: number;
  },
>(
  items: readonly Item[],
  format: (item: Item) => readonly string[],
  isBrief: boolean,
): string[] {
  if (!isBrief || items.length <= MANY) return items.flatMap(format);
  const blocks = items.map((item) => ({ item, lines: format(item) }));
  const isPlain = ({ item, lines }: typeof blocks[number]) => item.success && lines.length === 1;
  const plain = blocks.filter(isPlain).map(({ item }) => item);
  const timed = plain.filter(({ executionTimeMs = 0 }) => executionTimeMs > 0)
    .sort((a, b) => b.executionTimeMs! - a.executionTimeMs!);
  const ms = timed.reduce((sum, { executionTimeMs }) => sum + executionTimeMs!, 0);
  const slowest = timed.slice(0, SLOWEST).map((item) =>
    line`${item.name} (${formatMs(item.executionTimeMs!)})`
  );
  return [
    ...(plain.length === 0 ? [] : [
      `  ✅ ${plain.length} migrations${
        ms === 0 ? "" : ` (${formatMs(ms)})`
      }; --verbose names them`,
      ...(slowest.length === 0 ? [] : [`  🐢 slowest: ${slowest.join(", ")}`]),
    ]),
    ...blocks.filter((block) => !isPlain(block)).flatMap(({ lines }) => lines),
  ];
}

/** What is shown of steps. */
export interface ShownSteps extends Pick<PlannedSteps, "stepsDone"> {
  readonly steps: readonly {
    readonly statements: readonly Statement[];
    readonly outside: unknown;
    readonly batch?: ShownBatch;
  }[];
}

/** The statements of a migration, by steps where it has several. */
export function formatSteps({ steps, stepsDone }: ShownSteps, verbose: boolean): string[] {
  if (steps.length === 1 && steps[0]!.outside === null && steps[0]!.batch === undefined) {
    return formatStatements(steps[0]!.statements, verbose);
  }
  return steps.flatMap(({ statements, outside, batch }, index) => [
    `     step ${index + 1} of ${steps.length}${formatCommits(outside, batch)}${
      index < stepsDone ? " (done already)" : ""
    }:`,
    ...formatStatements(statements, verbose),
  ]);
}

/** Statements with their lines, the first of many. */
export function formatStatements(statements: readonly Statement[], verbose: boolean): string[] {
  const shown = verbose ? statements : statements.slice(0, SHOWN_STATEMENTS);
  const lines = shown.map((statement) => {
    const text = verbose ? indent(statement.sql, 12) : firstLine(statement.sql);
    return `     ${String(statement.line).padStart(5)}  ${text}`;
  });
  const left = statements.length - shown.length;
  if (left > 0) lines.push(`            … and ${left} more (--verbose shows all)`);
  return lines;
}

function firstLine(sql: string): string {
  const first = sql.split("\n", 1)[0]!;
  return first === sql || first.length > 100 ? shorten(first, 100) : `${first} …`;
}

/** How many of what was left out one line names. */
const NAMED = 5;

/**
 * What is in the folder and is no migration: in one line what somebody could have meant for one,
 * or everything with the reason.
 */
export function formatLeftOut(leftOut: readonly LeftOut[], verbose: boolean): string[] {
  if (verbose) {
    if (leftOut.length === 0) return [];
    return ["🙈 Left out:", ...leftOut.map(({ name, reason }) => line`  📄 ${name} (${reason})`)];
  }
  const names = leftOut.filter(({ notable }) => notable).map(({ name }) => name);
  if (names.length === 0) return [];
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
  return [line`🙈 Left out: ${names.slice(0, NAMED).join(", ")}${more} (--verbose says why)`];
}
