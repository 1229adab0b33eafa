import assert from "node:assert/strict";

import { type FilePosition, MigrationFileError } from "../../lib/errors.ts";
import { splitSections } from "../../lib/planning/sections.ts";
import { splitStatements } from "../../lib/planning/statements.ts";
import { Random } from "../support/random.ts";
import { hidingABanner } from "./traps.ts";

/** The statements of a text as `line: sql`. */
async function statementsOf(sql: string, line = 1): Promise<string[]> {
  const { statements } = await splitStatements({ sql, line }, "001_a.sql");
  return statements.map(({ line, sql }) => `${line}: ${sql}`);
}

/** What {@linkcode splitStatements} refuses a text with. */
async function refusalOf(sql: string, line = 1): Promise<MigrationFileError> {
  let refusal: unknown;
  await assert.rejects(splitStatements({ sql, line }, "001_a.sql"), (error) => {
    refusal = error;
    return true;
  });
  assert(refusal instanceof MigrationFileError, String(refusal));
  return refusal;
}

const texts: readonly [what: string, sql: string, statements: string[]][] = [
  ["nothing", "", []],
  ["white space", " \t\n\f\v\n", []],
  ["comments", "-- a; b\n/* c; */", []],
  ["semicolons", ";; ;\n;", []],
  ["a last statement without a semicolon", "select 1;\nselect 2", ["1: select 1", "2: select 2"]],
  ["two statements on one line", "select 1; select 2;", ["1: select 1", "1: select 2"]],
  [
    "comments before statements",
    "-- it's a; comment\n\n/* and\nanother; */ select 1;\n-- last\nselect 2;",
    ["4: select 1", "6: select 2"],
  ],
  [
    "comments inside statements",
    "select -- one;\n  1 /* ; */;\nselect 2 -- two\n;",
    ["1: select -- one;\n  1 /* ; */", "3: select 2 -- two"],
  ],
  [
    "semicolons in strings and names",
    `select ';', E'\\';', $$;$$ as ";";\nselect ';';`,
    [`1: select ';', E'\\';', $$;$$ as ";"`, "2: select ';'"],
  ],
  [
    "characters of two, three and four bytes",
    "select 'é'; -- ß\nselect '€';\n/* 😀😀 */ select '😀' as \"é😀\";\n\nselect 'z';",
    ["1: select 'é'", "2: select '€'", "3: select '😀' as \"é😀\"", "5: select 'z'"],
  ],
  [
    "strings of several parts with comments between them",
    "select 'a' -- é'😀;\n -- b\n 'c';\nselect E'a'--\n'\\';' -- d\n;",
    ["1: select 'a' -- é'😀;\n -- b\n 'c'", "4: select E'a'--\n'\\';' -- d"],
  ],
  [
    "DO blocks",
    "do $$\nbegin\n  perform 1; perform 2;\nend $$;\n\ndo $x$ begin null; end $x$;",
    ["1: do $$\nbegin\n  perform 1; perform 2;\nend $$", "6: do $x$ begin null; end $x$"],
  ],
  [
    "BEGIN ATOMIC bodies",
    "create function f() returns int\nbegin atomic\n  select 1;\n  select 2;\nend;\nselect 3;",
    [
      "1: create function f() returns int\nbegin atomic\n  select 1;\n  select 2;\nend",
      "6: select 3",
    ],
  ],
  [
    "the statements of a rule",
    "create rule r as on insert to a do also (select 1; select 2);\nselect 3;",
    ["1: create rule r as on insert to a do also (select 1; select 2)", "2: select 3"],
  ],
  [
    "statements whose grammar begins with something optional",
    " insert into a values (1);\n  update a set b = 1;\n\n delete from a;\n (select 1);\nvalues (1);",
    [
      "1: insert into a values (1)",
      "2: update a set b = 1",
      "4: delete from a",
      "5: (select 1)",
      "6: values (1)",
    ],
  ],
  [
    "settings, which pg_dump writes",
    "SET row_security = off;\nSELECT pg_catalog.set_config('search_path', '', false);\nRESET ALL;",
    [
      "1: SET row_security = off",
      "2: SELECT pg_catalog.set_config('search_path', '', false)",
      "3: RESET ALL",
    ],
  ],
];

for (const [what, sql, statements] of texts) {
  Deno.test(`splitStatements() splits ${what}`, async () => {
    assert.deepEqual(await statementsOf(sql), statements);
  });
}

Deno.test("splitStatements() takes comments between words that PostgreSQL reads together", async () => {
  for (
    const sql of [
      "select 1 where a not /* é */ in (1, 2)",
      "select 1 where a not -- it's; é😀\n like 'x'",
      "select a from b order by a nulls -- c\n first",
      "select '1'::time with /* /* */ \n ; */ time zone",
      "select '1'::timestamp without -- x\n time zone",
      "select * from f() with /* c */ ordinality",
      "select U&'d!0061t' -- c\n uescape -- d\n '!'",
      "select U&'d!0061t' /* c */ -- d\n /* e */ uescape /* f */ '!'",
    ]
  ) assert.deepEqual(await statementsOf(`${sql};\n${sql}`).then((all) => all.length), 2, sql);
});

Deno.test("splitStatements() takes no comment block between the parts of a string", async () => {
  for (const sql of ["select 'a' /* b */\n'c'", "select 'a' -- b\n/* c\n*/\n'd'"]) {
    assert.match((await refusalOf(sql)).message, /syntax error at or near "'[cd]'"/);
  }
});

Deno.test("splitStatements() counts lines from where the section starts in the file", async () => {
  assert.deepEqual(await statementsOf("\nselect 1;\nselect 2;", 10), [
    "11: select 1",
    "12: select 2",
  ]);
  assert.equal((await refusalOf("\nvacuum;", 10)).position.line, 11);
  assert.equal((await refusalOf("\n\nselect frm;x", 10)).position.line, 12);
  assert.equal((await refusalOf("\n\nsavepoint a;", 10)).position.line, 12);
});

Deno.test("splitStatements() gives back the statements, whatever stands between them", async () => {
  const random = new Random(611);
  const pieces = [
    ...Object.values(hidingABanner).map((sql) => sql.replace(/^\/\*[^]*?\*\/ (?=select)/, "")),
    "create table é (ß text default '😀');",
    "insert into a select * from b where c = ';'",
    'create policy "own; rows" on a for select using ((select auth.uid()) = b)',
    "grant select on a to anon, authenticated",
    "do $$ begin if true then raise notice 'a;b'; end if; end $$",
  ].map((sql) => sql.replace(/;$/, "")).filter((sql) => /^[a-z]/.test(sql));
  const before = ["", " ", "\n", "\n\n\t", "-- it's; a comment\n", "/* 😀; ' */", "\n-- $$\n", ";"];
  for (let round = 0; round < 300; round++) {
    let text = "";
    const expected: string[] = [];
    for (const piece of random.several(pieces, 0, 8)) {
      text += random.several(before, 0, 4).join("");
      expected.push(`${text.split("\n").length}: ${piece}`);
      text += `${piece};`;
    }
    text += random.several(before, 0, 3).join("");
    assert.deepEqual(await statementsOf(text), expected, text);
  }
});

Deno.test("splitStatements() splits a baseline of 2.3 MB and 8,000 statements", async () => {
  const statement = (index: number) =>
    `insert into bookings (id, note) values (${index}, '${"é;'' ".repeat(45)}')`;
  const sql = Array.from({ length: 8000 }, (_, index) => `-- ${index};\n${statement(index)};\n`);
  const text = sql.join("");
  assert(new TextEncoder().encode(text).length > 2_300_000);

  const { statements } = await splitStatements({ sql: text, line: 1 }, "000_baseline.sql");
  assert.equal(statements.length, 8000);
  assert(statements.every((item, index) => item.line === 2 * index + 2), "every line is right");
  assert(statements.every((item, index) => item.sql === statement(index)), "every text is whole");
});

Deno.test("splitStatements() splits one line of 3 MB", async () => {
  const { statements } = await splitStatements(
    { sql: "select 1; ".repeat(300_000), line: 7 },
    "001_a.sql",
  );
  assert.equal(statements.length, 300_000);
  assert(statements.every(({ line, sql }) => line === 7 && sql === "select 1"));
});

Deno.test("splitStatements() finds the mistake at the end of 2.3 MB", async () => {
  const { position } = await refusalOf(`${"select 'é 😀';\n".repeat(130_000)}  select frm x y;`);
  assert.deepEqual(position, {
    file: "001_a.sql",
    line: 130_001,
    column: 16,
    excerpt: "  select frm x y;",
  });
});

for (
  const [what, sql] of Object.entries({
    "BEGIN … COMMIT": "begin;\nselect 1;\ncommit;",
    "BEGIN … END": "BEGIN WORK;\nselect 1;\nEND;",
    "START TRANSACTION … COMMIT": "start transaction;\nselect 1;\ncommit work;",
    "BEGIN … COMMIT with comments around it": "-- a\nbegin; select 1; commit; -- b\n",
    "BEGIN with what a transaction is anyway":
      "begin isolation level read committed, read write, not deferrable;\nselect 1;\ncommit;",
    "START TRANSACTION with what comes to the same":
      "start transaction isolation level read uncommitted deferrable;\nselect 1;\ncommit;",
  })
) {
  Deno.test(`splitStatements() unwraps ${what}, and says so`, async () => {
    const { statements, notices } = await splitStatements({ sql, line: 1 }, "001_a.sql");
    assert.deepEqual(statements.map(({ sql }) => sql), ["select 1"]);
    assert.equal(statements[0]!.line, sql.slice(0, sql.indexOf("select")).split("\n").length);
    assert.deepEqual(notices, [
      "BEGIN and COMMIT were left out: every migration is one transaction of its own",
    ]);
  });
}

Deno.test("splitStatements() has no notice where nothing was left out", async () => {
  const { notices } = await splitStatements({ sql: "select 1;", line: 1 }, "001_a.sql");
  assert.deepEqual(notices, []);
});

const unrunnable: readonly [sql: string, message: string, hint: RegExp][] = [
  ["discard all", "DISCARD ALL cannot run inside a transaction", /leaves the connection clean/],
  [
    "deallocate all",
    '"deallocate all" cannot be part of a migration',
    /PostgREST's prepared statements .* 26000/,
  ],
  [
    "deallocate prepare all",
    '"deallocate prepare all" cannot be part of a migration',
    /DEALLOCATE with a name/,
  ],
  [
    'deallocate "12"',
    `"deallocate "12"" cannot be part of a migration`,
    /PostgREST's prepared statements/,
  ],
  ["copy a from stdin", "COPY … FROM stdin cannot be sent over HTTPS", /INSERT/],
  ["copy a (b) to stdout", "COPY … TO stdout cannot be sent over HTTPS", /INSERT/],
  ["set role anon", '"set role anon" is refused by PostgreSQL inside exec_sql', /OWNER TO/],
  [
    "set local role anon",
    '"set local role anon" is refused by PostgreSQL inside exec_sql',
    /OWNER/,
  ],
  [
    "set role 'Postgres'",
    `"set role 'Postgres'" is refused by PostgreSQL inside exec_sql`,
    /OWNER TO/,
  ],
  [
    "set session authorization a",
    '"set session authorization a" is refused by PostgreSQL inside exec_sql',
    /OWNER TO/,
  ],
  [
    "select set_config('role', 'anon', true)",
    `"select set_config('role', 'anon', true)" is refused by PostgreSQL inside exec_sql`,
    /OWNER TO/,
  ],
  [
    "set transaction isolation level serializable",
    "ISOLATION LEVEL SERIALIZABLE cannot be had: the transaction of exec_sql has begun by then",
    /READ COMMITTED/,
  ],
  [
    "set transaction_isolation = 'repeatable read'",
    "ISOLATION LEVEL REPEATABLE READ cannot be had: the transaction of exec_sql has begun by then",
    /LOCK TABLE/,
  ],
  [
    "set transaction read only",
    "READ ONLY cannot be had: the history is written in the same transaction",
    /Leave it out/,
  ],
  [
    "set transaction snapshot '1-1-1'",
    "SET TRANSACTION SNAPSHOT cannot be had: the transaction of exec_sql has begun by then",
    /Leave it out/,
  ],
];

for (const [sql, message, hint] of unrunnable) {
  Deno.test(`splitStatements() refuses ${sql}`, async () => {
    for (const wrap of [(it: string) => it, (it: string) => `begin; ${it}; commit;`]) {
      const refusal = await refusalOf(
        `select 1;\n-- why\n${wrap(sql)}`.replace(/^select 1;(?=[^]*begin)/, ""),
      );
      assert.equal(refusal.message, message);
      assert.deepEqual(refusal.position, { file: "001_a.sql", line: 3, excerpt: sql });
      assert.match(refusal.hint!, hint);
    }
  });
}

for (
  const sql of [
    "begin isolation level serializable",
    "begin read write, isolation level repeatable read",
  ]
) {
  Deno.test(`splitStatements() says why it cannot ${sql}`, async () => {
    const { message, position, hint } = await refusalOf(`\n${sql};\nselect 1;\ncommit;`);
    assert.match(message, /^ISOLATION LEVEL (SERIALIZABLE|REPEATABLE READ) cannot be had: the /);
    assert.deepEqual(position, { file: "001_a.sql", line: 2, excerpt: sql });
    assert.match(hint!, /READ COMMITTED.*LOCK TABLE/);
  });
}

Deno.test("splitStatements() says why it cannot begin read only", async () => {
  const { message } = await refusalOf("begin read only; select 1; commit;");
  assert.equal(message, "READ ONLY cannot be had: the history is written in the same transaction");
});

for (
  const sql of [
    "set role postgres",
    'set role "postgres"',
    "SET ROLE TO 'postgres'",
    "set role = postgres",
    "set local role postgres",
    "set session role postgres",
    "set role none",
    "set role to default",
    "set role from current",
    "reset role",
    "set session authorization default",
    "set local session authorization default",
    "set session session authorization postgres",
    "reset session authorization",
    "select set_config('role', 'postgres', false)",
    "select pg_catalog.set_config('ROLE', 'none', false) as a",
    "select set_config('role', 'none', true), set_config('role', 'postgres', true)",
    "select set_config('session_authorization', 'postgres', true)",
  ]
) {
  Deno.test(`splitStatements() leaves out ${sql}, and says so`, async () => {
    for (const wrap of [(it: string) => it, (it: string) => `begin; ${it}; commit;`]) {
      const { statements, notices } = await splitStatements(
        { sql: wrap(`${sql}; select 1`), line: 1 },
        "001_a.sql",
      );
      assert.deepEqual(statements, [{ line: 1, sql: "select 1" }]);
      assert.equal(
        notices.at(-1),
        `"${sql}" was left out: it changes nothing, as migrations run as postgres`,
      );
    }
  });
}

Deno.test("splitStatements() says once what was left out more than once", async () => {
  const { statements, notices } = await splitStatements({
    sql: "set role postgres; select 1; set role postgres; reset role;",
    line: 1,
  }, "001_a.sql");
  assert.deepEqual(statements.map(({ sql }) => sql), ["select 1"]);
  assert.deepEqual(notices, [
    '"set role postgres", "reset role" were left out: they change nothing, as migrations run as postgres',
  ]);
});

Deno.test("splitStatements() refuses a file that changes the role and goes back", async () => {
  const { message, position } = await refusalOf(
    "set role postgres;\nset role anon;\nselect 1;\nreset role;",
  );
  assert.equal(message, '"set role anon" is refused by PostgreSQL inside exec_sql');
  assert.equal(position.line, 2);
});

for (
  const sql of [
    "set transaction isolation level read committed",
    "set transaction isolation level read uncommitted, read write, not deferrable",
    "set transaction_isolation = 'read committed'",
    "set local transaction_read_only = off",
    "set transaction deferrable",
  ]
) {
  Deno.test(`splitStatements() leaves out ${sql}, and says so`, async () => {
    const { statements, notices } = await splitStatements(
      { sql: `${sql}; select 1`, line: 1 },
      "001_a.sql",
    );
    assert.deepEqual(statements, [{ line: 1, sql: "select 1" }]);
    assert.deepEqual(notices, [
      `"${sql}" was left out: it changes nothing, as migrations run READ COMMITTED and READ WRITE`,
    ]);
  });
}

Deno.test("splitStatements() lets a migration deallocate what it has prepared", async () => {
  const sql = 'prepare "1" as select 1; execute "1"; deallocate "1"';
  assert.deepEqual(await statementsOf(sql), [
    '1: prepare "1" as select 1',
    '1: execute "1"',
    '1: deallocate "1"',
  ]);
});

Deno.test("splitStatements() lets pass what runs in a transaction", async () => {
  for (
    const sql of [
      "create index a on b (c)",
      "drop index a",
      "reindex table a",
      "reindex index a",
      "alter table a detach partition b",
      "analyze a",
      "cluster a using b",
      "refresh materialized view concurrently a",
      "alter type a add value 'b'",
      "discard temp",
      "discard plans",
      "discard sequences",
      "deallocate a",
      "set session characteristics as transaction read only, isolation level serializable",
      "select set_config('role', a, true) from b",
      "copy a from '/a'",
      "copy a from program 'a'",
      "set local search_path = ''",
      "set constraints all deferred",
      "reset all",
      "lock table a",
      "notify a",
      "checkpoint",
      "create publication a",
      "comment on database a is 'vacuum'",
      "do $$ begin execute 'vacuum'; end $$",
    ]
  ) assert.deepEqual(await statementsOf(sql), [`1: ${sql}`]);
});

Deno.test("splitStatements() shows no more than 80 characters of a refused statement", async () => {
  const { position } = await refusalOf(
    `create index concurrently a on b (${"c, ".repeat(100)}d)\nwhere e;`,
  );
  assert.equal(position.excerpt, `create index concurrently a on b (${"c, ".repeat(15)}…`);
});

const mistakes: readonly [what: string, sql: string, message: string, position: FilePosition][] = [
  [
    "at a word",
    "select 1;\n  selct 2;\nselect 3;",
    'syntax error at or near "selct"',
    { file: "001_a.sql", line: 2, column: 3, excerpt: "  selct 2;" },
  ],
  [
    "behind characters of two and four bytes",
    "select 'é';\nselect 'é😀' frm x y; -- ß",
    'syntax error at or near "x"',
    { file: "001_a.sql", line: 2, column: 17, excerpt: "select 'é😀' frm x y; -- ß" },
  ],
  [
    "between characters of four bytes",
    "select 😀 😀 😀;",
    'syntax error at or near "😀"',
    { file: "001_a.sql", line: 1, column: 12, excerpt: "select 😀 😀 😀;" },
  ],
  [
    "behind characters of four bytes on lines before",
    "-- 😀😀😀\n/* 😀\n */ create tabel a ();",
    'syntax error at or near "tabel"',
    { file: "001_a.sql", line: 3, column: 12, excerpt: " */ create tabel a ();" },
  ],
  [
    "at the end of input",
    "select 1;\ncreate table a (",
    "syntax error at end of input",
    { file: "001_a.sql", line: 2, column: 17, excerpt: "create table a (" },
  ],
  [
    "in an unterminated string",
    "select 1;\nselect 'it''s;\nselect 2;\n",
    "unterminated quoted string at or near \"'it''s;\nselect 2;\n\"",
    { file: "001_a.sql", line: 2, column: 8, excerpt: "select 'it''s;" },
  ],
  [
    "in an unterminated name",
    'select 1 as "a',
    'unterminated quoted identifier at or near ""a"',
    { file: "001_a.sql", line: 1, column: 13, excerpt: 'select 1 as "a' },
  ],
  [
    "in an unterminated body",
    "do $$ begin\nnull; end $;",
    'unterminated dollar-quoted string at or near "$$ begin\nnull; end $;"',
    { file: "001_a.sql", line: 1, column: 4, excerpt: "do $$ begin" },
  ],
  [
    "in an unterminated comment",
    "select 1;\n/* /* */\nselect 2;",
    'unterminated /* comment at or near "/* /* */\nselect 2;"',
    { file: "001_a.sql", line: 2, column: 1, excerpt: "/* /* */" },
  ],
  [
    "in the middle of a long line",
    `select ${"1, ".repeat(1000)}frm x y;`,
    'syntax error at or near "y"',
    {
      file: "001_a.sql",
      line: 1,
      column: 3014,
      excerpt: `select ${"1, ".repeat(1000)}frm x y;`,
    },
  ],
  [
    "behind a comment between the parts of a string",
    "select 'a' -- é😀\n'b'; frm;",
    'syntax error at or near "frm"',
    { file: "001_a.sql", line: 2, column: 6, excerpt: "'b'; frm;" },
  ],
  [
    "that is a space of Unicode and nothing else",
    "\n\u00a0\n",
    'syntax error at or near "\u00a0"',
    { file: "001_a.sql", line: 2, column: 1, excerpt: "\u00a0" },
  ],
  [
    "in a rollback that is commented out and does not end",
    "/* drop table a;\n",
    'unterminated /* comment at or near "/* drop table a;\n"',
    { file: "001_a.sql", line: 1, column: 1, excerpt: "/* drop table a;" },
  ],
  [
    "of an INSERT with a trailing comma",
    "insert into a values\n  (1),\n  (2),;",
    'syntax error at or near ";"',
    { file: "001_a.sql", line: 3, column: 7, excerpt: "  (2),;" },
  ],
];

for (const [what, sql, message, position] of mistakes) {
  Deno.test(`splitStatements() shows a mistake ${what}`, async () => {
    const refusal = await refusalOf(sql);
    assert.deepEqual({ message: refusal.message, position: refusal.position }, {
      message,
      position,
    });
    assert.equal(refusal.hint, "Mend the SQL. Nothing was sent to the database.");
  });
}

Deno.test("splitStatements() shows no more of a mistake than can be read", async () => {
  const { message, position } = await refusalOf(`select 1;\nselect '${"😀\n".repeat(2_000_000)}`);
  assert.match(message, /^unterminated quoted string at or near "'😀\n/);
  assert([...message].length <= 200, `${message.length} characters`);
  assert.deepEqual(position, { file: "001_a.sql", line: 2, column: 8, excerpt: "select '😀" });
});

Deno.test("splitStatements() says which statement is nested too deeply", async () => {
  const deep = `select ${"1 + ".repeat(100_000)}1`;
  const many = "select 'é';\n".repeat(1000);
  for (const [sql, line] of [[deep, 1], [`${many}\n  ${deep};\n${many}`, 1002]] as const) {
    const { message, position, hint } = await refusalOf(sql);
    assert.equal(message, "The statement is too long or too deeply nested for PostgreSQL's parser");
    assert.deepEqual([position.line, hint], [line, "Write it as several statements."]);
  }
  assert.deepEqual(await statementsOf("select 1;"), ["1: select 1"], "the parser can go on");
});

Deno.test("splitStatements() gets past a megabyte of white space, wherever it stands", async () => {
  const space = " \t\n\f\v".repeat(200_000);
  const { statements } = await splitStatements(
    { sql: `${space}select${space}1${space};${space}select 2`, line: 1 },
    "001_a.sql",
  );
  assert(statements[0]!.sql === `select${space}1`);
  assert.deepEqual(statements[1], { line: 800_001, sql: "select 2" });
});

Deno.test("splitStatements() splits many megabytes in parts", async () => {
  const statement = "insert into bookings (id, note) values (1, 'é😀''; '), (2, $$;$$)";
  const sql = `-- ${"é".repeat(1000)}\n${statement};\n`.repeat(4_000);
  const { statements } = await splitStatements({ sql, line: 1 }, "001_a.sql");
  assert.equal(statements.length, 4_000);
  assert(statements.every((item, index) => item.line === 2 * index + 2 && item.sql === statement));
});

Deno.test("splitStatements() tells psql's commands from mistakes", async () => {
  const cases: readonly [sql: string, command: string, line: number][] = [
    ["\\restrict abc\nselect 1;", "\\restrict", 1],
    ["select 1;\n\\connect a\n", "\\connect", 2],
    ["select 1;\n  \\i other.sql\n", "\\i", 2],
    ["\\set ON_ERROR_STOP on\n", "\\set", 1],
    ["select 'é 😀';\n\\echo done\n", "\\echo", 2],
  ];
  for (const [sql, command, line] of cases) {
    const { message, position, hint } = await refusalOf(sql);
    assert.equal(message, `"${command}" is a command of psql, not SQL`);
    assert.equal(position.line, line);
    assert.match(hint!, /^Delete the line\./);
  }
});

Deno.test("splitStatements() says what to do with COPY … FROM stdin and its rows", async () => {
  const data: Record<string, string> = {
    "numbers": "1\ta\n2\tb",
    "words": "celebrity\tbooking",
    "an apostrophe": "it's\tb",
    "a null in the first column": "\\N\tb",
    "a semicolon": "a;b\tc",
    "no rows": "",
    "something like a statement": "select\ta",
  };
  for (const [what, rows] of Object.entries(data)) {
    const copy = "COPY public.a (b, c) FROM stdin;";
    const { message, position, hint } = await refusalOf(
      `select 1;\n${copy}\n${rows === "" ? "" : `${rows}\n`}\\.\n\nselect 2;\n`,
    );
    assert.equal(message, "COPY … FROM stdin cannot be sent over HTTPS", what);
    assert([2, 3].includes(position.line!), what);
    assert.match(hint!, /INSERT/);
  }
});

Deno.test("splitStatements() takes no other mistake for COPY", async () => {
  const { message } = await refusalOf("-- copy a from stdin;\nselct 1;");
  assert.equal(message, 'syntax error at or near "selct"');
});

Deno.test("splitStatements() says where a mark asks for no transaction, and several statements have one", async () => {
  const noticesOf = async (text: string) => {
    const { forward } = splitSections(text, "001_a.sql");
    return (await splitStatements(forward, "001_a.sql", { setRole: true, outside: "connection" }))
      .notices;
  };
  const marks = [
    "-- +goose NO TRANSACTION\n-- +goose Up\n",
    "-- migrate:up transaction:false\n",
  ];
  for (const mark of marks) {
    const [notice, ...others] = await noticesOf(`${mark}create table a ();\ncreate table b ();\n`);
    assert.match(notice!, /^its mark asks for no transaction, and what can run in one runs in one/);
    assert.deepEqual(others, []);
    assert.deepEqual(await noticesOf(`${mark}create index concurrently c on a (id);\n`), []);
  }
  assert.deepEqual(await noticesOf("create table a ();\ncreate table b ();\n"), []);
});
