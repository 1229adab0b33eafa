/** Draws a table and what it has to do with others as text. @module */

import { shortName } from "../report/diagram.ts";
import { count, shortType } from "../report/parts.ts";
import type { ReportReference, ReportTable } from "../report/schema.ts";
import { cutEnd, measure, type Screen } from "./columns.ts";

/**
 * Finds the table that somebody means.
 *
 * @param tables All tables.
 * @param name Its name, with its schema or without.
 * @returns The table; all that could be meant where there are several; none where there is none.
 */
export function findTable(tables: readonly ReportTable[], name: string): readonly ReportTable[] {
  const exact = tables.filter((table) =>
    table.id === name || `${table.schema}.${table.name}` === name
  );
  if (exact.length > 0) return exact;
  const named = tables.filter((table) => table.name === name);
  const shown = named.find(({ schema }) => schema === "public");
  return shown === undefined ? named : [shown];
}

/**
 * Draws a table in a frame, what refers to it above, and what it refers to below.
 *
 * @param table The table.
 * @param tables All tables.
 * @param screen Where they are to fit.
 * @returns The lines.
 */
export function drawNeighbourhood(
  table: ReportTable,
  tables: readonly ReportTable[],
  screen: Screen,
): string[] {
  const referring = tables.flatMap(({ id, references }) =>
    references.filter(({ target }) => target === table.id && id !== table.id)
      .map((key) => ({ id, key }))
  );
  const incoming = referring.map(({ id, key }) => ({
    name: `${shortName(id)} (${key.columns.join(", ")})`,
    notes: describeKey(key),
  }));
  const outgoing = table.references.map((key) => ({
    name: `${key.columns.join(", ")} → ${shortName(key.target)}`,
    notes: key.target === table.id ? ["itself", ...describeKey(key)] : describeKey(key),
  }));
  return [
    ...drawBranches(incoming, "┌", "▼", screen),
    ...drawFrame(table, screen),
    ...drawBranches(outgoing, "├", "└", screen),
  ];
}

interface Branch {
  readonly name: string;
  readonly notes: readonly string[];
}

function describeKey({ onDelete, optional, unique }: ReportReference): string[] {
  return [
    ...(optional ? ["optional"] : []),
    ...(unique ? ["one to one"] : []),
    ...(onDelete === null ? [] : [`on delete ${onDelete}`]),
  ];
}

/** What comes in ends above the frame, what goes out begins below it. */
function drawBranches(
  branches: readonly Branch[],
  first: "┌" | "├",
  last: "▼" | "└",
  { columns = Infinity, clean }: Screen,
): string[] {
  if (branches.length === 0) return [];
  const names = branches.map(({ name }) => toCell(name, clean));
  const widest = Math.max(...names.map(measure));
  const lines = branches.map(({ notes }, index) => {
    const name = names[index]!;
    const corner = first === "┌"
      ? index === 0 ? "┌" : "├"
      : index === branches.length - 1
      ? "└"
      : "├";
    const text = notes.length === 0 ? name : `${pad(name, widest)}  ${notes.join(", ")}`;
    return cutEnd(`  ${corner}── ${text}`, columns);
  });
  return last === "▼" ? [...lines, "  ▼"] : lines;
}

function drawFrame(
  { id, kind, rows, rls, policies, columns, constraints, references }: ReportTable,
  { columns: screenWidth = Infinity, clean }: Screen,
): string[] {
  const keys = new Set(
    constraints.filter(({ kind }) => kind === "primary key").flatMap(({ columns }) => columns),
  );
  const foreign = new Set(references.flatMap(({ columns }) => columns));
  const names = columns.map(({ name }) => toCell(name, clean));
  const types = columns.map(({ type }) => toCell(shortType(type), clean));
  const [widestName, widestType] = [names, types].map((all) => Math.max(0, ...all.map(measure)));
  const body = columns.map((column, index) =>
    `${pad(names[index]!, widestName!)}  ${pad(types[index]!, widestType!)}  ${
      [
        ...(keys.has(column.name) ? ["key"] : []),
        ...(foreign.has(column.name) ? ["→"] : []),
        ...(column.required ? [] : ["optional"]),
      ].join(" ")
    }`.trimEnd()
  );
  const title = [
    toCell(shortName(id), clean),
    ...(kind === "table" ? [] : [kind]),
    ...(rows === null ? [] : [`about ${count(rows, "row")}`]),
    ...(kind.endsWith("table")
      ? [rls ? count(policies.length, "policy", "policies") : "no row level security"]
      : []),
  ].join(" · ");
  const width = Math.min(Math.max(...[title, ...body].map(measure)), screenWidth - 4);
  const row = (text: string) => `│ ${pad(cutEnd(text, width), width)} │`;
  const rule = "─".repeat(width + 2);
  return [
    `┌${rule}┐`,
    row(title),
    `├${rule}┤`,
    ...body.map(row),
    references.length === 0 ? `└${rule}┘` : `└─┬${rule.slice(2)}┘`,
  ];
}

/** As it will be written: what cannot be seen takes the room of what is shown for it. */
function toCell(text: string, clean: Screen["clean"]): string {
  return clean(text).replace(/\s+/g, " ");
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - measure(text)));
}
