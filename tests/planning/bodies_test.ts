import assert from "node:assert/strict";
import { MigrationFileError } from "../../lib/errors.ts";
import { splitStatements } from "../../lib/planning/statements.ts";

/** What a text is refused with: `line:column message`, of each mistake in it. */
async function refusalsOf(sql: string): Promise<string[]> {
  try {
    await splitStatements({ sql, line: 1 }, "001_a.sql");
    return [];
  } catch (error) {
    assert(error instanceof MigrationFileError, String(error));
    return [error, ...error.others].map(({ message, position: { line, column, excerpt } }) => {
      assert.ok(sql.split("\n")[line! - 1]!.includes(excerpt!));
      return `${[line, column].filter((it) => it !== undefined).join(":")} ${message}`;
    });
  }
}

const trigger = (body: string) =>
  `create function f() returns trigger language plpgsql as $$\n${body}\n$$;`;

const mistakes: Readonly<Record<string, readonly [sql: string, refusal: string]>> = {
  "a word that is no statement": [
    trigger("begin\n  retrn new;\nend;"),
    '3:3 syntax error at or near "retrn"',
  ],
  "the same word in comments and strings before and behind it": [
    trigger("begin -- retrn\n  raise notice 'retrn';\n  retrn new; /* retrn */\nend;"),
    '4:3 syntax error at or near "retrn"',
  ],
  "the second of three words": [
    trigger("begin\n  perform a from b;\n  perform a from from b;\n  perform a from c;\nend;"),
    '4:18 syntax error at or near "from"',
  ],
  "a parenthesis that is not closed": [
    trigger("begin\n  insert into a values (1, 2;\n  return new;\nend;"),
    "5:5 unexpected end of function definition at end of input",
  ],
  "an expression that ends too early": [
    trigger("begin\n  perform 1;\n  new.a := 1 + ;\n  return new;\nend;"),
    "4:16 syntax error at end of input",
  ],
  "a condition": [
    trigger("begin\n  if new.a = = 1 then\n    return new;\n  end if;\nend;"),
    '3:14 syntax error at or near "="',
  ],
  "END IF without its semicolon": [
    trigger("begin\n  if true then\n    null;\n  end if\n  return new;\nend;"),
    '6:3 syntax error at or near "return"',
  ],
  "a block that does not end": [
    trigger("begin\n  if true then\n    return new;\nend;"),
    '5:4 syntax error at or near ";"',
  ],
  "a body without END": [trigger("begin\n  return new;"), "3:14 syntax error at end of input"],
  "a declaration without its semicolon": [
    trigger("declare\n  a int\nbegin\n  return new;\nend;"),
    '4:1 syntax error at or near "begin"',
  ],
  "a body between apostrophes": [
    "create function f() returns int language plpgsql as '\nbegin\n  raise notice ''it''''s''; retrn 1;\nend';",
    '3:29 syntax error at or near "retrn"',
  ],
  "a body before its language": [
    "select 'é😀';\ncreate or replace procedure p(a int)\nas $body$ begin selec a; end $body$ language plpgsql;",
    '3:17 syntax error at or near "selec"',
  ],
  "a DO block": [
    "do $do$\nbegin\n  creat table a ();\nend $do$;",
    '3:3 syntax error at or near "creat"',
  ],
  "a function of SQL": [
    "create function f(a int) returns int language sql as $$\n  select 1;\n  selct a;\n$$;",
    '3:3 syntax error at or near "selct"',
  ],
};
for (const [what, [sql, refusal]] of Object.entries(mistakes)) {
  Deno.test(`splitStatements() points at a mistake in a body: ${what}`, async () => {
    assert.deepEqual(await refusalsOf(sql), [refusal]);
  });
}

const accepted: Readonly<Record<string, string>> = {
  "names that nobody knows yet": trigger(
    "declare\n  a app.notes%rowtype; b app.notes.id%type; c app.kind[]; d cursor (n int) for select n;\n" +
      "begin\n  a.id := new.id; select x, y into strict a.id, b from app.notes;\n" +
      "  for a in select * from app.notes loop continue when a.id = 1; end loop;\n" +
      "  return new;\nexception when app_error or others then raise;\nend;",
  ),
  "comments between words that are read together": trigger(
    "begin\n  if new.a not -- a\n in (1) then return null; end if;\n" +
      "  perform 1 order by 1 nulls /* b */ first; return new;\nend;",
  ),
  "options before the block": trigger(
    "#variable_conflict use_column\n<<main>>\nbegin return new; end main;",
  ),
  "names that are keywords to a newer PostgreSQL": trigger(
    "begin new.a := json_value(new.b); new.c := json(new.d) || json_scalar(); return new; end;",
  ),
  "a function that is called as a newer keyword":
    "create function json_exists(a jsonb) returns bool language plpgsql as $$ begin return true; end $$;",
  "SQL with such names":
    "create function f() returns text language sql as $$ select json_value('{}', 'a') $$;",
  "an empty function of SQL": "create function f() returns void language sql as $$ -- later\n$$;",
  "a language that is not known here":
    "create function f() returns int language plv8 as $$ return 1 +; $$;",
  "a function of C": "create function f() returns int language c as 'begin', 'selec';",
  "a body with escapes":
    "create function f() returns int language plpgsql as E'begin\\n return 1; end';",
  "SQL that is put together": "do $$ begin execute 'selec ' || 1; end $$;",
};
for (const [what, sql] of Object.entries(accepted)) {
  Deno.test(`splitStatements() lets the server decide about a body: ${what}`, async () => {
    assert.deepEqual(await refusalsOf(sql), []);
  });
}

Deno.test("splitStatements() takes bodies as they are where a file says so", async () => {
  const broken = "create function f() returns int language sql as $$ selct 1 $$;";
  for (
    const off of [
      "set check_function_bodies = off",
      "select set_config('check_function_bodies', 'false', false)",
    ]
  ) {
    assert.deepEqual(await refusalsOf(`${off};\n${broken}`), []);
  }
  // A block is run at once.
  assert.deepEqual(
    await refusalsOf("set check_function_bodies = off; do $$ begn $$;"),
    ['1:40 syntax error at or near "begn"'],
  );
});

Deno.test("splitStatements() tells all that is wrong with a file, from top to bottom", async () => {
  const sql = `create tabel a (id int);
create table b (id int);
do $$ begin creat table c (); end $$;
vacuum b;
select frm where;
savepoint here;
create index concurrently on b (id);`;
  assert.deepEqual(await refusalsOf(sql), [
    '1:8 syntax error at or near "tabel"',
    '3:13 syntax error at or near "creat"',
    "4 VACUUM cannot run inside a transaction",
    '5:17 syntax error at or near ";"',
    '6 Transaction control ("savepoint here") cannot be part of a migration here',
    "7 CREATE INDEX CONCURRENTLY cannot run inside a transaction",
  ]);
});

Deno.test("splitStatements() tells once what is wrong with the rows of a COPY", async () => {
  const sql = `create table a (t text);
copy a from stdin;
it's
a;b
\\.
create tabel b ();
`;
  assert.deepEqual(await refusalsOf(sql), ["2:1 COPY … FROM stdin cannot be sent over HTTPS"]);
});

Deno.test("splitStatements() has the server decide about names that are newer keywords", async () => {
  const sql = `create table "before" (id int);
create function json_value(a jsonb, b text) returns text language sql as $$ select a ->> b $$;
merge into a using b on true when matched then delete returning merge_action();
create view v as select json_value(c, 'x'), json_scalar from t;
create table behind (id int);`;
  const { statements } = await splitStatements({ sql, line: 1 }, "001_a.sql");
  assert.deepEqual(statements.map(({ line, sql }) => `${line} ${sql.slice(0, 15)}`), [
    '1 create table "b',
    "2 create function",
    "3 merge into a us",
    "4 create view v a",
    "5 create table be",
  ]);
});
