/**
 * Builds valid migration files of which every boundary is known: where each statement starts and
 * ends, what stands inside a string, a body or a comment, and which texts a server that runs the
 * file stores in the table `w`.
 *
 * @module
 */

import type { Random } from "../support/random.ts";
import { blockComment, body, lineComment, literal, quotedName } from "./literals.ts";
import { expression, type Token } from "./expressions.ts";
import { banners } from "./random_text.ts";

/** A statement with what stands before it. */
export interface BuiltStatement {
  /** White space, comments and semicolons. */
  readonly gap: string;
  /** From the first token to the semicolon. */
  readonly sql: string;
  /** The texts that it stores, in order. */
  readonly values: readonly string[];
}

/** Tables, functions and a role that the statements are about. */
export const environment = `
  create table w (n bigint generated always as identity, v text);
  create table t (a int, b text, "end" int, "case" int);
  create function put(text) returns text language sql as
    'insert into public.w (v) values ($1) returning v';
`;

interface Draft {
  readonly tokens: readonly Token[];
  readonly values?: readonly string[];
}

const atomic: Token = { text: "atomic", depth: 1 };
const endOfBody: Token = { text: "end", depth: -1 };

/**
 * Builds statements that belong together: most are one alone, some make a function and call it.
 *
 * @param random The choices.
 * @param number Makes the names of what is created differ.
 */
export function buildUnit(random: Random, number: number): BuiltStatement[] {
  return draftUnit(random, number).map(({ tokens, values = [] }) => ({
    gap: trivia(random, 0, false) + (random.below(8) === 0 ? ";\n" : ""),
    sql: render(random, tokens),
    values,
  }));
}

/** White space and comments, where parentheses or a body are open also banners. */
export function trivia(random: Random, depth: number, required: boolean): string {
  let text = "";
  for (let count = required ? 1 + random.below(2) : random.below(3); count > 0; count--) {
    const kind = random.below(20);
    if (kind < 14) text += random.pick([" ", "\n", " ", "\t", "\n\n  ", "\f"]);
    else if (kind < 16) text += blockComment(random);
    else if (kind < 18 || depth === 0) text += lineComment(random);
    else text += `\n${random.pick(banners)}\n`;
  }
  return text;
}

function render(random: Random, tokens: readonly Token[]): string {
  let sql = "";
  let depth = 0;
  let before = "(";
  for (const token of tokens) {
    const text = typeof token === "string" ? token : token.text;
    const free = /^[(,|:[]$/.test(before) || /^(?:[(),\][]|\|\||::)$/.test(text) ||
      before === "||" || before === "::";
    // A banner is none before the closing parenthesis, and one behind it.
    if (sql !== "") sql += trivia(random, depth, !free);
    if (text === "(" || (typeof token !== "string" && token.depth === 1)) depth++;
    if (text === ")" || (typeof token !== "string" && token.depth === -1)) depth--;
    sql += /^[a-z_]+$/.test(text) ? random.pick([text, text, text.toUpperCase()]) : text;
    before = text;
  }
  return sql + trivia(random, 0, false);
}

function draftUnit(random: Random, number: number): Draft[] {
  const { tokens, value } = expression(random);
  const name = (letter: string) =>
    random.below(2) === 0
      ? quotedName(random, `${letter}${number}`)
      : `${letter}${number}${random.pick(["", "$$", "$a$", "é", "_"])}`;
  const insert = (
    what: readonly Token[],
  ): Token[] => ["insert", "into", "w", "(", "v", ")", "values", "(", ...what, ")"];
  switch (random.below(18)) {
    case 0:
      return [{ tokens: insert(tokens), values: [value] }];
    case 1: {
      const second = expression(random);
      return [{
        tokens: [...insert(tokens), ",", "(", ...second.tokens, ")"],
        values: [value, second.value],
      }];
    }
    case 2:
      return [{
        tokens: ["select", "put", "(", ...tokens, ")", "as", quotedName(random, "c")],
        values: [value],
      }];
    case 3: {
      const { code, values } = block(random);
      return [{ tokens: ["do", body(random, code)], values }];
    }
    case 4: {
      const { code, values } = block(random);
      return [{ tokens: ["do", body(random, code), "language", "plpgsql"], values }];
    }
    case 5: {
      const f = name("f");
      const { sql, value } = literal(random);
      const code = `select ${sql} ${random.pick(["", "-- it's", "/* ; */"])}`;
      return [
        {
          tokens: [
            "create",
            ...random.pick([[], ["or", "replace"]]),
            "function",
            f,
            "(",
            ...random.pick([[], ["atomic", "int", "default", "1"], ["int", "default", "1"]]),
            ")",
            "returns",
            "text",
            "language",
            "sql",
            "as",
            body(random, code),
          ],
        },
        { tokens: ["select", "put", "(", f, "(", ")", ")"], values: [value] },
      ];
    }
    case 6:
    case 7: {
      const f = name("g");
      const { tokens: statements, values } = atomicBody(random);
      return [
        {
          tokens: [
            "create",
            ...random.pick([[], ["or", "replace"]]),
            "function",
            ...random.pick([[f], ["public", ".", f]]),
            "(",
            ")",
            "returns",
            "text",
            ...random.pick([[], ["language", "sql"], ["volatile", "language", "sql"]]),
            "begin",
            atomic,
            ...statements,
            "select",
            ...tokens,
            ";",
            endOfBody,
          ],
        },
        { tokens: ["select", "put", "(", f, "(", ")", ")"], values: [...values, value] },
      ];
    }
    case 8: {
      const p = name("p");
      const { tokens: statements, values } = atomicBody(random);
      return [
        {
          tokens: ["create", "procedure", p, "(", ")", "begin", atomic, ...statements, endOfBody],
        },
        { tokens: ["call", p, "(", ")"], values },
      ];
    }
    case 9:
      return [{ tokens: ["comment", "on", "table", "t", "is", literal(random).sql] }];
    case 10:
      return [{
        tokens: [
          "create",
          "rule",
          name("r"),
          "as",
          "on",
          "update",
          "to",
          "t",
          "do",
          "also",
          "(",
          ...insert(tokens),
          ";",
          "select",
          "1",
          ")",
        ],
      }];
    case 11: {
      const columns: Token[] = ["a", "int", ",", "b", "text", "default", literal(random).sql];
      const check: Token[] = [",", "check", "(", "b", "<>", literal(random).sql, ")"];
      return [{ tokens: ["create", "table", name("x"), "(", ...columns, ...check, ")"] }];
    }
    case 12: {
      const written: Token[] = ["(", ...insert(tokens), "returning", "v", ")"];
      return [{
        tokens: ["with", "q", "as", ...written, "select", "*", "from", "q"],
        values: [value],
      }];
    }
    case 13: {
      const query: Token[] = ["(", "select", ...tokens, "as", "end", ")"];
      return [{
        tokens: ["with", "begin", "as", ...query, "select", "*", "from", "begin", "atomic"],
      }];
    }
    case 14: {
      const order = random.pick([[], [
        "order",
        "by",
        "1",
        "nulls",
        random.pick(["first", "last"]),
      ]]);
      return [{ tokens: ["(", "select", ...tokens, "as", "atomic", ...order, ")"] }];
    }
    case 15:
      return [{ tokens: ["values", "(", ...tokens, ")", ",", "(", literal(random).sql, ")"] }];
    case 16:
      return [{ tokens: ["create", "view", name("y"), "as", "select", ...tokens, "as", "begin"] }];
    default:
      return [{
        tokens: ["delete", "from", "t", "where", "a", "=", "-1", "or", "b", "=", ...tokens],
      }];
  }
}

/** A PL/pgSQL block. */
function block(random: Random): { code: string; values: string[] } {
  let code = "begin\n";
  const values: string[] = [];
  for (let count = random.below(4); count > 0; count--) {
    const kind = random.below(4);
    if (kind === 0) code += `${random.pick(banners)}\n`;
    else if (kind === 1) code += lineComment(random);
    else if (kind === 2) code += `${blockComment(random)}\n`;
    else {
      const { sql, value } = literal(random);
      code += `insert into w (v) values (${sql});\n`;
      values.push(value);
    }
  }
  return { code: `${code}end`, values };
}

/** The statements of a body in standard SQL, each with its semicolon. */
function atomicBody(random: Random): { tokens: Token[]; values: string[] } {
  const tokens: Token[] = [];
  const values: string[] = [];
  for (let count = random.below(3); count > 0; count--) {
    const { tokens: written, value } = expression(random);
    switch (random.below(4)) {
      case 0:
        tokens.push("select", "1", "as", random.pick(["end", "case", '"end"']), ";");
        break;
      case 1:
        tokens.push("select", "t", ".", random.pick(["end", "case"]), "from", "t", ";");
        break;
      default:
        tokens.push("insert", "into", "w", "(", "v", ")", "values", "(", ...written, ")", ";");
        values.push(value);
    }
  }
  return { tokens, values };
}
