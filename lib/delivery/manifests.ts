/** Reads and extends `deno.json` and `package.json`, with all else left as it is. @module */

import {
  applyEdits,
  type FormattingOptions,
  modify,
  parse,
  type ParseError,
  printParseErrorCode,
  stripComments,
} from "jsonc-parser";
import { ConfigurationError } from "../errors.ts";

/** What of a `deno.json` or `package.json` is of interest. */
export interface Manifest {
  /** Its tasks or scripts, by name. */
  readonly tasks: Readonly<Record<string, string>>;
  /** The packages that it depends on. */
  readonly packages: ReadonlySet<string>;
}

/** A value to be added, and where. */
export interface Addition {
  readonly path: readonly string[];
  readonly value: string;
}

/**
 * Reads a `deno.json`, `deno.jsonc` or `package.json`.
 *
 * @param path What it is called.
 * @param text Its content.
 * @param field Where its commands stand.
 * @throws {ConfigurationError} It is no such file.
 */
export function readManifest(path: string, text: string, field: "tasks" | "scripts"): Manifest {
  const refuse = (problem: string) =>
    new ConfigurationError(`Cannot read "${path}": ${problem}`, {
      hint: "Mend it first. Nothing was changed.",
    });
  const json = withoutMark(text);
  const errors: ParseError[] = [];
  const manifest: unknown = parse(json, errors, {
    allowTrailingComma: field === "tasks",
    disallowComments: field === "scripts",
  });
  const [error] = errors;
  if (error !== undefined) {
    const line = json.slice(0, error.offset).split("\n").length;
    throw refuse(`${printParseErrorCode(error.error)} in line ${line}`);
  }
  if (!isRecord(manifest)) throw refuse("it holds no object");
  const record = (name: string): Record<string, unknown> => {
    const { [name]: value = {} } = manifest;
    if (!isRecord(value)) throw refuse(`"${name}" is no object`);
    return value;
  };
  return {
    // A task of Deno may be an object with its command.
    tasks: Object.fromEntries(
      Object.entries(record(field)).map(([name, task]) => [
        name,
        typeof task === "string" ? task : JSON.stringify(task),
      ]),
    ),
    packages: new Set(
      field === "tasks"
        ? []
        : ["dependencies", "devDependencies"].flatMap((name) => Object.keys(record(name))),
    ),
  };
}

/**
 * Adds values to a manifest: comments, order, indentation and line ends stay.
 *
 * @param text The manifest.
 * @param additions What is added.
 * @returns The manifest afterwards.
 */
export function addToManifest(text: string, additions: readonly Addition[]): string {
  const json = withoutMark(text);
  // Behind the last value a comment may stand that is about that value, and would end up behind
  // what is added: in a file with comments additions come first.
  const comesFirst = stripComments(json) !== json;
  const options = {
    formattingOptions: findFormat(json),
    ...(comesFirst ? { getInsertionIndex: () => 0 } : {}),
  };
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  return mark + (comesFirst ? additions.toReversed() : additions).reduce(
    (edited, { path, value }) => applyEdits(edited, modify(edited, [...path], value, options)),
    json,
  );
}

function findFormat(text: string): FormattingOptions {
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? "  ";
  const usesTabs = indent.startsWith("\t");
  return {
    insertSpaces: !usesTabs,
    tabSize: usesTabs ? 1 : indent.length,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
}

function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, "");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
