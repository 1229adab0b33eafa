/** What `types` does, and what it prints. @module */

import { saysTheSame } from "../delivery/types/same.ts";
import { ConfigurationError } from "../errors.ts";
import { readReplaced, replaceFile } from "../replace_file.ts";
import type { Flag, GlobalFlags, Report, Run } from "./actions.ts";
import { EXIT_CODES } from "./errors.ts";
import { line } from "./neutral.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `types`. */
export interface TypesFlags extends GlobalFlags {
  out?: string;
  schema?: string;
  check?: Flag;
}

/**
 * Makes types, and writes them to a file or to standard output.
 *
 * @param run What actions work with.
 * @param flags The flags.
 */
export async function types(
  { migrator, reporter }: Run,
  flags: TypesFlags,
): Promise<Report<JsonDocuments["types"]>> {
  const { out, check, json } = flags;
  if (check && out === undefined) {
    throw new ConfigurationError("--check needs --out, the file that is to be up to date");
  }
  const schemas = flags.schema?.split(",").map((name) => name.trim());
  if (schemas?.some((name) => name === "")) {
    throw new ConfigurationError(`--schema has to be names with commas, not "${flags.schema}"`);
  }
  const found = out === undefined ? undefined : await readTypes(out);
  const postgrestVersion = VERSION.exec(found ?? "")?.[1];
  const { text, ...made } = await migrator.types({
    ...(schemas === undefined ? {} : { schemas }),
    // Whether a session of the API can be seen must not change the file.
    ...(postgrestVersion === undefined ? {} : { postgrestVersion }),
  });
  if (out === undefined) {
    // Standard output is the module, and nothing else.
    if (!json) reporter.passOn("out", text.trimEnd());
    return { result: { ...made, text }, text: "" };
  }
  const upToDate = found !== undefined && saysTheSame(found, text);
  const written = !check && !upToDate;
  if (written) await replaceFile(out, text, "Name another file with --out.");
  const result = { success: !check || upToDate, path: out, upToDate, written, ...made };
  const of = made.schemas.join(", ");
  if (check && !upToDate) {
    return {
      result,
      text: line`❌ ${out} is not up to date: run supamigrate types --out ${out}`,
      code: EXIT_CODES.failed,
    };
  }
  return {
    result,
    text: upToDate ? line`✅ ${out} is up to date: ${of}` : line`📝 Wrote ${out}: ${of}`,
  };
}

/** Which version a file of types names. */
const VERSION = /\bPostgrestVersion["']?: *["'](\d+(?:\.\d+)*)["']/;

/** The file as it is; nothing where there is none. What is no such file is not overwritten. */
async function readTypes(path: string): Promise<string | undefined> {
  const text = await readReplaced(path, "Name another file with --out.");
  if (!text?.trim() || /\b(?:type|interface) Database\b/.test(text)) return text;
  throw new ConfigurationError(`"${path}" is there, and declares no type Database`, {
    hint: "Name another file with --out, or move that one away.",
  });
}
