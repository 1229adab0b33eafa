/**
 * Texts for which a property once did not hold, by what was wrong. They are tried again in every
 * run of the tests. Add to them what a fuzz run finds.
 */
export const pastFailures: Readonly<Record<string, string>> = {
  "the parser took a comment between the parts of a string for its end":
    "comment on table a is U&'b' -- it's\n'c';",
  "an E string behind a comment was read without its backslashes":
    "select E'a' -- b\n'\\'\n-- ROLLBACK\n';",
  "an E string right behind a dollar sign was read without its backslashes": "$1$E'\\''\n;a",
  "the parser stumbled over a comment between words that it looks at together":
    "select 1 where 'a' not -- b\n in ('c')\norder by 1 nulls /* d */ first;",
  "a space of Unicode alone was no SQL, and not refused": "\u2028",
  "a banner behind a line separator was seen only where another comment was like one":
    "select 1;\n--\u2028ROLLBACK\nselect 2;",
  "a rollback that was an open comment was dropped": "select 1;\n-- ROLLBACK\n/* drop table a;",
  "a body in standard SQL that creates another ended with the inner one":
    "create function f() returns t begin atomic create function g() returns t begin atomic\nselect;\nend;\n-- ROLLBACK\nend",
  "junk behind a number was taken from the parser of PostgreSQL 15, which its server refuses":
    "select 1atomic;\ndrop t;",
  "half of a surrogate pair became another character": "select '\ud800';",
};
