/** Reads a schema that is declared in SQL files, and makes it on a shadow. @module */

import type { CallError } from "../database/channel.ts";
import { isOnServers } from "../embedded/platform/missing.ts";
import { ConfigurationError, MigrationFileError } from "../errors.ts";
import { Refusals } from "../planning/refusals.ts";
import { normalizeText } from "../planning/sections.ts";
import { splitStatements } from "../planning/statements.ts";
import type { Statement } from "../planning/step.ts";
import { OTHER_SHADOW } from "../schema/converge.ts";
import type { Shadow } from "../schema/shadow.ts";
import { findAbilities } from "../ways.ts";
import { readMigrationFile } from "./source.ts";

/** A statement of a declared schema. */
export interface DeclaredStatement extends Statement {
  /** The file that it stands in. */
  readonly file: string;
}

const ABILITIES = findAbilities({ embedded: true });

/**
 * Reads what declares a schema: a file, or all of a folder. Of a folder those come first that
 * `schema_paths` in `config.toml` names, in its order; else all `.sql` files in the order of their
 * paths.
 *
 * @param path The file or the folder.
 * @returns The statements.
 * @throws {ConfigurationError} There are no such files.
 * @throws {MigrationFileError} Files are not fit: the first mistake, and with it all others.
 */
export async function readDeclared(path: string): Promise<DeclaredStatement[]> {
  const statements: DeclaredStatement[] = [];
  const refusals = new Refusals();
  for (const file of await listFiles(path)) {
    await refusals.attempt(async () => {
      const sql = normalizeText(readMigrationFile(file, file));
      const split = await splitStatements({ sql, line: 1 }, file, ABILITIES);
      statements.push(...split.statements.map((statement) => ({ ...statement, file })));
    });
  }
  refusals.throwAny();
  return statements;
}

/**
 * Makes a declared schema: statements that need what comes later wait for it.
 *
 * @param shadow The shadow.
 * @param statements The statements, in any order.
 * @throws {MigrationFileError} Some never work: the first of them, and with it the others.
 */
export async function makeDeclared(
  shadow: Shadow,
  statements: readonly DeclaredStatement[],
): Promise<void> {
  let waiting = [...statements];
  let failures: unknown[] = [];
  while (waiting.length > 0) {
    const later: DeclaredStatement[] = [];
    failures = [];
    for (const statement of waiting) {
      try {
        await run(shadow, statement, "off");
      } catch (error) {
        later.push(statement);
        failures.push(error);
      }
    }
    if (later.length === waiting.length) throw toError(later, failures);
    waiting = later;
  }
  // Bodies may name what comes later, and are looked at when all is there.
  const wrong: DeclaredStatement[] = [];
  for (const statement of statements) {
    if (!/^create (?:or replace )?(?:function|procedure)\b/i.test(statement.sql)) continue;
    const sql = statement.sql.replace(/^create (?:or replace )?/i, "create or replace ");
    await run(shadow, { ...statement, sql }, "on").catch((error) => {
      wrong.push(statement);
      failures.push(error);
    });
  }
  if (wrong.length > 0) throw toError(wrong, failures);
}

async function run(shadow: Shadow, { sql }: Statement, bodies: "on" | "off"): Promise<void> {
  await shadow.run(
    `set local search_path = "$user", public, extensions;\n` +
      `set local check_function_bodies = ${bodies};\n${sql};`,
  );
}

function toError(
  statements: readonly DeclaredStatement[],
  failures: readonly unknown[],
): MigrationFileError {
  const refusals = new Refusals();
  statements.forEach(({ file, line, sql }, index) =>
    refusals.add(
      new MigrationFileError((failures[index] as Error).message, {
        file,
        line,
        excerpt: sql.split("\n", 1)[0]!,
      }, {
        hint: isOnServers(failures[index] as CallError)
          ? `The embedded database lacks it, which is the shadow here: ${OTHER_SHADOW}.`
          : "The statement does not work in whatever order. What it needs has to be in the files.",
        cause: failures[index],
      }),
    )
  );
  const [first, ...others] = refusals.all;
  first!.others = others;
  return first!;
}

async function listFiles(path: string): Promise<string[]> {
  const { stat } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const { glob } = await import("tinyglobby");
  const found = await stat(path).catch((error) => {
    throw new ConfigurationError(`Cannot read "${path}": ${error.message}`, {
      hint: "Name the file or the folder that declares the schema with --schema.",
      cause: error,
    });
  });
  if (found.isFile()) return [path];
  const all = (await glob("**/*.sql", { cwd: path, expandDirectories: false })).sort()
    .map((name) => join(path, name));
  const named = (await listNamed(path)).filter((name) => all.includes(name));
  const files = [...new Set([...named, ...all])];
  if (files.length > 0) return files;
  throw new ConfigurationError(`The folder "${path}" holds no SQL files`, {
    hint: "Name the file or the folder that declares the schema with --schema.",
  });
}

/** What `config.toml` above the folder names, in its order: the order counts where files tell it. */
async function listNamed(folder: string): Promise<string[]> {
  const { readFile } = await import("node:fs/promises");
  const { dirname, join, posix, resolve } = await import("node:path");
  const above = dirname(resolve(folder));
  const config = join(above, "config.toml");
  const text = await readFile(config, "utf8").catch((error) => {
    if (error.code === "ENOENT") return null;
    throw new ConfigurationError(`Cannot read "${config}": ${error.message}`, { cause: error });
  });
  if (text === null) return [];
  const { parse } = await import("smol-toml");
  let paths: unknown;
  try {
    const { db } = parse(text) as { db?: { migrations?: { schema_paths?: unknown } } };
    paths = db?.migrations?.schema_paths ?? [];
  } catch (error) {
    throw new ConfigurationError(`Cannot read "${config}": ${(error as Error).message.trim()}`, {
      hint: "Mend the file: the Supabase CLI cannot read it either.",
      cause: error,
    });
  }
  if (!Array.isArray(paths) || !paths.every((one) => typeof one === "string")) {
    throw new ConfigurationError(`schema_paths in "${config}" has to be a list of texts`);
  }
  const { glob } = await import("tinyglobby");
  const lists = await Promise.all(
    paths.map(async (pattern) =>
      (await glob(posix.normalize(pattern), { cwd: above, expandDirectories: false })).sort()
    ),
  );
  const base = resolve(folder);
  return lists.flat().map((name) => resolve(above, name))
    .filter((path) => path.startsWith(base))
    .map((path) => join(folder, path.slice(base.length + 1)));
}
