/** Values that programs stumble over. */

import type { Random } from "../../support/random.ts";

/** Counts how often something that was given as a value was run as SQL: no rollback hides it. */
export const WITNESS_SQL = `
  create sequence extensions.fuzz_trips;
  create function extensions.fuzz_trip() returns text language sql volatile
    as $$ select nextval('extensions.fuzz_trips')::text $$;
  create table extensions.fuzz_values (id bigint generated always as identity, value text);
`;

/** Takes {@linkcode WITNESS_SQL} back. */
export const NO_WITNESS_SQL = `
  drop function if exists extensions.fuzz_trip();
  drop sequence if exists extensions.fuzz_trips;
  drop table if exists extensions.fuzz_values;
`;

const trip = "select extensions.fuzz_trip()";

/** What runs a statement where text is put into SQL, format strings or a shell unquoted. */
const injections = [
  `'; ${trip}; --`,
  `''; ${trip}; --`,
  `'); ${trip}; --`,
  `\\'; ${trip}; --`,
  `"; ${trip}; --`,
  `") ; ${trip}; --`,
  `' || extensions.fuzz_trip() || '`,
  `' || (${trip}) || '`,
  `$$; ${trip}; $$`,
  `$function$; ${trip}; $function$`,
  `$block$; ${trip}; $block$`,
  `$sql$; ${trip}; --`,
  `; ${trip};`,
  `\n; ${trip};\n`,
  `*/ ; ${trip}; /*`,
  `-- \n${trip};`,
  `%s'; ${trip}; --`,
  `%1$s %I %L'; ${trip}; --`,
  `$1'; ${trip}; --`,
  `\\u0027; ${trip}; --`,
  `U&'\\0027' ; ${trip}; --`,
  `E'\\''; ${trip}; --`,
  `'::text; ${trip}; --`,
  `"}'; ${trip}; --`,
  `'; drop schema supamigrate cascade; ${trip}; --`,
  `\`; ${trip}; #`,
  `ʼ; ${trip}; --`,
  `＇; ${trip}; --`,
];

const fragments = [
  ..."'\"`\\$;%{}[]()<>&|?*#@!~^+-=,.:/ ",
  ...["''", '""', "$$", "$1", "$tag$", "%s", "%I", "%L", "%%", "--", "/*", "*/", "\\n", "\\u0000"],
  ...["\n", "\r\n", "\t", "\u0001", "\u001b[31m", "\u007f", "\u0085", "\u00a0", "\u2028", "\ufeff"],
  ...[
    "\u202e",
    "\u2066",
    "\u200d",
    "\u0301",
    "\ufffd",
    "\uffff",
    "\u{10ffff}",
    "👩‍👩‍👧",
    "🏴‍☠️",
    "ﷺ",
    "İ",
    "ß",
  ],
  ...["null", "NULL", "NaN", "Infinity", "-1", "0", "1e999", "true", "", "undefined", "__proto__"],
  ...["infinity", "2026-02-30", "00000000-0000-0000-0000-000000000000", "{}", "[]", '{"a":1}'],
  ...["../../etc/passwd", "C:\\", "1_a.sql", "supamigrate", "public.exec_sql", "::error::x"],
];

const lengths = [1, 63, 64, 65, 99, 100, 101, 254, 255, 256, 257, 1000, 65_536];

/** The megabyte that every text field is to take. */
const MEGABYTE = 2 ** 20;

/** Makes hostile values from a seed. */
export class Hostile {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Whether something of a probability of `percent` happens. */
  chance(percent: number): boolean {
    return this.#random.below(1000) < percent * 10;
  }

  /** Text that PostgreSQL can store, whatever else it is. */
  text(): string {
    switch (this.#random.below(8)) {
      case 0:
      case 1:
        return this.#random.pick(injections);
      case 2:
        return this.#fromOnePlane();
      case 3:
        return this.#repeated();
      default:
        return this.#random.several([...fragments, ...injections, this.#fromOnePlane()], 1, 6)
          .join("");
    }
  }

  /** Text of a file's kind of length, at times with what cannot be stored: NUL, half characters. */
  anyText(): string {
    if (!this.chance(4)) return this.text();
    return this.text() + this.#random.pick(["\0", "\ud800", "\udc00", "\udfff\ud800"]) +
      this.text();
  }

  /** Text without anything that would run as SQL if it were meant to be SQL. */
  harmlessText(): string {
    return this.#random.several([...fragments, this.#fromOnePlane()], 1, 6).join("");
  }

  /** Any JSON. */
  value(): unknown {
    const { below, pick } = bound(this.#random);
    switch (below(10)) {
      case 0:
        return null;
      case 1:
        return pick([true, false]);
      case 2:
      case 3:
        return this.number();
      case 4:
        return Array.from({ length: below(4) }, () => this.value());
      case 5:
        return Object.fromEntries(
          Array.from({ length: below(4) }, () => [this.anyText(), this.value()]),
        );
      case 6:
        return this.chance(5) ? nested(pick([100, 1000])) : nested(below(20));
      case 7:
        return pick(["", "0", "1", "-1", "1.5", " 1 ", "1e3", "0x1", "NaN", "t", "on", "yes"]);
      default:
        return this.anyText();
    }
  }

  /** A number as JSON may have it, of any size. */
  number(): unknown {
    const { pick } = bound(this.#random);
    const written = pick([
      ...["0", "-0", "1", "-1", "2", "1.5", "-1.5", "1e0", "1e2", "0.1e1", "1e-9", "1e308"],
      ...["2147483647", "2147483648", "-2147483649", "9007199254740993", "9223372036854775807"],
      ...["9223372036854775808", "1e400", "-1e400", "1e-400", "9".repeat(400)],
    ]);
    return rawJson(written);
  }

  #fromOnePlane(): string {
    const { below } = bound(this.#random);
    const plane = below(17);
    return Array.from({ length: 1 + below(30) }, () => {
      const point = plane * 0x10000 + below(0x10000);
      const stands = point !== 0 && (point < 0xd800 || point > 0xdfff);
      return stands ? String.fromCodePoint(point) : "x";
    }).join("");
  }

  #repeated(): string {
    const { pick } = bound(this.#random);
    const character = pick(["x", "'", '"', "\\", "$", "é", "𐍈", "\u{10ffff}"]);
    return character.repeat(this.chance(4) ? MEGABYTE : pick(lengths));
  }
}

function bound(random: Random) {
  return {
    below: (limit: number) => random.below(limit),
    pick: <Item>(items: readonly Item[]) => random.pick(items),
  };
}

function nested(levels: number): unknown {
  let value: unknown = "deep";
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
}

/** A number that JSON can write and JavaScript cannot hold. */
function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}
