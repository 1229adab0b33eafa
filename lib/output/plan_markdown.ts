/** A plan as a comment of a pull request. Pure functions. @module */

import type { PlanFile, PlanFileMigration, PlanFileStatement } from "../operations/plan_file.ts";
import { shorten } from "../shorten.ts";
import { block, code, html, plain } from "./markdown.ts";
import { neutralize } from "./neutral.ts";
import { formatCommits } from "./text.ts";

/** What GitHub takes is 65,536 characters; the rest is for what stands around the plan. */
const MOST_CHARACTERS = 65_000;

/** What a migration that is shown in part takes at least. */
const LEAST_PART = 600;

/** How many characters a list of warnings and the like may take, and the table. */
const LIST_CHARACTERS = 6_000;
const TABLE_CHARACTERS = 20_000;

/** What is shown of a sentence or a name there. */
const SENTENCE_CHARACTERS = 400;

/** What the note at the end takes. */
const RESERVED = 700;

/** By this line a workflow finds the comment again. */
const MARK = "<!-- plan of supamigrate -->";

/**
 * Writes a plan as Markdown: warnings, a table, and each migration's SQL.
 *
 * @param plan The plan.
 * @param most How long it may become, in characters.
 * @returns The text.
 */
export function formatPlanMarkdown(plan: PlanFile, most = MOST_CHARACTERS): string {
  const head = [
    MARK,
    `### 📋 ${count(plan.migrations.length, "migration")} for ${describeProject(plan)}`,
    ...formatWarnings(plan),
    ...formatTable(plan),
    ...formatLocks(plan),
    ...formatRefreshed(plan),
  ].join("\n\n");
  const wholes = plan.migrations.map((migration, index) => formatDetails(migration, index + 1));
  const rooms = share(wholes.map(({ length }) => length + 2), most - head.length - RESERVED);
  let shortened = 0;
  const details = plan.migrations.flatMap((migration, index) => {
    const [whole, room] = [wholes[index]!, rooms[index]! - 2];
    if (whole.length <= room) return [whole];
    shortened++;
    const text = room < LEAST_PART ? "" : formatDetails(migration, index + 1, room);
    return text.length === 0 || text.length > room ? [] : [text];
  });
  return [head, ...details, ...formatEnd(plan, shortened)].join("\n\n");
}

/**
 * Shares room out: what needs little gets all of it, and what needs much the same as others of its
 * kind.
 */
function share(needs: readonly number[], room: number): number[] {
  let [left, sharers] = [Math.max(0, room), needs.length];
  const shares = needs.map(() => 0);
  for (const index of [...needs.keys()].sort((a, b) => needs[a]! - needs[b]!)) {
    shares[index] = Math.min(needs[index]!, Math.floor(left / sharers--));
    left -= shares[index]!;
  }
  return shares;
}

function describeProject({ project: { kind, name } }: PlanFile): string {
  return kind === "embedded" ? "the embedded database" : code(name);
}

/** What is shown of what rules have found. */
interface ShownFinding {
  readonly code: string;
  readonly level: string;
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Errors are among the warnings already. */
function formatFindings({ findings }: PlanFile): string[] {
  const found: readonly ShownFinding[] = findings ?? [];
  return found.filter(({ level }) => level === "warn").map((finding) =>
    `- ${name({ name: finding.file })}, line ${finding.line}: ${sentence(finding.message)} ` +
    `(${code(finding.code)})`
  );
}

function formatWarnings(plan: PlanFile): string[] {
  const { migrations, warnings, concerns, accepted } = plan;
  const destroyed = migrations.flatMap((migration) =>
    findDestroying(migration).map(({ line, destroys }) =>
      `- 🔥 ${name(migration)}, line ${line}: ${sentence(destroys!)}`
    )
  );
  const asked = concerns.length === 0 ? [] : [
    accepted
      ? "✅ What `migrate` would ask about was said yes to when the plan was made."
      : "❓ `migrate` asks about what can only be a key, and the like; without a terminal it " +
        "needs `--yes`.",
  ];
  return [
    ...list("**Destroys data:**", destroyed),
    ...list("**Warnings:**", warnings.map((warning) => `- ⚠️ ${sentence(warning)}`)),
    ...list("**`validate` also says:**", formatFindings(plan)),
    ...asked,
  ];
}

/** What keeps others waiting, the worst first. */
function formatLocks({ locks }: PlanFile): string[] {
  if (locks === null) return [];
  const waiting = locks.statements.filter(({ blocks }) => blocks !== "nobody");
  const notMeasured = locks.notMeasured.map((note) => `- ⚠️ ${sentence(note)}`);
  if (waiting.length + notMeasured.length === 0) {
    return ["🔓 Nobody is kept waiting for a table that is there."];
  }
  return list("**Locks on tables that are there, as measured on a shadow:**", [
    ...waiting.map(({ migration, line, locks: held, blocks, held: howLong }) =>
      `- 🔒 ${name({ name: migration })}, line ${line}: ` +
      `${
        [...new Set(held.map(({ table }) => code(shorten(table, SENTENCE_CHARACTERS))))].join(", ")
      } ` +
      `blocked for ${blocks}, ${howLong}`
    ),
    ...notMeasured,
  ]);
}

function list(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return [title, fit(lines, LIST_CHARACTERS, (left) => `- … and ${left} more`).join("\n")];
}

/** The lines for which there is room, and how many there are beside them. */
function fit(lines: readonly string[], room: number, more: (left: number) => string): string[] {
  let used = 0;
  const end = lines.findIndex((line) => (used += line.length + 1) > room);
  return end === -1 ? [...lines] : [...lines.slice(0, end), more(lines.length - end)];
}

function sentence(text: string): string {
  return plain(shorten(text, SENTENCE_CHARACTERS));
}

function name({ name }: { readonly name: string }): string {
  return code(shorten(name, SENTENCE_CHARACTERS));
}

function findDestroying({ steps, undo }: PlanFileMigration): PlanFileStatement[] {
  return [...undo ?? [], ...steps.flatMap(({ statements }) => statements)]
    .filter(({ destroys }) => destroys !== undefined);
}

function formatTable({ migrations }: PlanFile): string[] {
  if (migrations.length === 0) return ["Nothing to migrate: the database is up to date."];
  const rows = migrations.map((migration, index) => {
    const { reason, steps, stepsDone, rollback } = migration;
    const destroying = findDestroying(migration).length;
    const statements = steps.reduce((sum, step) => sum + step.statements.length, 0);
    const inSteps = steps.length === 1 ? "" : ` in ${steps.length} steps`;
    const cells = [
      index + 1,
      `${destroying > 0 ? "🔥 " : ""}${name(migration)}`,
      plain(reason),
      `${statements}${inSteps}${stepsDone === 0 ? "" : `, ${stepsDone} done`}`,
      rollback === null ? "⚠️ none" : "yes",
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    [
      "| # | Migration | Reason | Statements | Rollback |",
      "| --- | --- | --- | --- | --- |",
      ...fit(rows, TABLE_CHARACTERS, (left) => `| | … and ${left} more | | | |`),
    ].join("\n"),
  ];
}

function formatRefreshed({ refreshed: { rollbacks, checksums } }: PlanFile): string[] {
  return list("**Brought up to date without being run:**", [
    ...rollbacks.map((refreshed) => `- ♻️ ${code(refreshed)}: its stored rollback SQL`),
    ...checksums.map((refreshed) =>
      `- ♻️ ${code(refreshed)}: its checksum, as comments or white space alone were changed`
    ),
  ]);
}

/** One migration; in part, where there is not room for all of it. */
function formatDetails(migration: PlanFileMigration, number: number, room = Infinity): string {
  const { name, steps, stepsDone, undo, rollback, notices } = migration;
  const parts = [
    ...(undo === null ? [] : [{ title: "Undo of the applied version", sql: join(undo) }]),
    ...steps.map(({ outside, batch, settings, statements }, index) => ({
      title: steps.length === 1 && outside === null && batch === undefined
        ? ""
        : `Step ${index + 1} of ${steps.length}${plain(formatCommits(outside, batch))}${
          index < stepsDone ? " (done already)" : ""
        }`,
      sql: join([...settings, ...statements]),
    })),
    rollback === null
      ? { title: "No rollback", sql: "" }
      : { title: "Rollback", sql: rollback.sql.trim() },
  ];
  const put = (texts: readonly string[]) =>
    [
      `<details><summary>${number}. <code>${html(name)}</code></summary>`,
      ...notices.map((notice) => `ℹ️ ${plain(notice)}`),
      ...parts.flatMap(({ title, sql }, index) => [
        ...(title === "" ? [] : [`**${title}**`]),
        ...(sql === "" ? [] : [block(texts[index]!, "sql")]),
      ]),
      "</details>",
    ].join("\n\n");
  const texts = parts.map(({ sql }) => neutralize(sql));
  const whole = put(texts);
  if (whole.length <= room) return whole;
  const rooms = share(
    texts.map(({ length }) => length),
    room - put(parts.map(() => SHORTENED)).length,
  );
  return put(texts.map((text, index) => cut(text, rooms[index]!)));
}

/** Statements as a text in which those stand out that destroy something. */
function join(statements: readonly PlanFileStatement[]): string {
  if (statements.length === 0) return "-- no statements";
  return statements.map(({ sql, line, destroys }) =>
    `${
      destroys === undefined ? "" : `-- 🔥 line ${line}: ${destroys.replace(/\s+/g, " ")}\n`
    }${sql};`
  ).join("\n\n");
}

function cut(sql: string, room: number): string {
  if (sql.length <= room) return sql;
  const kept = sql.slice(0, Math.max(0, room));
  const end = kept.lastIndexOf("\n");
  return `${end === -1 ? "" : kept.slice(0, end + 1)}${SHORTENED}`;
}

const SHORTENED = "-- … shortened";

function formatEnd({ digest, toolVersion, options }: PlanFile, shortened: number): string[] {
  const { to, transaction, onChange, outOfOrder } = options;
  const chosen = [
    ...(to === null ? [] : [`to ${code(to)}`]),
    ...(transaction === "each" ? [] : [`transaction ${transaction}`]),
    ...(onChange === "rerun" ? [] : [`on change ${onChange}`]),
    ...(outOfOrder === "warn" ? [] : [`out of order ${outOfOrder}`]),
  ];
  return [
    ...(shortened === 0 ? [] : [
      `✂️ The SQL of ${count(shortened, "migration")} is shortened or left out, for a comment ` +
      "holds 65,536 characters; all of it is in the files, and in the plan that `--out` writes.",
    ]),
    `<sub>${
      ["supamigrate", toolVersion, ...(chosen.length === 0 ? [] : [`(${chosen.join(", ")})`])]
        .join(" ")
    }, plan ${digest.slice(0, 16)}</sub>`,
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
