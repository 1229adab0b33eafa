/** What differs between two states of a schema, table by table. @module */

import type { ReportColumn, ReportSchema, ReportTable } from "./schema.ts";

/** What becomes of a table. */
export interface TableChange {
  /** The `id` of the table. */
  readonly id: string;
  /** Whether it comes, goes, or stays and is changed. */
  readonly change: "added" | "removed" | "changed";
  /** What is changed of it: `+`, `-` or `~`, what it is, and its name. */
  readonly details: readonly string[];
}

/**
 * Compares two states of a schema.
 *
 * @param before The one.
 * @param after The other.
 * @returns What becomes of the tables that differ, by their order in the one, then in the other.
 */
export function findChanges(before: ReportSchema, after: ReportSchema): TableChange[] {
  const later = new Map(after.tables.map((table) => [table.id, table]));
  const earlier = new Set(before.tables.map(({ id }) => id));
  return [
    ...before.tables.flatMap((table): TableChange[] => {
      const { id } = table;
      const changed = later.get(id);
      if (changed === undefined) return [{ id, change: "removed", details: [] }];
      const details = compareTables(table, changed);
      return details.length === 0 ? [] : [{ id, change: "changed", details }];
    }),
    ...after.tables.filter(({ id }) => !earlier.has(id))
      .map(({ id }): TableChange => ({ id, change: "added", details: [] })),
  ];
}

/**
 * Leaves out of changes what is so already: somebody has made by hand what pending migrations make.
 *
 * @param changes The changes.
 * @param now What there is.
 * @param after What the changes lead to.
 */
export function leaveOutDone(
  changes: readonly TableChange[],
  now: ReportSchema,
  after: ReportSchema,
): TableChange[] {
  const tables = new Map(now.tables.map((table) => [table.id, table]));
  const wanted = new Map(after.tables.map((table) => [table.id, table]));
  return changes.flatMap((one) => {
    const table = tables.get(one.id);
    if (one.change !== "changed") {
      return (one.change === "added") === (table === undefined) ? [one] : [];
    }
    if (table === undefined) return [one];
    // What it is stands behind the sign that says what becomes of it.
    const left = new Set(
      compareTables(table, wanted.get(one.id)!).map((detail) => detail.slice(1)),
    );
    const details = one.details.filter((detail) => left.has(detail.slice(1)));
    return details.length === 0 ? [] : [{ ...one, details }];
  });
}

function compareTables(before: ReportTable, after: ReportTable): string[] {
  const details: string[] = [];
  const lists = [
    "columns",
    "constraints",
    "references",
    "indexes",
    "policies",
    "triggers",
  ] as const;
  for (const list of lists) {
    details.push(...compareNamed(WORDS[list], before[list], after[list]));
  }
  const toNamed = ({ grants }: ReportTable) =>
    grants.map((grant) => ({
      ...grant,
      name: grant.grantee + (grant.columns === null ? "" : ` (${grant.columns.join(", ")})`),
    }));
  details.push(...compareNamed("grant to", toNamed(before), toNamed(after)));
  if (before.rls !== after.rls) {
    details.push(`~ row level security: ${after.rls ? "on" : "off"}`);
  }
  if (before.forced !== after.forced) {
    details.push(`~ row level security for its owner: ${after.forced ? "on" : "off"}`);
  }
  if (before.definition !== after.definition) details.push("~ query");
  if (before.comment !== after.comment) details.push("~ comment");
  if (before.owner !== after.owner) details.push(`~ owner: ${after.owner}`);
  return details;
}

const WORDS = {
  columns: "column",
  constraints: "constraint",
  references: "foreign key",
  indexes: "index",
  policies: "policy",
  triggers: "trigger",
} as const;

type Named = { readonly name: string };

function compareNamed(
  what: string,
  before: readonly Named[],
  after: readonly Named[],
): string[] {
  const nameOf = (item: Named) =>
    "type" in item ? `${item.name} ${(item as ReportColumn).type}` : item.name;
  const earlier = new Map(before.map((item) => [item.name, item]));
  const later = new Map(after.map((item) => [item.name, item]));
  return [
    ...before.filter(({ name }) => !later.has(name)).map((item) => `- ${what} ${nameOf(item)}`),
    ...after.flatMap((item) => {
      const known = earlier.get(item.name);
      if (known === undefined) return [`+ ${what} ${nameOf(item)}`];
      return JSON.stringify(known) === JSON.stringify(item) ? [] : [`~ ${what} ${nameOf(item)}`];
    }),
  ];
}
