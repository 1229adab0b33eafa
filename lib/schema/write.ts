/** Writes planned statements as a person would: in the order of objects, without needless quotes. @module */

import { type FactBase, parseId, type StableId } from "./facts.ts";
import { findTokens, type Token } from "../planning/tokens.ts";
import { keyOf, type SchemaStatement } from "./compare.ts";
import { topOf } from "./select.ts";

/** What {@linkcode writeStatements} goes by. */
export interface WritingFacts {
  /** The schemas before and after: they say which object something is part of. */
  readonly facts: readonly FactBase[];
  /** Words that cannot be names without quotes: what `pg_get_keywords()` calls anything but unreserved. */
  readonly keywords: ReadonlySet<string>;
}

/**
 * Writes statements as a part of a migration.
 *
 * @param statements The statements, in an order that works.
 * @param facts What tells how they belong together.
 * @returns The text; with a comment that asks for a commit where one has to be.
 */
export function writeStatements(
  statements: readonly SchemaStatement[],
  facts: WritingFacts,
): string {
  const placed = leaveOutOwner(statements).map((statement) => ({
    ...statement,
    object: objectOf(statement, facts.facts),
  }));
  const blocks: string[] = [];
  for (const part of splitPlaced(placed)) {
    const lines: string[] = [];
    let object: string | undefined;
    if (part.some(({ sql }) => MAKES_FUNCTION.test(sql))) {
      lines.push("-- The bodies of functions may name what comes later.");
      lines.push("set local check_function_bodies = off;");
      object = "";
    }
    for (const statement of gather(part)) {
      const sql = format(statement.sql, facts.keywords);
      const isLong = sql.includes("\n");
      if (object !== undefined && (statement.object !== object || isLong)) lines.push("");
      lines.push(`${sql};`);
      // What is long stands by itself.
      object = isLong ? "" : statement.object;
    }
    blocks.push(lines.join("\n"));
  }
  return blocks.join("\n\n-- supamigrate: commit\n\n");
}

const MAKES_FUNCTION = /^\s*create (?:or replace )?(?:function|procedure)\b/i;

type Placed = SchemaStatement & { readonly object: string };

/** After a statement that has to be committed a new part begins. */
function splitPlaced(statements: readonly Placed[]): Placed[][] {
  const parts: Placed[][] = [[]];
  statements.forEach((statement, index) => {
    parts.at(-1)!.push(statement);
    if (statement.commitsAfter && index < statements.length - 1) parts.push([]);
  });
  return parts.filter((part) => part.length > 0);
}

/**
 * Takes out what gives `postgres`, who runs migrations, rights to objects that it has just made: it
 * owns them.
 */
function leaveOutOwner(statements: readonly SchemaStatement[]): SchemaStatement[] {
  const made = new Set(
    statements.flatMap(({ sql, about }) => /^\s*create\b/i.test(sql) ? about : []),
  );
  const revoked = new Set(
    statements.flatMap(({ sql, about }) =>
      /^revoke\b.*\bfrom "postgres"/is.test(sql) ? about.map(targetOf) : []
    ),
  );
  return statements.flatMap((statement) => {
    const { sql, about } = statement;
    if (!about.some((key) => made.has(targetOf(key)))) return [statement];
    if (/^alter\b.*\bowner to "postgres"$/is.test(sql)) return [];
    if (!/^grant\b/i.test(sql) || about.some((key) => revoked.has(key))) return [statement];
    const [, head, list] = /^(.*\bTO )((?:PUBLIC|"(?:[^"]|"")*")(?:, (?:PUBLIC|"(?:[^"]|"")*"))*)$/s
      .exec(sql) ?? [];
    if (head === undefined || list === undefined) return [statement];
    const others = list.split(/, (?=PUBLIC|")/).filter((role) => role !== '"postgres"');
    return others.length === 0 ? [] : [{ ...statement, sql: head + others.join(", ") }];
  });
}

/** The object that a grant or a comment is on. */
function targetOf(key: string): string {
  const id = readKey(key);
  return id !== null && "target" in id ? keyOf(id.target) : key;
}

/** Keys of what pg-delta does not see are none of its own. */
function readKey(key: string): StableId | null {
  try {
    return parseId(key);
  } catch {
    return null;
  }
}

/** Which object a statement is about: the table for its columns, indexes and policies. */
function objectOf({ about }: SchemaStatement, facts: readonly FactBase[]): string {
  const [key = ""] = about.filter((key) => !key.startsWith("role:"));
  const target = targetOf(key);
  for (const base of facts) {
    const fact = base.getByEncoded(target);
    if (fact !== undefined) return keyOf(topOf(fact, base).id);
  }
  return target;
}

/** What can stand right behind the object that it is about: it needs that and roles alone. */
const FOLLOWS =
  /^(?:grant|revoke|comment on|alter table \S+ (?:enable|force) row level security)\b/i;

/** Brings grants, comments and the like up to their objects; all else keeps its order. */
function gather(statements: readonly Placed[]): Placed[] {
  const order: Placed[] = [];
  for (const statement of statements) {
    if (!FOLLOWS.test(statement.sql)) {
      order.push(statement);
      continue;
    }
    const needed = new Set([...statement.about, ...statement.about.map(targetOf)]);
    const last = order.findLastIndex(({ object, about }) =>
      object === statement.object || about.some((key) => needed.has(key))
    );
    if (last === -1) order.push(statement);
    else order.splice(last + 1, 0, statement);
  }
  return order;
}

function format(sql: string, keywords: ReadonlySet<string>): string {
  return breakTable(unquote(escapeReturns(sql.trim()), keywords));
}

/** A carriage return in a string is written as one: a file's line ends are LF, whatever it has. */
function escapeReturns(sql: string): string {
  if (!sql.includes("\r")) return sql;
  let text = "";
  let at = 0;
  const tokens = findTokens(sql);
  tokens.forEach(({ kind, start, end }, index) => {
    const string = sql.slice(start, end);
    if (kind !== "string" || !string.includes("\r")) return;
    const before = tokens[index - 1];
    const escapes = before?.end === start && /^e$/i.test(textOf(sql, before));
    text += sql.slice(at, start) + (escapes ? string : `E${string.replaceAll("\\", "\\\\")}`)
      .replaceAll("\r", "\\r");
    at = end;
  });
  return text + sql.slice(at);
}

/**
 * Takes quotes off names that PostgreSQL would not quote. Strings and bodies stay as they are.
 *
 * @param sql The statement.
 * @param keywords Words that cannot be names without quotes.
 */
export function unquote(sql: string, keywords: ReadonlySet<string>): string {
  let text = "";
  let at = 0;
  for (const { kind, start, end } of findTokens(sql)) {
    if (kind !== "name") continue;
    const name = sql.slice(start + 1, end - 1);
    if (!/^[a-z_][a-z0-9_$]*$/.test(name) || keywords.has(name)) continue;
    text += sql.slice(at, start) + name;
    at = end;
  }
  return text + sql.slice(at);
}

/** Gives each column of a new table a line of its own. */
function breakTable(sql: string): string {
  if (!/^create (?:unlogged )?table\b/i.test(sql)) return sql;
  const tokens = findTokens(sql);
  const open = tokens.findIndex((token) => textOf(sql, token) === "(");
  // Not of a partition, whose bounds are in brackets.
  if (
    open === -1 || tokens.slice(0, open).some((token) => /^(?:of|as)$/i.test(textOf(sql, token)))
  ) {
    return sql;
  }
  const breaks: number[] = [];
  let depth = 0;
  let close: Token | undefined;
  for (const token of tokens.slice(open)) {
    const text = textOf(sql, token);
    if (text === "(" || text === "[") depth++;
    else if (text === ")" || text === "]") depth--;
    else if (text === "," && depth === 1) breaks.push(token.end);
    if (depth === 0) {
      close = token;
      break;
    }
  }
  const first = tokens[open]!;
  if (close === undefined || sql.slice(first.end, close.start).trim() === "") return sql;
  const parts = [first.end, ...breaks].map((from, index) =>
    sql.slice(from, breaks[index] ?? close.start).trim()
  );
  return `${sql.slice(0, first.end)}\n${parts.map((part) => `  ${part}`).join("\n")}\n${
    sql.slice(close.start)
  }`;
}

function textOf(sql: string, { start, end }: Token): string {
  return sql.slice(start, end);
}
