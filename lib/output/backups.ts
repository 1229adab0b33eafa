/** What `backups` does and prints. @module */

import { formatBytes } from "../bytes.ts";
import { formatCount } from "../count.ts";
import { formatDuration } from "../duration.ts";
import { ConfigurationError } from "../errors.ts";
import { findCopy, type SafetyCopy } from "../operations/backups.ts";
import type { Asking, GlobalFlags, Report, Run } from "./actions.ts";
import { line } from "./neutral.ts";
import { ask, isYes } from "./prompt.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `backups`. */
export interface BackupsFlags extends GlobalFlags, Asking {
  olderThan?: string;
}

const DAY_MS = 24 * 60 * 60_000;
const UNITS: Readonly<Record<string, number>> = { h: DAY_MS / 24, d: DAY_MS, w: 7 * DAY_MS };

/** What `backups` does: lists, shows how to have rows back by hand, or drops. */
export async function backups(
  { migrator, reporter }: Run,
  { olderThan, yes }: BackupsFlags,
  action?: string,
  names: readonly string[] = [],
): Promise<Report<JsonDocuments["backups"]>> {
  if (action === "drop") {
    const result = await migrator.dropBackups({
      names,
      ...(olderThan === undefined ? {} : { olderThanMs: parseAge(olderThan) }),
      ...(yes ? {} : {
        confirm: async (copies) => {
          reporter.warn(`🗑️  To be dropped for good:\n${copies.map(formatCopy).join("\n")}\n`);
          return isYes(await ask(reporter, "Drop them? (yes/no): "));
        },
      }),
    });
    const { length } = result.dropped;
    return {
      result,
      text: length === 0
        ? "✅ There is no such copy to drop"
        : `✅ Dropped ${length} safety ${length === 1 ? "copy" : "copies"}`,
    };
  }
  if (olderThan !== undefined) {
    throw new ConfigurationError("--older-than says which safety copies to drop", {
      hint: "Say supamigrate backups drop --older-than 30d.",
    });
  }
  const copies = await migrator.backups();
  if (action === undefined) return { result: copies, text: formatCopies(copies) };
  if (action !== "show") {
    throw new ConfigurationError(`backups does not know "${action}"`, {
      hint: "Say supamigrate backups, backups show NAME, or backups drop NAME.",
    });
  }
  const [name, ...others] = names;
  if (name === undefined || others.length > 0) {
    throw new ConfigurationError("backups show takes the name of one safety copy");
  }
  const copy = findCopy(name, copies);
  // Those of an application before this one are not open any more.
  const together = copies.filter(({ migration, batch, line, purpose, isOpen }) =>
    migration === copy.migration && batch === copy.batch && line === copy.line &&
    purpose === copy.purpose && isOpen === copy.isOpen
  );
  const sql = together.some(({ definition }) => definition !== null)
    // What was dropped last may be what the others were made with: a table's sequence.
    ? writeDropped(together.toSorted((one, other) => other.id - one.id))
    : writeRows(copy) || "-- The rows of this copy are gone.";
  return { result: { ...copy, sql }, text: sql };
}

function parseAge(text: string): number {
  const [, number, unit] = /^(\d{1,5})([hdw])$/.exec(text) ?? [];
  if (number === undefined) {
    throw new ConfigurationError(
      `--older-than has to be a number of hours, days or weeks such as 30d, not "${text}"`,
    );
  }
  return Number(number) * UNITS[unit!]!;
}

function formatCopies(copies: readonly SafetyCopy[]): string {
  const shown = copies.filter(({ kind }) => kind !== "objects");
  const dropped = copies.filter(({ definition }) => definition !== null);
  if (shown.length + dropped.length === 0) {
    return "✅ There are no safety copies: nothing was destroyed, or all of it is back";
  }
  const bytes = copies.reduce((sum, copy) => sum + (copy.bytes ?? 0), 0);
  return [
    "🛟 Safety copies, newest first",
    "",
    ...[...shown, ...dropped].toSorted((a, b) => b.id - a.id).map(formatCopy),
    "",
    `${shown.length} in all, ${formatBytes(bytes)}, in the schema supamigrate_backup. ` +
    "supamigrate backups show NAME says how to have one back by hand",
  ].join("\n");
}

const WHAT: Readonly<Record<SafetyCopy["kind"], string>> = {
  table: "all rows of",
  rows: "rows of",
  values: "values of",
  state: "rows of",
  objects: "the SQL of what was dropped",
};

function formatCopy(copy: SafetyCopy): string {
  const { id, relation, rows, bytes, kind, migration, batch, purpose, ageMs, isOpen } = copy;
  const facts = [
    ...(rows === null ? [] : [`${formatCount(rows)} ${rows === 1 ? "row" : "rows"}`]),
    ...(bytes === null ? (kind === "objects" ? [] : ["the table is gone"]) : [formatBytes(bytes)]),
    `${formatDuration(ageMs)} old`,
  ];
  return line`  🛟 ${copy.copy ?? String(id)}  ${WHAT[kind]}${
    relation === null ? "" : ` ${relation}`
  } (${facts.join(", ")})` +
    line`\n     ${purpose === "apply" ? "" : "rollback of "}${migration}${
      copy.line === null ? "" : ` line ${copy.line}`
    }, batch ${batch ?? "?"}${isOpen ? "; rollback puts it back" : ""}`;
}

const quote = (name: string) => /^[a-z_]\w*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;

/** The line of a definition behind which is what would check or change the rows, or hear of them. */
const BEHIND_ROWS = "-- Behind the rows:";

/** The SQL that makes anew what a statement has dropped, with all the rows that went along. */
function writeDropped(copies: readonly SafetyCopy[]): string {
  const definitions = copies.map(({ definition }) => (definition ?? "").split(`${BEHIND_ROWS}\n`));
  const counted = copies.flatMap(({ sequences }) => Object.entries(sequences ?? {}));
  return [
    "-- What was dropped, as far as it is to be made anew, and its rows:",
    "begin;",
    ...definitions.map(([before = ""]) => before.trimEnd()),
    ...copies.map(writeRows),
    ...counted.map(([name, [value, isCalled]]) =>
      `select setval('${name.replaceAll("'", "''")}', ${value}, ${isCalled});`
    ),
    ...definitions.map(([, behind = ""]) => behind),
    "commit;",
  ].filter((text) => text !== "").join("\n");
}

/** The SQL that puts the rows of a copy back; nothing where it has none. */
function writeRows({ copy, relation, kind, columns, casts, key }: SafetyCopy): string {
  if (relation === null || copy === null) return "";
  const source = `supamigrate_backup.${quote(copy)}`;
  const names = (columns ?? []).map(quote);
  const valueOf = (name: string) =>
    `kept.${quote(name)}${casts[name] === undefined ? "" : `::${casts[name]}`}`;
  if (kind === "values") {
    const changed = (columns ?? []).filter((name) => !(key ?? []).includes(name));
    const matches = key === null
      ? ["/* what tells the rows apart */"]
      : key.map((name) => `live.${quote(name)} = ${valueOf(name)}`);
    return [
      `update ${relation} as live`,
      `   set ${changed.map((name) => `${quote(name)} = ${valueOf(name)}`).join(", ")}`,
      `  from ${source} as kept`,
      ` where ${matches.join(" and ")};`,
    ].join("\n");
  }
  return [
    `insert into ${relation} (${names.join(", ")}) overriding system value`,
    `select ${(columns ?? []).map(valueOf).join(", ")}`,
    `  from ${source} as kept${kind === "table" ? "" : "\n    on conflict do nothing"};`,
  ].join("\n");
}
