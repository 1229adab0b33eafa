/** Expressions of which the value is known. @module */

import type { Random } from "../support/random.ts";
import { literal } from "./literals.ts";

/** A token, or one that opens or closes something in which a banner is none. */
export type Token = string | { readonly text: string; readonly depth: 1 | -1 };

/** Conditions that are true, and in which the grammar looks at more than one word at once. */
const conditions: readonly (readonly Token[])[] = [
  ["true"],
  ["'a'", "not", "in", "(", "'b'", ",", "'c'", ")"],
  ["'a'", "not", "like", "'b'"],
  ["1", "not", "between", "2", "and", "3"],
  ["not", "false"],
  ["'2000-01-01 00:00+00'", "::", "timestamp", "with", "time", "zone", "is", "not", "null"],
];

/** An expression of the type text, and its value. */
export function expression(
  random: Random,
  depth = 0,
): { tokens: Token[]; value: string } {
  const inner = () => expression(random, depth + 1);
  const kind = depth > 2 ? 0 : random.below(12);
  if (kind < 5) {
    const { sql, value } = literal(random);
    return { tokens: [sql], value };
  }
  const { tokens, value } = inner();
  switch (kind) {
    case 5: {
      const right = inner();
      return {
        tokens: ["(", ...tokens, "||", ...right.tokens, ")"],
        value: value + right.value,
      };
    }
    case 6:
      return {
        tokens: [
          "case",
          "when",
          ...random.pick(conditions),
          "then",
          ...tokens,
          "else",
          ...inner().tokens,
          "end",
        ],
        value,
      };
    case 7:
      return { tokens: ["cast", "(", ...tokens, "as", "text", ")"], value };
    case 8:
      return { tokens: ["(", "array", "[", ...tokens, "]", ")", "[", "1", "]"], value };
    case 9:
      return { tokens: ["(", "select", ...tokens, "as", '"end"', ")"], value };
    case 10:
      return { tokens: ["coalesce", "(", ...tokens, ",", ...inner().tokens, ")"], value };
    default:
      return { tokens: ["(", ...tokens, ")", "::", "text"], value };
  }
}
