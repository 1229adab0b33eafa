/** Writes another tool's migration files as ours. @module */

import type { ForeignMigration, NotConverted } from "../adoption/format.ts";
import { findFormat, isRecognised } from "../adoption/formats.ts";
import { ConfigurationError } from "../errors.ts";
import { endStatements } from "../planning/join_sections.ts";
import { holdsStatements } from "../planning/lexer.ts";
import { comparisonBy, isNumbered } from "../planning/order.ts";
import type { Migration } from "../planning/plan.ts";
import { Refusals } from "../planning/refusals.ts";
import { normalizeText } from "../planning/sections.ts";
import { splitStatements } from "../planning/statements.ts";
import { readUndoName } from "../planning/undo_names.ts";
import { findAbilities } from "../ways.ts";
import { readFiles, refuseExisting, refuseSameNames, writeAll } from "./import_files.ts";
import type { Proof } from "./prove_import.ts";
import { throwIfInterrupted } from "./context.ts";
import { loadMigrations } from "./source.ts";

/** Options of {@linkcode importMigrations}. */
export interface ImportOptions {
  /** The folder of the other tool's files. */
  readonly from: string;
  /** The folder of our migrations. It is made where it is missing. */
  readonly to: string;
  /** Which tool's they are; found out by the folder where it is left out. */
  readonly format?: string;
  /** Write nothing. */
  readonly dryRun?: boolean;
  /** Compare on the embedded database what both make. `true` by default. */
  readonly prove?: boolean;
  /** Asks whether to write, when everything is known. */
  readonly confirm?: (planned: ImportPlan) => Promise<boolean>;
  /** Stops before anything is written. */
  readonly signal?: AbortSignal;
}

/** What is to be written. */
export interface ImportPlan {
  /** The tool. */
  readonly tool: string;
  /** The files, in order. */
  readonly files: readonly ImportedFile[];
  /** Files of which no migration is made, and why. */
  readonly notConverted: readonly NotConverted[];
  /** What the proof came to; null where it was not asked for, or there is nothing to prove. */
  readonly proof: Proof | null;
}

/** A file that is made from those of another tool. */
export interface ImportedFile {
  /** What it is made from. */
  readonly from: readonly string[];
  /** Its name. */
  readonly to: string;
  /** Whether it says what undoes it. */
  readonly hasRollback: boolean;
  /** What the reader should know, a sentence each. */
  readonly notes: readonly string[];
}

/** What {@linkcode importMigrations} came to. */
export interface ImportResult extends ImportPlan {
  /** The folder of our migrations. */
  readonly folder: string;
  /** Whether the files were written. */
  readonly written: boolean;
}

/** Which way the migrations will take is not known here: the widest one. */
const ABILITIES = findAbilities({ embedded: true });

const MIGRATIONS = "migrations/";

/**
 * Reads the migrations of another tool, and writes them as ours: nothing is overwritten, and all
 * are written or none is.
 *
 * @param options Both folders, and how far to go.
 * @returns What was made of which file.
 * @throws {ConfigurationError} The tool is not recognised, a file is there already, or two would
 * get one name; or both do not make the same.
 * @throws {MigrationFileError} A file is not fit to be a migration of ours.
 */
export async function importMigrations(options: ImportOptions): Promise<ImportResult> {
  const { files, folder, format } = await findFiles(options);
  const foreign = await format.read(files);
  if (foreign.migrations.length + foreign.notConverted.length === 0) {
    throw new ConfigurationError(`No migrations of ${format.title} are in the folder "${folder}"`, {
      hint: "Name the folder that holds them with --from, or another tool with --format.",
    });
  }
  const migrations = foreign.migrations.filter(({ forward }) => holdsStatements(forward));
  const notConverted = [
    ...foreign.notConverted,
    ...foreign.migrations.filter((one) => !migrations.includes(one))
      .map(({ from }) => ({ file: from[0]!, reason: "holds nothing to apply" })),
  ];
  // What a journal calls a migration could lead into another folder.
  const names = nameFiles(migrations.map(({ name }) => name.replaceAll(/[\\/]/g, "_")));
  refuseSameNames(names, migrations);
  const texts = Object.fromEntries(migrations.map((one, index) => [names[index]!, write(one)]));
  await refuseUnfit(texts, migrations, names);
  await refuseExisting(options.to, names);

  const plan: ImportPlan = {
    tool: format.title,
    files: migrations.map(({ from, rollback, notes }, index) => ({
      from: from.map((path) => `${folder}/${path}`),
      to: names[index]!,
      hasRollback: rollback !== null && holdsStatements(normalizeText(rollback)),
      notes,
    })),
    notConverted,
    proof: migrations.length === 0 || options.prove === false
      ? null
      : await prove(format.title, migrations, texts, options.signal),
  };
  const result = { ...plan, folder: options.to, written: false };
  if (options.dryRun || names.length === 0) return result;
  if (plan.proof?.same === false) return result;
  if (options.confirm !== undefined && !await options.confirm(plan)) {
    throw new ConfigurationError("Not confirmed: nothing was written");
  }
  throwIfInterrupted(options.signal);
  await writeAll(options.to, texts);
  return { ...result, written: true };
}

async function prove(
  title: string,
  migrations: readonly ForeignMigration[],
  texts: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<Proof> {
  const { proveImport } = await import("./prove_import.ts");
  return await proveImport(title, migrations, texts, signal);
}

/** The folder may be the tool's own, or the one above its `migrations`. */
async function findFiles({ from, format: asked }: ImportOptions) {
  const files = await readFiles(from);
  const below = new Map(
    [...files].filter(([path]) => path.startsWith(MIGRATIONS))
      .map(([path, text]) => [path.slice(MIGRATIONS.length), text]),
  );
  if (!isRecognised(files, asked) && isRecognised(below, asked)) {
    const { join } = await import("node:path");
    const folder = join(from, MIGRATIONS.slice(0, -1));
    return { files: below, folder, format: findFormat(below, folder, asked) };
  }
  return { files, folder: from, format: findFormat(files, from, asked) };
}

/**
 * Names that sort as the migrations run, by number and by name: as they are; else with numbers of
 * one width; else with a number in front.
 */
function nameFiles(stems: readonly string[]): string[] {
  const width = Math.max(0, ...stems.map((stem) => /^\d*/.exec(stem)![0].length));
  const padded = stems.map((stem) => stem.replace(/^\d+/, (number) => number.padStart(width, "0")));
  const digits = Math.max(4, String(stems.length).length);
  const counted = stems.map((stem, index) => `${String(index + 1).padStart(digits, "0")}_${stem}`);
  const found = [stems, padded].find((names) => names.every(isFit) && isInOrder(names));
  return (found ?? counted).map((name) => `${name}.sql`);
}

/** A date of fourteen digits counts as a number, and a name that undoes something is none. */
function isFit(stem: string): boolean {
  return /^\d+_./.test(stem) && isNumbered(`${stem}.sql`) && readUndoName(`${stem}.sql`) === null;
}

function isInOrder(stems: readonly string[]): boolean {
  const names = stems.map((stem) => `${stem}.sql`);
  return (["number", "name"] as const).every((order) => {
    const compare = comparisonBy(order);
    return names.every((name, index) => index === 0 || compare(names[index - 1]!, name) < 0);
  });
}

/** One file for both parts. The bodies stay as they are. */
function write({ forward, rollback }: ForeignMigration): string {
  const up = normalizeText(forward).replace(/^\n+/, "");
  const down = rollback === null ? "" : normalizeText(rollback).replace(/^\n+/, "");
  if (!holdsStatements(down)) return withNewline(up);
  return `${endStatements(up)}\n-- ROLLBACK\n\n${withNewline(down.trimEnd())}`;
}

function withNewline(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** What cannot be read as ours is found before anything is asked. */
async function refuseUnfit(
  texts: Readonly<Record<string, string>>,
  migrations: readonly ForeignMigration[],
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  const { migrations: read } = await loadMigrations(texts);
  const refusals = new Refusals();
  for (const { name, forward, rollback } of read) {
    // Lines are those of what would be written: marks of the tool are not in it.
    const file = `${name} (made from ${migrations[names.indexOf(name)]!.from.join(" and ")})`;
    for (const section of rollback === null ? [forward] : [forward, rollback]) {
      await refusals.attempt(() => splitStatements(section, file, ABILITIES));
    }
  }
  refusals.throwAny();
  const misread = migrations.find((one, index) => !isReadAsMeant(one, names[index]!, read[index]));
  if (misread === undefined) return;
  throw new ConfigurationError(`"${misread.from[0]}" would not be read as it is meant`, {
    hint: "Its comments look like marks of sections. Write this migration by hand. Nothing was " +
      "written.",
  });
}

/** Whether ours applies and undoes what the other tool does, in its place. */
function isReadAsMeant(
  { forward, rollback }: ForeignMigration,
  name: string,
  read: Migration | undefined,
): boolean {
  const undo = normalizeText(rollback ?? "").trim();
  return read?.name === name &&
    // A semicolon may have been added.
    read.forward.sql.trim().startsWith(normalizeText(forward).trim()) &&
    (holdsStatements(undo) ? read.rollback?.sql.trim() === undo : read.rollback === null);
}
