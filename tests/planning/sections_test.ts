import assert from "node:assert/strict";

import { MigrationFileError } from "../../lib/errors.ts";
import { normalizeText, splitSections } from "../../lib/planning/sections.ts";
import { Random } from "../support/random.ts";
import { hidingABanner, leavingNothingOpen } from "./traps.ts";

/** The sections of a text: forward SQL, rollback SQL, and the lines they start on. */
function sectionsOf(text: string): [forward: string, rollback: string | null, lines: number[]] {
  const { forward, rollback } = splitSections(text, "001_a.sql");
  return [
    forward.sql,
    rollback?.sql ?? null,
    [forward.line, ...(rollback === null ? [] : [rollback.line])],
  ];
}

/** What {@linkcode splitSections} refuses a text with. */
function refusalOf(text: string): Pick<MigrationFileError, "message" | "position" | "hint"> {
  let refusal: MigrationFileError | undefined;
  assert.throws(() => splitSections(text, "001_a.sql"), (error) => {
    assert(error instanceof MigrationFileError);
    refusal = error;
    return true;
  });
  return refusal!;
}

Deno.test("splitSections() takes a file without banners as all forward", () => {
  for (
    const text of [
      "",
      "\n",
      "-- nothing\n",
      "create table a ();",
      "-- roll back a price\nselect 1;\n",
    ]
  ) {
    assert.deepEqual(sectionsOf(text), [text, null, [1]]);
  }
});

const files: readonly [what: string, text: string, expected: ReturnType<typeof sectionsOf>][] = [
  [
    "the specification's banners",
    "-- Migration: a\n\n-- ====\n-- FORWARD MIGRATION\n-- ====\nup;\n" +
    "-- ====\n-- ROLLBACK\n-- ====\ndown;\n",
    ["up;\n", "down;\n", [6, 10]],
  ],
  [
    "banners without lines around them",
    "-- FORWARD MIGRATION\nup;\n-- ROLLBACK\ndown;\n",
    ["up;\n", "down;\n", [2, 4]],
  ],
  [
    "a line above a banner only",
    "-- ----\n-- FORWARD MIGRATION\nup;\n-- ****\n-- ROLLBACK\ndown;\n",
    ["up;\n", "down;\n", [3, 6]],
  ],
  [
    "a line below a banner only",
    "-- FORWARD MIGRATION\n--####\nup;\n-- ROLLBACK\n-- =====\ndown;\n",
    ["up;\n", "down;\n", [3, 6]],
  ],
  [
    "a line that does not touch the banner, which is a comment",
    "up;\n-- ====\n\n-- ROLLBACK\n\n-- ====\ndown;\n",
    ["up;\n-- ====\n\n", "\n-- ====\ndown;\n", [1, 5]],
  ],
  [
    "no forward banner",
    "up;\n-- ROLLBACK\ndown;\n",
    ["up;\n", "down;\n", [1, 3]],
  ],
  [
    "no rollback banner",
    "-- about this\n-- FORWARD MIGRATION\nup;\n",
    ["up;\n", null, [3]],
  ],
  [
    "comments before the first banner",
    "/* about\nthis */ ;\n-- FORWARD MIGRATION\nup;\n-- ROLLBACK\ndown;",
    ["up;\n", "down;", [4, 6]],
  ],
  [
    "ROLLBACK before FORWARD MIGRATION",
    "-- ROLLBACK\ndown;\n-- FORWARD MIGRATION\nup;\n",
    ["up;\n", "down;\n", [4, 2]],
  ],
  ["lower case", "-- forward migration\nup;\n-- rollback\ndown;\n", ["up;\n", "down;\n", [2, 4]]],
  ["mixed case", "-- Forward Migration\nup;\n-- Rollback\ndown;\n", ["up;\n", "down;\n", [2, 4]]],
  [
    "a colon behind the banner",
    "-- FORWARD MIGRATION:\nup;\n-- ROLLBACK:\ndown;\n",
    ["up;\n", "down;\n", [2, 4]],
  ],
  [
    "dashes and equal signs beside the words",
    "--- FORWARD MIGRATION ---\nup;\n-- === ROLLBACK ===\ndown;\n",
    ["up;\n", "down;\n", [2, 4]],
  ],
  [
    "white space of Unicode beside the words",
    "up;\n--\u2028ROLLBACK\u00a0\ndown;\n",
    ["up;\n", "down;\n", [1, 3]],
  ],
  ["no blank behind the dashes", "up;\n--ROLLBACK\ndown;\n", ["up;\n", "down;\n", [1, 3]]],
  ["a banner that is indented", "up;\n \t-- ROLLBACK\t \ndown;\n", ["up;\n", "down;\n", [1, 3]]],
  [
    "a form feed before a banner",
    "up;\n\f-- ROLLBACK\ndown;\n",
    ["up;\n", "down;\n", [1, 3]],
  ],
  ["CRLF", "up;\r\n-- ROLLBACK\r\ndown;\r\n", ["up;\n", "down;\n", [1, 3]]],
  ["CR", "up;\r-- ROLLBACK\rdown;\r", ["up;\n", "down;\n", [1, 3]]],
  [
    "a byte-order mark",
    "\uFEFF-- FORWARD MIGRATION\nup;\n-- ROLLBACK\ndown;\n",
    ["up;\n", "down;\n", [2, 4]],
  ],
  ["a banner at the very end", "up;\n-- ROLLBACK", ["up;\n", null, [1]]],
  ["a rollback of comments", "up;\n-- ROLLBACK\n-- nothing to do\n;\n", ["up;\n", null, [1]]],
  [
    "a rollback of a comment that does not end, which the parser will refuse",
    "up;\n-- ROLLBACK\n/* down;\n",
    ["up;\n", "/* down;\n", [1, 3]],
  ],
  ["no newline at the end", "up;\n-- ROLLBACK\ndown", ["up;\n", "down", [1, 3]]],
  [
    "a banner behind a statement on its line, which is a comment",
    "up; -- ROLLBACK\nmore;\n",
    ["up; -- ROLLBACK\nmore;\n", null, [1]],
  ],
  [
    "words that only begin as a banner",
    "up;\n-- rollback is not possible\n-- FORWARD MIGRATION of the data\nmore;\n",
    ["up;\n-- rollback is not possible\n-- FORWARD MIGRATION of the data\nmore;\n", null, [1]],
  ],
  [
    "a statement called ROLLBACK",
    "up;\nROLLBACK;\n",
    ["up;\nROLLBACK;\n", null, [1]],
  ],
];

for (const [what, text, expected] of files) {
  Deno.test(`splitSections() understands ${what}`, () => {
    assert.deepEqual(sectionsOf(text), expected);
  });
}

Deno.test("splitSections() understands an empty template", () => {
  const rule = `-- ${"=".repeat(44)}`;
  const { forward, rollback } = splitSections(
    `-- Migration: a\n\n${rule}\n-- FORWARD MIGRATION\n${rule}\n\n-- here\n\n` +
      `${rule}\n-- ROLLBACK\n${rule}\n\n-- here\n`,
    "001_a.sql",
  );
  assert.deepEqual(forward, { sql: "\n-- here\n\n", line: 6 });
  assert.equal(rollback, null);
});

for (const [what, sql] of Object.entries(hidingABanner)) {
  Deno.test(`splitSections() takes no banner out of ${what}`, () => {
    assert.deepEqual(sectionsOf(`up;\n${sql}\n`), [`up;\n${sql}\n`, null, [1]]);

    const line = sql.split("\n").length + 3;
    assert.deepEqual(sectionsOf(`up;\n${sql}\n-- ROLLBACK\ndown;\n`), [
      `up;\n${sql}\n`,
      "down;\n",
      [1, line],
    ]);
    assert.deepEqual(sectionsOf(`-- FORWARD MIGRATION\nup;\n-- ROLLBACK\n${sql}\n`), [
      "up;\n",
      `${sql}\n`,
      [2, 4],
    ]);
  });
}

for (const [what, sql] of Object.entries(leavingNothingOpen)) {
  Deno.test(`splitSections() sees the banner behind ${what}`, () => {
    const line = sql.split("\n").length + 2;
    assert.deepEqual(sectionsOf(`${sql}\n-- ROLLBACK\ndown;\n`), [
      `${sql}\n`,
      "down;\n",
      [1, line],
    ]);
  });
}

Deno.test("splitSections() refuses a banner after a statement without a semicolon", () => {
  assert.deepEqual({ ...refusalOf("create table a ()\n\n-- ROLLBACK\ndrop table a;\n") }, {
    name: "MigrationFileError",
    completed: [],
    others: [],
    position: { file: "001_a.sql", line: 3, excerpt: "-- ROLLBACK" },
    hint: "End the statement before it with a semicolon, or word the comment differently.",
  });
  assert.equal(
    refusalOf("create table a ()\n-- ROLLBACK\ndrop table a;").message,
    'The banner "-- ROLLBACK" stands inside a statement',
  );
  assert.equal(refusalOf("-- FORWARD MIGRATION\na\n-- ROLLBACK\n").position.line, 3);
});

Deno.test("splitSections() refuses a banner that stands there twice", () => {
  for (const banner of ["-- ROLLBACK", "-- FORWARD MIGRATION"]) {
    const { message, position } = refusalOf(`${banner}\na;\n${banner}\nb;\n`);
    assert.equal(message, `The banner "${banner}" stands there twice`);
    assert.deepEqual(position, { file: "001_a.sql", line: 3, excerpt: banner });
  }
  assert.match(refusalOf("a;\n-- ROLLBACK\nb;\n-- rollback:\nc;").message, /twice/);
});

Deno.test("splitSections() refuses SQL before the first banner", () => {
  const { message, position, hint } = refusalOf(
    "-- about\r\n/* this */ create table a ();\r\n-- FORWARD MIGRATION\r\nselect 1;\r\n",
  );
  assert.equal(message, "There is SQL before the first banner, which belongs to no section");
  assert.deepEqual(position, {
    file: "001_a.sql",
    line: 2,
    excerpt: "/* this */ create table a ();",
  });
  assert.equal(hint, 'Move it below "-- FORWARD MIGRATION".');
  assert.equal(refusalOf("a;\n-- ROLLBACK\nb;\n-- FORWARD MIGRATION\nc;").message, message);
});

Deno.test("splitSections() refuses a file that only undoes", () => {
  for (
    const text of [
      "-- ROLLBACK\ndrop table a;\n",
      "-- about\n-- ROLLBACK\ndrop table a;",
      "-- FORWARD MIGRATION\n-- nothing\n;\n-- ROLLBACK\ndrop table a;\n",
      "-- ROLLBACK\ndrop table a;\n-- FORWARD MIGRATION\n",
    ]
  ) {
    const { message, position } = refusalOf(text);
    assert.equal(message, "The migration has a rollback section and nothing to apply");
    assert.equal(position.line, text.split("\n").indexOf("drop table a;") + 1 || position.line);
  }
});

Deno.test("splitSections() takes another tool's mark inside a string for text", () => {
  for (const sql of ["select '\n-- migrate:down\n';", "do $$\n-- +goose Down\n$$;"]) {
    assert.deepEqual(sectionsOf(sql), [sql, null, [1]]);
  }
});

Deno.test("splitSections() loses no text and takes no hidden banner, whatever is put together", () => {
  const random = new Random(20250726);
  const pieces = [...Object.values(hidingABanner), ...Object.values(leavingNothingOpen)];
  const gaps = ["\n", "\n\n", "\n-- it's a comment\n", "\n/* a; ' $$ */\n", " /* ' */\n", "\n;\n"];
  const heads = ["-- FORWARD MIGRATION\n", "-- about\n\n-- ===\n-- Forward Migration:\n-- ===\n"];
  const middles = ["-- ROLLBACK\n", "-- ===\n-- ROLLBACK\n-- ===\n", "--- rollback ---\n"];
  const compose = () =>
    random.several(pieces, 1, 6).map((piece) => piece + random.pick(gaps)).join("");
  for (let round = 0; round < 300; round++) {
    const [up, down] = [compose(), compose()];
    const head = random.pick(["", ...heads]);
    const middle = random.pick(middles);
    const text = head + up + middle + down;
    const lineAfter = (part: string) => part.split("\n").length;
    const expected = [up, down, [lineAfter(head), lineAfter(head + up + middle)]];
    assert.deepEqual(sectionsOf(text), expected, text);
    assert.deepEqual(sectionsOf(`\uFEFF${text.replaceAll("\n", "\r\n")}`), expected, text);
    assert.deepEqual(sectionsOf(up), [up, null, [1]], up);
  }
});

Deno.test("splitSections() splits 5 MB", () => {
  const up = "insert into a values (1, 'it''s', $$\n-- ROLLBACK\n$$); -- it's\n".repeat(40_000);
  const down = "/* ; */ delete from a where b = E'\\'';\n".repeat(65_000);
  const { forward, rollback } = splitSections(`${up}-- ROLLBACK\n${down}`, "001_a.sql");
  assert.equal(forward.sql.length + rollback!.sql.length, up.length + down.length);
  assert.equal(rollback!.line, 120_002);
});

Deno.test("splitSections() gets past 2 MB of comments that are nearly banners", () => {
  for (const comment of ["-- down\n", "  -- Rollback script:\n", "-- undo\n\n", "-- ====\n"]) {
    const text = `up;\n${comment.repeat(2_000_000 / comment.length)}`;
    assert.equal(splitSections(text, "001_a.sql").forward.sql, text);
  }
});

Deno.test("splitSections() gets past a comment that is one long line", () => {
  for (
    const line of ["-".repeat(100_000), `-- ${"= ".repeat(50_000)}`, `--${" ".repeat(100_000)}`]
  ) {
    const text = `up;\n${line}x\n-- ROLLBACK\n${line}x\ndown;\n`;
    assert.deepEqual(sectionsOf(text), [`up;\n${line}x\n`, `${line}x\ndown;\n`, [1, 4]]);
  }
});

Deno.test("normalizeText() undoes line ends and one byte-order mark, and nothing else", () => {
  assert.equal(normalizeText("\uFEFFa\r\nb\rc\nd\r\r\n"), "a\nb\nc\nd\n\n");
  assert.equal(normalizeText("a\uFEFFb \t\u2028\v"), "a\uFEFFb \t\u2028\v");
  assert.equal(normalizeText(""), "");
});
