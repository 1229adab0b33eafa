/** What is put together while it runs is about what there is by then, and known no more than that. */

import assert from "node:assert/strict";
import { Linter } from "../../lib/lint/lint.ts";
import { parseText } from "../../lib/planning/parser.ts";

/** What the rules find in files, as `code: message`; some codes alone. */
async function lint(codes: RegExp, ...files: string[]): Promise<string[]> {
  const linter = new Linter();
  for (const [index, sql] of files.entries()) {
    const name = `00${index + 1}.sql`;
    linter.begin(name);
    await linter.add(name, { sql, line: 1 }, (await parseText(sql)).statements);
  }
  return linter.finish().findings
    .filter(({ code }) => codes.test(code))
    .map(({ code, message }) => `${code}: ${message}`).sort();
}

/** A block that does something to each table that there is. */
const toEach = (what: string) =>
  `do $$ declare t text; begin
     for t in select tablename from pg_tables where schemaname = 'public' loop
       execute format('${what}', t);
     end loop;
   end $$;\n`;

const table = (name: string) =>
  `create table public.${name} (id int primary key, owner uuid references public.people);\n`;

const FACTS: readonly (readonly [code: string, about: string, what: string, made: string])[] = [
  ["table-without-rls", "table", "alter table public.%I enable row level security", ""],
  [
    "policy-without-rls",
    "policy",
    "alter table public.%I enable row level security",
    "create policy p on public.NAME for select to anon using (owner = '1');",
  ],
  ["table-without-grant", "table", "grant select on public.%I to anon", ""],
  [
    "rls-without-policy",
    "table",
    "create policy p on public.%I for select to anon using (owner is null)",
    "alter table public.NAME enable row level security; grant select on public.NAME to anon;",
  ],
  ["foreign-key-without-index", "key", "create index on public.%I (owner)", ""],
  [
    "table-without-primary-key",
    "table",
    "alter table public.%I add primary key (id)",
    "create table public.NAME_bare (id int);",
  ],
  [
    "view-without-security-invoker",
    "view",
    "alter view public.%I set (security_invoker = on)",
    "create view public.NAME_view as select 1 as one;",
  ],
  [
    "definer-callable-by-anon",
    "function",
    "revoke execute on function public.%I from public, anon",
    "create function public.NAME_f() returns int language sql security definer set search_path = '' as 'select 1';",
  ],
  [
    "definer-without-search-path",
    "function",
    "alter function public.%I set search_path = ''",
    "create function public.NAME_f() returns int language sql security definer as 'select 1';",
  ],
  [
    "trigger-left-disabled",
    "trigger",
    "alter table public.%I enable trigger all",
    "alter table public.NAME disable trigger all;",
  ],
];

for (const [code, about, what, made] of FACTS) {
  Deno.test(`${code}: what is put together while it runs is about each ${about} that there is by then, and none that comes later`, async () => {
    const [early, late] = ["early", "late"].map((name) =>
      table(name) + made.replaceAll("NAME", name)
    );
    const only = new RegExp(`^${code}$`);
    const found = await lint(only, early!, late!);
    assert(found.some((it) => /early/.test(it)) && found.some((it) => /late/.test(it)), `${found}`);
    const expected = found.filter((it) => /late/.test(it));
    assert.deepEqual(await lint(only, early!, toEach(what), late!), expected, "in a block");
    const body = toEach(what).replace("do $$", "").replace("$$;", "");
    const routine = (type: string) =>
      `create function app.each_table() returns ${type} language plpgsql as $$${body}$$;\n`;
    assert.deepEqual(
      await lint(only, routine("void") + early!, "select app.each_table();", late!),
      expected,
      "in a function that is called",
    );
    assert.deepEqual(
      await lint(
        only,
        routine("void") + early!,
        "create function app.outer() returns void language plpgsql as $$ begin perform app.each_table(); end $$;\n" +
          "do $$ begin perform app.outer(); end $$;",
        late!,
      ),
      expected,
      "in a function that is called by another one",
    );
    assert.deepEqual(
      await lint(only, routine("void") + early!, late!),
      found,
      "in a function that nobody calls",
    );
    if (about === "trigger") return;
    const tagged =
      "create event trigger each on ddl_command_end execute function app.each_table();";
    assert.deepEqual(
      await lint(only, early!, routine("event_trigger") + tagged, late!),
      found.filter((it) => /early/.test(it)),
      "in the function of an event trigger, which is about what comes later",
    );
  });
}

Deno.test("a constant text that is executed is the statement that it is, whatever else is put together", async () => {
  const tables = table("profiles") + table("others") + table("people");
  const executed = [
    "execute 'alter table public.profiles enable row level security';",
    "execute $q$alter table public.profiles$q$ || ' enable row level security';",
    "execute 'alter table public.profiles enable row level security'; execute format('comment on table %I is null', 'x');",
    "alter table public.profiles enable row level security; execute format('comment on table %I is null', 'x');",
  ];
  for (const statements of executed) {
    for (
      const sql of [
        `do $do$ begin ${statements} end $do$;`,
        `create function app.f() returns void language plpgsql as $do$ begin ${statements} end $do$; select app.f();`,
      ]
    ) {
      assert.deepEqual(
        (await lint(/^table-without-rls$/, tables, sql)).map((it) => /public\.\w+/.exec(it)![0]),
        ["public.others", "public.people"],
        sql,
      );
    }
  }
});

Deno.test("what is executed as a constant text is looked at as a statement of the block, in order", async () => {
  const sql = `do $do$ begin
    execute 'create table public.a (id int)';
    alter table public.a add primary key (id);
    execute 'alter table public.a disable row level security';
  end $do$;`;
  assert.deepEqual(await lint(/^(?:rls-disabled|table-without-primary-key)$/, sql), [
    "rls-disabled: Row level security of public.a is turned off",
  ]);
});

Deno.test("row level security that is turned off by name is off, whatever was put together before", async () => {
  assert.deepEqual(
    await lint(
      /^table-without-rls$/,
      table("notes"),
      toEach("alter table public.%I enable row level security"),
      "alter table public.notes disable row level security;",
    ),
    ["table-without-rls: The table public.notes has no row level security"],
  );
});

Deno.test("default privileges that are put together while it runs are about what comes later", async () => {
  const sql =
    "do $$ begin execute format('alter default privileges in schema %I grant select on tables to anon', 'public'); end $$;";
  assert.deepEqual(await lint(/^table-without-grant$/, sql, table("late")), []);
});

Deno.test("what is dropped, renamed or retyped by a text that is put together is not known any more", async () => {
  const kinds = /^(?:made-twice|table-without-rls|type-change-rewrites|auth-trigger-not-definer)$/;
  const made = table("notes") + "create index i on public.notes (owner);";
  assert.deepEqual(await lint(kinds, made, toEach("alter table public.%I set schema app")), []);
  assert.deepEqual(
    await lint(
      kinds,
      "create table app.notes (id int primary key, body text);",
      toEach("alter table app.%I drop column body"),
      "alter table app.notes add column body text;",
    ),
    [],
  );
});
