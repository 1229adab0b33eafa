import assert from "node:assert/strict";

import { holdsStatements, scanComments } from "../../lib/planning/lexer.ts";
import { splitStatements } from "../../lib/planning/statements.ts";
import { hidingABanner, leavingNothingOpen } from "./traps.ts";

/** The comments of a text with their places. */
function commentsOf(sql: string): [text: string, place: string][] {
  return scanComments(sql).comments.map(({ text, place }) => [text, place]);
}

/** The beginnings of the statements, each up to its first white space or semicolon. */
function beginningsOf(sql: string): string[] {
  return scanComments(sql).statements.map((start) => /^[^\s;(]*/.exec(sql.slice(start))![0]);
}

for (const [what, sql] of Object.entries(hidingABanner)) {
  Deno.test(`scanComments() finds no comment between statements in ${what}`, async () => {
    const { statements } = await splitStatements({ sql, line: 1 }, "001_a.sql");
    assert.equal(statements.length, 1, "the example is one statement to PostgreSQL");

    const { comments, statements: begun } = scanComments(sql);
    assert.deepEqual(comments.filter(({ place }) => place === "between"), []);
    assert.equal(begun.length, 1);
  });
}

for (const [what, sql] of Object.entries(leavingNothingOpen)) {
  Deno.test(`scanComments() is not misled by ${what}`, async () => {
    await splitStatements({ sql, line: 1 }, "001_a.sql"); // PostgreSQL takes the example

    const { comments, statements } = scanComments(`${sql}\n  -- here\nselect 2;`);
    const last = comments.at(-1)!;
    assert.deepEqual([last.text, last.place], ["-- here", "between"]);
    assert.equal(statements.at(-1), `${sql}\n  -- here\n`.length);
  });
}

Deno.test("scanComments() says where a comment stands", () => {
  assert.deepEqual(
    commentsOf(
      "-- first\nselect 1 -- not alone\n  -- in a statement\n  + 2;\n" +
        "\t-- second  \ncreate table a ( -- not alone\n-- in parentheses\n b int);\n--last",
    ),
    [
      ["-- first", "between"],
      ["-- in a statement", "statement"],
      ["-- second", "between"],
      ["-- in parentheses", "nested"],
      ["--last", "between"],
    ],
  );
});

Deno.test("scanComments() gives the lines of a comment as offsets", () => {
  const sql = "é 😀;\n  -- one \n--two";
  const lines = scanComments(sql).comments.map(({ start, end }) => sql.slice(start, end));
  assert.deepEqual(lines, ["  -- one \n", "--two"]);
});

Deno.test("scanComments() finds where statements begin", () => {
  assert.deepEqual(
    beginningsOf(
      "/* a */ select 1; -- b\n;; insert into a values (';');'x';$$y$$;(values (1));\n" +
        'create function f() returns int begin atomic select 1; select 2; end; "z"; é;1',
    ),
    ["select", "insert", "'x'", "$$y$$", "", "create", '"z"', "é", "1"],
  );
});

Deno.test("scanComments() reaches the end of what is left open", () => {
  for (
    const open of [
      "'",
      '"',
      "E'\\",
      "E'\\'",
      "$$",
      "$a$ $b$",
      "/*",
      "/* /* */",
      "(",
      "--",
      "$",
      "create function f() begin atomic select 1;",
    ]
  ) {
    const { comments } = scanComments(`${open}\n`.repeat(3));
    assert(comments.every(({ text }) => text.startsWith("--")), open);
  }
});

Deno.test("holdsStatements() sees nothing in comments, white space and semicolons", () => {
  for (const sql of ["", " \t\n\f\v", ";;\n;", "-- a\n/* b; */ -- c", "-- select 1;"]) {
    assert.equal(holdsStatements(sql), false, JSON.stringify(sql));
  }
  for (
    const sql of ["a", "1", "''", '""', "$$$$", "(", ";;x", "/* */ x -- y", "\u00a0", "/* /* */"]
  ) {
    assert.equal(holdsStatements(sql), true, JSON.stringify(sql));
  }
});

Deno.test("scanComments() goes through 5 MB of one kind of thing", () => {
  const things = {
    "comments": "-- it's a comment, $$ and /*\n",
    "statements": "insert into a values (1, 'it''s', E'\\'', $$b$$);\n",
    "one statement": "(1, 'a'), ",
    "blocks": "/* a */",
    "names": "abc",
    "dollars": "$",
    "quotes": "''",
    "parentheses": "((",
    "open comment blocks": "/*",
    "tags that open nothing": "$a ",
    "empty lines": "\n",
    "white space": " ",
    "backslashes": "\\",
    "carriage returns": "\r",
  };
  for (const [what, thing] of Object.entries(things)) {
    const sql = thing.repeat(Math.ceil(5_000_000 / thing.length / Object.keys(things).length));
    assert(scanComments(sql).comments.length >= (what === "comments" ? 10_000 : 0), what);
  }
});
