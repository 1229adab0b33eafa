/**
 * Chooses the function that a call means, by its name and the names of the
 * arguments, as PostgREST does.
 *
 * @module
 */

import { closest, distance } from "fastest-levenshtein";

import findFunctionsSql from "../../sql/embedded/find_functions.sql" with {
  type: "text",
};
import type { Session } from "./session.ts";
import { RestError } from "./rest_errors.ts";

/** A function of schema public. */
export interface DatabaseFunction {
  readonly name: string;
  readonly parameters: readonly FunctionParameter[];
  readonly returnsSet: boolean;
  readonly returnsVoid: boolean;
  readonly returnsComposite: boolean;
}

interface FunctionParameter {
  /** Empty where it has none. */
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly variadic: boolean;
}

interface FunctionRow {
  readonly parameters: readonly FunctionParameter[];
  readonly returns_set: boolean;
  readonly returns_void: boolean;
  readonly returns_composite: boolean;
}

/**
 * Finds the function to call. Where PostgREST looks into its schema cache, this
 * looks into the catalog, so a new function is there at once.
 *
 * @param session A session with an empty search_path.
 * @param name The function's name.
 * @param argumentNames The keys of the request's body.
 * @returns The function.
 * @throws {RestError} PGRST202 if there is none, PGRST203 if there are several.
 */
export async function findFunction(
  session: Session,
  name: string,
  argumentNames: readonly string[],
): Promise<DatabaseFunction> {
  const { rows } = await session.query<FunctionRow>(findFunctionsSql, [name]);
  const functions = rows.map((row): DatabaseFunction => ({
    name,
    parameters: row.parameters,
    returnsSet: row.returns_set,
    returnsVoid: row.returns_void,
    returnsComposite: row.returns_composite,
  })).filter(isCallable);

  const named = functions.filter((each) => takes(each, argumentNames));
  const candidates = named.length > 0 ? named : functions.filter(takesBody);
  const [chosen] = candidates;
  if (chosen === undefined) {
    throw notFound(
      name,
      argumentNames,
      await suggestion(session, name, argumentNames, functions),
    );
  }
  if (candidates.length > 1) throw ambiguous(candidates);
  return chosen;
}

/** Parameters have names, except for one alone that can take the whole body. */
function isCallable({ parameters }: DatabaseFunction): boolean {
  const unnamed = parameters.filter(({ name }) => name === "");
  return unnamed.length === 0 ||
    (unnamed.length === 1 &&
      ["bytea", "json", "jsonb", "text", "xml"].includes(
        parameters[0]?.type ?? "",
      ));
}

function takes(
  { parameters }: DatabaseFunction,
  argumentNames: readonly string[],
): boolean {
  return argumentNames.every((argument) => parameters.some(({ name }) => name === argument)) &&
    parameters.every(({ name, required }) => !required || argumentNames.includes(name));
}

/** Whether the one parameter has no name: then it gets the request's body. */
export function takesBody({ parameters }: DatabaseFunction): boolean {
  const [parameter] = parameters;
  return parameters.length === 1 && parameter?.name === "" &&
    ["json", "jsonb"].includes(parameter.type);
}

function notFound(
  name: string,
  argumentNames: readonly string[],
  hint: string | null,
): RestError {
  const list = [...argumentNames].sort().join(", ");
  const none = argumentNames.length === 0;
  const searched = none
    ? " without parameters"
    : ` with parameter${argumentNames.length > 1 ? "s" : ""} ${list}`;
  return new RestError(404, {
    code: "PGRST202",
    message: `Could not find the function public.${name}${
      none ? " without parameters" : `(${list})`
    } in the schema cache`,
    details: `Searched for the function public.${name}${
      none ? " without parameters" : searched
    } or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.`,
    hint,
  });
}

function ambiguous(candidates: readonly DatabaseFunction[]): RestError {
  const list = candidates.map(({ name, parameters }) =>
    `public.${name}(${parameters.map((each) => `${each.name} => ${each.type}`).join(", ")})`
  );
  return new RestError(300, {
    code: "PGRST203",
    message: `Could not choose the best candidate function between: ${list.join(", ")}`,
    hint:
      "Try renaming the parameters or the function itself in the database so function overloading can be resolved",
  });
}

/** Another function with nearly that name or, where the name is right, its parameters. */
async function suggestion(
  session: Session,
  name: string,
  argumentNames: readonly string[],
  overloads: readonly DatabaseFunction[],
): Promise<string | null> {
  const signature = (names: readonly string[]) => `(${[...names].sort().join(", ")})`;
  let found: string | undefined;
  if (overloads.length > 0) {
    const parameters = nearest(
      signature(argumentNames),
      overloads.map((each) => signature(each.parameters.map((p) => p.name))),
      0.33,
    );
    found = parameters === undefined ? undefined : `${name}${parameters}`;
  } else {
    const { rows } = await session.query<{ proname: string }>(
      "select distinct proname from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f'",
    );
    found = nearest(name, rows.map((row) => row.proname), 0.75);
  }
  return found === undefined ? null : `Perhaps you meant to call the function public.${found}`;
}

/** The candidate most like the text, where one is alike enough. 1 is equality. */
function nearest(
  text: string,
  candidates: readonly string[],
  atLeast: number,
): string | undefined {
  if (candidates.length === 0) return undefined;
  const candidate = closest(text, [...candidates]);
  const likeness = 1 - distance(text, candidate) / Math.max(text.length, candidate.length);
  return likeness >= atLeast ? candidate : undefined;
}
