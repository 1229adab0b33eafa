/**
 * Statements that have the line `-- ROLLBACK` somewhere inside, where it is no banner. Each one
 * is a single statement to PostgreSQL's parser, which the tests make sure of.
 */
export const hidingABanner: Readonly<Record<string, string>> = {
  "a string": "select '\n-- ROLLBACK\n';",
  "a string with a doubled quote": "select 'it''s\n-- ROLLBACK\n';",
  "a string after one that ends in a backslash": "select '\\', '\n-- ROLLBACK\n';",
  "a string of several lines": "select 'a'\n  'b\n-- ROLLBACK\n';",
  "an E string with a quote behind a backslash": "select E'it\\'s\n-- ROLLBACK\n';",
  "an E string with two backslashes": "select E'\\\\\n-- ROLLBACK\n';",
  "an e string behind a parenthesis": "select lower(e'\\'\n-- ROLLBACK\n');",
  "an E string that goes on in the next line": "select E'a'\n  '\\'\n-- ROLLBACK\n';",
  "an E string that goes on behind a comment": "select E'a' -- it's\n  '\\'\n-- ROLLBACK\n';",
  "an E string that goes on behind comments and blank lines":
    "select E'a' --\n\n-- b\n\n  'c' \n'\\'\n-- ROLLBACK\n';",
  "an E string right behind a body": "do $$ $$E'\\'\n-- ROLLBACK\n';",
  "a string of a type that ends in e": "select name'\\', '\n-- ROLLBACK\n';",
  "a Unicode string": "select U&'\\0061\n-- ROLLBACK\n';",
  "a bit string and a string": "select B'01', x'ff', N'\\', '\n-- ROLLBACK\n';",
  "a quoted name": 'select 1 as "a\n-- ROLLBACK\n";',
  "a quoted name with a doubled quote": 'select 1 as "a""b\n-- ROLLBACK\n";',
  "a quoted name behind an e": 'select 1 as e, 2 as "\\", 3 as "\n-- ROLLBACK\n";',
  "a $$ body": "do $$\nbegin\n-- ROLLBACK\nnull; end $$;",
  "a $$ body with an apostrophe": "do $$\nbegin -- it's\n-- ROLLBACK\nnull; end $$;",
  "a tagged body": "do $do$\nbegin\n-- ROLLBACK\nperform $$;$$; end $do$;",
  "a body inside a body": "do $a$ begin perform $$\n-- ROLLBACK\n$$ || $A$ $A$; end $a$;",
  "a body of which the tag begins as another": "select $a$ $ab$ $a \n-- ROLLBACK\n$a$;",
  "a body with a tag that is no ASCII": "select $_é1$\n-- ROLLBACK\n$_é1$;",
  "a body behind a number": "select 1,2e5,$$\n-- ROLLBACK\n$$;",
  "a comment block": "/*\n-- ROLLBACK\n*/ select 1;",
  "a comment block with an apostrophe": "/* it's\n-- ROLLBACK\n*/ select 1;",
  "a comment block inside a comment block": "/* /* */\n-- ROLLBACK\n*/ select 1;",
  "comment blocks nested twice": "/* /* /* */ */\n-- ROLLBACK\n/**/ */ select 1;",
  "a comment block behind an operator": "select 5 */*\n-- ROLLBACK\n*/ 2;",
  "parentheses": "create table b (\n-- ROLLBACK\n  c int\n);",
  "parentheses behind a closed pair":
    "create table b (c int, check (c > 0),\n-- ROLLBACK\n d int);",
  "parentheses with a parenthesis in a string": "select (')',\n-- ROLLBACK\n 1);",
  "the statements of a rule":
    "create rule r as on insert to a do also (\nselect 1;\n-- ROLLBACK\nselect 2);",
  "an ATOMIC body":
    "create function f() returns int begin atomic\nselect 1;\n-- ROLLBACK\nselect 2;\nend;",
  "an ATOMIC body with CASE … END":
    "create or replace function f() returns int language sql\nbegin atomic\n" +
    "select case 1 when 1 then case when true then 2 end else 3 end;\n-- ROLLBACK\nselect 2;\nend;",
  "the ATOMIC body of a procedure":
    "create procedure p() BEGIN\n/* */ ATOMIC\ndelete from a;\n-- ROLLBACK\nselect 2;\nEND;",
  "an ATOMIC body with a column that is called end":
    "create function f() returns int begin atomic\nselect 1 as end;\n-- ROLLBACK\nselect 2;\nend;",
  "an ATOMIC body with a column that is called t.end":
    "create function f() returns int begin atomic\nselect t . end from t;\n-- ROLLBACK\n" +
    "select 2;\nend;",
};

/** Statements that look as if they left something open, and do not. A banner may follow. */
export const leavingNothingOpen: Readonly<Record<string, string>> = {
  "an apostrophe in a line comment": "select 1; -- it's",
  "a dollar quote in a line comment": "select 1; -- costs $$",
  "a comment block's start in a line comment": "select 1; -- /*",
  "a line comment in a comment block": "/* -- */ select 1;",
  "an apostrophe in a comment block": "/* it's */ select 1;",
  "a semicolon in a line comment": "select 1 -- ;\n;",
  "a string that ends in a backslash": "select '\\';",
  "an E string that ends in two backslashes": "select E'\\\\';",
  "a string of a type that ends in e": "select name'\\';",
  "a string that holds two dashes": "select '--';",
  "a string that holds a comment block's start": "select '/*';",
  "a string that holds a quoted quote": "select '''', '''';",
  "a string and a continuation of its own": "select 'a\\'\n'b\\';",
  "a string that goes on behind a comment": "select 'a\\' -- it's\n 'b\\';",
  "a quoted name with an apostrophe": 'select 1 as "it\'s";',
  "a quoted name with a comment": 'select 1 as "/*", 2 as "--";',
  "a name with dollars": "select 1 as a$$;",
  "a name with a dollar quote's look": "select 1 as a$b$;",
  "a name with dollars behind a full stop": "select t.c$$ from t;",
  "a name that is no ASCII": "select 1 as é$$;",
  "a parameter": "prepare p (int) as select $1, $1;",
  "operators that end in a comment": "select 5 */* it's */2, 3 --'\n;",
  "operators of all sorts": "select -1 - -1, '{}'::jsonb ->> 'a', @ -5, 2 * -3, a <> b from t;",
  "a bracket": "select (array[1, 2])[1:2];",
  "CASE … END outside of a body": "select case when true then 1 end;",
  "BEGIN and END of a transaction": "begin; select 1; end;",
  "a function with BEGIN in its body":
    "create function f() returns int language plpgsql as $$ begin return 1; end $$;",
  "a function with a parameter that is called begin":
    "create function f(begin int, atomic int) returns int language sql return 1;",
  "a function with a parameter of the type atomic":
    "create function f(begin atomic) returns int language sql return 1;",
  "an ATOMIC body with nothing in it": "create procedure p() begin atomic end;",
  "an ATOMIC body with a column that is called case":
    "create function f() returns int begin atomic select 1 as case; end;",
  "an ATOMIC body in upper case":
    "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; END;",
  "a table that is called atomic": "create table atomic (begin int, atomic int);",
  "numbers of all sorts": "select 1.5e-3, .5, 1., 0xff, 1_000, 1e5, 1.e5;",
  "statements that are empty": ";; select 1;;",
};
