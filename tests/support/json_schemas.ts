/** Holds what `--json` writes against the schemas in `docs/json`. */

import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

const FOLDER = new URL("../../docs/json/", import.meta.url);
const ALIASES: Readonly<Record<string, string>> = { up: "migrate", new: "create" };

/** One for each schema: names of parts are not the same in all. */
const validators = new Map<string, Promise<ValidateFunction>>();

function validatorOf(name: string): Promise<ValidateFunction> {
  const known = validators.get(name);
  if (known !== undefined) return known;
  const made = (async () => {
    const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
    return ajv.compile(JSON.parse(await Deno.readTextFile(new URL(`${name}.json`, FOLDER))));
  })();
  validators.set(name, made);
  return made;
}

/**
 * What is wrong with a document by the schema of a command.
 *
 * @param name The schema.
 * @param document The document.
 * @returns A sentence each.
 */
export async function findViolations(name: string, document: unknown): Promise<string[]> {
  const validate = await validatorOf(name);
  validate(document);
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    `${instancePath || "the document"} ${message} ${JSON.stringify(params)}`
  );
}

/**
 * Fails where a command has written something else than its schema says.
 *
 * @param args The command.
 * @param stdout What it has written.
 */
export async function holdAgainstSchema(args: readonly string[], stdout: string): Promise<void> {
  const isOther = args.some((arg) => ["--help", "--version", "sarif"].includes(arg));
  if (stdout === "" || isOther) return;
  const document = JSON.parse(stdout);
  const isError = typeof document?.error?.exitCode === "number";
  const word = args.find((arg) => /^[a-z]+$/.test(arg)) ?? "";
  const name = isError ? "error" : ALIASES[word] ?? word;
  assert.deepEqual(await findViolations(name, document), [], `${args.join(" ")}: ${stdout}`);
}
