/** The command `pull`: what it asks, does and prints. @module */

import { ConfigurationError } from "../errors.ts";
import type { Renamed, RenameOptions } from "../operations/capture.ts";
import type { PullResult, WrittenMigration } from "../operations/pull.ts";
import type { Selection } from "../schema/select.ts";
import type { Asking, Flag, GlobalFlags, Report, Run } from "./actions.ts";
import { block, line } from "./neutral.ts";
import { ask, canAsk, isYes } from "./prompt.ts";
import type { Reporter } from "./terminal.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of commands that write a difference as a migration. */
export interface CaptureFlags extends GlobalFlags, Asking {
  include?: string;
  exclude?: string;
  /** `OLD=NEW`, with commas, names in double quotes where they have some; false where nothing was renamed. */
  rename?: string | false;
  renames?: boolean;
  dryRun?: Flag;
}

/** The flags of `pull`. */
export interface PullFlags extends CaptureFlags {
  schema?: string;
}

const MARKS = { added: "+", removed: "-", changed: "~" } as const;

/** How many objects a list names, unless everything is asked for. */
const SHOWN = 40;

/** What `pull` does. */
export async function pull(
  run: Run,
  flags: PullFlags,
  name: string,
): Promise<Report<JsonDocuments["pull"]>> {
  const { migrator, reporter, projects } = run;
  const selection = readSelection(flags);
  const renames = await readRenames(flags, reporter);
  if (!flags.yes && !flags.dryRun) await projects.confirm();
  reporter.say("🔎 Comparing the project with what its migrations make...\n");
  const result = await migrator.pull(name, {
    ...selection,
    ...(flags.schema === undefined ? {} : { schemas: readList(flags.schema) }),
    ...renames,
    dryRun: !!flags.dryRun,
    ...(flags.yes ? {} : {
      confirm: async (plan) => {
        reporter.warn(`${formatWritten(plan, !!flags.verbose)}\n`);
        return isYes(
          await ask(
            reporter,
            line`Write ${plan.name} to ${run.folder}, and record it as applied? (yes/no): `,
          ),
        );
      },
    }),
  });
  if (result.path !== null) await projects.remember();
  return { result, text: formatPull(result, !!flags.verbose) };
}

/** Reads which objects are meant. */
export function readSelection({ include, exclude }: CaptureFlags): Selection {
  return {
    ...(include === undefined ? {} : { include: readList(include) }),
    ...(exclude === undefined ? {} : { exclude: readList(exclude) }),
  };
}

/** Reads what was renamed; without a word about it a person is asked. */
export async function readRenames(
  { rename, renames, yes }: CaptureFlags,
  reporter: Reporter,
): Promise<RenameOptions> {
  if (renames === false) return { renames: [] };
  if (typeof rename === "string") {
    return { renames: split(rename, ",").filter((one) => one !== "").map(readRename) };
  }
  if (yes || !await canAsk()) return {};
  return {
    confirmRename: async ({ kind, from, to }) =>
      isYes(await ask(reporter, line`❓ Was the ${kind} ${from} renamed to ${to}? (yes/no): `)),
  };
}

function readRename(text: string): Renamed {
  const [from, to, more] = split(text, "=").map(readName);
  if (!from || !to || more !== undefined) {
    throw new ConfigurationError(`"${text}" does not say what was renamed`, {
      hint: "Write OLD=NEW, such as --rename public.notes.body=public.notes.text; a name with a " +
        "comma or an equals sign stands in double quotes.",
    });
  }
  return { from, to };
}

/** Takes a list apart, but for what stands in double quotes. */
function split(text: string, sign: "," | "="): string[] {
  // No argument of a program has a NUL in it.
  const marked = text.replace(/"(?:[^"]|"")*"|[,=]/g, (found) => found === sign ? "\0" : found);
  return marked.split("\0").map((part) => part.trim());
}

function readName(text: string): string {
  return /^".*"$/s.test(text) ? text.slice(1, -1).replaceAll('""', '"') : text;
}

function readList(text: string): string[] {
  return text.split(",").map((one) => one.trim()).filter((one) => one !== "");
}

/** What is in a migration that was written. */
export function formatWritten(written: WrittenMigration, verbose: boolean): string {
  const { name, statements, renamed, differences } = written;
  const objects = [
    ...renamed.map(({ from, to }) => line`  → ${from} is ${to} now`),
    ...differences.map(({ change, kind, name }) => line`  ${MARKS[change]} ${kind} ${name}`),
  ];
  const shown = verbose ? objects : objects.slice(0, SHOWN);
  const left = objects.length - shown.length;
  return [
    ...shown,
    ...(left > 0 ? [`  … and ${left} more (--verbose shows all)`] : []),
    "",
    line`📄 ${name}: ${statements} ${statements === 1 ? "statement" : "statements"}, and what ` +
    "takes them back",
    "🔬 Proved on a shadow: applied, rolled back and applied again, it leads to what is wanted and " +
    "restores what was",
    ...(verbose ? ["", ...formatTexts(written)] : []),
  ].join("\n");
}

/** The texts of the file, and of the one that undoes it. */
export function formatTexts({ name, text, rollbackText }: WrittenMigration): string[] {
  return [
    block(text ?? ""),
    ...(rollbackText === null ? [] : ["", line`📄 rollback/${name}`, "", block(rollbackText)]),
  ];
}

function formatPull(result: PullResult, verbose: boolean): string {
  const { name, path, batchNumber, dryRun } = result;
  if (name === null) return "✅ Nothing to pull: the migrations make what is there";
  if (path === null) {
    return [
      formatWritten(result, false),
      "",
      ...formatTexts(result),
      "",
      ...(dryRun ? ["🔍 Dry run: nothing was changed"] : []),
    ].join("\n");
  }
  return [
    ...(verbose ? [formatWritten(result, true), ""] : []),
    "✅ Pulled, and recorded as applied!",
    line`📄 File: ${name}`,
    line`📍 Path: ${path}`,
    ...(result.rollbackText === null ? [] : [line`🔄 Rollback: rollback/${name}`]),
    `📊 Batch: ${batchNumber}`,
    "",
    "💡 Read it, and commit it: other projects get it with supamigrate migrate",
  ].join("\n");
}
