/** Writes what differs between two schemas as a migration, and proves it on a shadow. @module */

import { nameSome } from "../doctor/check.ts";
import { ConfigurationError } from "../errors.ts";
import { findSecrets } from "../planning/secrets.ts";
import type { Migration } from "../planning/plan.ts";
import type { Catalogue } from "../schema/catalogue.ts";
import { compareExtras, compareSchemas, type SchemaStatement } from "../schema/compare.ts";
import { converge } from "../schema/converge.ts";
import { describeDeltas, describeExtras, path, type SchemaDifference } from "../schema/describe.ts";
import { findRenames, type PossibleRename } from "../schema/renames.ts";
import { isEverything, selectFrom, type Selection } from "../schema/select.ts";
import { isInScope } from "../schema/scope.ts";
import type { Shadow } from "../schema/shadow.ts";
import { unquote, writeStatements } from "../schema/write.ts";
import { type MigrationDraft, UNDO_FOLDER } from "./create.ts";
import { rollback } from "./rollback.ts";
import { applyToShadow, contextOf, makeShadow, type ShadowSource } from "./shadow.ts";
import { shorten } from "../shorten.ts";
import { loadMigrations } from "./source.ts";

/** A schema, table, column or the like that has another name now. */
export interface Renamed {
  /** What it was called: `public.notes.body`. */
  readonly from: string;
  /** What it is called: `public.notes.text`. */
  readonly to: string;
}

/** How what was renamed is told from what was dropped and made anew. */
export interface RenameOptions {
  /** What was renamed; an empty list says that nothing was. Without it, `confirmRename` is asked. */
  readonly renames?: readonly Renamed[];
  /** Asked of each that may have been renamed. Without it that is an error. */
  readonly confirmRename?: (rename: PossibleRename) => Promise<boolean>;
}

/** What differs, as the parts of a migration. */
export interface Captured {
  /** What is done. */
  readonly forward: string;
  /** What takes it back. */
  readonly rollback: string;
  /** How many statements are in it. */
  readonly statements: number;
  /** What it renames. */
  readonly renamed: readonly Renamed[];
  /** What it changes, by schema and name. */
  readonly differences: readonly Omit<SchemaDifference, "keys">[];
  /** What the reader should know, a sentence each. */
  readonly warnings: readonly string[];
  /** The schema before it, and the one that it leads to, as the shadow spells them. */
  readonly from: Catalogue;
  readonly to: Catalogue;
}

/**
 * Writes what has to be done to a shadow to bring it to a schema, and what takes that back.
 *
 * @param shadow The shadow; it has its own schema again afterwards.
 * @param wanted The schema.
 * @param options What of it, and what was renamed.
 * @returns Both; null where there is nothing to do.
 * @throws {ConfigurationError} Something cannot be written, or it is not clear what was renamed.
 */
export async function capture(
  shadow: Shadow,
  wanted: Catalogue,
  options: Selection & RenameOptions = {},
): Promise<Captured | null> {
  const from = await shadow.read();
  const target = isEverything(options) ? wanted : selectFrom(wanted, from, options);
  const { renames, current } = await applyRenames(shadow, from, target, options);
  const there = await runConverge(shadow, target, current);
  refuseUnwritable(there.unwritable);
  if (renames.length + there.statements.length === 0) return null;
  const before = { ...there.from, saysClosed: wanted.saysClosed };
  const back = await runConverge(shadow, before, there.to);
  for (const { undo } of renames.toReversed()) await shadow.run(undo);
  refuseUnwritable(back.unwritable);
  const keywords = new Set((await shadow.channel.run(KEYWORDS)).map(({ word }) => String(word)));
  const facts = { facts: [there.to.facts, from.facts], keywords };
  const forward = [...renames.map(({ sql }) => toStatement(sql)), ...there.statements];
  const undo = [...back.statements, ...renames.toReversed().map(({ undo }) => toStatement(undo))];
  return {
    forward: writeStatements(forward, facts),
    rollback: writeStatements(undo, facts),
    statements: forward.length,
    renamed: renames.map(({ from, to }) => ({ from, to })),
    differences: compareAll(there.from, there.to),
    warnings: [
      ...describeLosses(forward, keywords, "Applied where there are rows, it loses them"),
      ...describeLosses(back.statements, keywords, "Its rollback loses rows"),
      ...describeOpenFunctions(there.from, there.to),
    ],
    from,
    to: there.to,
  };
}

const KEYWORDS = "select word from pg_get_keywords() where catcode <> 'U'";

/**
 * Proves a migration on a shadow of its own: applied, it leads where it should; rolled back, to where
 * it came from; applied again, to the same.
 *
 * @param source Where shadows come from.
 * @param base The migrations before it.
 * @param migration The migration.
 * @param captured What it is made of.
 * @param live The project's schema, whose shape the shadow gets.
 * @throws {ConfigurationError} It does not.
 */
export async function prove(
  source: ShadowSource,
  base: readonly Migration[],
  migration: Migration,
  { from, to }: Pick<Captured, "from" | "to">,
  live?: Catalogue,
): Promise<void> {
  const all = [...base, migration];
  await using shadow = await makeShadow(source, base, live, all);
  const up = async (when: string) => {
    await applyToShadow(shadow, all);
    refuseDifference(await shadow.read(), to, `${when}, it does not lead to what is there`);
  };
  await up("applied to the shadow");
  const { results } = await rollback(contextOf(shadow, all), { steps: 1 });
  for (const { error } of results) {
    if (error === null) continue;
    const place = error.line === undefined ? "" : ` (line ${error.line})`;
    refuse(`its rollback fails on the shadow: ${error.message}${place}`);
  }
  refuseDifference(await shadow.read(), from, "rolled back, it does not restore what was there");
  await up("applied again");
}

/**
 * Makes a migration of its text, as if its file were read.
 *
 * @param draft The file's name and its text, and that of what undoes it.
 * @returns The migration.
 * @throws {ConfigurationError} There is something like a key in it.
 */
export async function readWritten(draft: MigrationDraft): Promise<Migration> {
  const { name, rollbackText } = draft;
  const text = `${draft.text}${rollbackText ?? ""}`;
  const [secret] = findSecrets(text);
  if (secret !== undefined) {
    const lines = text.split("\n").slice(0, secret.line);
    const begin = lines.findLast((line) => /^(?:create|alter|comment|insert|select)\b/i.test(line));
    throw new ConfigurationError(
      `What was found holds ${secret.kind}, and a migration is no place for it: ` +
        shorten(hideValues(begin ?? name, findSecrets(text).flatMap(({ values }) => values)), 80),
      {
        hint: "Nothing was written. Put the key into the vault (vault.create_secret) and read it " +
          "from there, or leave the object out with --exclude.",
      },
    );
  }
  if (/\b__OPTION_\w+__|\b__SENSITIVE/.test(text)) {
    throw new ConfigurationError("What was found needs a password, which no catalogue shows", {
      hint: "Nothing was written. Leave the foreign server or the subscription out with --exclude.",
    });
  }
  const { migrations } = await loadMigrations({
    [name]: draft.text,
    ...(rollbackText === null ? {} : { [`${UNDO_FOLDER}/${name}`]: rollbackText }),
  });
  return migrations[0]!;
}

function hideValues(text: string, values: readonly string[]): string {
  return values.reduce((rest, value) => rest.replaceAll(value, "…"), text);
}

async function applyRenames(
  shadow: Shadow,
  from: Catalogue,
  target: Catalogue,
  { renames: named, confirmRename }: RenameOptions,
): Promise<{ renames: readonly PossibleRename[]; current: Catalogue }> {
  const accepted: PossibleRename[] = [];
  const declined = new Set<string>();
  const unused = new Set(named);
  const toKey = ({ from, to }: Renamed) => `${from}=${to}`;
  const isRenamed = async (one: PossibleRename): Promise<boolean> => {
    const given = named?.find((rename) => toKey(rename) === toKey(one));
    if (given !== undefined) unused.delete(given);
    if (given !== undefined || named !== undefined) return given !== undefined;
    if (confirmRename !== undefined) return await confirmRename(one);
    throw new ConfigurationError(
      `Was the ${one.kind} ${one.from} renamed to ${one.to}, or dropped, and ${one.to} made anew?`,
      {
        hint:
          `Say --rename ${
            asWord(`${asName(one.from)}=${asName(one.to)}`)
          }, or --no-renames where nothing was renamed. ` +
          "Dropping loses what is in it.",
      },
    );
  };
  let current = from;
  for (;;) {
    const [next] = findRenames(current, target).filter((one) => !declined.has(toKey(one)));
    if (next === undefined) break;
    if (!await isRenamed(next)) {
      declined.add(toKey(next));
      continue;
    }
    await shadow.run(next.sql);
    accepted.push(next);
    current = await shadow.read();
  }
  for (const { from, to } of unused) {
    throw new ConfigurationError(`Nothing shows that ${from} was renamed to ${to}`, {
      hint:
        "Name schemas as schema, tables, types and sequences as schema.name, and columns and the " +
        "values of enums as schema.table.column, as they were and are.",
    });
  }
  return { renames: accepted, current };
}

/** A name, in quotes where something in it would not count as a part of it. */
function asName(name: string): string {
  return /[,="]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

/** As one word of a shell, to be copied. */
function asWord(text: string): string {
  return /^[\w.=]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** What the shadow does not take is what nobody could apply. */
async function runConverge(shadow: Shadow, wanted: Catalogue, current: Catalogue) {
  try {
    return await converge(shadow, wanted, current);
  } catch (error) {
    throw new ConfigurationError(
      `What differs cannot be written as a migration: ${(error as Error).message}`,
      {
        hint:
          "Nothing was written. Where a part was selected, it may need what was not; else leave " +
          "the object out with --exclude.",
        cause: error,
      },
    );
  }
}

function refuseUnwritable(unwritable: readonly { what: string; reason: string }[]): void {
  if (unwritable.length === 0) return;
  const named = nameSome(unwritable.map(({ what, reason }) => `${what} (${reason})`));
  throw new ConfigurationError(`What differs cannot be written as a migration: ${named}`, {
    hint: "Nothing was written. Leave these out with --exclude, and write them by hand.",
  });
}

function refuseDifference(found: Catalogue, wanted: Catalogue, what: string): void {
  const left = compareAll(found, wanted);
  if (left.length === 0) return;
  refuse(`${what}: ${nameSome(left.map(({ kind, name }) => `${kind} ${name}`))}`);
}

function refuse(what: string): never {
  throw new ConfigurationError(`The migration was not proved: ${what}`, {
    hint: "Nothing was written. Leave these out with --exclude, and write them by hand.",
  });
}

/**
 * Says what differs between two schemas.
 *
 * @param from The one.
 * @param to The other.
 * @returns What it is, by schema and name.
 */
export function compareAll(from: Catalogue, to: Catalogue): Omit<SchemaDifference, "keys">[] {
  return [
    ...describeDeltas(compareSchemas(from, to)),
    ...describeExtras(compareExtras(from, to)),
  ].map(({ keys: _, ...difference }) => difference);
}

function toStatement(sql: string): SchemaStatement {
  return { sql, losesData: false, commitsAfter: false, about: [] };
}

function describeLosses(
  statements: readonly SchemaStatement[],
  keywords: ReadonlySet<string>,
  what: string,
): string[] {
  const losing = statements.filter(({ sql, losesData }) =>
    losesData && !/^(?:select|set)\b/i.test(sql)
  )
    .map(({ sql }) => unquote(sql, keywords).split("\n", 1)[0]!);
  if (losing.length === 0) return [];
  return [`${what}: ${nameSome(losing)}`];
}

/** A migration repeats what is there, and what is open stays open. */
function describeOpenFunctions(from: Catalogue, to: Catalogue): string[] {
  const open = to.facts.facts().flatMap(({ id, payload }) => {
    if (id.kind !== "acl" || !["PUBLIC", "anon"].includes(id.grantee)) return [];
    if (!JSON.stringify(payload.privileges).includes("EXECUTE")) return [];
    const { target } = id;
    if (target.kind !== "function" && target.kind !== "procedure") return [];
    if (!isInScope(target.schema, target.kind)) return [];
    const isTrigger = to.facts.get(target)?.payload.returnType === "trigger";
    return from.facts.has(target) || isTrigger ? [] : [path(target.schema, target.name)];
  }).filter((name, index, all) => all.indexOf(name) === index);
  if (open.length === 0) return [];
  return [
    `Everybody may call ${nameSome(open)}, as it is there: revoke ` +
    "execute from public, anon and authenticated where that is not meant",
  ];
}
