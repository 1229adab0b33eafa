import assert from "node:assert/strict";
import { line, neutralize, neutralizeJson } from "../../lib/output/neutral.ts";
import { Random } from "../support/random.ts";
import { findHostile, FORGED, HOSTILE } from "../support/harmless.ts";

const shown: Record<string, string> = {
  "a\x1b[31mred": "a\\x1b[31mred",
  "over\rwritten": "over\\x0dwritten",
  "\x9b31m\x7f\x00": "\\x9b31m\\x7f\\x00",
  "\x1b]0;title\x07": "\\x1b]0;title\\x07",
  "\u202egpj.exe": "\\u202egpj.exe",
  "\u2066a\u2069\u200e\u061c": "\\u2066a\\u2069\\u200e\\u061c",
  "a\u2028b\u2029c": "a\\u2028b\\u2029c",
  "a\u200bb\ufeffc\u00ad": "a\\u200bb\\ufeffc\\xad",
  "tag\u{e0041}": "tag\\u{e0041}",
  "half \ud83d, \udc4d": "half \\ud83d, \\udc4d",
  "a\u200db\u200cc": "a\\u200db\\u200cc",
  "x\ufe0f\ufe0f\ufe0f": "x\ufe0f\\ufe0f\\ufe0f",
  "::add-mask::x": "\\x3a:add-mask::x",
  "a\n \t::stop-commands::x": "a\n \t\\x3a:stop-commands::x",
  "\u00a0::x::": "\u00a0\\x3a:x::",
  "a ##[group]b": "a \\x23#[group]b",
  "##vso[x]###[y]##teamcity[z]": "\\x23#vso[x]#\\x23#[y]\\x23#teamcity[z]",
};

for (const [text, harmless] of Object.entries(shown)) {
  Deno.test(`neutralize() shows ${JSON.stringify(text)} as ${JSON.stringify(harmless)}`, () => {
    assert.equal(neutralize(text), harmless);
  });
}

const ORDINARY = [
  "Migration completed: 3 of 4 (12,345 ms) – “done”",
  "one\n\ttwo\n",
  "مرحبا بالعالم ١٢٣ ؀١٢٣",
  "שלום עולם",
  "می‌خواهم نامه‌ای بنویسم", // Persian needs the zero-width non-joiner
  "क्‍ष और क्‌ष", // and Hindi both of them
  "e\u0301 ñ Å ﬁ ǅ 日本語 한국어 ไทย Ελληνικά Кириллица",
  "👨‍👩‍👧‍👦 ❤️‍🔥 👩🏽‍💻 🏳️‍🌈 ♻️ ⚠️ 🗑️ 1️⃣",
  "葛󠄀飾区",
  "select a::text, b::int from c -- ## heading ## [x] a:b https://x",
  "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u{10ffff}".replace("\u{10ffff}", "\u{1f9d1}"),
];

for (const text of ORDINARY) {
  Deno.test(`neutralize() leaves ${JSON.stringify(text)} as it is`, () => {
    assert.equal(neutralize(text), text);
    assert.equal(neutralizeJson(JSON.stringify(text)), JSON.stringify(text));
  });
}

const PIECES = [
  ...HOSTILE,
  ...FORGED,
  ...ORDINARY.flatMap((text) => [...text]),
  ...["::", "##", "[", "\n", "\n ", "\ud800", "\udfff", "\u200d", "\u200c", "\ufe0f", "\x1b["],
  "\u{1fffe}",
  "\u{e0100}",
];

function* randomTexts(): Generator<string> {
  const random = new Random(20);
  for (let round = 0; round < 3000; round++) yield random.several(PIECES, 0, 30).join("");
  for (let round = 0; round < 500; round++) {
    const units = Array.from({ length: 40 }, () => random.below(0x10000));
    yield String.fromCharCode(...units);
    yield String.fromCodePoint(...units.map((unit) => unit * 17));
  }
}

Deno.test("neutralize() leaves nothing that drives, and a second time changes nothing", () => {
  for (const text of randomTexts()) {
    const once = neutralize(text);
    assert.deepEqual(findHostile(once), [], JSON.stringify(text));
    assert.equal(neutralize(once), once, JSON.stringify(text));
  }
});

Deno.test("neutralizeJson() leaves nothing that drives, and the same value to who parses it", () => {
  for (const text of randomTexts()) {
    const value = { [text]: [text, { text }] };
    const json = neutralizeJson(JSON.stringify(value, null, 2));
    assert.deepEqual(findHostile(json), [], JSON.stringify(text));
    assert.deepEqual(JSON.parse(json), value);
  }
});

Deno.test("neutralize() takes time in proportion to the text, whatever it is", () => {
  for (
    const piece of ["a b\n", "\n", " ", "#", "##a", ":", "\u200d", "\u200d漢", "\x1b", "\ufe0f"]
  ) {
    const text = piece.repeat(1e6 / piece.length);
    const started = performance.now();
    neutralize(text);
    const took = performance.now() - started;
    assert(took < 3000, `${took} ms for a megabyte of ${JSON.stringify(piece)}`);
  }
});

Deno.test("line`` keeps what a value brings along from standing at the beginning of a line", () => {
  const message = "no\n✅ Migration completed successfully!\n📊 Batch: 1";
  assert.deepEqual(
    line`❌ ${"001_a.sql"}: ${message}!\nnext`.split("\n").map((it) => it.trimStart() === it),
    [true, false, false, true],
  );
});

Deno.test("of a value that is longer than anybody reads, the beginning stands in a line", () => {
  const secret = `sb_secret_${"a".repeat(900)}`;
  for (
    const value of [
      "some words ".repeat(200_000),
      "a line\n".repeat(300_000),
      "x".repeat(2_000_000),
      `${"x".repeat(1500)}${secret}${"y".repeat(2_000_000)}`,
      `${"a word ".repeat(280)}${secret} ${"y".repeat(2_000_000)}`,
      "👩‍👩‍👧‍👦".repeat(100_000),
    ]
  ) {
    const shown = line`It says ${value}`;
    assert.match(
      shown,
      /^It says .*… \([12],\d{3},\d{3} more characters: --json writes all of it\)$/s,
    );
    assert.ok(shown.length < 6000, `${shown.length} characters`);
    assert.ok(shown.isWellFormed());
    assert.doesNotMatch(shown, /sb_secret/, "half a secret looks like none");
  }
  assert.equal(line`It says ${"x".repeat(2100)}`, `It says ${"x".repeat(2100)}`);
});
