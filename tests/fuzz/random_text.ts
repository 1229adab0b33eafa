/** What random files are put together from. @module */

import type { Random } from "../support/random.ts";

/** Everything that opens, closes or hides something in SQL, or looks as if it did. */
export const nasties: readonly string[] = [
  "'",
  "''",
  '"',
  '""',
  "\\",
  "\\'",
  "$$",
  "$",
  "$a$",
  "$é$",
  "$1",
  "$1$",
  "--",
  "-",
  "/*",
  "*/",
  "/",
  "*",
  "*/*",
  ";",
  "(",
  ")",
  "[",
  "]",
  "::",
  ":=",
  "E'",
  "e'\\'",
  "U&'",
  'U&"',
  "B'0",
  "X'f",
  "N'",
  "a$$",
  "a$b$",
  "1e",
  "begin atomic",
  "begin",
  "atomic",
  "end",
  "end;",
  "case",
  "create function f() returns int begin atomic",
  "create or replace procedure p()",
  "copy a from stdin;",
  "\\.",
  "\\connect x",
  "\\restrict a",
  "commit;",
  "begin;",
  "select 1",
  "\uFEFF",
  "\u00a0",
  "\u2028",
  "\u0085",
  "é",
  "😀",
  "\u0001",
  "\x7f",
];

/** Lines that are banners, nearly banners, or another tool's marks where nothing hides them. */
export const banners: readonly string[] = [
  "-- ROLLBACK",
  "-- FORWARD MIGRATION",
  "--rollback",
  "-- === Rollback ===",
  "--- forward migration ---",
  "-- ====",
  "--",
  "-- Down",
  "-- undo",
  "-- revert migration",
  "-- migrate:down",
  "-- migrate:up",
  "-- +goose Down",
  "-- rollback is not possible",
  "--\u2028ROLLBACK",
  "--\u00a0ROLLBACK",
];

/**
 * A character from anywhere in Unicode.
 *
 * @param random The choices.
 * @param surrogates Whether it may be half of a pair, which no file in UTF-8 can hold.
 */
export function anyCharacter(random: Random, surrogates = false): string {
  switch (random.below(6)) {
    case 0:
      return String.fromCodePoint(random.below(0x80));
    case 1:
      return String.fromCodePoint(0x80 + random.below(0x780));
    case 2:
      return String.fromCodePoint(0x2000 + random.below(0x70)); // spaces, marks of direction
    case 3:
      return surrogates
        ? String.fromCharCode(0xd800 + random.below(0x800))
        : String.fromCodePoint(0xe000 + random.below(0x2000));
    case 4:
      return String.fromCodePoint(0x10000 * (1 + random.below(16)) + random.below(0x10000));
    default:
      return String.fromCodePoint(0x800 + random.below(0xd000));
  }
}

/** A text of anything at all. */
export function anyText(random: Random, most: number, surrogates = false): string {
  const parts = Array.from({ length: random.below(most + 1) }, () => {
    switch (random.below(5)) {
      case 0:
        return random.pick(nasties);
      case 1:
        return `\n${random.pick(banners)}\n`;
      case 2:
        return random.pick(["\n", "\r", "\r\n", " ", "\t", "\f", "\v", "\0"]);
      default:
        return anyCharacter(random, surrogates);
    }
  });
  return parts.join("");
}

const words = "select a as from e u x do is end 1 , + || ? ?| ->>".split(" ");

const constants = [
  "'a'",
  "'it''s'",
  "E'\\''",
  "E'a'\n'\\''",
  "E'a' -- b\n  '\\''",
  "U&'\\0061'",
  "$$ x $$",
  "$a$ $$ $a$",
  '"a b"',
  "(1)",
];

const comments = ["/* a */", "/* /* */ ' */", "-- it's\n", "-- ;\n", "/*;*/"];

const statements = [
  "select 1;",
  "select 'a';",
  "do $$ begin end $$;",
  "do 'begin end';",
  "create table a (b text default 'x', c int);",
  "create function f() returns int begin atomic select 1; select case when a then 1 end; end;",
  "create procedure p() begin atomic end;",
  "create rule r as on insert to a do also (select 1; select 2);",
  ";\n",
];

/** Tokens in no order that a grammar knows, or statements of any sort with anything between. */
export function tokenSoup(random: Random): string {
  const between = random.pick([[""], [" "], ["\n"], ["", " ", "\n", "\t", "\r\n", "\r", "\n\n"]]);
  const banner = () => `\n${random.pick(banners)}\n`;
  const selection = () => `select ${random.pick(constants)}${random.pick([" as x;", ";"])}`;
  const sources = random.below(3) === 0
    ? [() => random.pick(comments), () => random.pick(statements), selection, selection, banner]
    : [
      () => random.pick(nasties),
      () => random.pick(words),
      () => random.pick(constants),
      () => random.pick(comments),
      () => random.pick(statements),
      banner,
      () => anyCharacter(random),
    ];
  let text = "";
  for (let count = 1 + random.below(24); count > 0; count--) {
    text += random.pick(sources)() + random.pick(between);
  }
  return text;
}

/** Bytes: of everything, of UTF-8 with faults, or of UTF-16. */
export function anyBytes(random: Random): Uint8Array {
  const kind = random.below(4);
  if (kind === 0) {
    return Uint8Array.from({ length: random.below(200) }, () => random.below(256));
  }
  const text = kind === 1 ? anyText(random, 60) : tokenSoup(random).replaceAll("\0", "");
  const bytes = new TextEncoder().encode(text);
  if (kind === 2 && bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}
