/** The pieces of TypeScript that types are put together from. Pure. @module */

import { choice, group, hardline, indent, join, type Layout, line, softline } from "./layout.ts";

/** The order in which names are written, whatever language the machine speaks. */
export const { compare } = new Intl.Collator("en");

/** What a reader could not see, or what would turn the text around. */
const UNSEEN =
  /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]--[\u200c\u200d\p{Variation_Selector}]]/gv;

/**
 * A string literal.
 *
 * @param text The text.
 */
export function literal(text: string): string {
  const json = JSON.stringify(text).replace(
    UNSEEN,
    (unseen) =>
      Array.from(
        { length: unseen.length },
        (_, unit) => `\\u${unseen.charCodeAt(unit).toString(16).padStart(4, "0")}`,
      ).join(""),
  );
  const count = (quote: string) => text.split(quote).length;
  if (count('"') <= count("'")) return json;
  return `'${json.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

/**
 * The name of a property, in quotes where it needs some.
 *
 * @param name The name.
 */
export function key(name: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/v.test(name) &&
      !/[\u{10000}-\u{10ffff}]/v.test(name)
    ? name
    : literal(name);
}

/** A property of a type. */
export function property(name: string, type: Layout, isOptional = false): Layout {
  return [key(name), isOptional ? "?: " : ": ", type];
}

/** A type with properties, each on a line of its own. */
export function tall(properties: readonly Layout[]): Layout {
  if (properties.length === 0) return "{}";
  return ["{", indent(hardline, join(hardline, properties)), hardline, "}"];
}

/** A type with properties, on one line where they fit. */
export function wide(properties: readonly Layout[]): Layout {
  return group(
    "{",
    indent(line, join([choice("", ";"), line], properties)),
    line,
    "}",
  );
}

/** What has a list of names: without any of them, nothing else either. */
export function dictionary(properties: readonly Layout[]): Layout {
  return tall(properties.length === 0 ? ["[_ in never]: never"] : properties);
}

/** A list, on one line where it fits. */
export function list(items: readonly Layout[]): Layout {
  if (items.length === 0) return "[]";
  return group("[", indent(softline, join([",", line], items)), choice(",", ""), softline, "]");
}

/** One of several types. */
export function union(types: readonly Layout[]): Layout {
  if (types.length === 1) return types[0]!;
  const further = types.map((type) => indent(type));
  return group(indent(choice([line, "| "], ""), join([line, "| "], further)));
}

/** Values of a type with properties, or null: the braces stay where they are. */
export function objectOrNull(type: Layout): Layout {
  return [type, " | null"];
}
