/** Strings, comments and names of which the content is known. @module */

import type { Random } from "../support/random.ts";
import { anyCharacter, banners, nasties } from "./random_text.ts";

/** A constant as SQL writes it, and the text that it stands for. */
export interface Literal {
  readonly sql: string;
  readonly value: string;
}

/** What is put into strings, bodies and comments to mislead: no CR, no NUL, no half characters. */
export function misleadingText(random: Random): string {
  const parts = Array.from({ length: random.below(5) }, () => {
    switch (random.below(5)) {
      case 0:
        return `\n${random.pick(banners)}\n`;
      case 1:
        return anyCharacter(random).replace(/[\0\r]/, "x");
      case 2:
        return random.pick(["a", " ", "\n", "\t", ";\n", "b c"]);
      default:
        return random.pick(nasties);
    }
  });
  return parts.join("");
}

/** A text constant in one of the ways to write it. */
export function literal(random: Random): Literal {
  const value = misleadingText(random);
  switch (random.below(6)) {
    case 0:
      return { value, sql: inParts(random, value, "'", doubleQuotes) };
    case 1:
      return { value, sql: inParts(random, value, random.pick(["E'", "e'"]), escape(random)) };
    case 2:
      return { value, sql: inUnicode(random, value) };
    case 3:
    case 4:
      return { value, sql: dollarQuote(random, value) };
    default:
      return { value, sql: `'${doubleQuotes(value)}'` };
  }
}

/** A body in dollar quotes, or in plain ones. */
export function body(random: Random, text: string): string {
  return random.below(4) === 0 ? `'${doubleQuotes(text)}'` : dollarQuote(random, text);
}

function dollarQuote(random: Random, text: string): string {
  const tags = ["$$", "$a$", "$A$", "$_1$", "$é$", "$body$", "$😀x$"];
  const tag = random.shuffle(tags).find((tag) => (text + tag).indexOf(tag) === text.length);
  return tag === undefined ? `'${doubleQuotes(text)}'` : tag + text + tag;
}

const doubleQuotes = (text: string) => text.replaceAll("'", "''");

const escape = (random: Random) => (text: string) =>
  text.replace(/['\\\n]|[^\x20-\x7e]/gu, (character) => {
    if (character === "'") return random.pick(["''", "\\'", "\\x27"]);
    if (character === "\\") return "\\\\";
    if (character === "\n") return random.pick(["\n", "\\n"]);
    const point = character.codePointAt(0)!.toString(16).padStart(8, "0");
    return random.pick([character, `\\U${point}`]);
  });

/** A string with numbers for characters, behind a backslash or what UESCAPE says. */
function inUnicode(random: Random, value: string): string {
  const [escape, clause] = random.pick([["\\", ""], ["!", "uescape '!'"]] as const);
  const encode = (text: string) =>
    text.replace(/['\\!]|[^\x20-\x7e\n]/gu, (character) => {
      if (character === "'") return "''";
      if (character === escape) return escape + escape;
      const point = character.codePointAt(0)!.toString(16).padStart(6, "0");
      return random.pick([character, `${escape}+${point}`]);
    });
  const gap = clause === "" ? "" : random.pick([" ", "-- it's\n", " -- ;\n\n", " /* ' */ "]);
  return inParts(random, value, random.pick(["U&'", "u&'"]), encode) + gap + clause;
}

/** A string of several parts on lines of their own is one string. */
function inParts(
  random: Random,
  value: string,
  open: string,
  encode: (text: string) => string,
): string {
  const characters = [...value];
  let sql = open;
  let last = 0;
  for (let cut = random.below(3) === 0 ? 1 + random.below(2) : 0; cut > 0; cut--) {
    const at = last + random.below(characters.length - last + 1);
    sql += `${encode(characters.slice(last, at).join(""))}'${partsGap(random)}'`;
    last = at;
  }
  return `${sql}${encode(characters.slice(last).join(""))}'`;
}

function partsGap(random: Random): string {
  const before = random.pick(["", " ", "\t", "-- it's", " --\\' $$", "  -- ; "]);
  const after = random.several(["", " ", "\n", "\t\n", "-- it's\n", "  --'\n"], 0, 2).join("");
  return `${before}\n${after}`;
}

/** A name in quotes, which begins as is said so that PostgreSQL's cut at 63 bytes keeps it apart. */
export function quotedName(random: Random, beginning: string): string {
  return `"${beginning}${misleadingText(random).replaceAll('"', '""')}"`;
}

/** A comment block, which may hold others. */
export function blockComment(random: Random, depth = 0): string {
  const inside = misleadingText(random)
    .replaceAll("/*", "/ *").replaceAll("*/", "* /").replace(/\/+$/, "");
  const nested = depth < 3 && random.below(3) === 0 ? ` ${blockComment(random, depth + 1)} ` : "";
  return `/*${inside}${nested}${random.pick(["", "*", " "])}*/`;
}

/** A line comment with its line end, which no banner is. */
export function lineComment(random: Random): string {
  return `-- it's ${misleadingText(random).replaceAll("\n", " ")}\n`;
}
