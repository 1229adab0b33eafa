/** Writes the migration between what the migrations make and what SQL files declare. @module */

import { ConfigurationError } from "../errors.ts";
import type { Selection } from "../schema/select.ts";
import { capture, prove, readWritten, type RenameOptions } from "./capture.ts";
import { createTeller } from "./concerns.ts";
import type { OperationContext } from "./context.ts";
import { draftMigration, type NewSections, writeDraft } from "./create.ts";
import { makeDeclared, readDeclared } from "./declared.ts";
import { type FilePlace, toWritten, type WrittenMigration } from "./pull.ts";
import { makeShadow, openEmptyShadow } from "./shadow.ts";
import { loadIfAny } from "./source.ts";

/** Options of `diff`. */
export interface DiffOptions extends Selection, RenameOptions {
  /** What declares the schema: a file of SQL, or a folder. */
  readonly schema: string;
  /** Shows what would be written, and writes nothing. */
  readonly dryRun?: boolean;
  /** Asked before the file is written. Without it nothing is asked. */
  readonly confirm?: (plan: WrittenMigration) => Promise<boolean>;
}

/** What `diff` came to. */
export interface DiffResult extends WrittenMigration {
  /** The file's absolute path; null where none was written. */
  readonly path: string | null;
  /** Only shown. */
  readonly dryRun: boolean;
}

/**
 * Compares what all migrations of the folder make with what SQL files declare, and writes the
 * migration between the two: it is pending then. It is proved on a shadow before it is written; no
 * project is asked.
 *
 * @param context What the operation works with.
 * @param place Where the file goes.
 * @param name What to call it.
 * @param options What declares the schema.
 * @returns The migration.
 * @throws {ConfigurationError} The difference cannot be written, or was not proved.
 * @throws {MigrationFileError} A statement of the files does not work.
 */
export async function diff(
  context: Pick<OperationContext, "load" | "onProgress" | "openShadow">,
  { folder, ...discovery }: FilePlace,
  name: string,
  options: DiffOptions,
): Promise<DiffResult> {
  const { schema, dryRun = false, confirm } = options;
  const { files, found } = await loadIfAny(folder, discovery, context.load);
  const now = new Date();
  const draft = (sections: NewSections) =>
    draftMigration(found, name, sections, { now, description: `What ${schema} declares` });
  draft({ forward: "", rollback: "" }); // a name that is not fit is told at once
  const statements = await readDeclared(schema);
  const base = files.migrations.filter(({ isTemplate }) => !isTemplate);

  const wanted = await (async () => {
    await using declared = await openEmptyShadow(context);
    await makeDeclared(declared, statements);
    return await declared.read();
  })();
  const captured = await (async () => {
    await using shadow = await makeShadow(context, base);
    return await capture(shadow, wanted, options);
  })();
  const rows = findRows(statements);
  const tell = createTeller(context);
  if (captured === null) {
    tell(rows);
    return { ...NOTHING, warnings: rows, dryRun };
  }
  const drafted = draft(captured);
  await prove(context, base, await readWritten(drafted), captured);
  const warnings = [...captured.warnings, ...rows];
  tell(warnings);
  const written = toWritten(drafted, captured, warnings);
  if (dryRun) return { ...written, path: null, dryRun };
  if (confirm !== undefined && !await confirm(written)) {
    throw new ConfigurationError("Not confirmed: nothing was written");
  }
  return { ...written, path: (await writeDraft(folder, drafted)).path, dryRun };
}

const NOTHING: Omit<DiffResult, "warnings" | "dryRun"> = {
  name: null,
  text: null,
  rollbackText: null,
  statements: 0,
  renamed: [],
  differences: [],
  path: null,
};

/** Rows are not compared. */
function findRows(statements: readonly { sql: string; file: string; line: number }[]): string[] {
  return statements.filter(({ sql }) => /^(?:insert|update|delete|merge)\b/i.test(sql))
    .filter(({ sql }) => !/^insert into storage\.buckets\b/i.test(sql))
    .map(({ file, line }) => `${file}:${line} changes rows, and a schema is compared without them`);
}
