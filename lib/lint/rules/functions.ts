/** Functions and triggers. @module */

import { blankComments } from "../../planning/lexer.ts";
import { findTokens } from "../../planning/tokens.ts";
import { toRoutine } from "../made.ts";
import type { Model } from "../model.ts";
import { routinesIn } from "../learn.ts";
import type { Rule } from "../rule.ts";
import { bodyOf, type LintStatement } from "../statement.ts";
import { optionsOf, type Tree, typeOf } from "../tree.ts";

export const FUNCTION_RULES: readonly Rule[] = [
  {
    code: "definer-without-search-path",
    title: "A SECURITY DEFINER function sets its search_path",
    level: "error",
    reason:
      "Who calls it decides otherwise which tables and operators its names mean, and it runs " +
      "with the rights of its owner",
    remedy: "Write: set search_path = '' and name everything with its schema.",
    conclude(model, tell) {
      for (const routine of model.routines.values()) {
        const { schema, name, isDefiner, hasSearchPath, place, unknown } = routine;
        if (!isDefiner || hasSearchPath || unknown.has("options")) continue;
        tell(
          place,
          `The SECURITY DEFINER function ${schema}.${name} has no search_path of its own`,
        );
      }
    },
  },
  {
    code: "function-without-search-path",
    title: "A function sets its search_path",
    level: "info",
    reason:
      "What its names mean depends on who calls it: it may work in the SQL editor and fail in " +
      "a trigger",
    remedy: "Write: set search_path = '' and name everything with its schema.",
    conclude(model, tell) {
      for (const routine of model.routines.values()) {
        const { schema, name, isDefiner, hasSearchPath, place, unknown } = routine;
        if (isDefiner || hasSearchPath || unknown.has("options")) continue;
        tell(place, `The function ${schema}.${name} has no search_path of its own`);
      }
    },
  },
  {
    code: "definer-callable-by-anon",
    title: "A SECURITY DEFINER function of an exposed schema is closed to anon",
    level: "warn",
    reason:
      "EXECUTE is granted to PUBLIC, anon and authenticated by default: anybody can call it " +
      "over the API, and it passes row level security by",
    remedy:
      "Write: revoke execute on function … from public, anon; or put it into a schema that the " +
      "API does not show; or grant it to anon, to say that this is meant.",
    conclude(model, tell) {
      for (const routine of model.routines.values()) {
        const { schema, name, isDefiner, isTrigger, closedTo, openTo, place, unknown } = routine;
        if (unknown.has("grants") || unknown.has("options")) continue;
        if (!isDefiner || isTrigger || !model.exposed.has(schema)) continue;
        if (openTo.has("anon") || openTo.has("public")) continue;
        if (closedTo.has("public") && closedTo.has("anon")) continue;
        // That the other one is still open is told where it was closed.
        if (closedTo.has("public") || closedTo.has("anon")) continue;
        tell(place, `Anybody can call the SECURITY DEFINER function ${schema}.${name}`);
      }
    },
  },
  {
    code: "revoke-leaves-open",
    title: "What is taken from PUBLIC is taken from anon too",
    level: "warn",
    reason:
      "Supabase's default privileges grant EXECUTE to anon and authenticated by name, beside " +
      "PUBLIC: one of the two alone leaves the door open",
    remedy:
      "Write: revoke execute on function … from public, anon, authenticated; then grant what is needed.",
    conclude(model, tell) {
      for (const routine of model.routines.values()) {
        const { schema, name, isTrigger, closedTo, openTo, place, unknown } = routine;
        if (unknown.has("grants")) continue;
        if (isTrigger || !model.exposed.has(schema)) continue;
        if (openTo.has("anon") || openTo.has("public")) continue;
        const [isClosed, isShut] = [closedTo.has("public"), closedTo.has("anon")];
        if (isClosed === isShut) continue;
        const [closed, open] = isClosed ? ["PUBLIC", "anon"] : ["anon", "PUBLIC"];
        tell(
          place,
          `${schema}.${name} is closed to ${closed}, and anon can call it still, by its grant to ${open}`,
        );
      }
    },
  },
  {
    code: "function-runs-any-sql",
    title: "No SECURITY DEFINER function executes the text that it is given",
    level: "error",
    reason: "Whoever can call it can do everything that its owner can",
    remedy:
      "Write a function for each thing that is to be done. What runs migrations is installed by " +
      "supamigrate itself, closed to all but service_role.",
    look(statement, model, tell) {
      const found = definerBody(statement, model);
      if (found === undefined) return;
      const texts = found.parameters.flatMap(({ names, type }) =>
        /^(?:text|varchar|bpchar)$/.test(type) ? names : []
      );
      for (const words of executed(found.body)) {
        if (words.length === 1 && texts.includes(words[0]!.toLowerCase())) {
          tell(
            statement,
            `The function ${found.name} executes "${words[0]}" as it is given`,
            "execute",
          );
          return;
        }
      }
    },
  },
  {
    code: "function-joins-sql",
    title:
      "A SECURITY DEFINER function of an exposed schema puts SQL together by format() or quote_…, " +
      "not by ||",
    level: "warn",
    reason:
      "A quote in a value ends the string: whoever chooses it writes SQL, which runs with the " +
      "rights of the function's owner. So do concat() and %s of format()",
    remedy: "Write: execute format('… %I … %L', name, value); or execute '… $1' using value.",
    look(statement, model, tell) {
      const found = definerBody(statement, model);
      if (found === undefined) return;
      const given = new Set(found.parameters.flatMap(({ names }) => names));
      for (const words of executed(found.body)) {
        const joined = findJoined(words).find((word) => given.has(word.toLowerCase()));
        if (joined === undefined) continue;
        tell(statement, `The function ${found.name} joins "${joined}" into SQL`, "execute");
        return;
      }
    },
  },
  {
    code: "function-swallows-errors",
    title: "No function ends WHEN OTHERS with nothing",
    level: "warn",
    reason: "Whatever goes wrong looks like success, and half of what was to be done is missing",
    remedy: "Name the condition that is expected, such as unique_violation, and raise all others.",
    look(statement, model, tell) {
      const body = bodyOf(statement);
      if (
        body === undefined || !/\bothers\b/i.test(body) ||
        !/\bwhen\s+others\s+then\s+(?:null\s*;\s*)?end\b/i.test(blankComments(body))
      ) {
        return;
      }
      const what = statement.type === "DoStmt"
        ? "This DO block"
        : `The function ${model.nameIn(statement.node.funcname)}`;
      tell(statement, `${what} ends every error with nothing`, "others");
    },
  },
  {
    code: "auth-trigger-not-definer",
    title: "The function of a trigger on auth.users is SECURITY DEFINER",
    level: "error",
    reason:
      "It runs as supabase_auth_admin otherwise, who may do nothing in public: nobody can sign " +
      'up any more ("Database error saving new user")',
    remedy: "Write: security definer set search_path = ''.",
    conclude(model, tell) {
      for (const { name, table, calls, place } of model.authTriggers.values()) {
        const routine = model.routines.get(`${calls}()`);
        if (routine === undefined || routine.isDefiner || routine.unknown.has("options")) continue;
        tell(
          place,
          `The trigger "${name}" on ${table} calls ${calls}, which is no SECURITY DEFINER`,
        );
      }
    },
  },
  {
    code: "function-overloaded",
    title: "A function of an exposed schema has one list of parameters",
    level: "warn",
    reason:
      "CREATE OR REPLACE with other parameters makes a second function: the API does not know " +
      "which of them is meant (PGRST203), and the old one stays as it was",
    remedy: "Drop the old one first: drop function …(…);",
    look(statement, model, tell) {
      if (statement.type !== "CreateFunctionStmt") return;
      const { schema, name, takes } = toRoutine(model, statement);
      if (!model.exposed.has(schema)) return;
      const other = model.routinesOf(`${schema}.${name}`).find((it) => it.takes !== takes);
      if (other === undefined) return;
      tell(
        statement,
        `${schema}.${name}(${takes}) is made beside ${schema}.${name}(${other.takes}), and replaces nothing`,
      );
    },
  },
  {
    code: "grant-on-unknown-function",
    title: "A REVOKE or GRANT names a function with the parameters that it has",
    level: "error",
    reason:
      "PostgreSQL refuses it (42883): a function is known by its name and the types of what it takes",
    remedy: "Write the types as in CREATE FUNCTION; or none, where the name is used once.",
    look({ type, node, place }, model, tell) {
      if (type !== "GrantStmt" || node.targtype !== "ACL_TARGET_OBJECT") return;
      if (node.objtype !== "OBJECT_FUNCTION") return;
      for (const object of node.objects) {
        const { objname, args_unspecified: all, objargs } = object.ObjectWithArgs;
        const name = model.nameIn(objname);
        const known = model.routinesOf(name);
        if (all || known.length === 0 || routinesIn(model, [object]).length > 0) continue;
        const takes = (objargs ?? []).map(({ TypeName }: Tree) => typeOf(TypeName)).join(", ");
        tell(place, `There is no ${name}(${takes}), but ${name}(${known[0]!.takes})`, name);
      }
    },
  },
];

interface DefinerBody {
  readonly name: string;
  readonly body: string;
  /** What it is given: `name` and `$1`. */
  readonly parameters: readonly { readonly names: readonly string[]; readonly type: string }[];
}

/** A SECURITY DEFINER function in PL/pgSQL that clients may call. */
function definerBody(statement: LintStatement, model: Model): DefinerBody | undefined {
  const body = bodyOf(statement);
  if (statement.type !== "CreateFunctionStmt" || body === undefined) return undefined;
  const { node } = statement;
  if (optionsOf(node.options).get("language")?.String?.sval !== "plpgsql") return undefined;
  const routine = toRoutine(model, statement);
  if (!routine.isDefiner || !model.exposed.has(routine.schema)) return undefined;
  return {
    name: `${routine.schema}.${routine.name}`,
    body,
    parameters: (node.parameters ?? [])
      .filter(({ FunctionParameter: { mode } }: Tree) => !/_(?:OUT|TABLE)$/.test(mode))
      .map(({ FunctionParameter: { name, argType } }: Tree, index: number) => ({
        names: [...name === undefined ? [] : [name.toLowerCase()], `$${index + 1}`],
        type: typeOf(argType),
      })),
  };
}

/**
 * What stands behind each EXECUTE of a body, word by word, up to INTO, USING or its end. Of a
 * variable that stands there alone it is what the body puts into it as well.
 */
function* executed(body: string): Iterable<string[]> {
  const words = findTokens(body).map(({ start, end }) => body.slice(start, end));
  const upTo = (from: number, end: RegExp) => {
    const length = words.slice(from).findIndex((word) => end.test(word));
    return words.slice(from, length === -1 ? undefined : from + length);
  };
  const followed = new Set<string>();
  for (const [at, word] of words.entries()) {
    if (!/^execute$/i.test(word) || /^(?:grant|revoke|on|,)$/i.test(words[at - 1] ?? "")) continue;
    const text = upTo(at + 1, /^(?:;|into|using|loop)$/i);
    yield text;
    if (text.length === 1) followed.add(text[0]!.toLowerCase());
  }
  for (const [at, word] of words.entries()) {
    if (!/^(?::?=|default)$/i.test(word)) continue;
    // A declaration has a type behind the name.
    const before = words.slice(0, at)
      .findLastIndex((it) => /^(?:;|begin|declare|then|else|loop)$/i.test(it));
    if (followed.has(words[before + 1]?.toLowerCase() ?? "")) yield upTo(at + 1, /^;$/);
  }
}

/** The words that become a part of a text as they are: by ||, concat() and %s of format(). */
function findJoined(words: readonly string[]): string[] {
  const found: string[] = [];
  const calls: { readonly name: string; readonly format: string; argument: number }[] = [];
  for (const [at, word] of words.entries()) {
    const [before = "", after = ""] = [words[at - 1], words[at + 1]];
    if (word === "(") calls.push({ name: before.toLowerCase(), format: after, argument: 0 });
    else if (word === ")") calls.pop();
    else if (word === "," && calls.length > 0) calls.at(-1)!.argument++;
    else if (calls.every(takesAsItIs)) {
      const isJoined = before === "||" || after === "||";
      const isArgument = /^[(,]$/.test(before) && /^[,)]$/.test(after) &&
        /^(?:concat|concat_ws|format)$/.test(calls.at(-1)?.name ?? "");
      if (isJoined || isArgument) found.push(word);
    }
  }
  return found;
}

/** Whether brackets, or the function whose they are, leave what stands in them as it is. */
function takesAsItIs(
  { name, format, argument }: { name: string; format: string; argument: number },
): boolean {
  if (name !== "format") return /^(?:concat|concat_ws)$/.test(name) || !/^\w+$/.test(name);
  if (argument === 0) return true;
  let next = 1;
  for (const [, number, letter] of format.matchAll(PLACEHOLDER)) {
    if (letter === undefined) continue; // %%
    if (Number(number ?? next++) === argument) return letter === "s";
  }
  return false;
}

const PLACEHOLDER = /%(?:%|(?:(\d+)\$)?-?(?:\d+|\*)?([sIL]))/g;
